"""Pictures out of a run folder: by ids alone, never by a path, whatever the address or the run's own tables say."""

import asyncio
import dataclasses
import hashlib
import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from arete_core.errors import NotFoundError
from arete_core.run_change import change_tables
from arete_core.run_folder import RunFolder
from arete_core.run_lock import locked
from arete_core.run_schema import ATLASES, FEATURES, SPRITES, TABLES
from arete_graphql import answer_cache, pictures
from arete_graphql.picture_tables import read_pictures, stamp_of
from arete_graphql.picture_urls import atlas_url, picture_url
from arete_queries import reads
from arete_queries.results import ChannelInfo
from run_builder import random_run, write_run

pytestmark = pytest.mark.anyio

STRIP = b"RIFF\x00\x00\x00\x00WEBPVP8 "
SHA = hashlib.sha256(STRIP).hexdigest()


def write_sprites(folder: Path, files: dict[tuple[int, int], str]) -> None:
    """Writes a whole run folder whose table of sprites names these files."""
    whole = random_run(folder, run_id="demo", sizes=(3, 3), class_count=1)
    tables = {name: whole.table(name) for name in TABLES if whole.has(name)}
    rows = [
        {"layer": layer, "channel": channel, "file": file, "tiles": 2, "tile_px": 8, "sha256": SHA}
        for (layer, channel), file in files.items()
    ]
    write_run(folder, tables | {"sprites": pa.Table.from_pylist(rows, SPRITES)}, run_id="demo")


