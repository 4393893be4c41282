"""An owner that deletes, or exchanges, most of its folder at once does not take it from the others.

Strategy: two real daemons; the owner's folder is changed as ransomware or a mistake would, and the
other one's is looked at while potluck runs, over a kill, and after a person's `confirm` by the
command line. Should the owner's own breaker hold what it deleted, its person says first that it was
meant: what counts here is that the other one does not take its word for it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from potluck.core.errors import PotluckError
from tests.devices import ROOT, until
from tests.hostile.daemons import Daemon, Pair, pair, still

pytestmark = [pytest.mark.full, pytest.mark.hostile, pytest.mark.timeout(400)]
FILES = 300
LOST = 200
PATIENCE_S = 60.0


@pytest.fixture
def honest(tmp_path: Path) -> Iterator[Pair]:
    with pair(tmp_path) as devices:
        (devices.a.own / "photos").mkdir()
        for number in range(FILES):
            devices.a.write(name_of(number), b"photo %d" % number)
        until(lambda: len(copies(devices)) == FILES, devices.said, PATIENCE_S)
        until(devices.b.settled, devices.said, PATIENCE_S)
        yield devices


def name_of(number: int) -> str:
    return f"photos/{number:03}.jpg"


def copies(devices: Pair) -> list[bytes]:
    """What the other one holds of the photos."""
    photos = devices.b.copy_of(devices.a) / "photos"
    found = []
    for path in sorted(photos.glob("*.jpg")):
        with suppress(FileNotFoundError):  # it went just now
            found.append(path.read_bytes())
    return found


def kept(device: Daemon) -> list[dict[str, Any]]:
    return [each for each in device.state().get("troubles", ()) if each["kind"] == "kept"]


def wait_until_kept(devices: Pair, files: int) -> dict[str, Any]:
    """Wait until so many files are kept at the other one."""

    def is_kept() -> bool:
        with suppress(PotluckError):  # nothing of its own is held there
            devices.a.client.act("confirm", {"name": ""})
        return any(f" {files} files (" in each["reason"] for each in kept(devices.b))

    until(is_kept, devices.said, PATIENCE_S)
    (one,) = kept(devices.b)
    return one


def is_judged(device: Daemon) -> bool:
    """Whether all that was exchanged has come to it, and is kept back or in the trash."""
    rest = f" {FILES - trashed(device)} files ("
    return any(rest in each["reason"] for each in kept(device))


def typed(device: Daemon, *typed_words: str, ends: int = 0) -> str:
    """A person types it; what that says."""
    words = [sys.executable, "-P", "-m", "potluck", "--home", str(device.home), *typed_words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == ends, (done.stdout, done.stderr)
    return done.stdout + done.stderr


def confirm(device: Daemon, name: str) -> str:
    """A person types it."""
    return typed(device, "confirm", name)


def told_of(owner: Daemon) -> list[int]:
    """How many files each other device keeps as they were, as the owner says."""
    return [each["held_files"] for each in owner.state()["devices"] if not each["me"]]


def owner_says_why(devices: Pair, files: int) -> None:
    """The owner's screens say that so many files are kept at the other one, and what to do."""
    a = devices.a
    until(lambda: told_of(a) == [files], devices.said, PATIENCE_S)
    why = typed(a, "why", ends=10)
    assert f"{devices.b.label}: it has not spoken yet of the list that this is in; it keeps" in why
    assert f"keeps {files} files (" in why
    for step in (
        "confirm alder; if not, here type: ",
        "undo (what went last in one go comes back)",
    ):
        assert step in why
        assert step in typed(a, "status")
    assert a.state()["state"] == "waiting"
    assert f"{devices.b.label} keeps {files} files (" in a.state()["reason"]
    late = typed(a, "wait", "--delivered", "--timeout", "3", ends=6)
    assert "as before, until that is confirmed there" in late


def kill_and_start(device: Daemon) -> None:
    device.process.kill()
    device.process.wait()
    device.start(device.discovery_port, "--port", str(device.port))
    device.up()


def trashed(device: Daemon) -> int:
    """How many photos are in the trash."""
    return sum(1 for _ in (device.folder / ".potluck" / "trash").rglob("*.jpg"))


def test_what_is_deleted_at_once_stays_until_it_is_confirmed(honest: Pair) -> None:
    a, b = honest.devices
    with still(a):
        for number in range(LOST):
            (a.own / name_of(number)).unlink()
    told = wait_until_kept(honest, LOST)
    assert (told["subject"], told["command"]) == ("alder", "confirm alder")
    assert "alder/photos/000.jpg" in told["reason"]
    assert "losses_held" in b.codes()
    assert (b.state()["state"], b.state()["synced"]) == ("trouble", False)
    honest.delivers(a, b)
    owner_says_why(honest, LOST)
    assert (len(copies(honest)), trashed(b)) == (FILES, 0)
    kill_and_start(b)
    until(lambda: kept(b), honest.said, PATIENCE_S)
    honest.delivers(a, b)
    until(lambda: told_of(a) == [LOST], honest.said, PATIENCE_S)
    assert (len(copies(honest)), trashed(b)) == (FILES, 0)
    assert f"{LOST} files" in confirm(b, "alder")
    until(lambda: len(copies(honest)) == FILES - LOST, honest.said, PATIENCE_S)
    assert trashed(b) == LOST
    until(b.settled, honest.said, PATIENCE_S)
    assert kept(b) == []
    until(lambda: told_of(a) == [0] and not a.state()["reason"], honest.said, PATIENCE_S)
    assert "keeps" not in typed(a, "why")
    honest.unharmed()


def test_what_was_deleted_at_once_by_mistake_comes_back_by_one_word_of_its_owner(
    honest: Pair,
) -> None:
    a, b = honest.devices
    for number in range(LOST):
        (a.own / name_of(number)).unlink()
    wait_until_kept(honest, LOST)
    until(lambda: told_of(a) == [LOST], honest.said, PATIENCE_S)
    typed(a, "undo")
    photos = {b"photo %d" % number for number in range(FILES)}
    until(lambda: len(list((a.own / "photos").iterdir())) == FILES, honest.said, PATIENCE_S)
    until(lambda: not kept(b) and told_of(a) == [0], honest.said, PATIENCE_S)
    until(a.settled, honest.said, PATIENCE_S)
    assert (set(copies(honest)), len(copies(honest)), trashed(b)) == (photos, FILES, 0)


def test_what_is_exchanged_at_once_stays_until_it_is_confirmed(honest: Pair) -> None:
    a, b = honest.devices
    with still(a):
        for number in range(FILES):  # as ransomware does, in place
            (a.own / name_of(number)).write_bytes(b"encrypted %d" % number)
    photos = [b"photo %d" % number for number in range(FILES)]
    # what comes after its start begins to count anew
    until(lambda: is_judged(b), honest.said, PATIENCE_S)
    kill_and_start(b)
    until(lambda: kept(b), honest.said, PATIENCE_S)
    honest.delivers(a, b)
    stands = copies(honest)
    safe = sum(one == two for one, two in zip(stands, photos, strict=True))
    assert 4 * safe >= 3 * FILES, "a quarter may be gone before it is too much"
    assert safe + trashed(b) >= FILES, "and that is in the trash"
    assert all(device["need_files"] for device in a.state()["devices"] if not device["me"])
    confirm(b, "alder")
    until(lambda: set(copies(honest)).isdisjoint(photos), honest.said, PATIENCE_S)
    until(lambda: trashed(b) == FILES, honest.said, PATIENCE_S)
    until(b.settled, honest.said, PATIENCE_S)
