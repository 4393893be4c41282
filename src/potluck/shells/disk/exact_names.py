"""Under which name something really stands, where a file system takes several names for one.

Strategy: such a file system finds `Foo` when asked for `foo`; only a listing of the folder says
how it is called. A walk lists each folder once and asks that (`ExactNames`); whoever changes a path
asks the folder each time (`other_name`). Where names are taken as they are nothing is listed.

Guarantees: what stands under another name is never taken for what was asked for. Limits: what is
renamed between the listing and the next call is seen by the next look.
"""

from __future__ import annotations

import os
from typing import Final

from potluck.core.content.name_limits import NameLimits
from potluck.core.content.paths import SafePath
from potluck.core.errors import UnsafePath
from potluck.shells.disk.folder_names import names_in
from potluck.shells.disk.fsops import Share, stat_at


def other_name(limits: NameLimits, folder_fd: int, name: str) -> str:
    """Return as what that stands which is found as `name`; "" if nothing is, or as just that.

    It is known by its key, or by its inode: not all file systems tell that one reliably, and some
    have short names of their own for long ones.
    """
    found = stat_at(folder_fd, name)
    if found is None:
        return ""
    names = names_in(folder_fd)
    if name in names:
        return ""
    key = limits.key(name)
    same = (other for other in names if limits.key(other) == key)
    return next(same, "") or next((each for each in names if _is_it(folder_fd, each, found)), "")


def _is_it(folder_fd: int, name: str, found: os.stat_result) -> bool:
    seen = stat_at(folder_fd, name)
    return seen is not None and os.path.samestat(seen, found)


class ExactNames:
    """Which names are listed, for the length of one walk."""

    def __init__(self, share: Share) -> None:
        """List nothing yet."""
        self._share: Final = share
        self._listed: dict[tuple[str, ...], frozenset[str]] = {}

    def __repr__(self) -> str:
        return f"ExactNames({len(self._listed)} folders listed)"

    def has(self, path: SafePath) -> bool:
        """Say whether a path is listed under that name, and each folder above it.

        True also where nobody can say: whoever looks there finds out why.
        """
        if self._share.names.plain:
            return True
        for depth, name in enumerate(path.parts):
            names = self._names(path.parts[:depth], path)
            if names is None:
                return True
            if name not in names:
                return False
        return True

    def _names(self, components: tuple[str, ...], path: SafePath) -> frozenset[str] | None:
        if components not in self._listed:
            folder = path
            while len(folder.parts) > len(components) and folder.parent is not None:
                folder = folder.parent
            try:
                descriptor = self._share.open_folder(folder if components else None)
            except (OSError, UnsafePath):
                return None
            try:
                self._listed[components] = frozenset(names_in(descriptor))
            except OSError:
                return None
            finally:
                os.close(descriptor)
        return self._listed[components]
