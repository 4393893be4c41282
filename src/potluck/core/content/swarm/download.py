"""Downloads: one wanted content, what of it is here, asked or lacking, and what an order asks for.

Strategy: pieces are asked in ascending runs. A content knows up to where everything was asked once;
what an order did not bring is put aside and asked before anything new. So who finds the next run
never goes over all pieces again, however many a member says there are and however often it fails.

Guarantees: pure; finding all runs of a content looks at each piece once, and once more for each
time that it was given back. A piece is in at most one run under way. Limits: which peer is asked,
and when, is for orders.py to say.
"""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import assert_never

from potluck.core import limits
from potluck.core.content.pieces import HASH_BYTES, Bitfield, PieceList, Root, piece_count
from potluck.core.content.swarm.lines import Owner
from potluck.core.keys.identity import DeviceId

LIST_FRAME_BYTES = 256  # of a piece list, beside its hashes


class What(Enum):
    """What an order asks for."""

    PACK = auto()
    LIST = auto()
    PIECES = auto()

    @property
    def news(self) -> bool:
        """Whether it has slots of its own, which pieces never take."""
        return self is not What.PIECES


class End(Enum):
    """How an order ended."""

    DONE = auto()  # the peer answered to the end
    BUSY = auto()  # the peer has no room for it at this moment
    GONE = auto()  # the peer does not have all of it
    FAILED = auto()  # it could not be carried to its end
    WRONG = auto()  # the same, because the bytes were not those that were asked for


@dataclass(frozen=True, slots=True)
class Order:
    """Something to fetch from somebody."""

    number: int
    peer: DeviceId
    what: What
    roots: tuple[Root, ...]
    pieces: tuple[int, ...] = ()


@dataclass(slots=True)
class Download:
    """One wanted content."""

    root: Root
    size_bytes: int
    piece_size: int
    owners: list[Owner] = field(default_factory=list)  # in whose folders it is, as it was wanted
    content: PieceList | None = None
    have: Bitfield | None = None
    asked: set[int] = field(default_factory=set)
    orders: set[int] = field(default_factory=set)  # the numbers of those under way for it
    retry_s: dict[DeviceId, float] = field(default_factory=dict)
    strikes: Counter[DeviceId] = field(default_factory=Counter)
    lacked: Counter[DeviceId] = field(default_factory=Counter)  # how often each said so
    copies: int = 1  # files that are made of it here
    proven: bool = False  # its size is the true one: somebody sent as much that has this root
    at_once: bool = False  # its first piece takes the room of all of them
    tries: Counter[Owner] = field(default_factory=Counter)  # of sizes that each said, in vain
    excused_s: dict[DeviceId, float] = field(default_factory=dict)  # not before
    _fresh: int = 0  # all pieces below were asked once, or are here
    _back: list[int] = field(default_factory=list)  # a heap of those that orders did not bring

    @property
    def small(self) -> bool:
        """Whether it travels in packs."""
        return self.size_bytes <= limits.PIECE_MIN_BYTES

    @property
    def unasked(self) -> bool:
        """Whether it travels in packs, is lacking and in no order."""
        return self.small and not self.complete and not self.orders

    @property
    def list_bytes(self) -> int:
        """How long its piece list is, as its record says."""
        return piece_count(self.size_bytes, self.piece_size) * HASH_BYTES + LIST_FRAME_BYTES

    @property
    def done_bytes(self) -> int:
        """Bytes that are here, at most one piece too many."""
        if self.have is None:
            return 0
        return min(len(self.have) * self.piece_size, self.size_bytes)

    @property
    def to_come_bytes(self) -> int:
        """What it takes of the disk until it stands; holes take nothing."""
        here = self.size_bytes if self.at_once and self.done_bytes else self.done_bytes
        return self.size_bytes * self.copies - here

    @property
    def complete(self) -> bool:
        """Whether every piece is here."""
        return self.have is not None and self.have.complete

    @property
    def lacks_orders(self) -> bool:
        """Whether it has its list, and pieces that are neither here nor asked."""
        have = self.have
        return have is not None and len(have) + len(self.asked) < have.count

    def willing(self, holders: Iterable[DeviceId], now: float) -> list[DeviceId]:
        """Return those of its holders that do not rest and are trusted."""
        return [
            peer
            for peer in holders
            if self.retry_s.get(peer, -math.inf) <= now and self.strikes[peer] < limits.STRIKES
        ]

    def failed(self, peer: DeviceId) -> bool:
        """Say whether a device was asked for it since it is here, and did not bring it."""
        return peer in self.retry_s or self.strikes[peer] >= limits.STRIKES

    def learn(self, content: PieceList) -> None:
        """Take the piece list; pieces of zeros are here from the start."""
        self.content, self.have = content, Bitfield(content.count)
        for piece in content.zeros():
            self.have.add(piece)
        self.at_once = self.size_bytes <= limits.COMMIT_BYTES and not len(self.have)

    def keep_rests(self, before: Download, now: float) -> None:
        """Take the place of `before`: whoever failed it rests, but no longer than for a failure."""
        for peer, until_s in before.retry_s.items():
            self.retry_s[peer] = min(until_s, now + limits.RETRY_S)
        self.tries, self.excused_s = before.tries, before.excused_s
        self.lacked = before.lacked

    def excuse(self, peer: DeviceId, now: float) -> None:
        """It was asked for a size it never said: it need not rest, once in a while."""
        if self.excused_s.get(peer, -math.inf) <= now:
            self.excused_s[peer] = now + limits.RETRY_S
            self.retry_s.pop(peer, None)

    def brought(self, order: Order) -> bool:
        """Whether everything asked in `order` is here now, of a content that is not complete."""
        match order.what:
            case What.LIST:
                return self.content is not None
            case What.PIECES:
                return self.have is not None and all(piece in self.have for piece in order.pieces)
            case What.PACK:
                return False  # what travels in packs has one piece
            case _:
                assert_never(order.what)

    # -- runs --------------------------------------------------------------------------------------
    def take_run(self, at_most_bytes: int) -> tuple[int, ...]:
        """Take what to ask next as asked: adjacent pieces, at least one if any is lacking."""
        run: list[int] = []
        longest = at_most_bytes // self.piece_size
        while (piece := self._lacking()) is not None:
            if run and (piece != run[-1] + 1 or len(run) >= longest):
                break
            run.append(piece)
            self.asked.add(piece)
        return tuple(run)

    def give_back(self, pieces: Iterable[int]) -> None:
        """An order for these is over: those that are not here may be asked again."""
        for piece in pieces:
            if piece in self.asked:
                self.asked.discard(piece)
                heapq.heappush(self._back, piece)

    def _lacking(self) -> int | None:
        """Return the first piece that is neither here nor asked; those given back are the first."""
        have = self.have
        if have is None:
            return None
        while self._back:
            if self._back[0] not in have and self._back[0] not in self.asked:
                return self._back[0]
            heapq.heappop(self._back)
        while self._fresh < have.count and (self._fresh in have or self._fresh in self.asked):
            self._fresh += 1
        return self._fresh if self._fresh < have.count else None
