"""A receiving node that looks after what it received, for tests of that.

Strategy: the node of tests/engine/receiver.py with the check of replicas beside its receiving.
Scans, looks and readings are answered from the model of the disk at once, or held back to put
something in between.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from potluck.core import limits
from potluck.core.content.facts import Finding
from potluck.core.content.paths import SafePath
from potluck.core.content.pieces import PieceList, Root
from potluck.engine.effects import Effect, Hash, Look, Scan
from potluck.engine.events import (
    FilesHashed,
    Hashed,
    NameRefused,
    OrderId,
    PathSeen,
    PathsTouched,
    TreeSeen,
)
from potluck.engine.others.group_commit import SpotOutcome
from potluck.engine.others.replica_check import ReplicaCheck
from tests.engine.index.builders import folder, record
from tests.engine.receiver import Receiver, path


class Home(Receiver):
    """A receiver that looks after what it received; its folder of ANNA is called d2."""

    def __init__(self) -> None:
        super().__init__()
        self.replica_check = ReplicaCheck(self.node, self.heard)
        self.hinder = False
        self.heard.tell |= {
            "on_replicas_changed": self.receiving.on_disturbed,
            "on_committed": self._committed,
            "on_cleared": self.receiving.on_cleared,
            "is_placing": self.commits.busy,
            "is_hidden": self.replica_check.hidden.may_hide,
            "on_hidden_changed": self.receiving.on_hidden_changed,
            "is_hindered": lambda: self.hinder,
        }
        self.refused: set[str] = set()
        self.ignored: set[str] = set()
        self.tops = {"d2", "d3"}
        self.complete = True
        self.unstable: set[str] = set()
        self.scans: list[Scan] = []
        self.looks: list[Look] = []
        self.hashed: list[str] = []
        self.cuts: dict[str, int] = {}  # what was read, by the piece size of the version before
        self.hold = False
        self.held: list[Callable[[], None]] = []

    def _committed(self, done: Sequence[SpotOutcome]) -> None:
        self.replica_check.on_committed(done)
        self.receiving.on_committed(done)

    def touch(self, *names: str, until_s: float = 3.0) -> None:
        """The watcher tells of these paths below the folder of ANNA, then time passes."""
        paths = tuple(path(name) for name in names)
        self.call(lambda: self.replica_check.on_touched(PathsTouched(paths, overflow=False)))
        self.run(until_s)

    def call(self, work: Callable[[], object] = lambda: None) -> None:
        def both() -> None:
            work()
            self.replica_check.on_tick()

        super().call(both)

    def run(self, until_s: float = 1.0) -> None:
        end = self.node.now + until_s
        for _ in range(5_000):
            if self._work:
                self.call(self._work.popleft())
                continue
            due = min(
                (
                    d
                    for d in (self.receiving.deadline(), self.replica_check.deadline())
                    if d is not None
                ),
                default=None,
            )
            if due is None or due > end:
                self.node.now = end
                return
            self.node.now = max(self.node.now, due)
            self.call()
        raise AssertionError("it never comes to rest")

    def rescan(self, until_s: float = 1.0) -> None:
        self.call(self.replica_check.scan)
        self.run(until_s)

    def _perform(self, effect: Effect) -> None:
        match effect:
            case Scan():
                assert not effect.own
                self.scans.append(effect)
                self._later(lambda: self._tree(effect.order, effect.tops, look=False))
            case Look():
                self.looks.append(effect)
                self._later(lambda: self._tree(effect.order, effect.paths, look=True))
            case Hash():
                self._later(lambda: self._hash(effect))
            case _:
                super()._perform(effect)

    def _later(self, work: Callable[[], None]) -> None:
        if self.hold:
            self.held.append(work)
        else:
            self._work.append(work)

    def answer_held(self) -> None:
        """Answer the oldest thing held back, as the disk is now."""
        self.call(self.held.pop(0))

    def _tree(self, order: OrderId, paths: tuple[SafePath, ...], *, look: bool) -> None:
        seen = [each for asked in paths for each in self._seen(str(asked), look=look)]
        refused = [
            name
            for name in sorted(self.refused)
            if any(name.startswith(str(asked)) for asked in paths)
        ]
        parts = [
            NameRefused(path(name.rpartition("/")[0]), name.rpartition("/")[2], "link")
            for name in refused
        ]
        self.replica_check.on_tree(TreeSeen(order, tuple(seen), (), last=False, complete=False))
        self.replica_check.on_tree(
            TreeSeen(order, (), tuple(parts), last=True, complete=self.complete)
        )

    def _seen(self, asked: str, *, look: bool) -> list[PathSeen]:
        hidden = self.ignored | self.refused
        if asked in hidden:
            return []
        if asked in self.disk.files:
            return [self._one(asked)]
        every = sorted({*self.disk.files, *self.disk.folders} - hidden)
        found = [self._one(name) for name in every if name == asked or name.startswith(asked + "/")]
        if not look:
            top = Finding.FOLDER if asked in self.tops else Finding.MISSING
            return [PathSeen(path(asked), top, None), *found]
        return found or [PathSeen(path(asked), Finding.MISSING, None)]

    def _one(self, name: str) -> PathSeen:
        if name in self.disk.files:
            return PathSeen(path(name), Finding.FILE, self.disk.files[name][1])
        return PathSeen(path(name), Finding.FOLDER, None)

    def _hash(self, effect: Hash) -> None:
        self.hashed += [str(each) for each, _ in effect.files]
        self.cuts |= {str(each): piece_size for each, piece_size in effect.files}
        read, unstable = [], []
        for each, _ in effect.files:
            if str(each) in self.unstable or str(each) not in self.disk.files:
                unstable.append(each)
            else:
                root, stat = self.disk.files[str(each)]
                one = PieceList(Root(root), stat.size, limits.PIECE_MIN_BYTES, b"")
                read.append(Hashed(each, stat, self.lists.get(root, one)))
        self.replica_check.on_hashed(
            FilesHashed(effect.order, tuple(read), tuple(unstable), last=True)
        )

    def change(self, name: str, **fields: object) -> None:
        """Change the stat of a file and nothing else."""
        root, stat = self.disk.files[name]
        self.disk.files[name] = (root, replace(stat, **fields))  # type: ignore[arg-type]

    def remove(self, *names: str) -> None:
        for name in names:
            self.disk.files.pop(name, None)
            self.disk.folders.discard(name)

    def texts(self, code: str) -> list[str]:
        return [tell.text for tell in self.told if tell.code == code]


def home_with_files() -> Home:
    """ANNA shares a, b and f/c; all of it stands, and everything was looked at."""
    made = Home()
    made.start()
    made.link()
    made.share([record("a"), record("b"), folder("f"), record("f/c")])
    made.rescan()
    assert made.stands() == {"a", "b", "f", "f/c"}
    for noted in (made.looks, made.hashed, made.asked, made.told, made.scans):
        noted.clear()
    return made
