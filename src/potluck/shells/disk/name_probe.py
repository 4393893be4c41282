"""What the file system of FOLDER makes of names and x bits, found out by making files: never by its
kind.

Strategy: files are made in a folder of their own in `.potluck/tmp/`, looked for under another case
and another normal form, and listed: a name that cannot be made, or is listed as another one (a dot
at the end that goes), cannot be held. One that all systems can hold is made first, so what fails
for another reason (no room, a read-only disk) fails there.

Guarantees: leaves nothing behind; the same file system says the same each time. Limits: where only
some folders fold (`chattr +F`), those of FOLDER are taken to be like `.potluck/tmp/`, which is so
where FOLDER itself was set to fold before it was first used; of the characters that some systems
cannot hold, one that is refused stands for all.
"""

from __future__ import annotations

import errno
import os
from typing import Final

from potluck.core.content.name_limits import CaseFolding, NameLimits
from potluck.core.content.paths import not_portable
from potluck.shells.disk.folder_names import names_in
from potluck.shells.disk.fsops import (
    Share,
    enter,
    make_file,
    remove_file,
    remove_tree,
    stat_at,
    stat_of,
)

_FOLDER: Final = "names"
_PLAIN: Final = "plain"
_ODD: Final = ('odd <>:"|?*', "odd.", "odd ", "aux")
_OTHER_CAUSES: Final = frozenset({
    errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EMFILE, errno.ENFILE, errno.EIO, errno.ENOMEM,
})  # fmt: skip
"""What fails so says nothing of the name."""


def limits_of(share: Share) -> NameLimits:
    """Return what the file system makes of names; raises OSError."""
    remove_tree(share.tmp_fd, _FOLDER)  # what a run left that was killed here
    folder_fd = enter(share.tmp_fd, _FOLDER, create=True, mode=0o700)
    try:
        _try(folder_fd, _PLAIN)
        refused = frozenset(not_portable(name) for name in _ODD if not _try(folder_fd, name))
        return NameLimits(_case(folder_fd), _is_one(folder_fd, "\u00e9", "e\u0301"), refused)
    finally:
        os.close(folder_fd)
        remove_tree(share.tmp_fd, _FOLDER)


def _case(folder_fd: int) -> CaseFolding:
    if not _is_one(folder_fd, "case", "CASE"):
        return CaseFolding.NONE
    return CaseFolding.ALL if _is_one(folder_fd, "\u00e4", "\u00c4") else CaseFolding.ASCII


def _is_one(folder_fd: int, made: str, other: str) -> bool:
    return _try(folder_fd, made) and stat_at(folder_fd, other) is not None


def _try(folder_fd: int, name: str) -> bool:
    """Make a file; say whether it is there under that name. Raises OSError."""
    try:
        os.close(make_file(folder_fd, name))
    except OSError as error:
        if name == _PLAIN or error.errno in _OTHER_CAUSES:
            raise
        return False
    return name in names_in(folder_fd)


def keeps_x_bits(share: Share) -> bool:
    """Say whether a file there is executable just if it was made so; raises OSError."""
    remove_file(share.tmp_fd, _PLAIN)
    descriptor = make_file(share.tmp_fd, _PLAIN)
    try:
        os.fchmod(descriptor, 0o600)
        without = stat_of(os.fstat(descriptor)).executable
        os.fchmod(descriptor, 0o700)
        return stat_of(os.fstat(descriptor)).executable and not without
    except PermissionError:
        return False  # so say file systems that know no rights
    finally:
        os.close(descriptor)
        remove_file(share.tmp_fd, _PLAIN)
