"""Needs: exactly the paths about which `core.reconcile.decide` has something to say.

Strategy: every kind of difference is made between a record and a place, and the table is compared
with `decide` itself.
"""

from __future__ import annotations

import msgspec
import pytest

from potluck.core import limits
from potluck.core.content.facts import NOTHING
from potluck.core.content.reconcile import Act, decide
from potluck.engine.index.skip_list import SkipEntry
from tests.engine.index.builders import ANNAS, BERTS, folder, index, place, receive, record


@pytest.fixture
def kept():
    made = index()
    yield made
    made.close()


WANTED = record("a", text="text")
EXACT = place(WANTED)
VARIANTS = [
    None,
    EXACT,
    place(WANTED, inode=99, ctime_ns=99),
    place(record("a", text="other text")),
    msgspec.structs.replace(EXACT, mtime_ns=6),
    msgspec.structs.replace(EXACT, executable=True),
    place(folder("a")),
]


@pytest.mark.parametrize("wanted", [WANTED, folder("a")])
@pytest.mark.parametrize("stands", VARIANTS)
@pytest.mark.parametrize("place_first", [True, False])
def test_a_path_is_lacking_exactly_if_there_is_something_to_do(
    kept, wanted, stands, place_first
) -> None:
    if place_first and stands:
        kept.places.put(ANNAS, [stands])
    receive(kept, [wanted], 1)
    if not place_first and stands:
        kept.places.put(ANNAS, [stands])
    to_do = decide(wanted, stands, None).act is not Act.NOTHING
    expected = [(wanted, stands)] if to_do else []
    assert kept.needs.lacking_after(ANNAS, b"", 9) == expected
    assert sum(kept.needs.missing(ANNAS)[:2]) == len(expected)


def test_what_lacks_is_known_by_the_numbers_of_its_changes(kept) -> None:
    receive(kept, [record("a", 4), record("b", 2), folder("c", 9)], 9)
    assert sorted(kept.needs.seqs(ANNAS, 9)) == [2, 4, 9]
    assert len(kept.needs.seqs(ANNAS, 2)) == 2
    kept.places.put(ANNAS, [place(record("b", 2))])
    assert sorted(kept.needs.seqs(ANNAS, 9)) == [4, 9]
    assert kept.needs.seqs(BERTS, 9) == []


def test_what_is_skipped_lacks_and_is_marked(kept) -> None:
    every = [record("a.iso", text="123"), folder("v"), record("v/x", text="12345"), record("w")]
    receive(kept, every, 4)
    assert kept.needs.skipped(ANNAS) == NOTHING
    kept.skip_list.set([SkipEntry(ANNAS.owner, "/v/"), SkipEntry(b"", "*.iso")], [])
    kept.needs.judge_skips(ANNAS)
    assert kept.needs.missing(ANNAS) == (3, 1, 9)
    assert kept.needs.skipped(ANNAS) == (2, 1, 8)
    assert kept.needs.rest(ANNAS, b"", 9, deep=True) == (1, 1)
    assert len(kept.needs.lacking_after(ANNAS, b"", 9)) == 4
    assert kept.needs.skips_any(ANNAS, b"v")
    assert kept.needs.skips_any(ANNAS, b"a.iso")
    assert not kept.needs.skips_any(ANNAS, b"w")
    assert not kept.needs.skips_any(BERTS, b"v")
    assert [one.path for one, _ in kept.needs.lacking_after(ANNAS, b"", 9, skipped=False)] == [b"w"]
    assert len(kept.needs.lacking_after(ANNAS, b"", 9, skipped=True)) == 3
    # what stands here is no need, skipped or not, and what goes again is skipped
    kept.places.put(ANNAS, [place(every[0])])
    assert kept.needs.skipped(ANNAS) == (1, 1, 5)
    kept.places.remove(ANNAS, [b"a.iso"])
    assert kept.needs.skipped(ANNAS) == (2, 1, 8)
    # what is new is judged as it comes
    receive(kept, [*every, record("b.iso", 5, text="1")], 5)
    assert kept.needs.skipped(ANNAS) == (3, 1, 9)
    kept.skip_list.set([], [])
    kept.needs.judge_skips(ANNAS)
    assert kept.needs.skipped(ANNAS) == NOTHING
    kept.needs.judge_skips(BERTS)
    assert kept.needs.skipped(BERTS) == NOTHING


