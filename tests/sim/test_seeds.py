"""Drawn schedules of faults over real engines: safety after every event, all well soon after the
last fault. Here what people, networks and members do; `test_seeds_of_disks.py` has the disks.

A failure prints the line that replays it. `POTLUCK_TIER=full` plays many more.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.sim.seeds import EACH, FEW, Drawn, Tally, plan

pytestmark = pytest.mark.sim
FULL = os.environ.get("POTLUCK_TIER", "default") != "default"
PROFILES = ("files", "mixed", "hostile")
COUNT = EACH if FULL else FEW


@pytest.fixture(scope="module")
def tally() -> Iterator[Tally]:
    """What was played, kept for the table at the end."""
    tally = Tally(EACH)
    yield tally
    tally.record("people, networks and members")


@pytest.mark.volume
@pytest.mark.parametrize("drawn", plan(PROFILES, 0, COUNT), ids=str)
def test_a_drawn_run_ends_well(drawn: Drawn, tally: Tally) -> None:
    tally.play(drawn)
