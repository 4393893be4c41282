"""The meeting: finding the others of one's own group, and keeping exactly one control link to each.

Strategy: core/sightings.py plans whom to call, ask and dial; this part carries that out over
engine/radio.py and by dials, and settles double links. If two devices dial each other at once, the
link dialled by the smaller id stays and the other gets BYE(duplicate), which raises no suspicion. A
member that does not know us yet refuses our knock; it is then shown the chain of admissions that
made us a member, sealed to its own key, and dialled again.

Guarantees: a datagram is a hint to dial, never more; its source address beats every address inside.
At most one link per device, and both sides keep the same one, in whatever order they see them open.
A link that takes the place of another counts as new: what was said on the other one may never have
been heard. A device whose process is gone is told only once every address that is known of it
refused. Limits: everybody keeps a link to everybody (up to 50 nodes; fingers come later).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
from msgspec.structs import replace

from potluck.core import limits
from potluck.core.group.statements import MemberEntry
from potluck.core.keys.identity import DeviceId
from potluck.core.keys.sealing import open_sealed, seal_to
from potluck.core.ring.address_book import AddressBook, Ask, SendBeacon
from potluck.core.wire.catalogue import Address, Beacon, LinkKind, RosterRecord, encode
from potluck.engine.effects import AnswerIntroduction, Dial, Drop, Introduce
from potluck.engine.events import (
    DialFailed,
    InterfacesSeen,
    IntroductionHeard,
    LinkClosed,
    LinkId,
    LinkOpened,
    OrderId,
)
from potluck.engine.node import Node, Peer
from potluck.engine.ring.sealed_datagrams import SealedDatagrams

_CHAIN = msgspec.msgpack.Decoder(list[RosterRecord])
_INTRODUCTION = b"introduction"
# counts the links that were dialled, over all runs: the order in which addresses are remembered
_REACHED = "reached"
INTRODUCTIONS = 2  # so often the same address is dialled again at once after its knock was refused


class Discovery:
    """Finds members and holds links to them."""

    def __init__(self, node: Node, sealed_datagrams: SealedDatagrams) -> None:
        """Know nobody yet."""
        self._node, self._sealed_datagrams = node, sealed_datagrams
        self.sightings = AddressBook(node.me, node.chance, sweep=node.settings.sweep)
        self.own_addresses: list[Address] = []
        self.interfaces: tuple[str, ...] = ()
        self.neighbours = 0
        self._dials: dict[OrderId, tuple[DeviceId, Address]] = {}
        self._refusing: dict[
            DeviceId, set[Address]
        ] = {}  # where nobody listened, since it was last linked
        self._introductions: dict[
            DeviceId, int
        ] = {}  # how often we introduced ourselves, since it was last linked
        # Hooks, wired by engine.py.
        self.beacon: Callable[[], Beacon] = _no_beacon
        self.linked: Callable[[DeviceId], None] = _ignore
        self.unlinked: Callable[[DeviceId, bool], None] = _ignore
        self.refused: Callable[[DeviceId], None] = _ignore
        self.introduced: Callable[[Sequence[RosterRecord]], None] = _ignore

    def start(self) -> None:
        """Try everything that is known at once."""
        remembered = {
            d: a for d, a in self._node.index.addresses.all().items() if d in _members(self._node)
        }
        self.sightings.on_start(remembered, self._node.settings.peers, self._node.now)

    # -- facts -------------------------------------------------------------------------------------
    def on_interfaces(self, event: InterfacesSeen) -> list[Address]:
        """The networks of this host; returns our own addresses."""
        networks = [(interface.host, interface.prefix) for interface in event.interfaces]
        self.interfaces = tuple(
            f"{interface.name} {interface.host}" for interface in event.interfaces
        )
        self.neighbours = len(event.neighbours)
        self.own_addresses = [Address(host, self._node.settings.port) for host, _ in networks]
        self.sightings.on_networks(networks, event.neighbours, self._node.now)
        return self.own_addresses

    def on_beacon(self, device: DeviceId, beacon: Beacon, source: Address, way: str) -> None:
        """A member calls; answer a question, and dial if there is no link."""
        unicast = self.sightings.asked.get(source.host, "was asked" if beacon.ask else "answer")
        found_by = "beacon" if way != "unicast" else unicast
        if beacon.port:
            self.sightings.on_sighted(
                device, Address(source.host, beacon.port), found_by, self._node.now
            )
            self._place(device)
        if beacon.ask:
            self._sealed_datagrams.send(device, self.beacon(), source)

    def on_told(self, device: DeviceId, addresses: Sequence[Address]) -> None:
        """A member record told where a device is."""
        self.sightings.on_told(
            device, [address for address in addresses if address.port], self._node.now
        )
        self._place(device)

    def on_members(self) -> None:
        """The roster grew: what was remembered of the new ones may be used."""
        for device, addresses in self._node.index.addresses.all().items():
            if device in _members(self._node):
                self.sightings.on_told(device, addresses, self._node.now)

    def again(self, device: DeviceId) -> None:
        """Dial a device believed dead once more."""
        self.sightings.again(device, self._node.now)

    # -- links -------------------------------------------------------------------------------------
    def on_link_opened(self, event: LinkOpened, device: DeviceId) -> None:
        """A control link is open; of two to one device the one dialled by the smaller id stays."""
        node, dialled = self._node, event.dial is not None
        member = device in _members(self._node) and device != node.me
        if event.dial is not None:
            self._dials.pop(event.dial, None)
            self.sightings.on_dial_ended(device, node.now, linked=member)
        if not member:
            node.do(Drop(event.link, "not a member"))
            return
        peer = node.peer(device)
        if peer.link is not None:
            dialled_by_smaller = dialled == (node.me < device)
            if (
                peer.instance == event.instance
                and peer.dialled != dialled
                and not dialled_by_smaller
            ):
                node.do(Drop(event.link, "duplicate"))
                return
            del node.link_owner[peer.link]
            node.do(Drop(peer.link, "duplicate"))
        peer.link, peer.dialled, peer.instance = event.link, dialled, event.instance
        node.link_owner[event.link] = device
        self._reached(peer, event.address)
        self.linked(device)

    def _reached(self, peer: Peer, address: Address) -> None:
        """Remember where a device is, if we know: of a link that came to us only the host is known."""
        node, device = self._node, peer.device
        peer.address = address if peer.dialled else Address(address.host, 0)
        self._refusing.pop(device, None)
        self._introductions.pop(device, None)
        if peer.dialled:
            count = int.from_bytes(node.index.meta.get(_REACHED) or b"") + 1
            node.index.meta.set(_REACHED, count.to_bytes(8))
            node.index.addresses.remember(device, address, count)
            self.sightings.on_reached(device, address)
        elif device not in self.sightings.known:
            why = self.sightings.asked.get(address.host, "it found us")
            self.sightings.on_came(device, why, node.now)
        self._place(device)

    def _place(self, device: DeviceId) -> None:
        """Where does a device listen whose link came to us? At an address it told, on the host it
        came from.
        """
        peer = self._node.peers.get(device)
        if peer is not None and peer.address is not None and not peer.address.port:
            here = [a for a in self.whereabouts(device) if a.host == peer.address.host]
            peer.address = here[0] if here else peer.address

    def whereabouts(self, device: DeviceId) -> list[Address]:
        """Return where a device was seen or said to be."""
        sighting = self.sightings.known.get(device)
        return sighting.addresses if sighting is not None else []

    def on_link_closed(self, event: LinkClosed) -> None:
        """A link is gone; it matters if it was the one that counts."""
        device = self._node.link_owner.pop(event.link, None)
        if device is not None:
            self._node.peer(device).link = None
            self.sightings.on_unlinked(device, self._node.now)
            self.unlinked(device, event.clean)

    def drop_all(self, reason: str) -> None:
        """Close every link with BYE."""
        for link in list(self._node.link_owner):
            self._node.do(Drop(LinkId(link), reason))

    # -- dials that fail ---------------------------------------------------------------------------
    def on_dial_failed(self, event: DialFailed) -> bool:
        """A dial of ours failed; returns whether it was one of this part's."""
        if event.dial not in self._dials:
            return False
        device, address = self._dials.pop(event.dial)
        self.sightings.on_dial_ended(device, self._node.now, linked=False)
        if device not in self.wanted():
            return True  # it came to us meanwhile
        if event.refused:
            self._refused(device, address)
        if event.knock:
            self._introduce(_members(self._node)[device], address)
        return True

    def _refused(self, device: DeviceId, address: Address) -> None:
        """Nobody listens there; if that is so at every address that is known, the process is gone."""
        known = set(self.whereabouts(device))
        self._refusing[device] = (self._refusing.get(device, set()) & known) | {address}
        if self._refusing[device] >= known:
            self.refused(device)

    def _introduce(self, entry: MemberEntry, address: Address) -> None:
        """Show a device that refused our knock what made us a member, and try there again soon."""
        node, device = self._node, entry.device
        chain = encode(node.roster.chain(node.me) if node.roster is not None else [])
        node.do(
            Introduce(address, seal_to(entry.sealing, node.chance.bytes(32), _INTRODUCTION, chain))
        )
        count = self._introductions[device] = self._introductions.get(device, 0) + 1
        if count <= INTRODUCTIONS:
            self.sightings.on_sighted(
                device, address, self.sightings.known[device].found_by, node.now
            )
            self.sightings.again(device, node.now + limits.DIAL_BACKOFF_S[0])

    def on_introduction(self, event: IntroductionHeard) -> None:
        """Somebody shows the chain of admissions that makes it a member."""
        node, records = self._node, list[RosterRecord]()
        opened = open_sealed(node.key, _INTRODUCTION, event.sealed)
        if opened is not None:
            try:
                records = _CHAIN.decode(opened)[: limits.INTRODUCTION_RECORDS]
            except msgspec.DecodeError:
                records = []
        self.introduced(records)
        known = set(node.roster.records()) if node.roster is not None else set()
        node.do(AnswerIntroduction(event.knock, bool(records) and known.issuperset(records)))

    # -- time --------------------------------------------------------------------------------------
    def wanted(self) -> list[DeviceId]:
        """Return the members that should be linked and are not."""
        peers = self._node.peers
        return [
            d
            for d in _members(self._node)
            if d != self._node.me and (d not in peers or peers[d].link is None)
        ]

    def deadline(self) -> float | None:
        """Return when `on_tick` must be called next."""
        self.sightings.on_wanted(self.wanted())
        return self.sightings.deadline()

    def on_tick(self, nodes: int, ask: Callable[[Address | None], None]) -> None:
        """Call, ask and dial; `ask` puts the same question in clear while this device has no
        company.
        """
        node = self._node
        self.sightings.on_wanted(self.wanted())
        self.sightings.on_company(nodes, alone=not node.linked())
        for action in self.sightings.on_tick(node.now):
            match action:
                case SendBeacon():
                    self._sealed_datagrams.transmit(self.beacon(), None)
                    ask(None)
                case Ask(address):
                    self._sealed_datagrams.transmit(replace(self.beacon(), ask=True), address)
                    ask(address)
                case _:
                    dial = node.number()
                    self._dials[dial] = (action.device, action.address)
                    node.do(Dial(dial, LinkKind.CONTROL, action.device, action.address))


def _members(node: Node) -> dict[DeviceId, MemberEntry]:
    return node.roster.members if node.roster else {}


def _ignore(*_: object) -> None:
    """Stand where a hook will be."""


def _no_beacon() -> Beacon:
    return Beacon(0, 0, b"", 0)
