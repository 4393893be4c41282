"""Listings: a walk in order, in steps of any size, and what it adds up to."""

from __future__ import annotations

import msgspec
import pytest

from potluck.core import limits
from potluck.engine.index.listings import Amounts, Listed, ListLine, Span
from tests.engine.index.builders import (
    ANNAS,
    BERTS,
    folder,
    index,
    place,
    receive,
    record,
)

NAMES = ["a", "a b", "a/x", "a/é", "ab"]


@pytest.fixture
def kept():
    made = index()
    yield made
    made.close()


def test_spans_meet_just_the_paths_they_name(kept) -> None:
    kept.manifests.put(ANNAS, [folder("a", 1), *(record(name, 2) for name in NAMES[1:])])

    def paths(span: Span, limit: int = 9) -> list[str]:
        found = kept.listings.page(ANNAS, span, limit)
        lines = [line.path for line in kept.listings.lines(ANNAS, span, limit)]
        assert [one.record.path for one in found] == lines
        return [path.decode() for path in lines]

    assert paths(Span.below(b"")) == NAMES
    assert paths(Span.below(b""), 2) == NAMES[:2]
    assert paths(Span.below(b"", b"a b")) == ["a/x", "a/é", "ab"]
    assert paths(Span.below(b"a/")) == ["a/x", "a/é"]
    assert paths(Span.below(b"a/", b"a/x")) == ["a/é"]
    assert paths(Span.below(b"a/", b"a")) == ["a/x", "a/é"], "what was before it begins it"
    assert paths(Span.of(b"a")) == ["a"]
    assert paths(Span.of(b"a/")) == []


def test_what_lacks_and_what_is_here(kept) -> None:
    records = [folder("f", 1), record("f/1", 2, "five!"), record("f/2", 3, "six"), folder("g", 4)]
    receive(kept, records, 4)
    everything = Span.below(b"")
    assert kept.listings.page(ANNAS, everything, 2) == [
        Listed(records[0], lacking=True),
        Listed(records[1], lacking=True),
    ]
    assert kept.listings.amounts(ANNAS, everything, 9) == Amounts(2, 2, 8, 0, b"g", 4)
    kept.places.put(ANNAS, [place(one) for one in records[:2]])
    assert kept.listings.lines(ANNAS, everything, 3) == [
        ListLine(b"f", is_folder=True, size=0, here=True),
        ListLine(b"f/1", is_folder=False, size=5, here=True),
        ListLine(b"f/2", is_folder=False, size=3, here=False),
    ]
    assert kept.listings.amounts(ANNAS, everything, 9) == Amounts(2, 2, 8, 1, b"g", 4)
    assert kept.listings.amounts(ANNAS, everything, 2) == Amounts(1, 1, 5, 1, b"f/1", 2)


def test_nothing_adds_up_to_nothing(kept) -> None:
    kept.manifests.put(ANNAS, [record("a", 1)])
    nothing = Amounts(0, 0, 0, 0, b"", 0)
    assert kept.listings.amounts(ANNAS, Span.below(b"b"), 9) == nothing
    assert kept.listings.amounts(BERTS, Span.below(b""), 9) == nothing
    assert kept.listings.page(BERTS, Span.below(b""), 9) == []
    assert kept.listings.lines(BERTS, Span.below(b""), 9) == []


def test_small_files_directly_in_a_folder_are_counted_in_parts(kept) -> None:
    large = msgspec.structs.replace(record("f/large", 9), size=limits.PIECE_MIN_BYTES + 1)
    kept.manifests.put(ANNAS, [folder("f", 1), record("f/1", 2), record("f/2", 3), large,
                               folder("f/g", 4), record("f/g/1", 5), record("g", 6)])  # fmt: skip
    below = Span.below(b"f/")
    assert kept.listings.small_files(ANNAS, below, 2, 9) == (2, b"f/large", 5)
    assert kept.listings.small_files(ANNAS, below, 2, 2) == (2, b"f/2", 2)
    rest = Span.below(b"f/", b"f/2")
    assert kept.listings.small_files(ANNAS, rest, 2, 9) == (0, b"f/large", 3)
    assert kept.listings.small_files(ANNAS, Span.below(b""), 0, 9) == (1, b"g", 7)
    assert kept.listings.small_files(BERTS, below, 2, 9) == (0, b"", 0)
