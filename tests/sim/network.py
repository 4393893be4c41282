"""The fake LAN: who reaches whom, how late, how often, and the datagrams on it.

Strategy: reach is one-way per pair of hosts (`blocked`), partitions are sides of hosts; a `Policy`
says how a pair of hosts loses, doubles, delays and reorders datagrams. Everything drawn comes from
the world's one chance. Guarantees: a datagram longer than the limit is a finding, not a loss; a
sender hears its own multicast, and everybody hears it twice (multicast and directed broadcast), as
on a real LAN. Limits: one subnet, one address per host.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from potluck.core import limits
from potluck.engine.effects import Transmit
from potluck.engine.events import DatagramHeard

if TYPE_CHECKING:
    from tests.sim.hosts import Host, Process
    from tests.sim.world import World


ANSWER_S = 30.0  # Linux takes a datagram for an answer so long after the last one went out


@dataclass(frozen=True, slots=True)
class Policy:
    """How the way from one host to another treats what travels on it."""

    loss: float = 0.0  # share of datagrams lost
    multicast_loss: float = 0.0  # further loss of multicast and broadcast
    duplicate: float = 0.0  # share of datagrams that come twice
    reorder: float = 0.0  # share of datagrams that come up to 0.5 s late
    latency_s: tuple[float, float] = (0.0002, 0.003)
    rate: float = 100e6  # bytes a second of one host's card, each way


class Network:
    """One subnet with every host on it."""

    def __init__(self, world: World, policy: Policy) -> None:
        self.world = world
        self.policy = policy
        self.pairs: dict[tuple[int, int], Policy] = {}
        self.blocked: set[tuple[int, int]] = set()
        self.sides: dict[int, int] = {}
        self.denied: set[int] = set()  # hosts whose firewall lets in nothing but answers
        self.spoken: dict[tuple[int, int], float] = {}  # when one host last sent another a datagram
        self.multicast = True
        self.datagrams = 0

    # -- weather -----------------------------------------------------------------------------------
    def set_policy(self, **changes: float) -> None:
        """Change the weather for every pair."""
        self.policy = replace(self.policy, **changes)  # type: ignore[arg-type]

    def partition(self, *sides: Iterable[int]) -> None:
        """Cut the network into sides; hosts not named stay on side 0."""
        self.sides = {host: number for number, side in enumerate(sides) for host in side}
        self.world.links.reach_changed()

    def block(self, source: int, target: int) -> None:
        """Lose everything from `source` to `target`."""
        self.blocked.add((source, target))
        self.world.links.reach_changed()

    def heal(self) -> None:
        """End every partition and block."""
        self.sides = {}
        self.blocked = set()
        self.world.links.reach_changed()

    # -- reach -------------------------------------------------------------------------------------
    def passes(self, source: Host, target: Host) -> bool:
        """Say whether a packet gets from one host to another now."""
        if (source.number, target.number) in self.blocked:
            return False
        return self.sides.get(source.number, 0) == self.sides.get(target.number, 0)

    def lets_in(self, source: Host, target: Host, way: str) -> bool:
        """Say whether a datagram passes the firewall of the host it goes to."""
        if target.number not in self.denied or source is target:
            return True
        asked = self.spoken.get((target.number, source.number), -ANSWER_S)
        return way == "unicast" and self.world.now - asked < ANSWER_S

    def dialable(self, source: Host, target: Host) -> bool:
        """Say whether a new TCP connection is possible now."""
        return target.number not in self.denied and self.both_ways(source, target)

    def both_ways(self, one: Host, other: Host) -> bool:
        """Say whether a TCP connection can live between two hosts now."""
        return self.passes(one, other) and self.passes(other, one)

    def latency(self, source: Host, target: Host) -> float:
        """Draw the time one packet takes."""
        return self.world.chance.uniform(*self.between(source, target).latency_s)

    def between(self, source: Host, target: Host) -> Policy:
        """Return the policy of one way."""
        return self.pairs.get((source.number, target.number), self.policy)

    # -- datagrams ---------------------------------------------------------------------------------
    def transmit(self, sender: Process, effect: Transmit) -> None:
        """Send one datagram, to one address or to everybody."""
        if len(effect.data) > limits.DATAGRAM_BYTES:
            self.world.fail(f"S8: a datagram of {len(effect.data)} bytes from {sender.host.label}")
        if effect.to is not None:
            for target in self.world.hosts:
                if effect.to == target.address:
                    self._carry(sender, target, effect.data, "unicast")
            return
        if not self.multicast:
            return
        for target in self.world.hosts:
            for way in ("multicast", "broadcast"):
                if self.world.chance.random() >= self.between(sender.host, target).multicast_loss:
                    self._carry(sender, target, effect.data, way)

    def _carry(self, sender: Process, target: Host, data: bytes, way: str) -> None:
        policy = self.between(sender.host, target)
        chance = self.world.chance
        self.datagrams += 1
        if way == "unicast":
            self.spoken[sender.host.number, target.number] = self.world.now
        if not self.lets_in(sender.host, target, way):
            return
        if not self.passes(sender.host, target) or chance.random() < policy.loss:
            return
        source = sender.host.address
        for _copy in range(2 if chance.random() < policy.duplicate else 1):
            delay = self.latency(sender.host, target)
            if chance.random() < policy.reorder:
                delay += chance.uniform(0, 0.5)
            self.world.later(delay, lambda: self._arrive(target, DatagramHeard(data, source, way)))

    def _arrive(self, target: Host, event: DatagramHeard) -> None:
        if target.process is not None:
            target.process.post(event)
