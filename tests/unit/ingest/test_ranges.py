"""Numbers that cannot be are named with what could."""

from types import SimpleNamespace

import pytest

from arete_core.errors import SettingError
from arete_ingest.ranges import check_ranges

RANGES = (("share", 0, 1), ("limit", 1, None))


@pytest.mark.parametrize(("share", "limit"), [(0, 1), (1, 10**9), (0.5, None), (None, None)])
def test_numbers_that_can_be(share: float | None, limit: int | None) -> None:
    check_ranges(SimpleNamespace(share=share, limit=limit), RANGES)


@pytest.mark.parametrize(
    ("share", "limit", "text"),
    [
        (-0.1, 1, r"share is -0\.1, 0 to 1 was expected"),
        (1.5, 1, r"share is 1\.5, 0 to 1 was expected"),
        (float("nan"), 1, "share is nan, 0 to 1 was expected"),
        (0, 0, "limit is 0, at least 1 was expected"),
    ],
)
def test_numbers_that_cannot_be(share: float, limit: int, text: str) -> None:
    with pytest.raises(SettingError, match=text):
        check_ranges(SimpleNamespace(share=share, limit=limit), RANGES)
