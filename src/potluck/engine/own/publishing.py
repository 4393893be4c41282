"""Publishing: what stands in the own folder becomes numbered changes under one signed head.

Strategy: a change is kept apart, what stands and what is said of it together, until the next head.
Then places, records and head are written in one transaction, so a crash leaves either the old head
and a file that the next scan finds, or the new head and everything under it. An idle device
publishes at once; the more files wait to be read, the longer it gathers, up to a second.

Guarantees: every change has a number of its own; a head leaves this device only after the index is
on the disk; a change that was taken back before its head was never made. A head names the runs that
it continues (engine/own/lineage.py). Too many deletes at once are told to nobody before a person
says so (engine/own/owners_breaker.py). While another machine runs with this identity
(`Node.cloned`) nothing is published; changes are gathered until a person decides
(engine/clones.py). Limits: what others hold of a state that this device lost is merged by
engine/own/lost_state.py. What a head ends is remembered (engine/own/endings.py).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

import msgspec

from potluck.core import limits
from potluck.core.content.facts import PlaceRow, SharedChange
from potluck.core.content.manifest import sign_head
from potluck.core.content.paths import within
from potluck.core.wire.catalogue import FileRecord, Head, Kind
from potluck.core.wording import of_amount, plural
from potluck.engine.node import Node
from potluck.engine.own.damaged_files import DamagedFiles, DamagedListener
from potluck.engine.own.endings import Endings
from potluck.engine.own.held_elsewhere import is_lacked
from potluck.engine.own.last_change import LastChange
from potluck.engine.own.lineage import Lineage
from potluck.engine.own.older_copy import OlderCopy, OlderCopyListener
from potluck.engine.own.owners_breaker import OwnersBreaker
from potluck.engine.own.pending_record import PendingRecord, record_about

HEAD_MAX_S = 1.0  # the longest that changes are gathered under load
HEAD_S_PER_FILE = 0.001  # each file that waits to be read stretches the pace by this much
MERGED_FIRST_S = 15.0  # a decision waits so long for a state that was lost, and is on its way
CHANGES_MAX = 2 * limits.PAGE_RECORDS  # more are published whatever the pace: about 50 ms of work

LOOKED_UP_MAX = 5_000  # of more that go in one go nobody asks who lacks them: about 0.1 s

_Gone = Mapping[bytes, FileRecord | PlaceRow | None]  # with what the last head says of each


class PublishingListener(DamagedListener, OlderCopyListener, Protocol):
    """Hears of own heads."""

    def on_published(self, head: Head) -> None:
        """The own manifest has this new head."""

    def on_shared(self, changes: Sequence[SharedChange]) -> None:
        """These changes are what is new in it."""

    def on_held_changed(self) -> None:
        """More, or less, of what is shared is gone here than a moment ago, and held."""


class Publishing:
    """The own manifest."""

    def __init__(self, node: Node, listener: PublishingListener) -> None:
        """Begin with nothing to say; `start` continues where the index ends."""
        self._node, self._listener = node, listener
        self._changed: dict[bytes, PendingRecord] = {}
        # what the last head says of each path that is gone
        self._gone: dict[bytes, FileRecord | PlaceRow | None] = {}
        self.breaker = OwnersBreaker(node)
        self.held = self.breaker.held
        self.damaged = DamagedFiles(node, listener)
        self.older = OlderCopy(node, listener)
        self.kept: dict[bytes, PendingRecord] = {}  # what stands where another file is held
        self.generation, self._seq, self._published_s = 1, 0, -HEAD_MAX_S
        self.lineage = Lineage(node.index.meta)
        self._endings = Endings(node)
        self.last_change = LastChange(node, self.damaged, self.breaker, self._endings)
        self._heard = (0, 0)  # the highest generation, and number, of an own head of another run
        self._patient_s = 0.0  # until then a lost state is merged before anything is published
        self.repairing = False  # a head is due even without changes: the generation is new

    def __repr__(self) -> str:
        """Return where the manifest stands and how much waits."""
        return f"<Publishing {self.generation}.{self._seq}, {self.pending} waiting>"

    def start(self) -> None:
        """Continue where the index ends."""
        head = _own_head(self._node)
        if head is not None:
            self._seq, self.generation = head.seq, head.generation
        self.lineage.begin(head, self._node.instance)
        self.breaker.start()
        self.damaged.start()
        self.older.start()
        self._end(self.held.confirmed)

    # -- what will be true with the next head ------------------------------------------------------
    @property
    def pending(self) -> int:
        """How many changes wait for the next head."""
        return len(self._changed) + len(self._gone)

    def stands(self, path: bytes) -> PlaceRow | None:
        """Return what stands at a path of the own folder, published or not."""
        change = self._changed.get(path) or self.kept.get(path)
        if change is not None or path in self._gone:
            return change.row if change is not None and path not in self._gone else None
        return self._node.index.places.get(self._node.own_manifest, path)

    def record(self, path: bytes) -> FileRecord | None:
        """Return what is, or is going to be, said of a path."""
        change = self._changed.get(path)
        if change is not None or path in self._gone:
            return change.record if change is not None else None
        return self._node.index.manifests.get(self._node.own_manifest, path)

    def put(self, row: PlaceRow, piece_size: int, *, as_shared: bool = False) -> None:
        """Note what stands at a path; it is a change if it is news.

        `as_shared`: what is said of that path stays, whatever stands there.
        """
        index, name = self._node.index, self._node.own_manifest
        before = self.stands(row.path)
        if before is not None and before.kind is Kind.FOLDER and row.kind is Kind.FILE:
            self._end_below([row.path])  # nothing can stand below a file
        record = record_about(row, piece_size)
        live = index.manifests.get(name, row.path)
        self._gone.pop(row.path, None)
        self.kept.pop(row.path, None)
        if live is not None and (as_shared or msgspec.structs.replace(live, seq=0) == record):
            self._changed.pop(row.path, None)
            self.held.release([row.path])
            if row != before:
                index.places.put(name, [row])
        else:
            self._changed[row.path] = PendingRecord(row, record, live)

    def drop(self, paths: Collection[bytes]) -> None:
        """These paths are gone, and with them everything below them."""
        self.breaker.on_dropped()
        standing = {path: self.stands(path) for path in paths}
        folders = [path for path, row in standing.items() if _is_folder(row)]
        if folders:
            self._end_below(folders)
        for path, row in standing.items():
            change = self._changed.pop(path, None)
            self._gone.setdefault(path, row if change is None else change.before)

    def keep(self) -> None:
        """The share went away: what seemed to be deleted just before may only have gone with it."""
        self._gone.clear()
        self.breaker.fresh.on_away()
        self._end(self.held.confirmed)

    def confirm(self, path: bytes = b"") -> str | None:
        """A person wants what is held, at a path or anywhere, to end: say so with the next head.

        Return what follows, None if nothing is held there.
        """
        before, paths = self.held.amount, self.held.confirm(path)
        self._endings.on_confirmed(paths)
        what = of_amount(*before.less(self.held.amount))
        self._end(paths)
        earlier = self.older.confirm(path)
        self.breaker.meant.update(earlier)
        text = f"Confirmed: {what}. The other devices put what they have of that in their trash;"
        text += " where it is very much at once, a person is asked first, on one of them."
        if earlier:
            text = f"{text} " if paths else ""
            text += f"{plural(len(earlier), 'file')} shared now as what stands here."
        return text if paths or earlier else None

    def _end(self, paths: Collection[bytes]) -> None:
        """The next head says of these, which were held, what stands there now, or nothing."""
        index, name = self._node.index, self._node.own_manifest
        for path in paths:
            kept = self.kept.pop(path, None)
            if kept is not None:
                self._changed.setdefault(path, kept)
            if self.stands(path) is None:
                self._gone.setdefault(path, index.manifests.get(name, path))

    def known_below(self, folder: bytes) -> list[bytes]:
        """Return what will stand below a folder (b"" is everything) with the next head."""
        known = self._node.index.places.all_paths(self._node.own_manifest, folder)
        prefix = folder + b"/" if folder else b""
        known += [path for path in (*self._changed, *self.kept) if path.startswith(prefix)]
        return [path for path in dict.fromkeys(known) if path not in self._gone]

    @property
    def untold(self) -> tuple[Mapping[bytes, PendingRecord], _Gone]:
        """What the next head says by path: what stands there, and what is gone."""
        return self._changed, self._gone

    def _end_below(self, folders: Collection[bytes]) -> None:
        places, name = self._node.index.places, self._node.own_manifest
        for folder in folders:
            self._gone.update((row.path, row) for row in places.under(name, folder))
        above = set(folders)
        for changes in (self._changed, self.kept):
            for path in [path for path in changes if within(path.rpartition(b"/")[0], above)]:
                del changes[path]

    # -- time --------------------------------------------------------------------------------------
    def deadline(self, waiting: int) -> float | None:
        """Return when `on_tick` must be called next, while so many files wait to be read."""
        times = list[float]()
        if self._node.cloned:
            return None
        if self._node.unmerged and self._node.now < self._patient_s:
            return self._patient_s
        if self.pending or self.repairing:
            gathers_s = self.breaker.gathers_until_s(len(self._gone), len(self._changed))
            times.append(max(self._published_s + _pace_s(waiting), gathers_s))
        if (count_s := self.breaker.deadline()) is not None:
            times.append(count_s)
        return min(times, default=None)

    def on_tick(self, waiting: int) -> None:
        """Publish, unless the last head is too young while so many files wait to be read."""
        now = self._node.now
        if self._node.cloned or (self._node.unmerged and now < self._patient_s):
            return
        due = now >= self._published_s + _pace_s(waiting) or self.pending >= CHANGES_MAX
        gathers_s = self.breaker.gathers_until_s(len(self._gone), len(self._changed))
        if due and (self.pending or self.repairing) and now >= gathers_s:
            self.share_again(self.older.displaced(self._changed))
        if self.breaker.on_tick():
            self._listener.on_held_changed()

    # -- heads -------------------------------------------------------------------------------------
    def on_other_run(self, head: Head) -> None:
        """Somebody holds a head of another run of this device."""
        generation, seq = self._heard
        self._heard = max(generation, head.generation), max(seq, head.seq)

    def begin_anew(self, further: int) -> None:
        """Go so many generations above all that was heard of, with the next head.

        A single one says that what the others hold is continued; many, that a person decided: what
        others hold that is not known here is merged first, if it comes in time. None:
        the next head has another number and says the same, so nobody reads it all again.
        """
        self.repairing = True
        if not further:
            self._seq += 1
            return
        generation, seq = self._heard
        self.generation = max(self.generation, generation) + further
        self._patient_s = self._node.now + MERGED_FIRST_S if further > 1 else 0.0
        self._seq = max(self._seq, seq)

    def share_again(self, records: Sequence[FileRecord], *, instead: bool = False) -> None:
        """These are shared again, and held, for they are not here; what waits is said as well.

        `instead`: files with other contents stand there, and give way as soon as one comes.
        """
        if instead:
            rows = [self.stands(one.path) for one in records]
            self._publish(records)
            for row in filter(None, rows):
                self.older.note(row.path, row.root, wanted=True)
            return
        back = [record.path for record in records]
        for path in back:
            self._gone.pop(path, None)  # what was here has gone; what comes back has not
        self._node.index.places.remove(self._node.own_manifest, back)
        self._publish(records)
        if back:
            self.held.hold(back)
            self.held.write()

    def _publish(self, again: Sequence[FileRecord] = ()) -> None:
        node, index, name = self._node, self._node.index, self._node.own_manifest
        if not self.older.found:  # there a content that comes elsewhere ends nothing
            self._end(self.breaker.moved(self._changed))
        before = len(self.held)
        self.held.hold(self.older.kept(self._gone, self.held.confirmed))
        older, kept_back = len(self.held), self.breaker.sift(self._gone, self._changed)
        self._endings.on_held(before, len(self.held) - older)
        _keep_back(kept_back, self._changed, self._gone, self.kept)
        index.places.remove(name, kept_back)
        said = [*(change.record for change in self._changed.values()), *again]
        records = [
            msgspec.structs.replace(record, seq=seq)
            for seq, record in enumerate(said, self._seq + 1)
        ]
        seq = self._seq + len(records)
        self._endings.note(records[: len(self._changed)], self._gone)
        index.manifests.put(name, records)
        self.held.release(self._changed)
        index.places.put(name, [change.row for change in self._changed.values()])
        ended, gone = _ended(node, self._gone), sorted(self._gone)
        if gone:
            seq = index.manifests.delete(name, gone, seq + 1)
            index.places.remove(name, gone)
        if seq > self._seq or self.repairing:
            count, root = index.manifests.count(name), index.manifests.root(name)
            told, run = self.lineage.told(), node.instance
            head = Head(*name, self.generation, seq, count, root, run, continues=told)
            head = sign_head(head, node.key)
            index.manifests.set_head(head)
            self.lineage.write()
            self._seq, self._published_s, self.repairing = seq, node.now, False
            self._patient_s = 0.0
            self._listener.on_published(head)
            self._listener.on_shared(_changes(self._changed, self._gone, ended))
        self._changed, self._gone = {}, {}
        self.held.on_said()


def _ended(node: Node, gone: _Gone) -> dict[bytes, FileRecord]:
    """Return what the last head says of what was here and is gone, if somebody may lack it."""
    if len(gone) > LOOKED_UP_MAX or not is_lacked(node):
        return {}
    here = (path for path, row in gone.items() if isinstance(row, PlaceRow))
    said = (node.index.manifests.get(node.own_manifest, path) for path in here)
    return {one.path: one for one in said if one is not None}


def _own_head(node: Node) -> Head | None:
    return node.index.manifests.head(node.own_manifest)


def _keep_back(
    paths: Collection[bytes],
    changed: dict[bytes, PendingRecord],
    gone: dict[bytes, FileRecord | PlaceRow | None],
    kept: dict[bytes, PendingRecord],
) -> None:
    """Take these out of what is said, since what is shared there is held; `kept` is what stands."""
    for path in paths:
        gone.pop(path, None)
        kept.pop(path, None)
        if path in changed:
            kept[path] = changed.pop(path)


def _changes(
    changed: Mapping[bytes, PendingRecord], gone: _Gone, ended: Mapping[bytes, FileRecord]
) -> list[SharedChange]:
    """Return what a new head changes, path by path."""
    changes = [SharedChange(path, one.before, one.record) for path, one in changed.items()]
    return changes + [
        SharedChange(path, before, None, ended.get(path)) for path, before in gone.items()
    ]


def _pace_s(waiting: int) -> float:
    return min(HEAD_MAX_S, max(limits.HEAD_MIN_S, waiting * HEAD_S_PER_FILE))


def _is_folder(row: PlaceRow | None) -> bool:
    return row is not None and row.kind is Kind.FOLDER
