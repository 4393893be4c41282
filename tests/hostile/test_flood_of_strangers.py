"""Thousands of strangers a second at the door, and members who hardly notice (S5).

Strategy: two members, and a process that floods one of them for ten seconds with connections and
datagrams, from one address and from many, at a closed door and at an open one. Meanwhile files of
1 KiB cross both ways, one after the other, and at the open door a newcomer comes in, as a whole
device from its first line on. What counts is the longest of all waits.

Seconds are those of the clock on the wall. Limits: the flood has the same two cores as everybody.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.devices import one_ring, until
from tests.fair_time import FairTime, at_least
from tests.figures import record
from tests.hostile.daemons import MEMORY_BYTES, Daemon, Pair, pair, unused_port, within
from tests.hostile.flooder import CONNECTIONS_PER_S, DATAGRAMS_PER_S, Flood

pytestmark = [pytest.mark.full, pytest.mark.hostile]
FLOOD_S = 10.0
FILE_S = 5.0
NEWCOMER_S = 10.0
MANY = 1_000  # addresses
RATE = 0.8  # of what is asked for must have been sent: the flood, too, wants the two cores


@pytest.fixture
def flooded(tmp_path: Path) -> Iterator[Pair]:
    with pair(tmp_path) as devices:
        yield devices


def crossing_s(pair: Pair, number: int) -> float:
    """How long a fresh file takes, once each way: the longer of the two."""
    longest = 0.0
    for source, target in ((pair.a, pair.b), (pair.b, pair.a)):
        name, data = f"in the flood {number}", os.urandom(1024)
        source.write(name, data)
        copy = target.copy_of(source) / name
        with FairTime() as clock:
            within(4 * FILE_S, lambda copy=copy, data=data: arrived(copy, data), pair.said)  # type: ignore[misc]
        longest = max(longest, clock.spent())
    return longest


def arrived(copy: Path, data: bytes) -> bool:
    return copy.exists() and copy.read_bytes() == data


@pytest.mark.parametrize("sources", [1, MANY], ids=["one address", "many addresses"])
def test_at_a_closed_door_a_flood_delays_no_file(flooded: Pair, sources: int) -> None:
    for device in flooded.devices:
        device.client.post("/api/v1/door", {"open": False})
    flood = Flood(flooded.a.port, flooded.a.discovery_port, FLOOD_S, sources)
    longest_s, count = 0.0, 0
    while flood.runs():
        longest_s, count = max(longest_s, crossing_s(flooded, count)), count + 1
    report(flooded, flood, f"closed door, {sources} addresses", longest_s, count)
    flooded.unharmed()


@pytest.mark.parametrize("sources", [1, MANY], ids=["one address", "many addresses"])
def test_at_an_open_door_a_flood_keeps_no_newcomer_out(
    flooded: Pair, tmp_path_factory: pytest.TempPathFactory, sources: int
) -> None:
    newcomer = Daemon(tmp_path_factory.mktemp("newcomer") / "cedar", "cedar")
    flood = Flood(flooded.a.port, flooded.a.discovery_port, FLOOD_S, sources)
    longest_s, count, came_s = 0.0, 0, 0.0
    crossing_s(flooded, -1)  # so that the flood has begun
    try:
        with FairTime() as clock:
            start(newcomer, flooded.discovery_port)
            while flood.runs() or not came_s:
                longest_s, count = max(longest_s, crossing_s(flooded, count)), count + 1
                if not came_s and one_ring(*flooded.devices, newcomer):
                    came_s = clock.spent()
                assert clock.spent() < 3 * NEWCOMER_S, newcomer.said()
    finally:
        newcomer.close()
    report(flooded, flood, f"open door, {sources} addresses", longest_s, count, came_s)
    until(lambda: one_ring(*flooded.devices), flooded.said)
    flooded.unharmed()


def report(
    pair: Pair, flood: Flood, where: str, longest_s: float, count: int, came_s: float = 0.0
) -> None:
    """Write down what was measured, and fail if it is not what is asked for."""
    connections, datagrams = flood.sent()
    memory_bytes = max(device.memory_bytes for device in pair.devices)
    came = f"newcomer in after {came_s:.1f} s; " if came_s else ""
    asked = min(connections / CONNECTIONS_PER_S, datagrams / DATAGRAMS_PER_S) / FLOOD_S
    record(
        "S5",
        f"{where}: {connections:,} connections and {datagrams:,} datagrams in {FLOOD_S:.0f} s; "
        f"{count} files each way, the longest {longest_s:.2f} s; {came}"
        f"{memory_bytes / 2**20:.0f} MiB",
        held=longest_s <= FILE_S and came_s <= NEWCOMER_S and asked >= RATE,
    )
    assert longest_s <= at_least(FILE_S)
    assert came_s <= at_least(NEWCOMER_S)
    assert memory_bytes < MEMORY_BYTES
    if asked < RATE:
        few = f"{connections} connections and {datagrams} datagrams"
        pytest.skip(f"S5 needs a machine that can send more than {few} meanwhile")


def start(newcomer: Daemon, discovery_port: int) -> None:
    """Start a device and do not wait for it."""
    newcomer.port, newcomer.discovery_port = unused_port(), discovery_port
    newcomer.start(discovery_port, "--port", str(newcomer.port))
