"""Manifests: live records, delete log and pages, told as the owner and the receiver live through
them.
"""

from __future__ import annotations

import pytest

from potluck.core.content.facts import NOTHING, Amount
from potluck.core.content.manifest import EMPTY_TREE_ROOT
from potluck.core.wire.catalogue import DeletedPath
from tests.engine.index.builders import ANNAS, BERTS, folder, head, index, receive, record, records


@pytest.fixture
def kept():
    made = index()
    yield made
    made.close()


def all_pages(kept, limit, since=0):
    found = []
    while True:
        live, gone, upto, complete = kept.manifests.page(ANNAS, since, limit)
        found.append((live, gone))
        if complete:
            return found
        assert upto > since
        since = upto


def test_an_owner_adds_changes_and_deletes(kept) -> None:
    kept.manifests.put(ANNAS, [record("a", 1), record("b", 2), record("b", 3, "newer")])
    assert kept.manifests.get(ANNAS, b"b") == record("b", 3, "newer")
    assert (kept.manifests.count(ANNAS), kept.manifests.amount(ANNAS)) == (2, Amount(2, 0, 6))
    kept.manifests.put(ANNAS, [folder("a", 4)])
    assert (kept.manifests.count(ANNAS), kept.manifests.amount(ANNAS)) == (2, Amount(1, 1, 5))
    assert kept.manifests.delete(ANNAS, [b"b", b"never", b"a", b"a"], 5) == 6
    assert kept.manifests.get(ANNAS, b"b") is None
    assert (kept.manifests.count(ANNAS), kept.manifests.amount(ANNAS)) == (0, NOTHING)
    assert kept.manifests.root(ANNAS) == EMPTY_TREE_ROOT
    assert kept.manifests.page(ANNAS, 0, 9) == (
        [],
        [DeletedPath(b"b", 5), DeletedPath(b"a", 6)],
        6,
        True,
    )
    assert kept.manifests.delete(ANNAS, [b"b"], 6) == 5


def test_a_path_that_comes_back_leaves_the_delete_log(kept) -> None:
    kept.manifests.put(ANNAS, [record("a", 1)])
    kept.manifests.delete(ANNAS, [b"a"], 2)
    kept.manifests.put(ANNAS, [record("a", 3)])
    assert kept.manifests.page(ANNAS, 0, 9) == ([record("a", 3)], [], 3, True)


def test_the_root_does_not_depend_on_the_way(kept) -> None:
    kept.manifests.put(ANNAS, records(300))
    kept.manifests.put(ANNAS, records(300))
    kept.manifests.delete(ANNAS, [one.path for one in records(299)], 301)
    kept.manifests.put(BERTS, records(1, 300))
    assert kept.manifests.root(ANNAS) == kept.manifests.root(BERTS)
    assert kept.manifests.count(ANNAS) == 1


@pytest.mark.parametrize("limit", [1, 3, 7, 100])
def test_pages_carry_every_change_once_in_order(kept, limit) -> None:
    kept.manifests.put(ANNAS, records(8))
    kept.manifests.delete(ANNAS, [b"d/000002", b"d/000007"], 9)
    pages = all_pages(kept, limit)
    assert all(len(live) + len(gone) <= limit for live, gone in pages)
    numbers = [
        sorted([one.seq for one in live] + [one.seq for one in gone]) for live, gone in pages
    ]
    assert [number for page in numbers for number in page] == [1, 3, 4, 5, 6, 8, 9, 10]


def test_a_page_after_the_last_change_is_empty(kept) -> None:
    kept.manifests.put(ANNAS, records(2))
    assert kept.manifests.page(ANNAS, 2, 9) == ([], [], 2, True)


def test_a_receiver_ends_where_the_owner_is(kept) -> None:
    kept.manifests.put(ANNAS, records(30))
    kept.manifests.delete(ANNAS, [b"d/000005"], 31)
    far = index()
    for live, gone in all_pages(kept, 7):
        far.manifests.stage(ANNAS, live, gone)
    assert far.manifests.get(ANNAS, b"d/000001") is None
    root, count = far.manifests.staged_root(ANNAS)
    assert (root, count) == (kept.manifests.root(ANNAS), 29)
    signed = head(root, 31, count)
    changed = far.manifests.apply_staged(signed)
    assert changed == [one.path for one in records(30)]
    assert far.manifests.head(ANNAS) == signed
    assert far.manifests.heads() == [signed]
    assert far.manifests.root(ANNAS) == root
    assert far.needs.missing(ANNAS)[0] == 29, "none of it stands on this disk yet"
    assert all_pages(far, 100) == all_pages(kept, 100)
    assert far.manifests.staged_root(ANNAS) == (root, count)
    far.manifests.stage(ANNAS, [record("later", 32)], [])
    root, count = far.manifests.staged_root(ANNAS)
    assert far.manifests.apply_staged(head(root, 32, count)) == [b"later"], "and nothing twice"
    far.close()


def test_dropped_pages_leave_the_manifest_as_it_was(kept) -> None:
    receive(kept, records(2), 2)
    before = kept.manifests.root(ANNAS)
    kept.manifests.stage(ANNAS, records(5, 3), [])
    kept.manifests.drop_staged(ANNAS)
    assert kept.manifests.staged_root(ANNAS) == (before, 2)


def test_a_listing_looks_at_names_as_bytes(kept) -> None:
    names = [folder("a", 1), record("a/x", 2), record("a/é", 3), record("a b", 4), record("ab", 5)]
    kept.manifests.put(ANNAS, names)
    assert [one.path for one in kept.manifests.listing(ANNAS, b"a", 3)] == [
        b"a",
        b"a b",
        b"a/x",
    ]
    assert [one.path for one in kept.manifests.listing(ANNAS, b"ab", 3)] == [b"ab"]


def test_the_floor_rises_and_never_falls(kept) -> None:
    assert kept.manifests.floor(ANNAS) == 0
    kept.manifests.put(ANNAS, records(3))
    kept.manifests.delete(ANNAS, [b"d/000001", b"d/000002"], 4)
    kept.manifests.raise_floor(ANNAS, 4)
    kept.manifests.raise_floor(ANNAS, 2)
    assert kept.manifests.floor(ANNAS) == 4
    assert kept.manifests.page(ANNAS, 3, 9)[1] == [DeletedPath(b"d/000002", 5)]


def test_an_unknown_manifest_is_empty(kept) -> None:
    manifests = kept.manifests
    assert manifests.head(BERTS) is None
    assert manifests.get(BERTS, b"a") is None
    assert manifests.page(BERTS, 3, 9) == ([], [], 3, True)
    assert manifests.root(BERTS) == EMPTY_TREE_ROOT
    assert (manifests.count(BERTS), manifests.amount(BERTS)) == (0, NOTHING)
    assert manifests.listing(BERTS, b"", 9) == []


def test_of_pages_that_are_everything_what_ended_takes_a_path_back_and_is_not_kept(kept) -> None:
    kept.manifests.put(ANNAS, [record("old", 1)])
    gone = [DeletedPath(b"b", 4), DeletedPath(b"never", 5)]
    kept.manifests.stage(ANNAS, [record("a", 2), record("b", 3)], gone, whole=True)
    kept.manifests.stage_rest_as_deleted(ANNAS, 5)
    assert kept.manifests.apply_staged(head(b"r" * 32, 5, 1)) == [b"a", b"old"]
    assert kept.manifests.path_lengths(ANNAS) == (1, 1, 3)
    assert kept.manifests.path_lengths(BERTS) == (0, 0, 0)
