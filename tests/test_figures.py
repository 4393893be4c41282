"""Figures: what was measured stands in the table as it was measured, and what was not says so."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import __main__ as tiers
from tests.figures import GOALS, PARTS, VARIABLE, record, table

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "figures"
    file.touch()
    monkeypatch.setenv(VARIABLE, str(file))
    return file


def test_what_nobody_measured_says_so(kept: Path) -> None:
    lines = table(kept)
    assert len(lines) == len(GOALS)
    assert all("not measured" in line for line in lines)


def test_a_figure_is_held_if_every_test_held_it(kept: Path) -> None:
    record("S5", "0.2 s at a closed door", held=True)
    record("S5", "9 s at an open door", held=False)
    record("S6", "0 found", held=True)
    lines = table(kept)
    at = next(n for n, line in enumerate(lines) if line.startswith("S5"))
    assert "NOT HELD" in lines[at]
    assert lines[at + 1 : at + 3] == ["    0.2 s at a closed door", "    9 s at an open door"]
    assert "  held  " in next(line for line in lines if line.startswith("S6"))


def test_a_figure_of_parts_is_held_when_all_of_them_are(kept: Path) -> None:
    def verdict() -> str:
        return next(line for line in table(kept) if line.startswith("R7"))

    for number in range(PARTS["R7"]):
        assert "  held  " not in verdict()
        record("R7", f"scenario {number}: 0 of 9 files lost", held=True)
        record("R7", f"scenario {number}: 0 of 7 files lost", held=True)
        assert number == PARTS["R7"] - 1 or f"  {number + 1} of 8  " in verdict()
    assert "  held  " in verdict()
    record("R7", "scenario 1: 1 of 9 files lost", held=False)
    assert "NOT HELD" in verdict()


def test_a_figure_nobody_asked_for_is_none(kept: Path) -> None:
    with pytest.raises(AssertionError, match="S99"):
        record("S99", "nothing", held=True)
    assert kept.read_text() == ""


def test_without_a_tier_nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    record("S1", "nobody hears it", held=True)


def test_every_goal_is_in_the_figures_of_the_project() -> None:
    rows = (ROOT / "docs" / "figures.md").read_text("utf-8")
    assert all(f"| {figure} |" in rows for figure in GOALS)


def test_beyond_the_default_tier_there_is_a_file_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    with tiers.measured("default") as none:
        record("S1", "nobody hears it", held=True)
        assert none is None
    with tiers.measured("full") as file:
        assert file is not None
        record("S1", "somebody hears it", held=True)
        assert "    somebody hears it" in table(file)
    assert not file.exists()
