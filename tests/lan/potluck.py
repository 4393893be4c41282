"""A real potluck on one host of the LAN, and what can be seen of it from outside.

Strategy: the daemon is started by its command line, as a person would, in the namespace of its
host, with a home and a folder of its own. State is read through its local API, a Unix socket, which
does not care about namespaces: so a look costs milliseconds and timings measure potluck, not the
start of a second Python.

Guarantees: what a daemon said is in `log`, and is shown when a wait fails; two trees are equal only
if names, kinds, sizes, x bits, times and every byte of content are.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from potluck.core import limits
from potluck.faces.cli.client import client_of
from tests.devices import newest_state
from tests.fair_time import FairTime
from tests.lan.hosts import Hosts, wait_until

if TYPE_CHECKING:
    from _pytest.mark.structures import ParameterSet

ROOT = Path(__file__).resolve().parents[2]
START_S = 15.0  # not promised: Python starts on two cores that others use as well
BLOCK_BYTES = limits.MIB
REPORT_CHARACTERS = 2000  # of the log of each, where a test fails
KEPT = ("PATH", "LANG", "TMPDIR", "POTLUCK_CRASHPOINT")  # of the environment of the tests

Outline = dict[str, tuple[str, int, bool, int]]


class Potluck:
    """One device: its host, its home, its folder."""

    program: tuple[str, ...] = ("potluck",)  # the module, and what it is to know first

    def __init__(self, hosts: Hosts, i: int, base: Path, label: str) -> None:
        self.hosts = hosts
        self.i = i
        self.label = label
        self.home = base / label
        self.folder = self.home / "Folder"
        self.shared = self.folder / "Shared"
        self.own = self.shared / label
        self.log = self.home / "log"
        self.process: subprocess.Popen[bytes] | None = None
        self.home.mkdir(parents=True, exist_ok=True)

    # -- life --------------------------------------------------------------------------------------
    def start(self, *flags: str, open_door: bool = True, ready: bool = True) -> Potluck:
        """Start it and wait until it listens; `open_door=False` leaves out --open=always."""
        door = ["--open=always"] if open_door else []
        up = ["up", self.folder, *door, "--headless", "--name", self.label, *flags]
        with self.log.open("ab") as log:
            self.process = self.hosts.popen(
                self.i,
                self._command(*up),
                stdout=log,
                stderr=log,
                env=self._environment(),
                cwd=ROOT,
            )
        if ready:
            self.wait_ready()
        return self

    def wait_ready(self) -> None:
        """Wait until it listens for TCP: from then on it can be found, and the promises count."""
        self.wait(self.listens, START_S)

    def listens(self) -> bool:
        """Whether its process has a listening TCP socket in the namespace of its host."""
        assert self.process is not None
        if self.process.poll() is not None:
            raise AssertionError(
                f"{self.label} ended with {self.process.returncode}\n{self.said()}"
            )
        if not self.hosts.inside(self.i, self.process.pid):
            return False
        for table in ("tcp", "tcp6"):
            try:
                lines = Path(f"/proc/{self.process.pid}/net/{table}").read_text().splitlines()[1:]
            except OSError:
                continue
            if any(line.split()[3] == "0A" for line in lines):
                return True
        return False

    def stop(self, number: int | None = None, timeout_s: float = 120.0) -> float:
        """Leave gracefully, by `down` or by a signal; returns in how many seconds it was gone."""
        assert self.process is not None
        with FairTime() as took:
            if number is None:
                done = self.run("down", timeout_s=timeout_s)
                assert done.returncode == 0, f"{done.stdout}{done.stderr}\n{self.said()}"
            else:
                os.kill(self.process.pid, number)
            try:
                self.process.wait(timeout_s)
            except subprocess.TimeoutExpired as error:
                raise AssertionError(f"{self.label} does not end\n{self.said()}") from error
        return took.spent()

    def ended(self) -> bool:
        """Whether its process is over."""
        assert self.process is not None
        return self.process.poll() is not None

    def kill9(self) -> None:
        """Crash it."""
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()

    # -- looking -----------------------------------------------------------------------------------
    def run(self, *words: object, timeout_s: float = 120.0) -> subprocess.CompletedProcess[str]:
        """Type a command on its host."""
        return self.hosts.run(
            self.i, self._command(*words), timeout_s, env=self._environment(), cwd=str(ROOT)
        )

    def api(self, *words: str) -> Any:
        """Type a command with --json; returns its data, fails with what it said."""
        done = self.run(*words, "--json")
        assert done.returncode == 0, (
            f"{words} ended with {done.returncode}: {done.stdout}{done.stderr}"
        )
        answer = json.loads(done.stdout)
        assert answer["schema"] == 1
        assert answer["ok"] is True
        return answer["data"]

    def status(self) -> dict[str, Any]:
        """Its state of now, {} while nothing answers; who stands still is asked again."""
        return newest_state(client_of(str(self.home)))

    def node(self) -> dict[str, Any]:
        """Its place in the ring, {} if it has none."""
        return self.status().get("node") or {}

    def device(self, label: str) -> dict[str, Any]:
        """What it knows of another device, {} if nothing."""
        return next((one for one in self.status().get("devices", ()) if one["label"] == label), {})

    def settled(self) -> bool:
        """Whether it says that all is here and nothing moves."""
        state = self.status()
        return bool(state) and state["state"] == "in_sync" and not state["transfers"]

    def said(self) -> str:
        """All that it printed."""
        return self.log.read_text("utf-8", "replace") if self.log.exists() else ""

    def state(self) -> str:
        """What it says of itself in one line, for the report of a failure."""
        return f"--- {self.label}: {json.dumps(self.status())}"

    def wait(self, condition: Callable[[], object], timeout_s: float) -> float:
        """Wait until something is true of it; returns how long it took, fails with what it said."""
        return wait_for(condition, timeout_s, [self])

    # -- its folder --------------------------------------------------------------------------------
    def outline(self) -> Outline:
        """What stands in Shared/: path -> kind, size, x bit, mtime in ns (0 for folders, whose
        times are local).
        """
        found: Outline = {}
        for path in _walk(self.shared):
            try:
                info = path.lstat()
            except FileNotFoundError:  # renamed while we looked: the next look will see it
                continue
            kind = stat.S_IFMT(info.st_mode)
            name = os.fsencode(path.relative_to(self.shared)).decode("utf-8", "backslashreplace")
            if kind == stat.S_IFDIR:
                found[name] = ("folder", 0, False, 0)
            else:
                named = "file" if kind == stat.S_IFREG else "other"
                found[name] = (
                    named,
                    info.st_size,
                    bool(info.st_mode & stat.S_IXUSR),
                    info.st_mtime_ns,
                )
        return found

    def tree_hash(self) -> str:
        """One hash over everything below Shared/: outline and every byte."""
        whole = hashlib.blake2b()
        for name, facts in sorted(self.outline().items()):
            content = content_hash(self.shared / name) if facts[0] == "file" else ""
            whole.update(repr((name, facts, content)).encode())
        return whole.hexdigest()

    def part_files(self) -> list[Path]:
        """Files below Shared/ that look like something unfinished; there must never be any."""
        suspicious = (".part", ".partial", ".tmp", "~")
        return [path for path in _walk(self.shared) if path.name.endswith(suspicious)]

    # -- how it is called --------------------------------------------------------------------------
    def _command(self, *words: object) -> list[str]:
        return [sys.executable, "-m", *self.program, "--home", str(self.home), *map(str, words)]

    def _environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        paths = {"HOME": str(self.home), "PYTHONPATH": str(ROOT / "src"), "PYTHONUNBUFFERED": "1"}
        return {**kept, **paths}


def full(*values: object) -> ParameterSet:
    """One case that only the full tier plays; the default tier has another of its kind."""
    return pytest.param(*values, marks=pytest.mark.full)


def wait_for(condition: Callable[[], object], timeout_s: float, nodes: Iterable[Potluck]) -> float:
    """Wait until something is true; if it does not become true, fail with what all these nodes
    printed, and then with their states: those are long, and a report may be cut.
    """
    try:
        return wait_until(condition, timeout_s)
    except TimeoutError as error:
        nodes = list(nodes)
        logs = [f"--- {node.label} printed:\n…{node.said()[-REPORT_CHARACTERS:]}" for node in nodes]
        report = [*logs, *(node.state() for node in nodes)]
        raise AssertionError("\n".join([str(error), *report])) from error


def stays(condition: Callable[[], object], seconds: float) -> bool:
    """Whether something is true all the time; the only way to see that nothing happens is to look
    for a while. On a busy machine that is longer, but at most four times as long: then less is
    proven, and nothing fails.
    """
    end_s = time.monotonic() + 4 * seconds
    with FairTime() as clock:
        while clock.spent() < seconds and time.monotonic() < end_s:
            if not condition():
                return False
            time.sleep(0.1)
    return True


def one_ring(nodes: Sequence[Potluck]) -> bool:
    """Whether these nodes, and no others, see one and the same circle, both ways round."""
    states = [node.status() for node in nodes]
    if not all(state and state.get("group") and state.get("node") for state in states):
        return False
    places = {state["node"]["number"]: state for state in states}
    n = len(nodes)
    return (
        len({state["group"]["id"] for state in states}) == 1
        and len({json.dumps(state["node"].get("digest")) for state in states}) == 1
        and sorted(places) == list(range(n))
        and all(state["node"]["of"] == n for state in states)
        and all(places[k]["node"]["next"] == _label(places[(k + 1) % n]) for k in range(n))
        and all(places[k]["node"]["last"] == _label(places[(k - 1) % n]) for k in range(n))
    )


def same_outline(nodes: Sequence[Potluck]) -> bool:
    """Whether all nodes hold the same names with the same sizes, bits and times; cheap enough to be
    polled.
    """
    first, *others = (node.outline() for node in nodes)
    return bool(first) and all(other == first for other in others)


def wait_same(nodes: Sequence[Potluck], timeout_s: float) -> float:
    """Wait until all outlines agree, then compare every byte once; returns how long the waiting
    took.
    """
    spent = wait_for(lambda: same_outline(nodes), timeout_s, nodes)
    hashes = {node.label: node.tree_hash() for node in nodes}
    assert len(set(hashes.values())) == 1, hashes
    return spent


def wait_ring(nodes: Sequence[Potluck], timeout_s: float) -> float:
    """Wait until these nodes are one ring."""
    return wait_for(lambda: one_ring(nodes), timeout_s, nodes)


def content_hash(path: Path) -> str:
    """A hash of a file's bytes that skips zeros, so that holes and written zeros are the same
    content.
    """
    digest = hashlib.blake2b()
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        at = 0
        while at < size:
            try:
                at = os.lseek(file.fileno(), at, os.SEEK_DATA)
            except OSError:  # ENXIO: nothing but a hole up to the end
                break
            at -= at % BLOCK_BYTES
            block = os.pread(file.fileno(), BLOCK_BYTES, at)
            stripped = block.rstrip(b"\0")
            if stripped:
                digest.update(at.to_bytes(8, "big") + len(stripped).to_bytes(8, "big") + stripped)
            at += BLOCK_BYTES
    return digest.hexdigest()


def write(path: Path, data: bytes) -> Path:
    """Write a file the way most programs do: create, write, close."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def write_random(path: Path, size_bytes: int) -> Path:
    """Write a file that cannot be compressed and has no piece twice."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        left = size_bytes
        while left:
            left -= file.write(os.urandom(min(left, 8 * limits.MIB)))
    return path


def _label(state: dict[str, Any]) -> str:
    label: str = state["device"]["label"]
    return label


def _walk(folder: Path) -> list[Path]:
    """Everything below a folder; what vanishes while we look is left out."""
    found = []
    for top, folders, files in os.walk(folder):
        found += [Path(top, name) for name in (*folders, *files)]
    return found
