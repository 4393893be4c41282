"""Staged pages: they add up to what the manifest would be, and nobody sees them before."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from potluck.core import limits
from potluck.core.wire.catalogue import DeletedPath
from potluck.engine.index.buckets import Buckets
from potluck.engine.index.database import Database
from potluck.engine.index.names import Names
from potluck.engine.index.rows import RECORD, record_of
from potluck.engine.index.staging import Staging
from tests.engine.index.builders import ANNAS, folder, manifest_root, record, records


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
    changed, new = record("d/000002", 5, "longer text than before"), folder("x", 6)
    bench.staging.stage(
        bench.named, [changed, new], [DeletedPath(b"d/000001", 7), DeletedPath(b"never", 8)]
    )
    summed = bench.staging.sum(bench.named)
    other = Bench()
    other.take([changed, new, *records(2, 3)])
    assert summed.preview.tree.root() == other.buckets.root(other.named.number)
    assert (summed.count, summed.folders) == (other.named.count, other.named.folders)
    assert (summed.folders, summed.total_bytes) == (1, other.named.total_bytes)
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


# -- the root --------------------------------------------------------------------------------------
def test_the_root_is_that_of_the_records_that_would_be_live(bench) -> None:
    bench.staging.stage(bench.named, records(3), [])
    assert bench.staging.sum(bench.named).preview.tree.root() == manifest_root(records(3))
    bench.staging.move(bench.named)
    bench.staging.drop(bench.named)
    assert bench.buckets.root(bench.named.number) == manifest_root(records(3))
    changed = record("d/000002", 5, "longer text than before", mtime_ns=77, executable=True)
    bench.staging.stage(bench.named, [changed], [DeletedPath(b"d/000001", 6)])
    left = [changed, *records(1, 3)]
    assert bench.staging.sum(bench.named).preview.tree.root() == manifest_root(left)
    bench.staging.move(bench.named)
    assert bench.buckets.root(bench.named.number) == manifest_root(left)


def test_the_root_of_two_changes_of_one_path_is_that_of_the_later(bench) -> None:
    later = folder("a", 6)
    bench.staging.stage(bench.named, [record("a", 5)], [])
    assert bench.staging.sum(bench.named).preview.tree.root() == manifest_root([record("a", 5)])
    bench.staging.stage(bench.named, [later], [])
    bench.staging.stage(bench.named, [record("a", 4, "older")], [])
    assert bench.staging.sum(bench.named).preview.tree.root() == manifest_root([later])


def test_a_whole_manifest_has_the_root_of_its_pages_alone(bench) -> None:
    bench.take(records(3))
    bench.staging.stage(bench.named, [record("d/000002", 2)], [])
    before = bench.staging.sum(bench.named).preview.tree.root()
    assert before == manifest_root(records(3))
    bench.staging.stage_rest_as_deleted(bench.named, 9)
    after = bench.staging.sum(bench.named).preview.tree.root()
    assert after == manifest_root([record("d/000002", 2)])


def test_every_column_of_a_later_change_becomes_live(bench) -> None:
    first = record("a", 1)
    later = replace(
        record("a", 2, "another text", mtime_ns=77, executable=True),
        piece_size=limits.PIECE_MAX_BYTES,
    )
    for number, change in enumerate((first, later, folder("a", 3), later)):
        bench.staging.stage(bench.named, [replace(change, seq=number)], [])
        bench.staging.move(bench.named)
        (row,) = bench.database.rows(f"SELECT {RECORD} FROM record")
        assert record_of(row) == replace(change, seq=number)


def test_it_says_how_many_sums_are_in_memory(bench) -> None:
    bench.staging.sum(bench.named)
    assert repr(bench.staging) == "<Staging: 1 sums>"


def test_what_ended_since_it_was_staged_is_taken_back(bench) -> None:
    bench.staging.stage(bench.named, [record("a", 3), record("b", 4), record("c", 9)], [])
    assert bench.staging.sum(bench.named).count == 3
    gone = [DeletedPath(b"a", 5), DeletedPath(b"b", 4), DeletedPath(b"c", 5), DeletedPath(b"d", 6)]
    bench.staging.take_back(bench.named, gone)
    assert bench.staging.sum(bench.named).count == 1
    assert bench.staging.paths(bench.named) == [b"c"]


def test_a_start_drops_what_is_staged_of_all_and_opening_beside_drops_nothing(bench) -> None:
    bench.staging.stage(bench.named, records(3), [])
    Staging(bench.database, bench.names, bench.buckets)
    assert len(bench.staging.paths(bench.named)) == bench.staging.sum(bench.named).count == 3
    bench.staging.drop_all()
    assert (bench.staging.paths(bench.named), bench.staging.sum(bench.named).count) == ([], 0)
