"""Packs: which small contents are asked together, of whom.

Strategy: contents are taken from the head of an owner's line as long as one peer can serve them and
the pack is no longer than that peer brings in a moment. Of each that is looked at one of four
things is true:

1. nothing is to be asked for it any more, or not now: it leaves the line;
2. nobody can be asked for it, or it has no room here: it goes to the end of the line;
3. it fits into the pack: it leaves the line and is in the pack;
4. it does not (another peer must be asked, or the pack is full): it stays at the head, the pack is
   whole, and the next pack begins with it.

So every look either shortens the line or turns it by one. Those of the first two kinds are in vain:
there are so many of them in a turn, for all of its packs, and so many in a round as stand there.

Guarantees: pure; a content is in one pack at a time. Limits: contents of two owners never travel in
one pack.
"""

from __future__ import annotations

from collections.abc import Mapping

from potluck.core import limits
from potluck.core.content.pieces import Root
from potluck.core.content.swarm.download import Download
from potluck.core.content.swarm.lines import WaitingLine
from potluck.core.content.swarm.looks import OrderLook
from potluck.core.content.swarm.rates import Rates
from potluck.core.content.swarm.room import Room
from potluck.core.keys.identity import DeviceId


class Packs:
    """The packs of one owner's turn."""

    def __init__(
        self, downloads: Mapping[Root, Download], room: Room, look: OrderLook, line: WaitingLine
    ) -> None:
        """Take them from this line."""
        self._downloads, self._room, self._look, self._line = downloads, room, look, line
        # looks in vain; what waits for the last turn is bounded by those of the turns before it
        self._left = len(line) if look.last else look.at_most

    def __repr__(self) -> str:
        return f"<Packs of {self._line!r}, {self._left} looks left>"

    def next_pack(self) -> tuple[DeviceId, tuple[Root, ...]] | None:
        """Take the next one out of the line: who is asked, and for what; None: there is no more."""
        look, line = self._look, self._line
        pack: dict[Root, None] = {}
        peer, pack_bytes, longest = None, 0, 0
        while line.unseen:
            if not self._left:
                look.unfinished = True
                break
            root = line.first()
            download = self._downloads.get(root)
            if download is None or not download.unasked:
                self._left -= 1
                line.take()
                continue
            here = look.first(look.willing(download), news=True)
            whole_bytes = pack_bytes + download.size_bytes
            full = len(pack) >= limits.PACK_FILES or whole_bytes > longest
            if pack and here is not None and (here != peer or full):
                break
            if here is None or not self._room.begin(root, download.to_come_bytes):
                self._left -= 1
                line.turn()
                continue
            line.take()
            if not pack:
                longest = _longest_pack(look.under_way.rates, here)
            pack[root] = None
            peer, pack_bytes = here, whole_bytes
        return (peer, tuple(pack)) if peer is not None else None


def _longest_pack(rates: Rates, peer: DeviceId) -> int:
    """Return the bytes in a pack that keep what comes after it waiting for a moment only."""
    at_once = rates.budget(peer, limits.PACK_S, limits.PACK_BYTES_FIRST, news=True)
    return min(max(at_once, limits.PACK_BYTES_MIN), limits.PACK_BYTES)
