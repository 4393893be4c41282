"""The index as a whole: one transaction over all subjects, and nothing remembered of one that
failed.
"""

from __future__ import annotations

import pytest

from potluck.core.content.facts import NOTHING
from potluck.core.content.manifest import EMPTY_TREE_ROOT
from potluck.core.wire.catalogue import DeletedPath, FileRecord
from potluck.engine.events import BatchId
from potluck.engine.index import Index
from tests.engine.builders import address, group
from tests.engine.index.builders import (
    ANNA,
    ANNAS,
    BERTS,
    folder,
    head,
    index,
    piece_list,
    place,
    receive,
    record,
    records,
)


def test_committed_rows_are_there_after_reopening(tmp_path) -> None:
    path = str(tmp_path / "potluck.sqlite")
    first = Index.open(path)
    first.begin()
    first.meta.set("a", b"1")
    first.roster.replace(group(1, 2).records())
    first.addresses.remember(ANNA, address(1), 1)
    first.contents.put(piece_list(2))
    first.intents.open(BatchId(4), ())
    receive(first, records(3), 3)
    first.commit()
    root = first.manifests.root(ANNAS)
    first.begin()
    first.meta.set("a", b"2")
    first.close()
    again = Index.open(path)
    assert again.meta.get("a") == b"1"
    assert again.roster.all() == group(1, 2).records()
    assert again.addresses.of(ANNA) == [address(1)]
    assert again.contents.get(piece_list(2).root) == piece_list(2)
    assert again.intents.open_batches() == [(4, ())]
    assert again.manifests.root(ANNAS) == root
    assert again.needs.missing(ANNAS)[0] == 3
    again.close()


def test_a_rollback_undoes_rows_and_memory() -> None:
    kept = Index.open(":memory:")
    kept.begin()
    receive(kept, [record("a")], 1)
    kept.manifests.put(BERTS, records(3))
    kept.places.put(ANNAS, [place(record("a"))])
    kept.manifests.stage(ANNAS, [record("b", 2)], [])
    kept.manifests.staged_root(ANNAS)
    assert kept.places.totals(ANNAS) == (1, 1)
    assert kept.needs.missing(ANNAS) == NOTHING
    assert kept.meta.undone == 0
    kept.rollback()
    assert kept.meta.undone == 1
    assert kept.manifests.heads() == []
    assert kept.manifests.root(BERTS) == EMPTY_TREE_ROOT
    assert kept.manifests.count(BERTS) == 0
    assert kept.places.totals(ANNAS) == (0, 0)
    kept.begin()
    assert kept.manifests.staged_root(ANNAS) == (EMPTY_TREE_ROOT, 0)
    kept.commit()
    kept.close()


def test_a_rollback_without_a_transaction_only_drops_memory() -> None:
    kept = index()
    kept.manifests.put(ANNAS, records(2))
    kept.commit()
    kept.rollback()
    assert kept.manifests.count(ANNAS) == 2
    kept.close()


def test_staged_pages_stay_whoever_reads_beside_and_go_with_the_next_start(tmp_path) -> None:
    path = str(tmp_path / "potluck.sqlite")
    first = Index.open(path)
    first.manifests.stage(ANNAS, records(3), [])
    Index.open(path).close()  # as a copy of the group is written
    assert first.lost_records.count(ANNAS) == 3
    first.close()
    again = Index.open(path)
    again.drop_all_staged()
    assert again.manifests.staged_root(ANNAS) == (EMPTY_TREE_ROOT, 0)
    again.close()


def test_it_says_whether_it_is_damaged() -> None:
    opened = Index.open(":memory:")
    assert not opened.damaged
    assert "no roster" in opened.damage("no roster").cause
    assert opened.damaged


def test_it_says_whether_a_transaction_is_open() -> None:
    kept = Index.open(":memory:")
    assert repr(kept) == "<Index :memory: at rest>"
    kept.begin()
    assert repr(kept) == "<Index :memory: in a transaction>"
    kept.close()


def test_a_manifest_that_is_forgotten_leaves_nothing_behind() -> None:
    kept = index()
    kept.manifests.stage(ANNAS, [record("a", 1), record("b", 2)], ())
    kept.manifests.apply_staged(head(kept.manifests.staged_root(ANNAS)[0], 2, 2))
    kept.manifests.stage(ANNAS, [], [DeletedPath(b"b", 3)])
    kept.manifests.apply_staged(head(kept.manifests.staged_root(ANNAS)[0], 3, 1))
    kept.manifests.raise_floor(ANNAS, 2)
    kept.manifests.stage(ANNAS, [record("c", 4)], ())
    assert kept.forget(ANNAS) == [b"a"]
    assert (kept.manifests.head(ANNAS), kept.manifests.heads()) == (None, [])
    assert kept.manifests.page(ANNAS, 0, 9) == ([], [], 0, True)
    assert (kept.manifests.root(ANNAS), kept.manifests.floor(ANNAS)) == (EMPTY_TREE_ROOT, 0)
    assert (kept.manifests.count(ANNAS), kept.manifests.amount(ANNAS)) == (0, NOTHING)
    assert kept.manifests.staged_root(ANNAS) == (EMPTY_TREE_ROOT, 0)
    assert kept.needs.missing(ANNAS) == NOTHING
    assert kept.forget(BERTS) == []
    kept.close()


@pytest.mark.parametrize(
    ("part", "holds"),
    [
        ([], True),
        ([record("a", text="x"), folder("d"), record("empty", text="")], True),
        ([record("a", seq=9, text="x", mtime_ns=9)], True),
        ([record("a", text="x"), record("c")], False),
        ([record("a", text="y")], False),
        ([folder("empty")], False),
    ],
    ids=["nothing", "all of it", "of another time", "a path more", "content", "kind"],
)
def test_one_manifest_holds_all_of_another_if_paths_contents_and_kinds_are_in_it(
    part: list[FileRecord], holds: bool
) -> None:
    kept = index()
    whole = [record("a", text="x"), record("b"), folder("d"), record("empty", text="")]
    kept.manifests.put(ANNAS, part)
    kept.manifests.put(BERTS, whole)
    assert kept.holds_all(ANNAS, BERTS) is holds
    assert not kept.holds_all(BERTS, ANNAS)
    kept.close()


def test_one_manifest_holds_all_of_another_below_a_folder_of_its_own() -> None:
    kept, under = index(), "Ä b/".encode()
    kept.manifests.put(ANNAS, [record("a", text="x"), record("f/ü", text="y")])
    kept.manifests.put(BERTS, [record("Ä b/a", text="x"), record("f/ü", text="y")])
    assert not kept.holds_all(ANNAS, BERTS, under)
    kept.manifests.put(BERTS, [record("Ä b/f/ü", text="y")])
    assert kept.holds_all(ANNAS, BERTS, under)
    assert not kept.holds_all(ANNAS, BERTS)
    kept.close()
