"""Single images over GraphQL: rows of a matrix, places, thumbnails and their files."""

from typing import Any

import pytest

pytestmark = pytest.mark.integration

OWN = "data_state"
MATRIX = """
query ($layer: ID!, $rows: [ID!]!, $order: MatrixOrder! = INDEX, $sortBy: ID) {
  matrix(layer: $layer, rows: $rows, order: $order, sortBy: $sortBy, first: 4) {
    rows { id unit largest class { id } image { id thumbnail { url index tiles tilePx } } }
    channels { id }
    values
  }
}
"""
INSTANCES = """
query ($layer: ID!, $classes: [ID!]) {
  run(id: "demo") {
    instances(layer: $layer, classes: $classes) {
      layerId x y images { id classId predictedId thumbnail { url index } class { name } }
    }
  }
}
"""


def sent(service: Any) -> list[str]:
    return [name for name in service.statements if name not in (OWN, "run_folders")]


def test_images_are_rows_beside_classes(service: Any) -> None:
    service.statements.clear()
    rows = ["demo/image:8", "demo/0", "demo/image:2"]
    found = service.data(MATRIX, layer="demo/block2", rows=rows, order="ROW", sortBy="demo/image:2")["matrix"]
    assert len(sent(service)) == 3
    assert [(row["id"], row["unit"], row["largest"]) for row in found["rows"]] == [
        ("demo/image:8", "OF_LARGEST", 8.0),
        ("demo/0", "SHARE_OF_IMAGES", None),
        ("demo/image:2", "OF_LARGEST", 9.0),
    ]
    assert [row["class"]["id"] for row in found["rows"]] == ["demo/1", "demo/0", "demo/0"]
    assert found["rows"][1]["image"] is None
    last = found["values"][8:]
    assert (last[0], last) == (1, sorted(last, reverse=True))


def test_an_image_that_nobody_measured_names_the_command(service: Any) -> None:
    error = service.error(MATRIX, layer="demo/block2", rows=["demo/0", "demo/image:4"])
    assert error["extensions"]["code"] == "NOT_FOUND"
    assert "arete instances RUN --classes 0" in error["extensions"]["hint"]


def test_places_of_images(service: Any) -> None:
    service.statements.clear()
    found = service.data(INSTANCES, layer="demo/block2")["run"]["instances"]
    assert len(sent(service)) == 3  # the run, the layer, and all classes at once
    assert found["layerId"] == "demo/block2"
    assert [one["id"] for one in found["images"]] == [f"demo/image:{number}" for number in (2, 3, 8, 9, 20)]
    assert (found["x"], found["y"]) == ([0, 0.5, 1, 1.5, 2], [2, 1.75, 1.5, 1.25, 1])
    assert [one["thumbnail"]["index"] for one in found["images"]] == [0, 1, 2, 3, 4]
    some = service.data(INSTANCES, layer="demo/block2", classes=["demo/3"])["run"]["instances"]
    assert [one["id"] for one in some["images"]] == ["demo/image:20"]
    assert service.data(INSTANCES, layer="demo/block0")["run"]["instances"] is None
    answer = service.ask(INSTANCES, layer="demo-2/block1")
    assert answer["errors"][0]["extensions"]["code"] == "NOT_FOUND"


def test_thumbnails_are_served_and_classes_have_one(service: Any) -> None:
    found = service.data(
        '{ run(id: "demo") { classes(first: 8) { nodes { id hasInstances thumbnail { url index tiles tilePx } } } } }'
    )["run"]["classes"]["nodes"]
    assert [one["hasInstances"] for one in found] == [True, True, False, True, *[False] * 4]
    assert [one["thumbnail"] and one["thumbnail"]["index"] for one in found] == [0, 2, None, 4, *[None] * 4]
    url = found[0]["thumbnail"]["url"]
    assert url.startswith("/images/demo/thumbnails/1.webp?v=")
    answer = service.http.get(url)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/webp")
    assert answer.content == b"RIFF thumbnails 1" * 50
    assert "immutable" in answer.headers["cache-control"]
    assert service.http.get(url, headers={"If-None-Match": answer.headers["etag"]}).status_code == 304


@pytest.mark.parametrize("name", ["2.webp", "00.webp", "0-1.webp", "0.png", "..%2fmanifest.json", "-1.webp"])
def test_thumbnails_that_are_not_there(service: Any, name: str) -> None:
    assert service.http.get(f"/images/demo/thumbnails/{name}").status_code == 404


def test_many_images_cost_much(service: Any) -> None:
    # Reckoned as 500 images, however many there are.
    wide = "images { class { imageList(first: 500) { nodes { id } } } }"
    (error,) = service.ask(f'{{ run(id: "demo") {{ instances(layer: "demo/block2") {{ {wide} }} }} }}')["errors"]
    assert "objects" in error["message"]
