"""Files that are written: when they may be shared.

Strategy: a file is complete when whoever writes it closes it. One that is written and not closed (a
log, a database, a copy that comes in) waits for that, and comes out all the same `UNCLOSED_S` after
its first write, to be read as it stands, so that what somebody keeps open for days is shared too.
Two kinds wait longer, and are `restless` meanwhile. A file that was begun and grows faster than
`GROWTH_BYTES_S` is a download or a recording, of which nobody wants the half: it waits until it is
closed, or was not written for `UNCLOSED_S`. A large one waits in proportion to its size, so that
reading it costs a bounded part of the disk's time. A file that is closed again and again while
it grows is held back now and then (watching/growing.py).

Guarantees: whatever is put in comes out once, unless it is closed first, and then again while it is
written; a file that is written all the time costs one entry and a system call every `UNCLOSED_S`.
What was made by `link`, and what nobody has open (changed by name: truncate, mknod), has nobody who
will close it, and comes out at once. Limits: at most
`UNCLOSED_MOST` files; the caller asks `is_full` and reports any more directly. A writer that pauses
for `UNCLOSED_S`, or is slower than `GROWTH_BYTES_S`, is not told from a log. Where the system does
not say who has a file open (watching/writers.py), what is changed by name waits as if it were open.
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
from potluck.shells.disk.watching.growing import GrowingFiles
from potluck.shells.disk.watching.writers import nobody_writes

UNCLOSED_MOST: Final = 10_000
"""Far above what one user may hold open; about 2 MB of memory."""


UNCLOSED_S: Final = 30.0
"""A file that nobody closes waits so long: with the tries its reading may take, less than a minute.
A download stalls for seconds now and then, rarely for so long.
"""
GROWTH_BYTES_S: Final = 32 * limits.KIB
"""Slower than downloads, faster than most logs: 1 MiB in half a minute."""
BEGUN_BYTES: Final = 4 * limits.MIB
"""What had less when it was looked at first, 0.1 s after a write at most, was begun then: whoever
had written more writes twice as fast as `RESTLESS_BYTES_S`.
"""
RESTLESS_BYTES_S: Final = 16 * limits.MIB
"""It waits a second for so many bytes: half a GiB comes out every 32 s, which any disk can read in
a tenth of that, and a copy that comes in faster than this never before it is done."""


MOMENT_S: Final = 0.5
"""Who writes a file for longer is worth a word; most are closed within milliseconds."""
LOOKED_AT: Final = 64
"""Of thousands of unclosed files so many are looked at to find those that are written."""


@dataclass(slots=True)
class _Unclosed:
    """One file that was written and not closed yet."""

    since_s: float  # when it was first written, after it came out last
    last_s: float  # when it was written last
    first_size: int | None = None  # when it was looked at first; None: not yet


class Stillness:
    """Files being written, by one monotonic clock."""

    def __init__(self, share: Share) -> None:
        self._share: Final = share
        self._files: Final[dict[SafePath, _Unclosed]] = {}
        self._fresh: Final[dict[SafePath, bool]] = {}  # not looked at yet; True: made, not written
        self._due: Final[dict[SafePath, float]] = {}  # when to ask about each, the first first
        self._restless: set[SafePath] = set()
        self._growing: Final = GrowingFiles(self._size_of)

    def __repr__(self) -> str:
        return f"Stillness({len(self._files)} files, {len(self._fresh)} fresh, {self._growing!r})"

    def __contains__(self, path: SafePath) -> bool:
        """Say whether a file is waited for."""
        return path in self._files or path in self._growing

    @property
    def is_full(self) -> bool:
        """Whether no more can be kept in mind."""
        return len(self._files) >= UNCLOSED_MOST

    def written(self, path: SafePath, now: float, *, made: bool = False) -> None:
        """A file was written, or `made`."""
        file = self._files.get(path)
        if file is None:
            self._files[path] = _Unclosed(now, now)
            self._due[path] = now + UNCLOSED_S
            self._fresh[path] = made
            return
        file.last_s = now
        if path in self._fresh:
            self._fresh[path] = made

    def closed(self, path: SafePath, now: float) -> bool:
        """A file was closed by who wrote it; say whether it is to be reported at once."""
        self._forget(path)
        return not self._growing.is_held(path, now)

    def gone(self, path: SafePath) -> None:
        """A file is gone, or another one."""
        self._forget(path)
        self._growing.forget(path)

    def release(self) -> list[SafePath]:
        """Return what was closed and is held back: somebody asks for all that is there."""
        return self._growing.release()

    @property
    def restless(self) -> tuple[SafePath, ...]:
        """The files that are written to for long, and that should not be read meanwhile."""
        return tuple(sorted(self._restless))

    def being_written(self, now: float, is_own: Callable[[SafePath], bool]) -> tuple[SafePath, ...]:
        """Return files that somebody has been writing for more than a moment; of many some."""
        some = islice(self._files.items(), LOOKED_AT)
        found = [path for path, file in some if now - file.since_s >= MOMENT_S and is_own(path)]
        held = islice(filter(is_own, self._growing.held), LOOKED_AT)
        return tuple(sorted({*found, *held}))

    def wait_s(self, now: float) -> float | None:
        """Return how long until a file may come out; None if there is none."""
        waits = [max(due_s - now, 0.0) for due_s in islice(self._due.values(), 1)]
        held_s = self._growing.wait_s(now)
        if held_s is not None:
            waits.append(held_s)
        return min(waits, default=None)

    def rested(self, now: float) -> list[SafePath]:
        """Return, and forget, the files to report: written for long, or nobody will close them."""
        ready = [path for path, made in self._fresh.items() if self._is_complete(path, made=made)]
        self._fresh.clear()
        for path, _ in list(takewhile(lambda file: file[1] <= now, self._due.items())):
            if self._may_be_read(path, now):
                ready.append(path)
                continue
            del self._due[path]  # it goes to the end
            self._due[path] = now + UNCLOSED_S
            self._restless.add(path)
        for path in ready:
            self._forget(path)
        return list(dict.fromkeys(ready + self._growing.due(now)))

    def _may_be_read(self, path: SafePath, now: float) -> bool:
        """Say whether a file that was not closed may be read as it stands."""
        file, size = self._files[path], self._size_of(path)
        if size is None or now - file.last_s >= UNCLOSED_S:
            return True
        written_s, first = now - file.since_s, file.first_size or 0
        if first <= BEGUN_BYTES and size - first > GROWTH_BYTES_S * written_s:
            return False
        return written_s >= size / RESTLESS_BYTES_S

    def _forget(self, path: SafePath) -> None:
        self._files.pop(path, None)
        self._fresh.pop(path, None)
        self._due.pop(path, None)
        self._restless.discard(path)

    def _is_complete(self, path: SafePath, *, made: bool) -> bool:
        """Look for the first time: a new hard link, what is no file, or what nobody has open."""
        found = self._stat(path)
        if found is None or not modes.S_ISREG(found.st_mode):
            return True
        self._files[path].first_size = found.st_size
        return (made and found.st_nlink > 1) or nobody_writes(self._share, path)

    def _size_of(self, path: SafePath) -> int | None:
        found = self._stat(path)
        return None if found is None else found.st_size

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
