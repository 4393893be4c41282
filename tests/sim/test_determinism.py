"""Equal seeds give equal runs, byte for byte, in this process and in one that hashes strings in
another order (S10).

Strategy: virtual time, so that minutes of network cost a second; bounds are those of
docs/protocol.md. Limits: the world is a model; real daemons are tested in tests/lan.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from tests.sim import scenarios
from tests.sim.standins import StandIns, running
from tests.sim.world import World

pytestmark = pytest.mark.sim
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def chatter(seed: int) -> str:
    world = World(seed, StandIns(period_s=0.5, say=b"here I am"), nodes=3)
    world.network.set_policy(loss=0.2, duplicate=0.2, reorder=0.2)
    world.start()
    world.run_for(20.0)
    assert len(running(world, 0)[1].heard) > 50
    return world.trace


def test_the_world_itself_repeats_and_the_seed_decides():
    assert chatter(1) == chatter(1)
    assert chatter(1) != chatter(2)


def test_equal_seeds_give_equal_traces():
    first = scenarios.play(11, 3, "mixed")
    assert first.events > 100
    assert scenarios.play(11, 3, "mixed") == first


def test_the_order_in_which_sets_are_walked_decides_nothing():
    def trace(hash_seed: str) -> str:
        command = [
            sys.executable,
            "-m",
            "tests.sim",
            "--seed",
            "12",
            "--nodes",
            "4",
            "--profile",
            "mixed",
        ]
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        run = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        assert run.returncode == 0, run.stdout + run.stderr
        found = re.search(r"trace (\w+)", run.stdout)
        assert found is not None
        return found[1]

    assert trace("1") == trace("2")
