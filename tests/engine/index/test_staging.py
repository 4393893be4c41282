"""Staged pages: they add up to what the manifest would be, and nobody sees them before."""

from __future__ import annotations

import pytest

from potluck.core.wire.catalogue import DeletedPath
from potluck.engine.index.buckets import Buckets
from potluck.engine.index.database import Database
from potluck.engine.index.names import Names
from potluck.engine.index.staging import Staging
from tests.engine.index.builders import ANNAS, record, records


class Bench:
    """Staging over a database in memory."""

    def __init__(self) -> None:
        self.database = Database(":memory:")
        self.names = Names(self.database)
        self.buckets = Buckets(self.database)
        self.staging = Staging(self.database, self.names, self.buckets)
        self.named = self.names.make(ANNAS)

    def take(self, live, gone=()) -> None:
        self.staging.stage(self.named, live, gone)
        self.staging.move(self.named)
        self.staging.drop(self.named)

    def live(self) -> list[tuple[bytes, int]]:
        return self.database.rows("SELECT path, seq FROM record ORDER BY path")

    def log(self) -> list[tuple[bytes, int]]:
        return self.database.rows("SELECT path, seq FROM deleted ORDER BY path")


@pytest.fixture
def bench():
    made = Bench()
    yield made
    made.database.close()


def test_first_pages_add_up_and_become_live(bench) -> None:
    bench.staging.stage(bench.named, records(3), [])
    bench.staging.stage(bench.named, records(2, 4), [])
    summed = bench.staging.sum(bench.named)
    assert (summed.count, summed.total_bytes) == (5, 5 * len("d/000001"))
    assert bench.live() == []
    bench.staging.move(bench.named)
    assert [seq for _, seq in bench.live()] == [1, 2, 3, 4, 5]
    assert bench.buckets.root(bench.named.number) == summed.preview.tree.root()
    assert (bench.named.count, bench.named.received) == (5, True)
    assert bench.staging.paths(bench.named) == [path for path, _ in bench.live()]


def test_changes_and_deletes_add_up_with_what_is_live(bench) -> None:
    bench.take(records(4))
    changed, new = record("d/000002", 5, "longer text than before"), record("x", 6)
    bench.staging.stage(
        bench.named, [changed, new], [DeletedPath(b"d/000001", 7), DeletedPath(b"never", 8)]
    )
    summed = bench.staging.sum(bench.named)
    other = Bench()
    other.take([changed, new, *records(2, 3)])
    assert summed.preview.tree.root() == other.buckets.root(other.named.number)
    assert (summed.count, summed.total_bytes) == (other.named.count, other.named.total_bytes)
    bench.staging.move(bench.named)
    assert bench.live() == other.live()
    assert bench.log() == [(b"d/000001", 7), (b"never", 8)]
    other.database.close()


def test_the_larger_number_of_one_path_counts_in_any_order(bench) -> None:
    bench.staging.stage(bench.named, [record("a", 5)], [DeletedPath(b"a", 4), DeletedPath(b"b", 9)])
    bench.staging.stage(bench.named, [record("b", 8)], [])
    bench.staging.move(bench.named)
    assert bench.live() == [(b"a", 5)]
    assert bench.log() == [(b"b", 9)]


def test_a_path_that_comes_back_leaves_the_delete_log(bench) -> None:
    bench.take([], [DeletedPath(b"a", 1)])
    bench.take([record("a", 2)])
    assert bench.log() == []


def test_a_whole_manifest_ends_every_other_path(bench) -> None:
    bench.take(records(3))
    bench.staging.stage(bench.named, [record("d/000002", 2)], [])
    bench.staging.stage_rest_as_deleted(bench.named, 9)
    assert bench.staging.sum(bench.named).count == 1
    bench.staging.move(bench.named)
    assert bench.live() == [(b"d/000002", 2)]
    assert bench.log() == [(b"d/000001", 9), (b"d/000003", 9)]


def test_dropped_pages_count_for_nothing(bench) -> None:
    bench.staging.stage(bench.named, records(3), [])
    full = bench.staging.sum(bench.named)
    bench.staging.drop(bench.named)
    assert bench.staging.sum(bench.named).count == 0
    bench.staging.forget_memory()
    assert bench.staging.sum(bench.named) != full
