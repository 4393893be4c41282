"""Tiny engines that stand in for the real one where the world itself is tested.

Strategy: a `Recorder` writes down every event and does nothing; tests ask the world for effects in
its name. A `Chatter` transmits one datagram each half second. Guarantees: no logic worth testing.
Limits: their ring is whatever the test puts there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from potluck.core.keys.identity import DeviceId, short_id
from potluck.core.wire.catalogue import LinkKind
from potluck.engine.effects import Dial, Effect, Leave, Member, Transmit, Trust
from potluck.engine.events import DatagramHeard, Event, LeaveAsked, LinkOpened, OrderId
from tests.sim.hosts import Host, Process
from tests.sim.network import Policy
from tests.sim.world import World


@dataclass
class ShownNode:
    """One node a stand-in shows."""

    id: str


@dataclass
class Shown:
    """What a stand-in shows."""

    ring: list[ShownNode]


@dataclass
class Recorder:
    """Writes down what it hears; leaves when asked."""

    ring: list[DeviceId] = field(default_factory=list)
    heard: list[tuple[float, Event]] = field(default_factory=list)
    ticks: list[float] = field(default_factory=list)
    due: float | None = None
    period_s: float = 0.0
    say: bytes = b""

    def start(self, now: float) -> Sequence[Effect]:
        """Begin."""
        self.due = now + self.period_s if self.period_s else None
        return []

    def handle(self, event: Event, now: float) -> Sequence[Effect]:
        """Write it down."""
        self.heard.append((now, event))
        return [Leave()] if isinstance(event, LeaveAsked) else []

    def deadline(self) -> float | None:
        """Return the next half second."""
        return self.due

    def on_tick(self, now: float) -> Sequence[Effect]:
        """Speak."""
        self.ticks.append(now)
        self.due = now + self.period_s if self.period_s else None
        return [Transmit(self.say, None)] if self.say else []

    def view(self, now: float) -> Any:
        """Show the ring."""
        return Shown([ShownNode(short_id(device)) for device in self.ring])

    def of(self, kind: type) -> list[Any]:
        """Return the events of one kind."""
        return [event for _at, event in self.heard if isinstance(event, kind)]


@dataclass
class StandIns:
    """Makes stand-ins; an index is a dict."""

    period_s: float = 0.0
    say: bytes = b""

    def index(self, host: Host) -> dict[str, int]:
        """Return an empty index."""
        return {}

    def image(self, index: dict[str, int]) -> dict[str, int]:
        """Return a copy."""
        return dict(index)

    restored = image

    def copy(self, index: dict[str, int]) -> dict[str, int]:
        """Return a copy."""
        return dict(index)

    def engine(self, host: Host, instance: bytes) -> Recorder:
        """Return a recorder whose ring is itself."""
        return Recorder([host.device], period_s=self.period_s, say=self.say)


def running(world: World, number: int) -> tuple[Process, Recorder]:
    """Return the process on a host and its stand-in."""
    process = world.hosts[number].process
    assert process is not None
    assert isinstance(process.engine, Recorder)
    return process, process.engine


def trusting(world: World) -> None:
    """Let everybody trust everybody."""
    members = tuple(
        Member(host.device, host.key.certificate, host.key.sealing_public) for host in world.hosts
    )
    for host in world.hosts:
        if host.process is not None:
            world.perform(host.process, Trust(members))


def linked(world: World, one: int = 0, other: int = 1) -> tuple[LinkOpened, LinkOpened]:
    """Dial from one host to another and return what each side heard."""
    trusting(world)
    process, engine = running(world, one)
    target = world.hosts[other]
    world.perform(
        process, Dial(OrderId(world.new_number()), LinkKind.CONTROL, target.device, target.address)
    )
    world.run_for(0.1)
    return engine.of(LinkOpened)[-1], running(world, other)[1].of(LinkOpened)[-1]


def datagrams(engine: Recorder, way: str = "unicast") -> list[bytes]:
    """Return the datagrams that came one way."""
    return [event.data for event in engine.of(DatagramHeard) if event.way == way]


def world_of(
    nodes: int = 2, *, seed: int = 1, factory: StandIns | None = None, **policy: float
) -> World:
    """Return a started world of stand-ins that has come to rest."""
    world = World(seed, factory or StandIns(), nodes=nodes, policy=Policy(**policy))  # type: ignore[arg-type]
    world.start()
    world.run_for(0.1)
    return world
