"""A damaged index, with real daemons: the device is the member that it was, by itself, and no file
is lost, neither own ones nor copies of others.

Strategy: two devices that belong together and whose doors are closed. The index of one is damaged
while it does not run, or while it runs and cannot read it any more, as of a disk that fails; it has
to come back under its own power, with the same process. Every kind of damage is tried without
daemons in tests/shells/state/test_mending.py.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from potluck.core.errors import PotluckError
from potluck.engine.index.database import move_log
from potluck.shells.state.private_home import GROUP_COPY_NAME, INDEX_NAME, INDEX_PARTS
from tests.devices import ROOT, free_port, one_ring, until
from tests.engine.index.builders import PAGE_BYTES
from tests.hostile.daemons import Daemon

pytestmark = [pytest.mark.full, pytest.mark.timeout(300)]
FILES = 60


@pytest.fixture
def two(tmp_path: Path) -> Iterator[list[Daemon]]:
    """Two that hold each other's files; nobody can join any more."""
    devices = [Daemon(tmp_path / label, label) for label in ("alder", "birch")]
    port = free_port()
    try:
        for device in devices:
            device.begin(port)
        until(lambda: one_ring(*devices))
        for device in devices:
            for number in range(FILES):
                device.write(f"d{number % 5}/{number}", os.urandom(2_000))
            device.process.terminate()
            device.ended()
            device.door = ()
        for device in devices:
            device.begin(port)
        settle(devices)
        yield devices
    finally:
        for device in devices:
            device.close()


def settle(devices: list[Daemon]) -> None:
    def are_equal() -> bool:
        one, other = devices
        pairs = (one, other), (other, one)
        return all(trees(owner, owner) == trees(holder, owner) for owner, holder in pairs)

    def said() -> str:
        return "\n".join(f"{each.state()}\n{each.said()[-2000:]}" for each in devices)

    until(lambda: one_ring(*devices) and are_equal(), said, 60)
    until(lambda: all(each.settled() for each in devices), said, 60)


def trees(here: Daemon, of: Daemon) -> dict[str, bytes]:
    """What a device holds of one."""
    top = here.folder / "Shared" / of.label
    files = [path for path in top.rglob("*") if path.is_file()]
    return {str(path.relative_to(top)): path.read_bytes() for path in files}


def has_mended(device: Daemon) -> bool:
    """Whether it said so; while it starts in the place of itself nobody answers."""
    with contextlib.suppress(PotluckError):
        return "index_mended" in device.codes()
    return False


def is_as_it_was(two: list[Daemon], before: list[dict[str, bytes]], group: str) -> None:
    birch = two[1]
    until(lambda: has_mended(birch), birch.said, 60)
    assert birch.state()["group"]["id"] == group
    for device in two:
        device.write("new", device.label.encode())
    settle(two)
    for device, tree in zip(two, before, strict=True):
        assert {**tree, "new": device.label.encode()} == trees(device, device)
    for device in two:
        assert not (device.folder / "Put aside").exists()
        assert not list((device.folder / ".potluck/trash").glob("day-*"))
    assert len(list(birch.home.glob(f"{INDEX_NAME}.damaged-*"))) >= 1


def test_what_was_damaged_while_nothing_ran_is_mended_by_the_start(two: list[Daemon]) -> None:
    birch, before = two[1], [trees(each, each) for each in two]
    group = birch.state()["group"]["id"]
    until((birch.home / GROUP_COPY_NAME).exists)
    birch.process.terminate()
    birch.ended()
    (birch.home / INDEX_NAME).write_bytes(bytes((birch.home / INDEX_NAME).stat().st_size))
    birch.begin(birch.discovery_port)
    is_as_it_was(two, before, group)


def test_what_is_damaged_while_it_runs_is_mended_by_the_same_process(two: list[Daemon]) -> None:
    birch, before = two[1], [trees(each, each) for each in two]
    group, process = birch.state()["group"]["id"], birch.process.pid
    path = birch.home / INDEX_NAME
    move_log(str(path), wholly=True)
    with path.open("r+b") as file:
        for number in range(2, path.stat().st_size // PAGE_BYTES):
            file.seek(number * PAGE_BYTES)
            file.write(b"\xff" * PAGE_BYTES)
    for number in range(FILES):
        birch.write(f"later/{number}", b"%d" % number)
        before[1][f"later/{number}"] = b"%d" % number
    is_as_it_was(two, before, group)
    assert birch.process.pid == process
    assert birch.process.poll() is None


def test_who_was_removed_stays_removed_where_the_index_is_one_of_before(
    two: list[Daemon],
) -> None:
    """So it is when the log of an index is lost; the group copy knows better."""
    copies = [each.home / GROUP_COPY_NAME for each in two]
    until(lambda: all(copy.exists() for copy in copies))
    for each in two:
        move_log(str(each.home / INDEX_NAME), wholly=True)
    old = [(each.home / INDEX_NAME).read_bytes() for each in two]
    known = [copy.read_bytes() for copy in copies]
    at = next(at for at in (0, 1) if potluck(two[at], "remove", two[1 - at].label, "--yes"))
    keeper, other = two[at], two[1 - at]
    until(lambda: copies[at].read_bytes() != known[at], keeper.said)
    keeper.process.kill()
    keeper.ended()
    for part in INDEX_PARTS:
        (keeper.home / f"{INDEX_NAME}{part}").unlink(missing_ok=True)
    (keeper.home / INDEX_NAME).write_bytes(old[at])
    keeper.begin(keeper.discovery_port)
    words = f"{other.label}  removed by {keeper.label}"
    until(lambda: words in potluck(keeper, "status"), lambda: potluck(keeper, "status"))


def potluck(device: Daemon, *words: str) -> str:
    """Return what a command says, "" if it fails."""
    command = [sys.executable, "-P", "-m", "potluck", "--home", str(device.home), *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, env=environment
    )
    return done.stdout if done.returncode == 0 else ""
