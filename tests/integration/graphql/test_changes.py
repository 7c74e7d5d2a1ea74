"""Mutations on the real database: groups, labels, exclusions, and who may change them."""

from collections.abc import Iterator
from typing import Any

import pytest

from arete_queries import reads

pytestmark = pytest.mark.integration

GROUP = "{ id runId name classCount classIds classes(first: 1) { totalCount nodes { id } pageInfo { hasNextPage } } }"


@pytest.fixture
def change(service: Any) -> Iterator[Any]:
    """Returns a function that sends a mutation with the token and gives its data; groups are deleted afterwards."""
    yield lambda query, **variables: service.data(query, token=True, **variables)
    for group in service.read(reads.list_groups, "demo"):
        service.read(reads.delete_group, group.id)


def test_a_group_is_made_changed_and_deleted(service: Any, change: Any) -> None:
    make = (
        "mutation($classes: [ID!]!, $replace: Boolean! = false) { "
        f'createGroup(run: "demo", name: "pets", classes: $classes, replace: $replace) {GROUP} }}'
    )
    made = change(make, classes=["demo/3", "demo/1"])["createGroup"]
    assert made == {
        "id": "demo/pets",
        "runId": "demo",
        "name": "pets",
        "classCount": 2,
        "classIds": ["demo/1", "demo/3"],
        "classes": {"totalCount": 2, "nodes": [{"id": "demo/1"}], "pageInfo": {"hasNextPage": True}},
    }
    assert change(make, classes=["demo/1", "demo/3"])["createGroup"] == made
    answer = service.ask(make, token=True, classes=["demo/2"])
    assert answer["errors"][0]["extensions"]["code"] == "BAD_INPUT"
    assert service.data('{ run(id: "demo") { groups { id classIds } } }')["run"]["groups"] == [
        {"id": "demo/pets", "classIds": ["demo/1", "demo/3"]}
    ]

    update = (
        "mutation($add: [ID!], $remove: [ID!]) { "
        'updateGroup(group: "demo/pets", add: $add, remove: $remove) { classIds } }'
    )
    for _ in range(2):
        changed = change(update, add=["demo/0"], remove=["demo/3"])["updateGroup"]
        assert changed == {"classIds": ["demo/0", "demo/1"]}
    for add, remove, code in (
        (["demo/99"], [], "NOT_FOUND"),
        (["demo-2/0"], [], "BAD_INPUT"),
        (["demo/0"], ["demo/0"], "BAD_INPUT"),
    ):
        answer = service.ask(update, token=True, add=add, remove=remove)
        assert answer["errors"][0]["extensions"]["code"] == code
    assert service.data('{ group(id: "demo/pets") { classIds } }')["group"] == {"classIds": ["demo/0", "demo/1"]}
    assert change(make, classes=["demo/pets", "demo/5"], replace=True)["createGroup"]["classIds"] == [
        "demo/0",
        "demo/1",
        "demo/5",
    ]

    delete = 'mutation { deleteGroup(group: "demo/pets") { id deleted } }'
    assert change(delete)["deleteGroup"] == {"id": "demo/pets", "deleted": True}
    assert change(delete)["deleteGroup"] == {"id": "demo/pets", "deleted": False}
    assert service.error('{ group(id: "demo/pets") { id } }')["extensions"]["code"] == "NOT_FOUND"


def test_a_group_stands_for_its_classes(service: Any, change: Any) -> None:
    change('mutation { createGroup(run: "demo", name: "pets", classes: ["demo/1", "demo/3"]) { id } }')
    by_class, by_group = (
        service.data(
            "query($of: [ID!]!) { overlap(a: $of) { a { id } vertices { channel { id } classesA } } "
            "motifs(classes: $of, pattern: PATH_2) { found } sharedPath(classes: $of) { support } "
            'matrix(layer: "demo/block2", rows: $of, first: 3) { rows { id } values } }',
            of=of,
        )
        for of in (["demo/1", "demo/3"], ["demo/pets"])
    )
    assert by_class == by_group
    assert [one["id"] for one in by_group["overlap"]["a"]] == ["demo/1", "demo/3"]


