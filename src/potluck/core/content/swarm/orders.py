"""The swarm: which content, and which piece of it, is asked from whom next.

Strategy (first form): every content is taken from one holder at a time, many contents at once.
Small contents (one piece, at most 256 KiB) are asked in packs cut in the order they were wanted,
which is the order of their paths; large ones in runs of adjacent pieces, so disks read on; a
content of several pieces first needs its piece list. Pieces of zeros are never asked. A holder that
fails, or lacks it, is passed over for a while (rests.py) and the next one asked; one that sends
wrong bytes twice is not asked for that content again. A wrong item of a pack strikes itself, not
the others.

News never waits behind bytes: packs and piece lists have slots of their own, at each peer and in
all, which pieces never take. Packs and runs are no longer than what the peer was measured to bring
in a moment (rates.py). Lists are asked only a little ahead of the pieces. A peer that has no room
says BUSY, which is no failure: that kind of thing is asked of it again when an order of that kind
ends there, else after a short constant time; meanwhile others are asked.

Nobody holds up others. Owners take turns, also at what several of them share, and while others wait
none has more than half of the slots in all. An order that is slow takes no slot that others wait
for, up to as many again; one that is late is called off, asked of another holder, and whoever had
it is asked last for a while: for what another holds not at all, for the rest after everybody else,
in at most half of the slots (under_way.py).

What has no room on this disk is not begun (room.py); piece lists are asked for all the same, except
long ones of what the disk could not hold if it were empty. Room is owed to what is in an order or
has a holder to ask; else it is there for others meanwhile.

Facts in, orders out, as in docs/protocol.md §8. It waits for nothing itself: whoever asks for
orders says what time it is, and knows when something happened that can make one.

Guarantees: pure; a piece is in at most one order at a time (contents forgotten and wanted again
aside); every wanted content with a holder that can be asked is in an order or waits for a slot, for
its retry time or for room, or for its turn to be looked at; a holder that ends an order without
bringing what was asked rests, whatever it says. A call looks at some of the contents only, of each
owner some, so that it stays short whatever is wanted (looks.py); the next call goes on behind them
(lines.py), and while there is more to see, `unfinished` says so: whoever asks again then, though
nothing happened, comes to the end of it in as many calls as it takes to see each content once.
Limits: the load of one origin is not shared among receivers yet.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterable, Iterator, Sequence
from itertools import chain

from potluck.core import limits
from potluck.core.content.pieces import Bitfield, PieceList, Root
from potluck.core.content.swarm.download import Download, End, Order, What
from potluck.core.content.swarm.lines import Owner, WaitingLine, WaitingLines, line_of
from potluck.core.content.swarm.listed import ListedContents
from potluck.core.content.swarm.looks import Holders, OrderLook
from potluck.core.content.swarm.packs import Packs
from potluck.core.content.swarm.rests import Rests
from potluck.core.content.swarm.room import Room
from potluck.core.content.swarm.under_way import UnderWay
from potluck.core.keys.identity import DeviceId

LISTS_AHEAD = limits.WORKERS  # an owner's contents that wait for a slot at a peer: no more lists
UNFIT_S = 60.0  # an item of a pack that was another is not asked of that holder for so long

TURNS = ((True, False), (False, False), (True, True))
"""Who may ask in turn, (fair, last): everybody its share; who has more; whoever comes last."""


class Swarm:
    """All contents this node lacks, and the orders under way for them."""

    def __init__(self) -> None:
        """Lack nothing."""
        self.downloads: dict[Root, Download] = {}
        self.under_way = UnderWay()
        self._small, self._unlisted = WaitingLines(), WaitingLines()
        self._listed = ListedContents()
        self.room, self.rests = Room(), Rests()
        self.unfinished = False  # whether the last call stopped before it had seen everything

    def __repr__(self) -> str:
        wanted, orders, small = len(self.downloads), len(self.orders), len(self._small)
        return f"<Swarm {wanted} wanted, {orders} orders, {small} small in line>"

    @property
    def orders(self) -> dict[int, Order]:
        """The orders under way, by number."""
        return self.under_way.orders

    # -- wishes ------------------------------------------------------------------------------------
    def want(self, root: Root, size_bytes: int, piece_size: int, owner: Owner = None) -> None:
        """Lack this content from now on; two owners of it both have turns for it."""
        download = self.downloads.get(root)
        if download is None:
            download = self.downloads[root] = Download(root, size_bytes, piece_size)
        if owner not in download.owners:
            download.owners.append(owner)
            self._line_up(download, owner)

    def _line_up(self, download: Download, *owners: Owner) -> None:
        """A content, its list or its pieces wait to be asked for, in the turns of each of these."""
        for owner in owners if not download.complete else ():
            if download.small:
                self._small.add(owner, download.root)
            elif download.content is None:
                self._unlisted.add(owner, download.root)
            else:
                self._listed.add(owner, download)

    def forget(self, root: Root) -> list[int]:
        """Nobody wants it any more (or it is placed); returns the orders to cancel."""
        self.room.end(root)
        self.rests.forget(root)
        download = self.downloads.pop(root, None)
        if download is None:
            return []
        self._listed.remove(download)
        return [order.number for order in self.orders.values() if order.roots == (root,)]

    # -- facts -------------------------------------------------------------------------------------
    def on_list(self, content: PieceList) -> bool:
        """The piece list came; returns whether nothing more is needed (a file of zeros)."""
        download = self.downloads.get(content.root)
        if download is None or download.content is not None:
            return False
        download.learn(content)
        self._line_up(download, *download.owners)
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
        if download.have.complete:
            self._listed.remove(download)
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

    def on_unfit(self, number: int, roots: Iterable[Root], now: float, *, wrong: bool) -> None:
        """Items of a pack were not what the record says; `wrong`: nor what was asked for.

        Both are not asked there for a while; only what is wrong speaks against the holder, for that
        content. A content of another length that has its root is what the holder has to send.
        """
        order = self.orders.get(number)
        for root in roots if order is not None else ():
            download = self.downloads.get(root)
            if download is not None and order is not None:
                download.retry_s[order.peer] = now + UNFIT_S
                download.strikes[order.peer] += wrong

    def on_ended(self, number: int, now: float, end: End) -> None:
        """An order is over; what it did not bring may be asked again, from somebody else first."""
        order = self.orders.get(number)
        if order is None:
            return
        wanted = [self.downloads[root] for root in order.roots if root in self.downloads]
        brought = end is End.DONE and all(
            download.complete or download.brought(order) for download in wanted
        )
        self.under_way.end(order, now, end, brought=brought)
        for root in order.roots:
            download = self.downloads.get(root)
            if download is None or number not in download.orders:
                continue  # not wanted any more, or wanted anew since
            download.orders.discard(number)
            download.give_back(order.pieces)
            if download.complete:
                continue
            if order.what is What.PACK:
                self.room.suspend(root)
            self._line_up(download, *download.owners)
            if end is not End.BUSY and not (end is End.DONE and download.brought(order)):
                self.rests.begin(download, order, now, end)
            if end is End.WRONG:
                download.strikes[order.peer] += 1

    def on_peer(self, device: DeviceId) -> None:
        """A device is there (again): it may be asked at once."""
        for download in self.downloads.values():
            download.retry_s.pop(device, None)

    def on_told(self, device: DeviceId, owners: Collection[Owner]) -> None:
        """A device has other things of these owners' folders now: perhaps what it lacked."""
        self.rests.end(device, owners, self.downloads)

    # -- orders ------------------------------------------------------------------------------------
    def next_orders(self, holders: Holders, now: float, *, anew: bool = True) -> list[Order]:
        """Fill the free slots: packs of small contents first, then large ones as they were wanted.

        A large content may get several orders, from one holder or from several. First everybody has
        its share, then whoever has more to ask; those who are asked last come after all of them.
        Not `anew`: nothing happened since the last call, which was unfinished.
        """
        self.under_way.on_look(now)
        waiting = (self._small, self._unlisted, self._listed)
        owners = {owner for each in waiting for owner in each.owners()}
        for each in waiting if anew else ():
            each.begin_round()
        look = OrderLook(holders, now, self.under_way, len(owners))
        new: list[Order] = []
        for look.fair, look.last in TURNS:
            if not look.is_due():
                continue
            look.waiting.clear()
            new += chain(self._ask_runs(look), self._ask_news(look))
        self.unfinished = look.unfinished
        return new

    def overdue(self, holders: Holders, now: float) -> list[int]:
        """Return the orders to call off now, so that what they hold up goes on."""
        look = OrderLook(holders, now, self.under_way)

        def others(order: Order) -> list[DeviceId]:
            download = self.downloads.get(order.roots[0])
            peers = look.willing(download) if download is not None else []
            return [peer for peer in peers if peer != order.peer]

        return self.under_way.overdue(others, now)

    def _ask_news(self, look: OrderLook) -> Iterator[Order]:
        """Owners take turns, an order each time: their packs first, then their lists."""
        owners = dict.fromkeys([*self._small.owners(), *self._unlisted.owners()])
        if look.last:
            owners = dict.fromkeys(look.late)
        turns = {owner: self._turns_of(look, owner) for owner in owners}
        while turns:
            for owner in self.under_way.in_turn(turns, news=True):
                look.owner = owner
                order = next(turns[owner], None) if look.may_ask(owner, news=True) else None
                if order is not None:
                    yield order
                else:
                    turns.pop(owner).close()

    def _turns_of(self, look: OrderLook, owner: Owner) -> Generator[Order, None, None]:
        small, unlisted = self._small.of(owner), self._unlisted.of(owner)
        if look.last:
            late = [self.downloads[root] for root in look.late[owner] if root in self.downloads]
            small = line_of(each.root for each in late if each.small)
            unlisted = line_of(each.root for each in late if not each.small and not each.content)
        packs = Packs(self.downloads, self.room, look, small)
        while (found := packs.next_pack()) is not None:
            yield self._give(look, found[0], What.PACK, found[1])
        unlisted.begin_look(len(unlisted) if look.last else look.at_most)
        try:
            while (ask := _next_list(self, look, unlisted)) is not None:
                yield self._give(look, ask[0], What.LIST, (ask[1],))
            look.unfinished |= unlisted.unseen > 0
        finally:
            unlisted.end_look()

    def _ask_runs(self, look: OrderLook) -> Iterator[Order]:
        for owner in self.under_way.in_turn(self._listed.owners(), news=False):
            look.owner = owner
            idle: list[Download] = []
            contents = self._listed.of(owner)
            if look.last:
                contents = [download for download in contents if look.is_late(download.root)]
            for download in contents:
                if len(idle) >= look.at_most and not look.last:
                    look.unfinished |= self._listed.put_back(owner, idle)
                    break
                if not (yield from self._ask_pieces(look, download)):
                    idle.append(download)

    def _ask_pieces(self, look: OrderLook, download: Download) -> Generator[Order, None, bool]:
        """Ask for what it lacks; returns whether somebody has or may have an order for it."""
        while download.lacks_orders:
            peers = look.willing(download)
            if not peers and not download.orders and not look.is_late(download.root):
                self.room.suspend(download.root)
            if not peers or not self.room.begin(download.root, download.to_come_bytes):
                return bool(download.orders)
            peer = None
            if look.may_ask(look.owner, news=False):
                peer = look.first(peers, news=False)
            if peer is None:
                look.waiting.update((look.owner, peer) for peer in peers)
                return True
            at_once = self.under_way.rates.budget(
                peer, limits.RUN_S, limits.RUN_BYTES_FIRST, news=False
            )
            run = download.take_run(min(at_once, limits.RUN_BYTES))
            yield self._give(look, peer, What.PIECES, (download.root,), run)
        return True

    def _give(
        self,
        look: OrderLook,
        peer: DeviceId,
        what: What,
        roots: Iterable[Root],
        pieces: tuple[int, ...] = (),
    ) -> Order:
        downloads = [self.downloads[root] for root in roots]
        order = self.under_way.give(peer, what, downloads, pieces, look.now)
        self.under_way.serve(look.owner, order)
        return order


def _next_list(swarm: Swarm, look: OrderLook, line: WaitingLine) -> tuple[DeviceId, Root] | None:
    """Return whose list is asked of whom next, if any in this look."""
    while (root := line.see()) is not None:
        download = swarm.downloads.get(root)
        if download is None or download.small or download.content or download.orders:
            continue
        size_bytes, list_bytes = download.size_bytes, download.list_bytes
        peers = look.willing(download)
        if not peers or swarm.room.never_holds(root, size_bytes, list_bytes):
            line.put_back(root)
            continue
        ready = [peer for peer in peers if look.waiting[look.owner, peer] < LISTS_AHEAD]
        peer = look.first(ready, news=True)
        if peer is not None:
            return peer, root
        line.keep(root)
    return None
