"""Slots: how many things are asked of each peer at once, and that news has room of its own.

Strategy: two kinds of orders, counted apart: news (packs of small files, piece lists) and pieces.
Each has so many slots at a peer and so many in all, the same numbers the peer keeps for us
(`limits.SMALL_PER_PEER`, `limits.FETCHES_PER_PEER`), so in step with it nobody is ever busy. When a
peer says BUSY all the same, nothing of that kind is asked of it until an order of that kind ends
there, or `limits.BUSY_AGAIN_S` are over: a constant time, however often. Where all slots at a peer
are taken, what it was to bring is not asked of one that is far slower: a slot will be free sooner.
Orders that are slow are set aside: at their peer they take a slot, in all they take none.

Guarantees: pieces never take a slot of news, at no peer and not in all. Limits: who holds what, and
whom to prefer, is for the caller to say; how slow a peer is, is known only after it was asked once,
and not for long.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable

from potluck.core import limits
from potluck.core.content.swarm.pace import SLOW_MAX
from potluck.core.content.swarm.rates import Rates
from potluck.core.keys.identity import DeviceId


class Slots:
    """Who can be asked for one more thing at this moment."""

    def __init__(self, rates: Rates) -> None:
        """Ask nothing of anybody; `rates` are measured elsewhere."""
        self._rates = rates
        self._taken: Counter[tuple[DeviceId, bool]] = Counter()
        self._in_all: Counter[bool] = Counter()
        self._aside: Counter[bool] = Counter()  # of those in all, what others need not wait for
        self._full: dict[tuple[DeviceId, bool], float] = {}  # busy: not asked until then

    def __repr__(self) -> str:
        news, pieces = self._in_all[True], self._in_all[False]
        return f"<Slots: {news} of news and {pieces} of pieces taken, {len(self._full)} busy>"

    def take(self, peer: DeviceId, *, news: bool) -> None:
        """One more is asked of a peer."""
        self._taken[peer, news] += 1
        self._in_all[news] += 1

    def free(self, peer: DeviceId, now: float, *, news: bool, busy: bool) -> None:
        """One less is; `busy`: the peer had no room for it."""
        self._taken[peer, news] -= 1
        self._in_all[news] -= 1
        if busy:
            self._full[peer, news] = now + limits.BUSY_AGAIN_S
        else:
            self._full.pop((peer, news), None)

    def set_aside(self, slow: int, *, news: bool) -> None:
        """So many orders of a kind are slow; of more than SLOW_MAX the rest counts."""
        self._aside[news] = min(slow, SLOW_MAX)

    def left(self, *, news: bool, kept: int = 0) -> bool:
        """Return whether one more of that kind can be asked, whoever is asked.

        `kept`: so many are left alone.
        """
        taken = self._in_all[news] - self._aside[news]
        return taken < (limits.SMALL_WORKERS if news else limits.WORKERS) - kept

    def first(self, peers: Iterable[DeviceId], now: float, *, news: bool) -> DeviceId | None:
        """Return the first of these who can be asked for one more."""
        if not self.left(news=news):
            return None
        most = limits.SMALL_PER_PEER if news else limits.FETCHES_PER_PEER
        taken_rate = 0.0  # of the fastest whose slots are taken
        for peer in peers:
            room = self._full.get((peer, news), -math.inf) <= now
            rate = self._rates.lately(peer, now, news=news)
            if not room or self._taken[peer, news] >= most:
                taken_rate = max(taken_rate, rate)
            elif not 0 < rate < taken_rate / limits.FAR_SLOWER:
                return peer
        return None
