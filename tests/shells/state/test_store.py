"""The store thread: MadeDurable means the disk has it; after a failure nothing is promised.

Strategy: fsync is replaced by a gate where order matters. Durability itself is tried on a real
process that is killed -9 right after its
MadeDurable.
"""

from __future__ import annotations

import errno
import os
import queue
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from potluck.core.content.facts import Hindrance
from potluck.core.errors import DiskTrouble
from potluck.engine.effects import MakeDurable
from potluck.engine.events import LogMoved, LogStuck, MadeDurable, NotDurable
from potluck.engine.index import Index, database
from potluck.shells.loop.inbox import Inbox, Posted
from potluck.shells.state import store as store_module
from potluck.shells.state.store import Store

WAIT_S = 20.0
SOURCE = Path(store_module.__file__).resolve().parents[3]


class Told(Inbox):
    """What a store posted, waited for with a deadline."""

    def __init__(self) -> None:
        self.facts: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def post(self, item: Posted) -> None:
        self.facts.put(item)

    def next(self) -> Any:
        return self.facts.get(timeout=WAIT_S)


@pytest.fixture
def told():
    return Told()


@pytest.fixture
def index(tmp_path):
    made = Index.open(str(tmp_path / "potluck.sqlite"))
    yield made
    made.close()


def write(index: Index, key: str, size_bytes: int = 1) -> None:
    index.begin()
    index.meta.set(key, bytes(size_bytes))
    index.commit()


def make(tmp_path, told, flush=os.fsync) -> Store:
    return Store(str(tmp_path / "potluck.sqlite"), told, flush)


@pytest.mark.usefixtures("index")
@pytest.mark.parametrize(
    ("number", "why"),
    [
        (errno.EMFILE, str(Hindrance.DESCRIPTORS)),
        (errno.ENFILE, str(Hindrance.DESCRIPTORS)),
        (errno.EACCES, str(Hindrance.DENIED)),
        (errno.ENOENT, "No such file or directory"),
        (errno.ESTALE, os.strerror(errno.ESTALE)),
    ],
)
def test_what_cannot_be_opened_is_no_failed_flush_and_ends_by_itself(
    tmp_path, told, monkeypatch, number, why
) -> None:
    real, tries = os.open, iter([True, True])

    def opened(path, flags, *others, **named):
        if str(path).endswith("-wal") and next(tries, False):
            raise OSError(number, os.strerror(number))
        return real(path, flags, *others, **named)

    monkeypatch.setattr(store_module, "OPEN_AGAIN_S", 0.01)
    monkeypatch.setattr(os, "open", opened)
    store = make(tmp_path, told)
    store.submit(MakeDurable(3))
    log = str(tmp_path / "potluck.sqlite-wal")
    tried_again = NotDurable(why, log, 0.01)
    assert [told.next(), told.next()] == [tried_again, tried_again], "each try is told"
    assert told.next() == MadeDurable(3)
    store.submit(MakeDurable(4))
    assert told.next() == MadeDurable(4)
    store.close()


@pytest.mark.usefixtures("index")
def test_durable_is_said_after_the_log_was_flushed(tmp_path, told) -> None:
    flushed: list[int] = []
    store = make(tmp_path, told, lambda descriptor: flushed.append(os.fstat(descriptor).st_ino))
    store.submit(MakeDurable(7))
    assert told.next() == MadeDurable(7)
    store.close()
    assert flushed == [os.stat(path).st_ino for path in (tmp_path, tmp_path / "potluck.sqlite-wal")]


@pytest.mark.usefixtures("index")
def test_barriers_that_wait_share_one_flush(tmp_path, told) -> None:
    busy, free, flushes = threading.Event(), threading.Event(), []

    def flush(_descriptor: int) -> None:
        flushes.append(1)
        busy.set()
        assert free.wait(WAIT_S)

    store = make(tmp_path, told, flush)
    store.submit(MakeDurable(1))
    assert busy.wait(WAIT_S)
    for barrier in (2, 3, 4):
        store.submit(MakeDurable(barrier))
    assert told.facts.empty()
    free.set()
    assert [told.next() for _ in range(4)] == [
        MadeDurable(1),
        MadeDurable(2),
        MadeDurable(3),
        MadeDurable(4),
    ]
    store.close()
    assert len(flushes) == 3  # the folder once, the log for 1, the log for 2 to 4


