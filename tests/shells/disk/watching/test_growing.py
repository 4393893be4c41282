"""Files that are closed again and again: with a clock and sizes of its own."""

from __future__ import annotations

import pytest

from potluck.core.content.paths import SafePath, parse_wire_path
from potluck.shells.disk.watching import growing as module
from potluck.shells.disk.watching.growing import APPEND_QUIET_S, FREE_CLOSES, HELD_S, GrowingFiles

LOG = parse_wire_path(b"me/log")
SECONDS = 100


class Log:
    """A file that is appended to."""

    def __init__(self) -> None:
        self.size: int | None = 0
        self.files = GrowingFiles(self._size_of)
        self.told = list[float]()

    def _size_of(self, path: SafePath) -> int | None:
        assert path == LOG
        return self.size

    def close(self, now: float, *, size: int | None) -> None:
        self.size = size
        if not self.files.is_held(LOG, now):
            self.told.append(now)

    def wait(self, now: float) -> None:
        self.told += [now for _ in self.files.due(now)]


@pytest.fixture
def log() -> Log:
    return Log()


def test_who_appends_all_the_time_makes_a_version_now_and_then(log: Log) -> None:
    for second in range(SECONDS):
        log.wait(float(second))
        log.close(float(second), size=second)
    held = FREE_CLOSES + HELD_S
    assert log.told == [*map(float, range(FREE_CLOSES)), held, held + HELD_S, held + 2 * HELD_S]
    assert LOG in log.files
    assert repr(log.files) == "GrowingFiles(1 files, 1 of them held)"
    assert log.files.wait_s(SECONDS - 1.0) == APPEND_QUIET_S


def test_the_last_version_comes_out_when_it_was_quiet(log: Log) -> None:
    for second in range(FREE_CLOSES + 2):
        log.close(float(second), size=second)
    last = FREE_CLOSES + 1.0
    assert log.files.held == (LOG,)
    assert log.files.wait_s(last + 1.0) == APPEND_QUIET_S - 1.0
    log.wait(last + APPEND_QUIET_S - 0.1)
    assert len(log.told) == FREE_CLOSES
    log.wait(last + APPEND_QUIET_S)
    assert log.told[-1] == last + APPEND_QUIET_S
    assert log.files.wait_s(last + APPEND_QUIET_S) is None
    assert repr(log.files) == "GrowingFiles(0 files, 0 of them held)"


def test_saves_that_are_apart_are_never_held(log: Log) -> None:
    for number in range(9):
        log.close(number * APPEND_QUIET_S, size=number)
    assert len(log.told) == 9


def test_a_file_that_is_written_anew_is_never_held(log: Log) -> None:
    for second in range(9):
        log.close(float(second), size=7)
    assert len(log.told) == 9


def test_one_that_shrinks_or_goes_comes_out_at_once(log: Log) -> None:
    for size in (None, 5):
        for second in range(FREE_CLOSES + 1):
            log.close(float(second), size=10 + second)
        assert LOG in log.files
        log.close(9.0 - APPEND_QUIET_S, size=size)
        assert log.told[-1] == 9.0 - APPEND_QUIET_S
        assert LOG not in log.files
        log.files.forget(LOG)


def test_what_is_asked_for_or_gone_is_held_no_more(log: Log) -> None:
    for second in range(FREE_CLOSES + 1):
        log.close(float(second), size=second)
    assert log.files.release() == [LOG]
    assert log.files.release() == []
    log.close(FREE_CLOSES + 1.0, size=99)
    assert LOG in log.files, "it was asked for, and grows all the same"
    log.files.forget(LOG)
    assert log.files.due(SECONDS) == []


def test_of_very_many_files_no_more_are_known(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GROWING_MOST", 0)
    for second in range(9):
        log.close(float(second), size=second)
    assert len(log.told) == 9
