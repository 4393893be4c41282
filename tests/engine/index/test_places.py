"""Places: found by path, by content and by file number."""

from __future__ import annotations

import pytest

from potluck.core.content.facts import NOTHING
from tests.engine.index.builders import ANNAS, BERTS, folder, index, place, receive, record, root_of


@pytest.fixture
def kept():
    made = index()
    yield made
    made.close()


def test_the_last_thing_put_at_a_path_stands_there(kept) -> None:
    old, new = place(record("a")), place(record("a", text="new"), inode=2**64 - 1)
    kept.places.put(ANNAS, [old, place(folder("b")), place(record("b/c"))])
    kept.places.put(ANNAS, [new])
    assert kept.places.get(ANNAS, b"a") == new
    assert kept.places.get(ANNAS, b"x") is None
    assert kept.places.all_paths(ANNAS) == [b"a", b"b", b"b/c"]
    assert kept.places.under(ANNAS, b"b") == [place(record("b/c"))]
    assert len(kept.places.under(ANNAS, b"")) == 3
    kept.places.remove(ANNAS, [b"a", b"x"])
    assert kept.places.get(ANNAS, b"a") is None
    assert kept.places.by_root(root_of("new")) == []


def test_the_files_of_one_folder_with_some_contents_are_found(kept) -> None:
    one, two = place(record("a", text="one")), place(record("b", text="one"))
    kept.places.put(ANNAS, [one, two, place(record("c", text="two")), place(record("d", text=""))])
    kept.places.put(BERTS, [place(record("e", text="one"))])
    wanted = [root_of("one"), root_of("other"), root_of("")]
    found = set(kept.places.with_roots(ANNAS, wanted))
    assert {each for each in found if each[0] == root_of("one")} == {
        (root_of("one"), b"a", 5),
        (root_of("one"), b"b", 5),
    }
    assert list(kept.places.with_roots(ANNAS, [])) == []
    alike = root_of("one")[:8] + bytes(24)
    assert list(kept.places.with_roots(ANNAS, [alike])) == []


def test_of_many_contents_those_are_found_that_stand_anywhere(kept) -> None:
    texts = [f"text {number}" for number in range(600)]
    kept.places.put(ANNAS, [place(record(text, text=text)) for text in [*texts[::2], ""]])
    kept.places.put(BERTS, [place(record("a", text=texts[1]))])
    alike = root_of(texts[0])[:8] + bytes(24)
    every = [*map(root_of, texts), root_of(""), alike, root_of(texts[0])]
    assert kept.places.standing(every) == {root_of(text) for text in [*texts[::2], texts[1]]}
    assert kept.places.standing([]) == set()


def test_in_a_folder_nobody_knows_no_content_is_found(kept) -> None:
    assert list(kept.places.with_roots(ANNAS, [root_of("one")])) == []


def test_a_content_is_found_wherever_it_stands(kept) -> None:
    here, there = place(record("a", text="same")), place(record("b", text="same"))
    kept.places.put(ANNAS, [here])
    kept.places.put(BERTS, [there, place(record("empty", text=""))])
    assert kept.places.by_root(root_of("same")) == [(ANNAS, here), (BERTS, there)]
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
    kept.manifests.put(ANNAS, here)
    kept.manifests.put(BERTS, [record("x", text="changed since")])
    kept.places.put(ANNAS, [place(one) for one in here])
    kept.places.put(
        BERTS, [place(record("x", text="as it was")), place(record("y", text="never shared"))]
    )
    kept.manifests.delete(ANNAS, [b"gone"], 9)
    roots = [
        root_of(text)
        for text in ("same", "other", "gone", "as it was", "changed since", "never shared", "")
    ]
    found = kept.places.shared(roots)
    assert {root: shared.path for root, shared in found.items()} == {
        root_of("same"): b"a",
        root_of("other"): b"c",
    }
    assert found[root_of("other")] == (ANNAS, b"c", 5, here[2].piece_size)
    assert kept.places.shared([]) == {}


def test_what_comes_and_goes_in_a_received_folder_is_lacking_or_not(kept) -> None:
    receive(kept, [record("a")], 1)
    assert kept.needs.missing(ANNAS) == (1, 0, 1)
    kept.places.put(ANNAS, [place(record("a"))])
    assert kept.needs.missing(ANNAS) == NOTHING
    kept.places.remove(ANNAS, [b"a"])
    assert kept.needs.missing(ANNAS) == (1, 0, 1)


