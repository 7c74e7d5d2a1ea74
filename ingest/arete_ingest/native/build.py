"""Compiles the counting kernels: one library for each instruction set, beside this file.

Run by the build hook when Arête is installed, and by hand: `python ingest/arete_ingest/native/build.py`. It needs a C++
compiler (`CXX`, else `c++`, `g++` or `clang++`) and nothing else, and imports nothing of Arête, so that it runs before
Arête is installed. Where it fails it says why in a file that `arete_ingest.native.why_not` reads. What was compiled
from the same sources with the same compiler stays.
"""

import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

SOURCES = Path(__file__).parent / "src"

FLAGS = (
    *("-std=c++17", "-O3", "-DNDEBUG", "-fPIC", "-shared", "-fvisibility=hidden", "-fvisibility-inlines-hidden"),
    # Nothing may change a result: products are contracted only where the sources say so.
    *("-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math"),
    "-w",  # warnings are for who changes the sources; GCC 12 has wrong ones about AVX-512
)

X86_FLAGS = {
    "avx512": ("-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mfma", "-mbmi", "-mprefer-vector-width=512"),
    "avx2": ("-mavx2", "-mfma", "-mbmi"),
    "baseline": (),
}

FAILURE = "not-built.txt"
"""Why the last build made no library; absent after one that did."""

STAMP = "kernels.sha256"
"""What the libraries were compiled from."""

SECONDS_TO_COMPILE = 600  # a slow machine takes 60


def flags_by_name() -> dict[str, tuple[str, ...]]:
    """Says which libraries this machine's architecture has, by instruction set, with the compiler's flags for them."""
    if platform.machine().lower() in ("x86_64", "amd64"):
        return X86_FLAGS
    return {"baseline": ()}


def library_name(instruction_set: str) -> str:
    """Names a library's file."""
    return f"kernels_{instruction_set}.so"


def compiler() -> list[str] | None:
    """Finds the C++ compiler.

    Returns:
        The command to run, of one or more words; None where there is none.
    """
    chosen = os.environ.get("CXX")
    if chosen:
        words = shlex.split(chosen)
        return words if shutil.which(words[0]) else None
    found = next((name for name in ("c++", "g++", "clang++") if shutil.which(name)), None)
    return [found] if found else None


def build(to: Path) -> str:
    """Compiles the libraries.

    Args:
        to: Folder for them; those that are there are replaced once all are compiled.

    Returns:
        Why there are none now, with the compiler's words; empty where all were made.
    """
    command = compiler()
    if command is None:
        chosen = os.environ.get("CXX")
        return _failed(to, f"CXX names {chosen}, which is not there" if chosen else "no C++ compiler was found")
    stamp = _stamp(command)
    places = [to / library_name(name) for name in flags_by_name()]
    if (to / STAMP).is_file() and (to / STAMP).read_text() == stamp and all(place.is_file() for place in places):
        return ""
    with tempfile.TemporaryDirectory() as folder:

        def compiled(name: str, flags: tuple[str, ...]) -> str:
            output = Path(folder) / library_name(name)
            line = [*command, *FLAGS, *flags, "-o", str(output), str(SOURCES / "native.cpp")]
            try:
                run = subprocess.run(line, capture_output=True, text=True, check=False, timeout=SECONDS_TO_COMPILE)
            except (OSError, subprocess.TimeoutExpired) as error:
                return f"{line[0]} failed: {error}"
            return "" if run.returncode == 0 else f"{shlex.join(line)} failed:\n{run.stderr.strip()[-2000:]}"

        libraries = flags_by_name()
        with ThreadPoolExecutor(max_workers=len(libraries)) as pool:
            reasons = [reason for reason in pool.map(compiled, libraries, libraries.values()) if reason]
        if reasons:
            return _failed(to, reasons[0])
        for name in libraries:
            # Moved into place as a whole: a process that has the old one open keeps it.
            moved = to / f".{library_name(name)}.new"
            shutil.copy(Path(folder) / library_name(name), moved)
            moved.replace(to / library_name(name))
    (to / FAILURE).unlink(missing_ok=True)
    (to / STAMP).write_text(stamp)
    return ""


def _stamp(command: list[str]) -> str:
    """Hashes what decides the libraries: sources, flags, compiler."""
    version = subprocess.run([*command, "--version"], capture_output=True, check=False).stdout
    digest = hashlib.sha256(repr((command, FLAGS, flags_by_name())).encode() + version)
    for source in sorted(SOURCES.iterdir()):
        digest.update(source.name.encode() + source.read_bytes())
    return digest.hexdigest()


def _failed(to: Path, reason: str) -> str:
    for name in (*map(library_name, flags_by_name()), STAMP):
        (to / name).unlink(missing_ok=True)  # of other sources
    (to / FAILURE).write_text(reason + "\n")
    return reason


if __name__ == "__main__":
    why_not = build(Path(__file__).parent)
    print(why_not or "built", file=sys.stderr)
    sys.exit(bool(why_not))
