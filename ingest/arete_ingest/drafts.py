"""The channel sums of a model while it is read: drafts, of which some become part of later ones or are not needed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import torch.fx

from arete_ingest.channel_maps import ChannelMap, Producer, Segment
from arete_ingest.folding import Folding
from arete_ingest.layer_graph import ChannelSum, Term


@dataclass
class Draft:
    """A channel sum while the model is read.

    Attributes:
        node: The operation that makes it.
        name: Unique in the model.
        out_channels: Channels that it makes.
        terms: What is added.
        reached: The shown layers that its inputs come from, through sums that are not shown.
    """

    node: torch.fx.Node
    name: str
    out_channels: int
    terms: list[Term]
    reached: frozenset[int]


class Drafts:
    """All drafts, in the order of execution.

    Args:
        folding: What scales a sum's output.
        shown: The operations that make shown layers, which are never part of another sum.
    """

    def __init__(self, folding: Folding, shown: Mapping[torch.fx.Node, str]) -> None:
        self._folding = folding
        self._shown = shown
        self._drafts: list[Draft] = []
        self._at: dict[torch.fx.Node, Draft] = {}
        self._times: dict[str, int] = {}

    def at(self, node: torch.fx.Node) -> Draft | None:
        """Returns the draft that an operation makes."""
        return self._at.get(node)

    def add(self, node: torch.fx.Node, name: str, channels: int, terms: list[Term]) -> ChannelMap:
        """Adds a draft.

        Args:
            node: The operation that makes it.
            name: Its module's; made unique where a module is used more than once.
            channels: Channels that it makes.
            terms: What is added.

        Returns:
            The map of its channels.
        """
        times = self._times[name] = self._times.get(name, 0) + 1
        reached: frozenset[int] = frozenset().union(*(self.layers_behind(term.inputs) for term in terms))
        draft = Draft(node, name if times == 1 else f"{name}:{times}", channels, terms, reached)
        self._at[node] = draft
        self._drafts.append(draft)
        return (Segment(Producer("sum", len(self._drafts) - 1), 0, channels),)

    def layers_behind(self, members: ChannelMap) -> frozenset[int]:
        """Returns the shown layers that channels come from, through channel sums that are not shown."""
        found: frozenset[int] = frozenset()
        for producer in {segment.producer for segment in members}:
            if producer.kind == "layer":
                found |= {producer.index}
            elif producer.kind == "sum":
                found |= self._drafts[producer.index].reached
        return found

    def finished(self, layers: Iterable[ChannelMap]) -> tuple[tuple[ChannelSum, ...], dict[int, int]]:
        """Drops the sums that no shown layer depends on (a gate's, an absorbed one), and folds signs into the rest.

        Args:
            layers: What the shown layers' channels are made of.

        Returns:
            The sums in the order of execution, and their numbers by those they had while reading.
        """
        needed: set[int] = set()
        pending = [segment.producer for members in layers for segment in members]
        while pending:
            producer = pending.pop()
            if producer.kind == "sum" and producer.index not in needed:
                needed.add(producer.index)
                draft = self._drafts[producer.index]
                pending += [segment.producer for term in draft.terms for segment in term.inputs]
        number = {old: new for new, old in enumerate(sorted(needed))}
        sums = []
        for old, new in number.items():
            draft = self._drafts[old]
            shown = draft.node in self._shown
            norms, sign = self._folding.sign_behind(draft.node, draft.out_channels, shown=shown)
            terms = tuple(replace(term, inputs=renumbered(term.inputs, number)) for term in draft.terms)
            sums.append(ChannelSum(new, draft.name, draft.out_channels, terms, sign, norms))
        return tuple(sums), number


def renumbered(channel_map: ChannelMap, number: Mapping[int, int]) -> ChannelMap:
    """Returns a map that names sums by their new numbers."""
    return tuple(
        segment._replace(producer=Producer("sum", number[segment.producer.index]))
        if segment.producer.kind == "sum"
        else segment
        for segment in channel_map
    )
