"""Under way: the orders that peers work on, the slots they take, and who holds others up.

Strategy: one object knows every order and what is measured of it. From that follows who may have
one more slot:

- Owners: while others wait, the contents of one owner have at most half of the slots in all,
  whoever holds them (`has_its_share`); who has the fewest, and was served longest ago, is the
  first (`in_turn`). Each peer has few anyway (slots.py).
- Slow orders do not count among the slots in all, up to SLOW_MAX of each kind: the fast go on.
- Peers that were late a while ago (pace.py) have at most half of the slots in all, and only those
  that nobody else takes (`last`).
- An order is called off if it is late and another holder is idle for it; or, while slow orders take
  even the slots kept for the fast, if it is the slowest and long under way.

Guarantees: pure; at most SLOW_MAX slow orders of each kind besides those that count. However slowly
up to sixteen members answer below SLOW_RATE, a fast owner's file beside them is here within a time
that grows with their number only (tests/core/content/swarm/test_under_way.py). Limits: who is fast
enough never to be slow has its turns like others, so many of them take a share of the time each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import count
from typing import assert_never

from potluck.core import limits
from potluck.core.content.swarm.download import Download, End, Order, What
from potluck.core.content.swarm.lines import Owner
from potluck.core.content.swarm.pace import Lags, Paces
from potluck.core.content.swarm.rates import Rates
from potluck.core.content.swarm.slots import Slots
from potluck.core.keys.identity import DeviceId

Others = Callable[[Order], Sequence[DeviceId]]
"""Who else may be asked for what is in an order, best first."""


class UnderWay:
    """All orders that have not ended."""

    def __init__(self) -> None:
        """Nothing is under way."""
        self.orders: dict[int, Order] = {}
        self.rates = Rates()
        self._slots = Slots(self.rates)
        self._paces, self._lags = Paces(), Lags()
        self._owners: dict[int, Owner] = {}  # whose contents they are for
        self._served: dict[tuple[Owner, bool], int] = {}  # the last order for each
        self._called_off: set[int] = set()
        self._numbers = count(1)

    def __repr__(self) -> str:
        return f"<UnderWay {len(self.orders)} orders, {self._paces!r}, {self._lags!r}>"

    # -- orders ------------------------------------------------------------------------------------
    def give(
        self,
        peer: DeviceId,
        what: What,
        downloads: Sequence[Download],
        pieces: tuple[int, ...],
        now: float,
    ) -> Order:
        """Ask something of a peer that has a slot for it."""
        roots = tuple(download.root for download in downloads)
        order = Order(next(self._numbers), peer, what, roots, pieces)
        self.orders[order.number] = order
        self._slots.take(peer, news=what.news)
        self.rates.on_asked(peer, now, news=what.news)
        self._paces.begin(order.number, _asked_bytes(what, downloads, len(pieces)))
        for download in downloads:
            download.orders.add(order.number)
        return order

    def serve(self, owner: Owner, order: Order) -> None:
        """An order that was just given is in this owner's turn: it has one of its slots."""
        self._owners[order.number] = owner
        self._served[owner, order.what.news] = order.number

    def on_bytes(self, number: int, size_bytes: int, now: float) -> None:
        """An order brought so much that is good."""
        order = self.orders.get(number)
        if order is not None:
            self.rates.on_bytes(order.peer, size_bytes, now, news=order.what.news)

    def on_heard(self, number: int, size_bytes: int, waited_s: float) -> bool:
        """So much came for an order, and so long was waited; returns whether a slot is free now."""
        return self._paces.on_heard(number, size_bytes, waited_s)

    def end(self, order: Order, now: float, end: End, *, brought: bool) -> None:
        """An order is over; `brought`: all it was to bring is here."""
        news, number = order.what.news, order.number
        del self.orders[number], self._owners[number]
        self.rates.on_ended(order.peer, now, news=news)
        self._slots.free(order.peer, now, news=news, busy=end is End.BUSY)
        slow = self._paces.end(number)
        if number in self._called_off:
            self._called_off.discard(number)
            self._lags.on_late(order.peer, now)
        elif brought and not slow:
            self._lags.on_brought(order.peer, now)

    # -- slots -------------------------------------------------------------------------------------
    def on_look(self) -> None:
        """Slots are to be given: see which of those taken others need not wait for."""
        for news in (True, False):
            self._slots.set_aside(len(self._paces.slow(self._of_kind(news=news))), news=news)

    def may_ask(self, now: float, *, news: bool, last: bool) -> bool:
        """Whether there is a slot in all; `last`: at somebody who was late."""
        if not self._slots.left(news=news):
            return False
        orders = [self.orders[number] for number in self._of_kind(news=news)]
        return not last or sum(self.lags(order.peer, now) for order in orders) < _half(news=news)

    def has_its_share(self, owner: Owner, *, news: bool) -> bool:
        """Whether an owner's contents have half of the slots in all."""
        owners = [self._owners[number] for number in self._of_kind(news=news)]
        return owners.count(owner) >= _half(news=news)

    def in_turn(self, owners: Iterable[Owner], *, news: bool) -> list[Owner]:
        """Return owners: those with the fewest slots first, of these who was served longest ago."""
        taken = Counter(self._owners[number] for number in self._of_kind(news=news))
        return sorted(owners, key=lambda owner: (taken[owner], self._served.get((owner, news), 0)))

    def first(self, peers: Iterable[DeviceId], now: float, *, news: bool) -> DeviceId | None:
        """Return the first of these who can be asked for one more."""
        return self._slots.first(peers, now, news=news)

    def lags(self, peer: DeviceId, now: float) -> bool:
        """Whether a peer is asked last."""
        return self._lags.lags(peer, now)

    def _of_kind(self, *, news: bool) -> list[int]:
        return [number for number, order in self.orders.items() if order.what.news is news]

    # -- lateness ----------------------------------------------------------------------------------
    def overdue(self, others: Others, now: float) -> list[int]:
        """Return, once each, the orders to call off now."""
        found = [number for number, order in self.orders.items() if self._late(others, order, now)]
        for news in (True, False):
            if not self._slots.left(news=news):
                found += self._paces.crowded_out(self._of_kind(news=news))
        new = [number for number in dict.fromkeys(found) if number not in self._called_off]
        self._called_off.update(new)
        return new

    def _late(self, others: Others, order: Order, now: float) -> bool:
        """Whether one who is idle would bring it sooner."""
        if not self._paces.waits_long(order.number):
            return False
        other = self._slots.first(others(order), now, news=order.what.news)
        if other is None:
            return False
        rate = self.rates.budget(other, 1.0, 0, news=order.what.news)
        return self._paces.late(order.number, rate)


def _half(*, news: bool) -> int:
    return (limits.SMALL_WORKERS if news else limits.WORKERS) // 2


def _asked_bytes(what: What, downloads: Sequence[Download], pieces: int) -> int:
    """Return how much an order is to bring."""
    match what:
        case What.PIECES:
            return min(pieces * downloads[0].piece_size, downloads[0].size_bytes)
        case What.LIST:
            return downloads[0].list_bytes
        case What.PACK:
            return sum(download.size_bytes for download in downloads)
        case _:
            assert_never(what)
