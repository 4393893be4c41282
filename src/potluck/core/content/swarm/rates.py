"""Rates: how fast each peer brings what is asked of it, as measured by what came.

Strategy: news and pieces are measured apart, since they come on links of their own: beside the
pieces of a large file news gets its share of a slow link, which is not what the pieces get. Bytes
are counted while something is under way at a peer, over `limits.RATE_SAMPLE_S` at a time. A whole
sample says what the link does now, so it replaces what was known. When the last order ends sooner
than that, waiting for the answer was most of it: such a sample can only raise a rate, and never on
a link where nothing else came. What comes behind a whole sample until then is left out: it may be a
burst of what had queued.

Guarantees: a pause between orders counts as nothing; what is not known is said to be not known.
Limits: the rate is that of all orders of a kind at that peer together; a piece is counted when it
is whole, so on a slow link the measure is coarse.
"""

from __future__ import annotations

from dataclasses import dataclass

from potluck.core import limits
from potluck.core.keys.identity import DeviceId

INSTANT_S = 0.001  # an order that took less took this long: clocks are not finer


@dataclass(slots=True)
class _Measured:
    """One peer and kind."""

    under_way: int = 0  # orders at it
    since_s: float = 0.0  # when the sample began
    came_bytes: int = 0  # in this sample
    is_rest: bool = False  # a whole one came before it while orders were under way
    rate: float = 0.0  # bytes a second; 0: not known
    rate_s: float = 0.0  # when that was measured


class Rates:
    """What was measured of every peer that was asked for something."""

    def __init__(self) -> None:
        """Know nothing."""
        self._measured: dict[tuple[DeviceId, bool], _Measured] = {}

    def __repr__(self) -> str:
        return f"<Rates: {len(self._measured)} known>"

    def on_asked(self, peer: DeviceId, now: float, *, news: bool) -> None:
        """An order is given; the first of a kind at a peer begins a sample."""
        measured = self._measured.setdefault((peer, news), _Measured())
        if not measured.under_way:
            measured.since_s, measured.came_bytes, measured.is_rest = now, 0, False
        measured.under_way += 1

    def on_bytes(self, peer: DeviceId, size_bytes: int, now: float, *, news: bool) -> None:
        """Bytes came from a peer that was asked."""
        measured = self._measured[peer, news]
        measured.came_bytes += size_bytes
        took_s = now - measured.since_s
        if took_s >= limits.RATE_SAMPLE_S:
            measured.rate, measured.rate_s = measured.came_bytes / took_s, now
            measured.since_s, measured.came_bytes, measured.is_rest = now, 0, True

    def on_ended(self, peer: DeviceId, now: float, *, news: bool) -> None:
        """An order is over; the last of a kind at a peer ends a sample that is not whole."""
        measured = self._measured[peer, news]
        measured.under_way -= 1
        if measured.under_way:
            return
        measured.rate_s = now
        if not measured.is_rest:
            took_s = max(now - measured.since_s, INSTANT_S)
            measured.rate = max(measured.rate, measured.came_bytes / took_s)

    def lately(self, peer: DeviceId, now: float, *, news: bool) -> float:
        """Return the bytes a second of a peer; 0 if that was not measured for a while."""
        measured = self._measured.get((peer, news))
        if measured is None or now - measured.rate_s > limits.RATE_KNOWN_S:
            return 0.0
        return measured.rate

    def budget(self, peer: DeviceId, seconds: float, first_bytes: int, *, news: bool) -> int:
        """Return the bytes a peer brings in so many seconds; `first_bytes` if that is not known.

        Of pieces, before any came, as much as of news.
        """
        for kind in (news, True):
            measured = self._measured.get((peer, kind))
            if measured is not None and measured.rate:
                return int(measured.rate * seconds)
        return first_bytes
