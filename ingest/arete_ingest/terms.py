"""Counts what each channel sum of a traced model adds up, while the model runs.

A sum of one convolution is counted as soon as the convolution's input is there. Where several things are added (a
residual block), each term's strongest candidates are kept until the addition, where the strongest of all are picked
(`influences.merged`): no candidate beyond a term's own k strongest can be among the k strongest of the sum.

Sums with no more candidates than are counted (a first layer, depthwise convolutions) count every candidate in every
image, so that nothing is computed; their input is only checked.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
import torch.fx
from torch import Tensor

from arete_ingest.certificate import NotFiniteInputError
from arete_ingest.execution import NotFiniteError, require_finite
from arete_ingest.influences import ConvKernel, Strongest, merged, passed
from arete_ingest.layer_graph import ChannelSum, LayerGraph, Term


class _Watched(NamedTuple):
    """What is to be looked at when a node is about to run."""

    total: ChannelSum
    place: int  # of the term in its sum
    term: Term
    counted: bool


class TermCounting:
    """A model's channel sums, laid out for counting.

    Args:
        graph: The traced model.
        module: Its operations, on the device and of the type.
        influence_k: Candidates that count for each output channel.
        dtype: Of the module's numbers.
        device: Where it runs.
        memory_bytes: About how much memory one piece of work may take.
        fast: Whether fast kernels may be used where there are some; plain torch otherwise.

    Attributes:
        watched: What is looked at, by the name of the fx node that is about to run.
    """

    def __init__(
        self,
        graph: LayerGraph,
        module: torch.fx.GraphModule,
        influence_k: int,
        *,
        dtype: torch.dtype,
        device: torch.device,
        memory_bytes: int,
        fast: bool = True,
    ) -> None:
        modules = dict(module.named_modules())
        self.influence_k = influence_k
        self.watched: dict[str, list[_Watched]] = {}
        self.kernels: dict[tuple[int, int], ConvKernel] = {}
        self.scales: dict[tuple[int, int], Tensor] = {}
        for total in graph.sums:
            counted = total.candidates > influence_k
            sign = torch.from_numpy(total.sign).double()
            for place, term in enumerate(total.terms):
                watched = _Watched(total, place, term, counted)
                self.watched.setdefault(term.node, []).append(watched)
                if not counted:
                    continue
                scale = sign * (torch.from_numpy(term.scale) if len(total.terms) > 1 else 1.0)
                if term.kind == "passed":
                    self.scales[total.index, place] = scale.to(device, dtype)
                else:
                    self.kernels[total.index, place] = ConvKernel(
                        modules[term.module], scale, dtype=dtype, device=device, memory_bytes=memory_bytes,
                        added=len(total.terms) > 1, fast=fast,
                    )  # fmt: skip

    def begin(self) -> "TermBatch":
        """Returns what takes up one batch."""
        return TermBatch(self)


class TermBatch:
    """The strongest candidates that one forward pass finds.

    Attributes:
        inputs: Per sum that is counted, the candidates (image, out_channel, k), once its last term was seen.
    """

    def __init__(self, counting: TermCounting) -> None:
        self.inputs: dict[int, Tensor] = {}
        self._counting = counting
        self._waiting: dict[int, dict[int, Strongest]] = {}

    def before(self, node: torch.fx.Node, args: Sequence[Any]) -> None:
        """Looks at what a node is about to read.

        Args:
            node: One of `TermCounting.watched`.
            args: Its arguments.

        Raises:
            NotFiniteError: If it holds NaN or infinity.
        """
        for watched in self._counting.watched[node.name]:
            value: Tensor = args[watched.term.operand]
            if watched.counted:
                self._count(watched, value)
            else:
                require_finite(value, watched.total.name, "the input")

    def _count(self, watched: _Watched, value: Tensor) -> None:
        key = (watched.total.index, watched.place)
        k = self._counting.influence_k
        if watched.term.kind == "passed":
            require_finite(value, watched.total.name, "the input")
            maps = value.permute(0, 3, 1, 2) if watched.term.channel_axis == 3 else value
            found = passed(maps, self._counting.scales[key])
        else:
            try:
                found = self._counting.kernels[key].strongest(value, k)
            except NotFiniteInputError as error:
                raise NotFiniteError(watched.total.name, error.image, "the input") from error
        if len(watched.total.terms) == 1:
            self.inputs[watched.total.index] = found.inputs
            return
        waiting = self._waiting.setdefault(watched.total.index, {})
        waiting[watched.place] = found
        if len(waiting) == len(watched.total.terms):
            offsets = [sum(term.candidates for term in watched.total.terms[:place]) for place in range(len(waiting))]
            parts = [waiting[place] for place in range(len(waiting))]
            self.inputs[watched.total.index] = merged(parts, offsets, k)
            del self._waiting[watched.total.index]
