"""What callers may ask for."""

import math

import pytest

from arete_core.errors import BadInput
from arete_queries.arguments import check_first, check_mass, check_min_share, check_text, make_cursor, read_cursor


@pytest.mark.parametrize("mass", [1e-9, 0.075, 1, 1.0])
def test_masses_above_0_up_to_1(mass: float) -> None:
    assert check_mass(mass) == mass
    assert isinstance(check_mass(mass), float)


@pytest.mark.parametrize("mass", [0, -0.1, 1.0000001, math.nan, math.inf])
def test_other_masses_are_refused(mass: float) -> None:
    with pytest.raises(BadInput, match="mass: above 0 and up to 1"):
        check_mass(mass)


@pytest.mark.parametrize("share", [-1e-9, 1.0000001, math.nan, math.inf])
def test_shares_outside_0_to_1_are_refused(share: float) -> None:
    with pytest.raises(BadInput, match="min_share: a share of 0 to 1"):
        check_min_share(share)
    assert check_min_share(0) == 0.0
    assert check_min_share(1) == 1.0


@pytest.mark.parametrize("first", [0, -1, 501, 10**9])
def test_pages_of_1_to_500(first: int) -> None:
    with pytest.raises(BadInput, match="first: 1 to 500"):
        check_first(first)
    assert check_first(1) == 1
    assert check_first(500) == 500


@pytest.mark.parametrize("text", ["\ud800", "x" * 1001])
def test_text_that_cannot_be_sent_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="search:"):
        check_text("search", text)


def test_a_cursor_continues_its_own_question_only() -> None:
    cursor = make_cursor(50, "classes", "demo", None)
    assert read_cursor(cursor, "classes", "demo", None) == 50
    assert read_cursor(None, "classes", "demo", None) == 0
    with pytest.raises(BadInput, match="does not continue this list"):
        read_cursor(cursor, "classes", "demo", "bear")


@pytest.mark.parametrize("cursor", ["", "x", "bnVsbA==", "WzFd", "ü", "W10=", "\x00", "eyJhIjogMX0="])
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(BadInput, match="after:"):
        read_cursor(cursor, "classes")
