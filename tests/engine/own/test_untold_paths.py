"""Untold paths: what waits to be told is not here as the list says."""

from __future__ import annotations

import pytest

from potluck.core.content.facts import NOTHING, Amount
from potluck.engine.own.pending_record import PendingRecord, record_about
from tests.engine.index.builders import place, record
from tests.engine.owntree import Own


@pytest.fixture
def own() -> Own:
    """A device that shares a few files, and has another machine with its identity beside it."""
    own = Own()
    for path, text in (("a", "alpha"), ("b", "beta"), ("c", "gamma"), ("d/e", "delta")):
        own.write(path, text)
    own.folders = {"d"}
    own.touch("a", "b", "c", "d", "d/e")
    own.settle()
    own.node.cloned = True
    return own


def found(own: Own) -> None:
    """What was touched is looked at and read; nothing of it is told."""
    for _ in range(50):
        while own.todo:
            own.answer()
        own.tick(0.1)


FROZEN = "not told yet: nothing is told to the others while two machines run with this identity"


def test_where_nothing_waits_all_is_here(own: Own) -> None:
    untold = own.own_folder.untold
    assert (untold.amount, b"a" in untold, untold.lacks_below(b"")) == (NOTHING, False, False)
    assert (untold.words(b"a"), untold.words(b"")) == ("", "")
    assert repr(untold) == "<UntoldPaths (0, 0, 0)>"
    assert not untold.lacks_any


def test_what_was_edited_or_removed_is_not_here_and_what_is_new_is_told(own: Own) -> None:
    own.write("a", "other")
    own.write("n", "new")
    own.write("d/f", "one more")
    own.remove("b")
    own.remove("d/e")
    own.touch("a", "b", "n", "d/e", "d/f")
    found(own)
    untold = own.own_folder.untold
    assert untold.lacks_any
    assert untold.amount == Amount(3, 0, 5 + 4 + 5)
    assert [path in untold for path in (b"a", b"b", b"c", b"n", b"d")] == [
        True, True, False, False, False,
    ]  # fmt: skip
    assert [untold.lacks_below(path) for path in (b"", b"a", b"c", b"d", b"n")] == [
        True, True, False, True, False,
    ]  # fmt: skip
    for path, what in [
        (b"a", "another content stands here (5 B)"),
        (b"b", "it was removed here"),
        (b"n", "it is new here"),
        (b"d", "2 paths in it changed here"),
        (b"", "5 paths in it changed here"),
    ]:
        assert untold.words(path) == f"{what}, {FROZEN}"
    own.node.cloned = False
    assert untold.words(b"b").endswith("the newest changes are about to be told to the others")
    own.node.share_present = False
    assert untold.words(b"b") == "", "nobody sees what stands there"


def test_the_same_content_with_another_date_is_here(own: Own) -> None:
    own.write("a", "alpha")
    own.touch("a")
    found(own)
    untold = own.own_folder.untold
    assert (b"a" in untold, untold.amount, untold.lacks_below(b"a")) == (False, NOTHING, False)
    assert untold.words(b"a").startswith("it has another date here, or may be run or not, ")


def test_a_file_in_the_place_of_a_folder_is_something_else(own: Own) -> None:
    own.remove("d/e")
    own.folders = set()
    own.write("d", "a file")
    own.touch("d", "d/e")
    found(own)
    untold = own.own_folder.untold
    assert untold.words(b"d").startswith("a file stands here, ")
    assert untold.amount == Amount(1, 1, 5)
    assert b"d/e" in untold


def test_what_is_absent_for_another_reason_counts_once(own: Own) -> None:
    own.publishing.damaged.note(b"a", b"r" * 32, own.files["a"].stat)
    own.publishing.damaged.note(b"c", b"r" * 32, own.files["c"].stat)
    own.remove("b")
    own.touch("b")
    found(own)
    untold = own.own_folder.untold
    assert untold.amount == Amount(3, 0, 5 + 5 + 4)
    assert (b"c" in untold, untold.words(b"c")) == (True, "")
    own.publishing.untold[1][b"c"] = None  # type: ignore[index]
    assert untold.amount.files == 3


def test_what_stands_where_a_folder_is_held_is_not_shared(own: Own) -> None:
    row = place(record("d"))
    before = own.published()["d"]
    own.publishing.kept[b"d"] = PendingRecord(row, record_about(row, 1), before)
    assert own.own_folder.untold.words(b"d") == (
        "a file stands here, not shared: what is shared there is held, until it is brought back or"
        " let go"
    )
