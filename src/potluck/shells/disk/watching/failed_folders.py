"""Folders that have no watch since their disk answered with an error: when each is tried again.

Strategy: a disk that fails for a moment (a network file system whose server is away, a cable) fails
whoever sets a watch, and may be well before anybody looks at the folder; nobody would then notice
what changes in it. So such a folder is remembered with the one it stands in, and tried again soon.
Those that fail again go to the end of the line.

Guarantees: trying takes at most a twentieth of the time, and at most `limits.TOUCH_BUSY_S` and one
folder more at once, however many there are and however slowly their disk answers. Limits: who tries
is WatchedFolders; a folder that may not be entered is not one of these: it is told when it may be.
"""

from __future__ import annotations

import errno
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from potluck.core import limits
from potluck.core.content.paths import SafePath
from potluck.core.errors import UnsafePath

if TYPE_CHECKING:
    from potluck.shells.disk.watching.watched_folders import WatchedFolder

FAILED_AGAIN_S: Final = 2.0
"""Soon after a short failure; a failing open costs a millisecond or so."""
_REST: Final = 20
_ANSWERS: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EACCES, errno.EPERM})
"""What is no failure: it is gone, is none, or is not ours to enter."""


def is_failure(error: OSError | UnsafePath) -> bool:
    """Say whether an error tells nothing of what stands there."""
    return isinstance(error, OSError) and error.errno not in _ANSWERS


class FailedFolders:
    """Those folders, the next to be tried first."""

    def __init__(self) -> None:
        """Know of none."""
        self._outer = dict[SafePath | None, "WatchedFolder | None"]()
        self._next_s = 0.0

    def __repr__(self) -> str:
        """Return how many there are."""
        return f"FailedFolders({len(self._outer)})"

    @property
    def paths(self) -> list[SafePath | None]:
        """All of them; None: Shared/ itself."""
        return list(self._outer)

    def note(self, path: SafePath | None, outer: WatchedFolder | None) -> None:
        """The folder at `path`, which stands in `outer`, could not be watched."""
        self._outer[path] = outer

    def forget_below(self, gone: SafePath) -> None:
        """Nothing stands there any more, or it is to be watched anew."""
        for path in self.paths:
            if path is not None and path.starts_with(gone):
                del self._outer[path]

    def clear(self) -> None:
        """Everything is to be watched anew."""
        self._outer.clear()

    def wait_s(self, now: float) -> float | None:
        """Return how long until they are tried again; None if there are none."""
        return max(self._next_s - now, 0.0) if self._outer else None

    def again(
        self, now: float, grow: Callable[[WatchedFolder | None, SafePath | None], None]
    ) -> list[SafePath | None]:
        """Try those again that are due; returns which did not fail, whatever stands there now."""
        if now < self._next_s:
            return []
        began_s, well = time.monotonic(), list[SafePath | None]()
        for path, outer in list(self._outer.items()):
            if path not in self._outer:
                continue  # forgotten meanwhile
            if time.monotonic() - began_s > limits.TOUCH_BUSY_S:
                break
            del self._outer[path]
            grow(outer, path)
            if path not in self._outer:
                well.append(path)
        took_s = time.monotonic() - began_s
        self._next_s = now + max(FAILED_AGAIN_S, _REST * took_s)
        return well
