"""Older copies: whether FOLDER goes on from what the index knows, asked before the engine is built.

Strategy: at a start where FOLDER is this device's, its stamps (shells/disk/stamping.py) are
compared with the one of the index. If it does not go on from there, that is noted in the index,
durably, and the engine acts on it (engine/own/older_copy.py); only then the folder gets a new
stamp. When the program ends by itself it gets one more, so no copy made before passes for it.

Guarantees: a crash at any moment leaves a folder that goes on from the index, or one that is found
older once more. A home that never saw a stamp finds nothing. Limits: as of stamping.py; where the
index cannot be written the folder keeps its stamp, and it is found older at the next start, too.
"""

from __future__ import annotations

import threading
from contextlib import suppress

from potluck.core.content.stamps import unpacked
from potluck.core.errors import DiskTrouble
from potluck.engine.index import Index
from potluck.engine.index.database import move_log
from potluck.engine.own.older_copy import FOLDER_STAMP, OLDER_COPY
from potluck.shells.disk.fsops import Share
from potluck.shells.disk.marker import ShareMarker
from potluck.shells.disk.stamping import FolderStamps


class OlderCopies:
    """Compares the stamp of FOLDER with the index, and renews both."""

    def __init__(self, share: Share, marker: ShareMarker, index: Index, index_path: str) -> None:
        """Nothing is read or written before `begin`."""
        self._marker, self._index, self._index_path = marker, index, index_path
        self.stamps = FolderStamps(share, unpacked(index.meta.get(FOLDER_STAMP)))
        self.user: threading.Thread | None = None  # who uses the index from the start on

    def __repr__(self) -> str:
        """Show what is known."""
        return f"<OlderCopies: {self.stamps!r}>"

    def begin(self) -> bool:
        """Say whether FOLDER is an older copy, and stamp it; before anything else uses the index.

        A FOLDER that is not this device's, or not there, is left alone.
        """
        if not self._marker.state().present:
            return False
        if self.stamps.goes_on():
            self._renew(whatever=False)
            return False
        try:
            self._keep(OLDER_COPY, b"1")
            move_log(self._index_path, wholly=False)
        except DiskTrouble:
            return True  # without a new stamp it is found once more
        self._renew(whatever=True)
        return True

    def end(self) -> None:
        """The program ends. Where a loop that is stuck may still write to the index it is not
        written here, too: half of its transaction would stand.
        """
        if self.user is not None and self.user.is_alive():
            return
        with suppress(DiskTrouble):
            if self._marker.state().present:
                self._renew(whatever=False)

    def _renew(self, *, whatever: bool) -> None:
        stamp = self.stamps.renew(whatever=whatever)
        if stamp:
            with suppress(DiskTrouble):  # then the folder is ahead
                self._keep(FOLDER_STAMP, stamp)

    def _keep(self, key: str, value: bytes) -> None:
        index = self._index
        index.begin()
        try:
            index.meta.set(key, value)
            index.commit()
        except DiskTrouble:
            index.rollback()
            raise