@pytest.mark.usefixtures("index")
def test_after_a_failed_flush_nothing_is_promised_any_more(tmp_path, told) -> None:
    fails = iter([None, OSError(errno.EIO, "Input/output error")])  # the folder, the log

    def flush(_descriptor: int) -> None:
        error = next(fails, None)
        if error is not None:
            raise error

    store = make(tmp_path, told, flush)
    store.submit(MakeDurable(1))
    log = str(tmp_path / "potluck.sqlite-wal")
    assert told.next() == NotDurable(str(Hindrance.IO), log, None), "and it is never tried again"
    store.submit(MakeDurable(2))
    store.close()
    assert told.facts.empty()


def test_a_folder_that_cannot_be_flushed_is_named(tmp_path, told) -> None:
    def flush(_descriptor: int) -> None:
        raise OSError(errno.ESTALE, "Stale file handle")

    store = make(tmp_path, told, flush)
    store.submit(MakeDurable(1))
    assert told.next() == NotDurable("Stale file handle", str(tmp_path), None)
    store.close()


def test_a_log_that_is_not_there_is_told_and_close_waits_for_no_other_try(tmp_path, told) -> None:
    store = make(tmp_path, told)
    store.submit(MakeDurable(1))
    store.close()
    log = str(tmp_path / "potluck.sqlite-wal")
    again_s = store_module.OPEN_AGAIN_S
    assert told.facts.get_nowait() == NotDurable("No such file or directory", log, again_s)


@pytest.mark.usefixtures("index")
def test_a_home_out_of_reach_for_a_while_holds_back_what_waits_and_no_more(
    tmp_path, told, monkeypatch
) -> None:
    real_stat, real_open, away, looked = os.stat, os.open, threading.Event(), threading.Event()

    def denied(path) -> None:
        if away.is_set() and str(path).startswith(str(tmp_path)):
            looked.set()
            raise PermissionError(errno.EACCES, "Permission denied")

    def stat(path, *others, **named):
        denied(path)
        return real_stat(path, *others, **named)

    def opened(path, *others, **named):
        denied(path)
        return real_open(path, *others, **named)

    monkeypatch.setattr(store_module, "LOG_LOOK_S", 0.01)
    monkeypatch.setattr(store_module, "OPEN_AGAIN_S", 0.01)
    monkeypatch.setattr(os, "stat", stat)
    monkeypatch.setattr(os, "open", opened)
    store = make(tmp_path, told)
    away.set()
    assert looked.wait(WAIT_S)
    store.submit(MakeDurable(1))
    assert told.next() == NotDurable(str(Hindrance.DENIED), str(tmp_path), 0.01)
    away.clear()
    said = told.next()
    while isinstance(said, NotDurable):
        said = told.next()
    assert said == MadeDurable(1)
    store.close()


@pytest.mark.usefixtures("index")
def test_what_nobody_expected_is_told_once_and_the_thread_goes_on(tmp_path, told) -> None:
    def flush(_descriptor: int) -> None:
        raise ZeroDivisionError("what no disk says")

    store = make(tmp_path, told, flush)
    store.submit(MakeDurable(1))
    why, path = "ZeroDivisionError: what no disk says", str(tmp_path / "potluck.sqlite")
    assert told.next() == NotDurable(why, path, None)
    store.submit(MakeDurable(2))
    store.close()
    assert told.facts.empty()


def test_close_carries_out_what_was_submitted(tmp_path, told, index) -> None:
    write(index, "a")
    store = make(tmp_path, told)
    store.submit(MakeDurable(1))
    store.close()
    assert told.facts.get_nowait() == MadeDurable(1)


@pytest.mark.usefixtures("index")
def test_close_does_not_wait_for_ever(tmp_path, told, monkeypatch) -> None:
    monkeypatch.setattr(store_module, "CLOSE_S", 0.01)
    free = threading.Event()

    def flush(_descriptor: int) -> None:
        assert free.wait(WAIT_S)

    store = make(tmp_path, told, flush)
    store.submit(MakeDurable(1))
    with pytest.raises(DiskTrouble, match="not on the disk"):
        store.close()
    free.set()
    assert told.next() == MadeDurable(1)


