"""Losses: what stands and is not wanted, and which contents live on under another path."""

from __future__ import annotations

import msgspec
import pytest

from potluck.core import limits
from potluck.core.content.loss_window import Loss
from tests.engine.index.builders import (
    ANNAS,
    BERTS,
    folder,
    index,
    piece_list,
    place,
    receive,
    record,
    records,
    root_of,
)


@pytest.fixture
def kept():
    made = index()
    yield made
    made.close()


def test_a_file_is_lost_if_its_owner_wants_nothing_or_something_else_there(kept) -> None:
    before = [record(name) for name in "abcd"]
    receive(kept, [*before, folder("f")], 1)
    kept.places.put(ANNAS, [*map(place, before), place(folder("f"))])
    after = [before[0], record("b", text=""), folder("c")]
    receive(kept, [*after, record("new")], 2)
    paths = [b"d", b"c", b"b", b"a", b"f", b"new", b"nothing", b"b"]
    found = kept.losses.among(ANNAS, paths)
    assert found == [
        Loss(b"b", 1, root_of("b"), replaced=True, change=after[1].seq),
        Loss(b"c", 1, root_of("c"), replaced=True, change=after[2].seq),
        Loss(b"d", 1, root_of("d"), replaced=False, change=2),
    ]
    kept.manifests.raise_floor(ANNAS, 2)
    assert [loss.change for loss in kept.losses.among(ANNAS, [b"b", b"d"])] == [after[1].seq, 0]
    assert kept.losses.among(BERTS, paths) == []
    assert repr(kept.losses) == "<Losses in :memory:>"


def test_another_time_or_x_bit_is_no_loss(kept) -> None:
    kept.places.put(ANNAS, [place(record("a"))])
    receive(kept, [record("a", mtime_ns=99, executable=True)], 1)
    assert kept.losses.among(ANNAS, [b"a"]) == []


def test_very_many_paths_are_asked_for_in_slices(kept) -> None:
    many = records(600)
    receive(kept, many, 1)
    kept.places.put(ANNAS, list(map(place, many)))
    receive(kept, [], 2)
    assert len(kept.losses.among(ANNAS, [each.path for each in many])) == 600


def lost(kept, *names: str) -> list[Loss]:
    found = kept.losses.among(ANNAS, [name.encode() for name in names])
    assert len(found) == len(names)
    return found


def test_a_content_lives_on_where_it_is_lacking_or_stands(kept) -> None:
    before = [record("a"), record("b"), record("c"), record("twin", text="b")]
    kept.places.put(ANNAS, list(map(place, before)))
    receive(kept, [record("new", text="a"), record("twin", text="b")], 2)
    found = lost(kept, "a", "b", "c")
    assert kept.losses.living_on(ANNAS, found) == {b"a", b"b"}
    assert kept.losses.living_on(ANNAS, []) == set()
    assert kept.losses.living_on(BERTS, found) == set()


def test_a_content_that_only_stands_and_is_not_wanted_does_not_live_on(kept) -> None:
    kept.places.put(ANNAS, [place(record("a", text="x")), place(record("b", text="x"))])
    receive(kept, [], 2)
    assert kept.losses.living_on(ANNAS, lost(kept, "a", "b")) == set()


def test_a_record_that_nobody_could_fetch_keeps_nothing_alive(kept) -> None:
    kept.places.put(ANNAS, [place(record("a")), place(record("b"))])
    wrong_size = msgspec.structs.replace(record("x", text="a"), size=2)
    wrong_pieces = msgspec.structs.replace(
        record("y", text="b"), piece_size=2 * limits.PIECE_MIN_BYTES
    )
    receive(kept, [wrong_size, wrong_pieces], 2)
    assert kept.losses.living_on(ANNAS, lost(kept, "a", "b")) == set()
    kept.places.put(ANNAS, [place(wrong_size)])  # as if it stood
    kept.places.put(ANNAS, [msgspec.structs.replace(place(wrong_size), size=1)])
    assert kept.losses.living_on(ANNAS, lost(kept, "a", "b")) == set()


def test_a_large_content_lives_on_with_the_pieces_that_are_known(kept) -> None:
    content = piece_list(3)
    size, pieces = content.size_bytes, content.piece_size
    big = msgspec.structs.replace(record("big"), root=content.root, size=size, piece_size=pieces)
    kept.contents.put(content)
    kept.places.put(ANNAS, [place(big)])
    moved = msgspec.structs.replace(big, path=b"moved")
    receive(kept, [msgspec.structs.replace(moved, piece_size=2 * pieces)], 2)
    assert kept.losses.living_on(ANNAS, lost(kept, "big")) == set()
    receive(kept, [moved], 3)
    assert kept.losses.living_on(ANNAS, lost(kept, "big")) == {b"big"}


def test_as_many_empty_files_as_are_lacking_count_as_renamed(kept) -> None:
    kept.places.put(ANNAS, [place(record(name, text="")) for name in "abc"])
    receive(kept, [record("x", text=""), record("y", text="")], 2)
    assert len(kept.losses.living_on(ANNAS, lost(kept, "a", "b", "c"))) == 2


def test_of_very_many_all_records_are_looked_at_once(kept) -> None:
    many = [record(f"{number:03}") for number in range(300)]
    kept.places.put(ANNAS, [*map(place, many), place(record("twin", text="001"))])
    receive(kept, [record("new", text="000"), record("twin", text="001")], 2)
    found = lost(kept, *(f"{number:03}" for number in range(300)))
    assert kept.losses.living_on(ANNAS, found) == {b"000", b"001"}
