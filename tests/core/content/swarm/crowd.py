"""A crowd of peers, each with its own pace, around one swarm: seconds pass in steps.

Strategy: each peer brings so many bytes a second, shared evenly by what is asked of it; whatever an
order asks comes whole at its end. Guarantees: what comes is told as the shell tells it. Limits:
nobody says BUSY, or goes away.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from potluck.core import limits
from potluck.core.content.pieces import PieceList, Root
from potluck.core.content.swarm.download import End, Order, What
from potluck.core.content.swarm.orders import Swarm
from potluck.core.keys.identity import DeviceId

STEP_S = 0.1


class Crowd:
    """Peers that bring what they are asked for, sooner or later."""

    def __init__(self, rates: dict[DeviceId, float], *, guarded: bool = True) -> None:
        self.swarm, self.rates, self.now = Swarm(), rates, 0.0
        self.contents: dict[Root, PieceList] = {}
        self.holders: dict[Root, Sequence[DeviceId]] = {}
        self.came: defaultdict[int, float] = defaultdict(float)
        self.called_off: list[Order] = []
        self.guarded = guarded  # the swarm is told how orders come
        self.peak = 0  # orders at once

    def want(self, content: PieceList, owner: DeviceId, *holders: DeviceId) -> None:
        """Lack a content of an owner; others say that they hold it, too."""
        self.contents[content.root] = content
        self.holders[content.root] = [owner, *holders]
        self.swarm.want(content.root, content.size_bytes, content.piece_size, owner)

    def step(self) -> None:
        """A moment passes."""
        swarm = self.swarm
        swarm.next_orders(self.holders.__getitem__, self.now)
        self.peak = max(self.peak, len(swarm.orders))
        self.now += STEP_S
        at_once = Counter(order.peer for order in swarm.orders.values())
        for number, order in list(swarm.orders.items()):
            left = self._asked_bytes(order) - self.came[number]
            brought = min(self.rates[order.peer] * STEP_S / at_once[order.peer], left)
            self.came[number] += brought
            if self.guarded:
                swarm.under_way.on_heard(number, int(brought), STEP_S)
            if self.came[number] >= self._asked_bytes(order) - 0.5:
                self._bring(order)
        for number in swarm.overdue(self.holders.__getitem__, self.now):
            self.called_off.append(swarm.orders[number])
            self._bring_whole_pieces(swarm.orders[number])
            swarm.on_ended(number, self.now, End.FAILED)

    def until_here(self, content: PieceList, at_most_s: float) -> float:
        """Return how long it takes until a content is here."""
        begun = self.now
        while not self.swarm.downloads[content.root].complete:
            assert self.now - begun < at_most_s, (content.size_bytes, self.swarm)
            self.step()
        return self.now - begun

    def _asked_bytes(self, order: Order) -> int:
        contents = [self.contents[root] for root in order.roots]
        if order.what is What.PACK:
            return sum(content.size_bytes for content in contents)
        if order.what is What.LIST:
            return len(contents[0].hashes)
        return sum(map(contents[0].length_of, order.pieces))

    def _bring_whole_pieces(self, order: Order) -> None:
        """Of what is called off the pieces that came are here."""
        if order.what is What.PIECES:
            size_bytes = self.contents[order.roots[0]].piece_size
            whole = int(self.came[order.number] / size_bytes)
            self.swarm.on_pieces(order.roots[0], order.pieces[:whole])
            self.swarm.under_way.on_bytes(order.number, whole * size_bytes, self.now)

    def _bring(self, order: Order) -> None:
        swarm, content = self.swarm, self.contents[order.roots[0]]
        if order.what is What.PACK:
            swarm.on_files(order.roots)
        elif order.what is What.LIST:
            swarm.on_list(content)
        else:
            swarm.on_pieces(content.root, order.pieces)
        swarm.under_way.on_bytes(order.number, self._asked_bytes(order), self.now)
        swarm.on_ended(order.number, self.now, End.DONE)


def small_content(number: int, size_bytes: int = limits.KIB) -> PieceList:
    """Return a content that travels in packs."""
    return PieceList(Root(number.to_bytes(32, "big")), size_bytes, limits.PIECE_MIN_BYTES, b"")
