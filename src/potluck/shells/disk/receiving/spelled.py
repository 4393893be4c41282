"""Names that the file system takes for one: what stands under another one is left alone.

Strategy: where FOLDER's file system folds names (`Share.names`), it finds `Foo` when asked for
`foo`. Before a path is changed the folders above it, and what stands there, are asked for their
real names. What stands under another one is another path to its owner, and stays.
A folder that is to have just another spelling goes by way of a name in `tmp/`, since such file
systems do nothing when asked to rename a thing to itself.

Guarantees: nothing is put over, put into, or removed for, what is spelled otherwise. Limits: one
more listing of a folder for each path where something stands; a crash between the two renames
leaves a folder in `tmp/`, from where settling puts it aside.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Final

from potluck.core.content.paths import SafePath, printable
from potluck.core.errors import UnsafePath
from potluck.shells.disk.exact_names import other_name
from potluck.shells.disk.folders import Components, Folders
from potluck.shells.disk.fsops import Share, crashpoint
from potluck.shells.disk.receiving.sources import ReadyFile
from potluck.shells.disk.renaming import rename_over, rename_to_free

_NO_FOLDER: Final = (FileNotFoundError, NotADirectoryError, UnsafePath)


class Spelled:
    """Real names of what stands, for the length of a batch."""

    def __init__(self, share: Share, folders: Folders) -> None:
        """Ask in these folders, if names may be one there."""
        self._share, self._folders = share, folders
        self._right: set[Components] = set()  # folders that are called as they are written

    def __repr__(self) -> str:
        return f"Spelled({len(self._right)} folders)"

    def above(self, path: SafePath) -> str:
        """Return the real name of the first folder above a path that has another one, or ""."""
        if self._share.names.plain:
            return ""
        for depth, name in enumerate(path.parts[:-1]):
            components = path.parts[: depth + 1]
            if components in self._right:
                continue
            try:
                folder = self._folders.get(path.parts[:depth])
                other = other_name(self._share.names, folder, name)
            except _NO_FOLDER:
                return ""  # nothing stands below what is no folder
            if other:
                return other
            self._right.add(components)
        return ""

    def at(self, path: SafePath) -> str:
        """Return the real name of what stands at a path whose folder is there, or ""."""
        if self._share.names.plain:
            return ""
        return other_name(self._share.names, self._folders.get(path.parts[:-1]), path.name)

    def is_source(self, path: SafePath, other: str, ready: ReadyFile) -> bool:
        """Say whether what stands at a path as `other` is the very file that is to be moved there.

        It has that name in that folder, if the folder it is to come from is the same.
        """
        if ready.moved is None or ready.moved.name != other:
            return False
        with suppress(*_NO_FOLDER):
            folders = [self._folders.get(each.parts[:-1]) for each in (path, ready.moved)]
            return os.path.samestat(*map(os.fstat, folders))
        return False

    def respell(self, path: SafePath, other: str, held: str) -> bool:
        """Give a folder its new spelling, by way of `held` in `tmp/`; False if it stands again
        under its old name, since the new one was taken meanwhile. Raises OSError.

        A folder takes no place but that of an empty one, so no rename here replaces anything.
        """
        folder, tmp_fd = self._folders.get(path.parts[:-1]), self._share.tmp_fd
        for components in (path.parts, (*path.parts[:-1], other)):
            self._folders.forget(components)
        self._right = {each for each in self._right if each[: len(path.parts)] != path.parts}
        crashpoint("before_respell")
        rename_to_free(folder, other, tmp_fd, held)
        crashpoint("in_respell")
        try:
            rename_over(tmp_fd, held, folder, path.name)
        except OSError:
            rename_to_free(tmp_fd, held, folder, other)
            return False
        crashpoint("after_respell")
        self._folders.touch(path.parts[:-1])
        return True


def taken(other: str) -> str:
    """Say that something stands there under another name."""
    return f"“{printable(other)}” stands there, and this file system takes both names for one"
