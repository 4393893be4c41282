"""Files that are written and not closed: when they may be shared all the same.

Strategy: a file that somebody keeps open (a log, a database, a recording) is never reported as
closed. It counts as still when its size and mtime did not change for `limits.STILL_S`. The table is
kept in the order in which files may come to rest, so that only the first has to be asked how long
to wait. A file that is written to without pause comes out all the same after `RESTLESS_S`, to be
read as it stands. One that grows faster than it can be read again and again (a copy coming in, a
recording) has to wait in proportion to its size, and is `restless` meanwhile.

Guarantees: whatever is put in comes out once, unless it is closed first, and then again while it is
written; a file that is written all the time costs one entry and a system call every `RESTLESS_S`,
and reading it whenever it comes out a bounded part of the disk's time. What was made by `link` has
nobody who will close it, and comes out at once. Limits: at most `UNCLOSED_MOST` files; the caller
asks `is_full` and reports any more directly.
"""

from __future__ import annotations

import os
import stat as modes
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice, takewhile
from typing import Final

from potluck.core import limits
from potluck.core.content.paths import SafePath
from potluck.core.errors import UnsafePath
from potluck.shells.disk.fsops import Share, stat_at

UNCLOSED_MOST: Final = 10_000
"""Far above what one user may hold open; about 2 MB of memory."""


RESTLESS_S: Final = 30.0
"""A file written to without pause is read so often: with the tries that may take, within a minute.
"""
RESTLESS_BYTES_S: Final = 16 * limits.MIB
"""It waits a second for so many bytes: half a GiB comes out every 32 s, which any disk can read in
a tenth of that, and a copy that comes in faster than this never before it is done."""


MOMENT_S: Final = 0.5
"""Who writes a file for longer is worth a word; most are closed within milliseconds."""
LOOKED_AT: Final = 64
"""Of thousands of unclosed files so many are looked at to find one that is written."""


@dataclass(slots=True)
class _Unclosed:
    """One file that was written and not closed yet."""

    due_s: float  # when it may count as still
    since_s: float  # when it was first written, after it came out last
    seen: tuple[int, int] | None = None  # size and mtime_ns when last looked at


class Stillness:
    """Files open for writing, in the order of coming to rest, by one monotonic clock."""

    def __init__(self, share: Share) -> None:
        self._share: Final = share
        self._files: Final[dict[SafePath, _Unclosed]] = {}
        self._fresh: Final[dict[SafePath, bool]] = {}  # not looked at yet; True: made, not written
        self._patience: Final[dict[SafePath, float]] = {}  # when to ask whether it waited enough
        self._restless: set[SafePath] = set()

    def __repr__(self) -> str:
        return f"Stillness({len(self._files)} files, {len(self._fresh)} of them fresh)"

    def __contains__(self, path: SafePath) -> bool:
        """Say whether a file is waited for."""
        return path in self._files

    @property
    def is_full(self) -> bool:
        """Whether no more can be kept in mind."""
        return len(self._files) >= UNCLOSED_MOST

    def written(self, path: SafePath, now: float, *, made: bool = False) -> None:
        """A file was written, or `made`."""
        before = self._files.pop(path, None)
        since_s = now if before is None else before.since_s
        self._files[path] = _Unclosed(now + limits.STILL_S, since_s)
        self._fresh[path] = made
        self._patience.setdefault(path, now + RESTLESS_S)

    def closed(self, path: SafePath) -> None:
        """A file was closed, or is gone."""
        if path in self._files:
            self._forget(path)

    @property
    def restless(self) -> tuple[SafePath, ...]:
        """The files that are written to for long, and too large to be read meanwhile."""
        return tuple(sorted(self._restless))

    def is_writing(self, now: float, is_own: Callable[[SafePath], bool]) -> bool:
        """Say whether somebody has been writing a file for more than a moment."""
        some = islice(self._files.items(), LOOKED_AT)
        return any(now - file.since_s >= MOMENT_S and is_own(path) for path, file in some)

    def wait_s(self, now: float) -> float | None:
        """Return how long until a file may have come to rest; None if there is no file."""
        firsts = [unclosed.due_s for unclosed in islice(self._files.values(), 1)]
        firsts += islice(self._patience.values(), 1)
        return max(min(firsts) - now, 0.0) if firsts else None

    def rested(self, now: float) -> list[SafePath]:
        """Return, and forget, the files to report: still for long, or with nobody to close them."""
        ready = [path for path, made in self._fresh.items() if self._is_complete(path, made=made)]
        self._fresh.clear()
        for path in ready:
            self._forget(path)
        for path in self._due(now):
            unclosed = self._files.pop(path)
            seen = _size_and_time(self._stat(path))
            if seen is None or seen == unclosed.seen:
                self._forget(path)
                ready.append(path)
            else:
                self._files[path] = _Unclosed(now + limits.STILL_S, unclosed.since_s, seen)
        return ready + self._impatient(now)

    def _impatient(self, now: float) -> list[SafePath]:
        """Return, and forget, the files that were written to for as long as their size asks."""
        ready = []
        for path, _ in list(takewhile(lambda file: file[1] <= now, self._patience.items())):
            found = self._stat(path)
            size = 0 if found is None else found.st_size
            if now - self._files[path].since_s >= max(RESTLESS_S, size / RESTLESS_BYTES_S):
                self._forget(path)
                ready.append(path)
            else:
                del self._patience[path]
                self._patience[path] = now + RESTLESS_S
                self._restless.add(path)
        return ready

    def _forget(self, path: SafePath) -> None:
        self._files.pop(path, None)
        self._fresh.pop(path, None)
        self._patience.pop(path, None)
        self._restless.discard(path)

    def _due(self, now: float) -> list[SafePath]:
        """Return the files that may have come to rest by now: the first ones."""
        due = takewhile(lambda file: file[1].due_s <= now, self._files.items())
        return [path for path, _ in due]

    def _is_complete(self, path: SafePath, *, made: bool) -> bool:
        """Look for the first time: a new hard link, or what is no file, nobody will close."""
        found = self._stat(path)
        self._files[path].seen = _size_and_time(found)
        if found is None or not modes.S_ISREG(found.st_mode):
            return True
        return made and found.st_nlink > 1

    def _stat(self, path: SafePath) -> os.stat_result | None:
        try:
            parent = self._share.open_folder(path.parent)
        except (OSError, UnsafePath):
            return None
        try:
            return stat_at(parent, path.name)
        except OSError:
            return None
        finally:
            os.close(parent)


def _size_and_time(found: os.stat_result | None) -> tuple[int, int] | None:
    return None if found is None else (found.st_size, found.st_mtime_ns)
