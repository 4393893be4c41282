"""Link troubles: a device that is there and cannot be reached, said once, with what helps.

Strategy: a device that is off is no trouble. One that is heard of and that neither side can dial
is: whoever dialled it in vain and was not dialled instead says so here, be it for the way in, for a
control link or for a bulk link. It stands among the troubles, with the firewall of this machine
named if one was seen, until there is a link or nobody has tried for a while. Who is no member yet
has no name that is known here but its host's: a link with any device at that host ends it too.
A bulk link that could not be made is told of a device that has a control link, so it says that it
is about files, and only if a search for one failed that began after another failed one and after
something was heard of that device since: a cable was out before. Whatever comes on a bulk link, or
is asked there, ends it at once.
A device with which connections are made and hang again and again, with small packets too, is a
trouble as well (ring/narrow_paths.py); a new link ends nothing there, only many bytes that came, or
time.

Guarantees: people are told once of each, and again only after it was over, though `status` says
how the last dial failed. What is said follows from how the dial failed: only no answer, a refusal
and an unreachable host may be a firewall's doing, and each names what else it may be. A device of
which nothing is heard since the first dial failed is never called kept out. Limits: which of the
two machines keeps the other out cannot be told apart from here. How long a search for a bulk link
takes is known for two addresses. Why connections hang is guessed. Whoever only sends hears of no
stall that the other side ends first, and learns only by time that nothing hangs any more. When
somebody is dialled next is known for control links only.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from potluck.core import limits
from potluck.core.group.statements import MemberEntry
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import Address
from potluck.engine.events import (
    DIAL_REFUSED,
    DIAL_TIMEOUT,
    DIAL_UNMADE,
    DIAL_UNREACHABLE,
    DIAL_UNTRIED,
    NO_COMMON_VERSION,
)
from potluck.engine.firewall_advice import named, opening
from potluck.engine.group.request_ends import OTHER_VERSION, of_versions
from potluck.engine.node import Node, tell_trouble
from potluck.engine.troubles import Trouble, TroubleKind

HEARD_S = 15.0  # a member says something by datagram more often than that, if any of it comes here
TIMES = 2  # a dial may be lost; two in a row are not
STANDS_S = 60.0  # without another try for so long it is over, or nobody knows
STANDING_MAX = 256  # strangers have as many addresses as they like
# what hung within this of the first may have been made before packets were small
HUNG_AGAIN_S = limits.BULK_STALL_S
MANY_BYTES = 16 * limits.KIB  # do not come by where only small packets get through
# the longest search for a bulk link: our dials, then its
SEARCH_S = limits.CALL_ADDRESSES * limits.HANDSHAKE_S + limits.CALLED_S
VERSION_COMMAND = "version"  # of ours: which one this device has
# what a probe has to carry to be as long as our small packets: 40 bytes of headers, of it only 28
PROBE_BYTES = limits.SMALL_SEGMENT_BYTES + 40 - 28


@dataclass(slots=True)
class _FailedDials:
    """A member whose dials fail."""

    times: int = 0
    first_s: float = -math.inf  # when the first of them failed
    heard_s: float = -math.inf


@dataclass(slots=True)
class _Unserved:
    """A member with which no bulk link could be made since one last was."""

    back_s: float | None = None  # since when something is heard of it again and again after that
    said_s: float = -math.inf  # when it said something last


@dataclass(frozen=True, slots=True)
class _Standing:
    """One that is told."""

    host: str  # where it was dialled
    until_s: float  # when it is over at the latest
    hangs: bool = False  # connections are made and hang


@dataclass(slots=True)
class _Hung:
    """A host with which connections were made and hung."""

    first_s: float
    last_s: float


class LinkTroubles:
    """Notes devices that cannot be reached."""

    def __init__(self, node: Node) -> None:
        """Know of none."""
        self._node = node
        self._members: dict[DeviceId, _FailedDials] = {}
        self._unserved: dict[DeviceId, _Unserved] = {}
        self._standing: dict[str, _Standing] = {}  # by label or host
        self._hung: dict[str, _Hung] = {}  # by host

    def __repr__(self) -> str:
        """Return how many cannot be reached."""
        return f"<LinkTroubles: {len(self._standing)}>"

    # -- members -----------------------------------------------------------------------------------
    def on_heard(self, device: DeviceId) -> None:
        """A member said something by datagram, or another one heard it: it is there.

        Whom another one says to hear may be anything; who is no member is not remembered.
        """
        roster = self._node.roster
        if roster is None or device not in roster.members:
            return
        member = self._members.setdefault(device, _FailedDials())
        if self._node.now - member.heard_s > HEARD_S:
            member.times = 0  # it was away, and dials to it had to fail
        member.heard_s = self._node.now
        self.on_said(device)

    def on_undialled(self, device: DeviceId, address: Address, reason: str) -> None:
        """A member was dialled in vain, and has no link to us; `reason` as in DialFailed."""
        member, now = self._members.setdefault(device, _FailedDials()), self._node.now
        if not member.times:
            member.first_s = now
        member.times += 1
        # what was heard before them all may have come through a cable that is out by now
        is_there = member.heard_s >= member.first_s and now - member.heard_s <= HEARD_S
        if member.times >= TIMES and is_there:
            sighting = self._node.address_book.known.get(device)
            next_s = None if sighting is None else sighting.next_s
            self.on_blocked(self._node.label_of(device), address, reason, next_s)

    def on_linked(self, device: DeviceId) -> None:
        """There is a link to a member, which may have been noted before it was one."""
        node = self._node
        self._members.pop(device, None)
        self._unserved.pop(device, None)
        label, hosts = node.label_of(device), _hosts(node, device)
        others = {entry.label for entry in _members(node).values()} - {label}
        for who, standing in list(self._standing.items()):
            if standing.hangs:
                continue
            if who == label or (standing.host in hosts and who not in others):
                self._over(who)

    # -- bulk links of members ---------------------------------------------------------------------
    def on_said(self, device: DeviceId) -> None:
        """A member said something, by datagram or on its control link: the cables are in."""
        unserved, now = self._unserved.get(device), self._node.now
        if unserved is None:
            return
        if unserved.back_s is None or now - unserved.said_s > SEARCH_S:
            unserved.back_s = now
        unserved.said_s = now

    def on_unserved(self, device: DeviceId, address: Address, reason: str) -> None:
        """Neither side could dial the other for a bulk link; `reason` as in DialFailed.

        A search that began while a cable was out may end after it is in again, and one that ends
        while nothing has been heard for as long says nothing either.
        """
        unserved, now = self._unserved.setdefault(device, _Unserved()), self._node.now
        back_s = unserved.back_s if now - unserved.said_s <= SEARCH_S else None
        if back_s is not None and now - back_s >= SEARCH_S:
            self.on_blocked(self._node.label_of(device), address, reason, files=True)

    def on_served(self, device: DeviceId) -> None:
        """There is a bulk link with a member, whoever dialled it."""
        if self._unserved or self._standing:
            self._unserved.pop(device, None)
            self.on_reached(self._node.label_of(device))

    # -- who is no member --------------------------------------------------------------------------
    def on_door_blocked(self, who: str, address: Address, reason: str) -> None:
        """Neither side could dial the other to let one of them in; `who`: a label or a host.

        A dial may end after its device came in by another way: then it says nothing.
        """
        node = self._node
        if not any(address.host in _hosts(node, device) for device in node.linked()):
            self.on_blocked(who, address, reason)

    # -- connections that hang ---------------------------------------------------------------------
    def on_hung(self, host: str) -> None:
        """A connection with that host was made and hung; packets are small from now on."""
        node, now = self._node, self._node.now
        if host not in self._hung and len(self._hung) >= STANDING_MAX:
            del self._hung[min(self._hung, key=lambda each: self._hung[each].last_s)]
        hung = self._hung.setdefault(host, _Hung(now, now))
        if now - hung.last_s > STANDS_S:
            hung.first_s = now
        hung.last_s = now
        if now - hung.first_s < HUNG_AGAIN_S:
            return
        devices = [device for device in _members(node) if host in _hosts(node, device)]
        if devices and not any(map(self._is_there, devices)):
            return  # it went, and what was sent to it had to hang
        who = node.label_of(devices[0]) if len(devices) == 1 else host
        standing = self._standing.get(who)
        if standing is None or standing.hangs:
            self._stand(who, _Standing(host, now + STANDS_S, hangs=True))
            tell_trouble(node, _hanging(who, host, node), "link_hangs")

    def on_received(self, device: DeviceId, size_bytes: int) -> None:
        """A member sent so much: if that is much, connections with it do not hang."""
        self.on_served(device)
        if self._hung and size_bytes >= MANY_BYTES:
            self._hangs_no_more(device)

    def on_unlinked(self, device: DeviceId, *, clean: bool) -> None:
        """The control link to a member is gone; `clean`: it said that it leaves."""
        self._unserved.pop(device, None)
        if clean:
            self._hangs_no_more(device)

    def _hangs_no_more(self, device: DeviceId) -> None:
        hosts = _hosts(self._node, device)
        for host in hosts:
            self._hung.pop(host, None)
        for who, standing in list(self._standing.items()):
            if standing.hangs and standing.host in hosts:
                self._over(who)

    def _is_there(self, device: DeviceId) -> bool:
        if device in self._node.linked():
            return True
        member = self._members.get(device)
        return member is not None and self._node.now - member.heard_s <= HEARD_S

    # -- anybody -----------------------------------------------------------------------------------
    def on_blocked(
        self,
        who: str,
        address: Address,
        reason: str,
        next_s: float | None = None,
        *,
        files: bool = False,
    ) -> None:
        """Neither side could dial the other; `reason` as in DialFailed, `next_s` the next try.

        `files`: there is a control link, and none for files.
        """
        node, standing = self._node, self._standing.get(who)
        if standing is not None and standing.hangs and _was_made(reason):
            return  # that is how it hangs
        apart = NO_COMMON_VERSION in reason
        why = of_versions(reason) if apart else _why(reason, named(node.firewall))
        kind = "connection for files" if files else "connection"
        what = f"no {kind} with {address.host}:{address.port} in either direction: {why}"
        command = VERSION_COMMAND if apart else ""
        what += "; the command, typed on both, tells which it is" if why == OTHER_VERSION else ""
        if _may_be_firewall(reason):
            command = opening(node.firewall, node.settings.port, node.tools)
            what += f"; TCP and UDP port {node.settings.port} must be let in"
        trouble = Trouble(TroubleKind.LINK, who, what, command, node.now, next_s)
        self._stand(who, _Standing(address.host, node.now + STANDS_S))
        if standing is None or standing.hangs:
            tell_trouble(node, trouble, "link_blocked")
        else:
            node.troubles.note(trouble)  # dials fail in several ways, and it is one trouble

    def on_reached(self, who: str) -> None:
        """There is a link with somebody, by label, or by the host of who is no member."""
        standing = self._standing.get(who)
        if standing is not None and not standing.hangs:
            self._over(who)

    def _stand(self, who: str, standing: _Standing) -> None:
        """It is told; of too many, who was tried longest ago is told no more."""
        if who not in self._standing and len(self._standing) >= STANDING_MAX:
            self._over(min(self._standing, key=lambda each: self._standing[each].until_s))
        self._standing[who] = standing

    def _over(self, who: str) -> None:
        del self._standing[who]
        self._node.troubles.clear(TroubleKind.LINK, who)

    # -- time --------------------------------------------------------------------------------------
    def deadline(self) -> float | None:
        """Return when `on_tick` must be called next."""
        return min((standing.until_s for standing in self._standing.values()), default=None)

    def on_tick(self) -> None:
        """Let go of what nobody tried for long."""
        for who, standing in list(self._standing.items()):
            if standing.until_s <= self._node.now:
                self._over(who)


def _members(node: Node) -> Mapping[DeviceId, MemberEntry]:
    return {} if node.roster is None else node.roster.members


def _hosts(node: Node, device: DeviceId) -> set[str]:
    """Return the hosts at which a device is known; of a link that came to us its host at least."""
    peer = node.peers.get(device)
    hosts = {address.host for address in node.addresses_of(device)}
    if peer is not None and peer.address is not None:
        hosts.add(peer.address.host)
    return hosts


def _hanging(who: str, host: str, node: Node) -> Trouble:
    """Return what is told of a host with which connections hang."""
    what = (
        f"connections with {host} are made and then hang: packets of "
        f"{limits.SMALL_SEGMENT_BYTES + 40:,} bytes are lost on the way, or it is asleep, or it or "
        "the way to it is overloaded"
    )
    command = ""
    if "ping" in node.tools:
        what += f"; they are lost if the command gets no answer while ping {host} gets one"
        command = f"ping -c 3 -M do -s {PROBE_BYTES} {host}"
    return Trouble(TroubleKind.LINK, who, what, command, node.now, None)


def _was_made(reason: str) -> bool:
    """Say whether a dial that failed in this way had led to a connection."""
    return not _may_be_firewall(reason) and not reason.startswith((DIAL_UNTRIED, DIAL_UNMADE))


def _may_be_firewall(reason: str) -> bool:
    """Say whether a dial that failed in this way may have met a firewall."""
    return reason in {DIAL_TIMEOUT, DIAL_REFUSED} or reason.startswith(DIAL_UNREACHABLE)


def _why(reason: str, here: str) -> str:
    """Return what is known of a dial that failed in this way; `here`: the firewall seen here."""
    aside = f" ({here})" if here else ""
    if reason == DIAL_TIMEOUT:
        return (
            f"a firewall on one of the two devices lets nothing in{aside}, a cable is out, "
            "or the way there is overloaded"
        )
    if reason == DIAL_REFUSED:
        return (
            f"it is refused there: a firewall on one of the two devices rejects it{aside}, "
            "or nothing listens at that port"
        )
    if reason.startswith(DIAL_UNREACHABLE):
        detail = reason.removeprefix(DIAL_UNREACHABLE).lstrip(": ")
        return (
            f"{detail or DIAL_UNREACHABLE}: a firewall on one of the two devices rejects it{aside},"
            " or a cable is out"
        )
    if reason.startswith(DIAL_UNTRIED):
        return f"this device cannot make one now ({reason})"
    if reason.startswith(DIAL_UNMADE):
        return f"none could be made ({reason.removeprefix(DIAL_UNMADE).lstrip(': ')})"
    return f"one is made, and then fails ({reason})"
