"""A small disk and a fast link: some of the disk stays free all the time, and it says what waits.

Strategy: the receiver's folder is a tmpfs of its own; how much of it is free is looked at every 20
ms by a thread of the test while more comes than fits. Its owner
has to hear that room is the reason.
"""

from __future__ import annotations

import os
import subprocess
import threading
from pathlib import Path

import pytest

from potluck.core import limits
from potluck.core.content.swarm.room import reserve_of
from potluck.core.wording import of_size
from tests.lan.potluck import Potluck, wait_ring, write, write_random

pytestmark = [pytest.mark.full, pytest.mark.lan, pytest.mark.slow, pytest.mark.timeout(300)]

READY_S = 30.0
SIZE_BYTES = 96 * limits.MIB
LOOK_S = 0.02
SMALL = 160  # files among the large ones


class LeastFree:
    """The least that was free in a folder's file system."""

    def __init__(self, folder: object) -> None:
        self._folder = str(folder)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.bytes = SIZE_BYTES
        self._thread.start()

    def _look(self) -> None:
        while not self._over.wait(LOOK_S):
            found = os.statvfs(self._folder)
            self.bytes = min(self.bytes, found.f_bavail * found.f_frsize)

    def end(self) -> int:
        self._over.set()
        self._thread.join()
        return self.bytes


@pytest.fixture
def two(devices):
    """Two devices; the folder of the second is a small disk."""
    anna, bert = devices(2)
    bert.folder.mkdir(parents=True)
    size = f"size={SIZE_BYTES}"
    subprocess.run(["mount", "-t", "tmpfs", "-o", size, "none", bert.folder], check=True)
    try:
        for node in (anna, bert):
            node.start()
        wait_ring([anna, bert], READY_S)
        yield anna, bert
    finally:
        for node in (anna, bert):
            if node.process is not None and node.process.poll() is None:
                node.kill9()
        subprocess.run(["umount", "-l", bert.folder], check=True)


def small_at(bert: Potluck) -> Path:
    return bert.shared / "anna" / "small"


def waits(bert: Potluck) -> bool:
    """Whether it is paused for want of room for a file of anna's, and nothing moves."""
    state = bert.status()
    named = (state.get("reason") or "").startswith("no room for anna/")
    return named and state["state"] == "paused" and not state["transfers"]


def test_what_does_not_fit_waits_and_the_reserve_is_never_broken_into(two) -> None:
    anna, bert = two
    least = LeastFree(bert.folder)
    try:
        for number in range(16):
            write_random(anna.own / f"{number:02}.bin", 8 * limits.MIB)
            for small in range(SMALL // 16):
                write(anna.own / "small" / f"{number}-{small}.txt", os.urandom(3_000 + small))
        bert.wait(lambda: waits(bert) and bert.status().get("files") == 16 + SMALL, READY_S)
        bert.wait(lambda: len(list(small_at(bert).iterdir())) == SMALL, READY_S)
    finally:
        least_bytes = least.end()
    assert least_bytes >= reserve_of(SIZE_BYTES)
    here = [name for name in bert.outline() if name.endswith(".bin")]
    assert 7 <= len(here) <= 9, "as much as fits"
    anna.wait(lambda: anna.device("bert").get("need_files") == 16 - len(here), READY_S)
    assert bert.status()["command"] == f"df -h {bert.folder}"
    short = 16 - len(here)
    owner_says_why(anna, short)
    for number in range(15):
        (anna.own / f"{number:02}.bin").unlink()
    bert.wait((bert.shared / "anna" / "15.bin").exists, READY_S * 3)
    bert.wait(bert.settled, READY_S)
    anna.wait(anna.settled, READY_S)
    assert told_of(anna) == (0, 0), "there is room, so nothing else is said any more"
    assert anna.run("wait", "--delivered", "--timeout", READY_S).returncode == 0
    assert "room" not in anna.run("status").stdout


def told_of(anna: Potluck) -> tuple[int, int]:
    """How many files, and bytes, bert has no room for, as anna says."""
    device = anna.device("bert")
    return device.get("no_room_files", -1), device.get("no_room_bytes", -1)


def owner_says_why(anna: Potluck, short: int) -> None:
    """So many files of 8 MiB lack at bert, and its owner can say that there is no room for them."""
    size_bytes = short * 8 * limits.MIB
    anna.wait(lambda: told_of(anna) == (short, size_bytes), READY_S)
    amount = f"{short} files ({of_size(size_bytes)})"
    late = anna.run("wait", "--delivered", "--timeout", 3)
    said = f"not yet known to be whole on bert (no room there for {amount})"
    assert (late.returncode, said in late.stdout + late.stderr) == (6, True), late
    state = f"bert still lacks {amount} of mine; no room for {amount} on bert"
    assert state in anna.run("status").stdout
    assert f"lacks {amount}, no room for {amount}" in anna.run("status").stdout
    why = anna.run("why", "anna/15.bin").stdout
    assert f"it has no room for {amount}, of which this may be one" in why


def test_what_can_never_fit_keeps_nothing_else_waiting(two) -> None:
    anna, bert = two
    write_random(anna.own / "big.bin", SIZE_BYTES)
    write_random(anna.own / "small.bin", 4 * limits.MIB)
    bert.wait((bert.shared / "anna" / "small.bin").exists, READY_S)
    bert.wait(lambda: waits(bert), READY_S)
    anna.wait(lambda: told_of(anna) == (1, SIZE_BYTES), READY_S)
    assert not list((bert.folder / ".potluck" / "tmp").glob("*.part")), "it was not begun"
