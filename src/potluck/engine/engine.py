"""The engine: a function from what happened to what should be done.

Strategy: `handle(event, now)` hands the event to the part whose business it is (engine/dispatch.py;
the parts, and who tells whom, are in engine/wiring.py), then lets every part do what is due, and
returns the effects in order. No part knows the loop, a socket or a clock. A call is three
transactions of the index: the fact, what is due among the devices, what is due about files. Each
stands whole or not at all, so a full disk stops files and not the ring.

Guarantees: bad input from a peer changes nothing but a counter and perhaps a notice. Equal calls
give equal effects. If the index fails, nothing that depends on what was undone is ever asked for;
memory may then be ahead of the index, so after a rest everything is looked at once more
(engine/index_trouble.py). Only trouble of the index makes files rest: a fault of ours costs the one
fact, or the one part, that it is in (engine/faults.py). `on_tick(deadline())` always makes
progress.

Limits: single-threaded by design, and a call takes as long as its fact is large. Measured (CPU
time, the index on a disk): a datagram, a message, or one file that is read, fetched or placed takes
0.05 to 1 ms, with 100,000 files in the index as with 10,000. What comes in batches takes longer:
256 files read, fetched or placed 4 to 8 ms, a page of 1,000 records 4 ms, 1,000 paths seen 12 ms,
2,000 changes published 20 to 150 ms. The last page of a manifest, by which all of it takes effect
at once, takes 80 ms for 10,000 new files and 0.7 s for 100,000. While many files came, about one
call in a hundred took 50 to 250 ms; Python's look for cycles, a chore by now, was part of that.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from potluck.core.chance import Chance
from potluck.core.errors import DiskTrouble
from potluck.core.keys.identity import DeviceKey
from potluck.engine.dispatch import Dispatch
from potluck.engine.due_parts import DueParts
from potluck.engine.effects import Effect
from potluck.engine.events import DiskEvent, Event, FolderEvent, SpaceSeen
from potluck.engine.farewell import without_beginnings
from potluck.engine.faults import COMPANY_REST_S, Faults, instead_of
from potluck.engine.index import Index
from potluck.engine.index_trouble import IndexTrouble
from potluck.engine.lost_facts import LostFacts
from potluck.engine.node import EngineSettings, Node
from potluck.engine.others.trash_memory import prune_order
from potluck.engine.views.copied_entries import CopiedEntries
from potluck.engine.views.former_versions import former_versions
from potluck.engine.views.listing import PAGE_FILES
from potluck.engine.views.path_values import FormerPage, InfoView, WhyView
from potluck.engine.views.values import FilesPage, FolderPage, KeepersView, StateView
from potluck.engine.wiring import Wiring

__all__ = ["Chance", "Engine", "EngineSettings"]


class Engine:
    """One device's potluck, without the world around it."""

    def __init__(
        self,
        settings: EngineSettings,
        key: DeviceKey,
        index: Index,
        chance: Chance,
        instance: bytes,
    ) -> None:
        """Build the parts; nothing happens before `start`."""
        self.node, self.index = Node(settings, key, index, chance, instance), index
        self.wiring = Wiring(self.node)
        self.dispatch = Dispatch(self.wiring)
        self._trouble = IndexTrouble(self.node.troubles)
        # whether files wait for room on the disk of the index: then that is to be looked at often
        self.short_of_room = self._trouble.short_of_room
        self.prune_order = partial(prune_order, self.node)  # for whoever looks at the trash hourly
        self._faults, self._lost = Faults(self.node.counters), LostFacts()
        self._due = DueParts(self.wiring, self._faults)

    def __repr__(self) -> str:
        """Say whose engine this is, and how it is."""
        return f"<Engine {self.node!r}, {self._trouble!r}, {self._faults!r}>"

    # -- the face of the engine --------------------------------------------------------------------
    def start(self, now: float) -> list[Effect]:
        """Begin; nothing may be handled before."""
        return self._call(self.wiring.start, now)

    def handle(self, event: Event, now: float) -> list[Effect]:
        """Take one fact and return what should be done.

        Raises DiskTrouble if the index failed: the fact may be told once more, or is lost. Raises
        anything else if this engine is wrong: then the fact is lost, and nothing but it.
        """
        if isinstance(event, SpaceSeen):
            self._trouble.on_space(event, now)
        return self._call(lambda: self.dispatch.handle(event), now, event)

    def on_tick(self, now: float) -> list[Effect]:
        """Do what is due; raises the error of an earlier call that nobody heard of yet."""
        self._trouble.tell()
        return self._call(_nothing, now)

    def deadline(self) -> float | None:
        """Return when `on_tick` must be called next, in the time of `now`."""
        if self.node.leaving:
            return self.wiring.farewell.deadline()
        if self._trouble.untold or not self.node.quiet:
            return self.node.now
        due = self._due
        later = due.times(due.content(), self._trouble.until_s)
        return min([*due.times(due.company()), *later], default=None)

    def view(self, now: float) -> StateView:
        """Return everything a face shows."""
        self.node.now = now
        return self.wiring.viewer.state()

    def keepers(self, now: float) -> KeepersView:
        """Return which heads are held here, and who said to hold which."""
        self.node.now = now
        return self.wiring.viewer.keepers()

    def files(self, path: str, after: str = "", limit: int = PAGE_FILES) -> FilesPage:
        """Return paths of the share that are `path` or below it, the next ones above `after`."""
        return self.wiring.viewer.listing.page(path, after, limit)

    def folder(self, path: str, after: str = "") -> FolderPage:
        """Return what is directly in a folder of the share, going on after `after`."""
        return self.wiring.viewer.listing.folder(path, after)

    def why(self, path: str, now: float) -> WhyView:
        """Return why a path of the share, or what is below it, is not in sync."""
        self.node.now = now
        return self.wiring.explaining.why(path)

    def info(self, path: str, now: float) -> InfoView:
        """Return what is known of a path of the share, and of who has it."""
        self.node.now = now
        return self.wiring.explaining.info(path)

    def copied(self, path: str, after: str, now: float) -> FolderPage:
        """Return what is directly in a folder of the share, and on how many devices that is."""
        self.node.now = now
        return CopiedEntries(self.wiring.viewer.listing, self.wiring.explaining).page(path, after)

    def former(self, path: str, now: float) -> FormerPage:
        """Return what this device shared at a path before, and below it."""
        self.node.now = now
        return former_versions(self.node, path)

    def stored_label(self) -> str:
        """Return the label this device has, or wishes for; works before `start`."""
        return self.wiring.membership.stored_label()

    # -- one call ----------------------------------------------------------------------------------
    def _call(
        self, work: Callable[[], object], now: float, event: Event | None = None
    ) -> list[Effect]:
        """Do the work and what is due; `event` is the fact that the work is about."""
        self.node.now = now
        try:
            self._transact(work)
        except DiskTrouble:
            self._lost.note(event)
            raise
        except Exception:  # house: what is wrong is ours and costs this fact, whatever it is
            self._faults.on_fault()
            self.node.do(*(instead_of(event) if event is not None else ()))
            if isinstance(event, FolderEvent | DiskEvent):
                self._trouble.on_lost()  # what the disk said once it says again only if asked
            raise
        if self.node.leaving:
            self.wiring.farewell.on_tick()
            return without_beginnings(self.node.take())
        self._do_due(lambda: self._due.tick(self._due.company()))
        if not self._trouble.rests(now) and self._do_due(self._look_at_content):
            self.node.do(*self._lost.take())
            self._trouble.on_well()
        return self.node.take()

    def _transact(self, work: Callable[[], object]) -> None:
        """Do this in one transaction of the index; if it fails, all that depends on it is undone.

        Memory may then be ahead of the index, of which only what was written is lost.
        """
        mark, index = self.node.mark(), self.node.index
        try:
            index.begin()
            work()
            index.commit()
        except Exception as error:  # house: whatever failed, the index must not stay half written
            lost = index.rollback()
            self.node.undo(mark)
            if isinstance(error, DiskTrouble):
                self._trouble.on_failed(self.node.now, error)
            elif lost:
                self._trouble.on_lost()
            raise

    def _do_due(self, work: Callable[[], object]) -> bool:
        """Do what is due and return whether it was; `on_tick` raises what failed.

        It is not raised here, since the effects of this call must reach the world.
        """
        try:
            self._transact(work)
        except Exception as error:  # noqa: BLE001 # house: on_tick raises it, whatever it is
            self._trouble.on_unraised(error)
            self._rest(error)
            return False
        return True

    def _rest(self, error: Exception) -> None:
        """Let the part that raised rest, unless all that is about files does."""
        part, ours = self._due.at, not isinstance(error, DiskTrouble)
        if ours:
            self._faults.on_fault()
        if part is not None and part in self._due.company():
            self._faults.on_part(part, self.node.now, COMPANY_REST_S)
        elif part is not None and ours:
            self._faults.on_part(part, self.node.now)

    def _look_at_content(self) -> None:
        """Do what is due about files, after a failure from the beginning."""
        if self._trouble.recovers(self.node.now):
            self.wiring.recover()
        self._due.tick(self._due.content())


def _nothing() -> None:
    """Work of a call that only does what is due."""
