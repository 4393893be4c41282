"""A receiving node for tests: real parts over a real index, in a model of disk and wire.

Strategy: contents are known by their roots alone, so the model of the disk is a few dictionaries.
Every effect is answered at once, in order, unless a test holds fetches or places back to put
something in between; time moves only from one deadline to the next. Guarantees: what `Placer`
refuses (a source that is gone, a folder that is not empty) is refused here; what nobody expected
goes aside and is counted.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence

from potluck.core.content.facts import ManifestName, Source, Stat
from potluck.core.content.paths import parse_wire_path
from potluck.core.content.pieces import PieceList, Root
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import Address, FileAsk, FileRecord, FilesAsk, PiecesAsk
from potluck.engine.effects import (
    CancelFetch,
    DropParts,
    Effect,
    Fetch,
    MakeDurable,
    Place,
    PlaceItem,
    Settle,
    Tell,
)
from potluck.engine.events import (
    BatchId,
    BatchPlaced,
    BatchSettled,
    FetchEnded,
    FilesVerified,
    LinkId,
    OrderId,
    Outcome,
    PieceListHeard,
    PiecesVerified,
    Placed,
    Placement,
)
from potluck.engine.index import Index
from potluck.engine.others.commits import Commits
from potluck.engine.others.downloads import Downloads
from potluck.engine.others.receiving import Receiving
from tests.engine import builders
from tests.engine.index.builders import receive
from tests.engine.listeners import Heard

ANNA = builders.key(2).device
BERT = builders.key(3).device
ANNAS = ManifestName.own(ANNA)


class Disk:
    """What stands below Shared/, by path; a file is its root and its Stat."""

    def __init__(self) -> None:
        self.files: dict[str, tuple[bytes, Stat]] = {}
        self.folders: set[str] = set()
        self.parts: set[Root] = set()
        self.trash: list[str] = []
        self.aside: list[str] = []
        self.trouble: dict[str, tuple[Placement, str]] = {}  # path -> how it fails
        self.inode = 100

    def place(self, items: Sequence[PlaceItem]) -> tuple[Placed, ...]:
        uses = Counter(
            item.content.root for item in items if item.source is Source.PART and item.content
        )
        moves = Counter(item.local for item in items if item.source is Source.MOVED)
        here = [self._has_source(item) for item in items]
        return tuple(
            self._one(item, has, uses, moves) for item, has in zip(items, here, strict=True)
        )

    def edit(self, path: str, root: bytes, size: int) -> None:
        self.inode += 1
        self.files[path] = (root, Stat(size, 1, 1, self.inode, False))

    def below(self, path: str) -> list[str]:
        return [other for other in [*self.files, *self.folders] if other.startswith(path + "/")]

    def _has_source(self, item: PlaceItem) -> bool:
        if item.source in (Source.LOCAL, Source.MOVED):
            assert item.content is not None
            return self.files.get(str(item.local), (b"", None))[0] == item.content.root
        return item.source is not Source.PART or (
            item.content is not None and item.content.root in self.parts
        )

    def _one(self, item: PlaceItem, has: bool, uses: Counter, moves: Counter) -> Placed:
        path, root = str(item.path), item.content.root if item.content else None
        if path in self.trouble:
            placement, detail = self.trouble[path]
            return Placed(item.path, root, placement, None, "", detail)
        if not has:
            return Placed(item.path, root, Placement.SOURCE_GONE, None, "", "gone")
        if path in self.folders and item.source is not Source.FOLDER:
            if self.below(path):
                return Placed(
                    item.path,
                    root,
                    Placement.BLOCKED,
                    None,
                    "",
                    "a folder that is not empty is kept",
                )
            self.folders.discard(path)
        aside = self._keep(item) if item.local != item.path else ""
        if item.source is Source.NONE:
            return Placed(item.path, None, Placement.REMOVED, None, aside, "")
        self._make_way(path)
        if item.source is Source.FOLDER:
            self.folders.add(path)
            return Placed(item.path, None, Placement.PLACED, None, aside, "")
        assert item.content is not None
        if item.source is Source.PART:
            uses[item.content.root] -= 1
            if not uses[item.content.root]:
                self.parts.discard(item.content.root)
        if item.source is Source.MOVED:
            moves[item.local] -= 1
            if not moves[item.local]:
                del self.files[str(item.local)]
        self.inode += 1
        stat = Stat(item.content.size_bytes, item.mtime_ns, 1, self.inode, item.executable)
        self.files[path] = (item.content.root, stat)
        return Placed(item.path, root, Placement.PLACED, stat, aside, "")

    def _keep(self, item: PlaceItem) -> str:
        old = self.files.pop(str(item.path), None)
        if old is None:
            return ""
        if old[1] == item.expected or old[0] == item.expected_root:
            self.trash.append(str(item.path))
            return ""
        self.aside.append(str(item.path))
        return f"Put aside/{item.path}"

    def _make_way(self, path: str) -> None:
        for end in [at for at, letter in enumerate(path) if letter == "/"]:
            self.folders.add(path[:end])
            if path[:end] in self.files:
                self.aside.append(path[:end])
                del self.files[path[:end]]


class Receiver:
    """A node that receives, called r; its disk and its peers answer at once unless told not to."""

    def __init__(
        self, index: Index | None = None, disk: Disk | None = None, run: int = 1, now: float = 0.0
    ) -> None:
        self.node = builders.node(1, index=index, run=run)
        self.node.now = now
        self.node.roster = builders.group(1, 2, 3)
        self.disk = disk or Disk()
        self.heard = Heard()
        self.downloads = Downloads(self.node, self.heard)
        self.commits = Commits(self.node, self.heard)
        self.receiving = Receiving(self.node, self.downloads, self.commits, self.heard)
        self.heard.tell = {
            "on_arrived": self.receiving.on_arrived,
            "on_committed": self.receiving.on_committed,
            "look_again": self.receiving.look_again,
            "leaves": self.receiving.leaves,
        }
        self.lists: dict[bytes, PieceList] = {}
        self.lacks: set[tuple[DeviceId, bytes]] = set()  # what a holder does not have
        self.hold_fetch = self.hold_place = False
        self.fetches: list[Fetch] = []  # held
        self.places: list[Place] = []  # held
        self.asked: list[bytes] = []  # every root that was ever asked for
        self.batches: list[Place] = []
        self.told: list[Tell] = []
        self.dropped: list[bytes] = []
        self.cancelled: list[OrderId] = []
        self.calls = self.seq = 0
        self._work: deque[Callable[[], object]] = deque()

    # -- the engine around the part ----------------------------------------------------------------
    def call(self, work: Callable[[], object] = lambda: None) -> None:
        self.calls += 1
        work()
        self.receiving.on_tick()
        for effect in self.node.take():
            self._perform(effect)

    def run(self, until_s: float = 1.0) -> None:
        """Go on until nothing is left to do before `until_s` seconds have passed."""
        end = self.node.now + until_s
        for _ in range(20_000):
            if self._work:
                self.call(self._work.popleft())
                continue
            due = self.receiving.deadline()
            if due is None or due > end:
                self.node.now = end
                return
            self.node.now = max(self.node.now, due)
            self.call()
        raise AssertionError("it never comes to rest")

    def start(self) -> None:
        self.call(self.receiving.start)
        self.run()

    def link(self, device: DeviceId = ANNA) -> None:
        peer = self.node.peer(device)
        peer.link, peer.address = LinkId(device[0]), Address("10.0.0.9", 7)
        self.call(lambda: self.downloads.on_peer(device))

    def share(
        self,
        records: Sequence[FileRecord],
        owner: DeviceId = ANNA,
        *,
        held: bool = False,
        run: bool = True,
    ) -> None:
        """The whole of an owner's manifest is this now."""
        self.seq += 100_000
        name = ManifestName.own(owner)
        listing = self.node.index.manifests.listing(name, b"", 1_000_000)
        before = {record.path for record in listing}
        known = {record.path: record for record in records}
        changed = [
            path
            for path in receive(self.node.index, records, self.seq, owner)
            if self.node.index.manifests.get(name, path) is not None or path in before
        ]
        assert set(known) <= set(changed)
        self.call(lambda: self.receiving.on_changed(name, changed, held=held))
        if run:
            self.run()

    # -- the world ---------------------------------------------------------------------------------
    def _perform(self, effect: Effect) -> None:
        match effect:
            case MakeDurable():
                self._work.append(lambda: self.node.on_synced(effect.barrier))
            case Fetch():
                match effect.ask:
                    case FilesAsk(roots):
                        self.asked += roots
                    case ask:
                        self.asked.append(ask.root)  # type: ignore[union-attr]
                self.fetches.append(effect)
                if not self.hold_fetch:
                    self._work.append(self.answer)
            case Place():
                self.batches.append(effect)
                self.places.append(effect)
                if not self.hold_place:
                    self._work.append(self.place)
            case Settle():
                self._work.append(lambda: self._settle(effect))
            case DropParts():
                self.dropped += effect.roots
                self.disk.parts -= set(effect.roots)
            case CancelFetch():
                self.cancelled.append(effect.order)
            case Tell():
                self.told.append(effect)
            case _:
                raise AssertionError(effect)

    def answer(self, outcome: Outcome = Outcome.DONE, detail: str = "") -> None:
        """The oldest fetch is answered."""
        fetch = self.fetches.pop(0)
        downloads = self.downloads
        good = outcome is Outcome.DONE
        if good and isinstance(fetch.ask, FilesAsk):
            roots = tuple(
                Root(root) for root in fetch.ask.roots if (fetch.peer, root) not in self.lacks
            )
            self.disk.parts |= set(roots)
            missing = tuple(Root(root) for root in fetch.ask.roots if root not in roots)
            downloads.on_files(FilesVerified(fetch.order, roots, missing, 10 * len(roots)))
        elif good and isinstance(fetch.ask, PiecesAsk):
            if fetch.ask.root in self.lists:
                downloads.on_list(PieceListHeard(fetch.order, self.lists[fetch.ask.root]))
        elif good and isinstance(fetch.ask, FileAsk):
            root, pieces = Root(fetch.ask.root), tuple(fetch.ask.pieces)
            self.disk.parts.add(root)
            downloads.on_pieces(PiecesVerified(fetch.order, root, pieces, 10 * len(pieces)))
        assert downloads.on_ended(FetchEnded(fetch.order, outcome, detail))

    def place(self) -> None:
        """The oldest batch is placed."""
        batch = self.places.pop(0)
        self.commits.on_placed(BatchPlaced(batch.batch, self.disk.place(batch.items)))

    def _settle(self, settle: Settle) -> None:
        self.commits.on_settled(
            BatchSettled(BatchId(settle.batch), tuple(map(self._found, settle.items)))
        )

    def _found(self, item: PlaceItem) -> Placed:
        path, root = str(item.path), item.content.root if item.content else None
        if (
            item.source is Source.NONE
            and path not in self.disk.files
            and path not in self.disk.folders
        ):
            return Placed(item.path, None, Placement.REMOVED, None, "", "")
        if item.source is Source.FOLDER and path in self.disk.folders:
            return Placed(item.path, None, Placement.PLACED, None, "", "")
        if root is not None and self.disk.files.get(path, (b"", None))[0] == root:
            return Placed(item.path, root, Placement.PLACED, self.disk.files[path][1], "", "")
        return Placed(item.path, root, Placement.SOURCE_GONE, None, "", "not so far")

    # -- questions ---------------------------------------------------------------------------------
    def lacking(self, owner: DeviceId = ANNA) -> int:
        return self.node.index.needs.missing(ManifestName.own(owner))[0]

    def stands(self, owner: DeviceId = ANNA) -> set[str]:
        """What is on the disk of an owner, which must be what the index says."""
        label = self.node.label_of(owner)
        found = {
            path for path in [*self.disk.files, *self.disk.folders] if path.startswith(label + "/")
        }
        known = self.node.index.places.all_paths(ManifestName.own(owner))
        rows = {f"{label}/{path.decode()}" for path in known}
        assert rows <= found
        return {path.removeprefix(label + "/") for path in found}

    def sources(self) -> list[list[Source]]:
        return [[item.source for item in batch.items] for batch in self.batches]

    def codes(self) -> list[str]:
        return [tell.code for tell in self.told]


def path(text: str):
    return parse_wire_path(text.encode())
