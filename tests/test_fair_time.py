"""The clock of tests with real programs: on a free machine the one on the wall, else slower."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from tests import fair_time
from tests.fair_time import LATE_S, LOOK_S, FairTime, other_threads

LOOKS = 5


@pytest.fixture(autouse=True)
def free_machine(monkeypatch):
    """Whatever else runs here."""
    monkeypatch.setattr(fair_time, "share", lambda: 1.0)
    monkeypatch.setattr(fair_time, "PATIENCE", 1.0)


def looked(clock: FairTime) -> float:
    """Wait for some looks at a clock that has begun; what it says then."""
    end = time.monotonic() + 30
    while clock.spent() < LOOKS * LOOK_S:
        assert time.monotonic() < end
        time.sleep(LOOK_S)
    return clock.spent()


def test_a_free_machine_has_at_most_the_clock_on_the_wall():
    start = time.monotonic()
    with FairTime() as clock:
        assert LOOKS * LOOK_S <= looked(clock) <= time.monotonic() - start
    assert clock.spent() <= time.monotonic() - start


def test_what_was_spent_stands_when_the_block_has_ended():
    with FairTime() as clock:
        looked(clock)
    spent = clock.spent()
    assert spent >= LOOKS * LOOK_S
    time.sleep(2 * LOOK_S)
    assert clock.spent() == spent


def test_a_short_block_is_not_nothing():
    with FairTime() as clock:
        time.sleep(0.001)
    assert clock.spent() > 0.0


def test_a_shared_machine_and_patience_each_slow_it_down(monkeypatch):
    monkeypatch.setattr(fair_time, "share", lambda: 0.25)
    monkeypatch.setattr(fair_time, "PATIENCE", 2.0)
    start = time.monotonic()
    with FairTime() as clock:
        looked(clock)
    assert clock.spent() <= (time.monotonic() - start) / 8


def test_a_share_is_at_most_a_processor(monkeypatch):
    monkeypatch.undo()
    assert 0.0 < fair_time.share() <= 1.0


STOPPED = """
from tests import fair_time
fair_time.share = lambda: 1.0
with fair_time.FairTime() as clock:
    print("begun", flush=True)
    input()
print(clock.spent())
"""


def test_who_is_stopped_spends_next_to_nothing():
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    stopped_s = 10 * LATE_S
    with subprocess.Popen(
        [sys.executable, "-c", STOPPED],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "begun\n"
        os.kill(process.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED)
        stopped = time.monotonic()
        time.sleep(stopped_s)
        os.kill(process.pid, signal.SIGCONT)
        lost_s = time.monotonic() - stopped
        said, _ = process.communicate("\n")
    took_s = time.monotonic() - stopped
    assert float(said) <= took_s - lost_s + 2 * LATE_S


def test_the_threads_of_clocks_are_nobody_elses():
    before = threading.enumerate()
    with FairTime() as clock:
        assert other_threads() == before
        assert len(threading.enumerate()) == len(before) + 1
        assert repr(clock).startswith("FairTime(0.")
    assert threading.enumerate() == before
