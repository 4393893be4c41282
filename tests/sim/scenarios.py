"""One drawn run from first start to the last check; what the seeds test and `python -m tests.sim`
both play.

Strategy: form a group in a drawn way, play a drawn schedule, heal, and demand that all is well soon
and stays so. Guarantees: seed, nodes and profile decide everything, and a failure names them as the
command that repeats it. Limits: 2 to 6 nodes are the sizes a home has; larger rings have tests of
their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from tests.sim.engines import RealEngines
from tests.sim.faults import SECONDS, draw
from tests.sim.network import Policy
from tests.sim.world import World

FORM_S = 20.0  # all started -> one ring
# last fault -> all well; above two stalls of a bulk link (15 s each) and two looks (10 s)
SETTLE_S = 90.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run came to."""

    seed: int
    trace: str  # hash over everything any engine was told
    events: int
    claims: int  # how often somebody was said to have all of something, and had it
    formed_s: float  # first start -> one ring
    settled_s: float  # last fault -> all well
    virtual_s: float


def command(seed: int, nodes: int, profile: str, seconds: float = SECONDS) -> str:
    """Return the line that replays a run."""
    shorter = f" --seconds {seconds:g}" if seconds != SECONDS else ""
    return f"python -m tests.sim --seed {seed} --nodes {nodes} --profile {profile}{shorter}"


def built(seed: int, nodes: int, profile: str) -> World:
    """Return the world of a seed, with nothing started."""
    world = World(seed, RealEngines(), nodes=nodes, policy=Policy(multicast_loss=0.05))
    world.replay = command(seed, nodes, profile)
    world.power_cuts = profile == "power"
    world.hint_loss = 0.1 if profile in {"mixed", "power"} else 0.0
    for host in world.hosts:
        host.durable = world.image_of(host.index)
    return world


def form(world: World, chance: Random) -> float:
    """Start every host, all at once or one after the other, and wait for one ring; return the
    seconds it took.
    """
    order = list(range(len(world.hosts)))
    chance.shuffle(order)
    stagger = chance.choice((0.0, 0.05, 0.5, 3.0))
    for place, number in enumerate(order):
        at = place * stagger * chance.uniform(0.5, 1.5)
        world.later(at, lambda number=number: world.start(number))  # type: ignore[misc]
    began = world.now
    everybody = len(order)
    limit = FORM_S + everybody * 4.5
    if not world.run_until(
        lambda: len(world.running()) == everybody and not world.judge.unsettled(trees=False), limit
    ):
        world.fail(f"no single ring within {limit} s: {world.judge.unsettled(trees=False)}")
    return world.now - began


def play(seed: int, nodes: int, profile: str, seconds: float = SECONDS) -> Outcome:
    """Play one seed; raises Broken with the replay line if anything is wrong."""
    return play_in(built(seed, nodes, profile), profile, seconds)


def play_in(world: World, profile: str, seconds: float = SECONDS) -> Outcome:
    """Play the schedule of a world that was built for this profile: faults for so long."""
    seed, nodes = world.seed, len(world.hosts)
    world.replay = command(seed, nodes, profile, seconds)
    formed_s = form(world, Random(f"{seed} {profile} form"))
    ops = draw(seed, nodes, profile, seconds)
    world.faults.schedule(ops)
    world.run_for(max(op.at for op in ops) + 0.1)
    settled_s = world.judge.settle(SETTLE_S, trees=profile != "ring")
    claims = world.judge.truth.claims
    return Outcome(seed, world.trace, world.events, claims, formed_s, settled_s, world.now)
