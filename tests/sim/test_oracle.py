"""The oracle and the schedules: what is wrong is seen, and every drawn schedule can be carried out.

Strategy: rings and trees are set by hand on engines that do nothing.
Limits: records are looked at only where an engine tells them.
"""

from __future__ import annotations

import pytest

from potluck.engine import events as told
from potluck.engine.events import LinkId
from tests.fakes.disk import path_of
from tests.sim.faults import PROFILES, draw
from tests.sim.invariants import Broken
from tests.sim.standins import running, world_of


# -- the oracle and the schedules ------------------------------------------------------------------
def test_the_oracle_sees_rings_that_differ_lack_or_invent_a_node():
    world = world_of(3)
    devices = [host.device for host in world.hosts]
    for number in range(3):
        running(world, number)[1].ring = list(devices)
    assert world.judge.unsettled() == ""
    running(world, 1)[1].ring.reverse()
    assert world.judge.unsettled().startswith("E2")
    world.faults.crash(2)
    assert world.judge.unsettled().startswith("E1")
    with pytest.raises(Broken, match="E1"):
        world.judge.settle(1.0)
    running(world, 0)[1].ring = [devices[0], devices[0]]
    with pytest.raises(Broken, match="S3"):
        world.judge.after(running(world, 0)[0], told.LinkClosed(LinkId(1), "", clean=True))
    running(world, 0)[1].ring = [devices[1]]
    with pytest.raises(Broken, match="S1"):
        world.judge.after(running(world, 0)[0], told.LinkClosed(LinkId(1), "", clean=True))


def test_the_oracle_compares_trees_with_their_owners():
    world = world_of()
    devices = [host.device for host in world.hosts]
    for number in range(2):
        running(world, number)[1].ring = list(devices)
    world.person(0, "write", path_of("ada/a"), b"1")
    assert "missing ['ada/a']" in world.judge.unsettled()
    world.hosts[1].disk.write(path_of("ada/a"), b"1")
    assert "different ['ada/a']" in world.judge.unsettled()  # another mtime


@pytest.mark.parametrize("profile", PROFILES)
def test_schedules_follow_from_their_seed_and_end_healed(profile: str):
    assert draw(7, 4, profile) == draw(7, 4, profile)
    assert draw(7, 4, profile) != draw(8, 4, profile)
    names = [op.name for op in draw(7, 4, profile)]
    assert names.count("start") >= 4
    assert "heal" in names


def test_every_drawn_schedule_can_be_carried_out():
    for seed in range(40):
        profile = PROFILES[seed % len(PROFILES)]
        world = world_of(4, seed=seed)
        ops = draw(seed, 4, profile)
        world.faults.schedule(ops)
        world.run_for(ops[-1].at + 10)
        assert len(world.running()) == 4
