"""Whether settings that are numbers lie where they can. Does not import torch."""

from collections.abc import Iterable

from arete_core.errors import SettingError


def check_ranges(settings: object, ranges: Iterable[tuple[str, int | float, int | float | None]]) -> None:
    """Checks attributes that are numbers, or None where they were not given.

    Args:
        settings: Has the attributes.
        ranges: Name, least and largest value of each; None for no largest one.

    Raises:
        SettingError: If one lies outside, or is not a number.
    """
    for name, low, high in ranges:
        value = getattr(settings, name)
        if value is not None and not (value >= low and (high is None or value <= high)):
            expected = f"at least {low}" if high is None else f"{low} to {high}"
            raise SettingError(f"{name} is {value}, {expected} was expected")
