"""Rings of real engines: they form in any order, and heal after whoever leaves, dies or was cut
off.

Strategy: virtual time, so that minutes of network cost a second; bounds are those of
docs/protocol.md. Limits: the world is a model; real daemons are tested in tests/lan.
"""

from __future__ import annotations

import os
from itertools import pairwise
from random import Random

import pytest

from potluck.core.keys.identity import DeviceId
from potluck.core.ring import beliefs
from potluck.core.ring.members import is_valid
from potluck.engine.engine import Engine
from potluck.engine.person_acts import RemoveAsked
from potluck.engine.ring.circle import Circle
from potluck.engine.withheld import WithheldOwners
from tests.sim import scenarios
from tests.sim.engines import RealEngines
from tests.sim.faults import Op
from tests.sim.invariants import Broken, ring_of
from tests.sim.network import Policy
from tests.sim.world import World

pytestmark = pytest.mark.sim
FULL = os.environ.get("POTLUCK_TIER", "default") != "default"
PARTED_SEEDS = 40 if FULL else 8
MEET_S = 10.0  # heal -> one ring: one of the dead is dialled every ten seconds


def lan(nodes: int, seed: int = 1, **policy: float) -> World:
    """Return a LAN on which nothing runs yet."""
    world = World(seed, RealEngines(), nodes=nodes, policy=Policy(**policy))  # type: ignore[arg-type]
    world.replay = f"tests/sim/test_rings.py, {nodes} nodes, seed {seed}"
    return world


def formed(nodes: int, seed: int = 1, **policy: float) -> World:
    """Return a LAN with one calm ring on it, which has stood for 3 s."""
    world = lan(nodes, seed, **policy)
    world.start()
    one_ring(world, 10.0)
    world.run_for(3.0)
    return world


def one_ring(world: World, seconds: float) -> float:
    """Wait for one ring of all that run; return how long it took."""
    began = world.now
    if not world.run_until(lambda: not world.judge.unsettled(trees=False), seconds, every=0.01):
        world.fail(f"no single ring within {seconds} s: {world.judge.unsettled(trees=False)}")
    return world.now - began


def ring(world: World) -> list[str]:
    """Return the labels by number, as the first running host shows them."""
    process = world.running()[0].process
    assert process is not None
    owners = {host.device: host.label for host in world.hosts}
    return [owners[device] for device in ring_of(process)]


@pytest.mark.parametrize("nodes", [2, 3, 5, 8])
def test_all_started_in_the_same_moment_become_one_ring(nodes: int):
    world = lan(nodes)
    world.start()
    one_ring(world, 3.0)
    world.judge.settle(1.0, trees=False)


@pytest.mark.parametrize("seed", range(4))
def test_started_one_by_one_in_any_order_they_become_one_ring(seed: int):
    world = lan(5, seed)
    order = list(range(5))
    Random(seed).shuffle(order)
    for number in order:
        world.start(number)
        one_ring(world, 3.0)
        world.run_for(Random(seed + number).uniform(0, 3))
    assert len(ring(world)) == 5


@pytest.mark.parametrize("seed", range(6))
def test_lossy_simultaneous_starts_become_one_ring(seed: int):
    world = lan(5, seed, loss=0.1, multicast_loss=0.1)
    world.start()
    one_ring(world, 10.0)


def test_rings_form_without_multicast():
    world = lan(3)
    world.network.multicast = False
    world.neighbours = 1.0
    world.start()
    one_ring(world, 6.0)


def test_rings_form_by_the_sweep_when_the_neighbour_table_is_empty_too():
    world = lan(2)
    world.network.multicast = False
    world.neighbours = 0.0
    world.start()
    one_ring(world, 15.0)


def test_numbers_follow_the_order_of_admission_and_fall_when_one_goes():
    world = lan(5)
    world.start(0, 1)  # which of two lonely groups stays is decided by their ids
    one_ring(world, 3.0)
    order = ring(world)
    for number in (2, 3, 4):
        world.start(number)
        one_ring(world, 3.0)
        order.append(world.hosts[number].label)
        assert ring(world) == order
    world.faults.leave(2)
    one_ring(world, 1.0)
    assert ring(world) == [*order[:2], *order[3:]]
    world.judge.settle(1.0, trees=False)


