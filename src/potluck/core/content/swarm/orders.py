"""The swarm: which content, and which piece of it, is asked from whom next.

Strategy (first form): every content is taken from one holder at a time, many contents at once.
Small contents (one piece, at most 256 KiB) are asked in packs cut in the order they were wanted,
which is the order of their paths; large ones in runs of adjacent pieces, so disks read on; a
content of several pieces first needs its piece list. Pieces of zeros are never asked. A holder that
fails is passed over for a while and the next one asked; one that sends wrong bytes twice is not
asked for that content again.

News never waits behind bytes: packs and piece lists have slots of their own, at each peer and in
all, which pieces never take. Packs and runs are no longer than what the peer was measured to bring
in a moment (rates.py). Lists are asked only a little ahead of the pieces. A peer that has no room
says BUSY, which is no failure: that kind of thing is asked of it again when an order of that kind
ends there, else after a short constant time; meanwhile others are asked.

What has no room on this disk is not begun (room.py); piece lists are asked for all the same. Room
is owed to what is in an order or has a holder to ask; else it is there for others meanwhile.

Facts in, orders out, as in docs/protocol.md §8. It waits for nothing itself: whoever asks for
orders says what time it is, and knows when something happened that can make one.

Guarantees: pure; a piece is in at most one order at a time (contents forgotten and wanted again
aside); every wanted content with a holder that can be asked is in an order or waits for a slot, for
its retry time or for room; a holder that ends an order without bringing what was asked rests,
whatever it says. While orders are under way only some of the small contents are looked at, so that
a call stays short whatever is wanted. Limits: the load of one origin is not shared among receivers
yet.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import assert_never

from potluck.core import limits
from potluck.core.content.pieces import Bitfield, PieceList, Root
from potluck.core.content.swarm.rates import Rates
from potluck.core.content.swarm.room import Room
from potluck.core.content.swarm.slots import Slots
from potluck.core.keys.identity import DeviceId

LOOKS = 2 * limits.PACK_FILES  # at small contents in one call while orders are under way
LISTS_AHEAD = limits.WORKERS  # contents that wait for a slot at a peer; then no list is asked there

Holders = Callable[[Root], Sequence[DeviceId]]
"""Who may be asked for a content now, best first."""


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
    content: PieceList | None = None
    have: Bitfield | None = None
    asked: set[int] = field(default_factory=set)
    orders: set[int] = field(default_factory=set)  # the numbers of those under way for it
    retry_s: dict[DeviceId, float] = field(default_factory=dict)
    strikes: Counter[DeviceId] = field(default_factory=Counter)
    copies: int = 1  # files that are made of it here
    at_once: bool = False  # its first piece takes the room of all of them

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

    def learn(self, content: PieceList) -> None:
        """Take the piece list; pieces of zeros are here from the start."""
        self.content, self.have = content, Bitfield(content.count)
        for piece in self.have.missing():
            if content.is_zero(piece):
                self.have.add(piece)
        self.at_once = self.size_bytes <= limits.COMMIT_BYTES and not len(self.have)

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


class _Look:
    """One look for orders: who can be asked, and who has enough to bring already."""

    def __init__(self, holders: Holders, now: float) -> None:
        self.now, self._holders = now, holders
        self.waiting: Counter[DeviceId] = Counter()  # contents whose pieces wait for a slot there

    def willing(self, download: Download) -> list[DeviceId]:
        """Return who may be asked for a content now, best first."""
        return download.willing(self._holders(download.root), self.now)


class Swarm:
    """All contents this node lacks, and the orders under way for them."""

    def __init__(self) -> None:
        """Lack nothing."""
        self.downloads: dict[Root, Download] = {}
        self.orders: dict[int, Order] = {}
        self._small: deque[Root] = deque()
        self._large: dict[Root, Download] = {}
        self._rates = Rates()
        self._slots = Slots(self._rates)
        self.room = Room()
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
        self.room.end(root)
        if self.downloads.pop(root, None) is None:
            return []
        return [order.number for order in self.orders.values() if order.roots == (root,)]

    # -- facts -------------------------------------------------------------------------------------
    def on_list(self, content: PieceList) -> bool:
        """The piece list came; returns whether nothing more is needed (a file of zeros)."""
        download = self.downloads.get(content.root)
        if download is None or download.content is not None:
            return False
        download.learn(content)
        return download.complete

    def on_pieces(self, root: Root, pieces: Sequence[int]) -> bool:
        """Pieces are verified and written; returns whether the content is complete now."""
        download = self.downloads.get(root)
        if download is None or download.have is None or download.complete:
            return False
        for piece in pieces:
            download.have.add(piece)
            download.asked.discard(piece)
        self.room.on_written(root, download.to_come_bytes, complete=download.complete)
        return download.complete

    def on_files(self, roots: Iterable[Root]) -> list[Root]:
        """Small contents are verified and written; returns those that were wanted."""
        arrived = []
        for root in roots:
            download = self.downloads.get(root)
            if download is not None and not download.complete:
                download.have = Bitfield(1, b"\1")
                self.room.on_written(root, 0, complete=True)
                arrived.append(root)
        return arrived

    def on_bytes(self, number: int, size_bytes: int, now: float) -> None:
        """An order brought so much; pure measure, what it was is told besides."""
        order = self.orders.get(number)
        if order is not None:
            self._rates.on_bytes(order.peer, size_bytes, now, news=order.what.news)

    def on_ended(self, number: int, now: float, end: End) -> None:
        """An order is over; what it did not bring may be asked again, from somebody else first."""
        order = self.orders.pop(number, None)
        if order is None:
            return
        self._rates.on_ended(order.peer, now, news=order.what.news)
        self._slots.free(order.peer, now, news=order.what.news, busy=end is End.BUSY)
        for root in order.roots:
            download = self.downloads.get(root)
            if download is None or number not in download.orders:
                continue  # not wanted any more, or wanted anew since
            download.orders.discard(number)
            download.asked.difference_update(order.pieces)
            if download.complete:
                continue
            if order.what is What.PACK:
                self.room.suspend(root)
                self._small.append(root)
            failed = end in {End.FAILED, End.WRONG}
            if failed or (end is End.DONE and not download.brought(order)):
                download.retry_s[order.peer] = now + limits.RETRY_S
            if end is End.WRONG:
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
        look = _Look(holders, now)
        new: list[Order] = []
        while self._small and self._slots.left(news=True):
            peer, pack = self._pack(look)
            if peer is None:
                break
            new.append(self._give(look, peer, What.PACK, pack))
        for download in self._large.values():
            if download.have is None:
                new += self._ask_list(look, download)
            else:
                new += self._ask_pieces(look, download)
        return new

    def _ask_list(self, look: _Look, download: Download) -> Iterator[Order]:
        if download.orders or not self._slots.left(news=True):
            return
        peers = [peer for peer in look.willing(download) if look.waiting[peer] < LISTS_AHEAD]
        peer = self._slots.first(peers, look.now, news=True)
        if peer is not None:
            yield self._give(look, peer, What.LIST, (download.root,))

    def _ask_pieces(self, look: _Look, download: Download) -> Iterator[Order]:
        while download.lacks_orders:
            peers = look.willing(download)
            if not peers and not download.orders:
                self.room.suspend(download.root)
            if not peers or not self.room.begin(download.root, download.to_come_bytes):
                return
            peer = self._slots.first(peers, look.now, news=False)
            if peer is None:
                look.waiting.update(peers)
                return
            at_once = self._rates.budget(peer, limits.RUN_S, limits.RUN_BYTES_FIRST, news=False)
            run = _run(download, min(at_once, limits.RUN_BYTES))
            yield self._give(look, peer, What.PIECES, (download.root,), run)

    def _give(
        self,
        look: _Look,
        peer: DeviceId,
        what: What,
        roots: tuple[Root, ...],
        pieces: tuple[int, ...] = (),
    ) -> Order:
        self._number += 1
        order = self.orders[self._number] = Order(self._number, peer, what, roots, pieces)
        self._slots.take(peer, news=what.news)
        self._rates.on_asked(peer, look.now, news=what.news)
        for root in roots:
            self.downloads[root].orders.add(order.number)
        self.downloads[roots[0]].asked.update(pieces)
        return order

    def _pack(self, look: _Look) -> tuple[DeviceId | None, tuple[Root, ...]]:
        """Take small contents from the head of the line that one peer can serve.

        Of each content that is looked at one of four things is true:

        1. nothing is to be asked for it any more, or not now: it leaves the line;
        2. nobody can be asked for it, or it has no room here: it goes to the end of the line;
        3. it fits into the pack: it leaves the line and is in the pack;
        4. it does not (another peer must be asked, or the pack is full): it stays at the head, the
           pack is whole, and the next pack begins with it.

        So every look either shortens the line or turns it by one, and a line is gone through at
        most once. While orders are under way only LOOKS of it are: there will be another call.
        """
        pack: dict[Root, None] = {}
        peer, pack_bytes, longest = None, 0, 0
        looks = min(len(self._small), LOOKS) if self.orders else len(self._small)
        for _ in range(looks):
            root = self._small[0]
            download = self._unasked(root)
            if download is None or root in pack:
                self._small.popleft()
                continue
            here = self._slots.first(look.willing(download), look.now, news=True)
            whole_bytes = pack_bytes + download.size_bytes
            full = len(pack) >= limits.PACK_FILES or whole_bytes > longest
            if pack and here is not None and (here != peer or full):
                break
            if here is None or not self.room.begin(root, download.to_come_bytes):
                self._small.rotate(-1)
                continue
            self._small.popleft()
            if not pack:
                longest = self._longest_pack(here)
            pack[root] = None
            peer, pack_bytes = here, whole_bytes
        return peer, tuple(pack)

    def _longest_pack(self, peer: DeviceId) -> int:
        """Return the bytes in a pack that keep what comes after it waiting for a moment only."""
        at_once = self._rates.budget(peer, limits.PACK_S, limits.PACK_BYTES_FIRST, news=True)
        return min(max(at_once, limits.PACK_BYTES_MIN), limits.PACK_BYTES)

    def _unasked(self, root: Root) -> Download | None:
        """Return a small content that is lacking and in no order, None if it is not so."""
        download = self.downloads.get(root)
        if download is None or not download.small or download.complete or download.orders:
            return None
        return download


def _run(download: Download, at_most_bytes: int) -> tuple[int, ...]:
    """Return what to ask next of a content: adjacent pieces, at least one if any is lacking."""
    run: list[int] = []
    longest = at_most_bytes // download.piece_size
    for piece in download.have.missing() if download.have is not None else ():
        asked = piece in download.asked
        if run and (asked or piece != run[-1] + 1 or len(run) >= longest):
            break
        if not asked:
            run.append(piece)
    return tuple(run)
