"""Lines: read in any number and order, and the sums over them follow every change."""

from __future__ import annotations

import pytest

from potluck.core.content.manifest import EMPTY_TREE_ROOT, record_digest
from potluck.engine.index.buckets import Buckets
from potluck.engine.index.database import Database
from potluck.engine.index.ledger import Ledger
from potluck.engine.index.names import Names
from potluck.engine.index.rows import record_values
from tests.engine.index.builders import ANNAS, records


@pytest.fixture
def database():
    made = Database(":memory:")
    yield made
    made.close()


@pytest.mark.parametrize("count", [0, 1, 2, 256, 257, 600])
def test_lines_of_any_number_of_paths_come_in_their_order(database, count) -> None:
    names, live = Names(database), records(600)
    named = names.make(ANNAS)
    ledger = Ledger(database, names, Buckets(database))
    paths = [one.path for one in reversed(live[:count])]
    assert ledger.lines(named, paths) == {}
    rows = [record_values(named.number, one, record_digest(one)) for one in live]
    database.run_many(f"INSERT INTO record VALUES ({', '.join('?' * 10)})", rows)
    names.set_totals(named, 600, 0, 0)
    found = ledger.lines(named, [*paths, b"never"])
    assert list(found.items()) == [
        (one.path, (record_digest(one), one.size, 0)) for one in reversed(live[:count])
    ]


def test_sums_follow_every_change(database) -> None:
    names, buckets = Names(database), Buckets(database)
    named = names.make(ANNAS)
    ledger = Ledger(database, names, buckets)
    ledger.account(named, {}, {b"a": (b"1" * 32, 5, 0), b"b": (b"2" * 32, 7, 0)})
    assert (named.count, named.folders, named.total_bytes) == (2, 0, 12)
    ledger.account(named, {b"a": (b"1" * 32, 5, 0)}, {b"a": (b"3" * 32, 1, 1)})
    assert (named.count, named.folders, named.total_bytes) == (2, 1, 8)
    assert buckets.root(named.number) != EMPTY_TREE_ROOT
    ledger.account(named, {b"a": (b"3" * 32, 1, 1), b"b": (b"2" * 32, 7, 0)}, {})
    assert (named.count, named.folders, named.total_bytes) == (0, 0, 0)
    assert buckets.root(named.number) == EMPTY_TREE_ROOT
