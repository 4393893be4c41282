"""Rests: for how long a holder that did not bring a content is not asked for it again.

Strategy: whoever failed rests for a moment. Whoever says that it does not have it rests twice as
long each time, up to a minute: most likely it will have it only when it says that it has other
things of that folder than before, and then it is asked at once. Guarantees: nobody is asked more
often for what it lacks than that; no rest of these is longer than a minute, so what changed unheard
is found out. Limits: what a holder says of itself is of whole folders, so it is asked for all that
it lacked of one when it says anything new of it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from potluck.core import limits
from potluck.core.content.pieces import Root
from potluck.core.content.swarm.download import Download, End, Order, What
from potluck.core.content.swarm.lines import Owner
from potluck.core.keys.identity import DeviceId

LONGEST_REST_S: Final = 60.0
_DOUBLINGS: Final = 5  # more change nothing, and after a thousand the number fits no float


class Rests:
    """Which holders rest because they lacked something."""

    def __init__(self) -> None:
        """Nobody rests."""
        self._lacked: dict[DeviceId, dict[Root, float]] = {}  # since when a word of it counts

    def __repr__(self) -> str:
        return f"<Rests of {len(self._lacked)} holders>"

    def begin(self, download: Download, order: Order, now: float, end: End) -> None:
        """An order ended so, and did not bring this content.

        What a pack is without, to its end, its holder lacks, unless it was not what it should be.
        """
        peer, pause_s = order.peer, limits.RETRY_S
        left_out = end is End.DONE and order.what is What.PACK
        if end is End.GONE or (left_out and download.retry_s.get(peer, now) <= now):
            pause_s *= 2 ** min(download.lacked[peer], _DOUBLINGS)
            download.lacked[peer] += 1
            self._lacked.setdefault(peer, {})[download.root] = now + limits.RETRY_S
        until_s = now + min(pause_s, LONGEST_REST_S)
        download.retry_s[peer] = max(download.retry_s.get(peer, now), until_s)

    def end(
        self, peer: DeviceId, owners: Collection[Owner], downloads: Mapping[Root, Download]
    ) -> None:
        """A holder has other things of these owners' folders now: perhaps what it lacked."""
        lacked = self._lacked.get(peer, {})
        for root in list(lacked):
            download = downloads.get(root)
            if download is not None and not set(owners).isdisjoint(download.owners):
                earliest_s = lacked.pop(root)
                download.retry_s[peer] = min(download.retry_s.get(peer, earliest_s), earliest_s)

    def forget(self, root: Root) -> None:
        """Nobody wants this content any more."""
        for roots in self._lacked.values():
            roots.pop(root, None)


def rest_ends(downloads: Mapping[Root, Download], order: Order, now: float) -> set[float]:
    """Return when the holder of an order that ended may be asked again for something of it."""
    wanted = [downloads[root] for root in order.roots if root in downloads]
    found = {one.retry_s[order.peer] for one in wanted if order.peer in one.retry_s}
    return found | {now + limits.RETRY_S}
