"""The switchboard: whatever comes from the network goes to the part whose business it is.

Strategy: a datagram is sealed (a member speaks) or clear (anybody may have sent it); a link is a
control link of a member or a pairing link of a stranger; a message is looked at by type, once,
here. The parts are handed facts and never look at each other's.

Guarantees: nothing a peer sends ends anything: what cannot be opened, is unknown or is unexpected
changes a counter and nothing else. Once this device has said farewell it hears nothing, and answers
what has to be answered with no. Limits: no state but the counters, no decisions.
"""

from __future__ import annotations

from collections import Counter

from potluck.core.keys.identity import DeviceId
from potluck.core.keys.sealing import is_sealed
from potluck.core.wire.catalogue import (
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
from potluck.engine.wiring import Wiring

RING = (Join, Redirect, Welcome, Update, Decrement, Sync)
PROBES = (Ping, Pong, ProbeFor, ProbeResult)


class Dispatch:
    """Connects the network with the parts."""

    def __init__(self, parts: Wiring) -> None:
        """Connect these."""
        self._node, self._parts = parts.node, parts
        self.counters: Counter[str] = Counter()  # what was refused, unknown or unexpected

    # -- the network itself ------------------------------------------------------------------------
    def on_interfaces(self, event: InterfacesSeen) -> None:
        """Our networks are these now."""
        if not self._node.leaving:
            self._parts.on_interfaces(event)

    # -- datagrams ---------------------------------------------------------------------------------
    def on_datagram(self, event: DatagramHeard) -> None:
        """A datagram came, from anybody."""
        if self._node.leaving:
            return
        if not is_sealed(event.data):
            self._parts.questions.on_clear(event.data, event.source)
            return
        opened = self._parts.sealed_datagrams.open(event.data)
        if opened is None:
            self.counters["datagrams refused"] += 1
            if self._parts.sealed_datagrams.is_foreign(event.data):
                self._parts.admission_policy.on_foreign()
            return
        device, message = opened
        if isinstance(message, Beacon):
            self._parts.discovery.on_beacon(device, message, event.source, event.way)
            self._parts.circle.on_digest(device, message.digest)
        else:
            self._hear_probe(device, message, event.source)

    # -- links -------------------------------------------------------------------------------------
    def on_dial_failed(self, event: DialFailed) -> None:
        """A dial for pairing or of the meeting came to nothing."""
        if not self._node.leaving and not self._parts.pairings.on_dial_failed(event):
            self._parts.discovery.on_dial_failed(event)

    def on_link_opened(self, event: LinkOpened) -> None:
        """A link is ready: a stranger's goes to the pairings, a member's to the meeting."""
        if self._node.leaving:
            self._node.do(Drop(event.link, "leaving"))
        elif event.kind is LinkKind.PAIRING or event.peer is None:
            self._parts.pairings.on_link_opened(event)
        else:
            self._parts.discovery.on_link_opened(event, event.peer)

    def on_link_closed(self, event: LinkClosed) -> None:
        """A link is gone."""
        if not self._parts.pairings.on_link_closed(event.link):
            self._parts.discovery.on_link_closed(event)

    def on_introduction(self, event: IntroductionHeard) -> None:
        """Somebody unknown knocked, and shows why it is a member."""
        if self._node.leaving:
            self._node.do(AnswerIntroduction(event.knock, accepted=False))
        else:
            self._parts.discovery.on_introduction(event)

    # -- messages ----------------------------------------------------------------------------------
    def on_message(self, event: MessageHeard) -> None:
        """A message came on a link."""
        message = event.message
        if self._node.leaving:
            return
        if isinstance(message, Unknown):
            self.counters["messages unknown"] += 1
            return
        if isinstance(message, Bye) or self._parts.pairings.on_message(event.link, message):
            return
        device = self._node.link_owner.get(event.link)
        if device is not None:
            self._hear(device, message)

    def _hear(self, device: DeviceId, message: Message) -> None:
        """A member said something over its control link."""
        if isinstance(message, RING):
            self._parts.circle.on_message(device, message)
        elif isinstance(message, PROBES):
            self._hear_probe(device, message, None)
        elif isinstance(message, RosterDigest | RosterRecords):
            self._parts.membership.on_roster(device, message)
        elif isinstance(message, Heads):
            self._parts.announcing.on_heads(device, message.heads)
        elif isinstance(message, HeadsAsk):
            self._parts.announcing.on_heads_ask(device, message)
        elif isinstance(message, Kept):
            self._parts.announcing.on_kept(device, message.holdings)
            self._parts.receiving.downloads.on_kept()
        else:
            self.counters[f"unexpected {type(message).__name__}"] += 1

    def _hear_probe(self, device: DeviceId, message: Message, source: Address | None) -> None:
        """A probe came: by datagram from `source`, or over the link."""
        self._parts.circle.on_probe(device, message, source)
        if isinstance(message, Ping | Pong):
            self._parts.announcing.on_digest(device, message.heads)
