"""The engine: a function from what happened to what should be done.

Strategy: `handle(event, now)` hands the event to the part whose business it is (engine/dispatch.py;
the parts, and who tells whom, are in engine/wiring.py), then lets every part do what is due, and
returns the effects in order. No part knows the loop, a socket or a clock. A call is two
transactions of the index: the fact with what is due among the devices, then what is due about
files. Each stands whole or not at all, so a full disk stops files and not the ring.

Guarantees: bad input from a peer changes nothing but a counter and perhaps a notice. Equal calls
give equal effects. If the index fails, nothing that depends on what was undone is ever asked for;
memory may then be ahead of the index, so after a rest everything is looked at once more
(engine/index_trouble.py). `on_tick(deadline())` always makes progress.

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

from potluck.core.chance import Chance
from potluck.core.errors import PotluckError
from potluck.core.keys.identity import DeviceKey
from potluck.core.wire.catalogue import MemberRecord
from potluck.engine.dispatch import Dispatch
from potluck.engine.effects import Effect
from potluck.engine.events import Event
from potluck.engine.farewell import without_beginnings
from potluck.engine.index import Index
from potluck.engine.index_trouble import IndexTrouble
from potluck.engine.node import EngineSettings, Node
from potluck.engine.views.listing import PAGE_FILES
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
        self.node = Node(settings, key, index, chance, instance)
        self.wiring = Wiring(self.node)
        self.dispatch = Dispatch(self.wiring)
        self._trouble = IndexTrouble(self.node.troubles)

    def __repr__(self) -> str:
        """Say whose engine this is, and how it is."""
        return f"<Engine {self.node!r}, {self._trouble!r}>"

    # -- the face of the engine --------------------------------------------------------------------
    def start(self, now: float) -> list[Effect]:
        """Begin; nothing may be handled before."""
        return self._call(self.wiring.start, now)

    def handle(self, event: Event, now: float) -> list[Effect]:
        """Take one fact and return what should be done.

        Raises PotluckError (DiskTrouble, in practice) if the index failed: the fact may be told
        once more, or is lost.
        """
        return self._call(lambda: self.dispatch.handle(event), now)

    def on_tick(self, now: float) -> list[Effect]:
        """Do what is due; raises the PotluckError of an earlier call that nobody heard of yet."""
        self._trouble.tell()
        return self._call(_nothing, now)

    def deadline(self) -> float | None:
        """Return when `on_tick` must be called next, in the time of `now`."""
        parts = self.wiring
        if self.node.leaving:
            return parts.farewell.deadline()
        if self._trouble.untold is not None or not self.node.quiet:
            return self.node.now
        company = (
            parts.admission_policy,
            parts.pairings,
            parts.questions,
            parts.discovery,
            parts.circle,
            parts.link_troubles,
            self.node.notices,
        )
        content = (
            parts.own_folder,
            parts.replica_check,
            parts.strays,
            parts.following,
            parts.announcing,
            parts.receiving,
            parts.flushing,
            parts.happenings,
            parts.index_upkeep,
        )
        times = [time for part in company if (time := part.deadline()) is not None]
        later = [time for part in content if (time := part.deadline()) is not None]
        times += [max(time, self._trouble.until_s) for time in later]
        return min(times, default=None)

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

    def stored_label(self) -> str:
        """Return the label this device has, or wishes for; works before `start`."""
        return self.wiring.membership.stored_label()

    def ring_records(self) -> list[MemberRecord]:
        """Return every record the ring holds."""
        return self.wiring.circle.ring.beliefs.records

    # -- one call ----------------------------------------------------------------------------------
    def _call(self, work: Callable[[], object], now: float) -> list[Effect]:
        """Do the work and what is due."""
        self.node.now = now
        self._transact(work, self._company)
        if self.node.leaving:
            self.wiring.farewell.on_tick()
            return without_beginnings(self.node.take())
        if not self._trouble.rests(now):
            try:
                self._transact(self._content)
            except PotluckError as error:
                # on_tick raises it: the effects of this call must reach the world
                self._trouble.untold = error
            else:
                self._trouble.on_well()
        return self.node.take()

    def _transact(self, *works: Callable[[], object]) -> None:
        """Do these in one transaction of the index; what depends on one that fails is undone."""
        mark, index = self.node.mark(), self.node.index
        try:
            index.begin()
            for work in works:
                work()
            index.commit()
        except Exception as error:  # house: whatever failed, the index must not stay half written
            self._trouble.on_failed(self.node.now, error)
            self.node.undo(mark)
            index.rollback()
            raise

    def _company(self) -> None:
        """Do what is due among the devices."""
        parts = self.wiring
        if self.node.leaving:
            return
        parts.pairings.on_tick()
        parts.admission_policy.on_tick()
        parts.questions.on_tick()
        parts.circle.heads_digest = parts.announcing.digest
        parts.circle.on_tick()
        parts.discovery.on_ring(len(parts.circle.ring.nodes()))
        parts.discovery.on_tick()
        parts.link_troubles.on_tick()
        self.node.notices.on_tick(self.node.now)

    def _content(self) -> None:
        """Do what is due about files."""
        if self._trouble.recovers():
            self.wiring.recover()
        self.wiring.own_folder.on_tick()
        self.wiring.replica_check.on_tick()
        self.wiring.strays.on_tick()
        self.wiring.following.on_tick()
        self.wiring.announcing.on_tick()
        self.wiring.receiving.on_tick()
        self.wiring.flushing.on_tick()
        self.wiring.happenings.on_tick()
        self.wiring.index_upkeep.on_tick()


def _nothing() -> None:
    """Work of a call that only does what is due."""
