"""Stamping: FOLDER says by a small file which state of this device it goes on from.

Strategy: `.potluck/stamps` holds the last stamps, the newest first (core/content/stamps.py). A new
one is put before them at each start, with the scan of every ten minutes and at the end: first in
the folder, durably, and then in the index. So the index never knows a stamp that the folder may
lose, and a copy of the folder that was made before the last stamp is told from the folder itself.

Guarantees: the file is the old or the new one at every moment. A folder that does not go on from
what the index knows gets no stamp unless whoever asks has noted that. Limits: what is copied and
put back between two stamps of one run that does not end by itself is not told from the folder; on a
disk that is full or cannot be written to the stamp stays what it was.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from potluck.core.content.stamps import (
    STAMP_MARK_BYTES,
    STAMPS_KEPT,
    Stamp,
    goes_on,
    next_line,
    packed,
    read_stamps,
    written,
)
from potluck.core.errors import UnsafePath
from potluck.engine.events import ShareSeen
from potluck.shells.disk.fsops import (
    Share,
    crashpoint,
    make_file,
    open_regular,
    remove_file,
    write_all,
)

STAMP_EVERY_S: Final = 300.0
_NAME: Final = "stamps"
_LINE_BYTES: Final = 40  # more than the longest line has


class FolderStamps:
    """The stamps of one FOLDER, held open; one thread at a time."""

    def __init__(
        self, share: Share, known: Stamp | None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """The index knows that stamp, or none."""
        self._share: Final = share
        self._clock: Final = clock
        self._stamped_s: float | None = None
        self.known = known

    def __repr__(self) -> str:
        return f"<FolderStamps: {self.known.number if self.known else 'none'} is known>"

    def goes_on(self) -> bool:
        """Say whether the folder goes on from what the index knows, or is ahead of it."""
        try:
            return goes_on(self._line(), self.known)
        except (OSError, UnsafePath):
            return self.known is None

    def renew(self, *, whatever: bool = False) -> bytes:
        """Stamp the folder anew; return what the index is to remember, b"" if it stays as it was.

        `whatever`: also one that does not go on from what the index knows.
        """
        try:
            line = self._line()
        except (OSError, UnsafePath):
            line = ()
        if not whatever and not goes_on(line, self.known):
            return b""
        line = next_line(line, self.known, os.urandom(STAMP_MARK_BYTES))
        try:
            self._write(line)
        except (OSError, UnsafePath):
            return b""  # whoever needs the disk for more says what is wrong with it
        self.known, self._stamped_s = line[0], self._clock()
        return packed(line[0])

    def on_seen(self, seen: ShareSeen) -> ShareSeen:
        """The marker was looked at: stamp the folder anew if it is there, and the last time is long
        ago; return what was seen with what the index is to remember.
        """
        lately = self._stamped_s is not None and self._clock() < self._stamped_s + STAMP_EVERY_S
        if lately or not seen.present:
            return seen
        return replace(seen, stamp=self.renew())

    def _line(self) -> tuple[Stamp, ...]:
        try:
            descriptor = open_regular(self._share.private_fd, _NAME)
        except FileNotFoundError:
            return ()
        try:
            return read_stamps(os.read(descriptor, STAMPS_KEPT * _LINE_BYTES))
        finally:
            os.close(descriptor)

    def _write(self, line: tuple[Stamp, ...]) -> None:
        private, new = self._share.private_fd, f"{_NAME}.new"
        remove_file(private, new)
        descriptor = make_file(private, new)
        try:
            write_all(descriptor, written(line))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        crashpoint("before_stamp_rename")
        os.rename(new, _NAME, src_dir_fd=private, dst_dir_fd=private)
        os.fsync(private)
        crashpoint("folder_stamped")
