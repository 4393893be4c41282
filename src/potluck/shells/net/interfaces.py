"""Which networks this host is on, and which neighbours it has heard of there.

Strategy: ask the kernel, not a library. Two netlink dumps (links, then IPv4 addresses) give name,
flags, address and prefix; /proc/net/arp gives the neighbours. Every parser is a pure function of
bytes or text, the few lines that talk to the kernel stand at the end. *The name decides* what is a
bridge of containers or a tunnel, never the driver: a veth called eth0 inside a container is that
container's one real network.

Guarantees: an answer that cannot be understood is skipped, never raised; what is left out is listed
with its reason, so that a silence can be explained; neighbours lie in our own
subnets, are complete, and are at most limits.NEIGHBOURS; all of it is seen from this process's own
network namespace.

Limits: IPv4 on Linux. Elsewhere the survey is empty, and says so.
"""

from __future__ import annotations

import os
import socket
import struct
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from ipaddress import IPv4Address, IPv4Network
from typing import Final

from potluck.core import limits
from potluck.core.wire.catalogue import Address
from potluck.engine.events import Interface
from potluck.shells.net.firewalls import firewall_here, tools_here

# -- names that are not somebody's LAN; the first match gives the reason ---------------------------
CONTAINERS = (
    "docker*", "br-*", "virbr*", "veth*", "cni*", "podman*", "lxc*", "lxdbr*", "flannel*", "cali*",
    "vboxnet*", "vmnet*",
)  # fmt: skip
TUNNELS = ("tun*", "tap*", "wg*", "tailscale*", "ppp*", "zt*")
REASON_CONTAINER = (
    "a bridge for containers or virtual machines; use --interface {name} to include it"
)
REASON_TUNNEL = "a VPN; use --interface {name} to include it"
REASON_LOOPBACK = "this machine only; use --interface {name} to include it"
REASON_DOWN = "down, or no cable"
REASON_NOT_ASKED = "not among the interfaces given by --interface"
REASON_MISSING = "there is no such interface, or it has no IPv4 address"
REASON_SYSTEM = "this system's interfaces cannot be listed; use --peer HOST"

# -- linux/if.h, linux/netlink.h, linux/rtnetlink.h, linux/if_addr.h, linux/if_link.h --------------
IFF_UP = 0x1
IFF_LOOPBACK = 0x8
IFF_POINTOPOINT = 0x10
IFF_RUNNING = 0x40
NLMSG_ERROR = 2
NLMSG_DONE = 3
NLM_F_REQUEST_DUMP = 0x1 | 0x300
RTM_NEWLINK = 16
RTM_GETLINK = 18
RTM_NEWADDR = 20
RTM_GETADDR = 22
IFLA_IFNAME = 3
IFA_ADDRESS = 1
IFA_LOCAL = 2
_MESSAGE = struct.Struct("=IHHII")  # length, type, flags, sequence, port
_LINK = struct.Struct("=BxHiII")  # family, type, index, flags, change
_ADDRESS = struct.Struct("=BBBBI")  # family, prefix length, flags, scope, index
_ATTRIBUTE = struct.Struct("=HH")  # length, type
_ANSWER_BYTES = 64 * limits.KIB  # more than the kernel puts in one part of a dump
_ANSWER_S = 1.0  # the kernel answers at once or not at all

# longer than a healthy name service needs, short enough for somebody who waits at a terminal
RESOLVE_S: Final = 3.0

ARP_COMPLETE = 0x2  # the neighbour's hardware address is known; 0x0 is a question nobody answered
_ARP_COLUMNS = 6
_BROADCAST_PREFIX_MAX = 30  # /31 and /32 have no broadcast address


@dataclass(frozen=True, slots=True)
class Link:
    """One network card, real or virtual, as the kernel knows it."""

    index: int  # its number; a card that is unplugged and plugged again gets another
    name: str  # "eth0"
    flags: int  # IFF_…


