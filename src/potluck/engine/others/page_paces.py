"""Page paces: which pages of manifests are asked for too slowly to be waited for.

Strategy: the same measure as for contents (core/content/swarm/pace.py). A page that is slow takes
no slot that other manifests wait for. It is called off if it drips; if it is slow and its owner,
who is there, is not the one who was asked; and if it is the slowest of more than there is room for.
Whoever was called off has failed, and rests as others that fail do (pursuit.py).

Guarantees: no link that brings a whole record of TLS in limits.BULK_STALL_S is called off while
nobody else has that manifest and there is room. Limits: a page at a few KiB a second from somebody
who is not its owner is waited for.
"""

from __future__ import annotations

from potluck.core import limits
from potluck.core.content.swarm.pace import SLOW_MAX, Paces
from potluck.engine.events import FetchHeard, OrderId
from potluck.engine.others.pursuit import PageRequest


class PagePaces:
    """How fast the pages under way come."""

    def __init__(self) -> None:
        """None is under way."""
        self._paces = Paces()
        self._orders: set[OrderId] = set()

    def __repr__(self) -> str:
        """Return how many are under way."""
        return f"<PagePaces: {self._paces!r}>"

    def begin(self, request: PageRequest) -> None:
        """A page is asked for."""
        self._orders.add(request.order)
        self._paces.begin(request.order, limits.PAGE_FRAME_BYTES)

    def end(self, order: OrderId) -> None:
        """A request is over, whatever it was for."""
        self._orders.discard(order)
        self._paces.end(order)

    def on_heard(self, event: FetchHeard) -> bool:
        """So much came; returns whether it takes no slot from now on."""
        return self._paces.on_heard(event.order, event.size_bytes, event.waited_s)

    @property
    def aside(self) -> int:
        """How many slots others need not wait for."""
        return min(len(self._paces.slow(self._orders)), SLOW_MAX)

    def overdue(self, request: PageRequest, *, owner_waits: bool) -> bool:
        """Whether to call a request off; `owner_waits`: its owner is there and could be asked."""
        if self._paces.drips(request.order):
            return True
        if owner_waits and self._paces.late(request.order, 0.0):
            return True
        return request.order in self._paces.crowded_out(self._orders)
