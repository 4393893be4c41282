"""The fake of a group commit: docs/disk.md §4 on a fake disk, interruptible between any two steps.

Strategy: as the real one. First every item's file is made ready from what stood there before the
batch; then, path by path, what stands in the way is kept and the file takes its place.
`Placing.steps()` is a generator that yields the name of every step; the world runs one step per
heap action, so a kill, a power cut or a person's edit can fall between any two.

Guarantees: what leaves a path goes to the trash (the engine named it) or is put aside (it did not);
facts are those of the real disk, field by field (`tests/contract/test_placing.py`), but for the
words of `detail` and the name a thing has under `Put aside/`. A power cut undoes a random suffix of
what no sync has sealed, as a journalling file system may. Limits: a file edited between keeping it
and the rename is kept again, where the real second link shows the edit by itself; how often and in
which order the real one syncs is tested with the real one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Generic, Protocol, TypeVar

from potluck.core.content.editor_files import ignored
from potluck.core.content.facts import Source
from potluck.core.content.paths import SafePath
from potluck.core.content.pieces import EMPTY_ROOT, PieceList, Root
from potluck.engine.effects import PlaceItem
from potluck.engine.events import Placed, Placement
from tests.fakes.disk import File, Part, Tree, lineage

AnyTree_contra = TypeVar("AnyTree_contra", bound=Tree, contravariant=True)
AnyTree = TypeVar("AnyTree", bound=Tree)


class Judge(Protocol[AnyTree_contra]):
    """Whoever wants to see every change an engine makes to the shared tree."""

    def published(self, disk: AnyTree_contra, path: SafePath, data: bytes) -> None:
        """A content now stands under a final name."""

    def removed(self, disk: AnyTree_contra, path: SafePath, file: File) -> None:
        """The engine took a file away for good (into the trash)."""


class NoJudge:
    """Lets everything pass."""

    def published(self, disk: Tree, path: SafePath, data: bytes) -> None:
        """Say nothing."""

    def removed(self, disk: Tree, path: SafePath, file: File) -> None:
        """Say nothing."""


class Refused(Exception):
    """An item cannot be carried out."""

    def __init__(self, placement: Placement, detail: str) -> None:
        super().__init__(detail)
        self.placement = placement
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Ready:
    """A file that only has to be renamed, or that stands already."""

    file: File
    part: Root | None = None  # the part this is
    moved: SafePath | None = None  # the local file this is
    stands: bool = False  # at its path already; only time and mode were changed


class Placing(Generic[AnyTree]):
    """One Place on one disk."""

    def __init__(self, disk: AnyTree, items: tuple[PlaceItem, ...], judge: Judge[AnyTree]) -> None:
        self.disk = disk
        self.items = items
        self.judge = judge
        self.placed: list[Placed] = []
        self.touched: list[SafePath] = []
        self._undo: list[Callable[[], None]] = []
        self._uses = Counter(_root_wanted(item) for item in items if item.source is Source.PART)
        self._moves = Counter(item.local for item in items if item.source is Source.MOVED)
        self._targets = {item.path for item in items if item.source is not Source.NONE}

    def steps(self) -> Iterator[str]:
        """Carry out the items one by one, yielding the name of each step that is done."""
        ready = [self._prepared(item) for item in self.items]
        yield "prepared"
        self._undo.clear()
        yield "files_synced"
        for item, made in zip(self.items, ready, strict=True):
            try:
                if isinstance(made, Refused):
                    raise made
                yield from self._carry_out(item, made)
            except Refused as refused:
                self._report(item, refused.placement, detail=refused.detail)
        yield "before_directory_sync"
        self._undo.clear()
        yield "after_directory_sync"

    def power_cut(self, chance: Random) -> None:
        """Lose some of the changes that were never sealed, the latest first."""
        for undo in reversed(self._undo[chance.randint(0, len(self._undo)) :]):
            undo()
        self._undo.clear()

    # -- making ready ------------------------------------------------------------------------------
    def _prepared(self, item: PlaceItem) -> Ready | Refused | None:
        try:
            if item.path in self.disk.trouble:
                raise Refused(*self.disk.trouble[item.path])
            if self.disk.full and item.source is not Source.NONE:
                raise Refused(Placement.FAILED, "disk full")
            match item.source:
                case Source.FOLDER | Source.NONE:
                    return None
                case Source.EMPTY:
                    return self._made(item, File(b""))
                case Source.PART:
                    return self._from_part(item, _content_of(item))
                case Source.LOCAL if item.local == item.path:
                    return self._standing(item)
                case Source.LOCAL:
                    return self._copied(item)
                case Source.MOVED:
                    return self._from_moved(item)
                case Source.KEPT:
                    return self._from_trash(item, _content_of(item))
        except Refused as refused:
            return refused

    def _from_part(self, item: PlaceItem, content: PieceList) -> Ready:
        if content.count and all(content.is_zero(piece) for piece in range(content.count)):
            self.disk.parts.setdefault(content.root, Part.empty(content))  # nothing of it travels
        part = self.disk.parts.get(content.root)
        if part is None or not part.complete:
            raise _gone("the part file is not complete")
        file = part.file(content)
        self._uses[content.root] -= 1
        made = self._made(item, file)
        return made if self._uses[content.root] else replace(made, part=content.root)

    def _standing(self, item: PlaceItem) -> Ready:
        """Only time and mode change, where the content already stands."""
        file = self._local(item.path)
        if file.stat != item.expected and not file.holds(_content_of(item)):
            raise _gone("the file has another content")
        return Ready(self._dress(item.path, item), stands=True)

    def _copied(self, item: PlaceItem) -> Ready:
        file = self._local(item.local)
        if not file.holds(_content_of(item)):
            raise _gone("the local file has another content")
        return self._made(item, file)

    def _from_moved(self, item: PlaceItem) -> Ready:
        self._moves[item.local] -= 1
        # wanted again, or about to be replaced: take a copy
        if item.local is None or self._moves[item.local] or item.local in self._targets:
            return self._copied(item)
        if not self._local(item.local).holds(_content_of(item)):
            raise _gone("the local file has another content")
        return Ready(self._dress(item.local, item), moved=item.local)

    def _from_trash(self, item: PlaceItem, content: PieceList) -> Ready:
        for path, data in reversed(self.disk.trash):
            if path == item.local and File(data).holds(content):
                return self._made(item, File(data))
        raise _gone("the trash here does not hold it any more")

    def _made(self, item: PlaceItem, file: File) -> Ready:
        """Make a new file with the bytes of `file`."""
        now, inode = self.disk.tick(), self.disk.new_inode()
        return Ready(replace(_dressed(file, item), ctime_ns=now, inode=inode))

    def _dress(self, path: SafePath, item: PlaceItem) -> File:
        """Give a standing file its time and mode, if they are not as they should be."""
        old = self.disk.files[path]
        new = _dressed(old, item)
        if new == old:
            return old
        new = self.disk.files[path] = replace(new, ctime_ns=self.disk.tick())
        self.touched.append(path)
        self._undo.append(lambda: self._restore(path, new, old))
        return new

    def _local(self, path: SafePath | None) -> File:
        if path is None or path not in self.disk.files:
            raise _gone("the local file is gone")
        return self.disk.files[path]

    # -- one item ----------------------------------------------------------------------------------
    def _carry_out(self, item: PlaceItem, ready: Ready | None) -> Iterator[str]:
        if ready is not None:
            yield from self._put(item, ready)
        elif item.source is Source.FOLDER:
            yield from self._make_folder(item)
        else:
            yield from self._remove(item)

    def _put(self, item: PlaceItem, ready: Ready) -> Iterator[str]:
        if ready.stands:
            self._report(item, Placement.PLACED)
            return
        aside = ""
        while True:
            aside = self._clear_way(item.path) or aside
            self._check(ready)
            old = self._in_the_way(item)
            if old is None:
                break
            aside = self._keep(item, old) or aside
            yield "old_version_kept"
            if self.disk.files.get(item.path) is old:
                break
        self._check(ready)
        self._rename(item, ready)
        self._report(item, Placement.PLACED, aside)
        yield "renamed"

    def _make_folder(self, item: PlaceItem) -> Iterator[str]:
        aside = self._clear_way(item.path)
        if item.path in self.disk.files:
            aside = self._keep(item, self._take(item.path)) or aside
            yield "old_version_kept"
        self.disk.make_folders(item.path)
        self.touched.append(item.path)
        self._report(item, Placement.PLACED, aside)
        yield "folder_made"

    def _remove(self, item: PlaceItem) -> Iterator[str]:
        aside, nothing_there = "", False
        if item.path in self.disk.folders:
            self._remove_folder(item.path)
        elif item.path in self.disk.files:
            old = self._take(item.path)
            aside = self._keep(item, old)
            if not aside:
                self.judge.removed(self.disk, item.path, old)
        else:
            nothing_there = True
        self._report(item, Placement.REMOVED, aside)
        self.placed[-1] = replace(self.placed[-1], nothing_there=nothing_there)
        yield "removed"

    # -- acts --------------------------------------------------------------------------------------
    def _clear_way(self, path: SafePath) -> str:
        """Put aside a file that stands where a folder must be, and make the folders."""
        aside = ""
        for above in lineage(path):
            if above in self.disk.files:
                aside = self._put_aside(above, self._take(above))
        self.disk.make_folders(path.parent)
        return aside

    def _in_the_way(self, item: PlaceItem) -> File | None:
        """Return the file that must be kept before another comes there; an empty folder goes."""
        if item.path in self.disk.folders:
            self._remove_folder(item.path)
        old = self.disk.files.get(item.path)
        if old is None or item.content is None or old.size_bytes != item.content.size_bytes:
            return old
        if old.stat == item.expected:
            return None if item.expected_root == item.content.root else old
        return None if old.holds(item.content) else old

    def _remove_folder(self, path: SafePath) -> None:
        within = self.disk.below(path)
        if not all(is_leftover(self.disk, path, each) for each in within):
            raise Refused(Placement.BLOCKED, "the folder there holds files, so it stays")
        for leftover in within:
            self.disk.trash.append((leftover, self._take(leftover).data))
        self.disk.remove_folder(path)
        self.touched.append(path)

    def _check(self, ready: Ready) -> None:
        if ready.moved is not None and self.disk.files.get(ready.moved) is not ready.file:
            raise _gone("the local file was exchanged")

    def _keep(self, item: PlaceItem, old: File) -> str:
        """Keep a file: in the trash if the engine expected it, else aside; return where aside."""
        if _is_expected(item, old):
            self.disk.trash.append((item.path, old.data))
            return ""
        return self._put_aside(item.path, old)

    def _put_aside(self, path: SafePath, old: File) -> str:
        self.disk.aside.append((path, old.data))
        return f"Put aside/{path.parts[0]}/{path.name}"

    def _take(self, path: SafePath) -> File:
        old = self.disk.take(path)
        self.touched.append(path)
        self._undo.append(lambda: self._restore(path, None, old))
        return old

    def _rename(self, item: PlaceItem, ready: Ready) -> None:
        if ready.moved is not None:
            self._take(ready.moved)
        old = self.disk.files.get(item.path)
        new = replace(ready.file, ctime_ns=self.disk.tick())
        self.disk.put(item.path, new)
        self.touched.append(item.path)
        self._undo.append(lambda: self._restore(item.path, new, old))
        if ready.part is not None:
            self._use_up(ready.part)
        self.judge.published(self.disk, item.path, new.data)

    def _use_up(self, root: Root) -> None:
        """The last place of a part is the part itself, renamed; the others were copies."""
        part = self.disk.parts.pop(root, None)
        if part is not None:
            self._undo.append(lambda: self.disk.parts.update({root: part}))

    def _restore(self, path: SafePath, new: File | None, old: File | None) -> None:
        if self.disk.files.get(path) is not new or path in self.disk.folders:
            return
        if old is None:
            self.disk.files.pop(path, None)
        elif not any(above in self.disk.files for above in lineage(path)):
            self.disk.make_folders(path.parent)
            self.disk.files[path] = old

    def _report(
        self, item: PlaceItem, placement: Placement, aside: str = "", detail: str = ""
    ) -> None:
        file = self.disk.files.get(item.path)
        stands = placement is Placement.PLACED and not detail
        stat = file.stat if file is not None and stands else None
        self.placed.append(Placed(item.path, _root_wanted(item), placement, stat, aside, detail))


def is_leftover(disk: Tree, folder: SafePath, path: SafePath) -> bool:
    """Say whether a file was left in a folder by a file browser or an editor."""
    return path.parent == folder and path in disk.files and ignored(path.name)


def place(disk: Tree, items: tuple[PlaceItem, ...]) -> tuple[Placed, ...]:
    """Carry a whole batch out at once and return what became of each item."""
    placing = Placing(disk, items, NoJudge())
    for _step in placing.steps():
        pass
    return tuple(placing.placed)


def settle(disk: Tree, items: tuple[PlaceItem, ...]) -> tuple[Placed, ...]:
    """Return what an interrupted Place left: PLACED or REMOVED where it came so far."""
    return tuple(_settled(disk, item) for item in items)


def _settled(disk: Tree, item: PlaceItem) -> Placed:
    file = disk.files.get(item.path)
    root = _root_wanted(item)
    if item.source is Source.NONE:
        done = file is None and item.path not in disk.folders
        placement = Placement.REMOVED
    elif item.source is Source.FOLDER:
        done = item.path in disk.folders
        placement = Placement.PLACED
    else:
        done = file is not None and _is_wanted(item, file)
        placement = Placement.PLACED
    if not done:
        detail = "the batch did not come so far"
        return Placed(item.path, root, Placement.SOURCE_GONE, None, "", detail)
    return Placed(item.path, root, placement, file.stat if file is not None else None, "", "")


def _is_wanted(item: PlaceItem, file: File) -> bool:
    if item.local == item.path and item.mtime_ns != file.mtime_ns:
        return False  # the content was there before; its time was what had to be set
    return file.holds(item.content) if item.content is not None else file.size_bytes == 0


def _is_expected(item: PlaceItem, old: File) -> bool:
    """Say whether a file is the version the index knows, by its Stat or by its hash."""
    if item.expected is not None and old.stat == item.expected:
        return True
    if item.expected is not None and old.size_bytes != item.expected.size:
        return False
    sizes = {0} if item.content is None else {0, item.content.piece_size}
    return any(old.root(size) == item.expected_root for size in sizes)


def _root_wanted(item: PlaceItem) -> Root | None:
    match item.source:
        case Source.EMPTY:
            return EMPTY_ROOT
        case Source.FOLDER | Source.NONE:
            return None
        case _:
            return item.content.root if item.content is not None else None


def _content_of(item: PlaceItem) -> PieceList:
    if item.content is None:
        raise _gone("the order names no content")
    return item.content


def _dressed(file: File, item: PlaceItem) -> File:
    return replace(file, mtime_ns=item.mtime_ns, executable=item.executable)


def _gone(detail: str) -> Refused:
    return Refused(Placement.SOURCE_GONE, detail)
