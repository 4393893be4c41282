"""Former files: what is remembered of a path, in which order, and for how long."""

from __future__ import annotations

import pytest

from potluck.core.content.known_versions import KnownVersion
from potluck.engine.index import Index, former_files
from potluck.engine.index.former_files import FormerFile
from potluck.engine.index.skip_list import SkipEntry
from tests.engine.index.builders import (
    ANNAS,
    BERT,
    BERTS,
    folder,
    index,
    place,
    receive,
    record,
    root_of,
)


@pytest.fixture
def known() -> Index:
    made = index()
    made.manifests.put(ANNAS, [record("a", 1), folder("d", 2), record("d/b", 3)])
    return made


def ends(into: Index, burst: int, *paths: str) -> None:
    """These are deleted."""
    wire = [path.encode() for path in paths]
    into.former.note_ended(ANNAS, [(path, b"") for path in wire], burst)
    into.manifests.delete(ANNAS, wire, 50)


def paths(found: list[FormerFile]) -> list[bytes]:
    return [each.record.path for each in found]


def test_what_ends_is_remembered_with_its_record_and_whether_it_is_back(known: Index) -> None:
    ends(known, 4, "a", "d", "d/b")
    first, second = known.former.below(ANNAS, b"", 9)
    assert first == FormerFile(record("d/b", 0), burst=4, gone=True, back=False)
    assert second.record == record("a", 0)
    known.manifests.put(ANNAS, [record("a", 60)])
    assert [each.back for each in known.former.below(ANNAS, b"a", 9)] == [True]
    known.manifests.put(ANNAS, [record("a", 61, "new")])
    assert [each.back for each in known.former.below(ANNAS, b"a", 9)] == [False]


def test_what_is_replaced_is_remembered_and_what_only_got_another_time_is_not(known: Index) -> None:
    known.manifests.put(ANNAS, [record("empty", 4, "")])
    known.former.note_ended(
        ANNAS, [(b"a", root_of("new")), (b"d/b", root_of("d/b")), (b"empty", root_of("full"))], 1
    )
    (only,) = known.former.below(ANNAS, b"", 9)
    assert (only.record, only.gone) == (record("a", 0), False)
    ends(known, 2, "empty")  # an empty file that goes is worth a row
    assert paths(known.former.below(ANNAS, b"", 9)) == [b"empty", b"a"]


def test_the_last_is_first_and_one_content_counts_once(known: Index) -> None:
    for text in ("one", "two", "one"):
        known.manifests.put(ANNAS, [record("a", 7, text)])
        ends(known, 1, "a")
    roots = [each.record.root for each in known.former.below(ANNAS, b"a", 9)]
    assert roots == [root_of("one"), root_of("two")]
    assert len(known.former.below(ANNAS, b"a", 1)) == 1


def test_below_a_path_is_what_is_in_that_folder_and_nothing_beside(known: Index) -> None:
    known.manifests.put(ANNAS, [record("d.txt", 7), record("d0", 8)])
    ends(known, 1, "d.txt", "d0", "d/b")
    assert paths(known.former.below(ANNAS, b"d", 9)) == [b"d/b"]


def test_bursts_are_walked_backwards(known: Index) -> None:
    assert (known.former.burst(ANNAS), known.former.last_burst(ANNAS)) == (0, [])
    known.former.note_kept(ANNAS, [], "ann")
    assert (known.former.burst(BERTS), known.former.last_burst(BERTS)) == (0, [])
    ends(known, 3, "a")
    ends(known, 5, "d/b")
    assert known.former.burst(ANNAS) == 5
    assert paths(known.former.last_burst(ANNAS)) == [b"d/b"]
    assert paths(known.former.last_burst(ANNAS, 5)) == [b"a"]
    assert known.former.last_burst(ANNAS, 3) == []


def test_what_stood_here_is_found_by_its_content_in_its_own_folder_only(known: Index) -> None:
    known.places.put(ANNAS, [place(record("a")), place(folder("d")), place(record("e", text=""))])
    known.former.note_kept(ANNAS, [(b"a", b""), (b"d", b""), (b"e", b"")], "ann")
    known.places.put(BERTS, [place(record("b", text="a"))])
    assert known.former.kept(ANNAS, root_of("a"), 1) == ("ann", b"a")
    assert known.former.kept(ANNAS, root_of("a"), 2) is None  # another size: not what is wanted
    assert known.former.kept(BERTS, root_of("a"), 1) is None
    known.former.forget_kept(ANNAS, b"a", root_of("a"))
    assert known.former.kept(ANNAS, root_of("a"), 1) is None


def test_what_the_trash_may_hold_is_known_with_its_content(known: Index) -> None:
    known.places.put(BERTS, [place(record(text)) for text in ("a", "d/b", "dx")])
    known.former.note_kept(BERTS, [(b"a", b""), (b"d/b", b"")], "bert")
    known.former.note_kept(BERTS, [(b"dx", b"")], "as he was called before")
    inside = KnownVersion("bert/d/b", 3, 5, root_of("d/b"), 0, kept=True)
    assert known.former.contents(BERTS, b"d", "bert") == [inside]
    assert known.former.contents(BERTS, b"", "bert")[1:] == [inside]
    assert known.former.contents(BERTS, b"a", "another") == []
    ends(known, 1, "a")
    (own,) = known.former.contents(ANNAS, b"", "ann")
    assert own == KnownVersion("ann/a", 1, 5, root_of("a"), record("a").piece_size, kept=False)


