"""Two renames that replace nothing: onto a name that must be free, and two names changing places.

Strategy: renameat2(2) through ctypes, for Python has no name for it. Between a look at a name and a
plain rename over it another program may save there, and what it saved would be gone; here the
kernel itself looks. Names are relative to held descriptors, and no link is followed.

Guarantees: `rename_to_free` never replaces anything where the file system knows how, and says so by
FileExistsError; `change_places` leaves both things under a name, at every moment. Limits: where
kernel or file system know neither (NFS, some of FUSE, other systems than Linux), `change_places`
returns False and `rename_to_free` looks first and renames then, which is the old race.
"""

from __future__ import annotations

import ctypes
import errno
import os
from typing import Any, Final

from potluck.shells.disk.fsops import stat_at

_NO_REPLACE: Final = 1
"""RENAME_NOREPLACE of <linux/fs.h>."""
_EXCHANGE: Final = 2
"""RENAME_EXCHANGE likewise."""
_UNKNOWN: Final = frozenset({errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP})
"""What kernels and file systems say that do not know how."""
_renameat2: Any = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)


def rename_to_free(source_fd: int, source: str, target_fd: int, target: str) -> None:
    """Rename to a name where nothing stands; raises FileExistsError, or another OSError."""
    if _call(source_fd, source, target_fd, target, _NO_REPLACE):
        return
    if stat_at(target_fd, target) is not None:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
    os.rename(source, target, src_dir_fd=source_fd, dst_dir_fd=target_fd)


def rename_over(source_fd: int, source: str, target_fd: int, target: str) -> None:
    """Rename over whatever stands there: only where `change_places` is unknown. Raises OSError."""
    os.rename(source, target, src_dir_fd=source_fd, dst_dir_fd=target_fd)


def change_places(one_fd: int, one: str, other_fd: int, other: str) -> bool:
    """Exchange two things that stand, of any kind; False where nobody knows how.

    Raises FileNotFoundError, or another OSError.
    """
    return _call(one_fd, one, other_fd, other, _EXCHANGE)


def _call(source_fd: int, source: str, target_fd: int, target: str, how: int) -> bool:
    """Ask the kernel; return whether it was done, False if it is not known here."""
    if _renameat2 is None:
        return False
    names = os.fsencode(source), os.fsencode(target)
    if _renameat2(source_fd, names[0], target_fd, names[1], how) == 0:
        return True
    number = ctypes.get_errno()
    if number in _UNKNOWN:
        return False
    raise OSError(number, os.strerror(number))
