"""One confirm counts for all: a person types it on one of four devices, and the others do it.

Strategy: real daemons. The owner's folder is exchanged at once, as a tool that rewrites dates would
do it; what the others hold is let go by one command on one of them, also on one that was off until
then and never meets the device on which it was typed. What goes later is asked about anew.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from potluck.core.content.breakers import MASS_FILES
from tests.devices import ROOT, free_port, one_ring, until
from tests.hostile.daemons import Daemon, still

pytestmark = [pytest.mark.full, pytest.mark.hostile, pytest.mark.timeout(500)]
FILES = 80
PATIENCE_S = 90.0


@pytest.fixture
def home(tmp_path: Path) -> Iterator[list[Daemon]]:
    """Alder, birch, cedar without a screen, and dogwood."""
    port = free_port()
    devices = [Daemon(tmp_path / label, label) for label in ("alder", "birch", "cedar", "dogwood")]
    try:
        for device in devices:
            device.begin(port)
        until(lambda: one_ring(*devices), lambda: said(devices), PATIENCE_S)
        yield devices
    finally:
        for device in devices:
            device.close()


def said(devices: list[Daemon]) -> str:
    return "\n".join(f"--- {each.label}\n{each.said()[-3000:]}" for each in devices)


def typed(device: Daemon, *words: str) -> tuple[int, str]:
    """A person types it there."""
    command = [sys.executable, "-P", "-m", "potluck", "--home", str(device.home), *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def kept(device: Daemon) -> list[dict[str, Any]]:
    return [each for each in device.state().get("troubles", ()) if each["kind"] == "kept"]


def exchange(owner: Daemon, text: str) -> None:
    """All in one go, however slow this machine is."""
    with still(owner):
        for number in range(FILES):
            owner.write(f"{number:03}", f"{text} {number}".encode())


def stands(device: Daemon, owner: Daemon, text: str) -> bool:
    """Whether all files of the owner stand there so."""
    top = device.copy_of(owner)
    found = {path.name: path.read_bytes() for path in top.iterdir()} if top.is_dir() else {}
    return all(found.get(f"{number:03}") == f"{text} {number}".encode() for number in range(FILES))


def holds(device: Daemon, owner: Daemon, text: str) -> bool:
    """Whether it has heard of all that was exchanged, and keeps what it does not follow.

    Some may be done before it is too much: so few that no person is asked.
    """
    top = device.copy_of(owner)
    done = sum(path.read_bytes().startswith(text.encode()) for path in top.iterdir())
    waits = [int(each["reason"].partition(" files (")[0].split()[-1]) for each in kept(device)]
    return bool(waits) and done <= MASS_FILES and sum(waits) + done == FILES


def end(device: Daemon) -> None:
    device.process.terminate()
    device.ended()


def test_one_confirm_on_any_device_counts_for_all_and_for_who_was_off(home: list[Daemon]) -> None:
    alder, birch, cedar, dogwood = home

    def report() -> str:
        return said(home)

    exchange(alder, "before")
    others = [birch, cedar, dogwood]
    until(lambda: all(stands(each, alder, "before") for each in others), report, PATIENCE_S)
    until(lambda: all(each.settled() for each in others), report, PATIENCE_S)
    end(dogwood)
    exchange(alder, "after")
    until(lambda: all(holds(each, alder, "after") for each in (birch, cedar)), report, PATIENCE_S)
    assert "once, on any device but alder" in kept(cedar)[0]["reason"]
    assert typed(alder, "confirm")[0] == 7, "the owner's own word counts for nobody else"
    assert kept(cedar)
    code, text = typed(birch, "confirm", "alder")
    assert (code, "It counts for the others, too" in text) == (0, True), text
    until(lambda: all(stands(each, alder, "after") for each in (birch, cedar)), report, PATIENCE_S)
    until(lambda: not kept(cedar), report, PATIENCE_S)
    confirmed = "what alder deleted or replaced is confirmed by birch"
    until(lambda: confirmed in cedar.said(), report, PATIENCE_S)
    assert "losses_confirmed" in cedar.codes()
    trash = [path for path in (cedar.folder / ".potluck" / "trash").rglob("*") if path.is_file()]
    assert len(trash) == FILES
    alder.again()
    alder.write("new", b"of another run")
    until((cedar.copy_of(alder) / "new").exists, report, PATIENCE_S)
    end(birch)
    dogwood.start(dogwood.discovery_port, "--port", str(dogwood.port))
    dogwood.up()
    until(lambda: stands(dogwood, alder, "after"), report, PATIENCE_S)
    assert not kept(dogwood)
    until(lambda: confirmed in dogwood.said(), report, PATIENCE_S)
    exchange(alder, "later")
    until(lambda: all(holds(each, alder, "later") for each in (cedar, dogwood)), report, PATIENCE_S)
    code, text = typed(cedar, "confirm", "alder")
    assert code == 0, text
    both = [cedar, dogwood]
    until(lambda: all(stands(each, alder, "later") for each in both), report, PATIENCE_S)
