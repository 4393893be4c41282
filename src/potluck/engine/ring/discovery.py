"""Discovery: finding the others of the own group, and keeping exactly one control link to each.

Strategy: core/ring/address_book.py plans whom to call, ask and dial; this part carries that out
over sealed_datagrams.py and by dials, and settles double links. If two devices dial each other at
once, the link dialled by the smaller id stays and the other gets BYE(duplicate), which raises no
suspicion. A member that does not know us yet refuses our knock; it is then shown the chain of
admissions that made us a member, sealed to its own key, and dialled again. If we are a member no
more its answer says by whose word (engine/ring/introductions.py).

Guarantees: a datagram is a hint to dial, never more; its source address beats every address inside,
and neither is dialled outside our own networks (core/ring/own_networks.py).
Another run of a device takes the place of its link, and the old one is asked whether it still is
there (engine/ring/rival_links.py). At most one link per device, and both sides keep the same one,
in whatever order they see them open.
A link that takes the place of another counts as new: what was said on the other one may never have
been heard. Where a member was linked is remembered, whichever side dialled. A device whose process
is gone is told only once every address that is known of it refused. Limits: everybody keeps a link
to everybody (up to 50 nodes; fingers come later).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, assert_never

from msgspec.structs import replace

from potluck.core import limits
from potluck.core.group.statements import MemberEntry
from potluck.core.keys.identity import DeviceId
from potluck.core.ring.address_book import Ask, Meet, SendBeacon, let_rest
from potluck.core.wire.catalogue import Address, Beacon, LinkKind, RosterRecord
from potluck.engine.effects import Dial, Drop, Introduce
from potluck.engine.events import (
    DialFailed,
    InterfacesSeen,
    IntroductionAnswered,
    IntroductionHeard,
    LinkClosed,
    LinkId,
    LinkOpened,
    OrderId,
)
from potluck.engine.node import Node, Peer
from potluck.engine.ring.introductions import answer_to, chain_in, introduction, records_in
from potluck.engine.ring.rival_links import OTHER_RUN, RivalLinks, RivalsListener
from potluck.engine.ring.sealed_datagrams import SealedDatagrams

HINT = "hint"  # the way of a call that is good for a dial and nothing else
# counts the addresses that were remembered, over all runs: the order of their age
_REACHED = "reached"
_REACHED_BYTES = 8  # of that count: it never runs over
RIVAL_REST_S = 5.0  # not dialled for so long where another machine with our identity is linked
INTRODUCTIONS = 2  # so often the same address is dialled again at once after its knock was refused


class DiscoveryListener(RivalsListener, Protocol):
    """Hears whom discovery found and lost, and says what a beacon says."""

    def beacon(self) -> Beacon:
        """Return what this device says of itself to its group."""

    def on_called(self, to: Address | None) -> None:
        """This device called out, to that address or (None) to everybody."""

    def on_linked(self, device: DeviceId) -> None:
        """There is a control link to a member, or another one than before."""

    def on_unlinked(self, device: DeviceId, *, clean: bool) -> None:
        """The control link to a member is gone; `clean`: it was ended with BYE."""

    def on_refused(self, device: DeviceId) -> None:
        """A member refuses at every address: its process is gone, or a firewall rejects us."""

    def on_undialled(self, device: DeviceId, address: Address, reason: str) -> None:
        """A member was dialled in vain (`reason` as in DialFailed), and has no link to us."""

    def on_introduced(self, records: Sequence[RosterRecord]) -> None:
        """Somebody showed these records as the reason why it is a member, or why we are none."""


class Discovery:
    """Finds members and holds links to them."""

    def __init__(
        self, node: Node, sealed_datagrams: SealedDatagrams, listener: DiscoveryListener
    ) -> None:
        """Know nobody yet."""
        self._node, self._sealed_datagrams, self._listener = node, sealed_datagrams, listener
        self._book = node.address_book
        self.rivals = RivalLinks(node, listener)
        self.own_addresses: list[Address] = []
        self.interfaces: tuple[str, ...] = ()
        self.neighbours = 0
        self._nodes = 1
        self._dials: dict[OrderId, tuple[DeviceId, Address]] = {}
        # since a device was last linked: where nobody listened, how often we introduced ourselves
        self._refusing: dict[DeviceId, set[Address]] = {}
        self._introductions: dict[DeviceId, int] = {}

    def __repr__(self) -> str:
        """Say how many are known, linked and being dialled."""
        known, linked = len(self._book.known), len(self._node.linked())
        return f"<Discovery known={known}, linked={linked}, dials={len(self._dials)}>"

    def start(self) -> None:
        """Try everything that is known at once."""
        addresses, members = self._node.index.addresses.all(), _members(self._node)
        remembered = {device: known for device, known in addresses.items() if device in members}
        self._book.on_start(remembered, self._node.settings.peers, self._node.now)

    # -- facts -------------------------------------------------------------------------------------
    def on_interfaces(self, event: InterfacesSeen) -> list[Address]:
        """The networks of this host; returns our own addresses."""
        networks = [(interface.host, interface.prefix) for interface in event.interfaces]
        self.interfaces = tuple(
            f"{interface.name} {interface.host}" for interface in event.interfaces
        )
        self.neighbours = len(event.neighbours)
        self._node.firewall, self._node.tools = event.firewall, event.tools
        self.own_addresses = [Address(host, self._node.settings.port) for host, _ in networks]
        self._book.on_networks(networks, event.neighbours, self._node.now)
        return self.own_addresses

    def on_beacon(self, device: DeviceId, beacon: Beacon, source: Address, way: str) -> None:
        """A member calls; answer a question, and dial if there is no link.

        `way` is HINT if it calls under an older key: then nothing is answered.
        """
        found_by = "beacon"
        if way == HINT and self._node.peer(device).link is not None:
            return
        if way == "unicast":
            found_by = self._book.asked.get(source.host, "was asked" if beacon.ask else "answer")
        if beacon.port:
            listens = Address(source.host, beacon.port)
            self._book.on_sighted(device, listens, found_by, self._node.now)
            _locate(self._node, device)
        if beacon.ask and way != HINT:
            self._sealed_datagrams.send(device, self._listener.beacon(), source)

    def on_met(self, device: DeviceId, address: Address) -> None:
        """A member was met on the way into its group, at this address."""
        found_by = self._book.asked.get(address.host, "beacon")
        self._book.own.on_linked(device, address.host)
        self._book.on_sighted(device, address, found_by, self._node.now)

    def on_ring(self, nodes: int) -> None:
        """The ring has so many nodes now, which sets the pace of calls."""
        self._nodes = nodes

    def on_told(self, device: DeviceId, addresses: Sequence[Address]) -> None:
        """A member record told where a device is."""
        self._book.on_told(
            device, [address for address in addresses if address.port], self._node.now
        )
        _locate(self._node, device)

    def on_members(self) -> None:
        """The roster changed: what was remembered of new ones may be used, who is out is cut."""
        node = self._node
        for device in [each for each in node.linked() if each not in _members(node)]:
            peer = node.peer(device)  # its link ends, and nothing more is heard on it
            link, peer.link, peer.gone_s = peer.link, None, node.now
            assert link is not None, "it is linked"
            del node.link_owner[link]
            node.do(Drop(link, "removed"))
            self._book.on_unlinked(device, node.now)
            self._listener.on_unlinked(device, clean=False)
        for device, addresses in self._node.index.addresses.all().items():
            if device in _members(self._node):
                self._book.own.on_reached(device, addresses)
                self._book.on_told(device, addresses, self._node.now)

    def again(self, device: DeviceId) -> None:
        """Dial a device believed dead once more."""
        self._book.again(device, self._node.now)

    # -- links -------------------------------------------------------------------------------------
    def on_link_opened(self, event: LinkOpened, device: DeviceId) -> None:
        """A control link is open; of two to one device the one dialled by the smaller id stays."""
        node, dialled = self._node, event.dial is not None
        member = device in _members(self._node) and device != node.me
        if event.dial is not None:
            self._dials.pop(event.dial, None)
            self._book.on_dial_ended(device, node.now, linked=member)
            node.reach.on_dialled(device)
        if not member:
            node.do(Drop(event.link, "not a member"))
            return
        peer = node.peer(device)
        if peer.link is not None:
            dialled_by_larger = dialled != (node.me < device)
            same_run = peer.instance == event.instance
            if same_run and peer.dialled != dialled and dialled_by_larger:
                node.do(Drop(event.link, "duplicate"))
                return
            if not same_run and not self.rivals.may_follow(device):
                node.do(Drop(event.link, OTHER_RUN))
                return
            del node.link_owner[peer.link]
            if same_run:
                node.do(Drop(peer.link, "duplicate"))
            else:
                self.rivals.ask(peer, event.link, event.address)
        peer.link, peer.dialled, peer.instance = event.link, dialled, event.instance
        node.link_owner[event.link] = device
        self._reached(peer, event.address)
        self._listener.on_linked(device)

    def _reached(self, peer: Peer, address: Address) -> None:
        """Remember where a device is; of a link that came to us only the host is known."""
        node, device = self._node, peer.device
        peer.address = address if peer.dialled else Address(address.host, 0)
        self._book.own.on_linked(device, address.host)
        self._refusing.pop(device, None)
        self._introductions.pop(device, None)
        if peer.dialled:
            _remember(node, device, address)
            self._book.on_reached(device, address)
        elif device not in self._book.known:
            why = self._book.asked.get(address.host, "it found us")
            self._book.on_came(device, why, node.now)
        _locate(self._node, device)

    def on_link_closed(self, event: LinkClosed) -> None:
        """A link is gone; it matters if it was the one that counts."""
        device = self._node.link_owner.pop(event.link, None)
        if self.rivals.on_closed(event.link):
            return
        if device is not None:
            peer = self._node.peer(device)
            peer.link, peer.gone_s = None, self._node.now
            self._book.on_unlinked(device, self._node.now)
            if event.reason == OTHER_RUN:
                let_rest(self._book, device, self._node.now + RIVAL_REST_S)
            self._listener.on_unlinked(device, clean=event.clean)

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
        self._book.on_dial_ended(device, self._node.now, linked=False)
        if not event.refused and not event.knock:  # else it will listen, or believe us, soon
            self._node.reach.on_undialled(device, self._node.now)
        if device not in wanted(self._node):
            return True  # it came to us meanwhile
        if not event.knock:
            self._listener.on_undialled(device, address, event.reason)
        if event.refused:
            self._refused(device, address)
        if event.knock:
            self._introduce(_members(self._node)[device], address)
        return True

    def _refused(self, device: DeviceId, address: Address) -> None:
        """It is refused there; if that is so at every known address, the process may be gone."""
        known = set(self._node.sighted_at(device))
        self._refusing[device] = (self._refusing.get(device, set()) & known) | {address}
        if self._refusing[device] >= known:
            self._listener.on_refused(device)

    def _introduce(self, entry: MemberEntry, address: Address) -> None:
        """Show a device that refused our knock what made us a member, and try there again soon."""
        node, device = self._node, entry.device
        node.do(Introduce(address, introduction(node, entry)))
        count = self._introductions[device] = self._introductions.get(device, 0) + 1
        if count <= INTRODUCTIONS:
            found_by = self._book.known[device].found_by
            self._book.on_sighted(device, address, found_by, node.now)
            self._book.again(device, node.now + limits.DIAL_BACKOFF_S[0])

    def on_introduction(self, event: IntroductionHeard | IntroductionAnswered) -> None:
        """Somebody shows what makes it a member; or says, when we did so, why we are none."""
        if isinstance(event, IntroductionAnswered):
            self._listener.on_introduced(records_in(self._node, event.sealed))
            return
        node, chain = self._node, chain_in(self._node, event.sealed)
        self._listener.on_introduced(chain or [])
        node.do(answer_to(node, event.knock, chain))

    # -- time --------------------------------------------------------------------------------------
    def deadline(self) -> float | None:
        """Return when `on_tick` must be called next."""
        self._book.on_wanted(wanted(self._node))
        times = [self._book.deadline(), self.rivals.deadline()]
        return min((time for time in times if time is not None), default=None)

    def on_tick(self) -> None:
        """Call, ask and dial."""
        node = self._node
        self.rivals.on_tick()
        self._book.on_wanted(wanted(self._node))
        self._book.on_company(self._nodes, alone=not node.linked())
        for action in self._book.on_tick(node.now):
            match action:
                case SendBeacon():
                    self._sealed_datagrams.transmit(self._listener.beacon(), None)
                    self._listener.on_called(None)
                case Ask(address):
                    question = replace(self._listener.beacon(), ask=True)
                    self._sealed_datagrams.transmit(question, address)
                    self._listener.on_called(address)
                case Meet(device, address):
                    dial = node.number()
                    self._dials[dial] = (device, address)
                    node.do(Dial(dial, LinkKind.CONTROL, device, address))
                case _:
                    assert_never(action)


def wanted(node: Node) -> list[DeviceId]:
    """Return the members that should be linked and are not."""
    linked = {node.me, *node.linked()}
    return [device for device in _members(node) if device not in linked]


def _locate(node: Node, device: DeviceId) -> None:
    """A device whose link came to us listens where it said, on the host the link came from."""
    peer = node.peers.get(device)
    if peer is None or peer.address is None or peer.address.port:
        return
    host = peer.address.host
    at_host = [address for address in node.sighted_at(device) if address.host == host]
    if at_host:
        peer.address = at_host[0]
        _remember(node, device, at_host[0])


def _remember(node: Node, device: DeviceId, address: Address) -> None:
    """Note for the next runs where a device was linked, and listens."""
    count = int.from_bytes(node.index.meta.get(_REACHED) or b"") + 1
    node.index.meta.set(_REACHED, count.to_bytes(_REACHED_BYTES))
    node.index.addresses.remember(device, address, count)


def _members(node: Node) -> dict[DeviceId, MemberEntry]:
    return node.roster.members if node.roster else {}
