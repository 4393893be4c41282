"""Where there is no watcher yet, or none at all, everything is told as unwatched and nothing lost.

Strategy: instances of inotify are scarce as long as a test says so.
"""

from __future__ import annotations

import errno
import sys
import threading
from pathlib import Path
from typing import Any, cast

import pytest

from potluck.core.content.paths import parse_wire_path
from potluck.engine.events import OrderId
from potluck.shells.disk.fsops import Share
from potluck.shells.disk.watching import late_watcher
from potluck.shells.disk.watching import watcher as early
from potluck.shells.disk.watching.inotify import Inotify
from potluck.shells.disk.watching.late_watcher import LateWatcher, NoWatcher, watcher_for
from potluck.shells.disk.watching.watcher import Watcher
from tests.shells.disk.watching.hints import ME, Hints, Room

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's own")


def test_linux_gets_a_watcher(share: Share, hints: Hints) -> None:
    watcher = watcher_for(share, (ME,), cast("Any", hints))
    assert isinstance(watcher, Watcher)
    watcher.close()


def test_without_inotify_scans_do_the_work(
    share: Share, hints: Hints, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(late_watcher, "available", lambda: False)
    watcher = watcher_for(share, (ME,), cast("Any", hints))
    assert isinstance(watcher, NoWatcher)
    watcher.start()
    watcher.run()
    watcher.follow((parse_wire_path(b"me-2"),))
    watcher.close()
    assert watcher.limited
    assert (hints.posted, hints.unwatched) == ([], ["me-2"])


def test_without_a_free_instance_it_is_tried_again_until_there_is_one(
    share: Share, own: Path, hints: Hints, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = threading.Event()

    def scarce() -> Inotify:
        if not free.is_set():
            raise OSError(errno.EMFILE, "Too many open files")
        return Inotify()

    monkeypatch.setattr(early, "Inotify", scarce)
    monkeypatch.setattr(late_watcher, "WATCH_AGAIN_S", 0.05)
    watcher = watcher_for(share, (ME,), cast("Any", hints))
    assert isinstance(watcher, LateWatcher)
    watcher.start()
    try:
        assert (watcher.limited, hints.unwatched) == (True, ["me"])
        assert hints.refused[-1].setting.endswith("instances")
        own.rename(own.parent / "me-2")
        watcher.follow((parse_wire_path(b"me-2"),))
        assert hints.unwatched == ["me-2"]
        hints.clear()
        free.set()
        hints.wait_until(lambda: not hints.unwatched and hints.overflowed > 0)
        assert not watcher.limited
        (own.parent / "me-2/file").write_bytes(b"x")
        hints.wait_for("me-2/file")
        own.mkdir()
        hints.clear()
        watcher.follow((ME,))
        hints.wait_until(lambda: hints.overflowed > 0)
        assert "Watcher(['me']" in repr(watcher)
    finally:
        watcher.close()
    watcher.close()


def test_a_watcher_that_came_late_and_meets_another_limit_says_that_one(
    share: Share, hints: Hints, monkeypatch: pytest.MonkeyPatch
) -> None:
    watcher = LateWatcher(
        lambda tops: Watcher(share, tops, cast("Any", hints)), (ME,), cast("Any", hints)
    )
    monkeypatch.setattr(late_watcher, "WATCH_AGAIN_S", 0.05)
    Room(monkeypatch, 0)
    watcher.start()
    hints.wait_until(lambda: hints.refused[-1].setting.endswith("watches"))
    assert hints.unwatched == ["me"]
    watcher.close()


def test_a_watcher_that_never_began_can_be_closed(share: Share, hints: Hints) -> None:
    late = LateWatcher(
        lambda tops: Watcher(share, tops, cast("Any", hints)), (ME,), cast("Any", hints)
    )
    late.close()
    assert hints.refused == []


def test_a_drain_of_what_does_not_watch_proves_nothing(
    share: Share, own: Path, hints: Hints
) -> None:
    nothing = NoWatcher((ME,), cast("Any", hints))
    nothing.drain(OrderId(1))
    late = LateWatcher(
        lambda tops: Watcher(share, tops, cast("Any", hints)), (ME,), cast("Any", hints)
    )
    late.drain(OrderId(2))
    assert hints.drained == [(1, False), (2, False)]
    assert late._has_begun()
    (own / "a").write_bytes(b"x")
    late.drain(OrderId(3))
    hints.wait_until(lambda: len(hints.drained) == 3)
    assert hints.drained[-1] == (3, True)
    assert "me/a" in hints.paths
    late.close()
