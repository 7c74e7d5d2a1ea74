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
from arete_core.run_schema import SPRITES, TABLES
from arete_graphql import pictures
from arete_graphql.picture_urls import picture_url
from arete_queries import reads
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
    assert pictures.read_sprites(tmp_path / "run") == {}
