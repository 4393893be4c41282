"""The fake disk workers of one world: looking, scanning, hashing, placing, settling, syncing.

Strategy: two queues per process, as in reality: readers (Look, Scan, Hash) run at the same time as
everything else and report what stood there a moment ago, so their facts are often stale; writers
(Place, Settle, MarkShare, Import) run one after another, a Place step by step. A Sync makes a copy
of the index as it stood when it was asked. Guarantees: a Place can be interrupted between any two
of its steps, by chance or on purpose (`crash_after`). Limits: a scan that meets an unmounted folder
is incomplete, and so is a walk that meets a folder that is shut.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from potluck.core.content.facts import ReadFault, Stat
from potluck.engine.effects import (
    DrainWatch,
    DropFolder,
    Hash,
    Import,
    Look,
    LookAround,
    LookAtTop,
    MakeDurable,
    MakeFolders,
    MarkShare,
    MoveFolder,
    Place,
    PruneTrash,
    Scan,
    Settle,
)
from potluck.engine.events import (
    BatchPlaced,
    BatchSettled,
    Event,
    FilesHashed,
    FolderMoved,
    Hashed,
    Imported,
    MadeDurable,
    SpaceSeen,
    TreeSeen,
    Unreadable,
    WatchDrained,
)
from potluck.engine.folder_facts import IgnoreFileSeen
from tests.fakes.disk import path_of
from tests.fakes.placing import Placing, settle

if TYPE_CHECKING:
    from potluck.core.content.paths import SafePath
    from tests.sim.hosts import Process
    from tests.sim.world import World

PAGE = 40
HINT_S = 0.01  # a hint that is not missed takes at most so long
"""Paths per TreeSeen and files per FilesHashed; the real pages are longer, here every seam is
wanted.
"""
STEP_S = 0.0001
"""One step of a Place."""


class Desk:
    """Every disk worker of the world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.syncs = 0
        self.crash_after: dict[
            int, int
        ] = {}  # host number -> steps of Place until the process is killed
        # told of each step of a Place that is done, by host number and name
        self.at_step: Callable[[int, str], None] = lambda number, step: None
        self._writing: dict[int, list[Iterator[float]]] = {}
        self.handlers: dict[type, Callable[[Process, Any], None]] = {
            Look: self.look,
            LookAtTop: self.look_at_top,
            Scan: self.scan,
            DrainWatch: self.drain,
            Hash: self.hash,
            Place: self.place,
            Settle: self.settle,
            MakeDurable: self.sync,
            MarkShare: self.mark_share,
            MakeFolders: self.make_folders,
            MoveFolder: self.move_folder,
            DropFolder: self.look_at_top,
            PruneTrash: self.prune_trash,
            Import: self.bring,
            LookAround: self.look_around,
        }

    # -- readers -----------------------------------------------------------------------------------
    def look_around(self, process: Process, effect: LookAround) -> None:
        """Look at the network."""
        self.world.later(0.002, lambda: process.post(process.interfaces()))

    def look(self, process: Process, effect: Look) -> None:
        """See what stands at some paths."""
        self._later(process, lambda: self._report(process, effect, effect.paths))

    def look_at_top(self, process: Process, effect: LookAtTop) -> None:
        """See what stands directly in Shared/."""
        if process.host.disk.mounted:  # always as soon: what is drawn for others stays as it was
            self.world.later(0.001, lambda: process.post(process.host.disk.top()))

    def prune_trash(self, process: Process, effect: PruneTrash) -> None:
        """Nothing is kept in a trash here: say how full the disk is."""
        self.world.later(0.001, lambda: process.post(process.space()))

    def drain(self, process: Process, effect: DrainWatch) -> None:
        """Let every hint that is under way come first; where some are missed that is no proof."""
        event = WatchDrained(effect.order, sees_all=not self.world.hint_loss)
        self.world.later(HINT_S, lambda: process.post(event))

    def scan(self, process: Process, effect: Scan) -> None:
        """Check the marker, then walk."""

        def act() -> None:
            share = process.share()
            if effect.own:
                process.post(share)
            if share.present:
                self._report(process, effect, effect.tops)
            else:
                self.world.later(
                    0.001,
                    lambda: process.post(TreeSeen(effect.order, (), (), last=True, complete=False)),
                )

        self._later(process, act)

    def _report(self, process: Process, effect: Look | Scan, paths: tuple[SafePath, ...]) -> None:
        disk, order = process.host.disk, effect.order
        seen = (
            [one for one in disk.walk(paths) if not disk.is_shut(one.path)] if disk.mounted else []
        )
        said = disk.ignore_text(paths[0]) if effect.own and disk.mounted else b""
        if effect.own and disk.mounted and said != (effect.rules or (b"",))[0]:
            new = TreeSeen(order, (), (), True, False, ignore_file=IgnoreFileSeen(said))
            self.world.later(0.0005, lambda: process.post(new))
            return
        file = IgnoreFileSeen(said) if effect.own and disk.mounted and effect.rules else None
        out = {one.path for one in seen if effect.own and said and disk.is_ignored(one.path)}
        ignored = tuple(path for path in sorted(out) if path.parent not in out)
        seen = [one for one in seen if one.path not in out]
        shut = tuple(
            Unreadable(path, ReadFault.PERMISSION, "permission denied")
            for path in sorted(disk.shut)
            if any(path.starts_with(top) for top in paths)
        )
        pages = [tuple(seen[at : at + PAGE]) for at in range(0, len(seen), PAGE)] or [()]
        for number, page in enumerate(pages, 1):
            last = number == len(pages)
            complete = last and disk.mounted and not shut
            event = TreeSeen(
                order,
                page,
                (),
                last,
                complete,
                shut if last else (),
                ignored if last else (),
                file if number == 1 else None,
            )
            self.world.later(0.0005 * number, lambda event=event: process.post(event))  # type: ignore[misc]

    def hash(self, process: Process, effect: Hash) -> None:
        """Read and hash files; each is looked at before and after."""
        files = process.host.disk.files
        before = {path: files[path].stat for path, _ in effect.files if path in files}
        size = sum(stat.size for stat in before.values())
        self.world.later(0.001 + size / 500e6, lambda: self._hashed(process, effect, before))

    def _hashed(self, process: Process, effect: Hash, before: dict[SafePath, Stat]) -> None:
        if not process.alive:
            return
        disk = process.host.disk
        for at in range(0, max(1, len(effect.files)), PAGE):
            good: list[Hashed] = []
            unstable: list[SafePath] = []
            for path, piece_size in effect.files[at : at + PAGE]:
                hashed = disk.hashed(path, piece_size, before.get(path))
                if hashed is None:
                    unstable.append(path)
                else:
                    good.append(hashed)
            last = at + PAGE >= len(effect.files)
            event = FilesHashed(effect.order, tuple(good), tuple(unstable), last)
            self.world.later(0.0002 * (at // PAGE), lambda event=event: process.post(event))  # type: ignore[misc]

    def _later(self, process: Process, act: Callable[[], None]) -> None:
        def run() -> None:
            if process.alive:
                act()

        self.world.later(self.world.chance.uniform(0.0002, 0.004), run)

    # -- writers -----------------------------------------------------------------------------------
    def place(self, process: Process, effect: Place) -> None:
        """Group commit."""
        self._write(process, self._placing(process, effect))

    def _placing(self, process: Process, effect: Place) -> Iterator[float]:
        placing = Placing(process.host.disk, effect.items, self.world.judge)
        process.placings.append(placing)
        for step in placing.steps():
            self.at_step(process.host.number, step)
            left = self.crash_after.get(process.host.number)
            if left is not None:
                self.crash_after[process.host.number] = left - 1
                if left <= 0:
                    del self.crash_after[process.host.number]
                    self.world.later(0.0, lambda: self.world.faults.crash(process.host.number))
                    yield 1.0
            yield STEP_S
        process.placings.remove(placing)
        self.world.hint(process, tuple(placing.touched))
        process.post(BatchPlaced(effect.batch, tuple(placing.placed)))

    def settle(self, process: Process, effect: Settle) -> None:
        """Find out what an interrupted Place left."""
        event: Callable[[], Event] = lambda: BatchSettled(  # noqa: E731
            effect.batch, settle(process.host.disk, effect.items)
        )
        self._write(process, self._once(process, event))

    def mark_share(self, process: Process, effect: MarkShare) -> None:
        """Write the marker, make the own folder."""

        def act() -> Event:
            process.host.disk.marker = effect.group
            if effect.label != process.host.disk.label:
                self.world.relabelled(process.host, effect.label, effect.former)
            process.host.disk.make_folders(path_of(effect.label))
            return replace(process.share(), label=effect.label)

        self._write(process, self._once(process, act))

    def make_folders(self, process: Process, effect: MakeFolders) -> None:
        """Let every member's folder stand, empty as it may be."""
        for label in effect.labels:
            process.host.disk.make_folders(path_of(label))

    def move_folder(self, process: Process, effect: MoveFolder) -> None:
        """Give somebody's folder another name."""

        def act() -> Event:
            disk = process.host.disk
            if not disk.mounted:
                return FolderMoved(effect.order, "the share is offline")
            aside = disk.move_top(path_of(effect.former), path_of(effect.label))
            return FolderMoved(effect.order, "", aside)

        self._write(process, self._once(process, act))

    def bring(self, process: Process, effect: Import) -> None:
        """Bring files from elsewhere into the own folder."""

        def act() -> Event:
            disk, added, failed = process.host.disk, [], []
            for name in effect.paths:
                if name in disk.outside:
                    target = effect.into.child(name.rsplit("/", 1)[-1])
                    self.world.hint(
                        process, tuple(disk.person("write", target, disk.outside[name]))
                    )
                    added.append(target.name)
                else:
                    failed.append((name, "there is no such file"))
            return Imported(effect.order, tuple(added), tuple(failed))

        self._write(process, self._once(process, act))

    def _once(self, process: Process, act: Callable[[], Event]) -> Iterator[float]:
        yield 0.001
        process.post(act())

    def _write(self, process: Process, job: Iterator[float]) -> None:
        queue = self._writing.setdefault(id(process), [])
        queue.append(job)
        if len(queue) == 1:
            self.world.later(0.0005, lambda: self._step(process, queue))

    def _step(self, process: Process, queue: list[Iterator[float]]) -> None:
        if not process.alive or not queue:
            return
        delay = next(queue[0], None)
        if delay is None:
            queue.pop(0)
            delay = STEP_S
        if queue:
            self.world.later(delay, lambda: self._step(process, queue))

    def sync(self, process: Process, effect: MakeDurable) -> None:
        """Make the index as it stands durable; tell a little later."""
        self.syncs += 1
        held = self.world.image_of(process.host.index)

        def done() -> None:
            if process.alive:
                process.host.durable = held if held is not None else process.host.durable
                process.post(MadeDurable(effect.barrier))

        self.world.later(self.world.chance.uniform(0.0005, 0.008), done)

    # -- the rest of a disk ------------------------------------------------------------------------
    def fill(self, process: Process | None, host_number: int, *, full: bool) -> None:
        """Fill or empty a disk and let its process know."""
        host = self.world.hosts[host_number]
        host.disk.full = full
        if process is not None:
            process.post(SpaceSeen(0 if full else host.disk.free_bytes, 2**41))
