"""A walk over the trash: every file in it, with when it came there and which version of what it is.

Strategy: the truth is what lies there. Names say the day and the path (trash_layout.py); within one
day the order is that of ctime, which the link or rename set that put a file there. A disk that
keeps no ctime (exFAT) answers with the file's own time instead: when such a file came is not known,
and within one day those of one path are in the order of their numbers.

Guarantees: walks by descriptors and follows no link; what goes meanwhile is left out. Limits: the
ctime is the computer's clock, so within one day of the program a wrong clock can give a wrong
order; where none is kept, what came after one of that day had to make room can take its number,
and counts as older than it is; about 400 bytes a file.
"""

from __future__ import annotations

import math
import os
import stat as modes
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from potluck.core.content.paths import SafePath
from potluck.shells.disk.fsops import stat_at
from potluck.shells.disk.trash_layout import Top, Why, path_in, read_top, turn_of

_BLOCK_BYTES: Final = 512
"""The unit of st_blocks, whatever the file system's own."""


@dataclass(frozen=True, slots=True)
class KeptFile:
    """One file in the trash."""

    top: Top | None  # None: what it lies in, or itself, was not taken over yet
    folder: tuple[str, ...]  # where it lies, below the trash
    name: str
    found: os.stat_result

    @property
    def order(self) -> tuple[int, int, int]:
        """What is larger came later."""
        day = self.top.day if self.top is not None else -1
        return day, came_ns(self.found) or 0, turn_of(self.top, self.name)

    @property
    def owner(self) -> str:
        """The label of whose file it was, as the folder was called then; "" if it is unknown."""
        label = self.folder[1] if len(self.folder) > 1 else ""
        known = self.top is not None and self.top.why is not Why.UNKNOWN
        return label if known else label.partition("~")[0]

    @property
    def path(self) -> SafePath | None:
        """Which path below Shared/ it is a version of; None: of none that could be shared."""
        if self.top is None or not modes.S_ISREG(self.found.st_mode):
            return None
        return path_in(self.top, (*self.folder[1:], self.name))

    @property
    def disk_bytes(self) -> int:
        """How much of the disk it takes."""
        return self.found.st_blocks * _BLOCK_BYTES


class Trash(NamedTuple):
    """What was found in the trash."""

    versions: list[KeptFile]  # of paths, the newest first
    others: int  # files, links and the like that are versions of nothing
    complete: bool  # all of it was looked at


def came_ns(found: os.stat_result) -> int | None:
    """Return when a file came into the trash, by the computer's clock; None: the disk keeps that
    not, and answers with when the file was changed.
    """
    return found.st_ctime_ns if found.st_ctime_ns != found.st_mtime_ns else None


def all_kept(
    trash_fd: int,
    path: SafePath | None = None,
    on_error: Callable[[OSError], object] | None = None,
) -> Iterator[KeptFile]:
    """Yield every file in the trash, in no order; of folders that lead not to `path` none.

    `on_error` hears of folders that could not be opened, and are left out.
    """
    for folder, folders, files, descriptor in os.fwalk(".", onerror=on_error, dir_fd=trash_fd):
        where = tuple(folder.split("/")[1:])  # without the "."
        for name in (*files, *folders):  # among the latter are links that lead to folders
            found = stat_at(descriptor, name)
            if found is not None and not modes.S_ISDIR(found.st_mode):
                yield KeptFile(read_top(where[0] if where else name), where, name, found)
        if path is not None and 0 < len(where) <= len(path.parts):
            folders[:] = [name for name in folders if name == path.parts[len(where) - 1]]


def versions_below(trash_fd: int, path: SafePath | None = None, until_s: float = math.inf) -> Trash:
    """Return the versions of `path` and of what is below it, None: of everything.

    After `until_s`, monotonic, no more is looked at. Raises OSError.
    """
    versions, others, errors = list[KeptFile](), 0, list[OSError]()
    for kept in all_kept(trash_fd, path, errors.append):
        if time.monotonic() > until_s:
            return Trash(_newest_first(versions), others, complete=False)
        of = kept.path
        if of is None:
            others += 1
        elif path is None or of.starts_with(path):
            versions.append(kept)
    unread = [error for error in errors if not isinstance(error, FileNotFoundError)]
    return Trash(_newest_first(versions), others, complete=not unread)


def numbered_versions(versions: list[KeptFile]) -> Iterator[tuple[int, SafePath, KeptFile]]:
    """Yield each with its number among those of its path; the newest is 1, and they come so."""
    numbers: dict[SafePath, int] = {}
    for kept in versions:
        path = kept.path
        if path is not None:
            numbers[path] = numbers.get(path, 0) + 1
            yield numbers[path], path, kept


def _newest_first(versions: list[KeptFile]) -> list[KeptFile]:
    return sorted(versions, key=lambda kept: kept.order, reverse=True)