def test_paths_are_listed_ascending_or_below_a_folder(kept) -> None:
    kept.places.put(ANNAS, [place(record(path)) for path in ("d/b", "d-x", "d/a/c", "d")])
    assert kept.places.all_paths(ANNAS) == [b"d", b"d-x", b"d/a/c", b"d/b"]
    assert kept.places.all_paths(ANNAS, b"d") == [b"d/a/c", b"d/b"]
    assert kept.places.all_paths(ANNAS, b"d/a") == [b"d/a/c"]
    assert kept.places.all_paths(ANNAS, b"e") == []


def test_the_files_of_a_folder_come_one_after_the_other(kept) -> None:
    assert kept.places.files_after(ANNAS, b"", 9) == []
    rows = [place(record(name)) for name in ("a", "b/c", "d")]
    kept.places.put(ANNAS, [*rows, place(folder("b")), place(record("empty", text=""))])
    assert kept.places.files_after(ANNAS, b"", 9) == rows
    assert kept.places.files_after(ANNAS, b"a", 1) == [rows[1]]
    assert kept.places.files_after(ANNAS, b"d", 9) == []


def test_a_file_is_found_by_its_number_size_and_mtime(kept) -> None:
    file = place(record("a", text="12345", mtime_ns=77), inode=2**64 - 1)
    kept.places.put(ANNAS, [file])
    assert kept.places.by_inode(ANNAS, 2**64 - 1, 5, 77) == file
    assert kept.places.by_inode(ANNAS, 2**64 - 1, 5, 78) is None
    assert kept.places.by_inode(ANNAS, 1, 5, 77) is None
    kept.places.put(BERTS, [])
    assert kept.places.by_inode(BERTS, 2**64 - 1, 5, 77) is None


def test_all_links_of_a_file_are_found_by_its_number(kept) -> None:
    rows = [place(record(path, text="12345"), inode=2**64 - 1) for path in ("b", "a")]
    kept.places.put(ANNAS, [*rows, place(record("c", text="12345"), inode=7)])
    kept.places.put(BERTS, [place(record("d", text="12345"), inode=2**64 - 1)])
    assert kept.places.links(ANNAS, 2**64 - 1) == [b"a", b"b"]
    assert kept.places.links(ANNAS, 8) == []
    many = [place(record(f"{number}", text="x"), inode=9) for number in range(70)]
    kept.places.put(ANNAS, many)
    assert len(kept.places.links(ANNAS, 9)) == 64


def test_totals_count_files(kept) -> None:
    kept.places.put(ANNAS, [place(record("a", text="12345")), place(folder("b"))])
    assert kept.places.totals(ANNAS) == kept.places.totals(ANNAS) == (1, 5)
    kept.places.put(ANNAS, [place(record("c", text="1"))])
    assert kept.places.totals(ANNAS) == (2, 6)
    kept.places.forget_memory()
    assert kept.places.totals(ANNAS) == (2, 6)
    kept.places.remove(ANNAS, [b"a"])
    assert kept.places.totals(ANNAS) == (1, 1)


def test_a_folder_with_a_folder_in_it_is_not_empty(kept) -> None:
    assert kept.places.is_empty(ANNAS)
    kept.places.put(ANNAS, [place(folder("b"))])
    assert not kept.places.is_empty(ANNAS)
    assert kept.places.is_empty(BERTS)
    kept.places.remove(ANNAS, [b"b"])
    assert kept.places.is_empty(ANNAS)


def test_an_unknown_folder_is_empty(kept) -> None:
    assert kept.places.get(BERTS, b"a") is None
    assert kept.places.under(BERTS, b"") == []
    assert kept.places.all_paths(BERTS) == []
    assert kept.places.by_inode(BERTS, 1, 1, 1) is None
    assert kept.places.links(BERTS, 1) == []
    assert kept.places.totals(BERTS) == (0, 0)


def test_it_says_how_many_totals_are_in_memory(kept) -> None:
    kept.places.put(ANNAS, [place(record("a"))])
    kept.places.totals(ANNAS)
    assert repr(kept.places) == "<Places: 1 totals>"
