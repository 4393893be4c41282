"""Healing the own folder: a file that the disk damaged changes places with a whole one.

Strategy: the index says of a damaged file how it stood when its bytes were right; that is what the
order expects, and wants again. Only a file that still stands exactly so, to the change time, which
every program moves that writes, and whose bytes are not the right ones, is exchanged: the whole
file gets its mode and its owner, both change places in one step, and what came out goes to `Put
aside/`. Nothing is done to the damaged file before, for its change time would say that it was
written.

Guarantees: no edit is undone. What another program holds open for writing stays, and so does
whatever came out of the exchange and is not what was seen before it. The damaged bytes are kept.
A crash at any step is settled like that of any other placing (settling.py). Limits: where two names
cannot be exchanged nothing is healed; extended attributes, and other names of the same file, stay
with the damaged one.
"""

from __future__ import annotations

import fcntl
import os
import signal
import stat as modes
from contextlib import suppress
from typing import Final

from potluck.core.errors import UnsafePath
from potluck.engine.effects import PlaceItem
from potluck.engine.events import Placed
from potluck.shells.disk.fsops import crashpoint, open_regular, stat_at, stat_of
from potluck.shells.disk.keeping import Occupant
from potluck.shells.disk.receiving.adding import TAKEN, Adding
from potluck.shells.disk.receiving.replacing import Blocked
from potluck.shells.disk.receiving.sources import ReadyFile, root_wanted
from potluck.shells.disk.receiving.versions import has_content
from potluck.shells.disk.renaming import change_places

_WHOLE: Final = "it reads as it should now, so nothing has to be exchanged"
_WRITTEN: Final = "another program has it open and may write to it"
_NO_EXCHANGE: Final = "this file system cannot exchange two files in one step"
_SET_SIGNAL: Final = 10
"""Linux, <fcntl.h>, F_SETSIG: which signal says that a lease is in somebody's way."""


class Healing(Adding):
    """An Adding that also exchanges what is damaged."""

    def put(self, item: PlaceItem, ready: ReadyFile, held: str) -> Placed:
        """Put a ready file where nothing, or its damaged version, stands; raises Blocked."""
        if item.expected is None or item.expected_root != root_wanted(item):
            return super().put(item, ready, held)
        damaged = self._damaged(item, self._free_way(item))
        source = self._source(ready)
        _dress_like(damaged, source, ready.name)
        self._swapping.hold(item, source, ready, held)
        try:
            came = self._exchanged(item, damaged, held)
        except (OSError, Blocked):
            self._swapping.let_go(item, source, ready.name, held)
            raise
        aside = self._kept(came, held)
        self._folders.touch(item.path.parts[:-1])
        return self._placed(item, ready, aside)

    def _damaged(self, item: PlaceItem, folder: int) -> Occupant:
        """Return the file that stands there if it is damaged; raises Blocked if it is not."""
        found = stat_at(folder, item.path.name)
        crashpoint("after_compare")
        if found is None or not modes.S_ISREG(found.st_mode) or stat_of(found) != item.expected:
            raise Blocked(TAKEN)
        occupant = Occupant(item.path, folder, found)
        if has_content(item, occupant):
            raise Blocked(_WHOLE)
        if _is_written(folder, item.path.name):
            raise Blocked(_WRITTEN)
        return occupant

    def _exchanged(self, item: PlaceItem, damaged: Occupant, held: str) -> Occupant:
        """Let both files change places and return what came out; raises OSError or Blocked."""
        folder, name = damaged.folder_fd, item.path.name
        crashpoint("before_exchange")
        if not change_places(self._tmp_fd, held, folder, name):
            raise Blocked(_NO_EXCHANGE)
        crashpoint("after_exchange")
        came = stat_at(self._tmp_fd, held)
        if came is None or not damaged.is_still(came):
            change_places(self._tmp_fd, held, folder, name)  # saved over since: that stays
            raise Blocked(TAKEN)
        if _is_written(self._tmp_fd, held):  # opened at the last moment: what is saved goes there
            change_places(self._tmp_fd, held, folder, name)
            raise Blocked(_WRITTEN)
        return Occupant(item.path, self._tmp_fd, came, held)

    def _kept(self, came: Occupant, held: str) -> str:
        """Put aside what came out; return where it is, or where it waits if the disk says no."""
        try:
            return self._keeper.put_aside(came, leave=False)
        except (OSError, UnsafePath):
            return f".potluck/tmp/{held}"  # put aside by the first group commit of the next run


def _dress_like(damaged: Occupant, folder: int, name: str) -> None:
    """Give a file in `folder` the owner and the mode of another, as far as we may."""
    descriptor = open_regular(folder, name)
    try:
        with suppress(PermissionError):
            os.fchown(descriptor, damaged.found.st_uid, damaged.found.st_gid)
        os.fchmod(descriptor, modes.S_IMODE(damaged.found.st_mode))
    finally:
        os.close(descriptor)


def _is_written(folder: int, name: str) -> bool:
    """Say whether another program has a file open for writing, as far as the system says."""
    descriptor = open_regular(folder, name)
    try:
        # whoever opens it this very moment waits until it is closed here; nobody is to end for that
        fcntl.fcntl(descriptor, _SET_SIGNAL, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except BlockingIOError:
        return True
    except (OSError, AttributeError):
        return False  # this system, file system or user knows no leases
    else:
        return False
    finally:
        os.close(descriptor)
