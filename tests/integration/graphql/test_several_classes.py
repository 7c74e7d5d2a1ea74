"""What the API says of several classes, and of channels over all classes, is what the reads say."""

from typing import Any

import pytest

from arete_queries import reads
from arete_queries.reads import MotifPattern, OverlapOperation, UseOrder

pytestmark = pytest.mark.integration

NUMBERS = ("classes_a", "classes_b", "count_a", "count_b", "rank_a", "rank_b")
THREE = ["demo/0", "demo/1", "demo/2"]


@pytest.mark.parametrize("operation", list(OverlapOperation))
def test_overlap(service: Any, operation: OverlapOperation) -> None:
    query = """query($a: [ID!]!, $b: [ID!], $operation: OverlapOperation!) {
        overlap(a: $a, b: $b, operation: $operation, atLeast: 2, mass: 0.5) {
            a { id } b { id } operation atLeast atLeastB mass partsAt cypher
            vertices { channel { id } membership classesA classesB countA countB rankA rankB }
            edges { source target membership classesA classesB countA countB }
            layers { layer layerIndex onlyA shared onlyB inAny inAll jaccard weightedJaccard } } }"""
    found = service.data(query, a=THREE, b=["demo/5", "demo/6"], operation=operation.name)["overlap"]
    wanted = service.read(reads.overlap_classes, THREE, ["demo/5", "demo/6"], operation=operation, at_least=2, mass=0.5)
    assert ([one["id"] for one in found["a"]], found["operation"]) == (THREE, operation.name)
    assert (found["atLeast"], found["atLeastB"], found["mass"]) == (2, 1, 0.5)
    assert (found["partsAt"], found["cypher"]) == (wanted.parts_at, wanted.cypher)
    assert [
        (one["channel"]["id"], one["membership"].lower(), *list(one.values())[2:]) for one in found["vertices"]
    ] == [(one.channel.id, one.membership.value, *(getattr(one, name) for name in NUMBERS)) for one in wanted.vertices]
    assert [tuple(one.values())[:2] + tuple(one.values())[3:] for one in found["edges"]] == [
        (one.source, one.target, one.classes_a, one.classes_b, one.count_a, one.count_b) for one in wanted.edges
    ]
    assert [one["inAny"] for one in found["layers"]] == [one.in_any for one in wanted.layers]
    assert [one["weightedJaccard"] for one in found["layers"]] == [one.weighted_jaccard for one in wanted.layers]


@pytest.mark.parametrize(
    ("pattern", "mass"), [*((pattern, None) for pattern in MotifPattern), (MotifPattern.PATH_2, 0.3)]
)
def test_motifs(service: Any, pattern: MotifPattern, mass: float | None) -> None:
    query = """query($classes: [ID!]!, $pattern: MotifPattern!, $mass: Float) {
        motifs(classes: $classes, pattern: $pattern, leastSupport: 0.6, first: 5, mass: $mass) {
            pattern classes { id } atLeast mass outside found tested cypher
            motifs { channels { id } edges { source target } support supportOutside lift pValue qValue classes cypher }
        } }"""
    found = service.data(query, classes=THREE, pattern=pattern.name, mass=mass)["motifs"]
    wanted = service.read(reads.find_common_motifs, THREE, pattern, min_support=0.6, first=5, mass=mass)
    assert (found["pattern"], found["atLeast"], found["mass"], found["outside"]) == (pattern.name, 2, mass, 5)
    assert (found["found"], found["tested"], found["cypher"]) == (wanted.found, wanted.tested, wanted.cypher)
    assert [[one["id"] for one in motif["channels"]] for motif in found["motifs"]] == [
        [one.id for one in motif.channels] for motif in wanted.motifs
    ]
    assert [[(one["source"], one["target"]) for one in motif["edges"]] for motif in found["motifs"]] == [
        list(motif.edges) for motif in wanted.motifs
    ]
    names = {"support": "support", "supportOutside": "support_outside", "lift": "lift", "pValue": "p_value"}
    for motif, expected in zip(found["motifs"], wanted.motifs, strict=True):
        assert {name: motif[name] for name in names} == {name: getattr(expected, own) for name, own in names.items()}
        assert (motif["qValue"], motif["classes"]) == (expected.q_value, list(expected.classes))


