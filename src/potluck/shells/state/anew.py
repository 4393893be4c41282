"""Anew: a home whose device is out of its group becomes that of a new device.

Strategy: the index says so and why (engine/group/membership.py); the key and the index are kept
beside (shells/state/kept_beside.py), so whoever wants them back by hand has them, and the home is
made private once more, with the place of the next index. Guarantees: the folder is not touched; if
a rename fails those before are undone, and the next start tries again; where a power cut, or an
undoing that failed, left it half done the next start does the rest, since the index that says so
goes last. What is kept has names of its own and is told. Limits: none of it is ever removed; what a
start before had kept is not told again, nor whose the folders beside were if it was killed between.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import Final, NamedTuple

from potluck.core.content.paths import printable
from potluck.core.errors import DiskTrouble
from potluck.engine.group.membership import OTHERS_BEFORE, OUT
from potluck.engine.index import Index
from potluck.shells.state.kept_beside import keep_beside
from potluck.shells.state.private_home import INDEX_NAME, make_private


class FormerDevice(NamedTuple):
    """What became of the device that a home was of."""

    why: str = ""  # it is in its group no more; "": it still is the device
    kept: tuple[str, ...] = ()  # names in the home
    others: bytes = b""  # whose folders it leaves beside its own, for the next index


STILL_THE_DEVICE: Final = FormerDevice()


def put_aside(state_dir: str) -> FormerDevice:
    """Make room for a new device if the one here is out of its group; return why, or nothing.

    Raises DiskTrouble, or Refused if the home cannot be made private.
    """
    path = os.path.join(state_dir, INDEX_NAME)
    if not os.path.exists(path):
        return STILL_THE_DEVICE
    index = Index.open(path)
    try:
        why = (index.meta.get(OUT) or b"").decode(errors="replace")
        others = index.meta.get(OTHERS_BEFORE) or b""
    finally:
        index.close()
    if not why:
        return STILL_THE_DEVICE
    try:
        with ExitStack() as undo:
            kept = keep_beside(state_dir, undo)
            undo.pop_all()
    except OSError as error:
        raise DiskTrouble(
            "This device is out of its group and cannot begin anew.",
            f"{printable(str(error.filename or path))} cannot be renamed: {error.strerror}",
            f"check the rights of {printable(state_dir)}",
        ) from error
    make_private(state_dir)
    return FormerDevice(why, kept, others)
