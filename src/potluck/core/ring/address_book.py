"""Sightings: what was seen where, and hence whom to ask and whom to dial, and when.

Strategy. From the first moment everything is tried at once: a burst of beacons to everybody, and
single questions to remembered addresses, to `--peer` addresses and to every host in the neighbour
table (which works where multicast is dropped). If nobody authenticated after a second, the own
subnet is swept once, slowly. Then each node calls every 5 s x N +- 50 %, so a LAN hears about 0.2
calls a second whatever N is. A change of the networks starts a new burst.

A sighting is a hint to dial, never more: only a TLS handshake against the roster says who somebody
is. The address a datagram really came from goes before any address told. Of two devices the one
with the smaller id dials first, the other gives it a quarter of a second; failed dials back off per
device, and a fresh sighting ends the back-off.

Guarantees: pure; never more than one dial to one device under way; every address asked at most once
per burst. Limits: IPv4 sweep of /22 and smaller; the source that found a device first is the one
that is remembered.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from potluck.core import limits
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import Address

SWEEP_STEP_S = 0.05
POLITE_S = 0.25


@dataclass(frozen=True, slots=True)
class SendBeacon:
    """Say to everybody on every network that we are here."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Ask at that address whether somebody of ours is there."""

    address: Address


@dataclass(frozen=True, slots=True)
class Meet:
    """Dial that device there."""

    device: DeviceId
    address: Address


AddressBookAction = SendBeacon | Ask | Meet


@dataclass(slots=True)
class Sighting:
    """What is known of the whereabouts of one device."""

    found_by: str
    addresses: list[Address] = field(default_factory=list)
    tries: int = 0
    next_s: float = 0.0
    dialling: bool = False


