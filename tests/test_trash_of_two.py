"""Two devices: what one replaces and deletes, the other one shows and has back.

Strategy: real processes, and the commands as a person types them. Limits: what wrong clocks do is
in test_assembly.py and shells/disk/test_trash.py.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.devices import ROOT, Device, free_port, one_ring, until

pytestmark = pytest.mark.full


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[Device, Device]]:
    port = free_port()
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
    assert typed(ann, "history", "ann/docs/a.txt")[0] == 7  # nothing of it is in its own trash
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
