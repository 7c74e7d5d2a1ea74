"""What the API answers, against the run folder that was loaded and against the reads that it calls."""

import re
import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from arete_queries import reads
from arete_queries.comparison_results import SetOperation
from arete_queries.results import ChannelInfo, ClassInfo, ClassOrder

pytestmark = pytest.mark.integration

CHANNEL = "{ id layerId layer layerIndex index label excluded picture { url tiles tilePx } }"
CLASS = "{ id key index name kind images failed accuracy histogram mass edgeCount droppedShare runId }"


def channel_json(info: ChannelInfo) -> dict[str, Any]:
    """What the API must say of a channel."""
    picture = None
    if info.picture_hash:
        picture = {
            "url": f"/images/{info.run}/examples/{info.layer_index}-{info.index}.webp?v={info.picture_hash}",
            "tiles": info.picture_tiles,
            "tilePx": info.picture_tile_px,
        }
    return {
        "id": info.id,
        "layerId": info.id.rpartition("/")[0],
        "layer": info.layer,
        "layerIndex": info.layer_index,
        "index": info.index,
        "label": info.label,
        "excluded": info.excluded,
        "picture": picture,
    }


def class_json(info: ClassInfo) -> dict[str, Any]:
    """What the API must say of a class."""
    return {
        "id": info.id,
        "key": info.key,
        "index": info.index,
        "name": info.name,
        "kind": info.kind.name,
        "images": info.images,
        "failed": info.failed,
        "accuracy": info.accuracy,
        "histogram": None if info.histogram is None else list(info.histogram),
        "mass": info.mass,
        "edgeCount": info.edge_count,
        "droppedShare": info.dropped_share,
        "runId": info.run,
    }


def test_runs_are_those_loaded_and_keep_their_folder_to_themselves(service: Any) -> None:
    fields = "{ id name model dataset images imageSize classCount channelCount device createdAt }"
    runs = {run["id"]: run for run in service.data(f"{{ runs {fields} }}")["runs"]}
    manifest = service.folder.manifest
    assert runs["demo"] == {
        "id": "demo",
        "name": manifest.name,
        "model": manifest.model.name,
        "dataset": manifest.dataset.name,
        "images": manifest.dataset.images,
        "imageSize": manifest.model.image_size,
        "classCount": 8,
        "channelCount": service.folder.table("channels").num_rows,
        "device": "cpu",
        "createdAt": manifest.created_at,
    }
    assert runs["demo-2"]["classCount"] == 2
    assert service.data(f'{{ run(id: "demo") {fields} }}')["run"] == runs["demo"]
    everything = service.http.post("/graphql", json={"query": f"{{ runs {fields} }}"}).text
    assert str(service.folder.path) not in everything


def test_layers_are_those_of_the_run_folder(service: Any) -> None:
    layers = service.data('{ run(id: "demo") { layers { id name index kind channelCount height width parents } } }')[
        "run"
    ]["layers"]
    rows = service.folder.table("layers").to_pylist()
    names = [row["name"] for row in rows]
    assert layers == [
        {
            "id": f"demo/{row['name']}",
            "name": row["name"],
            "index": row["layer"],
            "kind": row["kind"],
            "channelCount": row["channels"],
            "height": row["height"],
            "width": row["width"],
            "parents": [f"demo/{names[parent]}" for parent in row["parents"]],
        }
        for row in rows
    ]


