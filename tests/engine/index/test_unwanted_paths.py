"""Unwanted paths: what is marked for them, when they end, and that nothing else is touched."""

from __future__ import annotations

import pytest

from potluck.core.content.facts import NOTHING
from potluck.engine.index.index import Index
from potluck.engine.index.skip_list import SkipEntry
from tests.engine.index.builders import ANNA, ANNAS, BERTS, folder, index, place, receive, record

EVERY = [record("a"), folder("v"), record("v/x"), record("v/y"), record("w")]


@pytest.fixture
def kept() -> Index:
    """All that ANNA shares stands here."""
    made = index()
    receive(made, EVERY, 5)
    made.places.put(ANNAS, [place(one) for one in EVERY])
    return made


def remove(kept: Index, *paths: bytes) -> None:
    kept.unwanted.add(ANNAS, paths)
    kept.places.remove(ANNAS, paths)


def skipped(kept: Index) -> list[bytes]:
    return [one.path for one, _ in kept.needs.lacking_after(ANNAS, b"", 99, skipped=True)]


def test_what_was_removed_lacks_and_is_skipped_also_another_version(kept: Index) -> None:
    remove(kept, b"a")
    assert (skipped(kept), kept.needs.skipped(ANNAS)) == ([b"a"], (1, 0, 1))
    assert kept.unwanted.has(ANNAS, b"a")
    assert not kept.unwanted.has(ANNAS, b"w")
    assert not kept.unwanted.has(BERTS, b"a")
    assert repr(kept.unwanted) == "<UnwantedPaths: of 1 manifests>"
    receive(kept, [record("a", 6, text="newer"), *EVERY[1:]], 6)
    assert (skipped(kept), kept.needs.skipped(ANNAS)) == ([b"a"], (1, 0, 5))
    assert kept.needs.is_skipped(ANNAS, b"a") is True
    assert kept.needs.is_skipped(ANNAS, b"w") is None
    assert kept.needs.is_skipped(BERTS, b"w") is None
    assert not kept.needs.bends(BERTS)
    assert kept.unwanted.first(BERTS, 9) == []


def test_it_ends_when_its_owner_drops_the_path(kept: Index) -> None:
    remove(kept, b"a", b"w")
    receive(kept, EVERY[1:], 6)
    assert (skipped(kept), kept.unwanted.first(ANNAS, 9)) == ([b"w"], [b"w"])
    receive(kept, [record("a", 7), *EVERY[1:]], 7)
    assert kept.needs.is_skipped(ANNAS, b"a") is False


def test_it_ends_when_something_stands_there_again(kept: Index) -> None:
    remove(kept, b"a")
    kept.places.put(ANNAS, [place(EVERY[0])])
    assert (kept.needs.missing(ANNAS), kept.unwanted.first(ANNAS, 9)) == (NOTHING, [])
    kept.places.remove(ANNAS, [b"a"])
    assert kept.needs.is_skipped(ANNAS, b"a") is False


def test_what_is_wanted_again_is_wanted_with_all_below_it(kept: Index) -> None:
    remove(kept, b"a", b"v", b"v/x", b"v/y")
    assert skipped(kept) == [b"a", b"v", b"v/x", b"v/y"]
    assert kept.unwanted.want(ANNAS, b"v/x") == 1
    kept.needs.judge_skips(ANNAS)
    assert skipped(kept) == [b"a", b"v/y"], "its folder is made for it"
    kept.unwanted.add(ANNAS, [b"v/x"])
    assert kept.unwanted.want(ANNAS, b"v") == 3
    assert kept.unwanted.want_these(ANNAS, [b"w", b"a"]) == 1
    remove(kept, b"a", b"w")
    assert kept.unwanted.want(ANNAS, b"") == 2


def test_a_folder_is_made_for_what_its_owner_puts_into_it_later(kept: Index) -> None:
    remove(kept, b"v", b"v/x", b"v/y")
    receive(kept, [*EVERY, record("v/deep/new", 6)], 6)
    assert skipped(kept) == [b"v/x", b"v/y"]
    kept.places.put(ANNAS, [place(record("v/deep/new", 6))])
    assert kept.needs.is_skipped(ANNAS, b"v") is False, "it stands, and has that in it"
    kept.places.put(ANNAS, [place(EVERY[1])])
    receive(kept, EVERY, 7)
    kept.places.remove(ANNAS, [b"v/deep/new", b"v"])
    assert kept.needs.is_skipped(ANNAS, b"v") is False, "the folder came back and is wanted"


def test_a_folder_is_made_for_what_is_kept_in_it(kept: Index) -> None:
    kept.places.remove(ANNAS, [one.path for one in EVERY])
    kept.skip_list.set([SkipEntry(ANNA, "/"), SkipEntry(ANNA, "!y")], [])
    kept.needs.judge_skips(ANNAS)
    assert skipped(kept) == [b"a", b"v/x", b"w"]
    receive(kept, [one for one in EVERY if one.path != b"v/y"], 6)
    assert skipped(kept) == [b"a", b"v", b"v/x", b"w"]


def test_a_forgotten_folder_leaves_nothing(kept: Index) -> None:
    remove(kept, b"a")
    kept.forget(ANNAS)
    assert kept.unwanted.first(ANNAS, 9) == []
    assert repr(kept.unwanted) == "<UnwantedPaths: of 0 manifests>"


def test_after_a_rollback_it_is_as_before(kept: Index) -> None:
    kept.commit()
    kept.begin()
    remove(kept, b"a")
    assert kept.unwanted.has(ANNAS, b"a")
    kept.rollback()
    kept.begin()
    assert not kept.unwanted.has(ANNAS, b"a")
    assert kept.needs.missing(ANNAS) == NOTHING
