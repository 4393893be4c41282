"""Rings of real engines: they form in any order, and heal after whoever leaves, dies or was cut
off.

Strategy: virtual time, so that minutes of network cost a second; bounds are those of
docs/protocol.md. Limits: the world is a model; real daemons are tested in tests/lan.
"""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest

from tests.sim import scenarios
from tests.sim.engines import RealEngines
from tests.sim.faults import Op
from tests.sim.invariants import ring_of
from tests.sim.network import Policy
from tests.sim.world import World

pytestmark = pytest.mark.sim


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
