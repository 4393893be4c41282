"""A receiving node for tests: real parts over a real index, a fake disk and wire around it.

Strategy: the disk is the one of tests/fakes, with contents known by their roots alone. Every effect
is answered at once, in order, unless a test holds fetches or places back to put something in
between; time moves only from one deadline to the next. Guarantees: whatever becomes of a batch here
would become of it on a real disk (tests/contract).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, MutableMapping, MutableSet, Sequence

from potluck.core.content.facts import ManifestName, Source, Stat
from potluck.core.content.name_limits import PLAIN_NAMES, NameLimits
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
    MakeFolders,
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
from potluck.engine.others.confirmations import Confirmations
from potluck.engine.others.downloads import Downloads
from potluck.engine.others.holds import Holds
from potluck.engine.others.loss_breaker import LossBreaker
from potluck.engine.others.receiving import Receiving
from tests.engine import builders
from tests.engine.index.builders import receive
from tests.engine.listeners import Heard
from tests.fakes import folding, placing
from tests.fakes.disk import NamedFile, NamedPart, Tree

ANNA = builders.key(2).device
BERT = builders.key(3).device
ANNAS = ManifestName.own(ANNA)


class Files(MutableMapping[str, tuple[bytes, Stat]]):
    """The files of a fake disk as the tests here name them: path -> root and Stat."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    def __getitem__(self, name: str) -> tuple[bytes, Stat]:
        file = self._tree.files[path(name)]
        return file.root(), file.stat

    def __setitem__(self, name: str, file: tuple[bytes, Stat]) -> None:
        root, stat = file
        times = (stat.mtime_ns, stat.ctime_ns, stat.inode, stat.executable)
        self._tree.put(path(name), NamedFile(b"", *times, Root(root), stat.size))

    def __delitem__(self, name: str) -> None:
        self._tree.take(path(name))

    def __iter__(self) -> Iterator[str]:
        return map(str, self._tree.files)

    def __len__(self) -> int:
        return len(self._tree.files)


class Folders(MutableSet[str]):
    """The folders of a fake disk by their paths; the labels are nobody's."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    def __contains__(self, name: object) -> bool:
        return path(str(name)) in self._tree.folders

    def __iter__(self) -> Iterator[str]:
        return map(str, self._tree.folders)

    def __len__(self) -> int:
        return len(self._tree.folders)

    def add(self, value: str) -> None:
        self._tree.make_folders(path(value))

    def discard(self, value: str) -> None:
        self._tree.folders.discard(path(value))


class PartFiles(MutableSet[Root]):
    """Which contents are complete in part files, by their roots."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    def __contains__(self, root: object) -> bool:
        return root in self._tree.parts

    def __iter__(self) -> Iterator[Root]:
        return iter(self._tree.parts)

    def __len__(self) -> int:
        return len(self._tree.parts)

    def add(self, value: Root) -> None:
        self._tree.parts[value] = NamedPart.of(value)

    def discard(self, value: Root) -> None:
        self._tree.parts.pop(value, None)


class Disk:
    """The fake disk of tests/fakes, with contents that are known by their roots alone."""

    def __init__(self, names: NameLimits = PLAIN_NAMES) -> None:
        self.tree, self.names = Tree(), names
        self.files = Files(self.tree)
        self.folders = Folders(self.tree)
        self.parts: MutableSet[Root] = PartFiles(self.tree)

    @property
    def trash(self) -> list[str]:
        return [str(where) for where, _ in self.tree.trash]

    @property
    def aside(self) -> list[str]:
        return [str(where) for where, _ in self.tree.aside]

    @property
    def trouble(self) -> Mapping[str, tuple[Placement, str]]:
        """Which paths fail, and how."""
        return {str(where): outcome for where, outcome in self.tree.trouble.items()}

    @trouble.setter
    def trouble(self, how: Mapping[str, tuple[Placement, str]]) -> None:
        self.tree.trouble = {path(name): outcome for name, outcome in how.items()}

    def edit(self, name: str, root: bytes, size: int) -> None:
        self.files[name] = (root, Stat(size, 1, 1, self.tree.new_inode(), executable=False))

    def place(self, items: tuple[PlaceItem, ...]) -> tuple[Placed, ...]:
        if not self.names.plain:
            return folding.place(self.tree, self.names, items)
        return placing.place(self.tree, items)

    def settle(self, items: tuple[PlaceItem, ...]) -> tuple[Placed, ...]:
        return placing.settle(self.tree, items)


class Receiver:
    """A node that receives, called r; its disk and its peers answer at once unless told not to."""

    def __init__(
        self, index: Index | None = None, disk: Disk | None = None, run: int = 1, now: float = 0.0
    ) -> None:
        self.disk = disk or Disk()
        self.node = builders.node(1, index=index, run=run, names=self.disk.names)
        self.node.now = now
        self.node.roster = builders.group(1, 2, 3)
        self.heard = Heard()
        self.downloads = Downloads(self.node, self.heard)
        self.commits = Commits(self.node, self.heard)
        self.confirmations = Confirmations(self.node, self.heard)
        self.breaker = LossBreaker(self.node, self.heard, self.confirmations)
        self.holds = Holds(self.node, self.heard)
        facts = (self.downloads, self.commits, self.holds, self.breaker.held)
        self.receiving = Receiving(self.node, *facts, self.heard)
        self.heard.tell = {
            "on_arrived": self.receiving.on_arrived,
            "on_committed": self.receiving.on_committed,
            "on_settled": self.receiving.look_above,
            "look_again": self.receiving.look_again,
            "leaves": self.receiving.leaves,
            "on_confirmed": self.breaker.on_confirmed,
        }
        self.lists: dict[bytes, PieceList] = {}
        self.lacks: set[tuple[DeviceId, bytes]] = set()  # what a holder does not have
        self.hold_fetch = self.hold_place = False
        self.fetches: list[Fetch] = []  # held
        self.places: list[Place] = []  # held
        self.asked: list[bytes] = []  # every root that was ever asked for
        self.batches: list[Place] = []
        self.told: list[Tell] = []
        self.made: list[str] = []  # folders of owners
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
            case MakeFolders(labels):
                self.made += labels
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
            downloads.on_files(FilesVerified(fetch.order, roots, 10 * len(roots)))
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
        settled = self.disk.settle(settle.items)
        self.commits.on_settled(BatchSettled(BatchId(settle.batch), settled))

    # -- questions ---------------------------------------------------------------------------------
    def lacking(self, owner: DeviceId = ANNA) -> int:
        return sum(self.node.index.needs.missing(ManifestName.own(owner))[:2])

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