def test_the_path_that_all_share(service: Any) -> None:
    query = "query($of: [ID!]!) { sharedPath(classes: $of) { channels { id } support cypher } }"
    own, none = (service.data(query, of=of)["sharedPath"] for of in (["demo/0"], ["demo/0", "demo/1"]))
    wanted = service.read(reads.shared_path, ["demo/0"])
    assert [one["id"] for one in own["channels"]] == [one.id for one in wanted.channels]
    assert (own["support"], own["cypher"]) == (1, wanted.cypher)
    assert len(own["channels"]) > 1
    assert service.read(reads.shared_path, ["demo/0", "demo/1"]) is None
    assert none is None
    query = "query($of: [ID!]!) { sharedPath(classes: $of, mass: 0.8) { edges { source target } cypher } }"
    common = service.data(query, of=["demo/0", "demo/1"])["sharedPath"]
    wanted = service.read(reads.shared_path, ["demo/0", "demo/1"], mass=0.8)
    assert [(one["source"], one["target"]) for one in common["edges"]] == list(wanted.edges)
    assert common["cypher"] == wanted.cypher


def test_the_nearest_classes_of_each_layer(service: Any) -> None:
    query = """query($layers: [ID!]) { class(id: "demo/0") { neighbors(layers: $layers, first: 3) { class { id } cypher
        layers { layerId layer layerIndex neighbors { class { id } cosine } entered left stayed } } } }"""
    for layers, names in ((None, None), (["demo/block2", "demo/block1"], ["block2", "block1"])):
        found = service.data(query, layers=layers)["class"]["neighbors"]
        wanted = service.read(reads.class_neighbors, "demo/0", layers=names, first=3)
        assert (found["class"]["id"], found["cypher"]) == ("demo/0", wanted.cypher)
        assert found["layers"] == [
            {
                "layerId": f"demo/{one.layer}",
                "layer": one.layer,
                "layerIndex": one.layer_index,
                "neighbors": [{"class": {"id": near.class_.id}, "cosine": near.cosine} for near in one.neighbors],
                "entered": list(one.entered),
                "left": list(one.left),
                "stayed": one.stayed,
            }
            for one in wanted.layers
        ]
    answer = service.ask(query, layers=["demo-2/block1"])
    assert answer["errors"][0]["extensions"]["code"] == "NOT_FOUND"


def test_what_a_graph_leaves_out(service: Any) -> None:
    query = """{ class(id: "demo/0") { scores lessContributing(mass: 0.3, first: 4) {
        mass totalCount cypher vertices { channel { id } count share rank } } } }"""
    found = service.data(query)["class"]
    wanted = service.read(reads.less_contributing, "demo/0", mass=0.3, first=4)
    left = found["lessContributing"]
    assert (left["mass"], left["totalCount"], left["cypher"]) == (0.3, wanted.total, wanted.cypher)
    assert [(one["channel"]["id"], one["count"], one["rank"]) for one in left["vertices"]] == [
        (one.channel.id, one.count, one.rank) for one in wanted.vertices
    ]
    assert found["scores"] == list(service.read(reads.class_scores, "demo/0"))


def test_channels_over_all_classes(service: Any) -> None:
    query = """{ channel(id: "demo/block2/1") { uses(first: 2, sort: RANK) { totalCount edges { cursor node { rank } }
            nodes { class { id } count share rank } pageInfo { hasNextPage endCursor startCursor } }
        profile { classes counts shares ranks kept }
        inputs(first: 2) { channel { id } classes count share } outputs { channel { id } count } } }"""
    service.statements.clear()
    found = service.data(query)["channel"]
    assert [name for name in service.statements if name != "data_state"] == [
        "channel",
        "channel_classes",
        "channel_over_classes",
    ]
    wanted = service.read(reads.channel_over_classes, "demo/block2/1", links=10)
    assert found["profile"] == {
        name: list(getattr(wanted.profile, name)) for name in ("classes", "counts", "shares", "ranks", "kept")
    }
    assert [tuple(one.values())[1:] for one in found["inputs"]] == [
        (one.classes, one.count, one.share) for one in wanted.inputs[:2]
    ]
    assert [one["channel"]["id"] for one in found["outputs"]] == [one.channel.id for one in wanted.outputs]
    uses = service.read(reads.list_channel_classes, "demo/block2/1", order=reads.ClassUseOrder.RANK, first=2)
    page = found["uses"]
    assert [one["class"]["id"] for one in page["nodes"]] == [one.class_.id for one in uses.items]
    assert [one["cursor"] for one in page["edges"]] == uses.cursors()
    assert [one["node"]["rank"] for one in page["edges"]] == [one["rank"] for one in page["nodes"]]
    assert (page["pageInfo"]["startCursor"], page["pageInfo"]["endCursor"]) == tuple(uses.cursors())


