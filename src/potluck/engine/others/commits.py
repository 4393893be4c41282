"""Commits: from contents that are ready to files that stand, durable and written down.

Strategy: what is ready waits in two queues, first what is put in place, then what goes (and files
that take the place of a folder, which must be empty by then). Group commits take from the front of
them in the order of docs/disk.md §4: intents are written and made durable, `Place` does the work,
then rows are written and intents deleted in one transaction. Two batches may be under way if
neither touches what the other needs; what would clash is set aside until one of them has ended, and
then decided about anew. While a folder gets another name none begins, and what was ready is void.

Guarantees: nothing is placed without a durable intent; a spot is in at most one batch at a time. A
file that moves to a new name is not deleted under its old one. Removals come after everything else,
from the leaves up. While the share is offline nothing begins, and what a crash left waits to be
settled. Limits: what to do about a spot is decided elsewhere; here it is carried out.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import inf
from typing import Protocol

from potluck.core import limits
from potluck.core.content.facts import ManifestName, PlaceRow, Source, Spot
from potluck.core.wire.catalogue import Kind
from potluck.engine.effects import Place
from potluck.engine.events import BatchId, BatchPlaced, BatchSettled
from potluck.engine.node import Node
from potluck.engine.others.group_commit import (
    Batch,
    Placeable,
    SpotOutcome,
    giving_way,
    gone_spots,
    is_moot,
    row_of,
)
from potluck.engine.others.local_names import respell_rows
from potluck.engine.others.trash_memory import forget_lost, remember_trash
from potluck.engine.others.unsettled import Unsettled

BATCHES_AT_ONCE = 2
# what goes waits so long: its owner may be about to say that it only has another name
REMOVE_S = 0.25


class CommitsListener(Protocol):
    """Hears what became of group commits, and knows what is wanted at a spot."""

    def on_committed(self, done: Sequence[SpotOutcome]) -> None:
        """A batch is over, its rows are written."""

    def on_settled(self, done: Sequence[SpotOutcome]) -> None:
        """A batch of a run before this one was looked at: this stands, that has gone."""

    def look_again(self, spot: Spot) -> None:
        """What is to be done at a spot has to be decided anew."""

    def leaves(self, spot: Spot) -> bool:
        """Say whether what stands at a spot is still to go."""


class Commits:
    """The queue of what is ready, and the batches under way."""

    def __init__(self, node: Node, listener: CommitsListener) -> None:
        """Have nothing to do."""
        self._node, self._listener = node, listener
        self._puts: dict[Spot, Placeable] = {}
        self._lasts: dict[Spot, Placeable] = {}
        # of `_lasts`, ascending, taken from its end; may name what is gone; none: not sorted yet
        self._order: list[Spot] = []
        self._aside: set[Spot] = set()  # clashed with a batch that is under way still
        self._since_s = self._remove_s = inf  # nothing waits
        self._size_bytes = 0
        self._batches: dict[BatchId, Batch] = {}
        self._settling = Unsettled(node)

    def __repr__(self) -> str:
        """Return how much waits and how much is under way."""
        waiting = len(self._puts) + len(self._lasts)
        batches, settling = len(self._batches), len(self._settling)
        return f"<Commits {waiting=} {batches=} {settling=}>"

    def start(self) -> None:
        """Find out what a crash interrupted; again after trouble with the index: some is undone."""
        left = dict(self._node.index.intents.open_batches())
        self._batches = {number: batch for number, batch in self._batches.items() if number in left}
        self._settling.start({n: left[n] for n in left if n not in self._batches})
        self._take_up_aside()

    @property
    def settling(self) -> bool:
        """Whether it is still unknown what a crash interrupted; nothing can be decided before."""
        return bool(self._settling)

    @property
    def placing(self) -> bool:
        """Whether a batch is under way, or it is unknown what became of one."""
        return bool(self._batches or self._settling)

    def spots(self) -> list[Spot]:
        """Return where something is being changed, or ready to be."""
        spots = [*self._puts, *self._lasts, *self._aside]
        return spots + [spot for batch in self._batches.values() for spot in batch.changing]

    # -- queue -------------------------------------------------------------------------------------
    def add(self, ready: Placeable) -> None:
        """Place this soon."""
        self.discard(ready.spot)
        if ready.last:
            if not self._lasts:
                self._remove_s = self._node.now + REMOVE_S
            self._lasts[ready.spot] = ready
            self._order.clear()
        else:
            if not self._puts:
                self._since_s = self._node.now
            self._puts[ready.spot] = ready
        self._size_bytes += ready.size_bytes

    def discard(self, spot: Spot) -> None:
        """What was decided about a spot counts no more; what is under way goes on."""
        ready = self._puts.pop(spot, None) or self._lasts.pop(spot, None)
        self._size_bytes -= ready.size_bytes if ready is not None else 0
        self._aside.discard(spot)

    def busy(self, spot: Spot) -> bool:
        """Say whether a batch under way changes this spot."""
        return any(spot in batch.changing for batch in self._batches.values())

    def deadline(self) -> float | None:
        """Return when `flush` must be called next."""
        if self._settling.waits:
            return self._node.now
        if not self._may_begin:
            return None
        if self._puts:
            return self._since_s + limits.COMMIT_S
        if not self._lasts or self._batches:
            return None
        return self._remove_s

    @property
    def _may_begin(self) -> bool:
        """Whether there is room for one more batch, and the disk is as the index knows it."""
        if self._settling or not self._node.share_present or self._node.moving:
            return False
        return len(self._batches) < BATCHES_AT_ONCE

    def flush(self, *, deciding: bool, fetching: bool) -> None:
        """Begin group commits: at once if no more will be ready soon, else if enough or old enough.

        While `deciding` is unfinished nothing is removed: what is to go may yet be the source of
        something.
        """
        self._settling.look_again()
        while self._may_begin:
            lasts = bool(self._lasts) and not deciding and self._node.now >= self._remove_s
            puts = bool(self._puts) and self._is_due(more=deciding or fetching)
            if not lasts and not puts:
                return
            if not self._begin(lasts=lasts):
                return

    def _is_due(self, *, more: bool) -> bool:
        """Say whether what is put need not wait for more that will be ready soon."""
        if len(self._puts) >= limits.COMMIT_FILES or self._size_bytes >= limits.COMMIT_BYTES:
            return True
        return not more or self._node.now >= self._since_s + limits.COMMIT_S

    # -- batches -----------------------------------------------------------------------------------
    def _begin(self, *, lasts: bool) -> bool:
        """Begin one group commit; returns whether anything left the queue."""
        chosen, clashing = list[Placeable](), list[Placeable]()
        size_bytes = 0
        for ready in self._candidates(lasts=lasts):
            full = len(chosen) >= limits.COMMIT_FILES
            too_much = size_bytes + ready.size_bytes > limits.COMMIT_BYTES
            if full or (chosen and too_much):
                break
            if any(batch.clashes(ready) for batch in self._batches.values()):
                # at once: while something is set aside, nothing that goes is a candidate
                self._aside.add(ready.spot)
                clashing.append(ready)
            else:
                chosen.append(ready)
                size_bytes += ready.size_bytes
        for ready in chosen + clashing:
            self.discard(ready.spot)
        self._aside.update(ready.spot for ready in clashing)
        self._since_s = self._node.now
        self._open(chosen)
        return bool(chosen or clashing)

    def _candidates(self, *, lasts: bool) -> Iterator[Placeable]:
        """Yield what may be placed: folders before what is in them; what goes, leaves first."""
        yield from self._puts.values()
        if not lasts or self._aside:
            return
        if not self._order:
            self._order = sorted(self._lasts)
        while self._order and self._order[-1] not in self._lasts:
            self._order.pop()
        for spot in reversed(self._order):
            ready = self._lasts.get(spot)
            if ready is None:
                continue
            if self._batches and ready.item.expected is None:
                return  # a folder: what is in it may be going right now
            yield ready

    def _open(self, chosen: Sequence[Placeable]) -> None:
        checked = [_checked(ready, self._listener) for ready in _folders_first(self._node, chosen)]
        moved = {ready.moved_from for ready in checked}
        batch = {ready.item.path: ready for ready in checked if not is_moot(ready, moved)}
        if batch:
            number = BatchId(self._node.number())
            self._batches[number] = Batch(batch)
            items = tuple(ready.item for ready in batch.values())
            self._node.index.intents.open(number, items)
            own = self._node.layout.name_of(self._node.me)
            self._node.when_durable([Place(number, items, own)])

    def on_placed(self, event: BatchPlaced) -> None:
        """A group commit is on the disk: write rows, delete intents, say what became of it."""
        batch = self._batches.pop(event.batch, None)
        if batch is None:
            return
        self._node.index.intents.close(event.batch)
        done = [
            SpotOutcome(batch.ready[placed.path], placed)
            for placed in event.items
            if placed.path in batch.ready
        ]
        moved = batch.changing - {ready.spot for ready in batch.ready.values()}
        self._record(done)
        forget_lost(self._node, done)
        self._aside |= moved
        self._take_up_aside()
        self._listener.on_committed(done)

    def _take_up_aside(self) -> None:
        """What was in the way has ended: decide anew."""
        for spot in sorted(self._aside):
            self._listener.look_again(spot)
        self._aside.clear()

    def on_settled(self, event: BatchSettled) -> None:
        """An interrupted batch was looked at: what stands is ours, the rest is decided anew."""
        wanted = self._settling.settle(event)
        if wanted is None:
            return
        layout = self._node.layout
        items = {item.path: item for item in wanted}
        done = []
        for placed in event.items:
            spot, item = layout.spot_at(placed.path), items.get(placed.path)
            if spot is not None and item is not None:
                source = layout.spot_at(item.local) if item.local is not None else None
                done.append(SpotOutcome(Placeable(spot, item, source), placed))
        self._record(done)
        self._node.index.intents.close(event.batch)
        self._aside |= {each.ready.spot for each in done}
        self._aside |= {each.ready.source for each in done if each.ready.source is not None}
        self._take_up_aside()
        self._listener.on_settled(done)

    def _record(self, done: Sequence[SpotOutcome]) -> None:
        """Bring the index up to what stands on the disk now."""
        rows: dict[ManifestName, list[PlaceRow]] = {}
        gone: dict[ManifestName, list[bytes]] = {}
        for name, path in gone_spots(done):
            gone.setdefault(name, []).append(path)
        for each in done:
            name, path = each.ready.spot
            if each.stands:
                rows.setdefault(name, []).append(row_of(path, each))
        remember_trash(self._node, done, rows, gone)
        for name, paths in gone.items():
            self._node.index.places.remove(name, paths)
        for name, new in rows.items():
            self._node.index.places.put(name, new)
        for each in done:
            if each.respelled is not None:
                self._aside |= respell_rows(self._node, each.respelled, each.ready.spot)


def _checked(ready: Placeable, listener: CommitsListener) -> Placeable:
    """A file that was to go and is wanted again is not moved away but copied."""
    if ready.moved_from is None or listener.leaves(ready.moved_from):
        return ready
    return replace(ready, item=replace(ready.item, source=Source.LOCAL))


def _folders_first(node: Node, chosen: Sequence[Placeable]) -> Iterator[Placeable]:
    """Yield each, and before it a folder it is in where a file of its owner stands still.

    Else the disk would meet a file in the way of a folder, and not know whose that is.
    """
    index, seen = node.index, set[Spot]()
    for ready in chosen:
        above = [] if ready.item.source is Source.NONE else ready.spot.above()
        for folder in reversed([spot for spot in above if spot not in seen]):
            seen.add(folder)
            row, wanted = index.places.get(*folder), index.manifests.get(*folder)
            if row is None or row.kind is not Kind.FILE:
                continue
            if wanted is not None and wanted.kind is Kind.FOLDER:
                yield giving_way(folder, node.layout.path_of(folder), row)
        seen.add(ready.spot)
        yield ready