def test_a_grown_log_is_moved_into_the_file(tmp_path, told, index, monkeypatch) -> None:
    monkeypatch.setattr(store_module, "LOG_SOFT_BYTES", 1 << 16)
    store = make(tmp_path, told)
    write(index, "a", 1 << 20)
    assert (tmp_path / "potluck.sqlite").stat().st_size < 1 << 20
    store.submit(MakeDurable(1))
    store.close()
    assert (tmp_path / "potluck.sqlite").stat().st_size > 1 << 20
    assert (tmp_path / "potluck.sqlite-wal").stat().st_size > 1 << 20


def test_a_log_that_never_shrinks_is_emptied(tmp_path, told, index, monkeypatch) -> None:
    monkeypatch.setattr(store_module, "LOG_SOFT_BYTES", 1 << 16)
    monkeypatch.setattr(store_module, "LOG_HARD_BYTES", 1 << 17)
    monkeypatch.setattr(store_module, "LOG_LOOK_S", 0.01)
    write(index, "a", 1 << 20)
    store = make(tmp_path, told)  # without any MakeDurable: the size is looked at all the same
    log = tmp_path / "potluck.sqlite-wal"
    deadline = threading.Event()
    tries = 0
    while log.stat().st_size and tries < 2000:
        deadline.wait(0.01)
        tries += 1
    assert log.stat().st_size == 0
    store.close()
    write(index, "b")
    assert index.meta.get("a") == bytes(1 << 20)


def test_a_checkpoint_that_fails_is_told_and_promises_go_on(tmp_path, told, monkeypatch) -> None:
    monkeypatch.setattr(store_module, "LOG_SOFT_BYTES", 1)
    (tmp_path / "potluck.sqlite").write_bytes(b"no database" * 1000)
    (tmp_path / "potluck.sqlite-wal").write_bytes(b"no log")
    store = make(tmp_path, told)
    store.submit(MakeDurable(1))
    assert told.next() == MadeDurable(1)
    stuck = told.next()
    (tmp_path / "potluck.sqlite-wal").touch()  # SQLite took the other one for nothing
    assert str(tmp_path / "potluck.sqlite") in stuck.reason
    assert stuck == LogStuck(stuck.reason, stuck.command, store_module.LOG_LOOK_S)
    assert stuck.command
    store.submit(MakeDurable(2))
    store.close()
    assert told.facts.get_nowait() == MadeDurable(2)
    assert told.facts.empty(), "it is not tried again at once"


def test_a_checkpoint_that_goes_after_all_is_told(tmp_path, told, index, monkeypatch) -> None:
    monkeypatch.setattr(store_module, "LOG_SOFT_BYTES", 1)
    monkeypatch.setattr(store_module, "LOG_LOOK_S", 0.01)
    real, fails = database.move_log, iter([True, True])

    def moved(path, *, wholly):
        if next(fails, False):
            raise DiskTrouble("the index does not work", "", "start potluck again")
        real(path, wholly=wholly)

    monkeypatch.setattr(database, "move_log", moved)
    write(index, "a")
    store = make(tmp_path, told)
    stuck = LogStuck("the index does not work", "start potluck again", 0.01)
    assert [told.next() for _ in range(3)] == [stuck, stuck, LogMoved()]
    store.close()
    assert told.facts.empty()


VICTIM = """
import sys
from potluck.engine.effects import MakeDurable
from potluck.engine.index import Index, database
from potluck.shells.state.store import Store

class Says:
    def post(self, made_durable):
        print(made_durable.barrier, flush=True)  # anything else has none, and ends this

index = Index.open(sys.argv[1])
store = Store(sys.argv[1], Says())
for number in range(1, 1_000_000):
    index.begin()
    index.meta.set("number", str(number).encode())
    index.meta.set("same", str(number).encode())
    index.commit()
    store.submit(MakeDurable(number))
"""


def test_what_was_made_durable_survives_a_kill(tmp_path) -> None:
    path = str(tmp_path / "potluck.sqlite")
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    victim = subprocess.Popen(
        [sys.executable, "-c", VICTIM, path], env=environment, stdout=subprocess.PIPE, text=True
    )
    assert victim.stdout is not None
    last = 0
    for line in victim.stdout:
        last = int(line)
        if last >= 50:
            break
    victim.send_signal(signal.SIGKILL)
    victim.wait(WAIT_S)
    victim.stdout.close()
    index = Index.open(path)
    kept = index.meta.get("number")
    assert kept is not None
    assert int(kept) >= last >= 50
    assert index.meta.get("same") == kept  # whole transactions only
    index.close()
