"""Drawn schedules of faults over real engines: safety after every event, all well soon after the
last fault.

A failure prints the line that replays it. `POTLUCK_TIER=full` plays many more.
"""

from __future__ import annotations

import os

import pytest

from tests.sim import scenarios

pytestmark = pytest.mark.sim
FULL = os.environ.get("POTLUCK_TIER", "default") != "default"
SEEDS = 60 if FULL else 9


@pytest.mark.parametrize("profile", ["files", "mixed", "mixed2", "hostile", "power"])
@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_drawn_run_ends_well(seed: int, profile: str):
    nodes = 2 + seed % 5
    if profile == "mixed2":
        seed, profile = seed + 1000, "mixed"
    scenarios.play(seed, nodes, profile)
