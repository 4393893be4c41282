"""Index room: while the disk of the home is almost full no page is staged, which is told once."""

from __future__ import annotations

import pytest

from potluck.core import limits
from potluck.engine.effects import Tell
from potluck.engine.events import SpaceSeen
from potluck.engine.node import Node
from potluck.engine.others.index_room import INDEX_SPACE, IndexRoom
from potluck.engine.troubles import TroubleKind
from tests.engine import builders

LARGE = 100 * limits.GIB
FULL, EMPTY = 100 * limits.MIB, 90 * limits.GIB


@pytest.fixture
def node() -> Node:
    return builders.node(1)


def seen(home_free_bytes: int | None) -> SpaceSeen:
    """The disk of the folder is empty; how full that of the home is."""
    total = None if home_free_bytes is None else LARGE
    return SpaceSeen(EMPTY, LARGE, home_free_bytes=home_free_bytes, home_total_bytes=total)


def told(node: Node) -> list[str]:
    return [tell.text for tell in builders.taken(node, Tell)]


def test_a_full_disk_of_the_home_is_told_once_and_until_it_is_over(node: Node) -> None:
    room = IndexRoom(node)
    assert [room.on_space(seen(FULL)) for _ in range(2)] == [True, False]
    assert room.lacks
    (text,) = told(node)
    assert text.startswith("paused: almost no space is left on the disk of the state folder")
    (trouble,) = node.troubles.of(TroubleKind.DISK)
    assert (trouble.subject, trouble.command) == (INDEX_SPACE, "")
    assert repr(room) == "<IndexRoom lacks=True>"
    assert room.on_space(seen(EMPTY))
    assert told(node) == ["resumed: there is space for the index again"]
    assert node.troubles.all() == []


def test_where_it_was_not_looked_at_nothing_is_known(node: Node) -> None:
    room = IndexRoom(node)
    assert not room.on_space(seen(None))
    assert not room.lacks
    room.on_space(seen(FULL))
    assert not room.on_space(seen(None))
    assert room.lacks
