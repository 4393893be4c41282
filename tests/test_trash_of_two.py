"""Two devices: what one replaces and deletes, the other one shows and has back.

Strategy: real processes, and the commands as a person types them. Limits: what wrong clocks do is
in test_assembly.py and shells/disk/test_trash.py.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from potluck.core.content.breakers import MASS_FILES
from tests.devices import ROOT, Device, free_port, one_ring, until

pytestmark = pytest.mark.full


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def two(tmp_path: Path, port: int) -> Iterator[tuple[Device, Device]]:
    devices = [Device(tmp_path / label, label).start(port) for label in ("ann", "ben")]
    try:
        for device in devices:
            device.up()
        until(lambda: one_ring(*devices))
        yield devices[0], devices[1]
    finally:
        for device in devices:
            device.process.terminate()
        for device in devices:
            device.process.wait(60)


def typed(device: Device, *words: str) -> tuple[int, Any]:
    """Type a command; return its exit code and what it says as JSON."""
    line = [sys.executable, "-P", "-m", "potluck", "--home", str(device.home), "--json", *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(line, capture_output=True, check=False, env=environment, timeout=60)
    envelope = json.loads(done.stdout)
    return done.returncode, envelope.get("data", envelope.get("error"))


def comes(copy: Path, data: bytes, device: Device) -> None:
    """Wait until a file has that content."""
    until(lambda: copy.exists() and copy.read_bytes() == data, device.said)


def test_what_its_owner_replaced_and_deleted_is_had_back_elsewhere(
    two: tuple[Device, Device],
) -> None:
    ann, ben = two
    copy = ben.copy_of(ann) / "docs" / "a.txt"
    for data in (b"one", b"two, longer"):
        ann.write("docs/a.txt", data)
        comes(copy, data, ben)
    (ann.own / "docs" / "a.txt").unlink()
    until(lambda: not copy.exists(), ben.said)
    code, history = typed(ben, "history", "ann/docs/a.txt")
    assert (code, history["now"]) == (0, None)
    assert [(one["number"], one["size"], one["why"]) for one in history["versions"]] == [
        (1, 11, "deleted"),
        (2, 3, "replaced"),
    ]
    code, owners = typed(ann, "history", "ann/docs/a.txt")  # nothing of it is in its own trash
    assert (code, owners["versions"]) == (0, [])
    assert [(one["number"], one["size"]) for one in owners["elsewhere"]] == [(1, 11), (2, 3)]
    code, done = typed(ben, "restore", "ann/docs/a.txt@2")
    assert (code, "Restored from ann/docs/a.txt" in done["text"]) == (0, True)
    back = ann.copy_of(ben) / "Restored from ann" / "docs" / "a.txt"
    comes(back, b"one", ann)  # it is shared
    assert not copy.exists()
    assert typed(ben, "restore", "ann/docs/a.txt@3")[0] == 7
    until(lambda: ann.settled() and ben.settled(), ben.said)


def test_a_restore_of_my_own_is_taken_back_by_another(two: tuple[Device, Device]) -> None:
    ann, ben = two
    kept = ben.folder / ".potluck" / "trash" / "day-000000-deleted" / "ben" / "plan.txt"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(b"earlier")
    mine = ben.write("plan.txt", b"mine now")
    copy = ann.copy_of(ben) / "plan.txt"
    comes(copy, b"mine now", ann)
    for data in (b"earlier", b"mine now"):
        assert typed(ben, "restore", "ben/plan.txt@1")[0] == 0
        assert mine.read_bytes() == data
        comes(copy, data, ann)
    assert len(typed(ben, "history", "ben/plan.txt")[1]["versions"]) == 3


def files(folder: Path) -> dict[str, tuple[bytes, int, bool]]:
    """All below a folder: content, time and x bit."""
    found = {}
    for path in folder.rglob("*"):
        if path.is_file():
            stat = path.stat()
            name = str(path.relative_to(folder))
            found[name] = path.read_bytes(), stat.st_mtime_ns, bool(stat.st_mode & 0o100)
    return found


def all_the_same(ann: Device, ben: Device, wanted: dict[str, tuple[bytes, int, bool]]) -> bool:
    """Whether that stands on both disks, and nothing is open."""
    both = files(ann.own) == wanted == files(ben.copy_of(ann))
    return both and ann.settled() and ben.settled()


def test_its_owner_has_back_what_only_the_trash_of_the_other_holds(
    two: tuple[Device, Device], port: int
) -> None:
    ann, ben = two
    for name, data in (("a.txt", b"a"), ("d/b.sh", b"bb"), ("d/big", os.urandom(3_000_000))):
        ann.write(name, data)
    os.chmod(ann.own / "d" / "b.sh", 0o755)
    os.utime(ann.own / "a.txt", ns=(10**18, 10**18))
    before = files(ann.own)
    until(lambda: all_the_same(ann, ben, before), ben.said)
    shutil.rmtree(ann.own / "d")
    (ann.own / "a.txt").unlink()
    until(lambda: all_the_same(ann, ben, {}), ben.said)
    code, done = typed(ann, "restore", "ann/a.txt")
    assert (code, "shared again as before" in done["text"]) == (0, True)
    until(lambda: all_the_same(ann, ben, {"a.txt": before["a.txt"]}), ann.said)
    assert typed(ann, "undo")[0] == 0
    for device in (ann, ben):  # at whatever moment that is
        device.process.kill()
        device.process.wait()
    for device in (ann, ben):
        device.start(port).up()
    until(lambda: all_the_same(ann, ben, before), ann.said, 40)
    assert typed(ann, "undo")[0] == 7
    assert typed(ben, "undo")[0] == 7  # it is not its own to take back
    ann.write("a.txt", b"a again")
    until(lambda: files(ben.copy_of(ann)) == files(ann.own), ben.said)
    assert typed(ann, "restore", "ann/a.txt")[0] == 0
    beside = ann.own / "a (earlier version).txt"
    until(lambda: beside.exists() and beside.read_bytes() == b"a", ann.said)
    assert (ann.own / "a.txt").read_bytes() == b"a again"


def test_what_was_replaced_in_one_go_changes_places_with_what_stands_there(
    two: tuple[Device, Device], port: int
) -> None:
    ann, ben = two
    many = MASS_FILES + 1
    for number in range(many):
        ann.write(f"{number}.txt", b"good %d" % number)
    good = files(ann.own)
    until(lambda: all_the_same(ann, ben, good), ben.said)
    for number in range(many):
        ann.write(f"{number}.txt", b"encrypted %d" % number)
    bad = files(ann.own)
    until(lambda: ben.state()["state"] == "trouble", ben.said)
    assert typed(ben, "confirm", "ann")[0] == 0
    until(lambda: all_the_same(ann, ben, bad), ben.said)
    code, done = typed(ann, "undo")
    assert (code, "in place of 21 files stays until then" in done["text"]) == (0, True)
    ann.process.kill()
    ann.process.wait()
    ann.start(port).up()
    until(lambda: typed(ben, "confirm", "ann")[0] == 0, ben.said)  # it is much at once, too
    until(lambda: all_the_same(ann, ben, good), ann.said, 40)
    aside = ann.folder / "Put aside" / "ann"
    assert sorted(one.read_bytes() for one in aside.iterdir()) == sorted(
        b"encrypted %d" % number for number in range(many)
    )
    assert typed(ann, "undo")[0] == 7


def test_what_nobody_has_is_waited_for_until_it_is_given_up(two: tuple[Device, Device]) -> None:
    ann, ben = two
    stays = ann.write("stays", b"")
    ann.write("a.txt", b"a")
    until(lambda: all_the_same(ann, ben, files(ann.own)), ben.said)
    (ann.own / "a.txt").unlink()
    rest = files(stays.parent)
    until(lambda: all_the_same(ann, ben, rest), ben.said)
    (kept,) = (ben.folder / ".potluck" / "trash").rglob("a.txt")
    kept.chmod(0o644)
    kept.write_bytes(b"A")  # as long, and another content
    assert typed(ann, "restore", "ann/a.txt")[0] == 0
    until(lambda: ann.state()["state"] == "trouble" and ben.state()["state"] == "busy", ben.said)
    assert files(ann.own) == files(ben.copy_of(ann)) == rest
    assert typed(ann, "confirm", "ann/a.txt")[0] == 0
    until(lambda: all_the_same(ann, ben, rest), ann.said)
    assert kept.read_bytes() == b"A"
