"""One flipped bit in an own file, in somebody's copy, in a part file: found and healed (R9).

Strategy: a real pair, one of them on a disk of its own (loop_disk.py), in which a bit is flipped
behind the back of its file system. Then a person types `verify`. What must be: it says which file
is damaged, the owner's version stands there again, with its date, the damaged bytes are in `Put
aside/`, and the other device never had any others than the right ones. Limits: the file system
notices nothing; a disk that answers with an error is another case.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from potluck.core import limits
from potluck.shells.disk.receiving.part_map import read_map, root_in
from tests.devices import ROOT, free_port, one_ring, until
from tests.fair_time import FairTime
from tests.figures import record
from tests.hostile.daemons import TRACEBACK, Daemon, Pair, within
from tests.torture.loop_disk import LoopDisk, loop_disk

pytestmark = [pytest.mark.full, pytest.mark.slow, pytest.mark.timeout(300)]

DISK_BYTES = 160 * limits.MIB
HEALED_S = 30.0
PART_BYTES = 40 * limits.MIB
TRIES = 5


@contextmanager
def on_a_disk(base: Path) -> Iterator[tuple[Pair, LoopDisk]]:
    """A pair; the home and the folder of the first are on a disk of its own."""
    with loop_disk(base / "alder", DISK_BYTES) as disk:
        port = free_port()
        devices = [Daemon(base / label, label) for label in ("alder", "birch")]
        try:
            for device in devices:
                device.begin(port)
            until(lambda: one_ring(*devices))
            yield Pair(base, port, *devices), disk
        finally:
            for device in devices:
                device.close()


def verified(device: Daemon, *words: str) -> tuple[int, str]:
    """What `verify` says there, and how it ended."""
    typed = [sys.executable, "-P", "-m", "potluck", "--home", str(device.home), "verify", *words]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        typed, env=environment, cwd=ROOT, timeout=120, check=False, capture_output=True, text=True
    )
    return done.returncode, done.stdout + done.stderr


def at_rest(two: Pair) -> None:
    """Both are in sync, whole, and nobody fell over."""
    within(HEALED_S, lambda: two.a.settled() and two.b.settled(), two.said)
    for device in two.devices:
        assert not device.state()["troubles"], device.state()["troubles"]
        assert TRACEBACK not in device.said(), device.said()


def heals(two: Pair, disk: LoopDisk, owner: Daemon) -> float:
    """A bit of a file of that owner is flipped on the disk of the first; how long it was so."""
    data, other = os.urandom(3 * limits.MIB), os.urandom(20_000)
    original = owner.write("photo", data)
    owner.write("beside", other)
    copies = [device.copy_of(owner) / "photo" for device in two.devices]
    until(lambda: all(copy.exists() and copy.read_bytes() == data for copy in copies), two.said)
    at_rest(two)
    at_ns = original.stat().st_mtime_ns
    here, there = copies
    disk.flip(here, 2 * limits.MIB)
    damaged = here.read_bytes()
    with FairTime() as clock:
        code, said = verified(two.a)
        assert code == 8, said
        assert f"1 damaged: {owner.label}/photo" in said, said
        within(HEALED_S, lambda: here.read_bytes() == data, two.said)
    assert here.stat().st_mtime_ns == at_ns
    at_rest(two)
    (kept,) = [path for path in (two.a.folder / "Put aside").rglob("*") if path.is_file()]
    assert kept.read_bytes() == damaged
    kept.unlink()
    code, said = verified(two.a)
    assert (code, "each as it should be" in said) == (0, True), said
    assert there.read_bytes() == data
    assert not (two.b.folder / "Put aside").exists()
    assert not [path for path in (two.b.folder / ".potluck/trash").rglob("*") if path.is_file()]
    return clock.spent()


def test_a_file_of_mine_is_healed_from_whoever_has_it(tmp_path: Path) -> None:
    with on_a_disk(tmp_path) as (two, disk):
        took_s = heals(two, disk, two.a)
        assert "healed" in two.a.codes()
    record("R9", f"own file: whole again {took_s:.1f} s after verify was typed", held=True)


def test_a_copy_of_somebody_elses_is_fetched_again(tmp_path: Path) -> None:
    with on_a_disk(tmp_path) as (two, disk):
        took_s = heals(two, disk, two.b)
        assert "damage" in two.a.codes()
    record("R9", f"somebody's copy: whole again {took_s:.1f} s after verify was typed", held=True)


def claimed(part: Path) -> int | None:
    """Where a piece begins that the map of a part file says is there."""
    root = root_in(part.name)
    try:
        with part.with_suffix(".map").open("rb") as file:
            found = read_map(file.fileno(), root) if root is not None else None
    except FileNotFoundError:
        return None
    if found is None:
        return None
    content, have = found
    return next((at * content.piece_size for at in range(content.count) if at in have), None)


def half_received(two: Pair, name: str, data: bytes) -> Path | None:
    """The part file of a file of the second's, of which some came before the first was killed."""
    copy = two.a.copy_of(two.b) / name
    two.b.write(name, data)
    deadline_s = time.monotonic() + HEALED_S
    while time.monotonic() < deadline_s and not copy.exists():
        for part in (two.a.folder / ".potluck/tmp").glob("*.part"):
            if claimed(part) is not None:
                os.kill(two.b.process.pid, signal.SIGSTOP)
                two.a.process.kill()
                two.a.ended()
                if part.exists():
                    return part
                os.kill(two.b.process.pid, signal.SIGCONT)
                two.a.start(two.discovery_port, "--port", str(two.a.port))
                two.a.up()
    return None


def test_a_part_file_is_not_believed(tmp_path: Path) -> None:
    with on_a_disk(tmp_path) as (two, disk):
        for number in range(TRIES):
            name, data = f"film {number}", os.urandom(PART_BYTES)
            part = half_received(two, name, data)
            if part is not None:
                break
            until((two.a.copy_of(two.b) / name).exists, two.said)
            (two.b.own / name).unlink()
        assert part is not None, "each file came too fast to be caught half"
        at = claimed(part)
        assert at is not None
        disk.flip(part, at)
        os.kill(two.b.process.pid, signal.SIGCONT)
        two.a.start(two.discovery_port, "--port", str(two.a.port))
        two.a.up()
        copy = two.a.copy_of(two.b) / name
        within(HEALED_S, lambda: copy.exists() and copy.read_bytes() == data, two.said)
        at_rest(two)
        assert verified(two.a)[0] == 0
        assert not (two.a.folder / "Put aside").exists()
    record("R9", "part file: the piece with it was fetched again, and never placed", held=True)
