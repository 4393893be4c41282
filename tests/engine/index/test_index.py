"""The index as a whole: one transaction over all subjects, and nothing remembered of one that
failed.
"""

from __future__ import annotations

from potluck.core.content.facts import NOTHING
from potluck.core.content.manifest import EMPTY_TREE_ROOT
from potluck.engine.events import BatchId
from potluck.engine.index import Index
from tests.engine.builders import address, group
from tests.engine.index.builders import (
    ANNA,
    ANNAS,
    BERTS,
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
    kept.rollback()
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


def test_staged_pages_do_not_outlive_the_program(tmp_path) -> None:
    path = str(tmp_path / "potluck.sqlite")
    first = Index.open(path)
    first.manifests.stage(ANNAS, records(3), [])
    first.close()
    again = Index.open(path)
    assert again.manifests.staged_root(ANNAS) == (EMPTY_TREE_ROOT, 0)
    again.close()


def test_it_says_whether_a_transaction_is_open() -> None:
    kept = Index.open(":memory:")
    assert repr(kept) == "<Index :memory: at rest>"
    kept.begin()
    assert repr(kept) == "<Index :memory: in a transaction>"
    kept.close()