def test_needs_follow_records_and_places(kept) -> None:
    receive(kept, [record("a"), record("b/c", text="12345"), folder("b")], 3)
    assert kept.needs.missing(ANNAS) == (2, 1, 6)
    assert kept.needs.missing(ANNAS) == (2, 1, 6)
    paths = [one.path for one, _ in kept.needs.lacking_after(ANNAS, b"", 9)]
    assert paths == [b"a", b"b", b"b/c"]
    assert [one.path for one, _ in kept.needs.lacking_after(ANNAS, b"a", 1)] == [b"b"]
    kept.places.put(ANNAS, [place(folder("b")), place(record("b/c", text="12345"))])
    assert kept.needs.missing(ANNAS) == (1, 0, 1)
    kept.needs.forget_memory()
    assert kept.needs.missing(ANNAS) == (1, 0, 1)
    kept.places.remove(ANNAS, [b"b/c"])
    assert kept.needs.missing(ANNAS) == (2, 0, 6)
    receive(kept, [record("a", 9)], 9)
    assert kept.needs.missing(ANNAS) == (1, 0, 1)


def test_a_touch_needs_no_bytes(kept) -> None:
    kept.places.put(ANNAS, [place(record("a", text="12345"))])
    receive(kept, [record("a", text="12345", mtime_ns=6)], 1)
    assert kept.needs.missing(ANNAS) == (1, 0, 0)


def test_surplus_is_what_stands_and_is_not_wanted_children_first(kept) -> None:
    places = [place(folder("b")), place(record("b/c")), place(record("a")), place(record("d"))]
    kept.places.put(ANNAS, places)
    receive(kept, [record("a")], 1)
    assert [row.path for row in kept.needs.surplus(ANNAS)] == [b"d", b"b/c", b"b"]


def test_the_own_folder_has_no_needs(kept) -> None:
    kept.manifests.put(ANNAS, [record("a")])
    kept.places.put(ANNAS, [place(record("a", text="other"))])
    assert kept.needs.lacking_after(ANNAS, b"", 9) == []


def test_an_unknown_manifest_needs_nothing(kept) -> None:
    assert kept.needs.lacking_after(BERTS, b"", 9) == []
    assert kept.needs.surplus(BERTS) == []
    assert kept.needs.missing(BERTS) == NOTHING


def test_sizes_that_are_lies_cannot_overflow(kept) -> None:
    huge = [
        msgspec.structs.replace(record(f"{n}", n), size=limits.FILE_MAX_BYTES) for n in range(20)
    ]
    kept.manifests.stage(ANNAS, huge, [])
    receive(kept, huge, 20)
    assert kept.needs.missing(ANNAS) == (20, 0, limits.FILE_MAX_BYTES)
    assert kept.manifests.amount(ANNAS).size_bytes == 20 * limits.FILE_MAX_BYTES


def test_the_rest_of_a_folder_within_bounds(kept) -> None:
    large = msgspec.structs.replace(record("a/f/large", 4), size=limits.PIECE_MIN_BYTES + 1)
    few = [folder("a", 1), record("a/1", 2), record("a/2", 3), large, record("b", 5)]
    kept.manifests.stage(ANNAS, few, [])
    receive(kept, few, 5)
    assert kept.needs.rest(ANNAS, b"a", 9, deep=True) == (3, 2)
    assert kept.needs.rest(ANNAS, b"a", 9, deep=False) == (2, 2)
    assert kept.needs.rest(ANNAS, b"a/f", 9, deep=False) == (1, 0)
    assert kept.needs.rest(ANNAS, b"", 9, deep=False) == (1, 1)
    assert kept.needs.rest(ANNAS, b"", 4, deep=True) == (3, 2)
    assert kept.needs.rest(ANNAS, b"c", 9, deep=True) == (0, 0)
    assert kept.needs.rest(BERTS, b"", 9, deep=True) == (0, 0)


def test_it_says_how_many_counts_are_in_memory(kept) -> None:
    receive(kept, [record("a")], 1)
    kept.needs.missing(ANNAS)
    assert repr(kept.needs) == "<Needs: 1 counts>"


def test_a_folder_is_skipped_only_while_nothing_wanted_lacks_below_it(kept) -> None:
    every = [folder("v"), record("v/x"), record("v/y"), record("w")]
    receive(kept, every, 4)
    assert (kept.needs.bends(ANNAS), kept.needs.bends(BERTS)) == (False, False)
    kept.skip_list.set([SkipEntry(b"", "/"), SkipEntry(b"", "!y")], [])
    kept.needs.judge_skips(ANNAS)
    assert kept.needs.bends(ANNAS)
    marks = {one.path: kept.needs.is_skipped(ANNAS, one.path) for one in every}
    assert marks == {b"v": False, b"v/x": True, b"v/y": False, b"w": True}
    kept.places.put(ANNAS, [place(record("v/y"))])
    assert kept.needs.is_skipped(ANNAS, b"v") is False, "it stands with what is in it"
    receive(kept, [every[0], every[1], every[3]], 5)
    kept.places.remove(ANNAS, [b"v/y"])
    assert kept.needs.is_skipped(ANNAS, b"v") is True
    assert kept.needs.is_skipped(ANNAS, b"nothing") is None
    assert kept.needs.is_skipped(BERTS, b"v") is None
