"""The viewer end to end: the demo as a newcomer starts it, driven in Chromium.

The browser tests themselves are TypeScript, in `tests/web/*.e2e.ts`; this starts what they look at.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = [pytest.mark.web, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Starts `arete demo` in a new data folder, with the engine's jars of the checkout; gives its address and token."""
    home = tmp_path_factory.mktemp("demo")
    jars = Path(os.environ.get("ARETE_HOME", ROOT / ".arete")) / "engine"
    if jars.is_dir():
        shutil.copytree(jars, home / "engine", copy_function=os.link)
    log = home / "demo.log"
    environment = {key: value for key, value in os.environ.items() if not key.startswith("ARETE_")}
    with log.open("wb") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "arete", "demo", "--no-open", "--no-features", "--port", "0", "--home", str(home)],
            env=environment | {"PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            found = re.search(r"(http://127\.0\.0\.1:\d+/)\S*#token=(\S+)", line)
            if found:
                yield {"ARETE_URL": found[1], "ARETE_TOKEN": found[2]}
                break
        else:
            pytest.fail(f"arete demo ended with {process.wait()}:\n{log.read_text()[-4000:]}")
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)  # reads on, so that nothing waits for a full pipe, and closes it


def test_viewer_in_chromium(demo: dict[str, str]) -> None:
    result = subprocess.run(
        ["npm", "run", "--silent", "e2e", "--", *os.environ.get("ARETE_E2E", "").split()],
        cwd=ROOT / "web",
        env=os.environ | demo,
        check=False,
        capture_output=True,
        text=True,
    )
    sys.stdout.write(result.stdout)
    assert result.returncode == 0, result.stdout[-6000:] + result.stderr[-3000:]
