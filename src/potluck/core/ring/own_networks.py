"""Own networks: which addresses may be dialled because somebody says that a device is there.

Strategy. A member says of itself where it listens, and a datagram says where it came from; both can
be made up, and whoever dials them opens a connection for a stranger. So an address that was only
said is dialled if it is a literal IP address inside a network of this host, with a port on which no
service of the system listens. Beside that stands what does not rest on a word: what a person gave
is dialled as given, and vouches for the network it is in, so a group on both sides of a router or a
tunnel stays whole if one device was given an address; and the host of a link that really was open
to that very device is one of its own. A name is never looked up.

On the loopback network only our own addresses there count, and only if we are on it ourselves: all
of 127.0.0.0/8 is this machine.

Guarantees: pure; what may be dialled follows the networks of this moment, so a change of the Wi-Fi
needs nothing but their new addresses. Limits: a network as wide as its prefix says, and around an
address that was given as wide as a home's; one behind a name that was given is not known; a device
behind a router must dial us, or one in its network be given with --peer.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
    ip_address,
    ip_interface,
    ip_network,
)
from typing import TypeVar

from potluck.core import limits
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import Address

_Where = TypeVar("_Where")
HOME_PREFIX = {4: 24, 6: 64}  # of a network that is not ours, so nobody tells how wide it is
SYSTEM_PORTS = 1024  # below it are services of the system (RFC 6335), which could be harmed


class OwnNetworks:
    """The networks of this host, and what else is known to be a device's own."""

    def __init__(self, port: int) -> None:
        """Be on no network; `port` is ours, perhaps a system port that a person chose for all."""
        self._ports = {limits.PORT, port}
        self._networks: tuple[IPv4Interface | IPv6Interface, ...] = ()
        self._given: frozenset[Address] = frozenset()
        self._given_hosts: frozenset[str] = frozenset()
        self._beyond: tuple[IPv4Network | IPv6Network, ...] = ()  # around what was given
        self._linked: dict[DeviceId, dict[str, None]] = {}  # hosts, the newest last
        self._reached: dict[DeviceId, dict[Address, None]] = {}  # likewise, by dials

    def __repr__(self) -> str:
        """Return how many networks there are."""
        return f"<OwnNetworks {len(self._networks)}, {len(self._linked)} devices were linked>"

    # -- facts -------------------------------------------------------------------------------------
    def on_networks(self, networks: Sequence[tuple[str, int]]) -> None:
        """These are the networks now, as (own address, prefix length)."""
        self._networks = tuple(ip_interface(f"{host}/{prefix}") for host, prefix in networks)

    def on_given(self, peers: Iterable[Address]) -> None:
        """A person gave these addresses."""
        self._given = frozenset(peers)
        self._given_hosts = frozenset(address.host for address in self._given)
        hosts = [host for each in sorted(self._given_hosts) if (host := _literal(each)) is not None]
        self._beyond = tuple(
            ip_network(f"{str(host).partition('%')[0]}/{HOME_PREFIX[host.version]}", strict=False)
            for host in hosts
            if not host.is_loopback
        )

    def on_reached(self, device: DeviceId, addresses: Iterable[Address]) -> None:
        """Dials led to that device there, in this run or an earlier one."""
        for address in addresses:
            _keep(self._reached, device, address)

    def on_linked(self, device: DeviceId, host: str) -> None:
        """A link to that device is open, with that host."""
        _keep(self._linked, device, host)

    # -- answers -----------------------------------------------------------------------------------
    def is_plain(self, address: Address) -> bool:
        """Say whether that is one host, written as addresses are, and no port of the system."""
        known = address.port >= SYSTEM_PORTS or address.port in self._ports
        return bool(address.port) and known and _literal(address.host) is not None

    def holds(self, address: Address) -> bool:
        """Say whether an address that somebody said may be dialled, whoever is there."""
        if address in self._given:
            return True
        near = address.host in self._given_hosts or self._is_near(address.host)
        return near and self.is_plain(address)

    def may_dial(self, device: DeviceId, address: Address) -> bool:
        """Say whether that device may be dialled there."""
        if address in self._reached.get(device, ()) or self.holds(address):
            return True
        return self.is_plain(address) and address.host in self._linked.get(device, ())

    def was_at(self, device: DeviceId, host: str) -> bool:
        """Say whether that device was linked or reached at that host."""
        reached = {address.host for address in self._reached.get(device, ())}
        return host in reached or host in self._linked.get(device, ())

    def is_said_well(self, address: Address) -> bool:
        """Say whether an address in a message can be one to dial, now or later.

        A zone (fe80::1%eth0) is a name of whoever says it.
        """
        return "%" not in address.host and self.is_plain(address)

    def _is_near(self, host: str) -> bool:
        """Say whether that is in one of the own networks, and one host there."""
        near = _literal(host)
        if near is None:
            return False
        if near.is_loopback:
            return any(each.ip == near for each in self._networks)
        networks = [*(each.network for each in self._networks), *self._beyond]
        return any(near in each and near not in _for_all(each) for each in networks)


def _keep(table: dict[DeviceId, dict[_Where, None]], device: DeviceId, where: _Where) -> None:
    """Note one more place of a device; there are so many of each, and so many devices."""
    if device not in table and len(table) >= limits.SIGHTED:
        del table[next(iter(table))]
    places = table.setdefault(device, {})
    places.pop(where, None)
    places[where] = None
    if len(places) > limits.ADDRESSES_PER_DEVICE:
        del places[next(iter(places))]


def _literal(host: str) -> IPv4Address | IPv6Address | None:
    """Return the address of one host that is written there; None for anything else."""
    try:
        written = ip_address(host)
    except ValueError:
        return None
    many = written.is_multicast or written.is_unspecified
    many = many or (written.is_reserved and not written.is_loopback)  # ::1 counts as both
    mapped = written.version == 6 and written.ipv4_mapped is not None
    return None if many or mapped or str(written) != host else written


def _for_all(network: IPv4Network | IPv6Network) -> tuple[IPv4Address | IPv6Address, ...]:
    """Return what is no single host of a network: its own address, and that of everybody."""
    if network.version == 6 or network.num_addresses <= 2:  # RFC 3021
        return ()
    return network.network_address, network.broadcast_address
