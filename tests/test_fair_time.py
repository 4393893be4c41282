"""The clock of tests with real programs: on a free machine the one on the wall, else slower."""

from __future__ import annotations

import time

from tests import fair_time
from tests.fair_time import FairTime, Measured


def test_a_free_machine_has_the_clock_on_the_wall(monkeypatch):
    monkeypatch.setattr(fair_time, "share", lambda: 1.0)
    monkeypatch.setattr(fair_time, "PATIENCE", 1.0)
    start, clock = time.monotonic(), FairTime()
    time.sleep(0.05)
    spent, wall = clock.spent(), time.monotonic() - start
    assert 0.05 <= spent <= wall


def test_a_shared_machine_and_patience_each_slow_it_down(monkeypatch):
    monkeypatch.setattr(fair_time, "share", lambda: 0.25)
    monkeypatch.setattr(fair_time, "PATIENCE", 2.0)
    start, clock = time.monotonic(), FairTime()
    time.sleep(0.05)
    spent, wall = clock.spent(), time.monotonic() - start
    assert 0.05 / 8 <= spent <= wall / 8


def test_a_share_is_at_most_a_processor():
    assert 0.0 < fair_time.share() <= 1.0


def test_a_block_is_measured_while_it_runs(monkeypatch):
    shares = iter([0.5] * 2)
    monkeypatch.setattr(fair_time, "share", lambda: next(shares, 0.0))
    monkeypatch.setattr(fair_time, "PATIENCE", 1.0)
    start = time.monotonic()
    with Measured() as took:
        time.sleep(0.2)
    wall = time.monotonic() - start
    assert 0.0 < took.seconds < wall / 2  # the later looks found nothing for us
