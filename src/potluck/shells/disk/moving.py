"""Moving: a folder directly in Shared/ gets another name, whole, by one rename.

Strategy: one rename in the held folder `Shared/`, whatever is below: open files stay open, what is
mounted inside comes along, nothing is copied. An empty folder at the new name is replaced by the
same rename; anything else that stands there is somebody's own and is put aside first.

Guarantees: at every moment the folder has one of the two names, and the new one durably when this
returns. Done twice, the second time changes nothing: where no folder has the former name, whatever
has the new one is left as it is. All places are told where something went that stood at the new
name, with an error as well. Limits: who puts a folder there in the moment between again and again
keeps the last one, and it is an error: the folder has its former name still.
"""

from __future__ import annotations

import errno
import os
import stat as modes
import time
from typing import Final

from potluck.core.content.paths import SafePath
from potluck.core.wording import listed, set_off
from potluck.shells.disk.fsops import Share, crashpoint, reason_at, stat_at
from potluck.shells.disk.keeping import Keeper, Occupant

MOVE_TRIES: Final = 3
"""Of more than two folders made at a name within a moment none is put aside any more."""
_OCCUPIED: Final = frozenset({errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR})


def move_folder(share: Share, former: SafePath, label: SafePath) -> tuple[str, ...]:
    """Give a folder another name; return all places where that went which had it.

    Raises OSError, which names them too, if the folder keeps its former name or nobody knows
    whether the new one is durable.
    """
    aside = list[str]()
    try:
        _move(share, former, label, aside)
        os.fsync(share.shared_fd)
    except OSError as error:
        if not aside:
            raise
        why, where = reason_at(error, share.shared_fd), listed(map(set_off, aside))
        raise OSError(f"{why}; what stood at the new name is in {where}") from error
    return tuple(aside)


def _move(share: Share, former: SafePath, label: SafePath, aside: list[str]) -> None:
    """Rename it; `aside` gets each place where something went. Raises OSError."""
    for tries_left in reversed(range(MOVE_TRIES)):
        if not _is_folder(share, former):
            return
        crashpoint("before_move_folder")
        try:
            os.rename(
                former.name, label.name, src_dir_fd=share.shared_fd, dst_dir_fd=share.shared_fd
            )
        except OSError as error:
            if error.errno not in _OCCUPIED:
                raise
            if not tries_left:
                raise OSError(errno.EEXIST, os.strerror(errno.EEXIST)) from error
            _put_aside(share, label, aside)
        else:
            crashpoint("after_move_folder")
            return


def _is_folder(share: Share, path: SafePath) -> bool:
    found = stat_at(share.shared_fd, path.name)
    return found is not None and modes.S_ISDIR(found.st_mode)


def _put_aside(share: Share, path: SafePath, aside: list[str]) -> None:
    found = stat_at(share.shared_fd, path.name)
    if found is None:
        return  # gone again
    with Keeper(share, time.time()) as keeper:
        aside.append(keeper.put_aside(Occupant(path, share.shared_fd, found), leave=False))
        keeper.sync()