@pytest.mark.parametrize("gone", range(4))
def test_whoever_leaves_is_gone_at_once(gone: int):
    world = formed(4)
    world.faults.leave(gone)
    assert one_ring(world, 2.0) <= 0.5
    world.judge.settle(1.0, trees=False)


@pytest.mark.parametrize("gone", range(4))
def test_whoever_is_killed_is_gone_within_a_second_or_so(gone: int):
    world = formed(4)
    world.faults.crash(gone)
    assert one_ring(world, 5.0) <= 1.5
    world.judge.settle(1.0, trees=False)


@pytest.mark.parametrize("gone", range(3))
@pytest.mark.parametrize("nodes", [2, 3])
def test_a_power_cut_is_noticed(nodes: int, gone: int):
    world = formed(nodes)
    world.faults.power_cut(gone % nodes)
    assert one_ring(world, 8.0) <= 3.5
    world.judge.settle(1.0, trees=False)


def test_node_0_dies_and_the_next_device_is_admitted_all_the_same():
    world = formed(3)
    first = ring(world)[0]
    world.faults.crash(next(host.number for host in world.hosts if host.label == first))
    world.start(world.add_host().number)
    one_ring(world, 5.0)
    world.judge.settle(1.0, trees=False)


def test_everybody_but_one_dies():
    world = formed(5)
    for number in range(1, 5):
        world.faults.crash(number)
    one_ring(world, 8.0)
    world.judge.settle(1.0, trees=False)


@pytest.mark.parametrize("side", [(0,), (0, 1), (1, 3, 4)])
def test_each_side_of_a_partition_agrees_and_the_sides_meet_again(side: tuple[int, ...]):
    world = formed(5)
    world.network.partition((), side)
    world.run_for(12.0)
    for group in (set(side), set(range(5)) - set(side)):
        hosts = [world.hosts[number] for number in sorted(group)]
        assert world.judge._ring_unsettled(hosts) == ""
    world.network.heal()
    one_ring(world, 10.0)
    world.judge.settle(1.0, trees=False)


def test_a_blocked_pair_costs_no_membership():
    world = formed(4)
    world.network.block(0, 1)
    world.run_for(15.0)
    assert world.judge.unsettled(trees=False) == ""
    world.network.block(1, 0)
    world.run_for(15.0)
    assert world.judge.unsettled(trees=False) == ""


def test_a_lossy_network_kills_nobody():
    world = formed(5)
    world.faults.storm(0.15, 0.05, 0.05)
    for _ in range(30):
        world.run_for(1.0)
        assert world.judge.unsettled(trees=False) == ""


def test_a_paused_node_comes_back_and_kills_nobody():
    world = formed(4)
    for seconds in (0.4, 3.0, 30.0):
        world.faults.pause(2, seconds)
        world.run_for(seconds)
        one_ring(world, 6.0)
    world.judge.settle(1.0, trees=False)


def test_a_quick_restart_keeps_the_ring_whole():
    world = formed(3)
    for number in range(3):
        world.faults.quick_restart(number)
        world.run_for(0.5)
        one_ring(world, 6.0)
    world.judge.settle(1.0, trees=False)


def test_to_tell_of_two_machines_that_are_one_is_noticed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(WithheldOwners, "owners", lambda _: [DeviceId(bytes(32))])
    with pytest.raises(Broken, match="two machines that are one"):
        formed(2)


def test_another_address_is_found_again():
    world = formed(3)
    world.faults.readdress(1)
    world.run_for(0.5)
    one_ring(world, 10.0)
    world.judge.settle(1.0, trees=False)


def test_a_closed_door_lets_nobody_in_and_nobody_uninvited_gets_in():
    world = World(3, RealEngines(closed={0, 1}), nodes=3)
    world.judge.uninvited = {world.hosts[2].device}
    world.start(0, 2)
    world.run_for(10.0)
    process = world.hosts[0].process
    assert process is not None
    assert ring_of(process) == [world.hosts[0].device]


