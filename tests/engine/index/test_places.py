"""Places: found by path, by content and by file number."""

from __future__ import annotations

import pytest

from tests.engine.index.builders import ANNA, BERT, OWN, folder, index, place, record, root_of


@pytest.fixture
def kept():
    made = index()
    yield made
    made.close()


def test_the_last_thing_put_at_a_path_stands_there(kept) -> None:
    old, new = place(record("a")), place(record("a", text="new"), inode=2**64 - 1)
    kept.places.put(ANNA, OWN, [old, place(folder("b")), place(record("b/c"))])
    kept.places.put(ANNA, OWN, [new])
    assert kept.places.get(ANNA, OWN, b"a") == new
    assert kept.places.get(ANNA, OWN, b"x") is None
    assert kept.places.all_paths(ANNA, OWN) == [b"a", b"b", b"b/c"]
    assert kept.places.under(ANNA, OWN, b"b") == [place(record("b/c"))]
    assert len(kept.places.under(ANNA, OWN, b"")) == 3
    kept.places.remove(ANNA, OWN, [b"a", b"x"])
    assert kept.places.get(ANNA, OWN, b"a") is None
    assert kept.places.by_root(root_of("new")) == []


def test_a_content_is_found_wherever_it_stands(kept) -> None:
    here, there = place(record("a", text="same")), place(record("b", text="same"))
    kept.places.put(ANNA, OWN, [here])
    kept.places.put(BERT, OWN, [there, place(record("empty", text=""))])
    assert kept.places.by_root(root_of("same")) == [(ANNA, OWN, here), (BERT, OWN, there)]
    assert kept.places.by_root(root_of("other")) == []
    assert kept.places.by_root(root_of("")) == []


def test_what_is_shared_and_stands_is_found_for_many_contents_at_once(kept) -> None:
    here = [
        record("b", text="same"),
        record("a", text="same"),
        record("c", text="other"),
        record("gone"),
        folder("f"),
    ]
    kept.manifests.put(ANNA, OWN, here)
    kept.manifests.put(BERT, OWN, [record("x", text="changed since")])
    kept.places.put(ANNA, OWN, [place(one) for one in here])
    kept.places.put(
        BERT, OWN, [place(record("x", text="as it was")), place(record("y", text="never shared"))]
    )
    kept.manifests.delete(ANNA, OWN, [b"gone"], 9)
    roots = [
        root_of(text)
        for text in ("same", "other", "gone", "as it was", "changed since", "never shared", "")
    ]
    found = kept.places.shared(roots)
    assert {root: shared.path for root, shared in found.items()} == {
        root_of("same"): b"a",
        root_of("other"): b"c",
    }
    assert found[root_of("other")] == (ANNA, b"c", 5, here[2].piece_size)
    assert kept.places.shared([]) == {}


def test_a_file_is_found_by_its_number_size_and_mtime(kept) -> None:
    file = place(record("a", text="12345", mtime_ns=77), inode=2**64 - 1)
    kept.places.put(ANNA, OWN, [file])
    assert kept.places.by_inode(ANNA, OWN, 2**64 - 1, 5, 77) == file
    assert kept.places.by_inode(ANNA, OWN, 2**64 - 1, 5, 78) is None
    assert kept.places.by_inode(ANNA, OWN, 1, 5, 77) is None
    kept.places.put(BERT, OWN, [])
    assert kept.places.by_inode(BERT, OWN, 2**64 - 1, 5, 77) is None


def test_totals_count_files(kept) -> None:
    kept.places.put(ANNA, OWN, [place(record("a", text="12345")), place(folder("b"))])
    assert kept.places.totals(ANNA, OWN) == kept.places.totals(ANNA, OWN) == (1, 5)
    kept.places.put(ANNA, OWN, [place(record("c", text="1"))])
    assert kept.places.totals(ANNA, OWN) == (2, 6)
    kept.places.forget_memory()
    assert kept.places.totals(ANNA, OWN) == (2, 6)


def test_an_unknown_folder_is_empty(kept) -> None:
    assert kept.places.get(BERT, OWN, b"a") is None
    assert kept.places.under(BERT, OWN, b"") == []
    assert kept.places.all_paths(BERT, OWN) == []
    assert kept.places.by_inode(BERT, OWN, 1, 1, 1) is None
    assert kept.places.totals(BERT, OWN) == (0, 0)
