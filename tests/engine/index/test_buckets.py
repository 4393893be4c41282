"""Buckets: the root kept step by step is the root computed from the whole."""

from __future__ import annotations

from collections import defaultdict

import pytest

from potluck.core.content.manifest import EMPTY_TREE_ROOT, bucket_of, record_digest
from potluck.engine.index.buckets import Buckets, Edits
from potluck.engine.index.database import Database
from potluck.engine.index.rows import record_values
from tests.engine.index.builders import manifest_root, record, records


@pytest.fixture
def database():
    made = Database(":memory:")
    yield made
    made.close()


def edits(gone=(), come=()) -> Edits:
    made = Edits()
    for one in gone:
        made.note(one.path, record_digest(one), None)
    for one in come:
        made.note(one.path, None, record_digest(one))
    return made


def test_a_preview_changes_nothing_until_it_is_written(database) -> None:
    buckets, live = Buckets(database), records(50)
    preview = buckets.preview(1, edits(come=live))
    assert buckets.root(1) == EMPTY_TREE_ROOT
    buckets.write(1, preview)
    assert buckets.root(1) == preview.tree.root() == manifest_root(live)
    assert buckets.root(2) == EMPTY_TREE_ROOT


def test_what_goes_and_comes_leaves_the_root_of_the_rest(database) -> None:
    buckets, live, other = Buckets(database), records(50), record("d/000001", 99, "new text")
    buckets.write(1, buckets.preview(1, edits(come=live)))
    buckets.write(1, buckets.preview(1, edits(gone=live[:10], come=[other])))
    assert buckets.root(1) == manifest_root([other, *live[10:]])
    buckets.write(1, buckets.preview(1, edits(gone=[other, *live[10:]])))
    assert buckets.root(1) == EMPTY_TREE_ROOT


def test_two_files_of_one_bucket_come_and_go_each_for_itself(database) -> None:
    buckets, by_bucket = Buckets(database), defaultdict(list)
    for one in records(1000):
        by_bucket[bucket_of(one.path)].append(one)
    first, second = next(found for found in by_bucket.values() if len(found) == 2)
    buckets.write(1, buckets.preview(1, edits(come=[first])))
    buckets.write(1, buckets.preview(1, edits(come=[second])))
    assert buckets.root(1) == manifest_root([first, second])
    buckets.write(1, buckets.preview(1, edits(gone=[first])))
    assert buckets.root(1) == manifest_root([second])


def test_after_a_rollback_the_records_are_read_again(database) -> None:
    buckets, live = Buckets(database), records(5)
    rows = [record_values(1, one, record_digest(one)) for one in live]
    database.run_many(f"INSERT INTO record VALUES ({', '.join('?' * 10)})", rows)
    buckets.write(1, buckets.preview(1, edits(come=[record("x")])))
    buckets.forget_memory()
    assert buckets.root(1) == manifest_root(live)


def test_it_says_how_much_is_in_memory(database) -> None:
    buckets = Buckets(database)
    buckets.root(1)
    assert repr(buckets) == "<Buckets of 1 manifests>"
