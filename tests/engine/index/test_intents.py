"""Intents: a batch that was begun comes back item for item, until it is closed."""

from __future__ import annotations

import pytest

from potluck.core import limits
from potluck.core.content.facts import Source, Stat
from potluck.core.content.paths import parse_wire_path
from potluck.core.content.pieces import Root
from potluck.core.errors import UnsafePath
from potluck.core.wire.catalogue import encode
from potluck.engine.effects import PlaceItem
from potluck.engine.events import BatchId
from potluck.engine.index.database import Database
from potluck.engine.index.intents import Intents
from tests.engine.index.builders import piece_list

STAT = Stat(3, 2**62, -5, 2**64 - 1, True)
FULL = PlaceItem(
    path=parse_wire_path(b"anna/d/a"),
    source=Source.LOCAL,
    content=piece_list(2),
    local=parse_wire_path(b"bert/b"),
    mtime_ns=-(2**63),
    executable=True,
    expected=STAT,
    expected_root=Root(b"r" * 32),
)
REMOVAL = PlaceItem(parse_wire_path(b"anna"), Source.NONE, None, None, 0, False, None, None)


@pytest.fixture
def database():
    made = Database(":memory:")
    yield made
    made.close()


def test_open_batches_come_back_and_closed_ones_do_not(database) -> None:
    intents = Intents(database)
    intents.open(BatchId(2), (FULL, REMOVAL))
    intents.open(BatchId(1), (REMOVAL,))
    assert intents.open_batches() == [(1, (REMOVAL,)), (2, (FULL, REMOVAL))]
    intents.close(BatchId(1))
    intents.close(BatchId(1))
    assert intents.open_batches() == [(2, (FULL, REMOVAL))]


def test_the_longest_path_below_a_label_comes_back(database) -> None:
    component = b"x" * 199
    inner = parse_wire_path(b"/".join([component] * (limits.PATH_BYTES // 200)))
    longest = parse_wire_path(b"l" * limits.LABEL_BYTES).joined(inner)
    item = PlaceItem(longest, Source.NONE, None, None, 0, False, None, None)
    Intents(database).open(BatchId(1), [item])
    assert Intents(database).open_batches() == [(1, (item,))]


def test_a_path_that_was_tampered_with_is_refused(database) -> None:
    items = encode([[b"anna/../../etc", "none", None, None, 0, False, None, None]])
    database.run("INSERT INTO intent VALUES (1, ?)", (items,))
    with pytest.raises(UnsafePath):
        Intents(database).open_batches()