class AddressBook:
    """The address book of one run, and the plan of whom to call."""

    def __init__(self, me: DeviceId, port: int, *, sweep: bool) -> None:
        """Know nobody; `port` is our own TCP port, other potlucks are asked at the default one."""
        self.me, self.port = me, port
        self.known: dict[DeviceId, Sighting] = {}
        self.asked: dict[str, str] = {}  # host -> why we asked it
        self._sweep_wanted = sweep
        self._swept: list[Address] = []
        self._calls_s: list[float] = []
        self._asks: list[tuple[float, Address]] = []
        self._start_s: float | None = None
        self._networks: tuple[str, ...] = ()

    # -- facts -------------------------------------------------------------------------------------
    def on_start(
        self, remembered: Mapping[DeviceId, Sequence[Address]], peers: Iterable[Address], now: float
    ) -> None:
        """Begin: everything that is known already is tried at once."""
        self._start_s = now
        self._calls_s = [now + delay for delay in limits.BURST_S]
        for device, addresses in remembered.items():
            if device != self.me:
                self.known[device] = Sighting("remembered", list(addresses), next_s=now)
        for address in peers:
            self._plan_ask(address, "peer", now)

    def on_networks(
        self, networks: Sequence[tuple[str, int]], neighbours: Iterable[str], now: float
    ) -> None:
        """The own networks as (own address, prefix length), and the neighbour table: ask every
        neighbour.
        """
        names = tuple(sorted(f"{host}/{prefix}" for host, prefix in networks))
        moved, first = names != self._networks, not self._networks
        if moved:  # the same address may be somebody else here
            self.asked = {host: why for host, why in self.asked.items() if why == "peer"}
        hosts = {host for host, _ in networks}
        for host in islice(neighbours, limits.NEIGHBOURS):
            if host not in hosts and host not in self.asked:
                self._plan_ask(Address(host, limits.PORT), "neighbour", now)
        if not moved:
            return
        if not first:
            self._calls_s = sorted([*self._calls_s, *(now + delay for delay in limits.BURST_S)])
        self._networks = names
        self._swept = [address for host, prefix in networks for address in _subnet(host, prefix)]

    def on_sighted(self, device: DeviceId, address: Address, source: str, now: float) -> None:
        """A device was seen at an address; that it speaks now ends the back-off of its dials."""
        if device == self.me:
            return
        sighting = self._sighting(device, source, now)
        if sighting.found_by == "remembered" and sighting.tries:
            sighting.found_by = source
        if address in sighting.addresses:
            sighting.addresses.remove(address)
        sighting.addresses.insert(0, address)
        del sighting.addresses[limits.ADDRESSES_PER_DEVICE :]
        polite_s = 0.0 if self.me < device else POLITE_S
        sighting.tries = 0
        sighting.next_s = (
            min(sighting.next_s, now + polite_s) if sighting.next_s > now else now + polite_s
        )

    def on_told(self, device: DeviceId, addresses: Iterable[Address], now: float) -> None:
        """Somebody told where a device is (its own record, the roster): weaker than having seen it."""
        if device == self.me:
            return
        sighting = self._sighting(device, "gossip", now + POLITE_S)
        fresh = [address for address in addresses if address not in sighting.addresses]
        sighting.addresses = (sighting.addresses + fresh)[: limits.ADDRESSES_PER_DEVICE]

    def on_visited(self, device: DeviceId, host: str, now: float) -> None:
        """A device dialled us from that host: that is how it was found, unless it was known."""
        if device not in self.known and device != self.me:
            self.on_told(device, [], now)
            self.known[device].found_by = self.asked.get(host, "it found us")

    def whereabouts(self, device: DeviceId) -> list[Address]:
        """Return where a device was seen or said to be, best first."""
        sighting = self.known.get(device)
        return sighting.addresses if sighting is not None else []

    def on_reached(self, device: DeviceId, address: Address) -> None:
        """A dial there succeeded: it is the first place to look next time."""
        sighting = self._sighting(device, "remembered", 0.0)
        others = [other for other in sighting.addresses if other != address]
        sighting.addresses = [address, *others][: limits.ADDRESSES_PER_DEVICE]

    def on_dial_ended(self, device: DeviceId, now: float, *, linked: bool) -> None:
        """A dial is over; a failed one is repeated later, at the next address."""
        sighting = self.known.get(device)
        if sighting is None:
            return
        sighting.dialling = False
        if linked:
            sighting.tries = 0
            return
        pause = limits.DIAL_BACKOFF_S[min(sighting.tries, len(limits.DIAL_BACKOFF_S) - 1)]
        sighting.tries += 1
        sighting.next_s = now + pause

    def on_unlinked(self, device: DeviceId, now: float) -> None:
        """A link to a device is gone: dial again at once."""
        sighting = self.known.get(device)
        if sighting is not None:
            sighting.tries = 0
            sighting.next_s = now + (0.0 if self.me < device else POLITE_S)

    def again(self, device: DeviceId, now: float) -> None:
        """Dial that device now, whatever the back-off says."""
        if device in self.known:
            self.known[device].next_s = now

    # -- time --------------------------------------------------------------------------------------
    def deadline(self, wanted: Iterable[DeviceId]) -> float | None:
        """Return when `on_tick` must be called next; `wanted` are devices that should be linked and
        are not.
        """
        times = [*self._calls_s[:1], *(time for time, _ in self._asks[:1])]
        times += [
            s.next_s for d in wanted if (s := self.known.get(d)) and s.addresses and not s.dialling
        ]
        if self._sweeping:
            times.append(self._sweep_s)
        return min(times, default=None)

    def on_tick(
        self,
        wanted: Sequence[DeviceId],
        nodes: int,
        alone: bool,  # noqa: FBT001 - the parts of one moment, always given in this order
        spread: float,
        now: float,
    ) -> list[AddressBookAction]:
        """Do what is due. `nodes` sets the pace, `alone` says nobody authenticated, `spread` is in
        [0, 1).
        """
        actions: list[AddressBookAction] = []
        if self._calls_s and self._calls_s[0] <= now:
            self._calls_s = [time for time in self._calls_s if time > now]
            if not self._calls_s:
                self._calls_s = [now + limits.BROADCAST_INTERVAL_S * max(nodes, 1) * (0.5 + spread)]
            actions.append(SendBeacon())
        actions += [Ask(address) for time, address in self._asks if time <= now]
        self._asks = [(time, address) for time, address in self._asks if time > now]
        for device in wanted:
            sighting = self.known.get(device)
            if sighting and sighting.addresses and not sighting.dialling and sighting.next_s <= now:
                sighting.dialling = True
                actions.append(
                    Meet(device, sighting.addresses[sighting.tries % len(sighting.addresses)])
                )
        return actions + self._sweep(now, alone=alone)

    def _sighting(self, device: DeviceId, source: str, next_s: float) -> Sighting:
        """Return what is known of a device; a new one takes the place of the oldest where there are
        too many.
        """
        sighting = self.known.get(device)
        if sighting is None:
            if len(self.known) >= limits.SIGHTED:
                idle = (known for known, other in self.known.items() if not other.dialling)
                del self.known[next(idle, next(iter(self.known)))]
            sighting = self.known[device] = Sighting(source, next_s=next_s)
        return sighting

    # -- plans -------------------------------------------------------------------------------------
    def _plan_ask(self, address: Address, why: str, now: float) -> None:
        self.asked.setdefault(address.host, why)
        times = limits.BURST_S[:3] if why == "peer" else limits.BURST_S[:2]
        self._asks = sorted(
            [*self._asks, *((now + delay, address) for delay in times)], key=lambda ask: ask[0]
        )

    @property
    def _sweeping(self) -> bool:
        return self._sweep_wanted and bool(self._swept)

    @property
    def _sweep_s(self) -> float:
        return (self._start_s or 0.0) + limits.SWEEP_AFTER_S

    def _sweep(self, now: float, *, alone: bool) -> list[AddressBookAction]:
        """Ask the next few addresses of the own subnets; once somebody authenticated there is no
        need.
        """
        if not self._sweeping or now < self._sweep_s:
            return []
        if not alone:
            self._swept = []
            return []
        step = int(limits.SWEEP_PER_S * SWEEP_STEP_S)
        batch, self._swept = self._swept[:step], self._swept[step:]
        self._start_s = now - limits.SWEEP_AFTER_S + SWEEP_STEP_S
        fresh = [address for address in batch if address.host not in self.asked]
        for address in fresh:
            self.asked[address.host] = "sweep"
        return [Ask(address) for address in fresh]


def _subnet(host: str, prefix: int) -> list[Address]:
    """Return the other addresses of a subnet small enough to be swept; link-local ones never are."""
    network = ipaddress.ip_interface(f"{host}/{prefix}").network
    if (
        network.version != 4
        or prefix < limits.SWEEP_PREFIX
        or network.is_link_local
        or network.is_loopback
    ):
        return []
    return [Address(str(other), limits.PORT) for other in network.hosts() if str(other) != host]