@pytest.fixture
def run(tmp_path: Path, recorded_run: Any, lookups: list[str], monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run folder with one good picture, and several entries that point where they must not."""
    folder = tmp_path / "run"
    examples = folder / "examples"
    examples.mkdir(parents=True)
    (examples / "0-1.webp").write_bytes(STRIP)
    (examples / "old.jpg").write_bytes(STRIP)
    (folder / "features").mkdir()
    (folder / "features" / "0-6.jpg").write_bytes(STRIP)
    (tmp_path / "secret.webp").write_bytes(b"secret")
    (folder / "secret.webp").write_bytes(b"secret")
    (examples / "link.webp").symlink_to(tmp_path / "secret.webp")
    (examples / "inner.webp").symlink_to("0-1.webp")
    (examples / "folder.webp").mkdir()
    os.mkfifo(examples / "pipe.webp")
    write_sprites(
        folder,
        {
            (0, 1): "examples/0-1.webp",
            (0, 2): "examples/old.jpg",
            (0, 3): "examples/gone.webp",
            (0, 6): "features/0-6.jpg",
            (1, 0): "examples/../secret.webp",
            (1, 1): "../secret.webp",
            (1, 2): str(tmp_path / "secret.webp"),
            (1, 3): "examples/link.webp",
            (1, 4): "examples/inner.webp",
            (1, 5): "examples/folder.webp",
            (1, 6): "examples/pipe.webp",
            (1, 7): "secret.webp",
            (1, 8): "examples/0-1.webp\x00.webp",
            (1, 9): "examples//0-1.webp",
            (1, 10): "examples/" + "x" * 300 + ".webp",
            (1, 11): "manifest.json",
            (1, 12): "examples/..webp",
        },
    )

    async def get_run(_runner: Any, run_id: str) -> Any:
        if run_id != "demo":
            raise NotFoundError("run", run_id, hint="there is demo")
        lookups.append(run_id)
        return dataclasses.replace(recorded_run, folder=str(folder))

    monkeypatch.setattr(reads, "get_run", get_run)
    return folder


@pytest.fixture
def lookups() -> list[str]:
    """Look-ups of the run in the database so far."""
    return []


async def test_a_picture_of_the_given_content_is_kept_for_ever(client: Any, run: Path) -> None:
    async with client() as http:
        answer = await http.get(picture_url("demo", 0, 1, SHA))
    assert answer.status_code == 200
    assert answer.content == STRIP
    assert answer.headers["content-type"] == "image/webp"
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["etag"] == f'"{SHA}"'
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("query", ["", "?v=", "?v=0123", f"?v={SHA[:-1]}", f"?v={SHA}0"])
async def test_a_picture_of_other_content_is_asked_for_each_time(client: Any, run: Path, query: str) -> None:
    async with client() as http:
        answer = await http.get("/images/demo/examples/0-1.webp" + query)
        same = await http.get(
            "/images/demo/examples/0-1.webp" + query, headers={"If-None-Match": f'"old", {answer.headers["etag"]}'}
        )
        other = await http.get("/images/demo/examples/0-1.webp" + query, headers={"If-None-Match": '"old"'})
    assert (answer.status_code, answer.content) == (200, STRIP)
    assert answer.headers["cache-control"] == "no-cache"
    assert (same.status_code, same.content) == (304, b"")
    assert same.headers["etag"] == answer.headers["etag"]
    assert other.status_code == 200


async def test_another_format_says_so(client: Any, run: Path) -> None:
    async with client() as http:
        assert (await http.get("/images/demo/examples/0-2.webp")).headers["content-type"] == "image/jpeg"


async def test_a_feature_visualization_is_a_picture_too(client: Any, run: Path) -> None:
    async with client() as http:
        answer = await http.get("/images/demo/examples/0-6.webp")
    assert (answer.status_code, answer.content) == (200, STRIP)
    assert answer.headers["content-type"] == "image/jpeg"


@pytest.mark.parametrize(
    "path",
    ["demo/examples/0-3.webp", "demo/examples/0-4.webp", "demo/examples/9-1.webp", "demo/examples/01-1.webp",
     "demo/examples/0-01.webp", "demo/examples/-0-1.webp", "demo/examples/+0-1.webp", "demo/examples/0-1",
     "demo/examples/0-1.jpg", "demo/examples/0-1.webp.webp", "demo/examples/0-1.webp/", "demo/examples/0_1.webp",
     "demo/examples/%D9%A0-1.webp", "demo/examples/%20-1.webp", "demo/examples/0-1.webp%00",
     "demo/examples/0-1.webp%0a",
     "demo/examples/99999999999999999999-1.webp", "demo/examples/" + "9" * 5000 + "-1.webp",
     "demo/examples/manifest.json", "demo/manifest.json", "demo/sprites.parquet", "demo/examples/",
     "demo/examples/../manifest.json", "demo/examples/%2e%2e%2fmanifest.json", "demo/examples/..%2fmanifest.json",
     "demo/examples/%2fetc%2fpasswd", "demo/examples//etc/passwd", "%2e%2e/examples/0-1.webp",
     "../demo/examples/0-1.webp",
     "..%2fdemo/examples/0-1.webp", "%00/examples/0-1.webp", "Demo/examples/0-1.webp", "other/examples/0-1.webp",
     "x" * 5000 + "/examples/0-1.webp", "demo/features/0-1.webp"],
)  # fmt: skip
async def test_no_other_address_is_a_picture(client: Any, run: Path, path: str) -> None:
    async with client() as http:
        answer = await http.get("/images/" + path)
    assert answer.status_code == 404
    assert answer.json()["errors"][0]["extensions"]["code"] == "NOT_FOUND"


@pytest.mark.parametrize("channel", range(13))
async def test_a_table_that_points_elsewhere_gives_nothing(client: Any, run: Path, channel: int) -> None:
    async with client() as http:
        answer = await http.get(f"/images/demo/examples/1-{channel}.webp?v={SHA}")
    assert answer.status_code == 404
    assert b"secret" not in answer.content
    assert str(run) not in answer.text


async def test_a_linked_examples_folder_is_not_followed(client: Any, run: Path, tmp_path: Path) -> None:
    (run / "examples").rename(tmp_path / "elsewhere")
    (run / "examples").symlink_to(tmp_path / "elsewhere")
    async with client() as http:
        assert (await http.get("/images/demo/examples/0-1.webp")).status_code == 404


async def test_a_run_folder_that_went_away_gives_404_and_does_not_say_where_it_was(
    client: Any, run: Path, tmp_path: Path
) -> None:
    run.rename(tmp_path / "moved")
    async with client() as http:
        answer = await http.get("/images/demo/examples/0-1.webp")
    assert answer.status_code == 404
    assert str(tmp_path) not in answer.text
    assert "load the run again" in answer.json()["errors"][0]["extensions"]["hint"]


async def test_an_altered_run_folder_gives_404(client: Any, run: Path) -> None:
    (run / "manifest.json").write_text("{}")
    async with client() as http:
        answer = await http.get("/images/demo/examples/0-1.webp")
    assert answer.status_code == 404
    assert str(run) not in answer.text


async def test_a_page_of_pictures_costs_one_look_up(client: Any, run: Path, lookups: list[str]) -> None:
    async with client() as http:
        answers = await asyncio.gather(*(http.get("/images/demo/examples/0-1.webp") for _ in range(50)))
    assert {answer.status_code for answer in answers} == {200}
    assert lookups == ["demo"]


async def test_a_run_that_was_made_again_shows_its_new_pictures(
    client: Any, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "LOOKUP_S", 0.0)
    async with client() as http:
        assert (await http.get("/images/demo/examples/0-5.webp")).status_code == 404
        (run / "examples" / "0-5.webp").write_bytes(STRIP)
        write_sprites(run, {(0, 5): "examples/0-5.webp"})
        assert (await http.get("/images/demo/examples/0-5.webp")).status_code == 200
        assert (await http.get("/images/demo/examples/0-1.webp")).status_code == 404


async def test_pictures_are_only_read(client: Any, run: Path) -> None:
    async with client() as http:
        assert (await http.head("/images/demo/examples/0-1.webp")).headers["content-length"] == str(len(STRIP))
        assert (await http.post("/images/demo/examples/0-1.webp")).status_code == 404


def test_a_run_without_pictures_has_none(tmp_path: Path) -> None:
    write_sprites(tmp_path / "run", {})
    run_id, found = read_pictures(tmp_path / "run", stamp_of(tmp_path / "run"))
    assert (run_id, found.files, found.features) == ("demo", {}, {})


def add(folder: Path, tables: dict[str, pa.Table]) -> None:
    with locked(folder):
        change_tables(RunFolder.open(folder, verify=False), tables)


def feature(layer: int, channel: int, file: str | None, **more: Any) -> dict[str, Any]:
    row = {"layer": layer, "channel": channel, "file": file, "tiles": 5 if file else 0, "tile_px": 96}
    return row | {
        "sha256": SHA if file else None,
        "activation": 2.0,
        "error": None if file else "it never fires",
        **more,
    }


def atlas(kind: str, layer: int, file: str, **more: Any) -> dict[str, Any]:
    row = {"kind": kind, "layer": layer, "file": file, "sha256": SHA, "tile_px": 96, "columns": 2}
    return row | {"channels": [1, 2, 5], **more}


@pytest.fixture
def run_with_features(run: Path) -> Path:
    """The run with feature visualizations and atlases, good ones and some that point where they must not."""
    (run / "features" / "0-1.webp").write_bytes(STRIP)
    (run / "atlases").mkdir()
    (run / "atlases" / "features-0.webp").write_bytes(STRIP)
    (run / "atlases" / "link.webp").symlink_to(run / "secret.webp")
    features = [feature(0, 1, "features/0-1.webp"), feature(0, 2, None), feature(1, 0, "features/../secret.webp")]
    atlases = [
        atlas("features", 0, "atlases/features-0.webp"),
        atlas("features", 1, "atlases/link.webp"),
        atlas("examples", 0, "../secret.webp"),
        atlas("secrets", 0, "atlases/features-0.webp"),
        atlas("examples", 1, "atlases/features-0.webp", columns=0),
    ]
    add(
        run,
        {
            "features": pa.Table.from_pylist(features, FEATURES),
            "atlases": pa.Table.from_pylist(atlases, ATLASES),
        },
    )
    return run


@pytest.mark.parametrize("url", [picture_url("demo", 0, 1, SHA, "features"), atlas_url("demo", "features", 0, SHA)])
async def test_features_and_atlases_are_served_like_examples(client: Any, run_with_features: Path, url: str) -> None:
    async with client() as http:
        kept = await http.get(url)
        asked = await http.get(url.partition("?")[0])
        same = await http.get(url, headers={"If-None-Match": kept.headers["etag"]})
    assert (kept.status_code, kept.content, same.status_code) == (200, STRIP, 304)
    assert kept.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert asked.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "path",
    ["features/0-2.webp", "features/1-0.webp", "features/0-1.jpg", "features/features-0.webp", "features/0.webp",
     "atlases/features-1.webp", "atlases/examples-0.webp", "atlases/secrets-0.webp", "atlases/examples-1.webp",
     "atlases/0-1.webp", "atlases/features-00.webp", "atlases/features-0", "atlases/..%2fmanifest.json",
     "atlases/link.webp", "secret/0-1.webp", "manifest.json/0-1.webp", "..%2f/0-1.webp"],
)  # fmt: skip
async def test_nothing_else_of_a_run_with_features_is_served(client: Any, run_with_features: Path, path: str) -> None:
    async with client() as http:
        answer = await http.get(f"/images/demo/{path}")
    assert answer.status_code == 404
    assert b"secret" not in answer.content.replace(b"secrets", b"").replace(b"of picture 'secret'", b"")


async def test_a_file_that_is_newer_than_its_table_is_not_kept(client: Any, run_with_features: Path) -> None:
    """While pictures are made anew a file comes before the table that tells its hash."""
    newer = STRIP + b"newer"
    (run_with_features / "features" / "0-1.webp").write_bytes(newer)
    async with client() as http:
        answer = await http.get(picture_url("demo", 0, 1, SHA, "features"))
    assert (answer.content, answer.headers["cache-control"]) == (newer, "no-cache")
    assert answer.headers["etag"] == f'"{hashlib.sha256(newer).hexdigest()}"'


async def test_graphql_tells_features_and_places_in_atlases(
    client: Any, ask: Any, run_with_features: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def get_channel(_runner: Any, id_: str) -> ChannelInfo:
        channel = int(id_.rpartition("/")[2])
        return ChannelInfo(id_, "demo", "block0", 0, channel, False, None, "0" * 64, 3, 32)

    class Runner:
        async def close(self) -> None: ...

        async def run_with_bookmark(self, _name: str) -> tuple[list[dict[str, Any]], str]:
            return [{"folders": ["/moved/away", str(run_with_features)]}], "FB:1"

    async def connect() -> Any:
        return Runner()

    monkeypatch.setattr(reads, "get_channel", get_channel)
    monkeypatch.setattr(answer_cache, "VERSION_S", 0.0)
    query = """query($id: ID!) { channel(id: $id) {
        feature { url tiles tilePx atlas { url column row columns rows tilePx } } picture { atlas { row } }
    } }"""
    async with client(factory=connect) as http:
        one = (await ask(http, query, id="demo/block0/1"))["data"]["channel"]
        none = (await ask(http, query, id="demo/block0/2"))["data"]["channel"]
        add(run_with_features, {"features": pa.Table.from_pylist([feature(0, 2, "features/0-1.webp")], FEATURES)})
        later = (await ask(http, query, id="demo/block0/2"))["data"]["channel"]
    assert one["feature"] == {
        "url": f"/images/demo/features/0-1.webp?v={SHA}",
        "tiles": 5,
        "tilePx": 96,
        "atlas": {
            "url": f"/images/demo/atlases/features-0.webp?v={SHA}",
            "column": 0,
            "row": 0,
            "columns": 2,
            "rows": 2,
            "tilePx": 96,
        },
    }
    assert one["picture"] == {"atlas": None}
    assert none["feature"] is None
    assert (later["feature"]["atlas"]["column"], later["feature"]["atlas"]["row"]) == (1, 0)
