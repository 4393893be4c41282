"""Watching where the system gives no watcher, or not yet: the same face, and the best there is.

Strategy: `watcher_for` begins with the real one (watching/watcher.py). Where all inotify instances
of this user are taken it is tried again until there is one; where the kernel has none nothing is
noticed. Until a watcher works everything is told as refused, so that it is scanned instead.

Guarantees: whoever follows other tops, drains or closes meanwhile is heard. Limits: a drain says
that nothing was seen.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from potluck.core.content.paths import SafePath
from potluck.engine.events import OrderId, PathsTouched, WatchDrained, WatchesRefused
from potluck.shells.disk.fsops import Share
from potluck.shells.disk.watching.inotify import available
from potluck.shells.disk.watching.settings import too_small
from potluck.shells.disk.watching.watcher import WATCH_AGAIN_S, Watcher
from potluck.shells.loop.inbox import Inbox


class LateWatcher:
    """The same face where the system gives no inotify instance: tries again until it does.

    Until then all of it is told as refused, and scanned.
    """

    def __init__(
        self,
        make: Callable[[tuple[SafePath, ...]], Watcher],
        tops: tuple[SafePath, ...],
        inbox: Inbox,
    ) -> None:
        """Watch `tops` as soon as `make` can."""
        self._make = make
        self._tops = tops
        self._inbox = inbox
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._watcher: Watcher | None = None
        self._thread = threading.Thread(target=self.run, name="late-watcher", daemon=True)

    def __repr__(self) -> str:
        return f"LateWatcher({self._watcher!r})"

    @property
    def limited(self) -> bool:
        """Whether some changes are found by scans only."""
        return self._watcher is None or self._watcher.limited

    def start(self) -> None:
        """Say what is not watched, and begin to try."""
        self._inbox.post(WatchesRefused(self._tops, *too_small("instances")))
        self._thread.start()

    def run(self) -> None:
        """Try until it works, or `close`: the body of the thread."""
        while not self._stopping.wait(WATCH_AGAIN_S):
            if self._has_begun():
                return

    def _has_begun(self) -> bool:
        with self._lock:
            try:
                self._watcher = self._make(self._tops)
            except OSError:
                return False
            self._watcher.start()
            if not self._watcher.limited:
                self._inbox.post(WatchesRefused((), "", 0))
        self._inbox.post(PathsTouched((), overflow=True))
        return True

    def follow(self, tops: tuple[SafePath, ...]) -> None:
        """Watch these tops instead."""
        with self._lock:
            self._tops = tops
            if self._watcher is not None:
                self._watcher.follow(tops)
                return
        self._inbox.post(WatchesRefused(tops, *too_small("instances")))
        self._inbox.post(PathsTouched((), overflow=True))

    def drain(self, order: OrderId) -> None:
        """As the watcher does; while there is none nothing is noticed."""
        with self._lock:
            if self._watcher is not None:
                self._watcher.drain(order)
                return
        self._inbox.post(WatchDrained(order, sees_all=False))

    def close(self) -> None:
        """Stop trying, and the watcher if there is one. A second call does nothing."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()
        if self._watcher is not None:
            self._watcher.close()


class NoWatcher:
    """The same face where no hints can be had: regular scans find every change, later."""

    limited = True

    def __init__(self, tops: tuple[SafePath, ...], inbox: Inbox) -> None:
        """Watch nothing of `tops`."""
        self._tops = tops
        self._inbox = inbox

    def __repr__(self) -> str:
        return "NoWatcher()"

    def drain(self, order: OrderId) -> None:
        """Nothing is noticed here, so nothing is known."""
        self._inbox.post(WatchDrained(order, sees_all=False))

    def start(self) -> None:
        """Say what is not watched."""
        self._inbox.post(WatchesRefused(self._tops, "", 0))

    def run(self) -> None:
        """Do nothing."""

    def follow(self, tops: tuple[SafePath, ...]) -> None:
        """Say what is not watched."""
        self._tops = tops
        self.start()

    def close(self) -> None:
        """Do nothing."""


def watcher_for(
    share: Share,
    tops: tuple[SafePath, ...],
    inbox: Inbox,
    *,
    foreign: bool = False,
) -> Watcher | LateWatcher | NoWatcher:
    """Return the best watcher that this system gives."""
    if not available():
        return NoWatcher(tops, inbox)

    def make(wanted: tuple[SafePath, ...]) -> Watcher:
        return Watcher(share, wanted, inbox, foreign=foreign)

    try:
        return make(tops)
    except OSError:  # all inotify instances of this user are taken
        return LateWatcher(make, tops, inbox)
