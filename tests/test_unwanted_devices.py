"""Real devices: what is removed of somebody else's folder stays away until `get`, all of it comes
back, and `keep` brings some of what is skipped.

Strategy: two daemons on the loopback network, asked by the command itself. Part of the full tier.
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

from tests.devices import ROOT, until
from tests.hostile.daemons import Daemon, Pair, pair

pytestmark = [pytest.mark.full, pytest.mark.timeout(600)]

FILES = ("films/one", "films/two", "films/three", "docs/a", "docs/b", "c")


@pytest.fixture
def devices(tmp_path: Path) -> Iterator[Pair]:
    with pair(tmp_path) as both:
        yield both


def asked(device: Daemon, *words: str) -> tuple[int, Any, str]:
    """The exit code of a command with --json, its data and what it said beside."""
    line = [sys.executable, "-P", "-m", "potluck", "--home", str(device.home), *words, "--json"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        line, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    return done.returncode, json.loads(done.stdout).get("data"), done.stderr


def share(devices: Pair) -> Path:
    """The first device shares some files; return the folder where the second has them."""
    for name in FILES:
        devices.a.write(name, name.encode())
    copy = devices.b.copy_of(devices.a)
    until(lambda: all((copy / name).exists() for name in FILES), devices.said)
    return copy


def told(device: Daemon, words: str) -> bool:
    return words in device.said()


def test_one_file_stays_away_until_get_and_a_whole_folder_comes_back(devices: Pair) -> None:
    alder, birch = devices.a, devices.b
    copy = share(devices)
    until(lambda: asked(alder, "wait", "--delivered", "--timeout", "5")[0] == 0, devices.said)
    (copy / "films/one").unlink()
    until(lambda: told(birch, "alder/films/one was removed here, and is not"), devices.said)
    assert told(birch, "get alder/films/one")
    assert not (copy / "films/one").exists()
    # it is said on both sides, and never said to be delivered
    until(lambda: asked(birch, "why", "alder/films/one")[1]["reasons"] != [], devices.said)
    _, said, _ = asked(birch, "why", "alder/films/one")
    assert [one["kind"] for one in said["reasons"]] == ["skipped"]
    assert "it was removed here" in said["reasons"][0]["text"]
    assert asked(birch, "info", "alder/films/one")[1]["removed"]
    assert asked(birch, "wait", "--synced", "--timeout", "10")[0] == 0
    until(lambda: asked(alder, "info", "alder/films/one")[1]["on"] == 1, devices.said)
    assert asked(alder, "wait", "--delivered", "--timeout", "2")[0] == 6
    # another version, and another life, change nothing
    alder.write("films/one", b"another version")
    alder.write("c", b"came later")
    until(lambda: (copy / "c").read_bytes() == b"came later", devices.said)
    birch.again()
    until(lambda: asked(birch, "wait", "--synced", "--timeout", "10")[0] == 0, devices.said)
    assert not (copy / "films/one").exists()
    # a person wants it after all
    assert asked(birch, "get", "alder/films")[0] == 0
    until((copy / "films/one").exists, devices.said)
    assert (copy / "films/one").read_bytes() == b"another version"
    until(lambda: asked(alder, "wait", "--delivered", "--timeout", "5")[0] == 0, devices.said)
    # all of it is no matter of single files
    shutil.rmtree(copy)
    until(lambda: all((copy / name).exists() for name in FILES), devices.said)
    assert told(birch, "to keep files away, type before")


def test_what_is_kept_comes_though_the_rest_is_skipped(devices: Pair) -> None:
    alder, birch = devices.a, devices.b
    assert asked(birch, "skip", "alder/*")[0] == 0
    assert asked(birch, "keep", "alder/docs")[0] == 0
    for name in FILES:
        alder.write(name, name.encode())
    copy = birch.copy_of(alder)
    until(lambda: (copy / "docs/b").exists() and (copy / "docs/a").exists(), devices.said)
    until(lambda: asked(birch, "wait", "--synced", "--timeout", "10")[0] == 0, devices.said)
    assert sorted(one.name for one in copy.iterdir()) == ["docs"]
    assert asked(alder, "wait", "--delivered", "--timeout", "2")[0] == 6
    assert asked(birch, "get", "alder/*")[0] == 0
    until(lambda: all((copy / name).exists() for name in FILES), devices.said)
