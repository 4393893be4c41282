"""The engine: a function from what happened to what should be done.

Strategy: `handle(event, now)` hands the event to the part whose business it is, then lets every part do what is due,
and returns the effects in order. The parts are made and wired here, in one visible place; none of them knows the loop,
a socket or a clock. Each call is one transaction of the index: it stands whole or not at all.

    doors     who belongs, and the way in           library   the own folder and its manifest
    meeting   finding members, links to them        exchange  everybody else's manifests
    circle    ring and watching                     supply    what is lacking: fetch, place
    service   what others ask on bulk links         viewer    what faces see

Guarantees: bad input from a peer changes nothing but a counter and perhaps a notice. Equal calls give equal effects.
Limits: single-threaded by design; one call stays below a millisecond (a page of a manifest is the largest).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from potluck.core.errors import PotluckError
from potluck.core.identity import DeviceId, DeviceKey
from potluck.core.messages import (
    Address,
    Beacon,
    Bye,
    Decrement,
    Heads,
    HeadsAsk,
    Join,
    Kept,
    LinkKind,
    MemberRecord,
    Message,
    Ping,
    Pong,
    ProbeFor,
    ProbeResult,
    Redirect,
    RosterDigest,
    RosterRecords,
    Sync,
    Unknown,
    Update,
    Welcome,
)
from potluck.core.ring import Chance
from potluck.core.sealing import is_sealed
from potluck.engine import events
from potluck.engine.circle import Circle
from potluck.engine.doors import Doors
from potluck.engine.effects import Effect, Import, Leave, LookAround, Reply
from potluck.engine.events import Event, LinkId, OrderId
from potluck.engine.exchange import Exchange
from potluck.engine.index import Index
from potluck.engine.library import Library
from potluck.engine.meeting import Meeting
from potluck.engine.node import EngineSettings, Node
from potluck.engine.service import Service
from potluck.engine.supply import Supplier
from potluck.engine.views import FileView, StateView, Viewer

__all__ = ["Chance", "Engine", "EngineSettings"]

RING = (Join, Redirect, Welcome, Update, Decrement, Sync)
PROBES = (Ping, Pong, ProbeFor, ProbeResult)
FAREWELL_S = 0.2


class Engine:
    """One device's potluck, without the world around it."""

    def __init__(
        self, settings: EngineSettings, key: DeviceKey, index: Index, chance: Chance, instance: bytes
    ) -> None:
        """Build the parts and wire them."""
        self.node = node = Node(settings, key, index, chance, instance)
        self.counters: Counter[str] = Counter()
        self._doors = Doors(node)
        self._meeting = Meeting(node)
        self._circle = Circle(node, self._meeting)
        self._library = Library(node)
        self._exchange = Exchange(node)
        self._supply = Supplier(node)
        self._service = Service(node)
        parts = (self._meeting, self._doors, self._circle, self._library, self._supply, self._service)
        self._viewer = Viewer(node, parts)
        self._imports: dict[OrderId, int] = {}
        self._leave_s: float | None = None
        self._handlers = self._routes()
        self._wire()

    def _wire(self) -> None:
        """Say who is told what; read this to know how the parts hang together."""
        self.node.whereabouts = self._meeting.whereabouts
        self._doors.regrouped = self._on_regrouped
        self._doors.members_changed = self._meeting.on_members
        self._doors.met = self._on_met
        self._meeting.beacon = self._beacon
        self._meeting.linked = self._on_linked
        self._meeting.unlinked = self._on_unlinked
        self._meeting.refused = self._circle.on_refused
        self._meeting.introduced = self._doors.add_records
        self._library.published = self._exchange.on_published
        self._exchange.changed = self._supply.on_changed
        self._exchange.own_head = self._library.on_own_head
        self._exchange.last = self._circle.last
        self._supply.changed = self._exchange.on_places_changed

    def _routes(self) -> dict[type, Callable[[Any], object]]:
        return {
            events.InterfacesSeen: self._on_interfaces,
            events.DatagramHeard: self._on_datagram,
            events.LinkOpened: self._on_link_opened,
            events.DialFailed: lambda e: self._doors.on_dial_failed(e) or self._meeting.on_dial_failed(e),
            events.MessageHeard: self._on_message,
            events.LinkClosed: lambda e: self._doors.on_link_closed(e.link) or self._meeting.on_link_closed(e),
            events.IntroductionHeard: self._meeting.on_introduction,
            events.RequestHeard: self._service.on_request,
            events.PathsTouched: self._library.on_touched,
            events.TreeSeen: self._library.on_tree,
            events.FilesHashed: self._library.on_hashed,
            events.ShareSeen: self._library.on_share,
            events.ManifestHeard: self._exchange.on_page,
            events.PieceListHeard: self._supply.on_list,
            events.PiecesVerified: self._supply.on_pieces,
            events.FilesVerified: self._supply.on_files,
            events.FetchEnded: lambda e: self._exchange.on_ended(e) or self._supply.on_ended(e),
            events.PartsFound: self._supply.on_parts,
            events.BatchPlaced: self._supply.on_placed,
            events.BatchSettled: self._supply.on_settled,
            events.Synced: lambda e: self.node.on_synced(e.barrier),
            events.SpaceSeen: self._supply.on_space,
            events.Imported: self._on_imported,
            events.LeaveAsked: lambda _: self._on_leave(),
            events.AddAsked: self._on_add,
            events.RescanAsked: lambda _: self._library.scan(),
        }

    # -- the face of the engine -----------------------------------------------------------------------------------
    def start(self, now: float) -> list[Effect]:
        """Begin; nothing may be handled before."""
        return self._call(now, self._start)

    def handle(self, event: Event, now: float) -> list[Effect]:
        """Take one fact and return what should be done."""
        return self._call(now, lambda: self._handlers[type(event)](event))

    def on_tick(self, now: float) -> list[Effect]:
        """Do what is due."""
        return self._call(now, lambda: None)

    def deadline(self) -> float | None:
        """Return when `on_tick` must be called next, in the time of `now`."""
        if self.node.leaving:
            return self._leave_s
        parts = (self._doors, self._meeting, self._circle, self._library, self._exchange, self._supply)
        return min((time for part in parts if (time := part.deadline()) is not None), default=None)

    def view(self, now: float) -> StateView:
        """Return everything a face shows."""
        self.node.now = now
        return self._viewer.state()

    def files(self, prefix: str) -> list[FileView]:
        """Return the files whose path below Shared/ starts with `prefix`."""
        return self._viewer.files(prefix)

    def stored_label(self) -> str:
        """Return the label this device has, or wishes if it never belonged to a group; works before `start`."""
        return self._doors.stored_label()

    def ring_records(self) -> list[MemberRecord]:
        """Return every record the ring holds."""
        return self._circle.ring.beliefs.records

    def _call(self, now: float, work: Callable[[], object]) -> list[Effect]:
        """One transaction: the work, then whatever is due."""
        self.node.now = now
        self.node.index.begin()
        try:
            work()
            self._due()
            effects = self.node.take()
        except PotluckError:
            self.node.index.rollback()
            raise
        self.node.index.commit()
        return effects

    def _start(self) -> None:
        marked = self._doors.start()
        self._circle.restart()
        self._meeting.start()
        self._library.start(marked=marked)
        self._supply.start()
        self.node.do(LookAround())

    def _due(self) -> None:
        now = self.node.now
        if self.node.leaving:
            if self._leave_s is not None and now >= self._leave_s:
                self._leave_s = None
                self._meeting.drop_all("leaving")
                self.node.do(Leave())
            return
        self._doors.on_tick()
        self._circle.heads_digest = self._exchange.digest
        self._circle.on_tick()
        self._meeting.on_tick(len(self._circle.ring.nodes()), self._doors.ask)
        self._library.on_tick()
        self._exchange.on_tick()
        self._supply.on_tick()

    # -- network --------------------------------------------------------------------------------------------------
    def _on_interfaces(self, event: events.InterfacesSeen) -> None:
        self._circle.on_addresses(self._meeting.on_interfaces(event))

    def _on_datagram(self, event: events.DatagramHeard) -> None:
        if not is_sealed(event.data):
            self._doors.on_clear(event.data, event.source)
            return
        opened = self._meeting.open(event.data)
        if opened is None:
            self.counters["datagrams refused"] += 1
            self._doors.on_foreign()
            return
        device, message = opened
        if isinstance(message, Beacon):
            self._meeting.on_beacon(device, message, event.source, event.way)
            self._circle.on_digest(device, message.digest)
        elif isinstance(message, PROBES):
            self._hear_probe(device, message, event.source)

    def _on_link_opened(self, event: events.LinkOpened) -> None:
        if event.kind is LinkKind.PAIRING or event.peer is None:
            self._doors.on_link_opened(event)
        else:
            self._meeting.on_link_opened(event, event.peer)

    def _on_linked(self, device: DeviceId) -> None:
        self._doors.on_linked(device)
        self._circle.on_linked(device)
        self._exchange.on_linked(device)
        self._supply.on_peer(device)

    def _on_unlinked(self, device: DeviceId, clean: bool) -> None:  # noqa: FBT001 - the hook's signature
        self._circle.on_unlinked(device, clean=clean)

    def _on_message(self, event: events.MessageHeard) -> None:
        message, link = event.message, event.link
        if isinstance(message, Unknown):
            self.counters[f"unknown message {message.tag}"] += 1
            return
        if isinstance(message, Bye) or self._doors.on_message(link, message):
            return
        device = self.node.link_owner.get(LinkId(link))
        if device is not None:
            self._hear(device, message)

    def _hear(self, device: DeviceId, message: Message) -> None:
        if isinstance(message, RING):
            self._circle.on_message(device, message)
        elif isinstance(message, PROBES):
            self._hear_probe(device, message, None)
        elif isinstance(message, RosterDigest | RosterRecords):
            self._doors.on_roster(device, message)
        elif isinstance(message, Heads):
            self._exchange.on_heads(device, message.heads)
        elif isinstance(message, HeadsAsk):
            self._exchange.on_heads_ask(device, message)
        elif isinstance(message, Kept):
            self._exchange.on_kept(device, message.holdings)
        else:
            self.counters[f"unexpected {type(message).__name__}"] += 1

    def _hear_probe(self, device: DeviceId, message: Message, source: Address | None) -> None:
        self._circle.on_probe(device, message, source)
        if isinstance(message, Ping | Pong):
            self._exchange.on_digest(device, message.heads)

    def _beacon(self, ask: bool) -> Beacon:  # noqa: FBT001 - the hook's signature
        ring = self._circle.ring
        return Beacon(self.node.settings.port, ring.beliefs.own.incarnation, ring.digest, len(ring.nodes()), ask)

    # -- group ----------------------------------------------------------------------------------------------------
    def _on_regrouped(self) -> None:
        """This device is in another group now: nothing of the old ring counts."""
        self._meeting.drop_all("joined another group")
        self._circle.restart()
        self._meeting.on_members()
        self._library.scan_when_marked = True

    def _on_met(self, device: DeviceId, address: Address) -> None:
        source = self._meeting.sightings.asked.get(address.host, "beacon")
        self._meeting.sightings.on_sighted(device, address, source, self.node.now)

    # -- people ---------------------------------------------------------------------------------------------------
    def _on_add(self, event: events.AddAsked) -> None:
        order = self.node.number()
        self._imports[order] = event.command
        self.node.do(Import(order, event.paths, event.mode, self._library.top))

    def _on_imported(self, event: events.Imported) -> None:
        command = self._imports.pop(event.order, None)
        if command is None:
            return
        lines = [f"added {name}" for name in event.added]
        lines += [f"not added: {path} ({reason})" for path, reason in event.failed]
        self.node.do(Reply(command, not event.failed, "\n".join(lines) or "nothing to add"))

    def _on_leave(self) -> None:
        """Say farewell, give it a moment to arrive, then close everything."""
        if not self.node.leaving:
            self._circle.leave()
            self.node.leaving = True
            self._leave_s = self.node.now + FAREWELL_S
