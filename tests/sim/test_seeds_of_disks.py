"""Drawn schedules of faults of disks over real engines, as in `test_seeds.py`: un-synced writes
vanish with the power, files of others are edited, disks go away and come back.

A failure prints the line that replays it. `POTLUCK_TIER=full` plays many more.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.sim.seeds import EACH, FEW, Drawn, Tally, plan

pytestmark = pytest.mark.sim
FULL = os.environ.get("POTLUCK_TIER", "default") != "default"
PROFILES = ("power", "tamper", "unmounted")
COUNT = EACH if FULL else FEW


@pytest.fixture(scope="module")
def tally() -> Iterator[Tally]:
    """What was played, kept for the table at the end."""
    tally = Tally(EACH)
    yield tally
    tally.record("disks and power")


@pytest.mark.volume
@pytest.mark.parametrize("drawn", plan(PROFILES, 10_000, COUNT), ids=str)
def test_a_drawn_run_with_bad_disks_ends_well(drawn: Drawn, tally: Tally) -> None:
    tally.play(drawn)
