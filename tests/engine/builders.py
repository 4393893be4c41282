"""Values for tests of the engine's parts: real keys, a seeded chance, a node over an index in
memory.

Strategy: equal arguments give equal values. `node` is begun (a transaction of its index is open and
time is 0), so a part can be driven at once; `taken` returns the effects of one kind that it asked
for since.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Any, TypeVar

from potluck.core import limits
from potluck.core.group.roster import Roster
from potluck.core.group.statements import admit, found
from potluck.core.keys.identity import DeviceKey
from potluck.core.wire.catalogue import Address, RosterRecord
from potluck.engine.effects import Effect, MakeDurable
from potluck.engine.index import Index
from potluck.engine.node import EngineSettings, Node
from tests.core.fakes import key

__all__ = ["Chance", "address", "flush", "group", "key", "member", "node", "settings", "taken"]

Kind = TypeVar("Kind")


class Chance:
    """Seeded chance."""

    def __init__(self, seed: int = 0) -> None:
        self.random = random.Random(seed)

    def bytes(self, count: int) -> bytes:
        return self.random.randbytes(count)

    def uniform(self, low: float, high: float) -> float:
        return self.random.uniform(low, high)


def address(number: int, port: int = limits.PORT) -> Address:
    """Where a device with this number listens."""
    return Address(f"10.0.0.{number}", port)


def settings(number: int = 1, **others: Any) -> EngineSettings:
    """An open device that does not sweep; whatever else is wanted by name."""
    wanted: dict[str, Any] = {
        "label": f"d{number}",
        "port": limits.PORT,
        "open_s": math.inf,
        "sweep": False,
    }
    return EngineSettings(**{**wanted, **others})


def node(number: int = 1, *, index: Index | None = None, run: int = 1, **others: Any) -> Node:
    """A node over a new index in memory, its transaction begun; or, after a restart, over one that
    is as it is.
    """
    if index is None:
        index = Index.open(":memory:")
        index.begin()
    instance = bytes([number, run]) * 8
    made = Node(
        settings(number, **others), key(number), index, Chance(1000 * run + number), instance
    )
    made.address_book.own.on_networks([(address(number).host, 24)])  # where all of them are
    return made


def member(by: DeviceKey, roster: Roster, who: DeviceKey, label: str) -> RosterRecord:
    """The record by which one device admits another."""
    return admit(by, roster.group, who.certificate, who.sealing_public, label)


def group(*numbers: int, name: str = "Home") -> Roster:
    """A group of devices d1, d2 …, all admitted by the first."""
    founder = key(numbers[0])
    roster = Roster(found(founder, name, f"d{numbers[0]}", bytes([numbers[0]]) * 32))
    roster.add([member(founder, roster, key(number), f"d{number}") for number in numbers[1:]])
    return roster


def taken(node: Node, kind: type[Kind]) -> list[Kind]:
    """Return the effects of this kind asked for since the last call; the others are forgotten."""
    return [effect for effect in node.take() if isinstance(effect, kind)]


def flush(node: Node) -> Sequence[Effect]:
    """Return all effects, those included that wait for the disk."""
    effects = node.take()
    for sync in [effect for effect in effects if isinstance(effect, MakeDurable)]:
        node.on_synced(sync.barrier)
    return [*effects, *node.take()]
