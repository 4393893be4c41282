"""Disk doubts: which files of the own folder another disk may have put where mine stood.

Strategy: where something was mounted, or is no more, a window is open until all that is known below
was met, or is in question no more (engine/own/covered.py). What is met in it for the first time,
with another stat than is known, is doubted: what is read of it next is not shared, if it is not
what is shared there already (engine/own/older_copy.py). A disk may be filled once it is mounted: so
what a look does not find on it stays unmet. A disk that is known again was edited elsewhere: what
was kept in its window until the first look was over is given back, to be shared.

Guarantees: what is seen by a look of before, or read from before, is doubted as well. Limits: kept
in memory, for the index remembers mount points: at a start their windows are open anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from potluck.engine.events import OrderId


@dataclass(slots=True)
class MountWindow:
    """What was not met yet below one mount point, since something changed there."""

    since: OrderId
    unmet: set[bytes]
    doubted: set[bytes] = field(default_factory=set)
    looked: bool = False  # a look is over, and it is not known what disk this is


class DiskDoubts:
    """The windows that are open, by the folder something is, or was, mounted at."""

    def __init__(self) -> None:
        """Doubt nothing."""
        self._windows: dict[bytes, MountWindow] = {}
        self._doubted: set[bytes] = set()  # what is read of these next is not shared
        self._taken: set[bytes] = set()  # of these it was read, and kept from being shared

    def __repr__(self) -> str:
        """Return how much is doubted."""
        return f"<DiskDoubts: {len(self._doubted)} in {len(self._windows)} windows>"

    @property
    def idle(self) -> bool:
        """Whether it does not matter what is met."""
        return not self._windows and not self._doubted

    @property
    def open(self) -> bool:
        """Whether something is kept that may be given back in a moment."""
        return any(window.doubted and not window.looked for window in self._windows.values())

    def begin(self, folder: bytes, paths: Iterable[bytes], since: OrderId) -> None:
        """Something was mounted at a folder, or is no more; these are known below it."""
        self.end(folder)
        self._windows[folder] = MountWindow(since, set(paths))

    def on_there(self, path: bytes, order: OrderId, *, as_known: bool) -> None:
        """A look or scan of this order met a path."""
        if as_known:
            self._doubted.discard(path)
        else:
            self.on_other(path)
        for window in self._windows.values():
            if order > window.since:
                window.unmet.discard(path)

    def on_other(self, path: bytes) -> None:
        """Something else stands at a path than is known, or was read there."""
        folders = [folder for folder, window in self._windows.items() if path in window.unmet]
        if folders:
            self._windows[max(folders, key=len)].doubted.add(path)
            self._doubted.add(path)
            self._taken.discard(path)

    def ends(self, path: bytes) -> bool:
        """A path was read: say whether it was doubted, as it is no more."""
        was = path in self._doubted
        self._doubted.discard(path)
        return was

    def take(self, path: bytes) -> None:
        """What was read of a doubted path is kept from being shared."""
        self._taken.add(path)

    def has_taken(self, path: bytes) -> bool:
        """Say whether it was, and may be given back still."""
        return path in self._taken

    def look(self, folder: bytes) -> None:
        """All below a folder was looked at, and what is mounted there is not known again."""
        window = self._windows.get(folder)
        if window is not None:
            window.looked = True

    def end(self, folder: bytes, *, known_again: bool = False) -> list[bytes]:
        """The window at a folder is over; return what was kept in it and is to be shared, since the
        disk is `known_again`.
        """
        window = self._windows.pop(folder, None)
        if window is None:
            return []
        kept = sorted(self._taken & window.doubted)
        self._taken -= window.doubted
        if not known_again:
            return []
        self._doubted -= window.doubted
        return kept
