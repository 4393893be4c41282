"""Room: which contents may be begun, so that the reserve of free space is never broken into.

Strategy: how full the disk is, is looked at every few seconds, and a fast link fills any disk in
between. So a content is begun only if all of it has room beside everything that was begun before,
in what was free at the last look less the reserve. What comes moves from owed to written; the next
look starts anew from what is free then. What has no room stands aside: smaller contents that have
are begun meanwhile.

Guarantees: what is owed and what was written since the last look never exceed what was free beyond
the reserve then, so no content is begun that this disk could not take. Limits: copies made here of
files that stand here are not counted, nor what other programs write; what is under way for a
content that was called off is counted no more.
"""

from __future__ import annotations

import math

from potluck.core import limits
from potluck.core.content.pieces import Root

FREE_PART = 100  # this part of the disk stays free, within limits.FREE_MIN_BYTES …
FREE_PART_MAX = 4  # … and at most this part of a small one
FILE_BYTES = 8 * limits.KIB  # besides its bytes: the rest of its last block, and the map of a part


def reserve_of(total_bytes: int) -> int:
    """Return how many bytes of a disk stay free."""
    wished = max(total_bytes // FREE_PART, limits.FREE_MIN_BYTES)
    return min(wished, total_bytes // FREE_PART_MAX)


class Room:
    """What is spare, and what is owed of it."""

    def __init__(self) -> None:
        """Believe that there is room for everything."""
        self.refused: dict[Root, int] = {}  # what has no room now, and how many bytes that lacks
        self._spare_bytes = math.inf
        self._owed: dict[Root, int] = {}
        self._owed_bytes = 0

    def __repr__(self) -> str:
        return f"<Room {self._spare_bytes} spare, {self._owed_bytes} owed>"

    def on_space(self, free_bytes: int, total_bytes: int) -> None:
        """The disk was looked at; what was written by then is not free any more."""
        self._spare_bytes = free_bytes - reserve_of(total_bytes)

    def begin(self, root: Root, size_bytes: int) -> bool:
        """Say whether a content may be begun, of which so much is to come; what was begun may."""
        if root in self._owed:
            return True
        need_bytes = size_bytes + FILE_BYTES
        lacks_bytes = need_bytes + self._owed_bytes - self._spare_bytes
        if lacks_bytes > 0:
            self.refused[root] = int(lacks_bytes)
            return False
        self.refused.pop(root, None)
        self._owed[root] = need_bytes
        self._owed_bytes += need_bytes
        return True

    def on_written(self, root: Root, size_bytes: int, *, complete: bool) -> None:
        """So much of a content is on the disk; all of it if it is `complete`."""
        owed_bytes = self._owed.get(root)
        if owed_bytes is None:
            return  # it was here before it was begun
        written_bytes = owed_bytes if complete else min(size_bytes, owed_bytes)
        self._owed[root] = owed_bytes - written_bytes
        self._owed_bytes -= written_bytes
        self._spare_bytes -= written_bytes

    def end(self, root: Root) -> None:
        """Nobody wants a content any more, or it is placed: nothing of it is owed."""
        self._owed_bytes -= self._owed.pop(root, 0)
        self.refused.pop(root, None)
