"""What an honest pair keeps of its speed under a flood, beside one that is not meant for it (S4).

Strategy: the same flood of strangers goes once to a member of the pair and once to a process that
takes it, uses as much of a processor for that as the member was seen to use, and does nothing, in
turns; meanwhile the pair has one file after another to carry. What counts is the ratio of what it
carried, all turns together, since a shared machine is never as quick as a moment ago. Limits: one
kind of flood, from many addresses; two cores for everybody, the flood too.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from potluck.core import limits
from tests.figures import record
from tests.hostile.daemons import MEMORY_BYTES, Daemon, Pair, pair, unused_port, within
from tests.hostile.flooder import Flood, started

pytestmark = [pytest.mark.full, pytest.mark.hostile]
TURNS = 3
TURN_S = 4.0
SOURCES = 1_000
FILE_BYTES = 8 * limits.MIB
FILE_S = 30.0  # not promised: only so that it ends
RATIO = 0.8
LEAST = (
    0.25  # of its speed: less than that is more than the noise of a machine that others use, too
)


@pytest.fixture
def honest(tmp_path: Path) -> Iterator[Pair]:
    with pair(tmp_path) as devices:
        for device in devices.devices:
            device.client.post("/api/v1/door", {"open": False})
        yield devices


def carried_bytes_per_s(pair: Pair, flood: Flood) -> float:
    """How much crosses in a second while a flood goes on."""
    carried, begun_s = 0, time.monotonic()
    while flood.runs():
        data = os.urandom(FILE_BYTES)
        name = f"file {time.monotonic_ns()}"
        pair.a.write(name, data)
        copy = pair.b.copy_of(pair.a) / name
        within(FILE_S, copy.exists, pair.said)
        carried += len(data)
        spent_s = time.monotonic() - begun_s
        (pair.a.own / name).unlink()
    return carried / spent_s


def used_percent(device: Daemon, flood: Flood | None) -> float:
    """How much of a processor a device uses while a flood goes on, or as long without one."""
    before_s, begun_s = device.processor_s, time.monotonic()
    if flood is None:
        time.sleep(TURN_S)  # nothing to wait for: that nothing happens is what is measured
    else:
        flood.sent()
    return 100 * (device.processor_s - before_s) / (time.monotonic() - begun_s)


def cost_percent(pair: Pair) -> int:
    """How much of a processor a flood costs the member of the pair that it is meant for."""
    idle = used_percent(pair.a, None)
    flooded = used_percent(pair.a, Flood(pair.a.port, pair.a.discovery_port, TURN_S, SOURCES))
    return max(1, round(flooded - idle))


def test_an_honest_pair_keeps_its_speed_beside_a_flood(honest: Pair) -> None:
    port, discovery_port = unused_port(), unused_port()
    percent = cost_percent(honest)
    beside, under = list[float](), list[float]()
    for _ in range(TURNS):
        with started("sink", port, discovery_port, TURN_S + 2.0, percent) as taker:
            assert taker.stdout is not None
            assert taker.stdout.readline() == b"ready\n"
            flood = Flood(port, discovery_port, TURN_S, SOURCES)
            beside.append(carried_bytes_per_s(honest, flood))
            flood.sent()
        flood = Flood(honest.a.port, honest.a.discovery_port, TURN_S, SOURCES)
        under.append(carried_bytes_per_s(honest, flood))
        flood.sent()
    memory_bytes = max(device.memory_bytes for device in honest.devices)
    ratio = sum(under) / sum(beside)
    record(
        "S4",
        f"honest pair under a flood that costs {percent} % of a processor: {ratio:.0%} of its "
        f"speed beside one that costs as much elsewhere ({sum(beside) / TURNS / 1e6:.0f} MB/s); "
        f"{memory_bytes / 2**20:.0f} MiB",
        held=ratio >= RATIO and memory_bytes < MEMORY_BYTES,
    )
    assert memory_bytes < MEMORY_BYTES
    assert ratio > LEAST, f"{under} under it, {beside} beside it"
