"""The supply: from what is lacking here to files that stand, verified and durable.

Strategy. The index knows what is lacking (records against places). core/reconcile.py says of each path what makes the
disk right; what needs bytes goes to core/swarm.py, which says what to ask whom; what has its bytes is placed in group
commits, in the order of docs/disk.md §4: intents are written and made durable, then `Place` does the work, then rows
are written and intents deleted in one transaction. A content wanted at several paths is fetched once.

Guarantees: nothing is placed without a durable intent; a path is in at most one batch at a time; after a failure the
path is looked at again, later. A rename moves no content: the file that is to go is moved. Deletes come after what
replaces them. When the disk is nearly full fetching pauses and resumes by itself.
Limits: deletes after a change of generation are held back until their owner removes them anew.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from potluck.core import limits
from potluck.core.identity import DeviceId
from potluck.core.messages import FileAsk, FileRecord, FilesAsk, Folder, Kind, PiecesAsk
from potluck.core.paths import SafePath, parse_wire_path
from potluck.core.pieces import EMPTY_ROOT, PieceList, Root
from potluck.core.reconcile import Act, PlaceRow, Supply as From, decide, supply_of
from potluck.core.swarm import Order, Swarm, What
from potluck.engine.effects import CancelFetch, DropParts, Effect, Fetch, Place, PlaceItem, Settle, Source
from potluck.engine.events import (
    BatchId,
    BatchPlaced,
    BatchSettled,
    FetchEnded,
    FilesVerified,
    OrderId,
    Outcome,
    PartsFound,
    PieceListHeard,
    PiecesVerified,
    Placed,
    Placement,
    SpaceSeen,
    Stat,
)
from potluck.engine.node import Node

OWN = Folder.OWN
BATCHES_AT_ONCE = 2
CATCH_UP_FILES = 500  # paths taken from the index in one step
RETRY_S = 2.0
Spot = tuple[DeviceId, bytes]  # an owner and a path in its folder


@dataclass(slots=True)
class Batch:
    """One group commit under way."""

    spots: dict[SafePath, Spot]
    items: dict[SafePath, PlaceItem]


@dataclass(slots=True)
class Queue:
    """What is ready to be placed, and since when."""

    items: dict[Spot, PlaceItem] = field(default_factory=dict)
    since_s: float = 0.0
    size_bytes: int = 0


class Supplier:
    """Makes other people's folders stand on this disk."""

    def __init__(self, node: Node) -> None:
        """Lack what the index says."""
        self._node = node
        self.swarm = Swarm()
        self.paused = ""
        self.received_bytes = 0
        self._waiting: dict[Root, set[Spot]] = {}
        self._arrived: dict[Root, PieceList] = {}  # complete, not yet placed everywhere
        self._parts: dict[Root, tuple[PieceList, bytes]] = {}  # part files of an earlier run
        self._ready = Queue()
        self._batches: dict[BatchId, Batch] = {}
        self._spots_busy: set[Spot] = set()
        self._retry: dict[Spot, float] = {}
        self._orders: dict[OrderId, Order] = {}
        self._catching_up: deque[tuple[DeviceId, bytes]] = deque()
        self._settling: set[BatchId] = set()
        self.changed: Callable[[], None] = _ignore

    # -- start ----------------------------------------------------------------------------------------------------
    def start(self) -> None:
        """Settle what a crash interrupted, then take up everything that is lacking."""
        for batch, items in self._node.index.intents.open_batches():
            self._settling.add(batch)
            self._node.do(Settle(batch, items))
        self.catch_up()

    def catch_up(self) -> None:
        """Go through everything that is lacking, a slice at each tick."""
        owners = sorted({DeviceId(head.owner) for head in self._node.known_heads()} - {self._node.me})
        self._catching_up = deque((owner, b"") for owner in owners)

    def on_parts(self, event: PartsFound) -> None:
        """Part files of an earlier run: those still wanted are continued, the others go when that is clear."""
        for part in event.parts:
            self._parts[part.pieces.root] = (part.pieces, part.have)
            self._resume(part.pieces.root)

    def on_settled(self, event: BatchSettled) -> None:
        """An interrupted batch was looked at: what stands is ours, the rest is lacking still."""
        self._settling.discard(event.batch)
        spots = {item.path: spot for item in event.items if (spot := self._spot(item.path)) is not None}
        self._record(event.items, spots, {})
        self._node.index.intents.close(event.batch)

    # -- what changed ---------------------------------------------------------------------------------------------
    def on_changed(self, owner: DeviceId, paths: Sequence[bytes], held: bool) -> None:
        """An owner's manifest changed at these paths."""
        manifests, places = self._node.index.manifests, self._node.index.places
        gone: list[bytes] = []
        for path in sorted(paths):
            record = manifests.get(owner, OWN, path)
            if record is not None:
                self._consider(owner, path, record, places.get(owner, OWN, path))
            elif places.get(owner, OWN, path) is not None:
                gone.append(path)
        if held and gone:
            label = self._node.label_of(owner)
            text = f"{label} came back without {len(gone)} of its files: they are kept here"
            self._node.tell("deletes_held", text, level="warning", subject=label)
        else:
            for path in reversed(gone):  # what is in a folder goes before the folder
                self._consider(owner, path, None, places.get(owner, OWN, path))
        self._unwant(owner, paths)

    def _consider(self, owner: DeviceId, path: bytes, record: FileRecord | None, stands: PlaceRow | None) -> None:
        """Decide about one path: nothing, fetch, or place."""
        spot = (owner, path)
        if spot in self._spots_busy or self._retry.get(spot, 0.0) > self._node.now:
            return
        local, leaving = self._local(record)
        root = Root(record.root) if record is not None else None
        supply = None
        if record is not None:
            supply = supply_of(record, part=root in self._arrived, local=local is not None, leaving=leaving)
        decision = decide(record, stands, supply)
        match decision.act:
            case Act.NOTHING:
                return
            case Act.FETCH:
                if record is not None and root is not None:
                    self._want(spot, record, root)
            case _:
                self._queue(spot, decision.act, decision.supply, record, stands, local)

    def _local(self, record: FileRecord | None) -> tuple[SafePath | None, bool]:
        """Return a file on this disk with the content of a record, and whether it is to be removed anyway."""
        if record is None or record.kind is not Kind.FILE or record.size == 0:
            return None, False
        index, node = self._node.index, self._node
        found: SafePath | None = None
        for owner, folder, row in index.places.by_root(Root(record.root)):
            path = node.top_of(owner).joined(parse_wire_path(row.path))
            if owner != node.me and index.manifests.get(owner, folder, row.path) is None:
                if (owner, row.path) not in self._spots_busy:
                    return path, True
            else:
                found = found or path
        return found, False

    def _want(self, spot: Spot, record: FileRecord, root: Root) -> None:
        self._waiting.setdefault(root, set()).add(spot)
        self.swarm.want(root, record.size, record.piece_size)
        self._resume(root)

    def _resume(self, root: Root) -> None:
        if root not in self.swarm.downloads or root not in self._parts:
            return
        content, have = self._parts.pop(root)
        if self.swarm.downloads[root].small:
            self._complete(root, content)
        else:
            self.swarm.resume(content, have)
            if self.swarm.downloads[root].complete:
                self._complete(root, content)

    def _unwant(self, owner: DeviceId, paths: Iterable[bytes]) -> None:
        """A content nobody waits for any more is not fetched any more."""
        touched = {(owner, path) for path in paths}
        manifests = self._node.index.manifests
        for root, spots in [(root, spots) for root, spots in self._waiting.items() if spots & touched]:
            for spot in spots & touched:
                record = manifests.get(spot[0], OWN, spot[1])
                if record is None or record.root != root:
                    spots.discard(spot)
            if not spots:
                del self._waiting[root]
                for number in self.swarm.forget(root):
                    self._node.do(*(CancelFetch(order) for order, o in self._orders.items() if o.number == number))
                self._node.do(DropParts((root,)))

    # -- fetching -------------------------------------------------------------------------------------------------
    def _holders(self) -> Callable[[Root], Sequence[DeviceId]]:
        """Return who may be asked for a root: its owner first, then who holds that whole folder, then who might."""
        node, best = self._node, dict[DeviceId, list[DeviceId]]()
        linked = node.linked()

        def rank(owner: DeviceId, device: DeviceId) -> tuple[bool, int]:
            kept = node.peers[device].kept.get((owner, OWN))
            return device != owner, kept.missing_files if kept is not None else 2**53

        def holders(root: Root) -> Sequence[DeviceId]:
            found: list[DeviceId] = []
            for owner in sorted({spot[0] for spot in self._waiting.get(root, ())}):
                if owner not in best:
                    candidates = [d for d in linked if d == owner or (owner, OWN) in node.peers[d].kept]
                    best[owner] = sorted(candidates, key=lambda device: rank(owner, device))
                found += [device for device in best[owner] if device not in found]
            return found

        return holders

    def _fetch(self) -> None:
        if self.paused or self._node.leaving:
            return
        for order in self.swarm.next_orders(self._holders(), self._node.now):
            number = self._node.number()
            self._orders[number] = order
            self._node.do(self._ask(number, order))

    def _ask(self, number: OrderId, order: Order) -> Effect:
        addresses = self._node.addresses_of(order.peer)
        downloads = [self.swarm.downloads[root] for root in order.roots]
        match order.what:
            case What.PACK:
                sizes = tuple((d.size_bytes, d.piece_size) for d in downloads)
                return Fetch(number, order.peer, addresses, FilesAsk(list(order.roots)), None, sizes)
            case What.LIST:
                return Fetch(number, order.peer, addresses, PiecesAsk(order.roots[0]), None, ())
            case _:
                ask = FileAsk(order.roots[0], list(order.pieces))
                return Fetch(number, order.peer, addresses, ask, downloads[0].content, ())

    def on_list(self, event: PieceListHeard) -> None:
        """A piece list came."""
        download = self.swarm.downloads.get(event.pieces.root)
        promised = (event.pieces.size_bytes, event.pieces.piece_size)
        if download is not None and promised == (download.size_bytes, download.piece_size):
            self._node.index.contents.put(event.pieces)
            if self.swarm.on_list(event.pieces):
                self._complete(event.pieces.root, event.pieces)

    def on_pieces(self, event: PiecesVerified) -> None:
        """Pieces are on this disk."""
        self.received_bytes += event.size_bytes
        download = self.swarm.downloads.get(event.root)
        if self.swarm.on_pieces(event.root, event.pieces) and download is not None and download.content is not None:
            self._complete(event.root, download.content)

    def on_files(self, event: FilesVerified) -> None:
        """Small contents are on this disk."""
        self.received_bytes += event.size_bytes
        for root in self.swarm.on_files(event.roots):
            download = self.swarm.downloads[root]
            self._complete(root, PieceList(root, download.size_bytes, download.piece_size, b""))

    def on_ended(self, event: FetchEnded) -> bool:
        """A fetch ended; returns whether it was one of ours."""
        order = self._orders.pop(event.order, None)
        if order is None:
            return False
        failed, wrong = event.outcome is not Outcome.DONE, event.outcome is Outcome.WRONG
        self.swarm.on_ended(order.number, self._node.now, failed=failed, wrong=wrong)
        if wrong:
            label = self._node.label_of(order.peer)
            self._node.tell("wrong_content", f"{label} sent wrong bytes; dropped", level="warning", subject=label)
        elif event.outcome is Outcome.DISK:
            self._node.tell("disk", f"cannot write here: {event.detail}", level="error")
        return True

    def on_space(self, event: SpaceSeen) -> None:
        """How full the disk is: fetching pauses in time and resumes by itself."""
        least = min(max(event.total_bytes // 100, limits.FREE_MIN_BYTES), event.total_bytes // 4)
        full = event.free_bytes < least
        if full != bool(self.paused):
            self.paused = "disk full" if full else ""
            text = "paused: the disk is almost full" if full else "resumed: there is space on the disk again"
            self._node.tell("paused" if full else "resumed", text, level="error" if full else "info")

    # -- placing --------------------------------------------------------------------------------------------------
    def _complete(self, root: Root, content: PieceList) -> None:
        """All of a content is here: place it wherever it is wanted."""
        self._arrived[root] = content
        for owner, path in sorted(self._waiting.pop(root, ())):
            record = self._node.index.manifests.get(owner, OWN, path)
            if record is not None and record.root == root:
                self._consider(owner, path, record, self._node.index.places.get(owner, OWN, path))

    def _queue(  # noqa: PLR0913 - one decision has this many sides
        self,
        spot: Spot,
        act: Act,
        supply: From | None,
        record: FileRecord | None,
        stands: PlaceRow | None,
        local: SafePath | None,
    ) -> None:
        path = self._node.top_of(spot[0]).joined(parse_wire_path(spot[1]))
        if act is Act.TOUCH:
            source, local = Source.LOCAL, path
        elif act in (Act.REMOVE, Act.FOLDER):
            source, local = (Source.NONE if act is Act.REMOVE else Source.FOLDER), None
        else:
            source = Source(supply.value) if supply is not None else Source.EMPTY
        is_file = stands is not None and stands.kind is Kind.FILE
        expected = _stat_of(stands) if stands is not None and is_file else None
        expected_root = Root(stands.root) if stands is not None and is_file else None
        uses_local = source in (Source.LOCAL, Source.MOVED)
        self._ready.items[spot] = PlaceItem(
            path,
            source,
            self._content(record),
            local if uses_local else None,
            record.mtime_ns if record is not None else 0,
            record.executable if record is not None else False,
            expected,
            expected_root,
        )
        if not self._ready.size_bytes and len(self._ready.items) == 1:
            self._ready.since_s = self._node.now
        self._ready.size_bytes += record.size if record is not None else 0

    def _content(self, record: FileRecord | None) -> PieceList | None:
        if record is None or record.kind is Kind.FOLDER:
            return None
        root = Root(record.root)
        known = self._arrived.get(root) or self._node.index.contents.get(root)
        if root == EMPTY_ROOT or known is None:
            return PieceList(root, record.size, record.piece_size, b"")
        return known

    def _flush(self) -> None:
        """Begin group commits: as soon as nothing more is in flight, or the batch is full or old enough."""
        ready = self._ready
        while ready.items and len(self._batches) < BATCHES_AT_ONCE and not self._settling:
            idle = not self._orders and not self._catching_up
            full = len(ready.items) >= limits.COMMIT_FILES or ready.size_bytes >= limits.COMMIT_BYTES
            if not (idle or full or self._node.now >= ready.since_s + limits.COMMIT_S):
                return
            chosen = sorted(ready.items.items(), key=_commit_order)[: limits.COMMIT_FILES]
            self._begin(dict(chosen))

    def _begin(self, chosen: dict[Spot, PlaceItem]) -> None:
        batch = BatchId(self._node.number())
        moved = {item.local for item in chosen.values() if item.source is Source.MOVED}
        items = {spot: item for spot, item in chosen.items() if item.source is not Source.NONE or item.path not in moved}
        for spot in chosen:
            del self._ready.items[spot]
        self._ready.since_s, self._ready.size_bytes = self._node.now, 0
        if not items:
            return
        spots = {item.path: spot for spot, item in items.items()}
        self._batches[batch] = Batch(spots, {item.path: item for item in items.values()})
        self._spots_busy |= set(items)
        self._spots_busy |= self._spots(moved)
        self._node.index.intents.open(batch, tuple(items.values()))
        self._node.when_durable([Place(batch, tuple(items.values()))])

    def on_placed(self, event: BatchPlaced) -> None:
        """A group commit is on the disk: write the rows, delete the intents."""
        batch = self._batches.pop(event.batch, None)
        if batch is None:
            return
        self._node.index.intents.close(event.batch)
        moved = {item.local for item in batch.items.values() if item.source is Source.MOVED}
        freed = set(batch.spots.values())
        freed |= self._spots(moved)
        self._spots_busy -= freed
        self._record(event.items, batch.spots, batch.items)
        for owner, path in sorted(freed):
            self._reconsider(owner, path)
        self._tidy(event.items)
        self.changed()

    def _record(
        self, placed: Sequence[Placed], spots: dict[SafePath, Spot], items: dict[SafePath, PlaceItem]
    ) -> None:
        """Bring the index up to what stands on the disk now, and tell what went otherwise than wished."""
        rows: dict[DeviceId, list[PlaceRow]] = {}
        gone: dict[DeviceId, list[bytes]] = {}
        for done in placed:
            spot = spots.get(done.path)
            if spot is None:
                continue
            owner, path = spot
            item = items.get(done.path)
            if done.placement is Placement.PLACED:
                rows.setdefault(owner, []).append(_place_row(path, done))
                if item is not None and item.source is Source.MOVED and item.local is not None:
                    self._note_moved(item.local, gone)
            elif done.placement is Placement.REMOVED:
                gone.setdefault(owner, []).append(path)
            else:
                self._failed(spot, done)
            if done.put_aside:
                text = f"a local version of {done.path} was put aside: {done.put_aside}"
                self._node.tell("put_aside", text, level="warning", subject=str(done.path))
        for owner, paths in gone.items():
            self._node.index.places.remove(owner, OWN, paths)
        for owner, new in rows.items():
            self._node.index.places.put(owner, OWN, new)

    def _note_moved(self, local: SafePath, gone: dict[DeviceId, list[bytes]]) -> None:
        spot = self._spot(local)
        if spot is not None:
            gone.setdefault(spot[0], []).append(spot[1])

    def _failed(self, spot: Spot, done: Placed) -> None:
        self._retry[spot] = self._node.now + RETRY_S
        if done.placement is Placement.SOURCE_GONE:
            if done.root is not None and self._arrived.pop(done.root, None) is not None:
                self.swarm.forget(done.root)
            self._retry[spot] = self._node.now
            return
        text = f"{done.path}: {done.placement}, {done.detail}"
        self._node.tell("place_failed", text, level="warning", subject=str(done.path))

    def _reconsider(self, owner: DeviceId, path: bytes) -> None:
        record = self._node.index.manifests.get(owner, OWN, path)
        stands = self._node.index.places.get(owner, OWN, path)
        self._consider(owner, path, record, stands)

    def _tidy(self, placed: Sequence[Placed]) -> None:
        """Forget contents that are placed wherever they were wanted."""
        wanted = {item.content.root for item in self._ready.items.values() if item.content is not None}
        for batch in self._batches.values():
            wanted |= {item.content.root for item in batch.items.values() if item.content is not None}
        for done in placed:
            if done.root is not None and done.root not in wanted and done.placement is Placement.PLACED:
                self._arrived.pop(done.root, None)
                self.swarm.forget(done.root)

    # -- time -----------------------------------------------------------------------------------------------------
    @property
    def busy(self) -> bool:
        """Whether something is lacking that is being worked on."""
        return bool(self.swarm.downloads or self._ready.items or self._batches or self._catching_up)

    def deadline(self) -> float | None:
        """Return when `on_tick` must be called next."""
        if self._catching_up and not self._settling:
            return self._node.now
        times = list(self._retry.values())
        if self._ready.items and len(self._batches) < BATCHES_AT_ONCE:
            times.append(self._ready.since_s + limits.COMMIT_S)
        swarm = None if self.paused else self.swarm.deadline(self._node.now)
        return min([*times, swarm] if swarm is not None else times, default=None)

    def on_tick(self) -> None:
        """Take up the next slice of what is lacking, retry, ask, commit."""
        now = self._node.now
        for due in [retried for retried, when in self._retry.items() if when <= now]:
            del self._retry[due]
            self._reconsider(*due)
        if self._catching_up and not self._settling:
            self._catch_up_slice()
        self._fetch()
        self._flush()

    def _catch_up_slice(self) -> None:
        owner, after = self._catching_up.popleft()
        lacking = self._node.index.needs.lacking_after(owner, OWN, after, CATCH_UP_FILES)
        for record, stands in lacking:
            self._consider(owner, record.path, record, stands)
        if len(lacking) == CATCH_UP_FILES:
            self._catching_up.appendleft((owner, lacking[-1][0].path))
            return
        for stands in reversed(self._node.index.needs.surplus(owner, OWN)):
            self._consider(owner, stands.path, None, stands)
        if not self._catching_up and self._parts:
            stale = tuple(root for root in self._parts if root not in self._waiting)
            self._node.do(DropParts(stale))
            self._parts.clear()

    def path_of(self, root: Root) -> SafePath | None:
        """Return one path where a content is wanted, for people."""
        spot = min(self._waiting.get(root, ()), default=None)
        return self._node.top_of(spot[0]).joined(parse_wire_path(spot[1])) if spot is not None else None

    def on_peer(self, device: DeviceId) -> None:
        """A device is there: it may be asked at once."""
        self.swarm.on_peer(device)

    def _spots(self, paths: Iterable[SafePath | None]) -> set[Spot]:
        found = (self._spot(path) for path in paths if path is not None)
        return {spot for spot in found if spot is not None}

    def _spot(self, path: SafePath) -> Spot | None:
        owner = self._node.owner_at(path)
        if owner is None or len(path.parts) < 2:
            return None
        return owner, path.relative_to(self._node.top_of(owner)).wire


def _commit_order(entry: tuple[Spot, PlaceItem]) -> tuple[bool, tuple[str, ...]]:
    """Folders before what is in them, removals last and from the leaves up."""
    removal = entry[1].source is Source.NONE
    parts = entry[1].path.parts
    return removal, tuple(_flipped(part) for part in parts) if removal else parts


def _flipped(part: str) -> str:
    """Return a key that sorts the other way round."""
    return "".join(chr(0x10FFFF - ord(letter)) for letter in part) + chr(0x10FFFF)


def _stat_of(row: PlaceRow) -> Stat:
    return Stat(row.size, row.mtime_ns, row.ctime_ns, row.inode, row.executable)


def _place_row(path: bytes, done: Placed) -> PlaceRow:
    stat = done.stat
    if stat is None:
        return PlaceRow(path, Kind.FOLDER, b"", 0, 0, 0, 0, executable=False)
    return PlaceRow(
        path, Kind.FILE, done.root or EMPTY_ROOT, stat.size, stat.mtime_ns, stat.ctime_ns, stat.inode, stat.executable
    )


def _ignore(*_: object) -> None:
    """Stand where a hook will be."""
