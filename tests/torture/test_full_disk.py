"""A disk that is full to the last byte, and free again, twenty times (R4).

Strategy: the folder of one of a pair, or its home with the index, is a small tmpfs of its own; each
time somebody fills it, the other shares, edits, renames and deletes files, and so does this one
where its folder has room, so often that the index has none. Then the space comes back. What must
be: the daemon never ends, and has everything within ten seconds. The figure says what was measured
of both.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from potluck.core import limits
from tests.devices import free_port, one_ring, until
from tests.fair_time import FairTime
from tests.figures import record
from tests.hostile.daemons import TRACEBACK, Daemon, Pair, within
from tests.torture.trees import contents, difference

pytestmark = [pytest.mark.full, pytest.mark.slow, pytest.mark.timeout(1200)]
CYCLES, INDEX_CYCLES = 20, 3
DISK_BYTES = 96 * limits.MIB
FILE_BYTES = limits.MIB
BACK_S = 10.0  # R4
HOME = "birch"  # with the index
INDEX_FILES = 400  # rows for them are more than the index and the ballast have room for
NOTICED_S = 30.0
FULL_S = 1.0  # so long it stays full once that was noticed
HOME_FULL_S = 4.0  # then, after the second time, the index would rest for half a minute


def fill(path: Path) -> None:
    """Take every byte that is free."""
    with path.open("ab", buffering=0) as file:
        for size in (limits.MIB, 4096, 1):
            with suppress(OSError):
                while file.write(bytes(size)) == size:
                    pass


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """A tmpfs at a folder that is made for it."""
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    folder.mkdir(parents=True)
    options = f"size={DISK_BYTES},mode=0700"
    command = ["mount", "-t", "tmpfs", "-o", options, "none", str(folder)]
    if subprocess.run(command, check=False).returncode:
        pytest.skip("a tmpfs cannot be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


@contextmanager
def pair_with(base: Path, disk: str) -> Iterator[Pair]:
    """A pair, of which the second has that folder on a small disk."""
    with small_disk(base / disk):
        port = free_port()
        devices = [Daemon(base / label, label) for label in ("alder", "birch")]
        try:
            if disk == HOME:  # its folder has room
                devices[1].folder = base / "Elsewhere"
                devices[1].own = devices[1].folder / "Shared" / "birch"
            for device in devices:
                # four of a dozen files go each time, on purpose: the breakers would ask
                device.program = ("tests.hostile.unguarded", "losses", "--")
                device.begin(port)
            until(lambda: one_ring(*devices))
            yield Pair(base, port, *devices)
        finally:
            for device in devices:
                device.close()


def change(alder: Daemon, number: int) -> None:
    """More than one step of everything: new, edited, renamed, deleted."""
    for name in ("a", "b", "c"):
        alder.write(f"new {number}/{name}", os.urandom(FILE_BYTES))
    alder.write("edited", os.urandom(FILE_BYTES + number))
    if number > 1:
        before = alder.own / f"new {number - 1}"
        (before / "a").rename(before / "renamed")
        (before / "b").unlink()
    if number > 3:
        for path in (alder.own / f"new {number - 3}").iterdir():
            path.unlink()


def equal(owner: Daemon, holder: Daemon) -> bool:
    """Whether somebody holds all of another one's files, and nothing else."""
    copy = holder.copy_of(owner)
    try:
        found = contents(copy) if copy.exists() else {}
    except FileNotFoundError:  # it goes just now
        return False
    return not difference(contents(owner.own), found)


def filled_and_freed(two: Pair, filler: Path, number: int) -> float:
    """Fill the disk, change much, free it; how long it took until all was there."""
    alder, birch = two.devices
    fill(filler)
    change(alder, number)
    for file in range(INDEX_FILES if filler.parent.name == HOME else 0):
        birch.write(f"many {number % 2}/{file}", b"%d" % number)
    within(NOTICED_S, lambda: not birch.settled(), two.said)
    with FairTime() as full:
        while full.spent() < (HOME_FULL_S if filler.parent.name == HOME else FULL_S):
            fill(filler)  # whatever it may have freed
            assert birch.alive(), birch.said()
            time.sleep(0.05)
    filler.unlink()

    def are_equal() -> bool:
        return equal(alder, birch) and equal(birch, alder)

    with FairTime() as clock:
        within(BACK_S, lambda: are_equal() and birch.settled() and alder.settled(), two.said)
    assert birch.alive()
    assert TRACEBACK not in birch.said(), birch.said()
    assert not (birch.folder / "Put aside").exists()
    return clock.spent()


@pytest.mark.parametrize(
    ("disk", "cycles"),
    [("birch/Folder", CYCLES), (HOME, INDEX_CYCLES)],
    ids=["of the folder", "of the index"],
)
def test_a_full_disk_ends_nothing_and_loses_nothing(tmp_path: Path, disk: str, cycles: int) -> None:
    with pair_with(tmp_path, disk) as two:
        filler = tmp_path / disk / "filler"
        took_s = [filled_and_freed(two, filler, n + 1) for n in range(cycles)]
    what = "index" if disk == HOME else "folder"
    words = f"disk of the {what} full to the last byte, {cycles} times: all was there "
    record("R4", f"{words}{max(took_s):.1f} s later at most", held=max(took_s) <= BACK_S)
