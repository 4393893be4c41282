"""Kept copies: earlier versions in the trash here, opened by what they are a version of.

Strategy: the names in the trash say the path (trash_layout.py). A folder of the trash is listed
once for a batch, since thousands of its files may be wanted again together; versions that came last
are tried first. Guarantees: by descriptors, and no link is followed; nothing in the trash is
changed. Limits: what lies under a name that an earlier potluck gave is not found; what is wanted is
told by size only, so whoever gets a file compares its content. Raises OSError where descriptors or
memory are short: then it is not known what is there.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Final

from potluck.core.content.paths import SafePath
from potluck.core.errors import UnsafePath
from potluck.shells.disk.folder_names import names_in
from potluck.shells.disk.folders import Folders
from potluck.shells.disk.fsops import open_regular
from potluck.shells.disk.trash_layout import Top, Why, path_in, read_top

_SHORT: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM})
_Components = tuple[str, ...]
_Names = dict[str, list[str]]  # what lies there, by the last part of the path it is a version of


class KeptCopies:
    """The trash, for one batch."""

    def __init__(self, trash_fd: int) -> None:
        """Nothing is looked at before something is wanted."""
        self._trash_fd: Final = trash_fd
        self._tops: list[tuple[str, Top]] | None = None
        self._listed: dict[_Components, _Names] = {}

    def __repr__(self) -> str:
        return f"KeptCopies({len(self._listed)} folders)"

    def versions(self, path: SafePath, size: int) -> Generator[int, None, None]:
        """Yield open files of that size that are earlier versions of a path; closes each after."""
        with Folders(self._trash_fd) as folders:
            for name, top in self._days():
                within = (name, *path.parts[:-1])
                for kept in self._names(folders, within, top).get(path.name, ()):
                    with _unless_short():  # gone meanwhile, or no file
                        yield from _opened(folders.get(within), kept, size)

    def _days(self) -> list[tuple[str, Top]]:
        """Return the folders of the trash, the last day first."""
        if self._tops is None:
            read = [(name, read_top(name)) for name in names_in(self._trash_fd)]
            ours = [(n, top) for n, top in read if top is not None and top.why is not Why.UNKNOWN]
            self._tops = sorted(ours, key=lambda each: each[1].day, reverse=True)
        return self._tops

    def _names(self, folders: Folders, within: _Components, top: Top) -> _Names:
        """Return what lies in a folder of the trash; nothing if there is none."""
        if within not in self._listed:
            found = _Names()
            with _unless_short():
                for name in names_in(folders.get(within)):
                    of = path_in(top, (*within[1:], name))
                    if of is not None:
                        found.setdefault(of.name, []).append(name)
            self._listed[within] = found
        return self._listed[within]


@contextmanager
def _unless_short() -> Iterator[None]:
    """Go on where something is not there or cannot be read; raise what may be well in a moment."""
    try:
        yield
    except UnsafePath:
        pass
    except OSError as error:
        if error.errno in _SHORT:
            raise


def _opened(folder: int, name: str, size: int) -> Iterator[int]:
    descriptor = open_regular(folder, name)
    try:
        if os.fstat(descriptor).st_size == size:
            yield descriptor
    finally:
        os.close(descriptor)
