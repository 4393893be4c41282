"""The fake of a group commit: docs/disk.md §4 on a fake disk, interruptible between any two steps.

Strategy: `Placing.steps()` is a generator that yields the name of every crash point; the world runs
one step per heap action, so a kill, a power cut or a person's edit can fall between any two.
Guarantees: nothing is unlinked before its replacement is complete; what leaves a path goes to the
trash (the engine named it) or is put aside (it did not). A power cut undoes a random suffix of the
renames that no directory sync has sealed, as a journalling file system may. Limits: one temp file
per item; the real order of syncs is tested with the real fsops.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from random import Random
from typing import Protocol

from potluck.core.content.facts import Source
from potluck.core.content.paths import SafePath
from potluck.core.content.pieces import Root
from potluck.engine.effects import PlaceItem
from potluck.engine.events import Placed, Placement
from tests.sim.disks import Disk, File, pieces_of


class Judge(Protocol):
    """Whoever wants to see every change an engine makes to the shared tree."""

    def published(self, disk: Disk, path: SafePath, data: bytes) -> None:
        """A content now stands under a final name."""

    def removed(self, disk: Disk, path: SafePath, file: File) -> None:
        """The engine took a file away for good (into the trash)."""


class Placing:
    """One Place on one disk."""

    def __init__(self, disk: Disk, items: tuple[PlaceItem, ...], judge: Judge) -> None:
        self.disk = disk
        self.items = items
        self.judge = judge
        self.placed: list[Placed] = []
        self.touched: list[SafePath] = []
        self._undo: list[Callable[[], None]] = []
        self._uses = Counter(
            item.content.root for item in items if item.source is Source.PART and item.content
        )

    def steps(self) -> Iterator[str]:
        """Carry out the items one by one, yielding the name of each crash point."""
        for item in self.items:
            if item.source is Source.NONE:
                yield from self._remove(item)
            elif item.source is Source.FOLDER:
                yield from self._make_folder(item)
            else:
                yield from self._place(item)
        yield "before_directory_sync"
        self._undo.clear()
        yield "after_directory_sync"

    def power_cut(self, chance: Random) -> None:
        """Lose some of the renames that were never sealed, the latest first."""
        for undo in reversed(self._undo[chance.randint(0, len(self._undo)) :]):
            undo()
        self._undo.clear()

    # -- one item ----------------------------------------------------------------------------------
    def _place(self, item: PlaceItem) -> Iterator[str]:
        data = self._content(item)
        if data is None or self.disk.full:
            self._report(item, Placement.FAILED if self.disk.full else Placement.SOURCE_GONE)
            return
        yield "temp_synced"
        aside = ""
        while True:
            if self._blocked(item.path):
                self._report(item, Placement.BLOCKED)
                return
            old = self.disk.files.get(item.path)
            if old is None or old.data == data:
                break
            aside = self._keep(item, old) or aside
            yield "old_version_kept"
            if self.disk.files.get(item.path) is old:
                break
        self._rename(item, data, old)
        self._report(item, Placement.PLACED, aside)
        yield "renamed"

    def _make_folder(self, item: PlaceItem) -> Iterator[str]:
        aside = ""
        if self.disk.full:
            self._report(item, Placement.FAILED)
            return
        old = self.disk.files.get(item.path)
        if old is not None:
            aside = self._keep(item, old)
            self._take(item.path)
            yield "old_version_kept"
        if any(above in self.disk.files for above in _lineage(item.path)):
            self._report(item, Placement.BLOCKED, aside)
            return
        self.disk.make_folders(item.path)
        self.touched.append(item.path)
        self._report(item, Placement.PLACED, aside)
        yield "folder_made"

    def _remove(self, item: PlaceItem) -> Iterator[str]:
        aside = ""
        if item.path in self.disk.folders:
            if self.disk.below(item.path):
                self._report(item, Placement.BLOCKED)
                return
            self.disk.remove_folder(item.path)
            self.touched.append(item.path)
        elif item.path in self.disk.files:
            old = self.disk.files[item.path]
            aside = self._keep(item, old)
            yield "old_version_kept"
            if self.disk.files.get(item.path) is not old:
                self._report(item, Placement.BLOCKED, aside)
                return
            self._take(item.path)
            if not aside:
                self.judge.removed(self.disk, item.path, old)
        self._report(item, Placement.REMOVED, aside)
        yield "removed"

    # -- acts --------------------------------------------------------------------------------------
    def _content(self, item: PlaceItem) -> bytes | None:
        """Return the bytes to place, or None if the source is not what was promised."""
        data: bytes | None = b""
        if item.source is Source.PART:
            part = self.disk.parts.get(item.content.root) if item.content else None
            complete = part is not None and part.have.complete
            data = (
                bytes(part.data)
                if part and complete
                else bytes(item.content.size_bytes if item.content else 0)
            )
        elif item.source in {Source.LOCAL, Source.MOVED}:
            local = self.disk.files.get(item.local) if item.local else None
            data = local.data if local else None
        if data is None or item.content is None:
            return data if item.source is Source.EMPTY else None
        if pieces_of(data, item.content.piece_size).root != item.content.root:
            if item.source is Source.PART:
                # a part that lies is of no use to anybody
                self.disk.parts.pop(item.content.root, None)
            return None
        return data

    def _blocked(self, path: SafePath) -> bool:
        """Say whether something that is kept stands in the way; an empty folder goes."""
        if any(above in self.disk.files for above in _lineage(path)):
            return True
        if path not in self.disk.folders:
            return False
        if self.disk.below(path):
            return True
        self.disk.remove_folder(path)
        return False

    def _keep(self, item: PlaceItem, old: File) -> str:
        """Keep what stands at a path: in the trash if the engine expected it, else aside; return
        where aside.
        """
        if old.stat == item.expected or pieces_of(old.data).root == item.expected_root:
            self.disk.trash.append((item.path, old.data))
            return ""
        self.disk.aside.append((item.path, old.data))
        return f"Put aside/{item.path}"

    def _take(self, path: SafePath) -> File:
        old = self.disk.take(path)
        self.touched.append(path)
        self._undo.append(lambda: self._restore(path, None, old))
        return old

    def _rename(self, item: PlaceItem, data: bytes, old: File | None) -> None:
        stands = item.source is Source.LOCAL and item.local == item.path and old is not None
        inode = old.inode if old is not None and stands else self.disk.new_inode()
        if (
            item.source is Source.MOVED
            and item.local in self.disk.files
            and item.local != item.path
        ):
            assert item.local is not None
            inode = self._take(item.local).inode
        new = File(data, item.mtime_ns, self.disk.tick(), inode, item.executable)
        self.disk.put(item.path, new)
        self.touched.append(item.path)
        self._undo.append(lambda: self._restore(item.path, new, old))
        if item.source is Source.PART and item.content is not None:
            self._use_up(item.content.root)
        self.judge.published(self.disk, item.path, data)

    def _use_up(self, root: Root) -> None:
        """The last place of a part is the part itself, renamed; the others were copies."""
        self._uses[root] -= 1
        part = self.disk.parts.pop(root, None) if not self._uses[root] else None
        if part is not None:
            self._undo.append(lambda: self.disk.parts.update({root: part}))

    def _restore(self, path: SafePath, new: File | None, old: File | None) -> None:
        if self.disk.files.get(path) is not new or path in self.disk.folders:
            return
        if old is None:
            self.disk.files.pop(path, None)
        elif not any(above in self.disk.files for above in _lineage(path)):
            self.disk.make_folders(path.parent)
            self.disk.files[path] = old

    def _report(self, item: PlaceItem, placement: Placement, aside: str = "") -> None:
        file = self.disk.files.get(item.path)
        root = item.content.root if item.content else None
        stat = file.stat if file and placement is Placement.PLACED else None
        self.placed.append(Placed(item.path, root, placement, stat, aside, placement.value))


def settle(disk: Disk, items: tuple[PlaceItem, ...]) -> tuple[Placed, ...]:
    """Return what an interrupted Place left: PLACED or REMOVED where it was done, SOURCE_GONE where
    it was not.
    """
    return tuple(_settled(disk, item) for item in items)


def _settled(disk: Disk, item: PlaceItem) -> Placed:
    file = disk.files.get(item.path)
    root = item.content.root if item.content else None
    if item.source is Source.NONE:
        done = file is None and item.path not in disk.folders
        return Placed(
            item.path,
            None,
            Placement.REMOVED if done else Placement.SOURCE_GONE,
            None,
            "",
            "settled",
        )
    if item.source is Source.FOLDER:
        done = item.path in disk.folders
        return Placed(
            item.path,
            None,
            Placement.PLACED if done else Placement.SOURCE_GONE,
            None,
            "",
            "settled",
        )
    piece_size = item.content.piece_size if item.content else 0
    wanted = item.content.root if item.content else pieces_of(b"").root
    if file is not None and pieces_of(file.data, piece_size).root == wanted:
        return Placed(item.path, root, Placement.PLACED, file.stat, "", "settled")
    return Placed(item.path, root, Placement.SOURCE_GONE, None, "", "settled")


def _lineage(path: SafePath) -> Iterator[SafePath]:
    above = path.parent
    while above is not None:
        yield above
        above = above.parent
