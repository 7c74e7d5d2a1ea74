"""The viewer's files: what may be kept how long, deep links, and nothing beside its folder."""

import os
from pathlib import Path
from typing import Any

import pytest

from arete_graphql.settings import ApiSettings

pytestmark = pytest.mark.anyio

PAGE = "<!doctype html><title>Arête</title>"


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    (tmp_path / "secret.txt").write_text("secret")
    dist = tmp_path / "dist"
    (dist / "assets").mkdir(parents=True)
    (dist / "index.html").write_text(PAGE)
    (dist / "icon.svg").write_text("<svg/>")
    (dist / "assets" / "index-abc123.js").write_text("export {}")
    (dist / "link.txt").symlink_to(tmp_path / "secret.txt")
    return dist


async def test_page_is_asked_for_each_time(client: Any, dist: Path) -> None:
    async with client(ApiSettings(viewer=dist)) as http:
        answer = await http.get("/")
        again = await http.get("/", headers={"If-None-Match": answer.headers["etag"]})
    assert answer.text == PAGE
    assert answer.headers["content-type"].startswith("text/html")
    assert answer.headers["cache-control"] == "no-cache"
    assert again.status_code == 304
    assert again.headers["cache-control"] == "no-cache"


async def test_hashed_files_are_kept_for_ever_and_others_are_not(client: Any, dist: Path) -> None:
    async with client(ApiSettings(viewer=dist)) as http:
        script = await http.get("/assets/index-abc123.js")
        icon = await http.get("/icon.svg")
    assert script.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert "javascript" in script.headers["content-type"]
    assert icon.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("path", ["/compare", "/run/demo/class/3", "/a/b/", "/%C3%A9"])
async def test_a_deep_link_opens_the_page(client: Any, dist: Path, path: str) -> None:
    async with client(ApiSettings(viewer=dist)) as http:
        answer = await http.get(path)
    assert (answer.status_code, answer.text) == (200, PAGE)
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "path",
    ["/missing.js", "/assets/missing.css", "/secret.txt", "/../secret.txt", "/%2e%2e/secret.txt",
     "/%2e%2e%2fsecret.txt", "/assets/..%2f..%2fsecret.txt", "//etc/passwd.txt", "/%2fetc/hosts.allow", "/link.txt",
     "/a%00.b", "/a%00", "/" + "x" * 5000 + ".js", "/graphql/", "/graphql/x", "/images/", "/images/x", "/images/a/b/c",
     "/..%5csecret.txt"],
)  # fmt: skip
async def test_anything_else_is_missing(client: Any, dist: Path, path: str) -> None:
    async with client(ApiSettings(viewer=dist)) as http:
        answer = await http.get(path)
    assert answer.status_code == 404, path
    assert "secret" not in answer.text.replace("secret.txt", "")
    assert answer.json()["errors"][0]["extensions"]["code"] == "NOT_FOUND"


async def test_a_long_path_without_a_dot_is_a_link(client: Any, dist: Path) -> None:
    async with client(ApiSettings(viewer=dist)) as http:
        assert (await http.get("/" + "x" * 5000)).text == PAGE


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_files_are_only_read(client: Any, dist: Path, method: str) -> None:
    async with client(ApiSettings(viewer=dist)) as http:
        answer = await http.request(method, "/icon.svg")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"


async def test_a_viewer_that_was_not_built_says_how_and_is_found_once_it_is(client: Any, tmp_path: Path) -> None:
    dist = tmp_path / "dist"
    async with client(ApiSettings(viewer=dist)) as http:
        missing = await http.get("/")
        file = await http.get("/icon.svg")
        dist.mkdir()
        (dist / "index.html").write_text(PAGE)
        built = await http.get("/")
    assert missing.status_code == 503
    assert "make web" in missing.text
    assert missing.headers["cache-control"] == "no-store"
    assert file.status_code == 404
    assert built.text == PAGE


async def test_a_rebuilt_page_is_noticed_within_the_same_second(client: Any, dist: Path) -> None:
    async with client(ApiSettings(viewer=dist)) as http:
        before = await http.get("/")
        index = dist / "index.html"
        stamp = index.stat().st_mtime
        index.write_text(PAGE + "new")
        os.utime(index, (stamp, stamp))
        after = await http.get(
            "/", headers={"If-None-Match": before.headers["etag"], "If-Modified-Since": before.headers["last-modified"]}
        )
    assert after.text == PAGE + "new"
