"""`why` and `info` of real devices: a file while its holder is off, with something in the way, and
when it has come.

Strategy: two daemons on the loopback network, asked by the command itself. Part of the full tier.
"""

from __future__ import annotations

import json
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
from tests.hostile.daemons import Daemon, Pair, pair

pytestmark = [pytest.mark.full, pytest.mark.timeout(600)]


@pytest.fixture
def devices(tmp_path: Path) -> Iterator[Pair]:
    with pair(tmp_path) as both:
        yield both


def asked(device: Daemon, *words: str, at: Path | None = None) -> tuple[int, Any]:
    """The exit code of a command with --json, and its data."""
    line = [sys.executable, "-P", "-m", "potluck", "--home", str(device.home), *words, "--json"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        line,
        env=environment,
        cwd=at or ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, json.loads(done.stdout).get("data")


def kinds(device: Daemon, path: str) -> set[str]:
    _, said = asked(device, "why", path)
    return {one["kind"] for one in said["reasons"]} if said else set()


def comes(device: Daemon, path: str) -> bool:
    """Whether it says that a path is being fetched; asked without a program that starts."""
    with suppress(PotluckError):
        said = device.client.get(f"/api/v1/why?path={path}")
        return any(one["kind"] == "downloading" for one in said["reasons"])
    return False


def test_a_file_says_why_it_is_not_here_until_it_is(devices: Pair) -> None:
    alder, birch = devices.a, devices.b
    # something in the way: a folder with somebody's file, where a file is to stand
    blocked = birch.copy_of(alder) / "blocked"
    until(lambda: birch.copy_of(alder).is_dir(), devices.said)
    blocked.mkdir(parents=True)
    (blocked / "mine").write_bytes(b"of birch")
    alder.write("blocked", b"of alder")
    until(lambda: "in_the_way" in kinds(birch, "alder/blocked"), devices.said)
    code, said = asked(birch, "why", str(blocked))
    assert (code, said["path"], said["in_sync"]) == (11, "alder/blocked", False)
    (reason,) = [one for one in said["reasons"] if one["kind"] == "in_the_way"]
    assert reason["next_s"] <= 60.0
    assert str(blocked) in reason["command"]
    (blocked / "mine").unlink()
    blocked.rmdir()
    until(lambda: asked(birch, "why", "alder/blocked")[0] == 0, devices.said)
    # after delivery
    until(lambda: asked(alder, "info", "alder/blocked")[1]["on"] == 2, devices.said)
    _, told = asked(alder, "info", "blocked", at=alder.own)
    assert (told["path"], told["safe"], told["here"]) == ("alder/blocked", True, True)
    # its holder goes in the middle of a large one
    alder.write("large", os.urandom(400_000_000))
    until(lambda: comes(birch, "alder/large"), devices.said)
    alder.process.kill()
    alder.process.wait()
    until(lambda: kinds(birch, "alder/large") & {"owner_away"}, devices.said)
    code, said = asked(birch, "why", "alder/large")
    assert code == 10
    assert said["reasons"][0]["text"].startswith("alder is away")
    _, told = asked(birch, "info", "alder/blocked")
    assert (told["safe"], told["on"], told["copies"][0]["known"]) == (False, 1, "away")
    # what goes before anybody had it is told
    birch.write("unseen", b"nobody had it")
    until(lambda: asked(birch, "why", "birch/unseen")[0] == 0, devices.said)
    (birch.own / "unseen").unlink()
    until(lambda: "birch/unseen was removed here before" in birch.said(), devices.said)
    assert asked(birch, "why", "birch/never")[0] == 7