def test_channels_by_use_and_communities(service: Any) -> None:
    query = """{ run(id: "demo") { channelUses(layer: "demo/block2", order: SPECIAL, first: 3) {
            classes cypher channels { channel { id } keptBy meanRank effectiveClasses } }
        communities(atLeast: 1, first: 2) { atLeast gamma communities { size channels(first: 1) { id } } } } }"""
    found = service.data(query)["run"]
    wanted = service.read(reads.channel_uses, "demo", layer="block2", order=UseOrder.SPECIAL, first=3)
    assert found["channelUses"]["classes"] == 8
    assert [tuple(one.values())[1:] for one in found["channelUses"]["channels"]] == [
        (one.kept_by, one.mean_rank, one.effective_classes) for one in wanted.channels
    ]
    communities = service.read(reads.channel_communities, "demo", at_least=1, first=2).communities
    assert found["communities"]["communities"] == [
        {"size": len(one.channels), "channels": [{"id": one.channels[0].id}]} for one in communities
    ]


def test_a_ranking_with_settings_of_its_own(service: Any) -> None:
    query = """query($seeds: [SeedInput!], $exclude: [ID!]) {
        rank(class: "demo/0", damping: 0.5, seeds: $seeds, exclude: $exclude, first: 3) {
            class { id } damping reached channels { channel { id layer } rank } cypher } }"""
    seeds = {"demo/block2/1": 1.0, "demo/block2/3": 2.0}
    asked = [{"channel": "demo/block2/1"}, {"channel": "demo/block2/3", "weight": 2}]
    found = service.data(query, seeds=asked, exclude=["demo/block1/1"])["rank"]
    wanted = service.read(reads.rank_channels, "demo/0", damping=0.5, seeds=seeds, exclude=["demo/block1/1"], first=3)
    assert (found["class"]["id"], found["damping"], found["reached"]) == ("demo/0", 0.5, wanted.reached)
    assert [one["channel"]["id"] for one in found["channels"]] == [one.channel for one in wanted.channels]
    assert [one["rank"] for one in found["channels"]] == pytest.approx([one.rank for one in wanted.channels])
    for bad in ({"seeds": []}, {"exclude": ["demo/block1/1"] * 2 + ["demo/block9/1"]}):
        answer = service.ask(query, **bad)
        assert answer["errors"][0]["extensions"]["code"] in ("BAD_INPUT", "NOT_FOUND")


def test_layers_channels_and_the_service_by_themselves(service: Any) -> None:
    query = """{ layer(id: "demo/block2") { id runId parents similarity(class: "demo/3") { class { id } layerId classes
            cosines cypher } }
        channels(ids: ["demo/block2/1", "demo/block2/99", "demo/block1/0"]) { id }
        service { version readOnly browserUrl } }"""
    found = service.data(query)
    wanted = service.read(reads.class_similarity, "demo/3", "demo/block2")
    assert found["layer"]["similarity"] == {
        "class": {"id": "demo/3"},
        "layerId": "demo/block2",
        "classes": list(wanted.classes),
        "cosines": list(wanted.cosines),
        "cypher": wanted.cypher,
    }
    assert (found["layer"]["id"], found["layer"]["runId"]) == ("demo/block2", "demo")
    assert found["channels"] == [{"id": "demo/block2/1"}, None, {"id": "demo/block1/0"}]
    assert found["service"]["readOnly"] is False
    assert found["service"]["browserUrl"] is None


def test_pages_are_relay_connections(service: Any) -> None:
    query = """query($after: String) { run(id: "demo") { classes(first: 3, after: $after) {
        nodes { id } edges { cursor node { id } }
        pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }"""
    page = service.data(query)["run"]["classes"]
    assert [edge["node"] for edge in page["edges"]] == page["nodes"]
    assert page["pageInfo"] == {
        "hasNextPage": True,
        "hasPreviousPage": False,
        "startCursor": page["edges"][0]["cursor"],
        "endCursor": page["edges"][-1]["cursor"],
    }
    # Every cursor goes on behind its own item.
    after = service.data(query, after=page["edges"][1]["cursor"])["run"]["classes"]
    assert [node["id"] for node in after["nodes"]] == ["demo/2", "demo/3", "demo/4"]
    assert after["pageInfo"]["hasPreviousPage"]
