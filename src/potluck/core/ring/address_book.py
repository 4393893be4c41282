"""The address book: what was seen where, and hence whom to ask and whom to dial, and when.

Strategy. From the first moment everything is tried at once: a burst of beacons to everybody, and
single questions to remembered addresses, to `--peer` addresses and to every host in the neighbour
table (which works where multicast is dropped). If nobody authenticated after a second, the own
subnet is swept once, slowly. Then each node calls every 5 s x N +- 50 %, so a LAN hears about 0.2
calls a second whatever N is. Who is still alone then also asks the addresses a person gave and a
few of its neighbours again, since a single datagram may have been lost, and a firewall may let in
nothing but answers. A change of the networks starts a new burst, and a host that is new in the
neighbour table is asked, even if a sweep has asked it before it was there.

A sighting is a hint to dial, never more: only a TLS handshake against the roster says who somebody
is, and only addresses that own_networks.py lets pass are dialled. The address a datagram really
came from goes before any address told. Of two devices the one
with the smaller id dials first, the other gives it a quarter of a second; failed dials back off per
device, and a fresh sighting ends the back-off.

Guarantees: pure; never more than one dial to one device under way, nor more than DIALS_PER_S a
second, whatever it says of itself; every address asked at most once
per burst, and again only by who is alone or when it is new in the neighbour table. Limits: IPv4
sweep of /22 and smaller; the source that found a device first is the one that is remembered.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from potluck.core import limits
from potluck.core.chance import Chance
from potluck.core.keys.identity import DeviceId
from potluck.core.ring.own_networks import OwnNetworks
from potluck.core.wire.catalogue import Address

SWEEP_STEP_S = 0.05  # between two handfuls of a sweep
POLITE_S = 0.25  # a dial of the other side takes less, so mostly there is one link and not two
# an address a person gave, or one that may be anybody's, is asked with so many of a burst's beacons
PEER_ASKS, HOST_ASKS = 3, 2
ASKS_PER_CALL = 16  # neighbours that a lonely node asks again with each regular call


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
    next_s: float
    addresses: list[Address] = field(default_factory=list)
    tries: int = 0
    dialling: bool = False
    rests_until_s: float = 0.0  # not dialled again before, however often it is sighted


class Sweep:
    """The other addresses of the own subnets, asked once and slowly."""

    def __init__(self) -> None:
        """Have nothing to ask."""
        self.begins_s = limits.SWEEP_AFTER_S  # when the next handful is asked
        self._unswept: list[Address] = []

    def __repr__(self) -> str:
        return f"<Sweep {len(self._unswept)} unswept>"

    def begin(self, networks: Sequence[tuple[str, int]]) -> None:
        """Ask in these networks, (own address, prefix length), and in no others."""
        self._unswept = [other for network in networks for other in _subnet(*network)]

    def deadline(self) -> float | None:
        """Return when the next handful is due."""
        return self.begins_s if self._unswept else None

    def end(self) -> None:
        """There is company: no need to ask anybody."""
        self._unswept = []

    def on_tick(self, now: float) -> list[Address]:
        """Return the next few addresses, if they are due."""
        if not self._unswept or now < self.begins_s:
            return []
        count = int(limits.SWEEP_PER_S * SWEEP_STEP_S)
        batch, self._unswept = self._unswept[:count], self._unswept[count:]
        self.begins_s = now + SWEEP_STEP_S
        return batch


class AddressBook:
    """The address book of one run, and the plan of whom to call."""

    def __init__(self, me: DeviceId, chance: Chance, *, sweep: bool, port: int = 0) -> None:
        """Know nobody; `sweep`: the own subnets may be searched; `port`: where we listen."""
        self.me, self.own = me, OwnNetworks(port)
        self.known: dict[DeviceId, Sighting] = {}
        self.asked: dict[str, str] = {}  # host -> why we asked it
        self._chance, self._may_sweep = chance, sweep
        self._wanted: Sequence[DeviceId] = ()
        self._nodes, self._alone = 1, True
        self._neighbours: tuple[str, ...] = ()  # those who are asked again come last
        self._sweep = Sweep()
        self._calls_s: list[float] = []
        self._asks: list[tuple[float, Address]] = []
        self._networks: tuple[str, ...] = ()
        self._peers: tuple[Address, ...] = ()  # given by a person

    def __repr__(self) -> str:
        known, asks = len(self.known), len(self._asks)
        return f"<AddressBook {known} devices, {asks} questions planned, {self._sweep!r}>"

    # -- facts: networks ---------------------------------------------------------------------------
    def on_start(
        self, remembered: Mapping[DeviceId, Sequence[Address]], peers: Iterable[Address], now: float
    ) -> None:
        """Begin: everything that is known already is tried at once."""
        self._sweep.begins_s = now + limits.SWEEP_AFTER_S
        self._calls_s = [now + delay for delay in limits.BURST_S]
        for device, addresses in remembered.items():
            if device != self.me:
                self.known[device] = Sighting("remembered", now, list(addresses))
                self.own.on_reached(device, addresses)
        self._peers = tuple(peers)
        self.own.on_given(self._peers)
        for address in self._peers:
            self._plan_ask(address, "peer", now)

    def on_networks(
        self, networks: Sequence[tuple[str, int]], neighbours: Iterable[str], now: float
    ) -> None:
        """The own networks as (own address, prefix length); every neighbour is asked."""
        self.own.on_networks(networks)
        names = tuple(sorted(f"{host}/{prefix}" for host, prefix in networks))
        moved, first = names != self._networks, not self._networks
        if moved:  # the same address may be somebody else here
            self.asked = {host: why for host, why in self.asked.items() if why == "peer"}
        own, before = {host for host, _ in networks}, set(self._neighbours)
        known = [host for host in islice(neighbours, limits.NEIGHBOURS) if host not in own]
        self._neighbours = tuple(known)
        for host in known:
            if host not in before or host not in self.asked:
                self._plan_ask(Address(host, limits.PORT), "neighbour", now)
        if not moved:
            return
        if not first:
            self._calls_s = sorted([*self._calls_s, *(now + delay for delay in limits.BURST_S)])
        self._networks = names
        if self._may_sweep:
            self._sweep.begin(networks)

    def on_company(self, nodes: int, *, alone: bool) -> None:
        """So many nodes set the pace of calls; `alone`: nobody authenticated."""
        self._nodes, self._alone = max(nodes, 1), alone
        if not alone:
            self._sweep.end()

    # -- facts: devices ----------------------------------------------------------------------------
    def on_wanted(self, devices: Sequence[DeviceId]) -> None:
        """These devices should be linked and are not."""
        self._wanted = devices

    def on_sighted(self, device: DeviceId, address: Address, source: str, now: float) -> None:
        """A device was seen at an address; that it speaks now ends the back-off of its dials."""
        if device == self.me or not self.own.is_plain(address):
            return
        sighting = self._sighting(device, source, now)
        if sighting.found_by == "remembered" and sighting.tries:
            sighting.found_by = source
        if address in sighting.addresses:
            sighting.addresses.remove(address)
        sighting.addresses.insert(0, address)
        del sighting.addresses[limits.ADDRESSES_PER_DEVICE :]
        sighting.tries = 0
        next_s = now + _politeness_s(self.me, device)
        if sighting.next_s > now:
            next_s = min(next_s, sighting.next_s)
        sighting.next_s = next_s

    def on_told(self, device: DeviceId, addresses: Iterable[Address], now: float) -> None:
        """Somebody told where a device is (its own record, the roster): weaker than seeing it."""
        if device == self.me:
            return
        sighting = self._sighting(device, "gossip", now + POLITE_S)
        said = [address for address in addresses if self.own.is_said_well(address)]
        fresh = [address for address in said if address not in sighting.addresses]
        sighting.addresses = (sighting.addresses + fresh)[: limits.ADDRESSES_PER_DEVICE]

    def on_came(self, device: DeviceId, source: str, now: float) -> None:
        """A device dialled us that was never seen; `source` is how it may have found us."""
        self._sighting(device, source, now + POLITE_S)

    def on_reached(self, device: DeviceId, address: Address) -> None:
        """A dial there succeeded: it is the first place to look next time."""
        self.own.on_reached(device, [address])
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
            sighting.next_s = now + _politeness_s(self.me, device)

    def again(self, device: DeviceId, now: float) -> None:
        """Dial that device now, whatever the back-off says."""
        if device in self.known:
            self.known[device].next_s = now

    # -- time --------------------------------------------------------------------------------------
    def deadline(self) -> float | None:
        """Return when `on_tick` must be called next."""
        times = [max(sighting.next_s, sighting.rests_until_s) for _, sighting, _ in self._to_dial()]
        if self._calls_s:
            times.append(self._calls_s[0])
        if self._asks:
            times.append(self._asks[0][0])
        if (sweep_s := self._sweep.deadline()) is not None:
            times.append(sweep_s)
        return min(times, default=None)

    def on_tick(self, now: float) -> list[AddressBookAction]:
        """Call, ask and dial what is due."""
        actions: list[AddressBookAction] = []
        if self._calls_s and self._calls_s[0] <= now:
            actions.append(SendBeacon())
            self._calls_s = [time for time in self._calls_s if time > now]
            if not self._calls_s:  # the last of a burst, or a regular one
                actions += self._ask_again()
                self._calls_s = [self._next_call(now)]
        actions += [Ask(address) for time, address in self._asks if time <= now]
        self._asks = [(time, address) for time, address in self._asks if time > now]
        for device, sighting, addresses in self._to_dial():
            if max(sighting.next_s, sighting.rests_until_s) <= now:
                sighting.dialling = True
                sighting.rests_until_s = now + 1 / limits.DIALS_PER_S
                actions.append(Meet(device, addresses[sighting.tries % len(addresses)]))
        for address in self._sweep.on_tick(now):
            if address.host not in self.asked:
                self.asked[address.host] = "sweep"
                actions.append(Ask(address))
        return actions

    # -- plans -------------------------------------------------------------------------------------
    def _sighting(self, device: DeviceId, source: str, next_s: float) -> Sighting:
        """Return what is known of a device; where there are too many the oldest makes room."""
        sighting = self.known.get(device)
        if sighting is None:
            if len(self.known) >= limits.SIGHTED:
                idle = (known for known, other in self.known.items() if not other.dialling)
                del self.known[next(idle, next(iter(self.known)))]
            sighting = self.known[device] = Sighting(source, next_s)
        return sighting

    def _to_dial(self) -> list[tuple[DeviceId, Sighting, list[Address]]]:
        """Return who is to be dialled, and where it may be."""
        found = []
        for device in self._wanted:
            sighting = self.known.get(device)
            if sighting is not None and not sighting.dialling:
                may_be = [a for a in sighting.addresses if self.own.may_dial(device, a)]
                found += [(device, sighting, may_be)] * bool(may_be)
        return found

    def _plan_ask(self, address: Address, why: str, now: float) -> None:
        self.asked.setdefault(address.host, why)
        count = PEER_ASKS if why == "peer" else HOST_ASKS
        planned = [(now + delay_s, address) for delay_s in limits.BURST_S[:count]]
        self._asks = sorted([*self._asks, *planned], key=lambda ask: ask[0])

    def _ask_again(self) -> list[AddressBookAction]:
        """Ask those a person gave and the next few neighbours; in company there is no need."""
        if not self._alone:
            return []
        some, rest = self._neighbours[:ASKS_PER_CALL], self._neighbours[ASKS_PER_CALL:]
        self._neighbours = rest + some
        hosts = [Address(host, limits.PORT) for host in some]
        return [Ask(address) for address in dict.fromkeys([*self._peers, *hosts])]

    def _next_call(self, now: float) -> float:
        """Return when to call again after a burst: all together about as often whatever N is."""
        pace_s = limits.BROADCAST_INTERVAL_S * self._nodes
        spread = limits.BROADCAST_SPREAD
        return now + pace_s * self._chance.uniform(1.0 - spread, 1.0 + spread)


def let_rest(book: AddressBook, device: DeviceId, until_s: float) -> None:
    """Do not dial that device before, however often it is sighted."""
    if device in book.known:
        book.known[device].rests_until_s = until_s


def _politeness_s(me: DeviceId, device: DeviceId) -> float:
    """Return how long to wait for the other side's dial; the smaller id waits for nobody."""
    return 0.0 if me < device else POLITE_S


def _subnet(host: str, prefix: int) -> list[Address]:
    """Return the other addresses of a subnet small enough to be swept; a local one never is."""
    network = ipaddress.ip_interface(f"{host}/{prefix}").network
    small = network.version == 4 and prefix >= limits.SWEEP_PREFIX
    if not small or network.is_link_local or network.is_loopback:
        return []
    return [Address(str(other), limits.PORT) for other in network.hosts() if str(other) != host]
