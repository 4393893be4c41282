"""Hints about local changes: which paths were written, made, moved or deleted, within milliseconds.

Strategy: inotify on every folder below the own tops, and below other people's, which are the first
to go without where watches are short. A new folder is watched, then reported itself,
and looking at it sees what was put into it before its watch stood (`mkdir -p a/b && echo >a/b/c` is
faster than any watcher). A file is reported when it is closed; one that stays open, after a while
(watching/stillness.py). Hints are gathered until 5 ms were quiet, or 100 ms under load; in between
the kernel joins equal events for us. A watch that is refused for want of room is told, with the
setting that is too small, and tried again every half minute.

Guarantees: events that were lost, watches that came late and folders that went away under us end in
`overflow=True`, which makes everybody look at everything; both halves of a rename come in one hint,
and after any exchange of folders each is watched under the name it has now; a file that is being
written is not reported. Idle costs nothing: one thread, asleep in one poll. Limits: hints, never
truth: network file systems tell us nothing of their other users, and mmap writes nothing at all.
Writing into a hard link tells only the name it was written through; the engine knows the others.
"""

from __future__ import annotations

import os
import select
import threading
import time
from queue import SimpleQueue
from typing import Final

from potluck.core import limits
from potluck.core.content.editor_files import ignored
from potluck.core.content.paths import SafePath, parse_wire_path
from potluck.engine.events import (
    OrderId,
    PathsTouched,
    RestlessSeen,
    WatchDrained,
    WatchesRefused,
)
from potluck.shells.disk.fsops import Share
from potluck.shells.disk.mounts import MountTable
from potluck.shells.disk.watching.inotify import Inotify, Mask, Notice
from potluck.shells.disk.watching.settings import too_small
from potluck.shells.disk.watching.stillness import Stillness
from potluck.shells.disk.watching.watched_folders import (
    WatchedFolder,
    WatchedFolders,
    child_of,
)
from potluck.shells.loop.inbox import Inbox

_HERE: Final = int(Mask.CREATE | Mask.MOVED_TO)
_GONE: Final = int(Mask.DELETE | Mask.MOVED_FROM)
_WRITING: Final = int(Mask.CREATE | Mask.MODIFY)
_FOLLOW: Final = b"f"
_DRAIN: Final = b"d"
"""What wakes the thread: to follow other tops, or to say when all that was noticed is told."""
_MS_A_S: Final = 1000
_ROUNDED_MS: Final = 1
"""poll cuts its time-out down to whole ms; a wait that ends too early would only begin again."""
WATCH_AGAIN_S: Final = 30.0
"""Between two tries to get a watch, or an instance, that was refused: one system call."""
REFUSED_MOST: Final = 1000
"""Of more refused folders the tops are named: scanning all costs no more than so many parts."""
_ITSELF: Final = int(Mask.DELETE_SELF | Mask.MOVE_SELF | Mask.UNMOUNT | Mask.IGNORED)


