"""Page paces: which pages of manifests are asked for too slowly to be waited for.

Strategy: the same measure as for contents (core/content/swarm/pace.py, slowness.py), but that a
page is long under way after PAGE_LONG_S. A page that is slow takes no slot that other manifests
wait for, and some slots are for who is quick. A page is called off if it drips; if it is slow and
its owner, who is there, is not the one who was asked; if it is the slowest of more than there is
room for; and if it takes a slot that is for others. Whoever was called off has failed, and rests as
others that fail do (pursuit.py).

Guarantees: no link that brings a whole record of TLS in limits.BULK_STALL_S is called off while
nobody else has that manifest and there is room. Limits: a page at a few KiB a second from somebody
who is not its owner is waited for.
"""

from __future__ import annotations

from collections.abc import Iterable

from potluck.core import limits
from potluck.core.content.swarm.pace import SLOW_MAX, Paces
from potluck.core.content.swarm.slowness import Slowness
from potluck.core.keys.identity import DeviceId
from potluck.engine.events import FetchHeard, OrderId
from potluck.engine.others.pursuit import PageRequest

PAGE_LONG_S = 10.0  # the longest page takes 8 s of 1 Mbit/s


class PagePaces:
    """How fast the pages under way come."""

    def __init__(self) -> None:
        """None is under way."""
        self._paces = Paces(long_s=PAGE_LONG_S)
        self._slowness = Slowness(self._paces)
        self._sources: dict[OrderId, DeviceId] = {}  # who was asked, by order
        self._begun_s: dict[OrderId, float] = {}

    def __repr__(self) -> str:
        """Return how many are under way."""
        return f"<PagePaces: {self._paces!r}>"

    def begin(self, request: PageRequest, now: float) -> None:
        """A page is asked for, in the place of the one that it follows."""
        self._sources[request.order], self._begun_s[request.order] = request.source, now
        self._paces.begin(request.order, limits.PAGE_FRAME_BYTES, after=request.after)
        self._slowness.begin(request.order, request.source, now, after=request.after)

    def end(self, order: OrderId, now: float, *, brought: bool) -> bool:
        """A request is over, `brought`: its answer came to its end; returns whether for a page."""
        source = self._sources.pop(order, None)
        if source is None:
            return False
        took_s = now - self._begun_s.pop(order)
        self._slowness.end(order)
        if self._paces.end(order):
            self._slowness.on_slow(source, now)
        elif brought:
            self._slowness.on_brought(source, 0.0, took_s, now)
        return True

    def on_heard(self, event: FetchHeard, now: float) -> bool:
        """So much came; returns whether it takes no slot from now on."""
        slow = self._paces.on_heard(event.order, event.size_bytes, event.waited_s)
        if slow:
            self._slowness.on_slow(self._sources[event.order], now)
        return slow

    def barred(self, devices: Iterable[DeviceId], now: float) -> list[DeviceId]:
        """Return which devices may not be asked for one more page now."""
        left = self._left(self._slowness.on_look(self._sources.items(), now))
        if left <= 0:
            return list(devices)
        kept_only = left <= self._slowness.kept
        return [
            device
            for device in devices
            if not self._slowness.may_ask(device, 0.0, now, kept_only=kept_only)
        ]

    def _left(self, slow: int) -> int:
        """Return how many slots are left where so many orders are slow."""
        return limits.MANIFESTS - len(self._sources) + min(slow, SLOW_MAX)

    def overdue(self, request: PageRequest, *, owner_waits: bool) -> bool:
        """Whether to call a request off; `owner_waits`: its owner is there and could be asked."""
        if self._paces.drips(request.order):
            return True
        if owner_waits and self._paces.late(request.order, 0.0):
            return True
        if request.order in self._paces.crowded_out(self._sources):
            return True
        slow = len(self._paces.slow(self._sources))
        exhausted = self._left(slow) <= self._slowness.kept
        return exhausted and request.order in self._slowness.too_many(self._sources)
