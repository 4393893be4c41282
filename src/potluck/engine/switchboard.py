"""The switchboard: whatever comes from the network goes to the part whose business it is.

Strategy: a datagram is sealed (a member speaks) or clear (anybody may have sent it); a link is a control link of a
member or a pairing link of a stranger; a message is looked at by type, once, here. The parts are handed facts and never
look at each other's.

Guarantees: nothing a peer sends ends anything: what cannot be opened, is unknown or is unexpected changes a counter and
nothing else. Once this device has said farewell it hears nothing, and answers what has to be answered with no.
Limits: no state but the counters, no decisions.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from potluck.core.identity import DeviceId
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
from potluck.core.sealing import is_sealed
from potluck.engine.circle import Circle
from potluck.engine.doors import Doors
from potluck.engine.effects import AnswerIntroduction, Drop
from potluck.engine.events import (
    DatagramHeard,
    DialFailed,
    InterfacesSeen,
    IntroductionHeard,
    LinkClosed,
    LinkOpened,
    MessageHeard,
)
from potluck.engine.exchange import Exchange
from potluck.engine.meeting import Meeting
from potluck.engine.membership import Membership
from potluck.engine.node import Node
from potluck.engine.questions import Questions
from potluck.engine.radio import Radio
from potluck.engine.supply import Supplier

RING = (Join, Redirect, Welcome, Update, Decrement, Sync)
PROBES = (Ping, Pong, ProbeFor, ProbeResult)


@dataclass(frozen=True, slots=True)
class Way:
    """The parts that stand between strangers and the group."""

    membership: Membership
    doors: Doors
    questions: Questions
    radio: Radio


class Switchboard:
    """Connects the network with the parts."""

    def __init__(
        self, node: Node, way: Way, meeting: Meeting, circle: Circle, exchange: Exchange, supply: Supplier
    ) -> None:
        """Connect these."""
        self._node, self._meeting, self._circle = node, meeting, circle
        self._membership, self._doors = way.membership, way.doors
        self._questions, self._radio = way.questions, way.radio
        self._exchange, self._supply = exchange, supply
        self.counters: Counter[str] = Counter()  # what was refused, unknown or unexpected

    # -- the network itself ---------------------------------------------------------------------------------------
    def on_interfaces(self, event: InterfacesSeen) -> None:
        """Our networks are these now."""
        if self._node.leaving:
            return
        self._circle.on_addresses(self._meeting.on_interfaces(event))

    def on_met(self, device: DeviceId, address: Address) -> None:
        """Somebody was admitted, or admitted us, at this address."""
        found_by = self._meeting.sightings.asked.get(address.host, "beacon")
        self._meeting.sightings.on_sighted(device, address, found_by, self._node.now)

    # -- datagrams ------------------------------------------------------------------------------------------------
    def on_datagram(self, event: DatagramHeard) -> None:
        """A datagram came, from anybody."""
        if self._node.leaving:
            return
        if not is_sealed(event.data):
            self._questions.on_clear(event.data, event.source)
            return
        opened = self._radio.open(event.data)
        if opened is None:
            self.counters["datagrams refused"] += 1
            if self._radio.is_foreign(event.data):
                self._doors.on_foreign()
            return
        device, message = opened
        if isinstance(message, Beacon):
            self._meeting.on_beacon(device, message, event.source, event.way)
            self._circle.on_digest(device, message.digest)
        else:
            self._hear_probe(device, message, event.source)

    # -- links ----------------------------------------------------------------------------------------------------
    def on_dial_failed(self, event: DialFailed) -> None:
        """A dial of the doors or of the meeting came to nothing."""
        if not self._node.leaving and not self._doors.on_dial_failed(event):
            self._meeting.on_dial_failed(event)

    def on_link_opened(self, event: LinkOpened) -> None:
        """A link is ready: a stranger's goes to the doors, a member's to the meeting."""
        if self._node.leaving:
            self._node.do(Drop(event.link, "leaving"))
        elif event.kind is LinkKind.PAIRING or event.peer is None:
            self._doors.on_link_opened(event)
        else:
            self._meeting.on_link_opened(event, event.peer)

    def on_link_closed(self, event: LinkClosed) -> None:
        """A link is gone."""
        if not self._doors.on_link_closed(event.link):
            self._meeting.on_link_closed(event)

    def on_linked(self, device: DeviceId) -> None:
        """The meeting kept a control link to a member: everybody may use it."""
        self._membership.on_linked(device)
        self._circle.on_linked(device)
        self._exchange.on_linked(device)
        self._supply.downloads.on_peer(device)

    def on_unlinked(self, device: DeviceId, clean: bool) -> None:  # noqa: FBT001 - the hook's signature
        """The control link to a member is gone."""
        self._circle.on_unlinked(device, clean=clean)

    def on_introduction(self, event: IntroductionHeard) -> None:
        """Somebody unknown knocked, and shows why it is a member."""
        if self._node.leaving:
            self._node.do(AnswerIntroduction(event.knock, accepted=False))
        else:
            self._meeting.on_introduction(event)

    # -- messages -------------------------------------------------------------------------------------------------
    def on_message(self, event: MessageHeard) -> None:
        """A message came on a link."""
        message = event.message
        if self._node.leaving:
            return
        if isinstance(message, Unknown):
            self.counters["messages unknown"] += 1
            return
        if isinstance(message, Bye) or self._doors.on_message(event.link, message):
            return
        device = self._node.link_owner.get(event.link)
        if device is not None:
            self._hear(device, message)

    def _hear(self, device: DeviceId, message: Message) -> None:
        """A member said something over its control link."""
        if isinstance(message, RING):
            self._circle.on_message(device, message)
        elif isinstance(message, PROBES):
            self._hear_probe(device, message, None)
        elif isinstance(message, RosterDigest | RosterRecords):
            self._membership.on_roster(device, message)
        elif isinstance(message, Heads):
            self._exchange.on_heads(device, message.heads)
        elif isinstance(message, HeadsAsk):
            self._exchange.on_heads_ask(device, message)
        elif isinstance(message, Kept):
            self._exchange.on_kept(device, message.holdings)
            self._supply.downloads.on_kept()
        else:
            self.counters[f"unexpected {type(message).__name__}"] += 1

    def _hear_probe(self, device: DeviceId, message: Message, source: Address | None) -> None:
        """A probe came: by datagram from `source`, or over the link."""
        self._circle.on_probe(device, message, source)
        if isinstance(message, Ping | Pong):
            self._exchange.on_digest(device, message.heads)
