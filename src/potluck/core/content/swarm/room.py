"""Room: which contents may be begun, so that the reserve of free space is never broken into.

Strategy: how full the disk is, is looked at every few seconds, and a fast link fills any disk in
between. So a content is begun only if all of it has room beside everything that was begun before,
in what was free at the last look less the reserve. What comes moves from owed to written; the next
look starts anew from what is free then. What has no room stands aside: smaller contents that have
are begun meanwhile. What is larger than the whole disk is not even listed, unless its list is
short.

Guarantees: what is owed and what was written since the last look never exceed what was free beyond
the reserve then, so no content is begun that this disk could not take. What is refused lacked room
when it was asked for last, and does so beside what was free at the last look. Limits: copies made
here of files that stand here are not counted, nor what other programs write; what is under way for
a content that was called off is counted no more. Where a disk takes no space ahead (macOS), what is
still to come of begun contents up to limits.COMMIT_BYTES is not counted, either.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from potluck.core import limits
from potluck.core.content.pieces import HASH_BYTES, Root
from potluck.core.content.swarm.download import LIST_FRAME_BYTES

FREE_PART = 100  # this part of the disk stays free, within limits.FREE_MIN_BYTES …
FREE_PART_MAX = 4  # … and at most this part of a small one
LIST_BYTES = limits.PIECES_KEPT_MAX * HASH_BYTES + LIST_FRAME_BYTES  # a list of 256 KiB is short
FILE_BYTES = 8 * limits.KIB  # besides its bytes: the rest of its last block, and the map of a part


def reserve_of(total_bytes: int) -> int:
    """Return how many bytes of a disk stay free."""
    wished = max(total_bytes // FREE_PART, limits.FREE_MIN_BYTES)
    return min(wished, total_bytes // FREE_PART_MAX)


@dataclass(frozen=True, slots=True)
class Shortage:
    """What has no room: one of them, and all of them."""

    root: Root
    lacks_bytes: int  # so much more must be free for that one
    contents: int  # that have no room, with that one
    all_lack_bytes: int  # so much more must be free for all of them


class Room:
    """What is spare, and what is owed of it."""

    def __init__(self) -> None:
        """Believe that there is room for everything."""
        self.refused: dict[Root, int] = {}  # what has no room now, and how many bytes it takes
        self.changes = 0  # how often that became another thing
        self._refused_bytes = 0
        self._spare_bytes = self._disk_bytes = math.inf
        self._owed: dict[Root, int] = {}
        self._owed_bytes = 0

    def __repr__(self) -> str:
        return f"<Room {self._spare_bytes} spare, {self._owed_bytes} owed>"

    def on_space(self, free_bytes: int, total_bytes: int) -> None:
        """The disk was looked at; what was written by then is not free any more."""
        self._spare_bytes = free_bytes - reserve_of(total_bytes)
        self._disk_bytes = total_bytes
        for root in [each for each, need in self.refused.items() if self._lacks(need) <= 0]:
            self._admit(root)

    def shortage(self) -> Shortage | None:
        """Return what has no room, None if nothing lacks any."""
        for root, need_bytes in self.refused.items():
            lacks_bytes = self._lacks(need_bytes)
            if lacks_bytes > 0:
                all_lack_bytes = self._lacks(self._refused_bytes)
                return Shortage(root, int(lacks_bytes), len(self.refused), int(all_lack_bytes))
        return None

    def begin(self, root: Root, size_bytes: int) -> bool:
        """Say whether a content may be begun, of which so much is to come; what was begun may."""
        if root in self._owed:
            return True
        need_bytes = size_bytes + FILE_BYTES
        if self._lacks(need_bytes) > 0:
            self._refuse(root, need_bytes)
            return False
        self._admit(root)
        self._owed[root] = need_bytes
        self._owed_bytes += need_bytes
        return True

    def never_holds(self, root: Root, size_bytes: int, list_bytes: int) -> bool:
        """Say whether a content is not even listed: it is larger than the disk, its list is long.

        Holes take no room, and only the list says what is one: so a short list is asked for.
        """
        if size_bytes <= self._disk_bytes or list_bytes <= LIST_BYTES:
            self._admit(root)
            return False
        self._refuse(root, size_bytes + FILE_BYTES)
        return True

    def on_written(self, root: Root, rest_bytes: int, *, complete: bool) -> None:
        """Some of a content is on the disk, so much of it is to come; nothing if `complete`."""
        owed_bytes = self._owed.get(root)
        if owed_bytes is None:
            return  # it was here before it was begun
        left_bytes = 0 if complete else min(rest_bytes + FILE_BYTES, owed_bytes)
        self._owed[root] = left_bytes
        self._owed_bytes -= owed_bytes - left_bytes
        self._spare_bytes -= owed_bytes - left_bytes

    def suspend(self, root: Root) -> None:
        """Nobody can bring it now: it is owed nothing, and begun anew once somebody can."""
        self._owed_bytes -= self._owed.pop(root, 0)

    def end(self, root: Root) -> None:
        """Nobody wants a content any more, or it is placed: nothing of it is owed."""
        self.suspend(root)
        self._admit(root)

    def _lacks(self, need_bytes: int) -> float:
        return need_bytes + self._owed_bytes - self._spare_bytes

    def _refuse(self, root: Root, need_bytes: int) -> None:
        before_bytes = self.refused.pop(root, 0)
        self.refused[root] = need_bytes  # the last one now
        self._refused_bytes += need_bytes - before_bytes
        self.changes += need_bytes != before_bytes

    def _admit(self, root: Root) -> None:
        need_bytes = self.refused.pop(root, 0)
        self._refused_bytes -= need_bytes
        self.changes += need_bytes > 0
