"""Judging: what it means that a file of the own folder was seen, or was read.

Strategy: core/content/reconcile.py decides; here it gets its facts from the index and from what is
about to be published, and what follows goes to publishing. A file that was only renamed is shared
again without being read.

Guarantees: damage (another content under an identical stat) is noted (engine/own/damaged_files.py)
and never published. Limits:
one file at a time, and nothing is asked of the disk; what is to be read is said to whoever asks.
"""

from __future__ import annotations

from collections.abc import Collection, Container, Iterable
from dataclasses import replace

from potluck.core import limits
from potluck.core.content.facts import Finding, PlaceRow, Spot, Stat
from potluck.core.content.paths import not_portable, within
from potluck.core.content.pieces import Root
from potluck.core.content.reconcile import OwnChange, Verdict, judge_hash, own_change, same_stat
from potluck.core.wire.catalogue import FileRecord, Kind
from potluck.core.wording import set_off
from potluck.engine.events import Hashed, OrderId
from potluck.engine.node import Node
from potluck.engine.own.publishing import Publishing

NO_PIECE_SIZE = 0  # of a file without a version before: whoever reads it chooses


class Judge:
    """Says what a file means that was seen, and what one means that was read."""

    def __init__(self, node: Node, publishing: Publishing) -> None:
        """Judge against what the index knows; what follows goes to `publishing`."""
        self._node, self._publishing = node, publishing
        self._damaged, self.older = publishing.damaged, publishing.older

    def weigh(self, path: bytes, stat: Stat | None, order: OrderId) -> None:
        """A look of this order met a path: if a disk that came or went may have put something else
        there, that is not shared without a question.
        """
        if self.older.doubts.idle:
            return
        stands = self._publishing.stands(path)
        as_known = stands is not None and stat is not None and same_stat(stands, stat)
        self.older.doubts.on_there(path, order, as_known=as_known)

    def on_seen(self, path: bytes, stat: Stat) -> int | None:
        """A file is there: return None if that says enough, else its last piece size: read it."""
        stands = self._publishing.stands(path)
        twin = self._twin(stands, stat)
        stat = self._dressed(stat, stands or twin)
        match own_change(stands, Finding.FILE, stat, twin):
            case OwnChange.NOTHING:
                return None
            case OwnChange.RENAMED if twin is not None and self._is_my_own(path, twin):
                # From the index itself: the end of its old path may be about to be published.
                name = self._node.own_manifest
                known = self._node.index.manifests.get(name, twin.path)
                unread = self._share_unread(path, stat, twin, known)
                damaged = self._damaged.root_of(twin.path)
                if damaged and unread is None:  # as it should be: it comes there, too
                    self._damaged.note(path, damaged, stat)
                return unread
            case _:  # what is shared and does not stand, too: it may be coming back
                return _piece_size(self._publishing.record(path))

    def _is_my_own(self, path: bytes, twin: PlaceRow) -> bool:
        """Say whether neither what was renamed nor its new path is kept from being shared."""
        older = self.older.files
        return twin.path not in older and not older.is_of_disk(path)

    def on_verified(self, spot: Spot, hashed: Hashed) -> None:
        """A file, perhaps of mine, was read afresh, and not as it should: it is damaged, unless it
        was edited, which others notice.
        """
        mine = spot.manifest == self._node.own_manifest
        stands = self._publishing.stands(spot.path) if mine else None
        if stands is not None and same_stat(stands, hashed.stat):
            self.on_read(spot.path, hashed)

    def links(self, path: bytes, stat: Stat) -> list[bytes]:
        """Return the other paths of a file that is to be read: written here, it was written there
        too.
        """
        if not stat.size:
            return []
        known = self._node.index.places.links(self._node.own_manifest, stat.inode)
        return [each for each in known if each != path]

    def on_folder(self, path: bytes) -> None:
        """A folder is there: it is shared, unless it was before."""
        self._damaged.end([path])
        self.older.end([path])
        self.older.doubts.ends(path)
        change = own_change(self._publishing.stands(path), Finding.FOLDER, None)
        if change is OwnChange.FOLDER:
            row = PlaceRow(path, Kind.FOLDER, b"", 0, 0, 0, 0, executable=False)
            self._publishing.put(row, limits.PIECE_MIN_BYTES)

    def on_gone(self, paths: Iterable[bytes]) -> None:
        """Nothing is there: what was known is not shared any more, nor anything below it."""
        every, breaker = list(paths), self._publishing.breaker
        if not breaker.in_the_way.isdisjoint(every):  # a link, perhaps, which nothing else knows
            breaker.in_the_way.difference_update(every)
            breaker.on_others()
        known = [path for path in every if self._was_known(path)]
        self._publishing.drop(known)
        self._damaged.end(known)

    def on_taken_along(self, paths: Collection[bytes]) -> None:
        """These went with a disk, and the folder that it was mounted at is gone: if they are lost
        with it, a person is asked.
        """
        self._publishing.breaker.taken_along.update(paths)

    def knows_folder(self, path: bytes) -> bool:
        """Say whether a folder is known at a path, so that things may be known below it."""
        stands = self._publishing.stands(path)
        return stands is not None and stands.kind is Kind.FOLDER

    def knows_file(self, path: bytes) -> bool:
        """Say whether a file is known at a path."""
        stands = self._publishing.stands(path)
        return stands is not None and stands.kind is Kind.FILE

    def unseen(self, folder: bytes, seen: Container[bytes], held: Container[bytes]) -> list[bytes]:
        """Return what is known below a folder (b"" is everything) and nobody saw, but for what lies
        below what is `held`: nobody could look there.
        """
        missed = [path for path in self._publishing.known_below(folder) if path not in seen]
        return [path for path in missed if not within(path, held)]

    def _was_known(self, path: bytes) -> bool:
        change = own_change(self._publishing.stands(path), Finding.MISSING, None)
        return change is OwnChange.GONE

    def on_read(self, path: bytes, hashed: Hashed) -> None:
        """A file was read: an edit is shared, damage is told."""
        node, pieces, shown = self._node, hashed.pieces, str(hashed.path)
        stands = self._publishing.stands(path)
        if stands is None or not same_stat(stands, hashed.stat):
            self.older.doubts.on_other(path)
        if self.older.takes(path, pieces.root, hashed.stat.size):
            self._keep_earlier(path, hashed, stands)
            return
        damaged = self._damaged.root_of(path)
        verdict = judge_hash(stands, hashed.stat, pieces.root, damaged)
        if verdict is Verdict.DAMAGE and stands is not None:
            size = _piece_size(self._publishing.record(path))
            row = _row(path, stands.root, hashed.stat)  # its x bit may be new
            self._publishing.put(row, size, as_shared=path in self.older.files)
            self._damaged.note(path, pieces.root, hashed.stat)
            return
        self._damaged.end([path])
        self.older.end([path])
        reason = not_portable(hashed.path.name)
        if reason and stands is None:
            text = f"{set_off(shown)}: {reason}; some systems cannot hold it"
            node.tell("not_portable", text, subject=shown)
        node.index.contents.put(pieces)
        stat = self._dressed(hashed.stat, stands)
        self._publishing.put(_row(path, pieces.root, stat), pieces.piece_size)

    def _keep_earlier(self, path: bytes, hashed: Hashed, stands: PlaceRow | None) -> None:
        """An earlier version stands there, or that of another disk: known, and not shared."""
        self._damaged.end([path])
        self._node.index.contents.put(hashed.pieces)
        row = _row(path, hashed.pieces.root, self._dressed(hashed.stat, stands))
        self._publishing.put(row, hashed.pieces.piece_size, as_shared=True)
        self.older.note(path, hashed.pieces.root)

    def _dressed(self, stat: Stat, before: PlaceRow | None) -> Stat:
        """Return a stat with the x bit that a file has: where none are kept, the one it had."""
        if self._node.settings.keeps_x:
            return stat
        return replace(stat, executable=before is not None and before.executable)

    def _twin(self, stands: PlaceRow | None, stat: Stat) -> PlaceRow | None:
        """Return the file known elsewhere that this new one may have been; empty ones are read."""
        if stands is not None or not stat.size:
            return None
        places, name = self._node.index.places, self._node.own_manifest
        return places.by_inode(name, stat.inode, stat.size, stat.mtime_ns)

    def _share_unread(
        self, path: bytes, stat: Stat, source: PlaceRow, known: FileRecord | None
    ) -> int | None:
        """Share a content that was read before, at `source`; without a record of it, read it."""
        if known is None:
            return NO_PIECE_SIZE
        self._publishing.put(_row(path, source.root, stat), _piece_size(known))
        return None


def _piece_size(known: FileRecord | None) -> int:
    """Return the piece size of the last version, so that unchanged pieces keep their hashes."""
    if known is None or known.kind is not Kind.FILE:
        return NO_PIECE_SIZE
    return known.piece_size


def _row(path: bytes, root: bytes, stat: Stat) -> PlaceRow:
    """Return what stands at a path, from the stat it was seen with."""
    return PlaceRow(
        path,
        Kind.FILE,
        Root(root),
        stat.size,
        stat.mtime_ns,
        stat.ctime_ns,
        stat.inode,
        stat.executable,
    )
