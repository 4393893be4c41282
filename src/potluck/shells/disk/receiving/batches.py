"""Placing what was received: steps 3 to 7 of docs/disk.md §4, and what a crash left of them.

Strategy: a batch goes through its steps together. Files are made ready in `tmp/` (verified, with
time and mode) and fsynced in parallel; then, one path after the other, what stands there is kept
and one rename puts the new file over it; last, each touched folder is fsynced once. `crashpoint`
names stand before and after every step.

Guarantees: at every moment a path holds the whole old or the whole new content; nothing unexpected
is ever deleted or overwritten; no link is followed; an error ends one item and no other. A failed
fsync is not tried again: the file is dropped and fetched anew. Limits: what another program saves
between our look and our rename is kept only where Linux and the file system know how (swapping.py);
a file that it goes on writing is kept with what it writes.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import Final

from potluck.core.content.facts import Hindrance, Source
from potluck.core.errors import UnsafePath
from potluck.engine.effects import Place, PlaceItem, Settle
from potluck.engine.events import BatchPlaced, BatchSettled, Placed, Placement
from potluck.shells.disk.folders import Folders
from potluck.shells.disk.fsops import DISK_FULL, Share, crashpoint, lacks_inodes, reason_of
from potluck.shells.disk.keeping import Keeper
from potluck.shells.disk.receiving.healing import Healing
from potluck.shells.disk.receiving.part_files import PartFiles
from potluck.shells.disk.receiving.part_map import held_name
from potluck.shells.disk.receiving.replacing import Blocked, Replacing
from potluck.shells.disk.receiving.settling import Settling, put_orphans_aside
from potluck.shells.disk.receiving.sources import ReadyFile, SourceGone, Sources, outcome

_SYNCERS: Final = 4
"""Fsyncs at once: file systems put what comes together into one commit; more gain nothing."""
_NO_FILE: Final = frozenset({Source.FOLDER, Source.NONE})

CRASHPOINTS: Final = (
    "before_prepare", "after_prepare", "after_sync_files", "after_compare", "before_keep",
    "before_link", "after_link", "before_move", "after_move", "after_keep",
    "before_rename", "after_rename", "before_hold", "after_hold", "before_exchange",
    "after_exchange", "before_release", "after_release", "before_mkdir", "after_mkdir",
    "before_rmdir", "after_rmdir",
    "before_sync_folders", "after_sync_folders",
)  # fmt: skip
"""Every step of a batch at which a test may end the program, in about the order they are met."""

_Step = Placed | ReadyFile | None


class Batches:
    """Places batches in one share; all of it is called by one thread at a time."""

    def __init__(
        self,
        share: Share,
        part_files: PartFiles,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Place from `part_files`; `clock` dates what is kept."""
        self._share = share
        self._part_files = part_files
        self._clock = clock
        self._orphans_kept = False  # what earlier runs held and no batch of theirs was settled for

    def __repr__(self) -> str:
        return f"Batches({self._share.folder!r})"

    def place(self, order: Place) -> BatchPlaced:
        """Carry a batch out and say what became of each item; an item's trouble is its own."""
        sources = Sources(self._share, self._part_files, order.items, order.own)
        crashpoint("before_prepare")
        steps = [
            _prepare(sources, item, f"{order.batch}.{n}.copy") for n, item in enumerate(order.items)
        ]
        crashpoint("after_prepare")
        self._sync_files(sources, order.items, steps)
        crashpoint("after_sync_files")
        with (
            Keeper(self._share, self._clock()) as keeper,
            Folders(self._share.shared_fd) as folders,
        ):
            replacing = Replacing(self._share, keeper, folders)
            adding = Healing(self._share, keeper, folders)
            if not self._orphans_kept:
                put_orphans_aside(self._share, keeper)
                self._orphans_kept = True
            placed = []
            for number, (item, step) in enumerate(zip(order.items, steps, strict=True)):
                held = held_name(order.batch, number)
                to = adding if item.path.parts[0] == order.own else replacing
                done = step if isinstance(step, Placed) else _carry_out(to, item, step, held)
                placed.append(done)
                folders.trim()
                if isinstance(step, ReadyFile):
                    self._tidy(sources, step, done)
            crashpoint("before_sync_folders")
            durable = _sync_folders(keeper, folders, placed)
            crashpoint("after_sync_folders")
        return BatchPlaced(order.batch, self._told_apart(durable))

    def _told_apart(self, placed: tuple[Placed, ...]) -> tuple[Placed, ...]:
        """Tell a lack of inodes from one of space: the system has one word for both."""
        if all(item.detail != DISK_FULL for item in placed) or not lacks_inodes(self._share.top_fd):
            return placed
        inodes = str(Hindrance.INODES)
        return tuple(
            replace(item, detail=inodes) if item.detail == DISK_FULL else item for item in placed
        )

    def settle(self, order: Settle) -> BatchSettled:
        """Look what an interrupted batch left, and make durable what is there."""
        with (
            Keeper(self._share, self._clock()) as keeper,
            Folders(self._share.shared_fd) as folders,
        ):
            settling = Settling(self._share, keeper)
            asides = settling.empty_hands(order)
            found = []
            for item, aside in zip(order.items, asides, strict=True):
                found.append(replace(settling.found(item), put_aside=aside))
                with suppress(OSError, UnsafePath):  # a folder that is not there needs no fsync
                    folders.get(item.path.parts[:-1])
                    folders.touch(item.path.parts[:-1])
                folders.trim()
            settled = _sync_folders(keeper, folders, found)
        return BatchSettled(order.batch, settled)

    def _sync_files(
        self, sources: Sources, items: tuple[PlaceItem, ...], steps: list[_Step]
    ) -> None:
        """Fsync every ready file; one that fails is dropped and its item FAILED."""

        def sync(n: int) -> None:
            step = steps[n]
            assert isinstance(step, ReadyFile)
            failed = _sync_file(sources, step, items[n])
            if failed is not None:
                sources.discard(step)
                if step.part is not None:
                    self._part_files.drop((step.part,))
                steps[n] = failed

        ready = [n for n, step in enumerate(steps) if isinstance(step, ReadyFile)]
        if len(ready) > 1:
            with ThreadPoolExecutor(_SYNCERS, "sync") as pool:
                list(pool.map(sync, ready))
        elif ready:
            sync(ready[0])

    def _tidy(self, sources: Sources, ready: ReadyFile, placed: Placed) -> None:
        if placed.placement is Placement.SOURCE_GONE and ready.part is not None:
            self._part_files.drop((ready.part,))  # else it would be believed for ever
        elif placed.placement is not Placement.PLACED:
            sources.discard(ready)
        elif ready.part is not None:
            self._part_files.placed(ready.part)