def test_a_restarted_group_meets_again_with_every_door_closed():
    engines = RealEngines()
    world = World(4, engines, nodes=3)
    world.start()
    one_ring(world, 5.0)
    for number in range(3):
        world.faults.leave(number)
    world.run_for(5.0)
    assert not world.running()
    engines.closed = {0, 1, 2}
    world.start()
    one_ring(world, 5.0)
    world.judge.settle(1.0, trees=False)


def test_idle_traffic_is_bounded():
    world = formed(5)
    before, began = world.network.datagrams, world.now
    world.run_for(30.0)
    rate = (world.network.datagrams - before) / (world.now - began) / 5
    assert rate <= 15.0


def test_ring_numbers_are_mutual():
    world = formed(6)
    views = []
    for host in world.hosts:
        assert host.process is not None
        views.append(ring_of(host.process))
    for view in views:
        assert view == views[0]
    assert len(list(pairwise(views[0]))) == 5


@pytest.mark.parametrize("seed", range(10))
def test_drawn_ring_faults(seed: int):
    scenarios.play(seed, 2 + seed % 5, "ring")


@pytest.mark.parametrize(
    "op", [Op(0, "multicast", (False,)), Op(0, "storm", (0.1, 0.1, 0.1))], ids=str
)
def test_weather_does_not_part_a_ring(op: Op):
    world = formed(4)
    world.faults.apply(op)
    world.run_for(20.0)
    assert world.judge.unsettled(trees=False) == ""


class Parted:
    """Two halves of a group that hold each other for dead, while one of them loses a member."""

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)
        self.world = formed(4, seed)
        (self.steward,) = filter(self.is_founder, range(4))
        others = [number for number in range(4) if number != self.steward]
        self.near, self.far, self.out = self.chance.sample(others, 3)

    def is_founder(self, number: int) -> bool:
        roster = self.engine(number).node.roster
        return roster is not None and roster.founder == self.device(number)

    def device(self, number: int) -> DeviceId:
        return self.world.hosts[number].device

    def engine(self, number: int) -> Engine:
        process = self.world.hosts[number].process
        assert process is not None
        assert isinstance(process.engine, Engine)
        return process.engine

    def ring(self, number: int) -> set[DeviceId]:
        return {DeviceId(record.device) for record in self.circle(number).ring.nodes()}

    def circle(self, number: int) -> Circle:
        return self.engine(number).wiring.circle

    def play(self) -> float:
        """Part them, remove one of the other half, heal; return what one ring took."""
        near, far = (self.steward, self.near), (self.far, self.out)
        self.world.network.partition(near, far)
        self.world.run_for(self.chance.uniform(0.5, 15.0))
        removal = RemoveAsked(1, self.world.hosts[self.out].label)
        process = self.world.hosts[self.steward].process
        assert process is not None
        self.world.judge.put_out.add(self.device(self.out))
        process.post(removal)
        self.world.run_for(self.chance.uniform(0.0, 3.0))
        self.world.network.heal()
        left, began = [*near, self.far], self.world.now
        wanted = {self.device(number) for number in left}
        whole = self.world.run_until(lambda: all(self.ring(n) == wanted for n in left), MEET_S)
        took = self.world.now - began
        self.world.run_for(4.0)  # whoever is believed again answers, and stays
        rings = {number: len(self.ring(number)) for number in left}
        if not whole or any(self.ring(number) != wanted for number in left):
            self.world.fail(f"no single ring after a removal: {rings}")
        return took


def test_what_a_removed_member_said_of_others_parts_nobody() -> None:
    for seed in range(PARTED_SEEDS):
        Parted(seed).play()


def test_to_keep_a_removed_members_word_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beliefs, "cleared", lambda record: record)
    monkeypatch.setattr(beliefs, "is_by_owner", is_valid)
    with pytest.raises(AssertionError, match="no single ring"):
        test_what_a_removed_member_said_of_others_parts_nobody()
