"""The demonstration with real devices: equal trees end with 0, one flipped byte with 1, nothing
stays behind.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from potluck.core.limits import MIB
from potluck.faces.cli.main import run_command
from potluck.faces.demo import files


@pytest.fixture(autouse=True)
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "SPARSE_BYTES", 16 * MIB)
    monkeypatch.setattr(files, "RANDOM_BYTES", 2 * MIB)
    monkeypatch.setattr(files, "SMALL_FILES", 30)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.mark.slow
def test_three_devices_end_up_equal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["demo", "--devices", "3"]) == 0
    printed = capsys.readouterr().out
    for part in (
        "Starting 3 devices", "kitchen-pc is up", "sees laptop",
        "One ring of 3 nodes", "0 ", "next",
        "✓ a folder of 30 small files", "✓ a sparse file", "✓ names that are odd", "on 3 of 3",
        "renames", "deletes", "adds a line", "✓ equal", "All 3 trees are equal",
    ):  # fmt: skip
        assert part in printed
    assert os.listdir(tmp_path) == []


@pytest.mark.slow
def test_one_flipped_byte_ends_with_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POTLUCK_DEMO_CORRUPT", "1")
    assert run_command(["demo", "--devices", "2", "--json", "--keep"]) == 1
    data = json.loads(capsys.readouterr().out)["data"]
    assert data["equal"] is False
    assert len({device["digest"] for device in data["devices"]}) == 2
    assert any("another content" in problem for problem in data["problems"])
    assert Path(data["folder"]).parent == tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_leaves_nothing_behind(tmp_path: Path, number: int) -> None:
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "TMPDIR": str(tmp_path),
    }
    words = [sys.executable, "-m", "potluck", "demo", "--devices", "2"]
    # a shell's background ignores Ctrl-C, and so does what is started there, the demo too
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True)
    finally:
        signal.signal(signal.SIGINT, before)
    with process:
        assert process.stdout is not None
        for line in process.stdout:
            if "is up" in line:
                break
        process.send_signal(number)
        process.stdout.read()
        assert process.wait(30) == (143 if number == signal.SIGTERM else 130)
    assert os.listdir(tmp_path) == []
    assert _running_below(tmp_path) == []


def _running_below(folder: Path) -> list[str]:
    """Return the command lines of processes that name `folder`, once those just ended are gone."""
    deadline = time.monotonic() + 30
    while True:
        found = []
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = entry.read_bytes()
            except OSError:
                continue
            if os.fsencode(folder) in words:
                found.append(words.decode(errors="replace"))
        if not found or time.monotonic() > deadline:
            return found
