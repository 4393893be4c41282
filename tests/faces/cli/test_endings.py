"""Every end of a command has its exit code, and is said without a traceback."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path

import pytest

from potluck.__main__ import main
from potluck.core.errors import DiskTrouble, PotluckError, UsageError
from potluck.faces.cli.endings import INTERRUPTED, ended
from potluck.faces.cli.output import PipeClosedError


def raising(error: BaseException) -> Callable[[], int]:
    def work() -> int:
        raise error

    return work


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (DiskTrouble("full"), 8),
        (UsageError("odd"), 2),
        (PotluckError("odd"), 1),
        (KeyboardInterrupt(), INTERRUPTED),
        (PipeClosedError(), 0),
        (ValueError("a fault"), 1),
        (OSError(errno.ENOENT, "not there", "/a/file"), 1),
    ],
)
def test_what_is_raised_is_an_exit_code(error: BaseException, code: int) -> None:
    assert ended(raising(error), as_json=False, verbose=False) == code


@pytest.mark.parametrize("name", ["streams.prepare_streams", "plain.run_plain"])
def test_ctrl_c_before_a_command_has_begun_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(f"potluck.faces.cli.{name}", interrupted)
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == INTERRUPTED


def test_what_work_returns_is_returned() -> None:
    assert ended(lambda: 11, as_json=False, verbose=False) == 11


def test_a_fault_is_a_sentence_and_with_verbose_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(raising(ValueError("odd")), as_json=False, verbose=False) == 1
    assert "a fault in potluck itself: ValueError('odd')" in capsys.readouterr().err
    with pytest.raises(ValueError, match="odd"):
        ended(raising(ValueError("odd")), as_json=False, verbose=True)


def test_an_error_for_a_script_goes_to_the_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended(raising(UsageError("odd")), as_json=True, verbose=False) == 2
    printed = capsys.readouterr()
    assert '"code": "usage"' in printed.out
    assert not printed.err


@pytest.mark.parametrize("as_json", [False, True])
def test_a_fault_repeats_nothing_of_what_was_read(
    as_json: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    for error in (
        UnicodeDecodeError("utf-8", b"sesame\xe9", 6, 7, "odd"),
        UnicodeEncodeError("utf-8", "sesame\udce9", 6, 7, "odd"),
    ):
        assert ended(raising(error), as_json=as_json, verbose=False) == 1
        said = "".join(capsys.readouterr())
        assert "sesame" not in said
        assert type(error).__name__ in said


def test_a_folder_that_is_gone_is_no_trouble_of_the_output(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert ended(lambda: len(str(Path("x").absolute())), as_json=False, verbose=False) == 7
    said = capsys.readouterr().err
    assert said.startswith("potluck: The folder in which this runs is gone.")
    assert "next: write the whole path" in said
    monkeypatch.chdir(tmp_path)
