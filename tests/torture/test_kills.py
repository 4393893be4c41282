"""SIGKILL in two hundred cycles while three people work: nothing is lost (R1).

Strategy: runs of run.py with a seed of their own each time, so that every run tries other moments;
the line that plays it again stands in the failure. The oracles are
tried on what they must find.
"""

from __future__ import annotations

import random
import secrets
import sqlite3
import time
from pathlib import Path

import pytest

from tests.figures import record
from tests.torture.run import Torture
from tests.torture.sampler import Sampler
from tests.torture.survivor import INDEX, Fault, Survivor
from tests.torture.trees import contents, difference, outline
from tests.torture.writer import EMPTY, Writer, digest

RUNS, CYCLES = 4, 50  # each run begins with a new group


@pytest.mark.full
@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.volume
@pytest.mark.parametrize("number", range(RUNS))
def test_nothing_is_lost_by_kills(tmp_path: Path, number: int) -> None:
    seed = secrets.randbits(31)
    tally = Torture(tmp_path, seed, print).run(CYCLES)
    assert tally.cycles == CYCLES
    record("R1", f"run {number + 1}: {tally}; 0 faults, seed {seed}", held=True)


# -- would the oracles notice? ---------------------------------------------------------------------
def test_what_a_writer_holds_to_be_true_is_what_stands_there(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    writer = Writer(own, tmp_path / "staging", "1")
    for _ in range(3_000):
        writer._change()
    assert not difference(writer.files, contents(own))
    folders = {name for name, what in outline(own).items() if what == ("folder",)}
    assert folders == writer.folders
    assert set(writer.files.items()) <= writer.shown
    assert len(writer.files) > 30


def test_the_same_seed_is_the_same_day(tmp_path: Path) -> None:
    days = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        writer = Writer(tmp_path / name, tmp_path / f"staging {name}", "7")
        for _ in range(500):
            writer._change()
        days.append((writer.files, writer.folders))
    assert days[0] == days[1]


@pytest.fixture
def device(tmp_path: Path) -> Survivor:
    return Survivor(tmp_path / "alder", "alder", 1)


@pytest.mark.parametrize("stands", ["half of it", "a name of no owner", "all of it"])
def test_half_a_file_and_a_strange_name_are_found_in_a_copy(
    tmp_path: Path, device: Survivor, stands: str
) -> None:
    writer = Writer(tmp_path / "birch", tmp_path / "staging", "1")
    writer.names.add("file")
    writer.shown |= {("file", EMPTY), ("file", digest(b"whole"))}
    copy = device.folder / "Shared" / "birch"
    copy.mkdir(parents=True)
    (copy / "file").write_bytes(b"who" if stands == "half of it" else b"whole")
    if stands == "a name of no owner":
        (copy / "file.part").touch()
    sampler = Sampler([(device, writer)], tmp_path / "evidence", random.Random(1))
    while not sampler.samples:
        time.sleep(0.01)
    sampler.end()
    assert bool(sampler.found) == (stands != "all of it")


def test_a_damaged_index_is_found(tmp_path: Path, device: Survivor) -> None:
    path = device.home / INDEX
    with sqlite3.connect(path) as index:
        index.execute("CREATE TABLE one (a TEXT, b TEXT)")
        index.execute("CREATE INDEX by_a ON one (a)")
        index.executemany("INSERT INTO one VALUES (?, ?)", [(str(n), "x" * 50) for n in range(999)])
    index.close()
    device.check_index(tmp_path / "copies")
    with path.open("r+b") as file:
        file.seek(3 * 4096 + 200)
        file.write(b"\xff" * 900)
    with pytest.raises((Fault, sqlite3.DatabaseError)):
        device.check_index(tmp_path / "copies")


def test_who_ended_unasked_is_a_fault_and_who_was_to_crash_is_none(device: Survivor) -> None:
    device.program = ("no such module",)
    device.live()
    device.process.wait()
    with pytest.raises(Fault, match="ended by itself"):
        device.check_alive()


def test_a_difference_names_what_is_lost_what_is_too_much_and_what_is_another() -> None:
    said = difference({"a": 1, "b": 2, "c": 3}, {"b": 2, "c": 4, "d": 5})
    assert "1 lost: [('a', 1, None)]" in said
    assert "1 too many: [('d', None, 5)]" in said
    assert "1 different: [('c', 3, 4)]" in said
    assert not difference({"a": 1}, {"a": 1})
