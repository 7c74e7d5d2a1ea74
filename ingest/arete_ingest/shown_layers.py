"""Which tensors of a model are shown layers, and what they are called.

Candidates are every convolution, concatenation and addition. Without the user's word the shown ones are those that
every path from the input to the output crosses (articulation points of the dataflow): each convolution of a plain
chain, each Inception block's concatenation, each residual block's sum. Two rules make that fit what people call a
layer:

- *Dense blocks.* Where such a concatenation joins convolutions of which one was computed from another, each of them is
  shown, and the concatenation, which adds nothing to them, is not (DenseNet).
- *Blocks without a join.* Where some blocks of a class end in an addition or concatenation and others, which change
  the size, do not (MobileNet's inverted residuals), the others are shown by their output too, not by each convolution.

With `--layers`, patterns choose among the names of these layers; a pattern that fits none of them is tried on all
candidates.
"""

import difflib
import fnmatch
from collections.abc import Mapping, Sequence, Set

import torch.fx
from torch import nn

from arete_core.errors import ModelError
from arete_ingest.dataflow import crossed_by_every_path, is_tensor, module_stack, owner_of
from arete_ingest.operations import CONV_MODULES, ELEMENTWISE, Kind, concatenated, is_spatial

_JOINS = frozenset({Kind.CONCAT, Kind.ADD})


class ShownLayers:
    """Decides which nodes are shown.

    Args:
        nodes: All nodes, in the order of execution, with shapes.
        kinds: Their kinds.
        modules: The model's modules by qualified name.
        patterns: Names or patterns as `fnmatch` takes them; None for the layers that are shown by themselves.

    Attributes:
        names: Unique name of each shown node.
        unshown: Names of the candidates that are not shown, in the order of execution.

    Raises:
        ModelError: If a pattern fits nothing.
    """

    def __init__(
        self,
        nodes: Sequence[torch.fx.Node],
        kinds: Mapping[torch.fx.Node, Kind],
        modules: Mapping[str, nn.Module],
        patterns: Sequence[str] | None = None,
    ) -> None:
        self._kinds = kinds
        self._modules = modules
        candidates = [node for node in nodes if kinds[node] in (Kind.CONV, *_JOINS) and is_spatial(node)]
        automatic = self._automatic(nodes, candidates)
        used: dict[str, int] = {}

        def unique(name: str) -> str:
            times = used[name] = used.get(name, 0) + 1
            return name if times == 1 else f"{name}:{times}"

        names = {node: unique(automatic[node]) for node in candidates if node in automatic}
        others = {node: unique(self._name(node)) for node in candidates if node not in automatic}
        if patterns is not None:
            chosen = _chosen(patterns, names, others)
            names, others = (
                {node: name for node, name in {**names, **others}.items() if (node in chosen) is wanted}
                for wanted in (True, False)
            )
        self.names: dict[torch.fx.Node, str] = names
        self.unshown = tuple(others[node] for node in candidates if node in others)

    def _automatic(
        self, nodes: Sequence[torch.fx.Node], candidates: Sequence[torch.fx.Node]
    ) -> dict[torch.fx.Node, str]:
        crossed = crossed_by_every_path(list(nodes))
        dense, dense_joins = self._dense(nodes, crossed & set(candidates))
        shown = {
            node: self._block_name(node) if node in dense else self._name(node)
            for node in candidates
            if (node in crossed or node in dense) and node not in dense_joins
        }
        for block, members in self._blocks_without_join(shown).items():
            for node in members[:-1]:
                del shown[node]
            shown[members[-1]] = block
        return shown

    def _dense(
        self, nodes: Sequence[torch.fx.Node], crossed: Set[torch.fx.Node]
    ) -> tuple[set[torch.fx.Node], set[torch.fx.Node]]:
        """Finds the convolutions of dense blocks and the concatenations that join them."""
        ancestors: dict[torch.fx.Node, int] = {}  # one bit a node
        bit = {node: 1 << position for position, node in enumerate(nodes)}
        for node in nodes:
            ancestors[node] = 0
            for source in node.all_input_nodes:
                ancestors[node] |= ancestors[source] | bit[source]
        dense: set[torch.fx.Node] = set()
        joins: set[torch.fx.Node] = set()
        for join in crossed:
            if self._kinds[join] is Kind.CONCAT:
                makers = [self._maker(part) for part in concatenated(join)]
                convs = [maker for maker in makers if self._kinds[maker] is Kind.CONV and maker not in crossed]
                if any(ancestors[one] & bit[other] for one in convs for other in convs):
                    dense |= set(convs)
                    joins.add(join)
        return dense, joins

    def _maker(self, node: torch.fx.Node) -> torch.fx.Node:
        while self._kinds[node] in ELEMENTWISE:
            node = next(source for source in node.all_input_nodes if is_tensor(source))
        return node

    def _blocks_without_join(self, shown: Mapping[torch.fx.Node, str]) -> dict[str, list[torch.fx.Node]]:
        """Finds the blocks that hold several shown convolutions and no join, of classes that join elsewhere."""
        joining: set[type] = set()
        with_join: set[str] = set()
        for node in shown:
            if self._kinds[node] in _JOINS:
                stack = module_stack(node)
                with_join |= {name for name, _ in stack}
                if len(stack) > 1 and not isinstance(self._modules.get(stack[-1][0]), nn.Sequential):
                    joining.add(stack[-1][1])
        blocks: dict[str, list[torch.fx.Node]] = {}
        for node in shown:
            if self._kinds[node] is Kind.CONV:
                inside = [name for name, class_ in module_stack(node) if class_ in joining and name not in with_join]
                if inside:
                    blocks.setdefault(inside[0], []).append(node)
        return blocks

    def _name(self, node: torch.fx.Node) -> str:
        return _conv_name(str(node.target), self._modules) if self._kinds[node] is Kind.CONV else owner_of(node)

    def _block_name(self, node: torch.fx.Node) -> str:
        """Returns the name of the innermost module around a convolution that is more than a list of modules."""
        around = [name for name, _ in module_stack(node)[:-1] if name]
        blocks = [name for name in around if not isinstance(self._modules[name], nn.Sequential)]
        return blocks[-1] if blocks else str(node.target)


def _chosen(
    patterns: Sequence[str], automatic: Mapping[torch.fx.Node, str], others: Mapping[torch.fx.Node, str]
) -> set[torch.fx.Node]:
    chosen: set[torch.fx.Node] = set()
    for pattern in patterns:
        for names in (automatic, others):
            found = {node for node, name in names.items() if fnmatch.fnmatchcase(name, pattern)}
            if found:
                chosen |= found
                break
        else:
            known = [*automatic.values(), *others.values()]
            near = difflib.get_close_matches(pattern, known, n=4, cutoff=0.4) or list(automatic.values())[:6]
            raise ModelError(
                f"no layer of the model is called {pattern!r}",
                hint=f"the nearest are {', '.join(near)}; `arete ingest --dry-run` lists all of them",
            )
    return chosen


def _conv_name(name: str, modules: Mapping[str, nn.Module]) -> str:
    """Names a convolution by the block around it where it is the only one there, alone or with its normalization."""
    block = name.rpartition(".")[0]
    if "." not in name or sum(isinstance(module, CONV_MODULES) for module in modules[block].modules()) > 1:
        return name
    return block