def test_a_label_is_given_found_and_taken_away(service: Any, change: Any) -> None:
    label = 'mutation($label: String) { labelChannel(channel: "demo/block1/3", label: $label) { id label } }'
    for given, kept in (("  striped   fur ", "striped fur"), ("striped fur", "striped fur")):
        assert change(label, label=given)["labelChannel"] == {"id": "demo/block1/3", "label": kept}
    found = service.data(
        '{ search(run: "demo", text: "fur") { hits { kind id name item { ... on Channel { label } } } } }'
    )
    assert found["search"]["hits"] == [
        {"kind": "CHANNEL", "id": "demo/block1/3", "name": "striped fur", "item": {"label": "striped fur"}}
    ]
    for bad in ("x" * 201, "a\u0000b"):
        assert service.ask(label, token=True, label=bad)["errors"][0]["extensions"]["code"] == "BAD_INPUT"
    assert change(label, label="")["labelChannel"]["label"] is None
    assert service.data('{ search(run: "demo", text: "fur") { hits { id } } }')["search"]["hits"] == []
    answer = service.ask(label.replace("block1", "blck1"), token=True)
    assert answer["errors"][0]["extensions"]["code"] == "NOT_FOUND"


def test_channels_are_excluded_and_taken_in_again(service: Any, change: Any) -> None:
    exclude = (
        'mutation($ids: [ID!]!) { excludeChannels(channels: $ids, reason: "border") '
        "{ run { id } changed { id excluded excludedReason } excluded classesToRank } }"
    )
    ids = ["demo/block2/1", "demo/block1/2"]  # the second one is excluded already
    made = change(exclude, ids=ids)["excludeChannels"]
    assert made["run"] == {"id": "demo"}
    assert made["changed"] == [{"id": "demo/block2/1", "excluded": True, "excludedReason": "border"}]
    assert made["excluded"] == ["demo/block1/2", "demo/block2/1"]
    wait_for_ranks(service)
    again = change(exclude, ids=ids)["excludeChannels"]
    assert (again["changed"], again["excluded"]) == ([], made["excluded"])
    state = service.data('{ run(id: "demo") { excludedChannels { totalCount channels { id } } } }')["run"]
    assert state["excludedChannels"] == {"totalCount": 2, "channels": [{"id": id_} for id_ in made["excluded"]]}
    kept = service.data('{ class(id: "demo/0") { graph { vertices { channel { id } } } } }')["class"]["graph"]
    assert "demo/block2/1" not in {vertex["channel"]["id"] for vertex in kept["vertices"]}

    include = 'mutation { includeChannels(channels: ["demo/block2/1"]) { changed { id excluded } excluded } }'
    assert change(include)["includeChannels"] == {
        "changed": [{"id": "demo/block2/1", "excluded": False}],
        "excluded": ["demo/block1/2"],
    }
    wait_for_ranks(service)
    for ids, code in (
        (["demo/block9/1"], "NOT_FOUND"),
        (["nonsense"], "NOT_FOUND"),
        ([], "BAD_INPUT"),
        (["demo/block1/1", "demo-2/block1/1"], "BAD_INPUT"),
    ):
        assert service.ask(exclude, token=True, ids=ids)["errors"][0]["extensions"]["code"] == code


def wait_for_ranks(service: Any) -> None:
    """Asks until nothing is left to be ranked; a hang ends with the test's own timeout."""
    while service.read(reads.exclusion_state, "demo").classes_to_rank:
        pass


@pytest.mark.parametrize(
    "mutation",
    [
        'createGroup(run: "demo", name: "x", classes: ["demo/0"]) { id }',
        'updateGroup(group: "demo/x") { id }',
        'deleteGroup(group: "demo/x") { id }',
        'labelChannel(channel: "demo/block1/3", label: "x") { id }',
        'excludeChannels(channels: ["demo/block1/3"]) { classesToRank }',
        'includeChannels(channels: ["demo/block1/3"]) { classesToRank }',
    ],
)
def test_nothing_is_changed_without_the_token(service: Any, mutation: str) -> None:
    answer = service.ask(f"mutation {{ {mutation} }}")
    assert answer["errors"][0]["extensions"]["code"] == "UNAUTHORIZED"
    assert service.read(reads.list_groups, "demo") == ()
    assert service.read(reads.get_channel, "demo/block1/3").label is None
