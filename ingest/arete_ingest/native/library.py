"""Loads the compiled kernels that suit this machine.

`ARETE_NATIVE` chooses: `avx512`, `avx2` or `baseline` for one instruction set, `off` for none; unset or empty for the
widest that the processor has. It is read once, when the kernels are first asked for.
"""

import ctypes
import functools
import os
from ctypes import POINTER, c_double, c_int32, c_int64, c_void_p
from pathlib import Path
from typing import Any, NamedTuple

from arete_core.errors import SettingError
from arete_ingest.native.build import FAILURE, flags_by_name, library_name

VERSION = 1
"""Of the C interface, as `arete_version` in `native.cpp` has it."""

VARIABLE = "ARETE_NATIVE"

# Bits of `arete_instruction_sets`, widest first.
_BITS = {"avx512": 2, "avx2": 1}

_FOLDER = Path(__file__).parent

_INT64S, _FLOATS = POINTER(c_int64), c_void_p
_SIGNATURES: dict[str, tuple[Any, list[Any]]] = {
    "arete_version": (c_int32, []),
    "arete_instruction_sets": (c_int32, []),
    "arete_conv_create": (c_void_p, [_INT64S, _FLOATS]),
    "arete_conv_destroy": (None, [c_void_p]),
    "arete_conv_strongest": (c_int64, [c_void_p, _FLOATS, _INT64S, _INT64S, c_int32, _FLOATS, c_void_p]),
    "arete_peaks": (c_int64, [_FLOATS, _INT64S, _INT64S, _FLOATS, c_void_p]),
    "arete_take": (c_int64, [_FLOATS, c_void_p, c_int64, c_int64, c_double, c_int64, c_void_p, c_void_p]),
}


class Loaded(NamedTuple):
    """What looking for the kernels gave.

    Attributes:
        library: The loaded library; None where there is none to use.
        instruction_set: `avx512`, `avx2` or `baseline`; empty without a library.
        why_not: Why there is none; empty with a library.
    """

    library: Any
    instruction_set: str
    why_not: str


def available() -> bool:
    """Says whether compiled kernels are there and load."""
    return load().library is not None


def why_not() -> str:
    """Says why there are no kernels to use; empty where there are."""
    return load().why_not


def instruction_set() -> str:
    """Names the instruction set in use: `avx512`, `avx2` or `baseline`; empty without kernels."""
    return load().instruction_set


@functools.cache
def load(name: str | None = None) -> Loaded:
    """Loads a library, once a process.

    Args:
        name: The instruction set; None for what `ARETE_NATIVE` or the processor says.

    Returns:
        The library, or why there is none.

    Raises:
        SettingError: If there is no instruction set of that name.
    """
    if name is None:
        name = os.environ.get(VARIABLE) or None
        if name == "off":
            return Loaded(None, "", f"{VARIABLE} is off")
    if name is not None and name not in (*_BITS, "baseline"):
        raise SettingError(f"{VARIABLE} is {name!r}, avx512, avx2, baseline or off was expected")
    try:
        baseline = _opened("baseline")
    except OSError as error:
        return Loaded(None, "", _reason(error))
    bits = int(baseline.arete_instruction_sets())
    here = [each for each, bit in _BITS.items() if bits & bit] + ["baseline"]
    chosen = name or here[0]
    if chosen not in here:
        return Loaded(None, "", f"this processor or build has no {chosen}, only {', '.join(here)}")
    try:
        library = baseline if chosen == "baseline" else _opened(chosen)
    except OSError as error:
        return Loaded(None, "", _reason(error))
    return Loaded(library, chosen, "")


def instruction_sets() -> list[str]:
    """Lists the instruction sets that were built and that this processor has, widest first."""
    return [name for name in flags_by_name() if load(name).library is not None]


def _opened(name: str) -> Any:
    library = ctypes.CDLL(str(_FOLDER / library_name(name)))
    for function, (result, arguments) in _SIGNATURES.items():
        try:
            symbol = getattr(library, function)
        except AttributeError as error:
            raise OSError(f"{library_name(name)} has no {function}") from error
        symbol.restype, symbol.argtypes = result, arguments
    version = int(library.arete_version())
    if version != VERSION:
        raise OSError(f"{library_name(name)} has interface version {version}, {VERSION} was expected")
    return library


def _reason(error: OSError) -> str:
    """Says why a library does not load: what the build left, or what the loader says."""
    failure = _FOLDER / FAILURE
    if failure.is_file():
        return f"the kernels were not built: {failure.read_text().strip()}"
    return f"the kernels do not load: {error}"
