"""What a watcher posts, gathered and waited for, and a kernel that has room for few watches."""

from __future__ import annotations

import errno
import threading
from collections.abc import Callable

import pytest  # noqa: TC002 - read by name

from potluck.core.content.paths import parse_wire_path
from potluck.engine.events import PathsTouched, RestlessSeen, WatchDrained, WatchesRefused
from potluck.shells.disk.watching.inotify import Inotify

DEADLINE_S = 30.0  # for a machine busy with other things; met in milliseconds on an idle one
ME = parse_wire_path(b"me")


class Hints:
    """What was posted, and waiting for it."""

    def __init__(self) -> None:
        self.posted: list[PathsTouched] = []
        self.refused: list[WatchesRefused] = []
        self.restless: list[RestlessSeen] = []
        self.drained: list[tuple[int, bool]] = []  # order, whether all is seen
        self._changed = threading.Condition()
        self.open = threading.Event()  # cleared: the watcher's thread is held in its next post
        self.open.set()

    def post(self, hint: PathsTouched | WatchesRefused | RestlessSeen | WatchDrained) -> None:
        with self._changed:
            if isinstance(hint, WatchesRefused):
                self.refused.append(hint)
            elif isinstance(hint, RestlessSeen):
                self.restless.append(hint)
            elif isinstance(hint, WatchDrained):
                self.drained.append((hint.order, hint.sees_all))
            else:
                self.posted.append(hint)
            self._changed.notify_all()
        assert self.open.wait(DEADLINE_S)

    @property
    def paths(self) -> list[str]:
        return [str(path) for hint in self.posted for path in hint.paths]

    @property
    def overflowed(self) -> int:
        return sum(hint.overflow for hint in self.posted)

    @property
    def unwatched(self) -> list[str]:
        """What was told last to be without a watch."""
        return [str(path) for path in self.refused[-1].folders] if self.refused else []

    def wait_until(self, met: Callable[[], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(met, DEADLINE_S), (
                f"not in {DEADLINE_S} s: {self.paths[-20:]}, overflows: {self.overflowed}"
            )

    def wait_for(self, *paths: str) -> None:
        self.wait_until(lambda: set(paths) <= set(self.paths))

    def clear(self) -> None:
        with self._changed:
            self.posted.clear()


class Room:
    """How many watches the kernel has room for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
        self.count = count
        self._given: set[int] = set()
        real, take_back = Inotify.watch, Inotify.unwatch

        def limited(inotify: Inotify, folder: int, mask: int) -> int:
            watch = real(inotify, folder, mask)
            if watch not in self._given and len(self._given) >= self.count:
                take_back(inotify, watch)
                raise OSError(errno.ENOSPC, "No space left on device")
            self._given.add(watch)
            return watch

        def unwatch(inotify: Inotify, watch: int) -> None:
            self._given.discard(watch)
            take_back(inotify, watch)

        monkeypatch.setattr(Inotify, "watch", limited)
        monkeypatch.setattr(Inotify, "unwatch", unwatch)
