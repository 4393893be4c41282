"""What is replaced or removed is kept: earlier versions in the trash, local ones in `Put aside/`.

Strategy: a file that is about to be replaced is kept by a second link, so its name never stands
empty; a thing that is to go is moved by one rename onto a name where nothing stands. What was
really kept is looked at afterwards: if somebody exchanged the file between the look and the link,
it goes to `Put aside/` and not to the trash.

Guarantees: nothing kept ever replaces another thing; names are made unique, `name~2` in the trash
(trash_layout.py), where what is too long for that comes into another folder, and `name (label,
date) 2` beside it, cut where they would become too long. Links are kept as links, never followed. A
try after one that failed keeps nothing twice, in the trash within one day of the program. Limits:
where the file system knows no hard links, the old version is renamed away first, so its name is
empty for a moment; where it knows no rename that replaces nothing, a look comes before it
(renaming.py); the clock is the computer's, in local time for `Put aside/`, which people read. In
the trash no clock counts (trash_days.py).
"""

from __future__ import annotations

import os
import stat as modes
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from typing import Final, Self

from potluck.core.content.paths import SafePath
from potluck.core.errors import UnsafePath
from potluck.core.limits import COMPONENT_BYTES
from potluck.shells.disk.folder_names import names_in
from potluck.shells.disk.folders import Components, Folders
from potluck.shells.disk.fsops import NO_LINKS, Share, crashpoint, stat_at
from potluck.shells.disk.renaming import rename_to_free
from potluck.shells.disk.trash_days import day_now
from potluck.shells.disk.trash_layout import Why, stays_whole, top_name, trash_names

KeptNames = Callable[[], Iterator[str]]
"""What a kept thing may be called in a folder, the first choice first."""


_EXTENSION_BYTES: Final = COMPONENT_BYTES // 4
"""What is longer is no extension but a name with a dot in it, which may be cut."""


@dataclass(frozen=True, slots=True)
class Occupant:
    """A thing that stands somewhere below `Shared/`, as it was looked at."""

    path: SafePath  # below Shared/
    folder_fd: int  # of the folder it stands in
    found: os.stat_result  # itself, if it is a link
    held_as: str = ""  # under which name it stands there, if not that of its path

    @property
    def stands_as(self) -> str:
        """The name it stands under in its folder."""
        return self.held_as or self.path.name

    def is_still(self, found: os.stat_result) -> bool:
        """Say whether a later look saw the same, unchanged."""
        return _is_same(found, self.found)


class Keeper:
    """Trash and `Put aside/`, for the length of a batch."""

    def __init__(self, share: Share, now_s: float) -> None:
        """What is put aside has the date of `now_s`, seconds since 1970, in its name."""
        self._share = share
        self._now = time.localtime(now_s)
        self._day: int | None = None  # of the trash; not asked for yet
        self._trash = Folders(share.trash_fd)
        self._aside: Folders | None = None

    def __repr__(self) -> str:
        return f"Keeper({time.strftime('%Y-%m-%d', self._now)}, trash {self._trash})"

    def trash(self, occupant: Occupant, *, leave: bool, why: Why | None = None) -> str:
        """Keep an earlier version of the owner; return "", or where it went if it was another one.

        `leave` keeps its name occupant, for a rename over it. It was deleted unless that is so, or
        `why` says what else. Raises OSError.
        """
        if why is None:
            why = Why.REPLACED if leave else Why.DELETED
        components, name = self._keep_in_trash(occupant, why, leave=leave)
        self._trash.touch(components)
        kept = stat_at(self._trash.get(components), name)
        if kept is None or _is_same(kept, occupant.found):
            return ""
        # Exchanged between our look and our link: that was no version of the owner's.
        return self.put_aside(
            Occupant(occupant.path, self._trash.get(components), kept, name), leave=False
        )

    def put_aside(self, occupant: Occupant, *, leave: bool) -> str:
        """Keep a local version; return where it is, for people. Raises OSError."""
        folder = self._aside_folder(occupant.path)
        date = time.strftime("%Y-%m-%d %H.%M.%S", self._now)
        kept = self.lies_aside(occupant) if leave and is_linked(occupant.found) else ""
        kept = kept or _keep(
            occupant, folder, lambda: _aside_names(occupant.path, date), leave=leave
        )
        self._folders_aside().touch((occupant.path.parts[0],))
        return f"Put aside/{occupant.path.parts[0]}/{kept}"

    def lies_aside(self, occupant: Occupant) -> str:
        """Return as what it was put aside already, by a second link, "" if not; raises OSError."""
        descriptor = self._aside_folder(occupant.path)
        names = names_in(descriptor)
        return next((name for name in names if _is_itself(occupant.found, descriptor, name)), "")

    def sync(self) -> None:
        """Make durable what was kept; raises OSError with the first reason alone."""
        failed = self._trash.sync() | (self._aside.sync() if self._aside is not None else {})
        for reason in failed.values():
            raise OSError(reason)  # without a number, which would say what it means once more

    def close(self) -> None:
        """Close the folders."""
        self._trash.close()
        if self._aside is not None:
            self._aside.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def _keep_in_trash(
        self, occupant: Occupant, why: Why, *, leave: bool
    ) -> tuple[Components, str]:
        """Link or move a thing into the trash; return the folder in there and its name."""
        wanted = occupant.path.name
        for components in self._trash_folders(occupant.path, why):
            folder = self._trash.get(components)
            name = _keep(occupant, folder, lambda: trash_names(wanted), leave=leave)
            if name:
                return components, name
        raise AssertionError("series never end")

    def _trash_folders(self, path: SafePath, why: Why) -> Iterator[Components]:
        """Yield folders in the trash that can have room for a path, whatever was there before."""
        if self._day is None:
            self._day = day_now(self._share)
        whole = stays_whole(path.name)
        for series in count(1):
            components = (top_name(self._day, why, series, whole=whole), *path.parts[:-1])
            self._trash.trim()  # a long name has a folder for each version of a day
            with suppress(NotADirectoryError, UnsafePath):
                self._trash.get(components, create=True)
                yield components

    def _aside_folder(self, path: SafePath) -> int:
        return self._folders_aside().get((path.parts[0],), create=True)

    def _folders_aside(self) -> Folders:
        if self._aside is None:
            descriptor = self._share.open_aside()
            self._aside = Folders(descriptor)
            os.close(descriptor)
        return self._aside