@dataclass(frozen=True, slots=True)
class UsableNetwork:
    """One usable network: what the engine is told, and the card's number for the sockets."""

    interface: Interface  # as the engine sees it
    index: int  # of its link


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A network that is not used, and why."""

    name: str  # "docker0"
    host: str  # own address there, "" if unknown
    reason: str  # for people


@dataclass(frozen=True, slots=True)
class Survey:
    """Everything one look around found; two equal surveys mean that nothing changed."""

    networks: tuple[UsableNetwork, ...]  # usable ones, in the kernel's order
    left_out: tuple[LeftOut, ...]  # the others
    neighbours: tuple[str, ...]  # IPv4 addresses on usable networks
    firewall: str = ""  # the one that is on here, "" if none can be seen
    tools: tuple[str, ...] = ()  # which commands that show more are installed here


# -- pure: bytes and text in, values out -----------------------------------------------------------
def parse_messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Split one netlink answer into (type, body); stops at a length that cannot be right."""
    at = 0
    while at + _MESSAGE.size <= len(data):
        length, kind, _flags, _sequence, _port = _MESSAGE.unpack_from(data, at)
        if length < _MESSAGE.size or at + length > len(data):
            return
        yield kind, data[at + _MESSAGE.size : at + length]
        at += _aligned(length)


def parse_link(body: bytes) -> Link | None:
    """Read the body of an RTM_NEWLINK; None if it has no name."""
    if len(body) < _LINK.size:
        return None
    _family, _type, index, flags, _change = _LINK.unpack_from(body)
    name = _attributes(body[_LINK.size :]).get(IFLA_IFNAME, b"").rstrip(b"\0")
    return Link(index, os.fsdecode(name), flags) if name else None


def parse_address(body: bytes) -> tuple[int, str, int] | None:
    """Read the body of an RTM_NEWADDR: (link index, own IPv4 address, prefix length).

    None if it is not IPv4.
    """
    if len(body) < _ADDRESS.size:
        return None
    family, prefix, _flags, _scope, index = _ADDRESS.unpack_from(body)
    attributes = _attributes(body[_ADDRESS.size :])
    # On a point-to-point link IFA_ADDRESS is the far end, so the local one comes first.
    packed = attributes.get(IFA_LOCAL) or attributes.get(IFA_ADDRESS, b"")
    if family != socket.AF_INET or len(packed) != 4 or prefix > 32:
        return None
    return index, str(IPv4Address(packed)), prefix


def choose(
    links: Sequence[Link], addresses: Sequence[tuple[int, str, int]], only: Sequence[str] = ()
) -> tuple[tuple[UsableNetwork, ...], tuple[LeftOut, ...]]:
    """Divide the networks into used and left out; `only` are names from --interface."""
    by_index = {link.index: link for link in links}
    usable: list[UsableNetwork] = []
    left_out: list[LeftOut] = []
    for index, host, prefix in addresses:
        link = by_index.get(index)
        if link is None:  # it went away between the two dumps
            continue
        reason = _reason(link, only)
        if reason:
            left_out.append(LeftOut(link.name, host, reason.format(name=link.name)))
        else:
            usable.append(
                UsableNetwork(Interface(link.name, host, _broadcast(host, prefix), prefix), index)
            )
    listed = {network.interface.name for network in usable} | {entry.name for entry in left_out}
    left_out.extend(LeftOut(name, "", REASON_MISSING) for name in only if name not in listed)
    return tuple(usable), tuple(left_out)


def parse_neighbours(text: str, interfaces: Sequence[Interface]) -> tuple[str, ...]:
    """Read /proc/net/arp: complete entries in the subnet they were heard on, sorted."""
    subnets: dict[str, list[IPv4Network]] = {}
    for interface in interfaces:
        subnet = IPv4Network((interface.host, interface.prefix), strict=False)
        subnets.setdefault(interface.name, []).append(subnet)
    ours = {interface.host for interface in interfaces}
    found: set[IPv4Address] = set()
    for line in text.splitlines()[1:]:
        entry = _neighbour(line)
        if entry is None:
            continue
        address, device = entry
        if str(address) not in ours and any(
            address in subnet for subnet in subnets.get(device, ())
        ):
            found.add(address)
    return tuple(str(address) for address in sorted(found)[: limits.NEIGHBOURS])


def _neighbour(line: str) -> tuple[IPv4Address, str] | None:
    """Read one line of /proc/net/arp: address and device, if the entry is complete."""
    columns = line.split()
    if len(columns) != _ARP_COLUMNS:
        return None
    host, _type, flags, _hardware, _mask, device = columns
    try:
        address, complete = IPv4Address(host), int(flags, 16) & ARP_COMPLETE
    except ValueError:
        return None
    return (address, device) if complete else None


def _reason(link: Link, only: Sequence[str]) -> str:
    """Return why this link is not used, "" if it is."""
    if only and link.name not in only:
        return REASON_NOT_ASKED
    if not link.flags & IFF_UP or not link.flags & IFF_RUNNING:
        return REASON_DOWN
    return "" if only else _reason_by_kind(link)


