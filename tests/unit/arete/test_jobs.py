"""What the commands share that run jobs of `arete_ingest`."""

import subprocess
import sys

import pytest

from arete.commands.options import items
from arete.jobs import needing_ingest
from arete_core.errors import CapabilityError


def test_a_missing_package_is_named_with_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "umap", None)  # as where it is not installed
    with pytest.raises(CapabilityError, match=r"^embed needs umap, which is not installed") as caught:  # noqa: SIM117
        with needing_ingest("embed needs"):
            import umap  # noqa: F401
    assert caught.value.hint == 'pip install "arete[ingest]"'


@pytest.mark.parametrize(
    ("values", "expected"),
    [(None, ()), ([], ()), (["a, b", "c"], ("a", "b", "c")), ([" ,", "a,,b,"], ("a", "b"))],
)
def test_items_may_be_repeated_and_have_commas_between(values: list[str] | None, expected: tuple[str, ...]) -> None:
    assert items(values) == expected


def test_a_job_of_low_priority_stands_back() -> None:
    code = "import os; from arete.jobs import lower_priority; a = os.nice(0); lower_priority(); print(a, os.nice(0))"
    before, after = map(int, subprocess.check_output([sys.executable, "-c", code]).split())
    assert after == min(before + 15, 19)
