"""How many objects a GraphQL document may return: the product of the lists that it nests, before it runs.

A field that holds an object counts 1 plus what is asked of it; a list counts so often as it may have items: its
argument `first` where it takes one, the ids given where it is asked about several, else `LIST_SIZE`. Scalars are free.
Each fragment is measured once, so that the measure takes time proportional to the document.
"""

from collections.abc import Mapping
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLInputType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
    is_composite_type,
)

from arete_core.errors import BadInput
from arete_graphql.settings import Limits
from arete_queries.arguments import MAX_FIRST

LIST_SIZE = 10
"""Items reckoned for a list that takes no `first`: layers of a run, tiles, parts of a graph, which is read as one."""
_OWN_COUNTS = {("Instances", "images"): 500, ("Run", "instances"): 1}
"""Items reckoned for a list that may be much longer, and for an object as large however many it is asked for."""
_PAGE = "Connection"
"""Types so named hold the list that their field's `first` counted already."""
_FIRST = "first"


def measure_cost(schema: GraphQLSchema, document: DocumentNode, variables: Mapping[str, Any]) -> int:
    """Reckons how many objects a document may return.

    Args:
        schema: What it asks; fields that are not in it count nothing, validation refuses them later.
        document: As parsed.
        variables: As sent; a value that no list could have counts as the largest allowed one.

    Returns:
        The sum over its operations; 0 where it asks for scalars alone.
    """
    return _Measure(schema, document, variables).total()


def check_cost(found: int, limits: Limits) -> None:
    """Checks what a document may return.

    Args:
        found: How many objects.
        limits: `cost` is looked at.

    Raises:
        BadInput: If there are more.
    """
    if found > limits.cost:
        raise BadInput(
            f"the query may return {found:,} objects, {limits.cost:,} are allowed",
            hint="ask for fewer items of nested lists with `first`, or split the query",
        )


class _Measure:
    def __init__(self, schema: GraphQLSchema, document: DocumentNode, variables: Mapping[str, Any]) -> None:
        self._schema = schema
        self._variables = variables
        self._document = document
        self._fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self._measured: dict[str, int] = {}

    def total(self) -> int:
        return sum(
            self._selections(node.selection_set, self._schema.get_root_type(node.operation))
            for node in self._document.definitions
            if isinstance(node, OperationDefinitionNode)
        )

    def _selections(self, selection_set: SelectionSetNode | None, type_: GraphQLNamedType | None) -> int:
        cost = 0
        for node in selection_set.selections if selection_set else ():
            if isinstance(node, FieldNode):
                cost += self._field(node, type_)
            elif isinstance(node, InlineFragmentNode):
                inner = self._schema.get_type(node.type_condition.name.value) if node.type_condition else type_
                cost += self._selections(node.selection_set, inner)
            elif isinstance(node, FragmentSpreadNode):
                cost += self._fragment(node.name.value)
        return cost

    def _fragment(self, name: str) -> int:
        fragment = self._fragments.get(name)
        if fragment is not None and name not in self._measured:
            self._measured[name] = 0  # ends the walk where a fragment spreads itself
            type_ = self._schema.get_type(fragment.type_condition.name.value)
            self._measured[name] = self._selections(fragment.selection_set, type_)
        return self._measured.get(name, 0)

    def _field(self, node: FieldNode, parent: GraphQLNamedType | None) -> int:
        if not isinstance(parent, GraphQLObjectType | GraphQLInterfaceType):
            return 0
        field = parent.fields.get(node.name.value)
        if field is None:  # an introspection field, or none at all
            return 0
        type_ = get_named_type(field.type)
        if not is_composite_type(type_):
            return 0
        inner = self._selections(node.selection_set, type_)
        items = self._items(node, field, in_page=parent.name.endswith(_PAGE))
        return _OWN_COUNTS.get((parent.name, node.name.value), items) * (1 + inner)

    def _items(self, node: FieldNode, field: GraphQLField, *, in_page: bool) -> int:
        given = {argument.name.value: argument.value for argument in node.arguments or ()}
        items = 1
        if _FIRST in field.args:
            items = self._number(given.get(_FIRST), field.args[_FIRST].default_value)
        elif _is_list(field.type) and not in_page:
            items = LIST_SIZE
        for name, argument in field.args.items():
            if _is_list(argument.type):
                items = max(items, self._length(given.get(name)))
        return items

    def _number(self, value: object, default: object) -> int:
        if isinstance(value, IntValueNode):
            # A number of thousands of digits is no number of items, and slow to read.
            return min(max(int(value.value[:9]), 0), MAX_FIRST) if len(value.value) < 10 else MAX_FIRST
        if isinstance(value, VariableNode):
            default = self._variables.get(value.name.value, self._default_of(value.name.value))
        return min(max(default, 0), MAX_FIRST) if type(default) is int else MAX_FIRST

    def _default_of(self, variable: str) -> int | None:
        for operation in self._document.definitions:
            if isinstance(operation, OperationDefinitionNode):
                for defined in operation.variable_definitions or ():
                    if defined.variable.name.value == variable and isinstance(defined.default_value, IntValueNode):
                        return self._number(defined.default_value, None)
        return None

    def _length(self, value: object) -> int:
        if isinstance(value, ListValueNode):
            return len(value.values)
        if isinstance(value, VariableNode):
            given = self._variables.get(value.name.value)
            return len(given) if isinstance(given, list) else 1
        return 1


def _is_list(type_: GraphQLOutputType | GraphQLInputType) -> bool:
    return isinstance(get_nullable_type(type_), GraphQLList)
