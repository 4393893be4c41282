"""An own folder made of nothing: answers Scan, Look and Hash as a disk would, when the test says
so.

Strategy: files are bytes under a path inside the own folder, each with an inode and a time that
moves with every write. `Own` holds the parts of one device that follow it; `settle` answers what
was asked until nothing is, `answers` hands the answers over one by one, for tests of what comes
late, twice or never.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from potluck.core import limits
from potluck.core.content.facts import Finding, ReadFault, Stat
from potluck.core.content.ignore_rules import parse_rules
from potluck.core.content.paths import SafePath
from potluck.core.content.pieces import PieceList, file_root, piece_hash
from potluck.core.wire.catalogue import FileRecord, Head
from potluck.engine.effects import Effect, Hash, Look, Scan, Tell
from potluck.engine.events import (
    FilesHashed,
    Hashed,
    NameRefused,
    OrderId,
    PathSeen,
    PathsTouched,
    ShareSeen,
    TreeSeen,
    Unreadable,
)
from potluck.engine.folder_facts import IgnoreFileSeen
from potluck.engine.own.own_folder import OwnFolder
from potluck.engine.own.publishing import Publishing
from tests.engine.builders import group, node
from tests.engine.listeners import Heard


@dataclass
class File:
    """What stands at a path."""

    text: bytes
    stat: Stat


class Own:
    """One device, its own folder, and the parts that follow it."""

    def __init__(self, number: int = 1, *, marked: bool = True, start: bool = True) -> None:
        self.node = node(number)
        self.node.roster = group(number)
        self.heads: list[Head] = []
        self.publishing = Publishing(self.node, Heard(on_published=self.heads.append))
        self.own_folder = OwnFolder(self.node, self.publishing)
        self.files: dict[str, File] = {}
        self.folders: set[str] = set()
        self.refused: dict[str, str] = {}
        self.marker = "present"
        self.unreadable = False  # whether a scan could look at nothing
        self.closed: set[str] = set()  # folders that cannot be entered
        self.ignore_text = b""  # of .potluckignore
        self.left_out: set[SafePath] = set()  # by it, in the walk that is answered
        self.tells: list[Tell] = []
        self.read: list[str] = []
        self.todo: list[Effect] = []
        self._inode = 10
        self._time_ns = 1_700_000_000_000_000_001
        if start:
            self.own_folder.start(marked=marked)
            self.tick()

    # -- the folder --------------------------------------------------------------------------------
    def write(self, path: str, text: str, *, executable: bool = False) -> None:
        """Write a file; an existing one keeps its inode."""
        self._time_ns += 1001
        before = self.files.get(path)
        self._inode += 0 if before else 1
        inode = before.stat.inode if before else self._inode
        self.files[path] = File(
            text.encode(), Stat(len(text), self._time_ns, self._time_ns, inode, executable)
        )

    def change(self, path: str, **fields: Any) -> None:
        """Change the stat of a file and nothing else."""
        self.files[path].stat = replace(self.files[path].stat, **fields)

    def remove(self, path: str) -> None:
        """Remove a file, or a folder with everything in it."""
        for name in [name for name in self.files if name == path or name.startswith(path + "/")]:
            del self.files[name]
        self.folders = {
            name for name in self.folders if name != path and not name.startswith(path + "/")
        }

    def move(self, old: str, new: str) -> None:
        """Rename a file or a folder."""
        for name in [name for name in self.files if name == old or name.startswith(old + "/")]:
            self.files[new + name[len(old) :]] = self.files.pop(name)
        self.folders = {
            new + name[len(old) :] if name == old or name.startswith(old + "/") else name
            for name in self.folders
        }

    def path(self, name: str) -> SafePath:
        """The path of a name in the own folder, below Shared/."""
        path = self.own_folder.top
        for part in name.split("/"):
            path = path.child(part)
        return path

    # -- time and effects --------------------------------------------------------------------------
    def tick(self, later_s: float = 0.0) -> None:
        """Let time pass, do what is due, and keep what was asked."""
        self.node.now += later_s
        self.own_folder.on_tick()
        for effect in self.node.take():
            if isinstance(effect, Tell):
                self.tells.append(effect)
            else:
                self.todo.append(effect)

    def touch(self, *names: str, overflow: bool = False) -> None:
        """The watcher noticed these."""
        self.own_folder.on_touched(PathsTouched(tuple(self.path(name) for name in names), overflow))
        self.tick()

    def settle(self) -> None:
        """Answer everything that is asked, and wait until the changes are published."""
        while True:
            while self.todo:
                self.answer()
            due = self.own_folder.deadline()
            if not self.publishing.pending or due is None:
                return
            self.tick(max(due - self.node.now, 0.0))

    def answer(self) -> Effect:
        """Answer the first effect that waits."""
        effect = self.todo.pop(0)
        for event in self.answers(effect):
            self.tell(event)
        return effect

    def tell(self, event: ShareSeen | TreeSeen | FilesHashed) -> None:
        """Hand a fact over."""
        match event:
            case TreeSeen():
                self.own_folder.on_tree(event)
            case FilesHashed():
                self.own_folder.on_hashed(event)
            case ShareSeen():
                self.own_folder.on_share(event)
        self.tick()

    def answers(self, effect: Effect) -> Iterator[ShareSeen | TreeSeen | FilesHashed]:
        """What the disk says to an effect, page by page."""
        match effect:
            case Look() | Scan() if self.ignore_text != (effect.rules or (b"",))[0]:
                said = IgnoreFileSeen(self.ignore_text)
                yield TreeSeen(effect.order, (), (), last=True, complete=False, ignore_file=said)
            case Scan(order, tops):
                yield ShareSeen(
                    self.marker == "present", "" if self.marker == "present" else self.marker
                )
                if self.marker != "present":
                    yield TreeSeen(order, (), (), last=True, complete=False)
                    return
                yield from self.pages(
                    order, self._below(tops), self._met(""), complete=not self.unreadable
                )
            case Look(order, paths):
                seen: list[PathSeen] = []
                met: list[str] = []
                for path in paths:
                    name = path.relative_to(self.own_folder.top).wire.decode()
                    found = self._everything(name)
                    met += self._met(name)
                    silent = name in self.refused or self._closed(name) or self._is_out(name)
                    seen += found or ([] if silent else [PathSeen(path, Finding.MISSING, None)])
                yield from self.pages(order, seen, met, complete=True)
            case Hash(order, files):
                yield FilesHashed(order, *self._hashed(files), last=True)
            case _:
                raise AssertionError(f"the own folder asks for nothing like {effect}")

    def pages(
        self, order: int, seen: list[PathSeen], refused: list[str], *, complete: bool
    ) -> Iterator[TreeSeen]:
        """The pages of a round, three paths each so that small tests have several."""
        closed = tuple(
            Unreadable(self.path(name), ReadFault.PERMISSION, "Permission denied")
            for name in sorted(self.closed)
        )
        complete = complete and not closed
        names = tuple(
            NameRefused(
                self.path(name).parent or self.own_folder.top,
                name.rpartition("/")[2],
                self.refused[name],
                no_file=True,
            )
            for name in refused
        )
        said = IgnoreFileSeen(self.ignore_text) if self.ignore_text else None
        for at in range(0, max(len(seen), 1), 3):
            last = at + 3 >= len(seen)
            ignored = tuple(self.left_out) if last else ()
            yield TreeSeen(
                OrderId(order),
                tuple(seen[at : at + 3]),
                names if last else (),
                last,
                complete,
                closed if last else (),
                ignored,
                None if at else said,
            )
        self.left_out = set()

    def _met(self, prefix: str) -> list[str]:
        return [name for name in self.refused if _is_in(name, prefix) and not self._closed(name)]

    def _closed(self, name: str) -> bool:
        """Whether a path lies below a folder that cannot be entered."""
        return any(name.startswith(folder + "/") for folder in self.closed)

    def _is_out(self, name: str) -> bool:
        """Whether the rules leave a path out, or a folder above it."""
        rules, parts = parse_rules(self.ignore_text), name.split("/")
        for depth, part in enumerate(parts):
            above, outer = "/".join(parts[:depth]), "/".join(parts[: depth + 1])
            is_folder = depth < len(parts) - 1 or outer in self.folders
            if rules.ignores(above, part, is_folder=is_folder):
                self.left_out.add(self.path(outer))
                return True
        return False

    def _below(self, tops: tuple[SafePath, ...]) -> list[PathSeen]:
        if self.own_folder.top in tops:
            return self._everything("")
        names = [path.relative_to(self.own_folder.top).wire.decode() for path in tops]
        return [seen for name in names for seen in self._everything(name)]

    def _everything(self, prefix: str) -> list[PathSeen]:
        every = [name for name in self.folders | set(self.files) if _is_in(name, prefix)]
        inside = [name for name in every if not self._closed(name) and not self._is_out(name)]
        found = []
        for name in sorted(inside, key=lambda name: name.split("/")):
            file = self.files.get(name)
            finding = Finding.FILE if file else Finding.FOLDER
            found.append(PathSeen(self.path(name), finding, file.stat if file else None))
        return found

    def _hashed(
        self, files: tuple[tuple[SafePath, int], ...]
    ) -> tuple[tuple[Hashed, ...], tuple[SafePath, ...]]:
        done, unstable = [], []
        for path, _ in files:
            name = path.relative_to(self.own_folder.top).wire.decode()
            self.read.append(name)
            if name in self.files:
                done.append(self.hashed(name))
            else:
                unstable.append(path)
        return tuple(done), tuple(unstable)

    def hashed(self, name: str) -> Hashed:
        """A file as reading it would find it."""
        file = self.files[name]
        digest = piece_hash(file.text) if file.text else b""
        root = file_root(len(file.text), limits.PIECE_MIN_BYTES, digest)
        return Hashed(
            self.path(name),
            file.stat,
            PieceList(root, len(file.text), limits.PIECE_MIN_BYTES, digest),
        )

    # -- what is published -------------------------------------------------------------------------
    def published(self) -> dict[str, FileRecord]:
        """Every record of the own manifest, by path."""
        records = self.node.index.manifests.listing(self.node.own_manifest, b"", 10_000)
        return {record.path.decode(): record for record in records}

    def codes(self) -> list[str]:
        """What was told so far."""
        return [tell.code for tell in self.tells]


def _is_in(name: str, prefix: str) -> bool:
    return not prefix or name == prefix or name.startswith(prefix + "/")
