"""Downloads: the contents that are fetched, who waits for them, and what is asked from whom.

Strategy: core/content/swarm says what to ask next; here stand the reasons (which spot waits for
which content, as a `Want`) and the orders under way. A content wanted at several spots is fetched
once. It is asked for as long as somebody waits for it and not a moment longer. Part files of an
earlier run are continued. New orders are looked for only when something happened that can make one:
a wish, an end, a holder, the end of a rest. A look stops before it takes long: if it had more to
see, the next one goes on a moment later. A holder that was busy has not failed: it is asked again
as soon as an order ends there, or a moment later.

Guarantees: whoever waits for a content is told as soon as it is complete in a part file, and no
part file outlives those who wait for it. Two owners may say different sizes of one content, of
which at most one can be true: each is tried (said_sizes.py), so a lie delays and never prevents.
When the disk is nearly full, asking pauses and resumes by itself. Limits: a holder is taken to have
what it says of the whole folder; whether it has one content is found by asking.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Protocol

from potluck.core import limits
from potluck.core.content.facts import ManifestName, PlaceRow, Spot
from potluck.core.content.paths import SafePath
from potluck.core.content.pieces import Bitfield, PieceList, Root
from potluck.core.content.swarm.download import Download, Order
from potluck.core.content.swarm.orders import Swarm
from potluck.core.content.swarm.rests import rest_ends
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import FileRecord
from potluck.engine.effects import CancelFetch, DropParts
from potluck.engine.events import (
    FetchEnded,
    FetchHeard,
    FilesVerified,
    OrderId,
    Outcome,
    PartsFound,
    PieceListHeard,
    PiecesVerified,
    SpaceSeen,
)
from potluck.engine.node import Node
from potluck.engine.others.disk_room import DiskRoom
from potluck.engine.others.holders import fetch_of, known_holders
from potluck.engine.others.last_answers import NOT_ITS_FAULT, LastAnswers, end_of
from potluck.engine.others.leftover_parts import LeftoverParts
from potluck.engine.others.said_sizes import cut_of, next_cut, saying_it_first
from potluck.engine.others.wanted_folders import WantedFolders

# holders tell what they hold about once a second each; ask anew for all of them together
KEPT_AGAIN_S = 0.2
# when a look that had more to see goes on: others have their turns meanwhile
LOOK_ON_S = 0.02
LOOK_ON_BUSY_S = 0.25  # while orders are under way, whose ends are looks anyway


@dataclass(frozen=True, slots=True)
class Want:
    """A spot that waits for a content: what is to stand there, and what stands there now."""

    spot: Spot
    record: FileRecord
    stands: PlaceRow | None


class DownloadsListener(Protocol):
    """Hears what has come."""

    def on_arrived(self, wants: Sequence[Want]) -> None:
        """The content these wait for is complete in a part file."""

    def on_received(self, device: DeviceId, size_bytes: int) -> None:
        """A device has sent so much of a content, in one go."""


class Downloads:
    """Contents on their way to this disk."""

    def __init__(self, node: Node, listener: DownloadsListener) -> None:
        """Fetch nothing."""
        self._node, self._listener = node, listener
        self.swarm = Swarm()
        self.orders: dict[OrderId, Order] = {}
        self.parts: dict[Root, PieceList] = {}  # complete in part files, not yet placed
        self.room = DiskRoom(node)
        self.paused = ""  # why nothing is fetched
        self.received_bytes = 0
        self._wants: dict[Spot, Want] = {}
        # whoever waits for a content, by manifest and spot
        self.waiting: dict[Root, dict[ManifestName, dict[Spot, Want]]] = {}
        self.leftovers = LeftoverParts(node)
        self.folders, self.answers = WantedFolders(), LastAnswers()  # for people
        # when holders that failed or were busy may be asked again, ascending
        self._rests: list[float] = []
        self._ask_s = self._look_on_s = inf
        self._looked_s = -inf

    def __repr__(self) -> str:
        wanted, orders, parts = len(self.waiting), len(self.orders), len(self.parts)
        return f"<Downloads {wanted=} {orders=} {parts=} {self.paused}>"

    # -- wishes ------------------------------------------------------------------------------------
    def want(self, want: Want) -> None:
        """A spot waits for the content of its record; it waits for one content at a time."""
        spot, root = want.spot, Root(want.record.root)
        before = self._wants.get(spot)
        if before is not None and before.record is want.record:
            return  # it waits already
        if before is not None and before.record.root != root:
            self.release(spot)
        self._wants[spot] = want
        self.folders.add(spot, want.record)
        manifests = self.waiting.setdefault(root, {})
        manifests.setdefault(spot.manifest, {})[spot] = want
        if root not in self.parts:
            self.swarm.want(root, want.record.size, want.record.piece_size, spot.manifest.owner)
            self.swarm.downloads[root].copies = sum(map(len, manifests.values()))
            self._ask_s = self._node.now
            self._resume(root)

    def release(self, spot: Spot) -> None:
        """A spot waits no more; what nobody waits for is not fetched any more."""
        want = self._wants.pop(spot, None)
        if want is None:
            return
        self.folders.remove(spot)
        root = Root(want.record.root)
        manifests = self.waiting[root]
        del manifests[spot.manifest][spot]
        if not manifests[spot.manifest]:
            del manifests[spot.manifest]
        if not manifests:
            del self.waiting[root]
            if root in self.swarm.room.refused:
                self._ask_s = self._node.now
            if root in self.swarm.downloads:
                self.parts.pop(root, None)
                _forget(self, self._node, root)
                self._node.do(DropParts((root,)))

    def on_part_gone(self, root: Root) -> list[Spot]:
        """A part file was placed or is lost; return who still waits for that content."""
        self.parts.pop(root, None)
        _forget(self, self._node, root)
        return [spot for spots in self.waiting.get(root, {}).values() for spot in spots]

    # -- part files of an earlier run --------------------------------------------------------------
    def on_parts(self, event: PartsFound) -> None:
        """Part files of an earlier run: those that are wanted are continued."""
        for part in event.parts:
            self.leftovers.add(part)
            self._resume(part.pieces.root)

    def _resume(self, root: Root) -> None:
        download = self.swarm.downloads.get(root)
        part = self.leftovers.take(root) if download is not None else None
        if download is None or part is None:
            return
        content = part.pieces
        have = Bitfield(content.count, part.have)
        if cut_of(content) != cut_of(download):
            self._node.do(DropParts((root,)))
        elif download.small:
            if have.complete and self.swarm.on_files([root]):
                self._arrive(content)
        else:
            self.swarm.on_list(content)
            self._node.index.contents.put(content)
            self.swarm.on_pieces(root, [piece for piece in range(content.count) if piece in have])
            if download.complete:
                self._arrive(content)

    # -- facts -------------------------------------------------------------------------------------
    def on_list(self, event: PieceListHeard) -> None:
        """A piece list came."""
        content = event.pieces
        download = self.swarm.downloads.get(content.root)
        if download is None or cut_of(content) != cut_of(download):
            return
        self._node.index.contents.put(content)
        if self.swarm.on_list(content):
            self._arrive(content)

    def on_pieces(self, event: PiecesVerified) -> None:
        """Pieces are on this disk."""
        self.received_bytes += event.size_bytes
        self.room.on_written()
        order = self.orders.get(event.order)
        _credit(self.swarm, self._listener, order, event.size_bytes, self._node.now)
        download = self.swarm.downloads.get(event.root)
        if download is None:  # they came after nobody wanted them any more
            self._node.do(DropParts((event.root,)))
        elif self.swarm.on_pieces(event.root, event.pieces) and download.content is not None:
            self._arrive(download.content)

    def on_files(self, event: FilesVerified) -> None:
        """Small contents are on this disk."""
        self.received_bytes += event.size_bytes
        self.room.on_written()
        order = self.orders.get(event.order)
        _credit(self.swarm, self._listener, order, event.size_bytes, self._node.now)
        if order is not None:
            _strike(self._node, self.swarm, order, event)
            for root, *cut in event.unfit:
                _settle(self, self._node, root, cut)
        _drop_unwanted(self._node, self.swarm, event.roots)
        for root in self.swarm.on_files(event.roots):
            download = self.swarm.downloads[root]
            self._arrive(PieceList(root, download.size_bytes, download.piece_size, b""))

    def on_heard(self, event: FetchHeard) -> None:
        """How an order under way comes: what holds up others is called off, or takes no slot."""
        order, node = self.orders.get(event.order), self._node
        if order is None:
            return
        if self.swarm.under_way.on_heard(order.number, event.size_bytes, event.waited_s):
            self._ask_s = node.now
        overdue = self.swarm.overdue(known_holders(node, self.waiting), node.now)
        _cancel(node, self.orders, overdue)

    def on_ended(self, event: FetchEnded) -> bool:
        """A fetch ended; returns whether it was one of ours."""
        order = self.orders.pop(event.order, None)
        if order is None:
            return False
        node = self._node
        self.answers.note(order.roots, order.peer, event.outcome)
        wrong, busy = event.outcome is Outcome.WRONG, event.outcome is Outcome.BUSY
        self.swarm.on_ended(order.number, node.now, end_of(event.outcome))
        # a crowd that is busy ends orders as fast as they are given: several ends, one look
        crowded = busy and self.swarm.unfinished
        ask_s = max(node.now, self._looked_s + LOOK_ON_S) if crowded else node.now
        self._ask_s = min(self._ask_s, ask_s)
        _note_rests(self._rests, self.swarm, order, node.now, busy=busy)
        if event.outcome not in NOT_ITS_FAULT:
            for root in order.roots:
                self._doubt(root, order.peer)
        if wrong:
            _tell_wrong(node, order)
        elif event.outcome is Outcome.DISK:
            paths = map(self.path_of, order.roots)
            self.room.on_failed(event.detail, [path for path in paths if path is not None])
        if event.outcome is not Outcome.DONE:
            # who fetched may have begun a part file after it was let go
            _drop_unwanted(node, self.swarm, order.roots)
        return True

    def on_space(self, event: SpaceSeen) -> None:
        """How full the disk is: fetching pauses in time and resumes by itself."""
        self.room.on_space(event)
        self.paused = self.room.paused
        if self.swarm.room.refused:
            self._ask_s = self._node.now
        self.swarm.room.on_space(event.free_bytes, event.total_bytes)

    def on_peer(self, device: DeviceId) -> None:
        """A device is there: it may be asked at once."""
        self.swarm.on_peer(device)
        self._ask_s = self._node.now

    def on_kept(self, device: DeviceId, owners: Collection[DeviceId]) -> None:
        """A device told what it holds of these folders: it may have become one to ask."""
        self.swarm.on_told(device, owners)
        self._ask_s = min(self._ask_s, self._node.now + KEPT_AGAIN_S)

    # -- asking ------------------------------------------------------------------------------------
    def ask(self) -> None:
        """Fill the free slots, if anything happened that could make an order."""
        node = self._node
        time = self.deadline()
        if time is None or time > node.now:
            return
        anew = self._ask_s <= node.now
        while self._rests and self._rests[0] <= node.now:
            del self._rests[0]
            anew = True
        self._ask_s = inf if anew else self._ask_s
        holders = saying_it_first(self.swarm, self.waiting, known_holders(node, self.waiting))
        for order in self.swarm.next_orders(holders, node.now, anew=anew):
            number = node.number()
            self.orders[number] = order
            downloads = [self.swarm.downloads[root] for root in order.roots]
            node.do(fetch_of(node, number, order, downloads))
        self._looked_s = node.now
        look_on_s = node.now + (LOOK_ON_BUSY_S if self.orders else LOOK_ON_S)
        self._look_on_s = look_on_s if self.swarm.unfinished else inf
        shortage = self.swarm.room.shortage()
        path = self.path_of(shortage.root) if shortage is not None else None
        self.room.on_short(path, shortage)

    def deadline(self) -> float | None:
        """Return when `ask` must be called next."""
        if self.paused or self._node.leaving or not self._node.share_present:
            return None
        time = min(self._ask_s, self._look_on_s, *self._rests[:1])
        return time if time < inf else None

    def path_of(self, root: Root) -> SafePath | None:
        """Return one path where a content is wanted, for people."""
        for spots in self.waiting.get(root, {}).values():
            return self._node.layout.path_of(next(iter(spots)))
        return None

    # -- ends --------------------------------------------------------------------------------------
    def _arrive(self, content: PieceList) -> None:
        """All of a content is here: tell those who wait for it."""
        self.parts[content.root] = content
        waiting = self.waiting[content.root]
        self._listener.on_arrived(
            [waiting[name][spot] for name in sorted(waiting) for spot in sorted(waiting[name])]
        )

    def _doubt(self, root: Root, peer: DeviceId) -> None:
        """A peer brought nothing of this content: perhaps another owner says the true size."""
        download = self.swarm.downloads.get(root)
        if download is None or download.have is not None or download.proven:
            return
        following, owner = next_cut(download, self.waiting[root], peer)
        if following != cut_of(download):
            _forget(self, self._node, root)
            _want_anew(self.swarm, download, following)
            anew = self.swarm.downloads[root]
            anew.keep_rests(download, self._node.now)
            if owner == peer:
                anew.excuse(peer, self._node.now)


def _note_rests(rests: list[float], swarm: Swarm, order: Order, now: float, *, busy: bool) -> None:
    """Note when whoever had an order may be asked again."""
    ends = {now + limits.BUSY_AGAIN_S} if busy else rest_ends(swarm.downloads, order, now)
    for until_s in ends:
        insort(rests, until_s)


def _forget(downloads: Downloads, node: Node, root: Root) -> None:
    """Let go of a content: nothing is asked for it any more."""
    _cancel(node, downloads.orders, downloads.swarm.forget(root))


def _drop_unwanted(node: Node, swarm: Swarm, roots: Sequence[Root]) -> None:
    """Have the part files go of what nobody waits for any more."""
    unwanted = tuple(root for root in roots if root not in swarm.downloads)
    if unwanted:
        node.do(DropParts(unwanted))


def _cancel(node: Node, orders: Mapping[OrderId, Order], numbers: Sequence[int]) -> None:
    """Call off orders of the swarm."""
    ours = [number for number, order in orders.items() if order.number in numbers]
    node.do(*map(CancelFetch, ours))


def _settle(downloads: Downloads, node: Node, root: Root, cut: Sequence[int]) -> None:
    """The true size of a content is known; whose record says it gets the content."""
    said = downloads.waiting.get(root, {}).values()
    records = [want.record for spots in said for want in spots.values()]
    download = downloads.swarm.downloads.get(root)
    if download is None or tuple(cut) not in {(one.size, one.piece_size) for one in records}:
        return
    _forget(downloads, node, root)
    _want_anew(downloads.swarm, download, (cut[0], cut[1]))
    downloads.swarm.downloads[root].proven = True


def _want_anew(swarm: Swarm, before: Download, cut: tuple[int, int]) -> None:
    """Want a forgotten content at another size, for the same owners."""
    for owner in before.owners:
        swarm.want(before.root, *cut, owner)
    swarm.downloads[before.root].copies = before.copies


def _credit(
    swarm: Swarm, listener: DownloadsListener, order: Order | None, size_bytes: int, now: float
) -> None:
    """An order under way has brought so much: that is how fast its peer is."""
    if order is not None:
        swarm.under_way.on_bytes(order.number, size_bytes, now)
        listener.on_received(order.peer, size_bytes)


def _strike(node: Node, swarm: Swarm, order: Order, event: FilesVerified) -> None:
    """Items that are not what a record says: of which the holder may know no more than we do.

    What has its root at another size is what its owner must have meant: the record is wrong.
    """
    swarm.on_unfit(order.number, event.wrong, node.now, wrong=True)
    swarm.on_unfit(order.number, [root for root, *_ in event.unfit], node.now, wrong=False)
    if event.wrong:
        _tell_wrong(node, order)


def _tell_wrong(node: Node, order: Order) -> None:
    label = node.label_of(order.peer)
    text = f"{label} sent wrong bytes; dropped"
    node.tell("wrong_content", text, level="warning", subject=label)
