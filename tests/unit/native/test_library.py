"""Which kernels are used, and what is said where there are none."""

from pathlib import Path

import pytest

from arete_core.errors import SettingError
from arete_ingest import native
from arete_ingest.native import build
from arete_ingest.native.library import instruction_sets, load


@pytest.mark.skipif(not native.available(), reason=native.why_not())
@pytest.mark.parametrize("choice", ["baseline", ""])
def test_the_environment_chooses_the_instruction_set(choice: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARETE_NATIVE", choice)
    assert load.__wrapped__().instruction_set == (choice or instruction_sets()[0])


def test_kernels_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARETE_NATIVE", "off")
    loaded = load.__wrapped__()
    assert loaded.library is None
    assert loaded.why_not == "ARETE_NATIVE is off"


def test_an_unknown_instruction_set_is_refused() -> None:
    with pytest.raises(SettingError, match="avx512, avx2, baseline or off was expected"):
        load("avx1024")


def test_a_failed_build_leaves_its_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in build.flags_by_name():
        (tmp_path / build.library_name(name)).write_text("of older sources")
    monkeypatch.setenv("CXX", "false")
    assert "failed" in build.build(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [build.FAILURE]
    monkeypatch.setattr("arete_ingest.native.library._FOLDER", tmp_path)
    missing = load.__wrapped__("baseline")
    assert missing.library is None
    assert missing.why_not.startswith("the kernels were not built: false ")


def test_a_library_of_another_version_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    if not native.available():
        pytest.skip(native.why_not())
    monkeypatch.setattr("arete_ingest.native.library.VERSION", 999)
    loaded = load.__wrapped__("baseline")
    assert loaded.library is None
    assert "999 was expected" in loaded.why_not
