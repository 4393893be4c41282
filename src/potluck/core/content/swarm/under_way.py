"""Under way: the orders that peers work on, the slots they take, and who holds others up.

Strategy: one object knows every order and what is measured of it. From that follows who may have
one more slot:

- Owners: while others wait, the contents of one owner have at most half of the slots in all,
  whoever holds them (`has_its_share`); whose orders took slots for the shortest time of late, then
  who has the fewest, and was served longest ago, is the first (`in_turn`): who brings something in
  moments has many turns in the time of one who takes its time. Each peer has few anyway (slots.py).
- Slow orders do not count among the slots in all, up to SLOW_MAX of each kind: the fast go on. Who
  is slow or new has not all of the slots (slowness.py).
- Peers that were late a while ago (pace.py) have at most half of the slots in all, and only those
  that nobody else takes (`last`).
- An order is called off if it is late and another holder is idle for it. It is, too, without blame
  for whoever had it, while slow orders take slots that are not for them, or somebody slow waits for
  a turn (slowness.py).

Guarantees: pure; at most SLOW_MAX slow orders of each kind besides those that count. However slowly
up to sixteen members answer, a fast owner's file beside them is here within a time that grows with
their number only, and a small file of one who is quick is asked for at once
(tests/core/content/swarm/test_under_way.py). Limits: who is not far slower than the fastest has its
share of the time like others. Of whom nothing is known yet has its first turn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import count
from typing import assert_never

from potluck.core import limits
from potluck.core.content.swarm.download import Download, End, Order, What
from potluck.core.content.swarm.fair_turns import FairTurns
from potluck.core.content.swarm.lines import Owner
from potluck.core.content.swarm.pace import Lags, Paces
from potluck.core.content.swarm.rates import INSTANT_S, Rates
from potluck.core.content.swarm.slots import Slots
from potluck.core.content.swarm.slowness import Slowness
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
        # whose contents orders are for, of news and of pieces
        self._turns = {news: FairTurns[Owner]() for news in (True, False)}
        self._called_off: set[int] = set()
        self._unproven: set[int] = set()
        self._turns_over: set[int] = set()  # of those, who is not to blame
        self._begun_s: dict[int, float] = {}
        self._asked_bytes: dict[int, int] = {}
        self._slowness = {news: Slowness(self._paces) for news in (True, False)}
        self._now = 0.0
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
        self._begun_s[order.number] = now
        self._slots.take(peer, news=what.news)
        self.rates.on_asked(peer, now, news=what.news)
        asked_bytes = _asked_bytes(what, downloads, len(pieces))
        self._paces.begin(order.number, asked_bytes)
        self._asked_bytes[order.number] = asked_bytes
        self._slowness[what.news].begin(order.number, peer, now)
        self._set_aside(news=what.news)
        for download in downloads:
            download.orders.add(order.number)
        return order

    def serve(self, owner: Owner, order: Order) -> None:
        """An order that was just given is in this owner's turn: it has one of its slots."""
        begun_s = self._begun_s[order.number]
        self._turns[order.what.news].begin(order.number, owner, begun_s)

    def on_bytes(self, number: int, size_bytes: int, now: float) -> None:
        """An order brought so much that is good; nothing: some of it was here already, so its pace
        says nothing of its peer.
        """
        order = self.orders.get(number)
        if order is not None and not size_bytes:
            self._unproven.add(number)
        elif order is not None:
            self.rates.on_bytes(order.peer, size_bytes, now, news=order.what.news)

    def on_heard(self, number: int, size_bytes: int, waited_s: float) -> bool:
        """So much came for an order, and so long was waited; returns whether a slot is free now."""
        order = self.orders.get(number)
        if order is None:
            return False
        news = order.what.news
        slowness = self._slowness[news]
        slow = self._paces.on_heard(number, size_bytes, waited_s, slowness.fast(self._now))
        if slow:
            slowness.on_slow(order.peer, self._now)
        return slow

    def end(self, order: Order, now: float, end: End, *, brought: bool) -> None:
        """An order is over; `brought`: all it was to bring is here."""
        news, number = order.what.news, order.number
        brought = brought and number not in self._unproven
        self._unproven.discard(number)
        self._turns[news].end(number, now)
        took_s = max(now - self._begun_s.pop(number), INSTANT_S)
        rate = self._asked_bytes.pop(number) / took_s
        slowness = self._slowness[news]
        if brought:
            slowness.on_whole(rate, now)
        del self.orders[number]
        slowness.end(number)
        self.rates.on_ended(order.peer, now, news=news)
        self._slots.free(order.peer, now, news=news, busy=end is End.BUSY)
        slow = self._paces.end(number)
        if slow:
            slowness.on_slow(order.peer, now)
        elif brought and slowness.on_brought(order.peer, rate, took_s, now):
            self._slowness[not news].vouch(order.peer)
        if number in self._called_off:
            self._called_off.discard(number)
            if number in self._turns_over:
                self._turns_over.discard(number)
            else:
                self._lags.on_late(order.peer, now)
        elif brought and not slow:
            self._lags.on_brought(order.peer, now)

    # -- slots -------------------------------------------------------------------------------------
    def on_look(self, now: float) -> None:
        """Slots are to be given: see which of those taken others need not wait for."""
        self._now = now
        for news in (True, False):
            self._slowness[news].begin_look()
            self._set_aside(news=news)

    def _set_aside(self, *, news: bool) -> None:
        orders = [(number, self.orders[number].peer) for number in self._of_kind(news=news)]
        self._slots.set_aside(self._slowness[news].on_look(orders, self._now), news=news)

    def may_ask(self, now: float, *, news: bool, last: bool) -> bool:
        """Whether there is a slot in all; `last`: at somebody who was late."""
        if not self._slots.left(news=news):
            return False
        orders = [self.orders[number] for number in self._of_kind(news=news)]
        return not last or sum(self.lags(order.peer, now) for order in orders) < _half(news=news)

    def has_its_share(self, owner: Owner, *, news: bool) -> bool:
        """Whether an owner's contents have half of the slots in all."""
        return self._turns[news].taken(owner) >= _half(news=news)

    def in_turn(self, owners: Iterable[Owner], *, news: bool) -> list[Owner]:
        """Return owners: who had slots for the shortest time first, then who has the fewest."""
        return self._turns[news].in_turn(owners, self._now)

    def first(self, peers: Sequence[DeviceId], now: float, *, news: bool) -> DeviceId | None:
        """Return the first of these who can be asked for one more."""
        peer = self._slots.first(peers, now, news=news)
        if peer is None or self._may_take(peer, now, news=news):
            return peer
        others = [other for other in peers if self._may_take(other, now, news=news)]
        return self._slots.first(others, now, news=news)

    def _may_take(self, peer: DeviceId, now: float, *, news: bool) -> bool:
        slowness = self._slowness[news]
        kept_only = not self._slots.left(news=news, kept=slowness.kept)
        rate = self.rates.budget(peer, 1.0, 0, news=news)
        return slowness.may_ask(peer, rate, now, kept_only=kept_only)

    def lags(self, peer: DeviceId, now: float) -> bool:
        """Whether a peer is asked last."""
        return self._lags.lags(peer, now)

    def _of_kind(self, *, news: bool) -> list[int]:
        return [number for number, order in self.orders.items() if order.what.news is news]

    # -- lateness ----------------------------------------------------------------------------------
    def overdue(self, others: Others, now: float) -> list[int]:
        """Return, once each, the orders to call off now."""
        self._now = now
        found = [number for number, order in self.orders.items() if self._late(others, order, now)]
        for news in (True, False):
            slowness, of_kind = self._slowness[news], self._of_kind(news=news)
            over = slowness.turn_over(of_kind)
            if not self._slots.left(news=news, kept=slowness.kept):
                over += slowness.too_many(of_kind)
            self._turns_over.update(over)
            found += over
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