def numbered(name: str, number: Callable[[int], str]) -> Iterator[str]:
    """Yield `name` with `number(1)`, … before the extension, cut so that none is too long."""
    stem, extension = os.path.splitext(name)
    if len(extension.encode()) > _EXTENSION_BYTES:
        stem, extension = name, ""
    for n in count(1):
        tail = (number(n) + extension).encode()
        head = stem.encode()[: COMPONENT_BYTES - len(tail)]
        yield head.decode("utf-8", "ignore") + tail.decode()


def _aside_names(path: SafePath, date: str) -> Iterator[str]:
    label = path.parts[0]
    return numbered(
        path.name, lambda n: f" ({label}, {date})" if n == 1 else f" ({label}, {date}) {n}"
    )


def _is_same(kept: os.stat_result, found: os.stat_result) -> bool:
    """Say whether two looks saw one unchanged file; ctime is left out, a new link changes it."""
    return (kept.st_ino, kept.st_size, kept.st_mtime_ns) == (
        found.st_ino,
        found.st_size,
        found.st_mtime_ns,
    )


def is_linked(found: os.stat_result) -> bool:
    """Say whether that is a file with another name besides the one that was looked at."""
    return modes.S_ISREG(found.st_mode) and found.st_nlink > 1


def _is_itself(found: os.stat_result, folder: int, name: str) -> bool:
    """Say whether a name in `folder` is one of that very file."""
    other = stat_at(folder, name)
    return other is not None and os.path.samestat(other, found)


def _keep(occupant: Occupant, folder: int, names: KeptNames, *, leave: bool) -> str:
    """Link or move a thing into `folder` under the first name that is free; return that name, ""
    if none is.
    """
    source = occupant.stands_as
    if leave and modes.S_ISREG(occupant.found.st_mode):
        kept = _link(occupant, folder, names())
        if kept is not None:
            return kept
    crashpoint("before_move")
    for target in names():
        with suppress(FileExistsError):
            rename_to_free(occupant.folder_fd, source, folder, target)
            crashpoint("after_move")
            return target
    return ""


def _link(occupant: Occupant, folder: int, names: Iterator[str]) -> str | None:
    """Make a second link; return its name, "" if none is free, None where links are unknown.
    Follows no link.

    One that a try before this one made is as good: else each would leave one more.
    """
    crashpoint("before_link")
    source, source_fd = occupant.stands_as, occupant.folder_fd
    for target in names:
        try:
            os.link(source, target, src_dir_fd=source_fd, dst_dir_fd=folder, follow_symlinks=False)
        except FileExistsError:
            if not _is_itself(occupant.found, folder, target):
                continue
        except OSError as error:
            if error.errno in NO_LINKS:
                return None
            raise
        crashpoint("after_link")
        return target
    return ""
