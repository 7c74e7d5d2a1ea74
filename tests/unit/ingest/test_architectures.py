"""Every classifier of torchvision is read, or refused with the reason; `docs/architectures.md` says which and how."""

from pathlib import Path

import architectures

PAGE = Path(__file__).parents[3] / "docs" / "architectures.md"


def test_the_page_says_what_tracing_makes_of_every_classifier() -> None:
    found = list(architectures.rows())
    assert len(found) >= 80
    assert all(row.refused == row.model.startswith(architectures.TRANSFORMERS) for row in found), (
        "only transformers are"
    )
    text = PAGE.read_text("utf-8")
    assert [row.text for row in found] == [line for line in text.splitlines() if line.startswith("| `")]
    assert text == architectures.page(found), "write it anew: python tests/architectures.py > docs/architectures.md"
