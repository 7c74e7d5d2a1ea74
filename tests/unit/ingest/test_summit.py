"""Summit's published data as a run folder: what is in it, and what is refused."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from arete_core.errors import DatasetError, RunConflictError, SettingError
from arete_core.progress import SilentProgress
from arete_core.run_folder import RunFolder
from arete_ingest import summit
from arete_ingest.summit import import_summit
from arete_ingest.summit_files import LAYERS

Graph = dict[str, list[dict[str, Any]]]


def channel(number: int, rank: float, kept: list[tuple[int, int]], others: list[tuple[str, int]]) -> dict[str, Any]:
    return {
        "channel": number,
        "count": 40 + number,
        "layer": "",
        "pagerank": rank,
        "prev_channels": [{"prev_channel": source, "inf": count} for source, count in kept],
        "attr_channels": [{"prev_channel": source, "inf": count} for source, count in others],
    }


def graph() -> Graph:
    """Two channels in each block, the second of which the first mass just needs; all nine blocks are alike."""
    made: Graph = {}
    for place, name in enumerate(LAYERS):
        kept = [(3, 700), (8, 30)] if place else []
        others = [("3", 701), ("9", 650)] if place else []
        made[name] = [channel(3, 0.006, kept, others), channel(8, 0.004, kept[:1], others[1:])]
    return made


def publish(folder: Path, graphs: list[Graph], *, inner: str = "data") -> Path:
    (folder / inner / "ag").mkdir(parents=True)
    for number, one in enumerate(graphs):
        (folder / inner / "ag" / f"ag-{number}.json").write_text(json.dumps(one))
    return folder


def test_a_run_folder_with_given_graphs(tmp_path: Path) -> None:
    source = publish(tmp_path / "summit", [graph(), graph()])
    pictures = source / "data" / "feature-vis" / "channel"
    pictures.mkdir(parents=True)
    Image.new("RGB", (147, 147)).save(pictures / "mixed4a-3-channel.jpg")
    report = import_summit(source, tmp_path / "run", run_id="s")
    assert (report.classes, report.channels, report.edges, report.pictures, report.named) == (2, 36, 48, 1, True)
    folder = RunFolder.open(tmp_path / "run")
    assert folder.has_given_graphs
    assert [row["name"] for row in folder.table("layers").to_pylist()] == list(LAYERS)
    classes = folder.table("classes").to_pylist()
    assert [(row["name"], row["images"], row["accuracy"]) for row in classes] == [
        ("tench", 700, None), ("goldfish", 700, None),
    ]  # fmt: skip
    assert folder.table("graphs").to_pylist() == [{"class": 0, "mass": 0.075}, {"class": 1, "mass": 0.075}]
    own = [row for row in folder.table("ranks").to_pylist() if (row["class"], row["layer"]) == (1, 4)]
    assert [(row["channel"], row["rank"], row["entry"]) for row in own] == [
        (3, 0.006, 0.0), (8, 0.004, pytest.approx(0.075 * 0.006 / 0.01)),
    ]  # fmt: skip
    edges = [row for row in folder.table("influences").to_pylist() if (row["class"], row["target_layer"]) == (0, 2)]
    # Where both lists name an edge the graph's count stands; edges from outside of the graph are there too.
    assert [(row["source_channel"], row["target_channel"], row["count"]) for row in edges] == [
        (3, 3, 700), (8, 3, 30), (9, 3, 650), (3, 8, 700), (9, 8, 650),
    ]  # fmt: skip
    assert len(folder.table("attributes")) == 48
    excluded = [row for row in folder.table("channels").to_pylist() if row["excluded"]]
    assert [(row["layer"], row["channel"]) for row in excluded] == [(0, 67), (0, 190), (1, 390), (1, 399), (1, 412)]
    assert not folder.has("sprites")
    [feature] = folder.table("features").to_pylist()
    assert (feature["file"], feature["tiles"], feature["tile_px"]) == ("features/2-3.jpg", 1, 147)
    assert (folder.path / feature["file"]).read_bytes() == (pictures / "mixed4a-3-channel.jpg").read_bytes()


def test_without_torchvision_classes_are_numbered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []

    class Saying(SilentProgress):
        def say(self, text: str) -> None:
            said.append(text)

    monkeypatch.setattr(summit, "find_spec", lambda _: None)
    source = publish(tmp_path / "summit", [graph()], inner=".")
    report = import_summit(source, tmp_path / "run", progress=Saying())
    assert not report.named
    assert RunFolder.open(tmp_path / "run").table("classes").column("name").to_pylist() == ["class 0"]
    assert any("torchvision" in text for text in said)
    assert any("no feature visualizations" in text for text in said)


def altered(change: Any) -> Graph:
    made = copy.deepcopy(graph())
    change(made)
    return made


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda g: g.pop("mixed4c"), "an object with the keys mixed3a"),
        (lambda g: g.update(mixed5b=[]), "at least one channel in each block"),
        (lambda g: g.update(mixed4c={}), "mixed4c: a list of objects was expected"),
        (lambda g: g["mixed3a"][0].update(channel=256), "mixed3a: channel: a channel of 0 to 255 .* found 256"),
        (lambda g: g["mixed3a"][0].update(channel=True), "found True"),
        (lambda g: g["mixed3a"][1].update(channel=3), "mixed3a/3: each channel was expected once"),
        (lambda g: g["mixed3a"][0].update(count=0), "mixed3a/3: count: a whole number above 0 .* found 0"),
        (lambda g: g["mixed3a"][0].update(pagerank=float("nan")), "mixed3a/3: pagerank"),
        (lambda g: g["mixed3a"][0].update(pagerank=2.0), "some share of 7.5%"),
        (lambda g: g["mixed3a"][0].update(prev_channels=[{}]), "none were expected in the first block"),
        (lambda g: g["mixed3b"][0]["prev_channels"][0].update(prev_channel=7), "channels of the graph's block before"),
        (lambda g: g["mixed3b"][0]["prev_channels"][0].update(inf=-1), "prev_channels: 3: inf"),
        (lambda g: g["mixed3b"][0]["prev_channels"][0].update(prev_channel=8), "channel 8 was expected once"),
        (lambda g: g["mixed3b"][0].pop("attr_channels"), "attr_channels: a list"),
    ],
)
def test_a_damaged_file_is_named_and_nothing_is_left(tmp_path: Path, change: Any, message: str) -> None:
    source = publish(tmp_path / "summit", [graph(), altered(change)])
    with pytest.raises(DatasetError, match=rf"ag-1.json: .*{message}"):
        import_summit(source, tmp_path / "run")
    assert [path.name for path in tmp_path.iterdir()] == ["summit"]


def test_a_damaged_picture_is_named_and_nothing_is_left(tmp_path: Path) -> None:
    source = publish(tmp_path / "summit", [graph()])
    pictures = source / "data" / "feature-vis" / "channel"
    pictures.mkdir(parents=True)
    (pictures / "mixed3a-0-channel.jpg").write_bytes(b"GIF89a")
    with pytest.raises(DatasetError, match=r"mixed3a-0-channel.jpg: a JPEG image was expected"):
        import_summit(source, tmp_path / "run")
    assert [path.name for path in tmp_path.iterdir()] == ["summit"]


def test_what_cannot_work_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="holds no published attribution graphs") as nothing:
        import_summit(tmp_path, tmp_path / "run")
    assert "unpack" in nothing.value.hint
    source = publish(tmp_path / "summit", [graph(), graph(), graph()])
    (source / "data" / "ag" / "ag-1.json").unlink()
    with pytest.raises(DatasetError, match=r"ag-1.json is missing"):
        import_summit(source, tmp_path / "run")
    with pytest.raises(SettingError, match="cannot be a run's id"):
        import_summit(source, tmp_path / "run", run_id="S 1")
    with pytest.raises(RunConflictError, match="exists already"):
        import_summit(source, source)
    (source / "data" / "ag" / "ag-1.json").write_text("{")
    with pytest.raises(DatasetError, match=r"ag-1.json: a published attribution graph in JSON"):
        import_summit(source, tmp_path / "run")