def test_what_is_shared_of_an_own_path_is_not_said_to_be_in_the_trash_here(known: Index) -> None:
    ends(known, 1, "a")
    assert known.former.kept(ANNAS, root_of("a"), 1) is None


def test_a_content_is_known_at_its_path(known: Index) -> None:
    ends(known, 1, "a")
    asked = ((b"a", "a"), (b"a", "d/b"), (b"d/b", "a"))
    assert [known.former.has(ANNAS, path, root_of(text)) for path, text in asked] == [
        True, False, False,
    ]  # fmt: skip


def test_the_last_go_at_a_path_is_known(known: Index) -> None:
    known.former.note_ended(ANNAS, [(b"a", root_of("x"))], 1)
    known.manifests.put(ANNAS, [record("a", 4, text="x")])
    assert known.former.burst_at(ANNAS, b"a") == 1
    ends(known, 2, "a")
    assert known.former.burst_at(ANNAS, b"a") == 2
    assert known.former.burst_at(ANNAS, b"d/b") is None


def test_the_last_go_at_a_path_is_looked_up_by_that_path(known: Index) -> None:
    ((*_, plan),) = known._database.rows(f"EXPLAIN QUERY PLAN {former_files._BURST_AT}", (1, b"a"))
    assert "(manifest=? AND path=?)" in plan, "or undo of 20,000 files takes a minute"


def test_of_a_folder_that_nothing_is_known_of_nothing_is_said() -> None:
    empty = index()
    assert empty.former.below(ANNAS, b"", 9) == []
    assert empty.former.kept(ANNAS, root_of("a"), 1) is None
    assert empty.former.contents(ANNAS, b"", "ann") == []
    assert empty.former.burst(ANNAS) == 0
    assert not empty.former.has(ANNAS, b"a", root_of("a"))
    assert empty.former.burst_at(ANNAS, b"a") is None
    assert repr(empty.former) == "<FormerFiles of 0 folders>"


def test_what_went_of_others_is_counted_since_a_go_of_this_one(known: Index) -> None:
    def went(*names: str) -> None:
        known.places.put(BERTS, [place(record(name)) for name in names])
        known.former.note_kept(BERTS, [(name.encode(), b"") for name in names], "ben")

    went("x", "y")
    assert known.former.of_others(ANNAS, 0) == {BERT: 2}
    ends(known, 1, "a")
    assert known.former.of_others(ANNAS, 1) == {}
    went("x", "y", "z")
    ends(known, 2, "d/b")
    assert known.former.of_others(ANNAS, 1) == {BERT: 3}
    assert known.former.of_others(ANNAS, 2) == {}
    empty = index()
    assert empty.former.of_others(ANNAS, 0) == {}


def test_a_folder_keeps_so_many_and_takes_none_from_others(
    known: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(former_files, "FORMER_MAX", 2)
    monkeypatch.setattr(former_files, "SHRINK_EVERY", 3)
    known.places.put(BERTS, [place(record("b"))])
    known.former.note_kept(BERTS, [(b"b", b"")], "ben")
    known.manifests.put(ANNAS, [record(name, 9) for name in "vwxyz"])
    for name in "vwxy":  # the first call looks, and each third path after it
        ends(known, 1, name)
    assert paths(known.former.below(ANNAS, b"", 9)) == [b"y", b"x"]
    assert known.former.kept(BERTS, root_of("b"), 1)


def test_what_is_forgotten_of_a_folder_is_forgotten_here_too(known: Index) -> None:
    ends(known, 1, "a")
    known.forget(ANNAS)
    assert known.former.below(ANNAS, b"", 9) == []


def test_of_what_lacks_here_is_known_where_in_the_trash_it_lies() -> None:
    known, shared = index(), [record("d/b", 3), record("e", 4), record("f", 5)]
    receive(known, [*shared, folder("d", 2), record("g", 6, "never here")], 6)
    known.places.put(ANNAS, [place(each) for each in shared])
    known.former.note_kept(ANNAS, [(each.path, b"") for each in shared], "ann")
    assert known.former.wanted() == [], "it stands here"
    known.places.remove(ANNAS, [each.path for each in shared])
    assert sorted(known.former.wanted()) == [("ann", b"d/b"), ("ann", b"e"), ("ann", b"f")]
    known.former.forget_kept(ANNAS, b"e", root_of("e"))
    receive(known, [record("d/b", 3), record("new name", 8, "f"), record("f", 9, "other")], 9)
    assert sorted(known.former.wanted()) == [("ann", b"d/b"), ("ann", b"f")]
    known.skip_list.set([SkipEntry(b"", "new*")], [])
    known.needs.judge_skips(ANNAS)
    assert known.former.wanted() == [("ann", b"d/b")]
