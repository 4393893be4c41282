"""Guided fuzzing finds a fault that is hidden behind steps, keeps it, and says how it is played
again.

Where atheris is not installed (requirements/guided.lock) only what is said then can be tested.
"""

from __future__ import annotations

import importlib.util
import shlex
from pathlib import Path

import pytest

from tests.fuzz import __main__, guided
from tests.fuzz.__main__ import main
from tests.fuzz.campaign import Campaign, run
from tests.fuzz.decoders import TARGETS
from tests.fuzz.guided import guided_words, run_guided, why_not
from tests.fuzz.planted import TARGETS as PLANTED

SECONDS = 5.0  # of the processor; the fault is found in the first one or two
atheris_only = pytest.mark.skipif(bool(why_not()), reason="atheris is not installed here")


@pytest.mark.full
@atheris_only
def test_a_fault_behind_steps_is_found_and_kept_and_an_honest_decoder_has_none(
    tmp_path: Path,
) -> None:
    found = run_guided(["planted"], SECONDS, 1, tmp_path, "tests.fuzz.planted")
    assert found.counts["planted"] > 1000
    assert len(found.findings) == 1, "one input of each kind is enough"
    (kept,) = (tmp_path / "planted").iterdir()
    first, again = found.findings[0].splitlines()
    assert first == "planted: KeyError"
    assert again.endswith(f" fuzz --only planted --replay {shlex.quote(str(kept))}")
    with pytest.raises(KeyError):
        PLANTED["planted"].read(kept.read_bytes())
    honest = run_guided(["path"], 1.0, 1, tmp_path)
    assert honest.findings == []
    assert honest.counts["path"] > 20
    assert honest.taken
    assert guided_words(honest).endswith(" 0 uncaught")


@pytest.mark.full
@atheris_only
def test_a_process_that_dies_is_a_finding(tmp_path: Path) -> None:
    dead = run_guided(["no such"], 1.0, 1, tmp_path, "tests.fuzz.planted")
    assert "no such: the process ended with 1" in dead.findings[0]
    assert "KeyError: 'no such'" in dead.findings[0]


def test_without_coverage_the_planted_fault_is_not_found(tmp_path: Path) -> None:
    assert run(PLANTED.values(), 0.5, 1, tmp_path).findings == []


def test_where_atheris_is_missing_it_is_said_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    assert main(["--guided", "--only", "path"]) == 1
    what, why, step, other = capsys.readouterr().err.splitlines()
    assert what == "potluck: Guided fuzzing needs atheris, which is not installed."
    assert why.startswith("  why:  ")
    assert step == f"  next: {guided.INSTALL}"
    assert "without --guided" in other
    lock = guided.INSTALL.rpartition(" ")[2]
    assert "--hash=sha256:" in Path(lock).read_text(encoding="utf-8"), "as the advice says"


def test_one_input_is_played_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = tmp_path / "one"
    kept.write_bytes(b"a/b")
    assert main(["--only", "path", "--replay", str(kept)]) == 0
    kept.write_bytes(b"/")
    assert main(["--only", "path", "--replay", str(kept)]) == 0
    assert capsys.readouterr().out == "path: taken\npath: refused, as it should be\n"
    with pytest.raises(SystemExit):
        main(["--replay", str(kept)])


def test_a_fault_that_is_played_again_shows_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(TARGETS, "planted", PLANTED["planted"])
    kept = tmp_path / "one"
    kept.write_bytes(b"\xfep\x07")
    with pytest.raises(KeyError):
        main(["--only", "planted", "--replay", str(kept)])


def test_what_is_guided_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(__main__, "why_not", lambda: "")
    monkeypatch.setattr(__main__, "run_guided", lambda *_said: Campaign())
    assert main(["--guided", "--seed", "3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "seed 3, guided by coverage (atheris)"
    assert lines[1] == "guided: 0 inputs of 0 decoders, 0 taken, 0 uncaught"
