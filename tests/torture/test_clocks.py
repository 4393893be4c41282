"""Clocks ten years ahead and behind, and jumping: dates decide nothing (R8).

Strategy: one of a pair runs under another clock (clocked.py), and files get the dates that such a
machine would give them. Files cross both ways; one is edited while the clock goes back, so its
newest version has the oldest date; somebody's copy is edited with a date far ahead of its owner's.
What must be: everything crosses as fast as ever, the owner's last version stands everywhere, with
its date, and nobody refuses or has trouble with anything. Limits: what a clock does to the trash is
not tried here.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from tests.devices import free_port, one_ring, until
from tests.fair_time import FairTime
from tests.figures import record
from tests.hostile.daemons import DELIVERY_S, TRACEBACK, Daemon, Pair, within

pytestmark = [pytest.mark.full, pytest.mark.slow]
TEN_YEARS_S = 10 * 365 * 86_400
SHIFTS = {"ahead": TEN_YEARS_S, "behind": -TEN_YEARS_S}
JUMPS = (TEN_YEARS_S, -TEN_YEARS_S, 0, 3_600, -3_600, -TEN_YEARS_S, TEN_YEARS_S)
ROUNDS = 4


class Clock:
    """The date on one of the machines, and how long files took under it."""

    def __init__(self, file: Path) -> None:
        self.file, self.offset_s = file, 0
        self.took_s: list[float] = []
        self.set(0)

    def set(self, offset_s: int) -> None:
        self.offset_s = offset_s
        self.file.write_text(str(offset_s))

    def write(self, device: Daemon, name: str, data: bytes, *, shifted: bool) -> tuple[bytes, int]:
        """A file as a program on that machine leaves it: with its content and its date."""
        path = device.write(name, data)
        at_ns = time.time_ns() + self.offset_s * 10**9 * shifted
        os.utime(path, ns=(at_ns, at_ns))
        return data, at_ns


@contextmanager
def under(base: Path, offset_s: int) -> Iterator[tuple[Pair, Clock]]:
    """A pair; the clock of the first is so far off from its first moment on."""
    clock = Clock(base / "clock")
    clock.set(offset_s)
    port = free_port()
    devices = [Daemon(base / label, label) for label in ("alder", "birch")]
    devices[0].program = ("tests.torture.clocked", str(clock.file), "--")
    try:
        for device in devices:
            device.begin(port)
        until(lambda: one_ring(*devices))
        yield Pair(base, port, *devices), clock
    finally:
        for device in devices:
            device.close()


def stands(copy: Path, data: bytes, mtime_ns: int) -> bool:
    """Whether a copy has that content and that date."""
    if not copy.exists() or copy.read_bytes() != data:
        return False
    return copy.stat().st_mtime_ns == mtime_ns


def is_gone(path: Path) -> bool:
    return not path.exists()


def crosses(two: Pair, clock: Clock, name: str) -> None:
    """A file with that name, fresh or edited, comes to the other side, both ways."""
    for source, target in ((two.a, two.b), (two.b, two.a)):
        data, at_ns = clock.write(source, name, os.urandom(2000), shifted=source is two.a)
        copy = target.copy_of(source) / name
        with FairTime() as took:
            within(DELIVERY_S, partial(stands, copy, data, at_ns), two.said)
        clock.took_s.append(took.spent())


def is_believed(two: Pair, clock: Clock) -> bool:
    """Whether the clock of the first is what the program tells the time by."""
    told_s = two.a.notices()[-1]["at_s"]
    return bool(abs(told_s - time.time() - clock.offset_s) < 86_400)


def at_rest(two: Pair) -> None:
    """Everything is well, nothing was refused, nobody said otherwise."""
    within(DELIVERY_S, lambda: two.a.settled() and two.b.settled(), two.said)
    for device in two.devices:
        assert device.alive(), device.said()
        assert TRACEBACK not in device.said(), device.said()
        state = device.state()
        assert not state["troubles"], state["troubles"]
        assert not state["refused"], state["refused"]
        assert not state["unshared"]["files"], state["unshared"]


def edit_of_somebody_elses(two: Pair, clock: Clock, by: Daemon, of: Daemon) -> None:
    """A copy is edited and has the newest date of all: the owner's version comes back."""
    data, at_ns = clock.write(of, "mine", b"the owner's", shifted=of is two.a)
    copy = by.copy_of(of) / "mine"
    within(DELIVERY_S, lambda: stands(copy, data, at_ns), two.said)
    copy.chmod(0o644)
    copy.write_bytes(b"somebody else's")
    late_ns = time.time_ns() + 2 * TEN_YEARS_S * 10**9
    os.utime(copy, ns=(late_ns, late_ns))
    within(4 * DELIVERY_S, lambda: stands(copy, data, at_ns), two.said)
    kept = [path.read_bytes() for path in (by.folder / "Put aside").rglob("mine*")]
    assert kept == [b"somebody else's"]
    assert (of.own / "mine").read_bytes() == data


@pytest.mark.parametrize("shift", SHIFTS)
def test_a_clock_ten_years_off_decides_nothing(tmp_path: Path, shift: str) -> None:
    with under(tmp_path, SHIFTS[shift]) as (two, clock):
        assert is_believed(two, clock)
        for number in range(ROUNDS):
            crosses(two, clock, f"fresh {number}")
            crosses(two, clock, "edited")
        for source, target in ((two.a, two.b), (two.b, two.a)):
            (source.own / "fresh 0").unlink()
            gone = target.copy_of(source) / "fresh 0"
            within(DELIVERY_S, partial(is_gone, gone), two.said)
        edit_of_somebody_elses(two, clock, two.b, two.a)
        edit_of_somebody_elses(two, clock, two.a, two.b)
        at_rest(two)
        two.a.process.kill()
        two.a.ended()
        clock.set(-SHIFTS[shift])  # and the next time it starts it is twenty years away
        two.a.start(two.discovery_port, "--port", str(two.a.port))
        two.a.up()
        within(4 * DELIVERY_S, lambda: one_ring(*two.devices), two.said)
        crosses(two, clock, "edited")
        at_rest(two)
    words = f"ten years {shift}: each file within {max(clock.took_s):.2f} s, no trouble"
    record("R8", words, held=True)


def test_a_clock_that_jumps_decides_nothing(tmp_path: Path) -> None:
    with under(tmp_path, 0) as (two, clock):
        for number, offset_s in enumerate(JUMPS):
            clock.set(offset_s)
            crosses(two, clock, "edited")  # going back its newest version has the oldest date
            crosses(two, clock, f"fresh {number}")
        within(4 * DELIVERY_S, lambda: is_believed(two, clock), two.said)  # told a moment later
        at_rest(two)
    words = f"{len(JUMPS)} jumps: each file within {max(clock.took_s):.2f} s, no trouble"
    record("R8", words, held=True)
