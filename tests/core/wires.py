"""Fake wires: several rings joined in one process, with every message in the test's hand.

Strategy: a `Mesh` carries what rings say over links that keep their order; the test decides what is
delivered, lost or repeated, and when time passes. `settle` is a kind network: everything arrives,
clocks tick, and each node shows its digest to the others now and then, as probes do. `check` is the
oracle that holds in every state.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

from potluck.core import limits
from potluck.core.keys.identity import DeviceId
from potluck.core.ring.members import digest_of
from potluck.core.ring.ring import Changed, Ring, RingAction, RingMessage, Say
from potluck.core.wire.catalogue import Status
from tests.core.fakes import ALL, Crowd, Dice, Member, apart

Channel = tuple[DeviceId, DeviceId]


class Mesh:
    """Rings, the links between them, and what is on its way."""

    def __init__(self, members: Iterable[Member], crowd: Crowd = ALL, seed: int = 1) -> None:
        self.now = 100.0
        self.members = {member.device: member for member in members}
        self.crowd, self.seed = crowd, seed
        self.rings = {device: self._ring(device) for device in self.members}
        self.links: set[frozenset[DeviceId]] = set()
        self.flying: dict[Channel, deque[RingMessage]] = {}
        self.changes: list[tuple[DeviceId, Changed]] = []
        self.incarnations: dict[DeviceId, int] = {}

    def _ring(self, device: DeviceId, run: bytes = b"run") -> Ring:
        return Ring(self.members[device], self.crowd, apart, run, Dice(self.seed + sum(device)))

    # -- the world ---------------------------------------------------------------------------------
    def link(self, one: Member, other: Member) -> None:
        self.open(one.device, other.device)

    def open(self, one: DeviceId, other: DeviceId) -> None:
        if one in self.rings and other in self.rings and frozenset({one, other}) not in self.links:
            self.links.add(frozenset({one, other}))
            self.do(one, self.rings[one].on_link_opened(other, self.now))
            self.do(other, self.rings[other].on_link_opened(one, self.now))

    def close(self, one: DeviceId, other: DeviceId) -> None:
        self.links.discard(frozenset({one, other}))
        for here, there in ((one, other), (other, one)):
            self.flying.pop((here, there), None)
            if here in self.rings:
                self.rings[here].on_link_closed(there)

    def link_all(self) -> None:
        for one in self.members:
            for other in self.members:
                if one < other:
                    self.open(one, other)

    def crash(self, device: DeviceId) -> None:
        """The process is gone; everybody who is linked sees the connection break."""
        del self.rings[device]
        self.incarnations.pop(device, None)
        for link in [link for link in self.links if device in link]:
            (other,) = link - {device}
            self.close(device, other)
            self.do(other, self.rings[other].on_unreachable(device, self.now, process_gone=True))

    def restart(self, device: DeviceId) -> None:
        self.rings[device] = self._ring(device, b"run 2")

    def leave(self, device: DeviceId) -> None:
        """Say farewell, deliver it, be gone."""
        self.do(device, self.rings[device].leave())
        for other in list(self.rings):
            while self.deliver((device, other)):
                pass
        del self.rings[device]
        self.incarnations.pop(device, None)
        for link in [link for link in self.links if device in link]:
            self.close(*link)

    # -- messages ----------------------------------------------------------------------------------
    def do(self, device: DeviceId, actions: Sequence[RingAction]) -> None:
        for action in actions:
            if isinstance(action, Changed):
                self.changes.append((device, action))
            elif frozenset({device, action.to}) in self.links:
                self.flying.setdefault((device, action.to), deque()).append(action.message)

    def deliver(self, channel: Channel, place: int = 0, *, keep: bool = False) -> bool:
        """Deliver one message of a channel; returns whether there was one."""
        queue = self.flying.get(channel)
        if not queue:
            return False
        message = queue[place]
        if not keep:
            del queue[place]
        self.do(channel[1], self.rings[channel[1]].on_message(channel[0], message, self.now))
        return True

    def waiting(self) -> list[Channel]:
        return sorted(channel for channel, queue in self.flying.items() if queue)

    def deliver_all(self) -> int:
        count = 0
        while waiting := self.waiting():
            count += sum(self.deliver(channel) for channel in waiting)
            assert count < 20_000, "messages never end"
        return count

    # -- time --------------------------------------------------------------------------------------
    def tick(self, seconds: float) -> None:
        """Let time pass; everybody is woken when it asked to be."""
        until = self.now + seconds
        while True:
            due = [
                (t, d)
                for d, ring in self.rings.items()
                if (t := ring.deadline()) is not None and t <= until
            ]
            if not due:
                break
            time, device = min(due)
            self.now = max(self.now, time)
            self.do(device, self.rings[device].on_tick(self.now))
        self.now = until

    def show_digests(self) -> None:
        for link in sorted(self.links, key=sorted):
            one, other = sorted(link)
            for here, there in ((one, other), (other, one)):
                self.do(
                    there, self.rings[there].on_records(here, [], self.rings[here].digest, self.now)
                )

    def settle(self, rounds: int = 40) -> None:
        """Be a kind network until all agree; fails if they do not."""
        for _ in range(rounds):
            self.deliver_all()
            self.tick(limits.PROBE_S)
            self.deliver_all()
            self.check()
            if self.agreed():
                return
            self.show_digests()
        raise AssertionError(f"no agreement: {self.describe()}")

    # -- oracles -----------------------------------------------------------------------------------
    def agreed(self) -> bool:
        """Whether all see the same ring, of just those who are there, and nobody is suspected."""
        views = [ring.nodes() for ring in self.rings.values()]
        same = len({digest_of(view) for view in views}) <= 1
        there = all({record.device for record in view} == set(self.rings) for view in views)
        calm = all(record.status is Status.ALIVE for view in views for record in view)
        seated = len(self.rings) == 1 or all(ring.seated for ring in self.rings.values())
        return same and there and calm and seated

    def check(self) -> None:
        """What must be true of every node in every state."""
        for device, ring in self.rings.items():
            own = ring.beliefs.own
            nodes = [record.device for record in ring.nodes()]
            assert len(set(nodes)) == len(nodes)
            assert device in nodes or ring.left
            assert own.status is (Status.LEFT if ring.left else Status.ALIVE)
            assert own.incarnation >= self.incarnations.get(device, 0), "an incarnation fell"
            self.incarnations[device] = own.incarnation
            suspects = {r.device for r in ring.beliefs.records if r.status is Status.SUSPECT}
            assert suspects == set(ring.beliefs._suspicions), (
                "a suspect without a suspicion, or the reverse"
            )
            for number, node in enumerate(nodes):
                following = nodes[(number + 1) % len(nodes)]
                assert nodes[nodes.index(following) - 1] == node

    def describe(self) -> str:
        def line(ring: Ring) -> str:
            return ", ".join(
                f"{r.device.decode().strip(chr(0))}/{r.seat}/{r.incarnation}/{r.status}"
                for r in ring.nodes()
            )

        return "; ".join(
            f"{device.decode().strip(chr(0))}: [{line(ring)}]"
            for device, ring in self.rings.items()
        )


__all__ = ["Mesh", "Say"]
