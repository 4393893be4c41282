"""What the world runs: the real engine over the real index, in memory.

Strategy: the one adapter between the simulation and the program. A restarted process gets a fresh
Index object over a copy of the database, so nothing an index keeps in memory survives a crash.
Limits: imports the engine late, so that the tests of the world itself need none.
"""

from __future__ import annotations

import math
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from potluck.core.wire.catalogue import Address
from potluck.engine.engine import Engine, EngineSettings
from potluck.engine.index import Index
from potluck.engine.index.database import Database
from tests.sim.hosts import EngineLike, Host, SeededChance


class Filled(Database):
    """A database whose tables come with what is copied into it at once."""

    def _migrate(self) -> None:
        """Nothing: that would take longer than all the rest of it."""


@cache
def _empty() -> bytes:
    return RealEngines().image(Index.open(":memory:"))


@dataclass
class RealEngines:
    """Makes engines of the program; every door is open unless a host is named as closed."""

    closed: set[int] = field(default_factory=set)  # host numbers whose door stays shut
    sweep: bool = True
    peers: dict[int, tuple[Address, ...]] = field(default_factory=dict)

    def index(self, host: Host) -> Index:
        """Return a new, empty index."""
        return self.restored(_empty())

    def image(self, index: Index) -> bytes:
        """Return all that an index holds."""
        held: bytes = connection(index).serialize()
        return held

    def restored(self, image: bytes) -> Index:
        """Return an index that holds what an image says."""
        database = Filled(":memory:")
        with closing(sqlite3.connect(":memory:")) as held:
            held.deserialize(image)
            held.backup(connection_of(database))
        return Index(database)

    def copy(self, index: Index) -> Index:
        """Return a copy that shares nothing with the original."""
        database = Filled(":memory:")
        connection(index).backup(connection_of(database))
        return Index(database)

    def engine(self, host: Host, instance: bytes) -> EngineLike:
        """Return an engine over the host's index."""
        settings = EngineSettings(
            label=host.label,
            port=host.address.port,
            open_s=None if host.number in self.closed else math.inf,
            peers=self.peers.get(host.number, ()),
            sweep=self.sweep,
        )
        return Engine(settings, host.key, host.index, SeededChance(host), instance)


def connection(index: Index) -> Any:
    """Return the SQLite connection under an index."""
    return connection_of(index._database)


def connection_of(database: Database) -> Any:
    """Return the SQLite connection of a database."""
    return database._connection
