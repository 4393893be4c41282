"""The swarm: which content, and which piece of it, is asked from whom next.

Strategy (first form): every content is taken from one holder at a time, many contents at once.
Small contents (one piece, at most 256 KiB) are asked in packs cut in the order they were wanted,
which is the order of their paths; large ones in runs of adjacent pieces, so disks read on; a
content of several pieces first needs its piece list. Pieces of zeros are never asked. Each peer
serves two fetches of ours, and there are eight in all. A holder that fails is passed over for a
while and the next one asked; one that sends wrong bytes twice is not asked for that content again.

The face is that of the later scatter-and-gather scheduler (docs/protocol.md §8): facts in, orders
out. It waits for nothing itself: whoever asks for orders says what time it is, and knows when
something happened that can make one.

Guarantees: pure; a piece is in at most one order at a time (contents forgotten and wanted again
aside); every wanted content with a holder that can be asked is in an order or waits for a slot or
for its retry time; a holder that ends an order without bringing what was asked rests, whatever it
says. While orders are under way only some of the small contents are looked at, so that a call stays
short whatever is wanted. Limits: the load of one origin is not shared among receivers yet.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import assert_never

from potluck.core import limits
from potluck.core.content.pieces import Bitfield, PieceList, Root
from potluck.core.keys.identity import DeviceId

LOOKS = 2 * limits.PACK_FILES  # at small contents in one call while orders are under way

Holders = Callable[[Root], Sequence[DeviceId]]
"""Who may be asked for a content now, best first."""


class What(Enum):
    """What an order asks for."""

    PACK = auto()
    LIST = auto()
    PIECES = auto()


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
    content: PieceList | None = None
    have: Bitfield | None = None
    asked: set[int] = field(default_factory=set)
    orders: set[int] = field(default_factory=set)  # the numbers of those under way for it
    retry_s: dict[DeviceId, float] = field(default_factory=dict)
    strikes: Counter[DeviceId] = field(default_factory=Counter)

    @property
    def small(self) -> bool:
        """Whether it travels in packs."""
        return self.size_bytes <= limits.PIECE_MIN_BYTES

    @property
    def done_bytes(self) -> int:
        """Bytes that are here, at most one piece too many."""
        if self.have is None:
            return 0
        return min(len(self.have) * self.piece_size, self.size_bytes)

    @property
    def complete(self) -> bool:
        """Whether every piece is here."""
        return self.have is not None and self.have.complete

    def keep_rests(self, before: Download) -> None:
        """Take the place of `before`: whoever failed it rests, whatever is asked now."""
        self.retry_s.update(before.retry_s)

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


class _Slots:
    """Who can be asked for one more thing at this moment."""

    def __init__(self, holders: Holders, now: float, orders: Iterable[Order]) -> None:
        self.holders, self.now = holders, now
        self.busy = Counter(order.peer for order in orders)

    def at(self, root: Root, download: Download) -> DeviceId | None:
        """Return the best holder that is rested, trusted and has a slot free."""
        for peer in self.holders(root):
            rested = download.retry_s.get(peer, -math.inf) <= self.now
            trusted = download.strikes[peer] < limits.STRIKES
            if rested and trusted and self.busy[peer] < limits.FETCHES_PER_PEER:
                return peer
        return None


class Swarm:
    """All contents this node lacks, and the orders under way for them."""

    def __init__(self) -> None:
        """Lack nothing."""
        self.downloads: dict[Root, Download] = {}
        self.orders: dict[int, Order] = {}
        self._small: deque[Root] = deque()
        self._large: dict[Root, Download] = {}
        self._number = 0

    def __repr__(self) -> str:
        wanted, orders, small = len(self.downloads), len(self.orders), len(self._small)
        return f"<Swarm {wanted} wanted, {orders} orders, {small} small in line>"

    # -- wishes ------------------------------------------------------------------------------------
    def want(self, root: Root, size_bytes: int, piece_size: int) -> None:
        """Lack this content from now on; wanting it twice is wanting it once."""
        if root in self.downloads:
            return
        download = self.downloads[root] = Download(root, size_bytes, piece_size)
        if download.small:
            self._small.append(root)
        else:
            self._large[root] = download

    def forget(self, root: Root) -> list[int]:
        """Nobody wants it any more (or it is placed); returns the orders to cancel."""
        self._large.pop(root, None)
        if self.downloads.pop(root, None) is None:
            return []
        return [order.number for order in self.orders.values() if order.roots == (root,)]

    # -- facts -------------------------------------------------------------------------------------
    def on_list(self, content: PieceList) -> bool:
        """The piece list came; returns whether nothing more is needed (a file of zeros)."""
        download = self.downloads.get(content.root)
        if download is None or download.content is not None:
            return False
        self._learn(download, content)
        return download.complete

    def on_pieces(self, root: Root, pieces: Iterable[int]) -> bool:
        """Pieces are verified and written; returns whether the content is complete now."""
        download = self.downloads.get(root)
        if download is None or download.have is None or download.complete:
            return False
        for piece in pieces:
            download.have.add(piece)
            download.asked.discard(piece)
        return download.complete

    def on_files(self, roots: Iterable[Root]) -> list[Root]:
        """Small contents are verified and written; returns those that were wanted."""
        arrived = []
        for root in roots:
            download = self.downloads.get(root)
            if download is not None and not download.complete:
                download.have = Bitfield(1, b"\1")
                arrived.append(root)
        return arrived

    def on_ended(self, number: int, now: float, *, failed: bool, wrong: bool) -> None:
        """An order is over; what it did not bring may be asked again, from somebody else first."""
        order = self.orders.pop(number, None)
        if order is None:
            return
        for root in order.roots:
            download = self.downloads.get(root)
            if download is None or number not in download.orders:
                continue  # not wanted any more, or wanted anew since
            download.orders.discard(number)
            download.asked.difference_update(order.pieces)
            if download.complete:
                continue
            if order.what is What.PACK:
                self._small.append(root)
            if failed or not download.brought(order):
                download.retry_s[order.peer] = now + limits.RETRY_S
            if wrong:
                download.strikes[order.peer] += 1

    def on_peer(self, device: DeviceId) -> None:
        """A device is there (again): it may be asked at once."""
        for download in self.downloads.values():
            download.retry_s.pop(device, None)

    # -- orders ------------------------------------------------------------------------------------
    def next_orders(self, holders: Holders, now: float) -> list[Order]:
        """Fill the free slots: packs of small contents first, then large ones as they were wanted.

        A large content may get several orders, from one holder or from several.
        """
        slots = _Slots(holders, now, self.orders.values())
        new: list[Order] = []
        while self._small and len(self.orders) < limits.WORKERS:
            peer, pack = self._pack(slots)
            if peer is None:
                break
            new.append(self._give(slots, peer, What.PACK, pack))
        for root, download in self._large.items():
            while len(self.orders) < limits.WORKERS and not download.complete:
                peer = slots.at(root, download)
                part = _part(download) if peer is not None else None
                if peer is None or part is None:
                    break
                what, pieces = part
                new.append(self._give(slots, peer, what, (root,), pieces))
        return new

    def _give(
        self,
        slots: _Slots,
        peer: DeviceId,
        what: What,
        roots: tuple[Root, ...],
        pieces: tuple[int, ...] = (),
    ) -> Order:
        self._number += 1
        order = self.orders[self._number] = Order(self._number, peer, what, roots, pieces)
        slots.busy[peer] += 1
        for root in roots:
            self.downloads[root].orders.add(order.number)
        self.downloads[roots[0]].asked.update(pieces)
        return order

    def _pack(self, slots: _Slots) -> tuple[DeviceId | None, tuple[Root, ...]]:
        """Take small contents from the head of the line that one peer can serve.

        Of each content that is looked at one of four things is true:

        1. nothing is to be asked for it any more, or not now: it leaves the line;
        2. nobody can be asked for it at this moment: it goes to the end of the line;
        3. it fits into the pack: it leaves the line and is in the pack;
        4. it does not (another peer must be asked, or the pack is full): it stays at the head, the
           pack is whole, and the next pack begins with it.

        So every look either shortens the line or turns it by one, and a line is gone through at
        most once. While orders are under way only LOOKS of it are: there will be another call.
        """
        pack: dict[Root, None] = {}
        peer, pack_bytes = None, 0
        looks = min(len(self._small), LOOKS) if self.orders else len(self._small)
        for _ in range(looks):
            root = self._small[0]
            download = self._unasked(root)
            if download is None or root in pack:
                self._small.popleft()
                continue
            here = slots.at(root, download)
            if here is None:
                self._small.rotate(-1)
                continue
            whole_bytes = pack_bytes + download.size_bytes
            full = len(pack) >= limits.PACK_FILES or whole_bytes > limits.PACK_BYTES
            if pack and (here != peer or full):
                break
            self._small.popleft()
            pack[root] = None
            peer, pack_bytes = here, whole_bytes
        return peer, tuple(pack)

    def _unasked(self, root: Root) -> Download | None:
        """Return a small content that is lacking and in no order, None if it is not so."""
        download = self.downloads.get(root)
        if download is None or not download.small or download.complete or download.orders:
            return None
        return download

    @staticmethod
    def _learn(download: Download, content: PieceList) -> None:
        """Take the piece list; pieces of zeros are here from the start."""
        download.content = content
        download.have = Bitfield(content.count)
        for piece in download.have.missing():
            if content.is_zero(piece):
                download.have.add(piece)


def _part(download: Download) -> tuple[What, tuple[int, ...]] | None:
    """Return what to ask next for a large content: its list, or a run of adjacent pieces."""
    if download.have is None:
        return None if download.orders else (What.LIST, ())
    run: list[int] = []
    longest = limits.RUN_BYTES // download.piece_size
    for piece in download.have.missing():
        asked = piece in download.asked
        if run and (asked or piece != run[-1] + 1 or len(run) >= longest):
            break
        if not asked:
            run.append(piece)
    return (What.PIECES, tuple(run)) if run else None
