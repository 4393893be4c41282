"""The meeting: finding the others of one's own group, and keeping exactly one control link to each.

Strategy: core/sightings.py plans whom to call, ask and dial; this part seals and opens datagrams, carries dials out and
settles double links. If two devices dial each other at once, the link dialled by the smaller id stays and the other
gets BYE(duplicate), which raises no suspicion. A member that does not know us yet refuses our knock; it is then shown
the chain of admissions that made us a member, sealed to its own key, and dialled again.

Guarantees: a datagram is a hint to dial, never more; its source address beats every address inside. At most one link
per device. Limits: everybody keeps a link to everybody (up to 50 nodes; fingers come later).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from potluck.core import limits
from potluck.core.errors import Malformed
from potluck.core.identity import DeviceId
from potluck.core.messages import SEALED, Address, Beacon, Envelope, LinkKind, Message, RosterRecord, Unknown, encode
from potluck.core.roster import MemberEntry
from potluck.core.sealing import NONCE_BYTES, ReplayWindow, open_datagram, open_sealed, seal_datagram, seal_to
from potluck.core.sightings import Ask, Call, Meet, Sightings
from potluck.engine.effects import AnswerIntroduction, Dial, Drop, Introduce, Transmit
from potluck.engine.events import (
    DialFailed,
    InterfacesSeen,
    IntroductionHeard,
    LinkClosed,
    LinkId,
    LinkOpened,
    OrderId,
)
from potluck.engine.node import Node

_ENVELOPE = msgspec.msgpack.Decoder(Envelope)
_CHAIN = msgspec.msgpack.Decoder(list[RosterRecord])
_INTRODUCTION = b"introduction"


class Meeting:
    """Finds members and holds links to them."""

    def __init__(self, node: Node) -> None:
        """Know nobody yet."""
        self._node = node
        self.sightings = Sightings(node.me, node.settings.port, sweep=node.settings.sweep)
        self.own_addresses: list[Address] = []
        self.interfaces: tuple[str, ...] = ()
        self.neighbours = 0
        self._dials: dict[OrderId, DeviceId] = {}
        self._windows: dict[DeviceId, ReplayWindow] = {}
        self._counter = 0
        # Hooks, wired by engine.py.
        self.beacon: Callable[[bool], Beacon] = _no_beacon
        self.linked: Callable[[DeviceId], None] = _ignore
        self.unlinked: Callable[[DeviceId, bool], None] = _ignore
        self.refused: Callable[[DeviceId], None] = _ignore
        self.introduced: Callable[[Sequence[RosterRecord]], None] = _ignore

    def start(self) -> None:
        """Try everything that is known at once."""
        remembered = {d: a for d, a in self._node.index.addresses.all().items() if d in self._members()}
        self.sightings.on_start(remembered, self._node.settings.peers, self._node.now)

    # -- facts ----------------------------------------------------------------------------------------------------
    def on_interfaces(self, event: InterfacesSeen) -> list[Address]:
        """The networks of this host; returns our own addresses."""
        networks = [(interface.host, interface.prefix) for interface in event.interfaces]
        self.interfaces = tuple(f"{interface.name} {interface.host}" for interface in event.interfaces)
        self.neighbours = len(event.neighbours)
        self.own_addresses = [Address(host, self._node.settings.port) for host, _ in networks]
        self.sightings.on_networks(networks, event.neighbours, self._node.now)
        return self.own_addresses

    def open(self, data: bytes) -> tuple[DeviceId, Message] | None:
        """Open a sealed datagram of our group; None for another group's, a replay or rubbish."""
        node = self._node
        inside = open_datagram(node.roster.group_key, data) if node.roster else None
        if inside is None:
            return None
        try:
            envelope = _ENVELOPE.decode(inside)
            message = SEALED.decode(envelope.body)
        except (msgspec.DecodeError, Malformed):
            return None
        sender = DeviceId(envelope.sender)
        if isinstance(message, Unknown) or sender == node.me or sender not in self._members():
            return None
        window = self._windows.setdefault(sender, ReplayWindow())
        return (sender, message) if window.accept(envelope.instance, envelope.counter) else None

    def on_beacon(self, device: DeviceId, beacon: Beacon, source: Address, way: str) -> None:
        """A member calls; answer a question, and dial if there is no link."""
        unicast = "was asked" if beacon.ask else self.sightings.asked.get(source.host, "answer")
        found_by = "beacon" if way != "unicast" else unicast
        if beacon.port:
            self.sightings.on_sighted(device, Address(source.host, beacon.port), found_by, self._node.now)
            self._place(device)
        if beacon.ask:
            self.send_datagram(device, self.beacon(False), source)

    def on_link_opened(self, event: LinkOpened, device: DeviceId) -> None:
        """A control link is open; of two to one device the one dialled by the smaller id stays."""
        node = self._node
        dialled = event.dial is not None and self._dials.pop(event.dial, None) is not None
        if device not in self._members():
            node.do(Drop(event.link, "not a member"))
            return
        peer = node.peer(device)
        self.sightings.on_dial_ended(device, node.now, linked=True)
        if peer.link is not None:
            same_run = peer.instance == event.instance
            dialled_by_smaller = dialled == (node.me < device)
            if same_run and peer.dialled != dialled and not dialled_by_smaller:
                node.do(Drop(event.link, "duplicate"))
                return
            del node.link_owner[peer.link]
            node.do(Drop(peer.link, "duplicate"))
        fresh = peer.link is None or peer.instance != event.instance
        peer.link, peer.dialled, peer.instance = event.link, dialled, event.instance
        node.link_owner[event.link] = device
        peer.address = event.address if dialled else Address(event.address.host, 0)
        if dialled:
            node.index.addresses.remember(device, event.address, int(node.number()))
            self.sightings.on_reached(device, event.address)
        elif device not in self.sightings.known:
            self.sightings.on_told(device, [], node.now)
            self.sightings.known[device].found_by = "it found us"
        self._place(device)
        if fresh:
            self.linked(device)

    def _place(self, device: DeviceId) -> None:
        """Where does a device listen whose link came to us? At an address it told, on the host it came from."""
        peer = self._node.peers.get(device)
        if peer is not None and peer.address is not None and not peer.address.port:
            here = [a for a in self.whereabouts(device) if a.host == peer.address.host]
            peer.address = here[0] if here else peer.address

    def whereabouts(self, device: DeviceId) -> list[Address]:
        """Return where a device was seen or said to be."""
        sighting = self.sightings.known.get(device)
        return sighting.addresses if sighting is not None else []

    def on_link_closed(self, event: LinkClosed) -> DeviceId | None:
        """A link is gone; returns whose it was, if it was the one that counts."""
        node = self._node
        device = node.link_owner.pop(event.link, None)
        if device is None:
            return None
        node.peer(device).link = None
        self.sightings.on_unlinked(device, node.now)
        self.unlinked(device, event.clean)
        return device

    def on_dial_failed(self, event: DialFailed) -> bool:
        """A dial of ours failed; returns whether it was one of this part's."""
        device = self._dials.pop(event.dial, None)
        if device is None:
            return False
        known = self.sightings.known.get(device)
        address = known.addresses[known.tries % len(known.addresses)] if known and known.addresses else None
        self.sightings.on_dial_ended(device, self._node.now, linked=False)
        if event.refused and len(known.addresses if known else ()) <= 1:
            self.refused(device)
        if event.knock and address is not None:
            self._introduce(device, address)
        return True

    def on_introduction(self, event: IntroductionHeard) -> None:
        """Somebody shows the chain of admissions that makes it a member."""
        records: list[RosterRecord] = []
        opened = open_sealed(self._node.key, _INTRODUCTION, event.sealed)
        if opened is not None:
            try:
                records = _CHAIN.decode(opened)[: limits.INTRODUCTION_RECORDS]
            except msgspec.DecodeError:
                records = []
        before = len(self._members())
        self.introduced(records)
        self._node.do(AnswerIntroduction(event.knock, len(self._members()) > before))

    def on_told(self, device: DeviceId, addresses: Sequence[Address]) -> None:
        """A member record told where a device is."""
        self.sightings.on_told(device, addresses, self._node.now)
        self._place(device)

    def on_members(self) -> None:
        """The roster grew: what was remembered of the new ones may be used."""
        for device, addresses in self._node.index.addresses.all().items():
            if device in self._members():
                self.sightings.on_told(device, addresses, self._node.now)

    def again(self, device: DeviceId) -> None:
        """Dial a device believed dead once more."""
        self.sightings.again(device, self._node.now)

    # -- acting ---------------------------------------------------------------------------------------------------
    def send_datagram(self, device: DeviceId, message: Message, to: Address | None = None) -> None:
        """Send a sealed datagram to a device, where it was reached or at `to`."""
        peer = self._node.peers.get(device)
        address = to or (peer.address if peer else None)
        if address is not None and address.port:
            self._transmit(message, address)

    def _transmit(self, message: Message, to: Address | None) -> None:
        node = self._node
        if node.roster is None:
            return
        self._counter += 1
        body = msgspec.Raw(encode(message))
        envelope = encode(Envelope(node.me, node.instance, self._counter, body))
        sealed = seal_datagram(node.roster.group_key, node.chance.bytes(NONCE_BYTES), envelope)
        if len(sealed) <= limits.DATAGRAM_BYTES:
            node.do(Transmit(sealed, to))

    def wanted(self) -> list[DeviceId]:
        """Return the members that should be linked and are not."""
        peers = self._node.peers
        return [d for d in self._members() if d != self._node.me and (d not in peers or peers[d].link is None)]

    def deadline(self) -> float | None:
        """Return when `on_tick` must be called next."""
        return self.sightings.deadline(self.wanted())

    def on_tick(self, nodes: int, ask: Callable[[Address | None], None]) -> None:
        """Call, ask and dial; `ask` puts the same question in clear while this device has no company."""
        node = self._node
        spread = node.chance.uniform(0.0, 0.999)
        for action in self.sightings.on_tick(self.wanted(), nodes, not node.linked(), spread, node.now):
            match action:
                case Call():
                    self._transmit(self.beacon(False), None)
                    ask(None)
                case Ask(address):
                    self._transmit(self.beacon(True), address)
                    ask(address)
                case Meet(device, address):
                    dial = node.number()
                    self._dials[dial] = device
                    node.do(Dial(dial, LinkKind.CONTROL, device, address))

    def _introduce(self, device: DeviceId, address: Address) -> None:
        node = self._node
        entry = self._members().get(device)
        if entry is None or node.roster is None:
            return
        chain = encode(node.roster.chain(node.me))
        node.do(Introduce(address, seal_to(entry.sealing, node.chance.bytes(32), _INTRODUCTION, chain)))
        self.sightings.again(device, node.now + limits.DIAL_BACKOFF_S[0])

    def drop_all(self, reason: str) -> None:
        """Close every link with BYE."""
        for link in list(self._node.link_owner):
            self._node.do(Drop(LinkId(link), reason))

    def _members(self) -> dict[DeviceId, MemberEntry]:
        return self._node.roster.members if self._node.roster else {}


def _ignore(*_: object) -> None:
    """Stand where a hook will be."""


def _no_beacon(ask: bool) -> Beacon:  # noqa: FBT001 - the hook's signature
    return Beacon(0, 0, b"", 0, ask)