class Watcher:
    """Posts a PathsTouched soon after something below the tops changed; start it, then scan."""

    def __init__(
        self,
        share: Share,
        tops: tuple[SafePath, ...],
        inbox: Inbox,
        *,
        foreign: bool = False,
    ) -> None:
        """Watch the folders `tops` (one component each); with `foreign` all that is below Shared/.

        Raises OSError if the system gives no inotify instance.
        """
        self._tops = _names(tops)
        self._new_tops: SimpleQueue[frozenset[str]] = SimpleQueue()  # from other threads
        self._drains: SimpleQueue[OrderId] = SimpleQueue()  # likewise
        self._drained: list[OrderId] = []  # to be told as soon as nothing is left to be read
        self._dry = False  # nothing was at one moment since
        self._foreign = foreign
        self._inbox = inbox
        self._inotify = Inotify()
        self._folders = WatchedFolders(share, self._inotify, self._follows, self._is_own)
        self._stillness = Stillness(share)
        self._table = MountTable(share)
        self._table.look()
        self._touched: dict[SafePath, None] = {}
        self._half_moves: set[int] = set()
        self._lost = False
        self._told: tuple[SafePath, ...] = ()  # refused folders, as they were told
        self._restless: tuple[SafePath, ...] = ()  # as they were told
        self._writing: tuple[SafePath, ...] = ()  # likewise
        self._retry_s = 0.0
        self._wake_read, self._wake_write = os.pipe()
        self._thread: threading.Thread | None = None

    def __repr__(self) -> str:
        return f"Watcher({sorted(self._tops)}, {self._folders}, {self._stillness})"

    @property
    def limited(self) -> bool:
        """Whether the system refused watches, so that some changes are found by scans only."""
        return bool(self._folders.refused)

    def start(self) -> None:
        """Set up all watches, then start the thread: what changes after this returns is noticed."""
        self._folders.rebuild()
        self._thread = threading.Thread(target=self.run, name="watcher", daemon=True)
        self._thread.start()

    def follow(self, tops: tuple[SafePath, ...]) -> None:
        """Watch these tops instead, from another thread; ends in a hint with `overflow=True`."""
        if self._wake_write >= 0:
            self._new_tops.put(_names(tops))
            os.write(self._wake_write, _FOLLOW)

    def drain(self, order: OrderId) -> None:
        """Tell all that was noticed so far, then WatchDrained; from another thread."""
        if self._wake_write >= 0:
            self._drains.put(order)
            os.write(self._wake_write, _DRAIN)

    def close(self) -> None:
        """Stop the thread, wait for it and give the watches back. A second call does nothing."""
        if self._wake_write < 0:
            return
        os.close(self._wake_write)
        self._wake_write = -1
        if self._thread is not None:
            self._thread.join()
        os.close(self._wake_read)
        self._table.close()
        self._inotify.close()

    def run(self) -> None:
        """Read, gather and post until `close`: the body of the thread."""
        self._flush()  # the limit may have been met already
        poll = select.poll()
        poll.register(self._wake_read, select.POLLIN)
        poll.register(self._inotify.fileno(), select.POLLIN)
        if self._table.descriptor is not None:
            poll.register(self._table.descriptor, select.POLLPRI)
        while True:
            wait_s = self._wait_s(time.monotonic())
            ready = poll.poll(None if wait_s is None else wait_s * _MS_A_S + _ROUNDED_MS)
            woken = any(descriptor == self._wake_read for descriptor, _ in ready)
            if any(descriptor == self._table.descriptor for descriptor, _ in ready):
                self._lost = self._table.look() or self._lost
            if (woken and not self._heed()) or not self._gather():
                return
            self._flush()

    def _wait_s(self, now: float) -> float | None:
        """Return how long nothing is to be done, None for ever."""
        waits = [self._stillness.wait_s(now), self._folders.failed.wait_s(now)]
        if self.limited:
            waits.append(max(self._retry_s - now, 0.0))
        if self._drained:
            waits.append(0.0)
        return min((wait for wait in waits if wait is not None), default=None)

    def _follows(self, path: SafePath) -> bool:
        return self._foreign or self._is_own(path)

    def _is_own(self, path: SafePath) -> bool:
        return path.parts[0] in self._tops

    def _gather(self) -> bool:
        """Read until nothing comes for a while; False if we are to stop meanwhile."""
        began, self._dry = time.monotonic(), False
        wake = select.poll()
        wake.register(self._wake_read, select.POLLIN)
        while notices := self._inotify.read():
            self._dry = self._dry or self._inotify.emptied
            now = time.monotonic()
            for notice in notices:
                self._on_notice(notice, now)
            patience_s = limits.TOUCH_BUSY_S
            if self._half_moves:  # the other half is in the queue, or never comes: one more read
                patience_s += limits.TOUCH_IDLE_S
            if now - began >= patience_s:
                return True
            if wake.poll(limits.TOUCH_IDLE_S * _MS_A_S):
                return self._heed()
        self._dry = True
        return True

    def _heed(self) -> bool:
        """Find out why we were woken: to watch other folders, or (False) to stop."""
        why = os.read(self._wake_read, 1)
        if why == _DRAIN:
            self._drained.append(self._drains.get())
            self._dry = False  # what was read so far may have come before it
            return True
        self._lost = True
        if not why:
            return False  # the other end is closed
        self._tops = self._new_tops.get()
        return True

    def _flush(self) -> None:
        """Post what was gathered."""
        now = time.monotonic()
        self._half_moves.clear()
        self._touched.update(dict.fromkeys(self._stillness.rested(now)))
        if self._dry and self._drained:
            self._touched.update(dict.fromkeys(self._stillness.release()))
        if self.limited and now >= self._retry_s:
            self._retry_s = now + WATCH_AGAIN_S
            self._lost = self._lost or self._folders.has_room()
        for path in self._folders.failed.again(now, self._folders.grow):
            if path is None:
                self._lost = True
            else:
                self._touched[path] = None
        if self._lost:
            self._folders.rebuild()  # before the scan that follows: nothing falls between them
        self._tell_refused()
        writing = self._stillness.being_written(now, self._is_own)
        if (self._stillness.restless, writing) != (self._restless, self._writing):
            self._restless, self._writing = self._stillness.restless, writing
            self._inbox.post(RestlessSeen(self._restless, writing))
        if self._touched or self._lost:
            hint = PathsTouched(tuple(self._touched), self._lost)
            self._touched, self._lost = {}, False
            self._inbox.post(hint)
        if self._dry and self._drained:
            blind = [*self._folders.refused, *self._folders.failed.paths]
            unseen = any(path is None or self._is_own(path) for path in blind)
            for order in self._drained:
                self._inbox.post(WatchDrained(order, sees_all=not unseen))
            self._drained = []

    def _tell_refused(self) -> None:
        """Say which folders have no watch, if that is news."""
        refused = tuple(path for path in self._folders.refused if path is not None)
        if len(refused) > REFUSED_MOST or None in self._folders.refused:
            refused = tuple(parse_wire_path(top.encode()) for top in sorted(self._tops))
        if refused != self._told:
            self._told = refused
            lacks = self._folders.lacks_descriptors
            setting, value = ("", 0) if lacks else too_small("watches")
            self._inbox.post(WatchesRefused(refused, setting, value))

    def _on_notice(self, notice: Notice, now: float) -> None:
        folder = self._folders.get(notice.watch)
        if notice.mask & Mask.Q_OVERFLOW:
            self._lost = True
        elif folder is None:
            return  # an event from before the folder was forgotten
        elif notice.mask & _ITSELF:
            self._on_folder_itself(folder, notice.mask)
        elif not ignored(name := os.fsdecode(notice.name)) or notice.mask & Mask.ISDIR:
            self._on_name(folder, name, notice, now)

    def _on_folder_itself(self, folder: WatchedFolder, mask: int) -> None:
        if mask & Mask.IGNORED:
            self._folders.ended(folder)
        # any other folder is told of by the one it stands in
        if folder.path is None or mask & Mask.UNMOUNT:
            self._lost = True

    def _on_name(self, folder: WatchedFolder, name: str, notice: Notice, now: float) -> None:
        path = child_of(folder.path, name)
        if path is None:
            if folder.path is not None and notice.mask & (_HERE | _GONE):
                self._touched[folder.path] = None  # looking at it tells of the name that is refused
            return
        if not self._follows(path):
            return
        if notice.mask & Mask.MOVED_FROM:
            self._half_moves.add(notice.cookie)
        elif notice.mask & Mask.MOVED_TO:
            self._half_moves.discard(notice.cookie)
        if notice.mask & Mask.ISDIR:
            self._on_inner_folder(folder, path, notice.mask)
        else:
            self._on_file(path, notice.mask, now)

    def _on_inner_folder(self, folder: WatchedFolder, path: SafePath, mask: int) -> None:
        inner = folder.inner.get(path.name)
        if inner is not None and not mask & (_HERE | _GONE):
            # only its times or permissions; what is shut, or open again, is to be looked at
            if self._folders.was_or_is_shut(inner):
                self._touched[path] = None
            return
        # New, made readable, gone, or another one: after an exchange the half that says GONE comes
        # last, while a folder stands there. What counts is what stands there now.
        self._folders.forget(folder, path.name)
        self._folders.grow(folder, path)
        self._touched[path] = None

    def _on_file(self, path: SafePath, mask: int, now: float) -> None:
        if mask & _WRITING and not self._stillness.is_full:
            self._stillness.written(path, now, made=bool(mask & Mask.CREATE))
        elif mask & Mask.ATTRIB and path in self._stillness:
            return  # whoever writes it will close it
        elif mask & Mask.CLOSE_WRITE:
            if self._stillness.closed(path, now):
                self._touched[path] = None
        else:
            self._stillness.gone(path)
            self._touched[path] = None


def _names(tops: tuple[SafePath, ...]) -> frozenset[str]:
    return frozenset(top.parts[0] for top in tops)