def _prepare(sources: Sources, item: PlaceItem, copy_name: str) -> _Step:
    if item.source in _NO_FILE:
        return None
    try:
        return sources.prepare(item, copy_name)
    except SourceGone as gone:
        return outcome(item, Placement.SOURCE_GONE, str(gone))
    except (OSError, UnsafePath) as error:
        return outcome(item, Placement.FAILED, reason_of(error))


def _changed(replacing: Replacing, item: PlaceItem, ready: ReadyFile | None, held: str) -> Placed:
    if ready is not None:
        return replacing.put(item, ready, held)
    if item.source is Source.FOLDER:
        return replacing.make_folder(item, held)
    return replacing.remove(item)


def _carry_out(replacing: Replacing, item: PlaceItem, ready: ReadyFile | None, held: str) -> Placed:
    """Change one path, now that its file is ready; whatever is in the way ends this item only."""
    try:
        return _changed(replacing, item, ready, held)
    except Blocked as blocked:
        return replace(outcome(item, Placement.BLOCKED, str(blocked)), in_the_way=blocked.at)
    except SourceGone as gone:
        return outcome(item, Placement.SOURCE_GONE, str(gone))
    except UnsafePath as error:  # somebody plants links faster than we put them aside
        return outcome(item, Placement.BLOCKED, reason_of(error))
    except OSError as error:
        return outcome(item, Placement.FAILED, reason_of(error))


def _sync_file(sources: Sources, ready: ReadyFile, item: PlaceItem) -> Placed | None:
    """Fsync one file; return what became of its item if that failed."""
    try:
        descriptor = sources.open(ready, item.path)
    except (FileNotFoundError, UnsafePath) as error:  # exchanged since it was verified
        return outcome(item, Placement.SOURCE_GONE, reason_of(error))
    except OSError as error:
        return outcome(item, Placement.FAILED, reason_of(error))
    try:
        crashpoint("sync_file")
        os.fsync(descriptor)
    except OSError as error:
        return outcome(item, Placement.FAILED, reason_of(error))
    finally:
        os.close(descriptor)
    return None


def _sync_folders(keeper: Keeper, folders: Folders, placed: list[Placed]) -> tuple[Placed, ...]:
    """Make the batch durable, what was kept first; items in a folder that failed are FAILED."""
    try:
        keeper.sync()
    except OSError as error:
        return tuple(
            replace(item, placement=Placement.FAILED, detail=reason_of(error)) for item in placed
        )
    failed = folders.sync()
    return tuple(_unless_failed(item, failed) for item in placed)


def _unless_failed(item: Placed, failed: dict[tuple[str, ...], str]) -> Placed:
    reason = failed.get(item.path.parts[:-1])
    return item if reason is None else replace(item, placement=Placement.FAILED, detail=reason)
