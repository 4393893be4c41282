"""The engine: a function from what happened to what should be done.

Strategy: `handle(event, now)` hands the event to the part whose business it is, then lets every part do what is due,
and returns the effects in order. The parts are made and wired here, in one visible place; none of them knows the loop,
a socket or a clock. Each call is one transaction of the index: it stands whole or not at all.

    switchboard  what comes from the network, to whom it belongs
    doors     who belongs, and the way in           library   the own folder and its manifest
    meeting   finding members, links to them        exchange  everybody else's manifests
    publishing  its manifest and heads               following  bringing others' manifests up to date
    circle    ring and watching                     supply    what is lacking: fetch, place
    service   what others ask on bulk links         viewer    what faces see

Guarantees: bad input from a peer changes nothing but a counter and perhaps a notice. Equal calls give equal effects.
Limits: single-threaded by design; one call stays below a millisecond (a page of a manifest is the largest).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from potluck.core.errors import PotluckError
from potluck.core.identity import DeviceId, DeviceKey
from potluck.core.messages import (
    Beacon,
    Head,
    MemberRecord,
)
from potluck.core.ring import Chance
from potluck.engine import events
from potluck.engine.circle import Circle
from potluck.engine.doors import Doors
from potluck.engine.effects import Effect, LookAround
from potluck.engine.events import Event
from potluck.engine.exchange import Exchange
from potluck.engine.farewell import Farewell, without_beginnings
from potluck.engine.following import Following
from potluck.engine.imports import Imports
from potluck.engine.index import Index
from potluck.engine.library import Library
from potluck.engine.meeting import Meeting
from potluck.engine.membership import Membership
from potluck.engine.node import EngineSettings, Node
from potluck.engine.publishing import Publishing
from potluck.engine.questions import Questions
from potluck.engine.radio import Radio
from potluck.engine.service import Service
from potluck.engine.supply import Supplier
from potluck.engine.switchboard import Switchboard, Way
from potluck.engine.trouble import Trouble
from potluck.engine.views import FileView, StateView, Viewer

__all__ = ["Chance", "Engine", "EngineSettings"]


class Engine:
    """One device's potluck, without the world around it."""

    def __init__(self, settings: EngineSettings, key: DeviceKey, index: Index, chance: Chance, instance: bytes) -> None:
        """Build the parts and wire them."""
        self.node = node = Node(settings, key, index, chance, instance)
        self._membership = Membership(node)
        self._doors = Doors(node, self._membership)
        self._questions = Questions(node, self._doors)
        self._radio = Radio(node)
        self._meeting = Meeting(node, self._radio)
        self._circle = Circle(node, self._meeting, self._radio)
        self._publishing = Publishing(node)
        self._library = Library(node, self._publishing)
        self._following = Following(node)
        self._exchange = Exchange(node, self._following)
        self._supply = Supplier(node)
        self._service = Service(node)
        way = Way(self._membership, self._doors, self._questions, self._radio)
        self.switchboard = Switchboard(node, way, self._meeting, self._circle, self._exchange, self._supply)
        parts = (self._meeting, self._doors, self._circle, self._library, self._supply, self._service)
        self._viewer = Viewer(node, parts)
        self._imports = Imports(node)
        self._farewell = Farewell(node, self._circle, self._meeting, self._imports)
        self._trouble = Trouble()
        self._handlers = self._routes()
        self._wire()

    def _wire(self) -> None:
        """Say who is told what; read this to know how the parts hang together."""
        self.node.whereabouts = self._meeting.whereabouts
        self._membership.regrouped = self._on_regrouped
        self._membership.relabelled = self._on_relabelled
        self._membership.changed = self._on_members
        self._doors.ask = self._questions.ask
        self._doors.met = self.switchboard.on_met
        self._meeting.beacon = self._beacon
        self._meeting.linked = self.switchboard.on_linked
        self._meeting.unlinked = self.switchboard.on_unlinked
        self._meeting.refused = self._circle.on_refused
        self._meeting.introduced = self._membership.add_records
        self._publishing.published = self._exchange.on_published
        self._following.applied = self._on_applied
        self._following.own_head = self._publishing.on_own_head
        self._exchange.last = self._circle.last
        self._supply.changed = self._exchange.on_places_changed

    def _routes(self) -> dict[type, Callable[[Any], object]]:
        board = self.switchboard
        return {
            events.InterfacesSeen: board.on_interfaces,
            events.DatagramHeard: board.on_datagram,
            events.LinkOpened: board.on_link_opened,
            events.DialFailed: board.on_dial_failed,
            events.MessageHeard: board.on_message,
            events.LinkClosed: board.on_link_closed,
            events.IntroductionHeard: board.on_introduction,
            events.RequestHeard: self._service.on_request,
            events.PathsTouched: self._library.on_touched,
            events.TreeSeen: self._library.on_tree,
            events.FilesHashed: self._library.on_hashed,
            events.ShareSeen: self._library.on_share,
            events.ManifestHeard: self._following.on_page,
            events.PieceListHeard: self._supply.downloads.on_list,
            events.PiecesVerified: self._supply.downloads.on_pieces,
            events.FilesVerified: self._supply.downloads.on_files,
            events.FetchEnded: lambda e: self._following.on_ended(e) or self._supply.downloads.on_ended(e),
            events.PartsFound: self._supply.downloads.on_parts,
            events.BatchPlaced: self._supply.commits.on_placed,
            events.BatchSettled: self._supply.commits.on_settled,
            events.Synced: lambda e: self.node.on_synced(e.barrier),
            events.SpaceSeen: self._supply.downloads.on_space,
            events.Imported: self._on_imported,
            events.LeaveAsked: lambda _: self._farewell.on_leave_asked(),
            events.AddAsked: lambda e: self._imports.on_add(e, self._library.top),
            events.RescanAsked: lambda _: self._library.scan(),
        }

    # -- the face of the engine -----------------------------------------------------------------------------------
    def start(self, now: float) -> list[Effect]:
        """Begin; nothing may be handled before."""
        return self._call(self._start, now)

    def handle(self, event: Event, now: float) -> list[Effect]:
        """Take one fact and return what should be done; raises PotluckError if the index failed: nothing was done."""
        return self._call(lambda: self._handlers[type(event)](event), now)

    def on_tick(self, now: float) -> list[Effect]:
        """Do what is due; raises the PotluckError of an earlier call that nobody was told of yet."""
        self._trouble.tell()
        return self._call(_nothing, now)

    def deadline(self) -> float | None:
        """Return when `on_tick` must be called next, in the time of `now`."""
        if self.node.leaving:
            return self._farewell.deadline()
        if self._trouble.untold is not None or not self.node.quiet:
            return self.node.now
        company = (self._doors, self._questions, self._meeting, self._circle)
        content = (self._library, self._exchange, self._supply)
        times = [time for part in company if (time := part.deadline()) is not None]
        times += [max(time, self._trouble.until_s) for part in content if (time := part.deadline()) is not None]
        return min(times, default=None)

    def view(self, now: float) -> StateView:
        """Return everything a face shows."""
        self.node.now = now
        return self._viewer.state()

    def files(self, prefix: str) -> list[FileView]:
        """Return the files whose path below Shared/ starts with `prefix`."""
        return self._viewer.files(prefix)

    def stored_label(self) -> str:
        """Return the label this device has, or wishes if it never belonged to a group; works before `start`."""
        return self._membership.stored_label()

    def ring_records(self) -> list[MemberRecord]:
        """Return every record the ring holds."""
        return self._circle.ring.beliefs.records

    # -- one call -------------------------------------------------------------------------------------------------
    def _call(self, work: Callable[[], object], now: float) -> list[Effect]:
        """Do the work and what is due, in two transactions: what is due must not take a fact down with it."""
        self.node.now = now
        self._transact(work, self._company)
        if self.node.leaving:
            self._farewell.on_tick()
            return without_beginnings(self.node.take())
        if not self._trouble.rests(now):
            try:
                self._transact(self._content)
            except PotluckError as error:
                self._trouble.untold = error  # on_tick raises it: the effects of this call must reach the world
        return self.node.take()

    def _transact(self, *works: Callable[[], object]) -> None:
        """Do these in one transaction of the index; if it fails, nothing that depends on it is ever asked for."""
        mark, index = self.node.mark(), self.node.index
        try:
            index.begin()
            for work in works:
                work()
            index.commit()
        except PotluckError:
            self._trouble.on_failed(self.node.now)
            self.node.undo(mark)
            index.rollback()
            raise

    def _start(self) -> None:
        marked = self._membership.start()
        self._doors.start(kept=marked)
        self._circle.restart()
        self._meeting.start()
        self._library.start(marked=marked)
        self._supply.start()
        self.node.do(LookAround())

    def _company(self) -> None:
        """Do what is due among the devices."""
        if self.node.leaving:
            return
        self._doors.on_tick()
        self._questions.on_tick()
        self._circle.heads_digest = self._exchange.digest
        self._circle.on_tick()
        self._meeting.on_tick(len(self._circle.ring.nodes()), self._questions.ask)

    def _content(self) -> None:
        """Do what is due about files."""
        if self._trouble.recovers():
            self._library.scan()
            self._exchange.recover()
            self._supply.start()
        self._library.on_tick()
        self._exchange.on_tick()
        self._supply.on_tick()

    # -- group ----------------------------------------------------------------------------------------------------
    def _on_regrouped(self) -> None:
        """This device is in another group now: nothing of the old ring counts."""
        self._meeting.drop_all("joined another group")
        self._radio.restart()
        self._circle.restart()
        self._meeting.on_members()
        self._library.await_marker()

    def _on_relabelled(self) -> None:
        """The own folder has another name now: look at it once it is there."""
        self._library.await_marker()

    def _on_members(self) -> None:
        """The group has other members now."""
        self._doors.on_members()
        self._meeting.on_members()
        self._exchange.on_members()

    def _on_imported(self, event: events.Imported) -> None:
        """Files were brought into the own folder: answer, and look at them, for not every watcher notices links."""
        self._imports.on_imported(event)
        self._library.on_imported(event.added)

    def _on_applied(self, head: Head, paths: Sequence[bytes], held: bool) -> None:  # noqa: FBT001 - the hook's signature
        """Another owner's manifest is held up to a new head."""
        self._exchange.on_applied(head)
        self._supply.on_changed(DeviceId(head.owner), paths, held)

    def _beacon(self) -> Beacon:
        ring = self._circle.ring
        return Beacon(self.node.settings.port, ring.beliefs.own.incarnation, ring.digest, len(ring.nodes()))


def _nothing() -> None:
    """Work of a call that only does what is due."""
