"""A code at the start: asked again while nobody answers, never after a no."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from potluck.core.errors import PotluckError, Refused, TimedOut
from potluck.faces.cli import code_at_start as module
from potluck.faces.cli.client import Client
from potluck.faces.cli.code_at_start import CodeAtStart

if TYPE_CHECKING:
    import pytest

PATIENCE_S = module.ATTEMPT_MAX_S + 2.5 * module.AGAIN_AFTER_S  # two times more, then no more
LATE, NO = TimedOut("Nobody.", "why", "next"), Refused("No.", "why", "next")


class Play:
    """What a potluck answers, and what is written."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: str | PotluckError) -> None:
        self.answers, self.written = list(answers), list[str]()
        self.asked, self.now_s, self.over = 0, 0.0, threading.Event()
        monkeypatch.setattr(Client, "act", self._act)
        monkeypatch.setattr(module, "write_or_go_on", self._write)
        monkeypatch.setattr(module, "time", self)

    def monotonic(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds

    def _act(self, act: str, body: dict[str, object]) -> str:
        wanted = {"code": "amber-tiger-violin", "waits": True, "last": self.asked == 2}
        assert (act, body) == ("join", wanted)
        self.asked += 1
        answer = self.answers.pop(0)
        if isinstance(answer, PotluckError):
            raise answer
        return answer

    def _write(self, text: str) -> None:
        self.written.append(text)
        self.over.set()


def run(tmp_path: Path, play: Play) -> None:
    start = CodeAtStart(Client(str(tmp_path)), "amber-tiger-violin", patience_s=PATIENCE_S)
    assert repr(start) == "<CodeAtStart>"
    start.start()
    assert play.over.wait(10.0)


def test_what_came_of_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    play = Play(monkeypatch, "In.")
    run(tmp_path, play)
    assert play.written == ["In.\n"]


def test_while_nobody_answers_it_asks_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    play = Play(monkeypatch, LATE, LATE, "In.")
    run(tmp_path, play)
    assert (play.asked, play.written) == (3, ["In.\n"])
    assert play.now_s == 2 * module.AGAIN_AFTER_S


def test_a_no_is_final(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    play = Play(monkeypatch, LATE, NO)
    run(tmp_path, play)
    assert play.asked == 2
    assert play.written[0].startswith("No.\n")
    assert "next" in play.written[0]


def test_it_gives_up_when_no_code_counts_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    play = Play(monkeypatch, LATE, LATE, LATE, LATE)
    run(tmp_path, play)
    assert play.asked == 3
    assert play.written[0].startswith("Nobody.\n")
