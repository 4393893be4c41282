"""Failed folders: which are tried again, when, and for how long at once."""

from __future__ import annotations

import errno
import time

import pytest

from potluck.core import limits
from potluck.core.content.paths import SafePath, parse_wire_path
from potluck.core.errors import UnsafePath
from potluck.shells.disk.watching.failed_folders import (
    FAILED_AGAIN_S,
    FailedFolders,
    is_failure,
)
from potluck.shells.disk.watching.watched_folders import WatchedFolder

A, A_B, C = (parse_wire_path(path) for path in (b"me/a", b"me/a/b", b"me/c"))
OUTER = WatchedFolder(None, 1)


class Disk:
    """Fails for some folders, and remembers who was tried."""

    def __init__(self, *failing: SafePath | None) -> None:
        self.failing = set(failing)
        self.tried: list[SafePath | None] = []
        self.folders = FailedFolders()
        for path in failing:
            self.folders.note(path, OUTER)

    def grow(self, outer: WatchedFolder | None, path: SafePath | None) -> None:
        assert outer is OUTER
        self.tried.append(path)
        if path in self.failing:
            self.folders.note(path, outer)


@pytest.mark.parametrize(
    ("error", "failed"),
    [
        (OSError(errno.ESTALE, ""), True),
        (OSError(errno.EIO, ""), True),
        (OSError(errno.ENOENT, ""), False),
        (OSError(errno.EACCES, ""), False),
        (UnsafePath("a link"), False),
    ],
)
def test_a_failure_says_nothing_of_what_stands_there(
    error: OSError | UnsafePath, failed: bool
) -> None:
    assert is_failure(error) is failed


def test_what_fails_is_tried_again_until_it_does_not() -> None:
    disk = Disk(A, C, None)
    assert disk.folders.wait_s(0.0) == 0.0
    assert disk.folders.again(0.0, disk.grow) == []
    assert disk.tried == [A, C, None]
    assert disk.folders.wait_s(0.5) == pytest.approx(FAILED_AGAIN_S - 0.5, abs=0.1)
    disk.failing = {C}
    assert disk.folders.again(FAILED_AGAIN_S / 2, disk.grow) == [], "it is not due"
    assert disk.folders.again(10.0, disk.grow) == [A, None]
    assert disk.folders.paths == [C]
    assert repr(disk.folders) == "FailedFolders(1)"
    disk.failing.clear()
    assert disk.folders.again(20.0, disk.grow) == [C]
    assert disk.folders.wait_s(20.0) is None


def test_what_is_forgotten_while_others_are_tried_is_not_tried() -> None:
    disk = Disk(A, C, A_B)
    disk.failing.clear()

    def grow(outer: WatchedFolder | None, path: SafePath | None) -> None:
        disk.grow(outer, path)
        disk.folders.forget_below(A)

    assert disk.folders.again(0.0, grow) == [A, C]
    assert (disk.tried, disk.folders.paths) == ([A, C], [])


def test_what_is_gone_or_watched_anew_is_not_tried() -> None:
    disk = Disk(None, A, A_B, C)
    disk.folders.forget_below(A)
    assert disk.folders.paths == [None, C]
    disk.folders.clear()
    assert disk.folders.again(0.0, disk.grow) == []
    assert disk.tried == []


def test_a_slow_disk_takes_little_of_the_time_and_everybody_has_a_turn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0

    def slow(outer: WatchedFolder | None, path: SafePath | None) -> None:
        nonlocal now
        now += 2 * limits.TOUCH_BUSY_S
        disk.grow(outer, path)

    monkeypatch.setattr(time, "monotonic", lambda: now)
    disk = Disk(A, C)
    disk.folders.again(now, slow)
    assert (disk.tried, disk.folders.paths) == ([A], [C, A])
    wait_s = disk.folders.wait_s(now)
    assert wait_s is not None
    assert wait_s >= 19 * 2 * limits.TOUCH_BUSY_S
    disk.folders.again(now + wait_s, slow)
    assert disk.tried == [A, C]