def pages(fetch: Callable[[str | None], dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Follows a list to its end."""
    after = None
    while True:
        page = fetch(after)
        yield page
        if not page["pageInfo"]["hasNextPage"]:
            return
        after = page["pageInfo"]["endCursor"]


def test_channels_come_by_pages_each_once(service: Any) -> None:
    query = f"""query($after: String) {{ run(id: "demo") {{ layers {{ index channels(first: 4, after: $after) {{
        totalCount nodes {CHANNEL} pageInfo {{ hasNextPage endCursor }} }} }} }} }}"""
    start = service.data(query)["run"]["layers"]
    assert [layer["channels"]["totalCount"] for layer in start] == [6, 8, 10, 7]
    # A cursor continues one layer's list, and is refused by the others'.
    after = start[2]["channels"]["pageInfo"]["endCursor"]
    answer = service.ask(query, after=after)
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"BAD_INPUT"}

    whole = service.data(query.replace("first: 4", "first: 500"))["run"]["layers"]
    assert [node["index"] for node in whole[2]["channels"]["nodes"]] == list(range(10))
    assert not any(layer["channels"]["pageInfo"]["hasNextPage"] for layer in whole)
    assert [node["id"] for layer in whole for node in layer["channels"]["nodes"] if node["excluded"]] == [
        "demo/block1/2"
    ]
    expected = service.read(reads.list_channels, "demo/block2", 500)
    assert whole[2]["channels"]["nodes"] == [channel_json(info) for info in expected.items]


@pytest.mark.parametrize("sort", [order for order in ClassOrder if order is not ClassOrder.SIMILARITY])
def test_classes_come_by_pages_in_the_order_of_the_read(service: Any, sort: ClassOrder) -> None:
    query = f"""query($after: String, $sort: ClassOrder!) {{ run(id: "demo") {{
        classes(first: 3, after: $after, sort: $sort) {{
            totalCount nodes {CLASS} pageInfo {{ hasNextPage endCursor }} }} }} }}"""
    found = list(pages(lambda after: service.data(query, after=after, sort=sort.name)["run"]["classes"]))
    assert [len(page["nodes"]) for page in found] == [3, 3, 2]
    assert {page["totalCount"] for page in found} == {8}
    expected = service.read(reads.list_classes, "demo", order=sort, first=500)
    assert [node for page in found for node in page["nodes"]] == [class_json(info) for info in expected.items]


def test_classes_are_those_of_the_run_folder(service: Any) -> None:
    nodes = service.data(f'{{ run(id: "demo") {{ classes {{ nodes {CLASS} }} }} }}')["run"]["classes"]["nodes"]
    rows = service.folder.table("classes").to_pylist()
    assert [(node["index"], node["name"], node["images"], node["accuracy"], node["histogram"]) for node in nodes] == [
        (row["class"], row["name"], row["images"], row["accuracy"], row["histogram"]) for row in rows
    ]
    assert any(node["accuracy"] is None and node["histogram"] is None for node in nodes)


def test_search_finds_by_part_of_the_name_in_any_case(service: Any) -> None:
    query = 'query($s: String) { run(id: "demo") { classes(search: $s) { totalCount nodes { name } } } }'

    def found(text: str | None) -> set[str]:
        return {node["name"] for node in service.data(query, s=text)["run"]["classes"]["nodes"]}

    assert found("BEAR") == {"black bear", "Brown Bear", "polar bear"}
    assert found("ÜBER") == {"übersee"}
    assert found("'") == {"O'Hara's cat"}
    assert found("no such name") == set()
    assert len(found("")) == len(found(None)) == 8
    assert found("' OR 1=1 //") == found("`") == found(".*") == set()


GRAPH = f"""query($id: ID!, $mass: Float, $minShare: Float! = 0) {{ class(id: $id) {{
    graph(mass: $mass, minShare: $minShare) {{
        class {CLASS} mass cypher
        vertices {{ channel {CHANNEL} count share rank }}
        edges {{ source target count share }} }} }} }}"""


@pytest.mark.parametrize(("mass", "min_share"), [(None, 0.0), (0.3, 0.0), (1.0, 0.0), (0.5, 0.1)])
def test_graph_is_that_of_the_read(service: Any, mass: float | None, min_share: float) -> None:
    graph = service.data(GRAPH, id="demo/3", mass=mass, minShare=min_share)["class"]["graph"]
    expected = service.read(reads.class_graph, "demo/3", mass=mass, min_share=min_share)
    assert expected.vertices
    assert expected.edges
    images = expected.class_.images
    assert graph == {
        "class": class_json(expected.class_),
        "mass": expected.mass,
        "vertices": [
            {
                "channel": channel_json(vertex.channel),
                "count": vertex.count,
                "share": vertex.count / images,
                "rank": vertex.rank,
            }
            for vertex in expected.vertices
        ],
        "edges": [
            {"source": edge.source, "target": edge.target, "count": edge.count, "share": edge.count / images}
            for edge in expected.edges
        ],
        "cypher": expected.cypher,
    }


def test_the_whole_graph_holds_the_counts_of_the_run_folder(service: Any) -> None:
    graph = service.data(GRAPH, id="demo/2", mass=1.0)["class"]["graph"]
    names = service.folder.table("layers").column("name").to_pylist()
    counted = {
        f"demo/{names[row['layer']]}/{row['channel']}": row["count"]
        for row in service.folder.table("activations").to_pylist()
        if row["class"] == 2
    }
    influences = {
        (
            f"demo/{names[row['source_layer']]}/{row['source_channel']}",
            f"demo/{names[row['target_layer']]}/{row['target_channel']}",
        ): row["count"]
        for row in service.folder.table("influences").to_pylist()
        if row["class"] == 2
    }
    excluded = "demo/block1/2"
    shown = {vertex["channel"]["id"]: vertex["count"] for vertex in graph["vertices"]}
    assert {id_: count for id_, count in shown.items() if count} == {
        id_: count for id_, count in counted.items() if id_ != excluded
    }
    assert {(edge["source"], edge["target"]): edge["count"] for edge in graph["edges"]} == {
        ends: count for ends, count in influences.items() if excluded not in ends
    }


OVERLAP = "layers { layer layerIndex onlyA shared onlyB jaccard weightedJaccard }"
COMPARE = f"""query($a: ID!, $b: ID!, $operation: SetOperation!, $mass: Float, $minShare: Float! = 0) {{
    compare(a: $a, b: $b, operation: $operation, mass: $mass, minShare: $minShare) {{
        a {CLASS} b {CLASS} operation massA massB cypher {OVERLAP}
        vertices {{ channel {CHANNEL} membership countA countB rankA rankB }}
        edges {{ source target membership countA countB }} }} }}"""


@pytest.mark.parametrize("operation", list(SetOperation))
@pytest.mark.parametrize(("mass", "min_share"), [(None, 0.0), (0.4, 0.05)])
def test_comparison_is_that_of_the_read(
    service: Any, operation: SetOperation, mass: float | None, min_share: float
) -> None:
    found = service.data(COMPARE, a="demo/0", b="demo/2", operation=operation.name, mass=mass, minShare=min_share)[
        "compare"
    ]
    expected = service.read(
        reads.compare_classes, "demo/0", "demo/2", operation=operation, mass=mass, min_share=min_share
    )
    assert found == {
        "a": class_json(expected.a),
        "b": class_json(expected.b),
        "operation": operation.name,
        "massA": expected.mass_a,
        "massB": expected.mass_b,
        "cypher": expected.cypher,
        "layers": [
            {
                "layer": layer.layer,
                "layerIndex": layer.layer_index,
                "onlyA": layer.only_a,
                "shared": layer.shared,
                "onlyB": layer.only_b,
                "jaccard": layer.jaccard,
                "weightedJaccard": layer.weighted_jaccard,
            }
            for layer in expected.layers
        ],
        "vertices": [
            {
                "channel": channel_json(vertex.channel),
                "membership": vertex.membership.name,
                "countA": vertex.count_a,
                "countB": vertex.count_b,
                "rankA": vertex.rank_a,
                "rankB": vertex.rank_b,
            }
            for vertex in expected.vertices
        ],
        "edges": [
            {
                "source": edge.source,
                "target": edge.target,
                "membership": edge.membership.name,
                "countA": edge.count_a,
                "countB": edge.count_b,
            }
            for edge in expected.edges
        ],
    }


def test_the_union_is_made_of_the_other_three(service: Any) -> None:
    def parts(operation: str) -> tuple[set[str], set[tuple[str, str]]]:
        found = service.data(COMPARE, a="demo/0", b="demo/2", operation=operation, mass=0.9)["compare"]
        return (
            {vertex["channel"]["id"] for vertex in found["vertices"]},
            {(edge["source"], edge["target"]) for edge in found["edges"]},
        )

    union, both, only_a, only_b = map(parts, ("UNION", "INTERSECTION", "A_MINUS_B", "B_MINUS_A"))
    for kind in (0, 1):
        assert both[kind]
        assert only_a[kind]
        assert only_b[kind]
        assert len(both[kind]) + len(only_a[kind]) + len(only_b[kind]) == len(union[kind])
        assert both[kind] | only_a[kind] | only_b[kind] == union[kind]


def test_channel_in_class_is_that_of_the_read(service: Any) -> None:
    graph = service.data(GRAPH, id="demo/0")["class"]["graph"]
    channel = graph["edges"][0]["target"]
    neighbor = f"{{ channel {CHANNEL} count share }}"
    found = service.data(
        f"""query($c: ID!) {{ channelInClass(channel: $c, class: "demo/0", first: 2) {{
            channel {CHANNEL} class {CLASS} count share rank rankInLayer inputs {neighbor} outputs {neighbor}
            otherClasses {{ class {CLASS} count share rank }} }} }}""",
        c=channel,
    )["channelInClass"]
    expected = service.read(reads.channel_in_class, channel, "demo/0", first=2)
    images = expected.class_.images
    assert expected.inputs
    assert expected.other_classes

    def neighbors(side: Any) -> list[dict[str, Any]]:
        return [{"channel": channel_json(one.channel), "count": one.count, "share": one.count / images} for one in side]

    assert found == {
        "channel": channel_json(expected.channel),
        "class": class_json(expected.class_),
        "count": expected.count,
        "share": expected.count / images,
        "rank": expected.rank,
        "rankInLayer": expected.rank_in_layer,
        "inputs": neighbors(expected.inputs),
        "outputs": neighbors(expected.outputs),
        "otherClasses": [
            {
                "class": class_json(use.class_),
                "count": use.count,
                "share": use.count / use.class_.images,
                "rank": use.rank,
            }
            for use in expected.other_classes
        ],
    }
    assert service.data(f"query($c: ID!) {{ channel(id: $c) {CHANNEL} }}", c=channel)["channel"] == channel_json(
        expected.channel
    )


def test_a_picture_is_at_the_address_that_the_api_gives(service: Any) -> None:
    url = service.data('{ channel(id: "demo/block2/7") { picture { url } } }')["channel"]["picture"]["url"]
    answer = service.http.get(url)
    assert answer.status_code == 200
    assert answer.content == (service.folder.path / "examples" / "2-7.webp").read_bytes()
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert service.data('{ channel(id: "demo-2/block2/7") { picture { url } } }')["channel"]["picture"] is None


def test_the_examples_of_the_documentation_work(service: Any) -> None:
    text = (Path(__file__).parents[3] / "docs" / "api.md").read_text(encoding="utf-8")
    answers = []
    for command in re.findall(r"```sh\n(curl .*?)```", text, flags=re.DOTALL):
        words = shlex.split(command.replace("\\\n", " "))
        assert words[:2] == ["curl", "-s"]
        address = words[2].removeprefix("http://127.0.0.1:8700")
        options = list(zip(words[3::2], words[4::2], strict=True))
        headers = dict(
            value.replace("$ARETE_TOKEN", service.token).split(": ") for name, value in options if name == "-H"
        )
        answer = service.http.post(address, content=dict(options)["-d"], headers=headers)
        assert answer.status_code == 200
        assert "errors" not in answer.json(), answer.text
        answers.append(answer.json()["data"])
    runs, class_, compared, found, common, made = answers
    assert "demo" in {run["id"] for run in runs["runs"]}
    assert class_["class"]["graph"]["edges"]
    assert [layer["layer"] for layer in compared["compare"]["layers"]] == ["block0", "block1", "block2", "block3"]
    assert found["search"]["complete"]
    assert common["overlap"]["vertices"]
    assert made["createGroup"] == {"id": "demo/mine", "classCount": 2}
    service.read(reads.delete_group, "demo/mine")


def test_a_layer_s_embedding(service: Any) -> None:
    query = """query ($layer: ID!) { run(id: "demo") { embedding(layer: $layer) { layerId classes x y } } }"""
    found = service.data(query, layer="demo/block1")["run"]["embedding"]
    assert found["layerId"] == "demo/block1"
    rows = [row for row in service.folder.table("embeddings").to_pylist() if row["layer"] == 1]
    assert found["classes"] == [f"demo/{row['class']}" for row in rows]
    assert found["x"] == pytest.approx([row["x"] for row in rows])
    assert found["y"] == pytest.approx([row["y"] for row in rows])
    assert service.data('{ run(id: "demo-2") { embedding(layer: "demo-2/block1") { x } } }')["run"]["embedding"] is None


@pytest.mark.parametrize("layer", ["demo/block9", "demo-2/block1", "block1"])
def test_an_embedding_of_a_layer_that_is_not_the_run_s(service: Any, layer: str) -> None:
    answer = service.ask('query ($layer: ID!) { run(id: "demo") { embedding(layer: $layer) { x } } }', layer=layer)
    assert answer["data"]["run"]["embedding"] is None
    assert answer["errors"][0]["extensions"]["code"] == "NOT_FOUND"


EXAMPLES = """
query ($channel: ID!, $class: ID) {
  channel(id: $channel) {
    examples(class: $class) {
      rank activation box
      image { id number probability class { id name } predicted { id } }
      picture { url index tiles tilePx }
    }
  }
}
"""


@pytest.mark.parametrize(("class_", "count"), [(None, 3), ("demo/0", 2)])
def test_examples_and_their_pictures(service: Any, class_: str | None, count: int) -> None:
    before = len(service.statements)
    found = service.data(EXAMPLES, channel="demo/block2/1", **{"class": class_})["channel"]["examples"]
    # The channel, where its examples lie, and all classes at once.
    assert len([name for name in service.statements[before:] if name != "run_folders"]) == 3
    assert [one["rank"] for one in found] == list(range(count))
    assert found[0]["image"]["class"]["id"].startswith("demo/")
    assert [one["picture"]["index"] for one in found] == list(range(count))
    (url,) = {one["picture"]["url"] for one in found}
    answer = service.http.get(url)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/webp"
    assert "immutable" in answer.headers["cache-control"]
    assert answer.content == (b"RIFF" + b"demo 2-1" * 100 if class_ is None else b"RIFF strip of layer 2" * 3)
    tag = answer.headers["etag"]
    assert service.http.get(url, headers={"If-None-Match": tag}).status_code == 304


@pytest.mark.parametrize(
    "address",
    ["0/2-9.webp", "7/2-1.webp", "x/2-1.webp", "0/2-1.png", "-1/2-1.webp", "0/..%2f..%2fmanifest.json", "00/2-1.webp"],
)
def test_strips_of_classes_that_are_not_there(service: Any, address: str) -> None:
    assert service.http.get(f"/images/demo/classes/{address}").status_code == 404


def test_images_of_a_class(service: Any) -> None:
    query = """query ($where: ImageFilter!, $after: String) {
      class(id: "demo/0") { imageList(where: $where, first: 2, after: $after) {
        totalCount nodes { id predicted { id } probability } pageInfo { hasNextPage endCursor } } } }"""
    page = service.data(query, where="CORRECT")["class"]["imageList"]
    assert (page["totalCount"], page["pageInfo"]["hasNextPage"]) == (3, True)
    assert [one["id"] for one in page["nodes"]] == ["demo/image:2", "demo/image:3"]
    rest = service.data(query, where="CORRECT", after=page["pageInfo"]["endCursor"])["class"]["imageList"]
    assert [one["id"] for one in rest["nodes"]] == ["demo/image:4"]
    wrong = service.data(query, where="MISCLASSIFIED")["class"]["imageList"]
    assert [(one["id"], one["predicted"]) for one in wrong["nodes"]] == [
        ("demo/image:0", {"id": "demo/1"}),
        ("demo/image:1", None),
    ]
