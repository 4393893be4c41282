"""Looks: one call for orders, who can be asked in it, and at how many contents it may look in vain.

Strategy: a look has turns: first everybody has its share, then whoever has more to ask, then those
who are asked last. In each turn an owner's contents are looked at until so many of them were in
vain: `at_most`, LOOKS or an even part of LOOKS_IN_ALL. Where a look stops, the next one goes on
(lines.py); `unfinished` says that there is more to see. The last turn sees only what the turns
before it found with nobody but such holders, all of it, so that what it needs cannot be just behind
its end.

Guarantees: pure; a call looks in vain at no more contents than a number that depends on nothing but
the owners, of whom each has its part, listed ones that wait for a slot aside. Limits: what gets an
order is not counted: slots bound that; 20,000 listed ones that wait cost 0.1 s. A small content
behind n that nobody can bring is seen after n / LOOKS calls.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from potluck.core.content.pieces import Root
from potluck.core.content.swarm.download import Download
from potluck.core.content.swarm.lines import Owner
from potluck.core.content.swarm.under_way import UnderWay
from potluck.core.keys.identity import DeviceId

LOOKS = 128  # in vain, at an owner's contents of one kind, in one turn of a call
LOOKS_IN_ALL = 512  # at those of all owners: some milliseconds

Holders = Callable[[Root], Sequence[DeviceId]]
"""Who may be asked for a content now, best first."""


class OrderLook:
    """One look for orders: who can be asked, and who has enough to bring already."""

    def __init__(self, holders: Holders, now: float, under_way: UnderWay, owners: int = 1) -> None:
        """Look at the contents of so many owners."""
        self.now, self.under_way, self._holders = now, under_way, holders
        self.at_most = max(1, min(LOOKS, LOOKS_IN_ALL // max(owners, 1)))
        # an owner's contents whose pieces wait for a slot at a peer
        self.waiting: Counter[tuple[Owner, DeviceId]] = Counter()
        self.owner: Owner = None  # whose turn it is
        self.fair = True  # nobody has more than its share
        self.last = False  # those who are asked last have their turn
        self.capped = False  # whether somebody waits for the second turn
        self.late: dict[Owner, dict[Root, None]] = {}  # what waits for the last one
        self.unfinished = False  # whether it stopped before everything was seen

    def __repr__(self) -> str:
        return f"<OrderLook at {self.at_most} of each owner, unfinished={self.unfinished}>"

    def is_due(self) -> bool:
        """Whether anybody waits for this turn."""
        if self.last:
            return bool(self.late)
        return self.fair or self.capped

    def willing(self, download: Download) -> list[DeviceId]:
        """Return who may be asked for a content in this turn, best first."""
        peers = download.willing(self._holders(download.root), self.now)
        prompt = [peer for peer in peers if not self.under_way.lags(peer, self.now)]
        if self.last:
            return [] if prompt else peers
        if peers and not prompt:
            self.late.setdefault(self.owner, {})[download.root] = None
        return prompt

    def is_late(self, root: Root) -> bool:
        """Whether a content of whose turn it is waits for the last turn."""
        return root in self.late.get(self.owner, {})

    def may_ask(self, owner: Owner, *, news: bool) -> bool:
        """Whether there is a slot for an owner's content in this turn."""
        if self.fair and self.under_way.has_its_share(owner, news=news):
            self.capped = True
            return False
        return self.under_way.may_ask(self.now, news=news, last=self.last)

    def first(self, peers: Sequence[DeviceId], *, news: bool) -> DeviceId | None:
        """Return the first of these who can be asked for one more."""
        return self.under_way.first(peers, self.now, news=news)
