"""Slowness: at whom orders are slow, who proved quick, and which slots that leaves to whom.

Strategy: the pace of an order (pace.py) says something of the peer it is at, for a while. Three
kinds of peers follow from that, for each kind of order apart:

- *Quick*: an order brought all that was asked before LATE_MIN_S, or not far slower than the fastest
  does, and none was slow since. KEPT_SLOTS are for these alone, so what a quick peer has does not
  wait for what others drip; those that the quick take are of these first, so that peers that are
  quick and have much to bring leave somebody new its turn.
- *Slow*: an order was slow less than SLOW_KNOWN_S ago; of who was quick until then less than
  HICCUP_S, twice as long each time. Of these SLOW_MOST orders are under way.
- *New*: all others, whom nothing is known of. Each has a turn, which shows what it is: an order
  that was begun at somebody new, and turns slow where SLOW_MOST are slow already, is called off if
  no slot for somebody new is left. It is begun again when its turn comes among the slow.

Among the slow, too, who is far faster does not wait for what trickles, and turns end
(`Paces.outpaced`, `Paces.turn_over`).

Guarantees: pure. Whatever is under way at peers that are new or slow, KEPT_SLOTS are free or taken
by who is quick, until as many quick ones turn slow; that is seen after LATE_MIN_S. An order whose
turn is over says nothing against its peer. Limits: peers that bring something quickly and drip
something else by turns take the slots that are kept, for less than LATE_MIN_S each time, as often
as they like; who used slots for a shorter time is served before them (under_way.py). Somebody new
waits for the trials of those that are new, too.
"""

from __future__ import annotations

from collections.abc import Iterable

from potluck.core import limits
from potluck.core.content.swarm.pace import LATE_MIN_S, SLOW_MOST, SLOW_RATE, Paces
from potluck.core.keys.identity import DeviceId

KEPT_SLOTS = 2  # slots for who is quick: as many as one peer has
SLOW_KNOWN_S = 60.0  # whose order was slow is thought slow for so long: a few turns of a dozen
HICCUP_S = 3.0  # a disk that spins up, a laptop that roams: over by then, and tried again
HICCUPS_MAX = 5  # from then on it is slow as long as others,
HICCUPS_KNOWN_S = 600.0  # until it had none for so long
FASTEST_KNOWN_S = 600.0  # who else is slow is seen by it, also after a pause of the fast one


class Slowness:
    """What the orders of one kind say of those they are at."""

    def __init__(self, paces: Paces) -> None:
        """Nothing is known; paces are measured elsewhere."""
        self._paces = paces
        self._fastest = 0.0, 0.0  # bytes a second, when measured
        self._until_s: dict[DeviceId, float] = {}  # thought slow until then
        self._quick: set[DeviceId] = set()
        # times that a quick one was slow, and when it was so last
        self._hiccups: dict[DeviceId, tuple[int, float]] = {}
        self._begun: set[int] = set()  # orders at peers that were thought slow
        self._slow: list[int] = []  # orders at such, or that are slow, the slowest first
        self._at_quick = 0  # orders at peers that are quick
        self._waits_rate: float | None = None  # of the fastest slow one that was not asked

    def __repr__(self) -> str:
        return f"<Slowness: {len(self._until_s)} peers were slow, {len(self._slow)} orders are>"

    # -- peers -------------------------------------------------------------------------------------
    def fast(self, now: float) -> float:
        """Return the bytes a second of the fastest order, 0 if none ended well for long."""
        rate, measured_s = self._fastest
        return rate if now - measured_s <= FASTEST_KNOWN_S else 0.0

    def on_slow(self, peer: DeviceId, now: float) -> None:
        """An order at a peer is slow."""
        known_s = SLOW_KNOWN_S
        times, when_s = self._hiccups.get(peer, (0, now))
        if peer in self._quick:
            times = times if now - when_s < HICCUPS_KNOWN_S else 0
            known_s = min(HICCUP_S * 2**times, SLOW_KNOWN_S)
            self._hiccups[peer] = min(times + 1, HICCUPS_MAX), now
            self._quick.discard(peer)
        elif times and self.is_slow(peer, now):
            return  # another order of the same time, or the same one again
        self._until_s[peer] = now + known_s

    def on_brought(self, peer: DeviceId, rate: float, took_s: float, now: float) -> bool:
        """An order that was not slow brought all of it; returns whether its peer is quick."""
        if took_s >= LATE_MIN_S and rate < max(SLOW_RATE, self.fast(now) / limits.FAR_SLOWER):
            return False
        self._until_s.pop(peer, None)
        self._quick.add(peer)
        return True

    def vouch(self, peer: DeviceId) -> None:
        """A peer is quick with orders of another kind: it is with these, if it was never slow."""
        if peer not in self._until_s:
            self._quick.add(peer)

    def on_whole(self, rate: float, now: float) -> None:
        """An order brought all it was to bring at so many bytes a second, slow or not."""
        if rate >= self.fast(now):
            self._fastest = rate, now

    def is_slow(self, peer: DeviceId, now: float) -> bool:
        """Whether a peer is thought slow."""
        return self._until_s.get(peer, now) > now

    @property
    def kept(self) -> int:
        """How many slots are left alone for who is quick: none before anybody is."""
        return max(KEPT_SLOTS - self._at_quick, 0) if self._quick else 0

    # -- orders ------------------------------------------------------------------------------------
    def begin(self, number: int, peer: DeviceId, now: float, *, after: int | None = None) -> None:
        """An order is given; `after`: it goes on with that one, in its place."""
        if after in self._begun if after is not None else self.is_slow(peer, now):
            self._begun.add(number)

    def end(self, number: int) -> None:
        """An order is over."""
        self._begun.discard(number)

    def on_look(self, orders: Iterable[tuple[int, DeviceId]], now: float) -> int:
        """See which of the orders under way are slow, and return how many; slots are to be given.

        `orders`: their numbers, and whom each is at.
        """
        peers = dict(orders)
        slow = self._paces.slow(peers)
        for number in slow:
            self.on_slow(peers[number], now)
        self._slow = slow + [number for number in self._begun if number not in slow]
        prompt = [peer for number, peer in peers.items() if number not in self._slow]
        self._at_quick = sum(peer in self._quick for peer in prompt)
        return len(self._slow)

    def begin_look(self) -> None:
        """Nobody waits yet."""
        self._waits_rate = None

    def may_ask(self, peer: DeviceId, rate: float, now: float, *, kept_only: bool) -> bool:
        """Whether a peer may have a slot; `kept_only`: there is none but those that are kept.

        `rate`: the bytes a second that were measured of it, 0 if none were.
        """
        if not self.is_slow(peer, now):
            return not kept_only or peer in self._quick
        if not kept_only and len(self._slow) < SLOW_MOST:
            return True
        self._waits_rate = max(self._waits_rate or 0.0, rate)
        return False

    def too_many(self, numbers: Iterable[int]) -> list[int]:
        """Return which of these orders to call off, since no slot for somebody new is left."""
        slow = self._paces.slow(numbers)
        turned = [number for number in slow if number not in self._begun]
        return turned[: max(len(slow) - SLOW_MOST, 0)]

    def turn_over(self, numbers: Iterable[int]) -> list[int]:
        """Return which of these orders others that are slow need not wait for any longer."""
        if self._waits_rate is None:
            return []
        of_kind = list(numbers)
        outpaced = self._paces.outpaced(of_kind, self._waits_rate)
        return outpaced or self._paces.turn_over(of_kind)
