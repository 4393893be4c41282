"""`watch`: what a running potluck says is shown, `exit` ends the view only, `down` ends potluck."""

from __future__ import annotations

import io
import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from potluck.faces.cli.client import Client
from potluck.faces.cli.main import run_command
from potluck.faces.cli.watch import WatchLeaving
from tests.faces.fakes import FakeSource, delivery, running, state


@pytest.fixture
def source(tmp_path: Path) -> Iterator[FakeSource]:
    with running(tmp_path, FakeSource()) as served:
        yield served


@pytest.mark.parametrize("word", [" Exit ", "quit", "stop"])
def test_exit_ends_the_view_and_not_potluck(source: FakeSource, tmp_path: Path, word: str) -> None:
    over = threading.Event()
    leaving = WatchLeaving(Client(str(tmp_path)), over, asks=True)
    assert leaving.answer("status") is None
    assert leaving.answer("exit --help") is None, "it asks what that does"
    assert repr(leaving) == "WatchLeaving(over=False)"
    assert leaving.answer(word) == []
    assert over.is_set()
    assert source.asked == []


def test_down_ends_potluck_after_the_question(source: FakeSource, tmp_path: Path) -> None:
    over = threading.Event()
    source.current = state(deliveries=[delivery()])
    leaving = WatchLeaving(Client(str(tmp_path)), over, asks=True)
    first = leaving.answer("down")
    assert first is not None
    assert first[-1] == "Leave anyway? Type down once more to leave."
    assert source.asked == []
    again = leaving.answer("down")
    assert again is not None
    assert again[-1] == "Leaving…"
    assert source.asked == ["leave"]
    assert not over.is_set(), "the view ends when potluck has ended"


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[bytes], object]]:
    """A standard input that a test types into."""
    reading, writing = os.pipe()
    with os.fdopen(reading) as file:
        monkeypatch.setattr(sys, "stdin", file)
        yield lambda data: os.write(writing, data)
        os.close(writing)


def test_a_view_from_start_to_exit(
    source: FakeSource,
    tmp_path: Path,
    typed: Callable[[bytes], object],
    capsys: pytest.CaptureFixture[str],
) -> None:
    typed(b"exit\n")
    assert run_command(["--home", str(tmp_path), "watch"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "Watching: exit or Ctrl-C ends this view only, `down` ends potluck."
    assert lines[-1].startswith("potluck goes on; to see it again: ")
    assert lines[-1].endswith(" watch")
    assert source.asked == []


def test_a_view_ends_when_potluck_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    shown = threading.Event()
    with running(tmp_path, FakeSource()) as source:
        ask = source.state
        codes: list[int] = []

        def state_and_end(*, fresh: bool = False) -> dict[str, object]:
            shown.set()
            return ask(fresh=fresh)

        source.state = state_and_end  # type: ignore[method-assign]
        viewing = threading.Thread(
            target=lambda: codes.append(run_command(["--home", str(tmp_path), "watch"]))
        )
        viewing.start()
        assert shown.wait(30)
    viewing.join(30)
    assert codes in ([0], [3]), "ended before the first look, nothing is running"
    out = capsys.readouterr().out
    assert codes == [3] or out.splitlines()[-1] == "potluck has ended."


def test_nothing_to_watch(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["--home", str(tmp_path), "watch"]) == 3
    assert "No potluck is running here." in capsys.readouterr().err


def test_ctrl_c_ends_the_view(
    source: FakeSource,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO())

    def interrupted(_over: threading.Event) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("potluck.faces.cli.watch._wait", interrupted)
    assert run_command(["--home", str(tmp_path), "watch"]) == 0
    out = capsys.readouterr().out
    assert "Watching: Ctrl-C ends this view only" in out
    assert "potluck goes on" in out
