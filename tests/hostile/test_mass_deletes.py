"""A folder that is wiped while its potluck is off: nobody else deletes anything before a person
says so, and it comes back by one word.

Strategy: two real daemons; the first is ended, its own folder is emptied, and it starts again. Who
did that is nobody's business. That it goes everywhere without the breaker is shown of its module
(tests/engine/own/test_owners_breaker.py).
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests import mass_losses
from tests.devices import ROOT, until
from tests.hostile.daemons import Daemon, Pair, pair

pytestmark = pytest.mark.full
FILES = 60
LARGE_BYTES = 3 * 1024 * 1024
HELD_S = 90.0  # a scan, a second look ten seconds later, and a slow machine


def files(top: Path) -> dict[str, bytes]:
    """Every file below a folder; what goes meanwhile is not there."""
    found = dict[str, bytes]()
    for at, _, names in os.walk(top):
        for path in (Path(at) / name for name in names):
            with suppress(FileNotFoundError):
                found[str(path.relative_to(top))] = path.read_bytes()
    return found


def stats(top: Path) -> dict[str, tuple[int, int]]:
    """The time and the mode of every file below a folder."""
    found = dict[str, tuple[int, int]]()
    for name in files(top):
        seen = (top / name).stat()
        found[name] = seen.st_mtime_ns, seen.st_mode
    return found


def typed(device: Daemon, *typed_words: str) -> int:
    """Type a command there; how that ended."""
    words = [sys.executable, "-P", "-m", "potluck", "--home", str(device.home), *typed_words]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT / "src")}
    return subprocess.run(words, env=environment, cwd=ROOT, timeout=60, check=False).returncode


def held(device: Daemon, kind: str = "held") -> list[str]:
    """What `status` says of deletes that are held."""
    return [each["reason"] for each in device.state()["troubles"] if each["kind"] == kind]


def filled(two: Pair) -> tuple[Path, Path, dict[str, bytes]]:
    """The own folder of the first, its copy at the second, and all that is in both."""
    own, copy = two.a.folder / "Shared" / two.a.label, two.b.copy_of(two.a)
    (own / "folder").mkdir()
    for number in range(FILES):
        (own / "folder" / f"{number}").write_bytes(os.urandom(100 + number))
        two.a.write(f"{number}", os.urandom(200 + number))
    before = files(own)
    until(lambda: files(copy) == before, two.said)
    return own, copy, before


def wipe(two: Pair, own: Path) -> None:
    """End the first, empty its folder, and start it again."""
    two.a.process.terminate()
    two.a.ended()
    for path in own.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    two.a.again()


def test_what_was_wiped_while_off_is_kept_by_the_others_until_a_person_confirms(
    tmp_path: Path,
) -> None:
    with pair(tmp_path) as two:
        own, copy, before = filled(two)
        wipe(two, own)
        until(lambda: bool(held(two.a)), two.said, HELD_S)
        (reason,) = held(two.a)
        assert f"{2 * FILES} files and 1 folder" in reason
        assert not two.a.state()["synced"]
        two.a.write("new", b"new")
        until(lambda: files(copy) == before | {"new": b"new"}, two.said)
        (own / "new").unlink()
        until(lambda: files(copy) == before, two.said)
        two.a.again()
        until(lambda: bool(held(two.a)), two.said, HELD_S)
        (own / "0").write_bytes(before["0"])
        until(lambda: two.a.state()["files"] == 2 * FILES and len(held(two.a)) == 1, two.said)
        until(lambda: f"{2 * FILES - 1} files" in held(two.a)[0], two.said)
        assert files(copy) == before
        mass_losses.kept("rm −rf", files=len(files(copy)), of=len(before))
        assert typed(two.a, "confirm") == 0
        until(lambda: bool(held(two.b, "kept")), two.said)  # its own breaker asks there, too
        assert files(copy) == before
        assert typed(two.b, "confirm", two.a.label) == 0
        until(lambda: files(copy) == {"0": before["0"]}, two.said)
        until(lambda: two.a.state()["synced"] and not held(two.a), two.said)
        trash = files(two.b.folder / ".potluck" / "trash")
        assert set(before.values()) - {before["0"]} <= set(trash.values())
        assert typed(two.a, "confirm") == 7


def test_what_was_wiped_while_off_comes_back_from_the_others_by_repair(tmp_path: Path) -> None:
    with pair(tmp_path) as two:
        own, copy = filled(two)[:2]
        (own / "folder" / "run").write_bytes(b"#!/bin/sh\n")
        (own / "folder" / "run").chmod(0o755)
        (own / "empty").write_bytes(b"")
        before = files(own)
        until(lambda: files(copy) == before, two.said)
        until(lambda: two.b.state()["synced"], two.said)
        stood, replicas = stats(own), stats(copy)
        wipe(two, own)
        until(lambda: bool(held(two.a)), two.said, HELD_S)
        assert "repair" in held(two.a)[0]
        assert "confirm" in held(two.a)[0]
        (own / "3").write_bytes(b"what a person put there")
        assert typed(two.a, "repair") == 0
        until(lambda: set(files(own)) == set(before), two.said, HELD_S)
        until(lambda: not held(two.a), two.said, HELD_S)
        mine = before | {"3": b"what a person put there"}
        assert files(own) == mine
        rest = set(before) - {"3"}
        assert {name: stats(own)[name] for name in rest} == {name: stood[name] for name in rest}
        until(lambda: files(copy) == mine, two.said)
        until(lambda: two.a.state()["synced"] and two.b.state()["synced"], two.said, HELD_S)
        assert {name: stats(copy)[name] for name in rest} == {name: replicas[name] for name in rest}
        assert typed(two.a, "repair") == 7
        two.a.write("folder/run", b"edited")
        until(lambda: files(copy)["folder/run"] == b"edited", two.said)
        trash = files(two.b.folder / ".potluck" / "trash")
        assert set(trash.values()) == {before["3"], before["folder/run"]}, "nothing else went there"


def test_a_repair_that_is_killed_goes_on_with_the_next_start(tmp_path: Path) -> None:
    with pair(tmp_path) as two:
        own, copy, _ = filled(two)
        for number in range(8):
            two.a.write(f"large {number}", os.urandom(LARGE_BYTES))
        before = files(own)
        until(lambda: files(copy) == before, two.said)
        stood = stats(own)
        wipe(two, own)
        until(lambda: bool(held(two.a)), two.said, HELD_S)
        os.kill(two.b.process.pid, signal.SIGSTOP)  # it must not be over before it is watched
        try:
            assert typed(two.a, "repair") == 0
        finally:
            os.kill(two.b.process.pid, signal.SIGCONT)
        parts = two.a.folder / ".potluck" / "tmp"
        until(lambda: any(parts.iterdir()) or any(own.iterdir()), two.said)
        two.a.process.kill()
        two.a.ended()
        two.a.start(two.a.discovery_port, "--port", str(two.a.port))
        two.a.up()
        until(lambda: files(own) == before, two.said, HELD_S)
        until(lambda: not held(two.a), two.said, HELD_S)
        assert stats(own) == stood
        until(lambda: two.a.state()["synced"] and two.b.state()["synced"], two.said, HELD_S)
        assert files(copy) == before
        assert files(two.b.folder / ".potluck" / "trash") == {}
