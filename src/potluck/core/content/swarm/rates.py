"""Rates: how fast each peer brings what is asked of it, as measured by what came.

Strategy: bytes are counted while something is under way at a peer, over `limits.RATE_SAMPLE_S` at a
time. A whole sample says what the link does now, so it replaces what was known. When the last order
ends sooner than that, waiting for the answer was most of it: such a sample can only raise a rate,
and never on a link where nothing else came.

Guarantees: a pause between orders counts as nothing; what is not known is said to be not known.
Limits: the rate is that of all orders at that peer together, as far as pieces and packs go; a piece
is counted when it is whole, so on a slow link the measure is coarse.
"""

from __future__ import annotations

from dataclasses import dataclass

from potluck.core import limits
from potluck.core.keys.identity import DeviceId

INSTANT_S = 0.001  # an order that took less took this long: clocks are not finer


@dataclass(slots=True)
class _Measured:
    """One peer."""

    under_way: int = 0  # orders at it
    since_s: float = 0.0  # when the sample began
    came_bytes: int = 0  # in this sample
    rate: float = 0.0  # bytes a second; 0: not known


class Rates:
    """What was measured of every peer that was asked for something."""

    def __init__(self) -> None:
        """Know nothing."""
        self._peers: dict[DeviceId, _Measured] = {}

    def __repr__(self) -> str:
        return f"<Rates of {len(self._peers)} peers>"

    def on_asked(self, peer: DeviceId, now: float) -> None:
        """An order is given; the first at a peer begins a sample."""
        measured = self._peers.setdefault(peer, _Measured())
        if not measured.under_way:
            measured.since_s, measured.came_bytes = now, 0
        measured.under_way += 1

    def on_bytes(self, peer: DeviceId, size_bytes: int, now: float) -> None:
        """Bytes came from a peer that was asked."""
        measured = self._peers[peer]
        measured.came_bytes += size_bytes
        took_s = now - measured.since_s
        if took_s >= limits.RATE_SAMPLE_S:
            measured.rate = measured.came_bytes / took_s
            measured.since_s, measured.came_bytes = now, 0

    def on_ended(self, peer: DeviceId, now: float) -> None:
        """An order is over; the last at a peer ends a sample that is not whole."""
        measured = self._peers[peer]
        measured.under_way -= 1
        if not measured.under_way:
            took_s = max(now - measured.since_s, INSTANT_S)
            measured.rate = max(measured.rate, measured.came_bytes / took_s)

    def budget(self, peer: DeviceId, seconds: float, first_bytes: int) -> int:
        """Return the bytes a peer brings in so many seconds; `first_bytes` if that is not known."""
        measured = self._peers.get(peer)
        if measured is None or not measured.rate:
            return first_bytes
        return int(measured.rate * seconds)
