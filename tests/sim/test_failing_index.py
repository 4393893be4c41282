"""The N-th call of the database fails: nothing is lost, nobody ends, all goes on by itself (R3).

Strategy: two real engines over real indexes share files in virtual time, while calls of SQLite
under one of them raise what a disk makes them raise: drawn calls, one or a few in a row. What the
loop does with trouble of the index is done here, too: the fact is lost, and the engine called on.
The judge of the simulation sees that nothing is removed that its owner did not remove; after every
few faults both trees must be equal, without anybody's help. Limits: no call of SQLite takes half
effect, as a power cut makes it; tests/torture has those. A damaged file is mended
(tests/test_damaged_index.py).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

import pytest

from potluck.core.content import breakers
from potluck.core.errors import DiskTrouble
from tests.figures import record
from tests.sim.engines import RealEngines
from tests.sim.hosts import EngineLike, Host
from tests.sim.network import Policy
from tests.sim.world import World

pytestmark = [pytest.mark.sim, pytest.mark.full, pytest.mark.slow, pytest.mark.timeout(900)]
ERRORS = (
    ("SQLITE_FULL", "database or disk is full"),
    ("SQLITE_IOERR_WRITE", "disk I/O error"),
    ("SQLITE_IOERR_READ", "disk I/O error"),
    ("SQLITE_BUSY", "database is locked"),
    ("SQLITE_CANTOPEN", "unable to open database file"),
    ("SQLITE_READONLY", "attempt to write a readonly database"),
)
FAULTS = 500  # the rest of the 1,000 of docs/figures.md fail at calls of files
TOGETHER = 50  # faults between two looks at whether all is well
CALLS_MAX = 60  # the next fault comes after so many calls at most
FILES = 12
SEED = 20261127


class Connection:
    """A connection of which some calls fail."""

    def __init__(self, real: sqlite3.Connection) -> None:
        self.real = real
        self.calm = 0  # calls that still go well
        self.failing = 0  # calls that fail then
        self.error = ERRORS[0]
        self.fired = 0
        self.called = False  # whether the engine is called just now; nobody else is disturbed

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    def execute(self, *words: Any) -> Any:
        if words[0] not in {"BEGIN", "ROLLBACK"}:  # which touch no file
            self._may_fail()
        return self.real.execute(*words)

    def executemany(self, *words: Any) -> Any:
        self._may_fail()
        return self.real.executemany(*words)

    def _may_fail(self) -> None:
        if not self.failing or not self.called:
            return
        if self.calm:
            self.calm -= 1
            return
        self.failing -= 1
        self.fired += 1
        name, words = self.error
        if name in {"SQLITE_FULL", "SQLITE_IOERR_WRITE"} and self.real.in_transaction:
            self.real.execute("ROLLBACK")  # as SQLite does it by itself
        error = sqlite3.OperationalError(words)
        error.sqlite_errorname = name
        raise error


class GoesOn(EngineLike):
    """An engine, and what shells/loop/loop.py does with its trouble."""

    def __init__(self, engine: Any) -> None:
        self.engine = engine

    def __getattr__(self, name: str) -> Any:
        return getattr(self.engine, name)

    def start(self, now: float) -> list[Any]:
        return self.engine.start(now)

    def handle(self, event: Any, now: float) -> list[Any]:
        return self._called(lambda: self.engine.handle(event, now))

    def on_tick(self, now: float) -> list[Any]:
        return self._called(lambda: self.engine.on_tick(now))

    def deadline(self) -> float | None:
        return self.engine.deadline()

    def view(self, now: float) -> Any:
        return self.engine.view(now)

    def _called(self, call: Callable[[], list[Any]]) -> list[Any]:
        connection: Any = self.engine.node.index._database._connection
        if isinstance(connection, Connection):
            connection.called = True
        try:
            return call()
        except DiskTrouble:
            return []
        finally:
            if isinstance(connection, Connection):
                connection.called = False


class Shaken(RealEngines):
    """Engines that go on."""

    def engine(self, host: Host, instance: bytes) -> EngineLike:
        return GoesOn(super().engine(host, instance))


def shaken_pair() -> tuple[World, list[Connection]]:
    world = World(SEED, Shaken(), nodes=2, policy=Policy())
    world.replay = "tests/sim/test_failing_index.py"
    world.start()
    world.judge.settle(15.0, calm_s=1.0)
    connections = list[Connection]()
    for host in world.hosts:
        database = host.index._database
        database._connection = Connection(database._connection)
        connections.append(database._connection)
    return world, connections


def test_whichever_call_of_the_index_fails_nothing_is_lost_and_all_goes_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # these people delete all the time and mean it: the breakers would ask
    monkeypatch.setattr(breakers, "MASS_FILES", 1 << 30)
    world, connections = shaken_pair()
    chance, number = world.random_for("faults"), 0
    while sum(each.fired for each in connections) < FAULTS:
        for _ in range(TOGETHER):
            number += 1
            broken = chance.choice(connections)
            if not broken.failing:  # the one before has come
                broken.error = chance.choice(ERRORS)
                broken.calm = chance.randrange(CALLS_MAX)
                broken.failing = chance.choice((1, 1, 1, 2, 5))
            owner, name = chance.randrange(2), f"d{number % 3}/{chance.randrange(FILES)}"
            deeds: list[tuple[str, *tuple[Any, ...]]] = [
                ("write", name, b"%d" % number),
                ("append", name, b"more"),
                ("delete", name),
            ]
            verb, *rest = chance.choice(deeds)
            world.faults.do(owner, verb, *rest)
            world.run_for(0.4)
        for each in connections:
            each.failing = 0
        world.judge.settle(200.0, calm_s=1.0)
    fired = sum(each.fired for each in connections)
    for each in connections:
        assert not each.real.in_transaction
        assert each.real.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    words = (
        f"{fired:,} faults in calls of the index, at {number:,} changes of files: 0 crashes, 0 lost"
    )
    record("R3 (index)", f"{words}, all went on by itself", held=True)
