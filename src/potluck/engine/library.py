"""The library: the own folder, and the manifest that follows it.

Strategy: hints and scans say where to look, a look says what stands there (`TreeSeen`), core/reconcile.py says what
that means, and only what may have changed is read and hashed. What follows is written to the index in one go and
published as one signed head, at once when little happens and every 50 ms under load. A head leaves this device only
after the index is on the disk.

Guarantees: the disk is right and the manifest follows; a rename needs no reading; a file that will not hold still is
taken again later; damage (another content under an identical stat) is told and never published. What vanished while
nobody watched is only gone after two looks ten seconds apart, and nothing is gone while the marker is missing.
Limits: one tree, one owner: this device.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from potluck.core import limits
from potluck.core.manifest import newer, sign_head
from potluck.core.messages import FileRecord, Folder, Head, Kind
from potluck.core.paths import SafePath, not_portable
from potluck.core.pieces import EMPTY_ROOT, Root
from potluck.core.reconcile import OwnChange, PlaceRow, Verdict, judge_hash, own_change
from potluck.engine.effects import Hash, Look, Scan
from potluck.engine.events import (
    FilesHashed,
    Hashed,
    OrderId,
    PathSeen,
    PathsTouched,
    ShareSeen,
    Stat,
    TreeSeen,
)
from potluck.engine.node import Node

HASH_BATCH = 256
OWN = Folder.OWN


class Library:
    """The own folder and its manifest."""

    def __init__(self, node: Node) -> None:
        """Know what the index knows."""
        self._node = node
        self.share_present = True
        self.scan_when_marked = False  # the marker is being written: scan once it is there
        self.share_reason = ""
        self.refused: dict[str, str] = {}  # path as a person reads it -> reason
        self.published: Callable[[Head], None] = _ignore
        self._looks: dict[OrderId, bool] = {}  # order -> whether it is a full scan
        self._scan_seen: set[bytes] = set()
        self._scanning: OrderId | None = None
        self._hashing = 0
        self._again: dict[SafePath, float] = {}  # path -> when to look again
        self._doubtful: dict[bytes, float] = {}  # path missing in a scan -> when it was first missed
        self._touched: set[SafePath] = set()
        self._records: dict[bytes, FileRecord] = {}  # changed, not yet published
        self._gone: set[bytes] = set()
        self._published_s = -limits.HEAD_MIN_S
        self._seq = 0
        self._generation = 1
        self._rescan_s = 0.0

    @property
    def top(self) -> SafePath:
        """The own folder below Shared/."""
        return self._node.top_of(self._node.me)

    @property
    def busy(self) -> bool:
        """Whether something is being looked at or read."""
        return bool(self._looks or self._hashing or self._records or self._gone or self._touched)

    def start(self, *, marked: bool) -> None:
        """Continue where the index ends, and look at everything once: at once if the share was `marked` before."""
        head = self._node.index.manifests.head(self._node.me, OWN)
        if head is not None:
            self._seq, self._generation = head.seq, head.generation
        self._rescan_s = self._node.now + limits.RESCAN_S
        self.scan_when_marked = not marked
        if marked:
            self.scan()

    def scan(self) -> None:
        """Look at the whole own folder."""
        if self._scanning is not None:
            self._rescan_s = self._node.now
            return
        order = self._node.number()
        self._scanning, self._scan_seen = order, set()
        self._looks[order] = True
        self._rescan_s = self._node.now + limits.RESCAN_S
        self._node.do(Scan(order, (self.top,)))

    # -- facts ----------------------------------------------------------------------------------------------------
    def on_touched(self, event: PathsTouched) -> None:
        """The watcher noticed something."""
        if event.overflow and not self.scan_when_marked:
            self._rescan_s = self._node.now
        self._touched.update(path for path in event.paths if path.starts_with(self.top) and path != self.top)
        if self._touched and not self._hashing and not self._looks:
            self._look()

    def on_share(self, event: ShareSeen) -> None:
        """The marker was checked."""
        if self.share_present and not event.present:
            self._node.tell("share_offline", f"the share is offline: marker {event.reason}", level="error")
        back = event.present and not self.share_present
        self.share_present, self.share_reason = event.present, event.reason
        if event.present and (back or self.scan_when_marked):
            self.scan_when_marked = False
            self.scan()

    def on_tree(self, event: TreeSeen) -> bool:
        """Part of what a look found; returns whether it was one of ours."""
        if event.order not in self._looks:
            return False
        full = self._looks[event.order]
        for refusal in event.refused:
            path = f"{refusal.folder}/{refusal.name}"
            if self.refused.get(path) != refusal.reason and len(self.refused) < limits.LIST_ITEMS:
                self.refused[path] = refusal.reason
                self._node.tell("file_refused", f"not shared: {path} ({refusal.reason})", level="warning", subject=path)
        hashes: list[tuple[SafePath, int]] = []
        for seen in event.seen:
            if seen.path.starts_with(self.top) and seen.path != self.top:
                hashes += self._judge(seen, full=full)
        self._hash(hashes)
        if event.last:
            del self._looks[event.order]
            if full:
                self._scanning = None
                self._judge_missing(complete=event.complete)
            if self._touched:
                self._look()
        self.publish()
        return True

    def on_hashed(self, event: FilesHashed) -> None:
        """Files were read."""
        for hashed in event.files:
            self._take(hashed)
        for path in event.unstable:
            self._again[path] = self._node.now + limits.STILL_S
        if event.last:
            self._hashing -= 1
            if self._touched:
                self._look()
        self.publish()

    def on_own_head(self, head: Head) -> None:
        """Somebody holds a head of ours that is ahead of what we remember: an old disk or a lost index.

        Go one generation above it and publish everything anew; receivers then hold back deletes (docs/protocol.md §6).
        """
        known = self._node.index.manifests.head(self._node.me, OWN)
        if not newer(head, known) or head.instance == self._node.instance:
            return
        self._generation = max(head.generation, self._generation) + 1
        self._seq = max(self._seq, head.seq)
        self._node.tell("repair", "this device's own files were known to others in a later state", level="warning")
        self._publish_now()

    # -- time -----------------------------------------------------------------------------------------------------
    def deadline(self) -> float | None:
        """Return when `on_tick` must be called next."""
        times = [*self._again.values()]
        if self._scanning is None:
            times += [self._rescan_s, *(missed + limits.SECOND_LOOK_S for missed in self._doubtful.values())]
        if self._records or self._gone:
            times.append(self._published_s + limits.HEAD_MIN_S)
        return min(times, default=None)

    def on_tick(self) -> None:
        """Scan, look again, publish."""
        now = self._node.now
        due = [path for path, when in self._again.items() if when <= now]
        for path in due:
            del self._again[path]
            self._touched.add(path)
        doubtful = [path for path, missed in self._doubtful.items() if missed + limits.SECOND_LOOK_S <= now]
        if now >= self._rescan_s or doubtful:
            self.scan()
        if self._touched and not self._looks:
            self._look()
        self.publish()

    # -- looking --------------------------------------------------------------------------------------------------
    def _look(self) -> None:
        order = self._node.number()
        self._looks[order] = False
        paths = tuple(sorted(self._touched))[: limits.PAGE_RECORDS]
        self._touched.difference_update(paths)
        self._node.do(Look(order, paths))

    def _judge(self, seen: PathSeen, *, full: bool) -> list[tuple[SafePath, int]]:
        """Act on what stands at one path; returns what must be read."""
        node, path = self._node, seen.path.relative_to(self.top).wire
        if full:
            self._scan_seen.add(path)
        self._doubtful.pop(path, None)
        stands = node.index.places.get(node.me, OWN, path)
        twin = None
        if stands is None and seen.stat is not None and seen.stat.size:
            twin = node.index.places.by_inode(node.me, OWN, seen.stat.inode, seen.stat.size, seen.stat.mtime_ns)
        change = own_change(stands, seen, twin)
        if change is OwnChange.HASH:
            before = node.index.manifests.get(node.me, OWN, path)
            return [(seen.path, before.piece_size if before else 0)]
        if change is OwnChange.GONE:
            self._drop(path)
        elif change is OwnChange.FOLDER:
            row = PlaceRow(path, Kind.FOLDER, b"", 0, 0, 0, 0, executable=False)
            self._write(row, limits.PIECE_MIN_BYTES)
        elif change in (OwnChange.TOUCH, OwnChange.RENAMED) and seen.stat is not None:
            source = stands if change is OwnChange.TOUCH else twin
            if source is not None:
                known = node.index.manifests.get(node.me, OWN, source.path) or self._records.get(source.path)
                if known is None:
                    return [(seen.path, 0)]
                self._write(_row(path, source.root, seen.stat), known.piece_size)
        return []

    def _judge_missing(self, *, complete: bool) -> None:
        """After a whole scan: what the index knows and nobody saw is doubtful, the second time it is gone."""
        if not complete or not self.share_present:
            return
        node = self._node
        for path in node.index.places.all_paths(node.me, OWN):
            if path in self._scan_seen:
                continue
            missed = self._doubtful.setdefault(path, node.now)
            if node.now - missed >= limits.SECOND_LOOK_S:
                del self._doubtful[path]
                self._drop(path)

    def _hash(self, files: Sequence[tuple[SafePath, int]]) -> None:
        for at in range(0, len(files), HASH_BATCH):
            self._hashing += 1
            self._node.do(Hash(self._node.number(), tuple(files[at : at + HASH_BATCH])))

    def _take(self, hashed: Hashed) -> None:
        """A file was read: an edit is shared, damage is told."""
        node, path, pieces = self._node, hashed.path.relative_to(self.top).wire, hashed.pieces
        stands = node.index.places.get(node.me, OWN, path)
        if judge_hash(stands, hashed.stat, pieces.root) is Verdict.DAMAGE:
            text = f"damaged on this disk, not shared: {hashed.path}"
            node.tell("damage", text, level="error", subject=str(hashed.path))
            return
        reason = not_portable(hashed.path.name)
        if reason and stands is None:
            node.tell("not_portable", f"{hashed.path}: {reason}; some systems cannot hold it", subject=str(hashed.path))
        node.index.contents.put(pieces)
        self._write(_row(path, pieces.root, hashed.stat), pieces.piece_size)

    # -- changing -------------------------------------------------------------------------------------------------
    def _write(self, row: PlaceRow, piece_size: int) -> None:
        """Note what stands at a path, and change its record if that is news."""
        node = self._node
        node.index.places.put(node.me, OWN, [row])
        root = row.root if row.kind is Kind.FILE else EMPTY_ROOT
        mtime_ns = row.mtime_ns if row.kind is Kind.FILE else 0
        record = FileRecord(row.path, row.kind, row.size, mtime_ns, row.executable, piece_size, root, 0)
        known = self._records.get(row.path) or node.index.manifests.get(node.me, OWN, row.path)
        self._gone.discard(row.path)
        if known is None or msgspec.structs.replace(known, seq=0) != record:
            self._records[row.path] = record

    def _drop(self, path: bytes) -> None:
        """A path is gone, and with it everything below it."""
        node = self._node
        if not self.share_present:
            return
        below = [row.path for row in node.index.places.under(node.me, OWN, path)]
        for gone in [path, *below]:
            self._records.pop(gone, None)
            self._gone.add(gone)
        node.index.places.remove(node.me, OWN, [path, *below])

    def publish(self) -> None:
        """Sign and spread what changed, unless the last head is too young."""
        if (self._records or self._gone) and self._node.now >= self._published_s + limits.HEAD_MIN_S:
            self._publish_now()

    def _publish_now(self) -> None:
        node, manifests = self._node, self._node.index.manifests
        self._published_s = node.now
        records = []
        for record in self._records.values():
            self._seq += 1
            records.append(msgspec.structs.replace(record, seq=self._seq))
        manifests.put(node.me, OWN, records)
        if self._gone:
            self._seq = max(self._seq, manifests.delete(node.me, OWN, sorted(self._gone), self._seq + 1))
        self._records, self._gone = {}, set()
        count, root = manifests.count(node.me, OWN), manifests.root(node.me, OWN)
        head = Head(node.me, OWN, self._generation, self._seq, count, root, node.instance)
        signed = sign_head(head, node.key)
        manifests.set_head(signed)
        self.published(signed)


def _row(path: bytes, root: bytes, stat: Stat) -> PlaceRow:
    return PlaceRow(
        path, Kind.FILE, Root(root), stat.size, stat.mtime_ns, stat.ctime_ns, stat.inode, stat.executable
    )


def _ignore(*_: object) -> None:
    """Stand where a hook will be."""