def _reason_by_kind(link: Link) -> str:
    """Return why nobody would look for other people's devices on such a link, "" if they would."""
    if link.flags & IFF_LOOPBACK:
        return REASON_LOOPBACK
    if any(fnmatchcase(link.name, pattern) for pattern in CONTAINERS):
        return REASON_CONTAINER
    if link.flags & IFF_POINTOPOINT or any(fnmatchcase(link.name, pattern) for pattern in TUNNELS):
        return REASON_TUNNEL
    return ""


def _broadcast(host: str, prefix: int) -> str:
    """Return the directed broadcast address, "" where a network is too small to have one."""
    if prefix > _BROADCAST_PREFIX_MAX:
        return ""
    return str(IPv4Network((host, prefix), strict=False).broadcast_address)


def _attributes(data: bytes) -> dict[int, bytes]:
    """Read the attributes behind a netlink header."""
    found: dict[int, bytes] = {}
    at = 0
    while at + _ATTRIBUTE.size <= len(data):
        length, kind = _ATTRIBUTE.unpack_from(data, at)
        if length < _ATTRIBUTE.size or at + length > len(data):
            break
        found[kind] = data[at + _ATTRIBUTE.size : at + length]
        at += _aligned(length)
    return found


def _aligned(length: int) -> int:
    return (length + 3) & ~3


# -- the world -------------------------------------------------------------------------------------
def survey(only: Sequence[str] = ()) -> Survey:
    """Look at the interfaces and neighbours of this host; `only` are names from --interface."""
    if not hasattr(socket, "AF_NETLINK"):
        return Survey((), (LeftOut("", "", REASON_SYSTEM),), ())
    links = [link for body in _dump(RTM_GETLINK, RTM_NEWLINK) if (link := parse_link(body))]
    addresses = [
        found for body in _dump(RTM_GETADDR, RTM_NEWADDR) if (found := parse_address(body))
    ]
    networks, left_out = choose(links, addresses, only)
    neighbours = read_neighbours([network.interface for network in networks])
    return Survey(networks, left_out, neighbours, firewall_here(), tools_here())


def read_neighbours(
    interfaces: Sequence[Interface], path: str = "/proc/net/arp"
) -> tuple[str, ...]:
    """Read the neighbour table of this process's network namespace; empty where there is none."""
    try:
        with open(path, encoding="ascii", errors="replace") as table:
            return parse_neighbours(table.read(), interfaces)
    except OSError:  # no /proc here: one source of hints less, the others go on
        return ()


def _dump(question: int, answer: int) -> list[bytes]:
    """Ask the kernel for all objects of one kind; returns the bodies of its `answer` messages."""
    bodies: list[bytes] = []
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as kernel:
        kernel.settimeout(_ANSWER_S)
        family = struct.pack(
            "=B3x", socket.AF_INET if question == RTM_GETADDR else socket.AF_UNSPEC
        )
        body = family.ljust(_LINK.size, b"\0")
        header = _MESSAGE.pack(_MESSAGE.size + len(body), question, NLM_F_REQUEST_DUMP, 1, 0)
        kernel.sendto(header + body, (0, 0))
        while True:
            for kind, part in parse_messages(kernel.recv(_ANSWER_BYTES)):
                if kind in {NLMSG_DONE, NLMSG_ERROR}:
                    return bodies
                if kind == answer:
                    bodies.append(part)


# -- names that a person gave for devices ----------------------------------------------------------
def resolve_names(
    peers: Iterable[tuple[str, int]], wait_s: float = RESOLVE_S
) -> tuple[list[Address], list[str]]:
    """Return the addresses of (host, port) pairs, in their order, and the hosts without one."""
    wanted = list(dict.fromkeys(peers))
    found: dict[tuple[str, int], Address] = {}
    threads = [
        threading.Thread(target=_look_up, args=(peer, found), name="resolve", daemon=True)
        for peer in wanted
    ]
    deadline = time.monotonic() + wait_s
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    known = dict(found)  # whoever answers later is not heard
    unknown = [peer[0] for peer in wanted if peer not in known]
    return [known[peer] for peer in wanted if peer in known], unknown


def _look_up(peer: tuple[str, int], found: dict[tuple[str, int], Address]) -> None:
    host, port = peer
    try:
        answers = socket.getaddrinfo(host, port, socket.AF_INET, socket.SOCK_STREAM)
    except (OSError, UnicodeError):  # the latter: a name that no name can be
        return
    found[peer] = Address(str(answers[0][4][0]), port)
