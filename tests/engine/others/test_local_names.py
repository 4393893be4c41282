"""Names that a receiver's disk takes for one, or cannot hold: which are placed, and what is told.

Strategy: the real receiving over a fake disk that folds names (tests/fakes/folding.py), which fails
the test when two names that are one stand beside each other.
"""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from potluck.core.content.facts import ManifestName, Spot
from potluck.core.content.loss_window import Loss
from potluck.core.content.name_limits import CaseFolding, NameLimits
from potluck.core.content.paths import not_portable, parse_wire_path
from potluck.core.content.spellings import Spellings
from potluck.core.wire.catalogue import FileRecord
from potluck.engine.others.local_names import LocalNames
from potluck.engine.troubles import TroubleKind
from tests.engine import builders
from tests.engine.index.builders import folder, record
from tests.engine.receiver import ANNAS, BERT, Disk, Receiver

FAT = NameLimits(CaseFolding.ALL, refused=frozenset({not_portable("a:b")}))


def receiver(disk: Disk | None = None, **others) -> Receiver:
    made = Receiver(disk=disk or Disk(FAT), **others)
    made.start()
    made.link()
    return made


@pytest.fixture
def r() -> Receiver:
    return receiver()


def files(*paths: str) -> list[FileRecord]:
    """Files whose content is their path, and the folders they are in."""
    folders = {path.rpartition("/")[0] for path in paths} - {""}
    return [*map(folder, sorted(folders)), *map(record, paths)]


def troubles(r: Receiver) -> dict[str, str]:
    return {trouble.subject: trouble.reason for trouble in r.node.troubles.of(TroubleKind.BLOCKED)}


def content(r: Receiver, path: str) -> bytes:
    return r.disk.files[f"d2/{path}"][0]


# -- which are placed ------------------------------------------------------------------------------
@pytest.mark.parametrize("order", [("Foo", "foo"), ("foo", "Foo")])
def test_the_byte_smaller_is_placed_whichever_came_first(r: Receiver, order) -> None:
    r.share(files(order[0]))
    assert r.stands() == {order[0]}
    r.share(files(*order))
    assert r.stands() == {"Foo"}
    assert content(r, "Foo") == record("Foo").root
    reason = "it is not placed: this disk takes its name and d2/Foo for one, and that one comes"
    assert troubles(r) == {"d2/foo": f"{reason} first; give one of them another name on d2"}
    assert r.codes().count("kept_out") == 1
    assert r.disk.trash == (["d2/foo"] if order[0] == "foo" else [])
    assert r.disk.aside == []
    batches = len(r.batches)
    r.run(600)
    assert len(r.batches) == batches, "nothing is placed and removed in turns"
    assert r.lacking() == 1, "and it is not said that all is here"


def test_files_that_give_way_are_told_as_what_this_device_does(r: Receiver) -> None:
    r.share(files("a1", "a2", "x"))
    r.share(files("a1", "a2", "A1", "A2"))
    assert r.disk.trash == ["d2/x", "d2/a2", "d2/a1"]
    (told,) = [tell for tell in r.told if tell.code == "gave_way"]
    expected = (
        "d2/a1 and 1 more: in the trash here now, though shared by d2: it is not placed: this"
    )
    assert told.text.startswith(f"{expected} disk takes its name and d2/A1 for one")
    assert (told.level, told.subject) == ("warning", "d2/a1")


def test_a_file_that_was_put_aside_or_is_one_alone_is_told_as_it_is(r: Receiver) -> None:
    r.share(files("a1", "b1"))
    r.disk.edit("d2/b1", b"other", 5)
    r.share(files("a1", "b1", "A1", "B1"))
    told = [tell.text for tell in r.told if tell.code == "gave_way"]
    assert [text.partition(":")[0] for text in told] == ["d2/a1"]


def test_what_was_kept_out_comes_when_the_other_one_is_gone(r: Receiver) -> None:
    r.share(files("Foo", "foo"))
    r.share(files("foo"))
    assert r.stands() == {"foo"}
    assert content(r, "foo") == record("foo").root
    assert r.disk.trash == ["d2/Foo"]
    assert not troubles(r)
    assert not r.lacking()


def test_of_two_folders_one_is_placed_and_the_other_one_with_all_in_it_is_one_trouble(r) -> None:
    r.share(files("photos/two", "photos/three", "Photos/one", "x"))
    assert r.stands() == {"Photos", "Photos/one", "x"}
    assert len(troubles(r)) == 1
    assert r.codes().count("kept_out") == 1
    r.share(files("photos/two", "photos/three", "x"))
    assert r.stands() == {"photos", "photos/two", "photos/three", "x"}
    assert not troubles(r)


@pytest.mark.parametrize("files_before", [25, 3])
def test_a_folder_that_stands_gives_way_to_no_other_spelling(r: Receiver, files_before) -> None:
    """Else an owner that makes `TUNE` beside it has it go to the trash, and says nothing of it."""
    tune = [f"in/Tune/b{number}" for number in range(files_before)]
    upper = [f"in/TUNE/b{number}" for number in range(5)]
    above = folder("in")
    r.share([above, *files(*tune)])
    stood = r.stands()
    r.share([above, *files(*tune, "in/Tune/new", *upper)])
    assert r.stands() == stood | {"in/Tune/new"}, "what stays is followed as ever"
    assert r.disk.trash == []
    ((subject, reason),) = troubles(r).items()
    assert subject.startswith("d2/in/TUNE")
    expected = "takes its name and d2/in/Tune for one, and that one comes first; give one of them"
    assert expected in reason
    assert r.codes().count("kept_out") == 1
    assert r.lacking() == 6, "the five, and their folder"


@pytest.mark.parametrize("left", [20, 1, 0])
def test_what_was_decided_stays_however_little_is_left_and_across_restarts(r, left: int) -> None:
    tune, upper = [[f"{name}/b{n}" for n in range(25)] for name in ("Tune", "TUNE")]
    r.share(files(*tune))
    r.share(files(*tune, *upper))
    rest = [folder("Tune"), *map(record, tune[:left]), *files(*upper)]
    r.share(rest)
    stands = {"Tune", *tune[:left]}
    assert r.stands() == stands
    again = receiver(r.disk, index=r.node.index, run=2, now=100.0)
    again.share([*rest, record("Tune/more"), record("TUNE/more")])
    assert again.stands() == {*stands, "Tune/more"}
    assert len(again.disk.trash) == 25 - left, "only what its owner deleted"
    again.share(files(*upper))
    assert again.stands() == {"TUNE", *upper}
    assert not troubles(again)


def test_of_a_folder_that_is_kept_out_nothing_serves_as_a_file_that_leaves(r: Receiver) -> None:
    same = record("Tune/b1", text="same")
    r.share([folder("Tune"), same])
    both = [folder("Tune"), same, folder("TUNE"), record("TUNE/b1", text="same")]
    r.share([*both, record("copy", text="same")])
    assert r.stands() == {"Tune", "Tune/b1", "copy"}


def test_what_is_in_a_folder_that_stays_is_decided_by_the_same_rule(r: Receiver) -> None:
    r.share(files("photos/1"))
    r.share(files("photos/1", "Photos/A", "photos/a", "photos/A"))
    assert r.stands() == {"photos", "photos/1", "photos/A"}
    r.share(files("Photos/A", "Photos/x"))
    assert r.stands() == {"Photos", "Photos/A", "Photos/x"}
    assert not troubles(r)


def test_a_folder_that_comes_to_stand_while_the_other_one_is_shared_is_the_one(r: Receiver) -> None:
    r.hold_place = True
    r.share(files("Tune/b1"))
    r.share(files("Tune/b1", "Tune/b2", "TUNE/b1"))
    r.hold_place = False
    while r.places:
        r.call(r.place)
        r.run()
    assert r.stands() == {"Tune", "Tune/b1", "Tune/b2"}
    assert {subject.split(" and ")[0] for subject in troubles(r)} == {"d2/TUNE"}
    assert r.disk.trash == []


def test_a_folder_that_its_owner_makes_a_file_of_stays_no_more(r: Receiver) -> None:
    r.share(files("doc/in"))
    r.share([record("DOC"), record("doc")])
    assert r.stands() == {"DOC"}


def test_a_folder_that_nobody_names_stays_for_what_is_in_it(r: Receiver) -> None:
    r.share([record("doc/in")])
    r.share([record("doc/in"), record("DOC/x")])
    assert r.stands() == {"doc", "doc/in"}


def test_when_the_person_here_removes_what_stood_the_smaller_one_comes(r: Receiver) -> None:
    r.share(files("a/b"))
    r.share(files("a/b", "A/a"))
    assert r.stands() == {"a", "a/b"}
    del r.disk.files["d2/a/b"]
    r.disk.folders.discard("d2/a")
    paths = [b"a/b", b"a"]
    r.node.index.places.remove(ANNAS, paths)
    r.call(lambda: r.receiving.on_disturbed(ANNAS, paths))
    r.run()
    assert r.stands() == {"A", "A/a"}
    assert {subject.split(" and ")[0] for subject in troubles(r)} == {"d2/a"}


def test_a_file_and_a_folder_of_one_name(r: Receiver) -> None:
    r.share(files("doc/in"))
    r.share([*files("doc/in"), record("DOC")])
    assert r.stands() == {"doc", "doc/in"}, "the folder stands here"
    r.share([record("DOC")])
    assert r.stands() == {"DOC"}
    r.share([*files("doc/in"), record("DOC")])
    assert r.stands() == {"DOC"}
    r.share(files("doc/in"))
    assert r.stands() == {"doc", "doc/in"}


def test_what_the_disk_cannot_hold_is_never_fetched_and_is_one_trouble(r: Receiver) -> None:
    r.share(files("a:b", "c:d/e", "ok"))
    assert r.stands() == {"ok"}
    assert record("a:b").root not in r.asked
    why = not_portable("a:b")
    reason = f"this disk cannot hold such a name: {why}; give it another one on d2"
    assert troubles(r) == {"d2/a:b and 2 more": reason}
    assert r.codes().count("kept_out") == 1
    r.share(files("a", "ok"))
    assert r.stands() == {"a", "ok"}
    assert not troubles(r)


def test_the_next_run_decides_the_same_and_fetches_nothing(r: Receiver) -> None:
    r.share(files("Foo", "foo", "b/x", "B/y"))
    stood = r.stands()
    again = receiver(r.disk, index=r.node.index, run=2, now=100.0)
    assert again.stands() == stood == {"Foo", "B", "B/y"}
    assert not again.asked
    assert len(troubles(again)) == 2
    again.share(files("foo", "b/x", "B/y"))
    assert again.stands() == {"foo", "B", "B/y"}


# -- another spelling of one name ------------------------------------------------------------------
def test_a_file_whose_name_changes_its_case_moves_and_is_not_fetched_again(r: Receiver) -> None:
    r.share([record("foo", text="same")])
    r.share([record("Foo", text="same")])
    assert r.stands() == {"Foo"}
    r.share([record("foo", text="same")])
    assert r.stands() == {"foo"}
    assert len(r.asked) == 1
    assert (r.disk.trash, r.disk.aside) == ([], [])


def test_a_file_that_changes_with_its_case_goes_to_the_trash_first(r: Receiver) -> None:
    r.share([record("Foo", text="old")])
    r.share([record("foo", text="new")])
    assert r.stands() == {"foo"}
    assert (r.disk.trash, r.disk.aside) == (["d2/Foo"], [])
    assert not troubles(r)


def test_a_folder_whose_name_changes_its_case_keeps_what_is_in_it(r: Receiver) -> None:
    r.share([folder("A"), record("A/a"), record("A/b"), record("A/c", text="old")])
    asked = len(r.asked)
    r.share([folder("a"), record("a/a", text="A/a"), record("a/c", text="new")])
    assert r.stands() == {"a", "a/a", "a/c"}
    assert content(r, "a/c") == record("x", text="new").root
    assert len(r.asked) == asked + 1, "only what is new is fetched"
    assert sorted(r.disk.trash) == ["d2/a/b", "d2/a/c"]
    assert r.disk.aside == []
    assert not troubles(r)


def test_a_folder_in_which_something_is_held_is_not_spelled_otherwise(r: Receiver) -> None:
    r.share(files("A/a"))
    r.share(files("a/b"), held=True)
    assert r.stands() == {"A", "A/a"}
    assert "waits until d2/A" in troubles(r)["d2/a"]
    assert "kept_out" not in r.codes(), "it may be over in a moment"


def test_a_folder_whose_losses_are_held_is_not_spelled_otherwise(r: Receiver) -> None:
    kept = [record(f"A/{number}") for number in range(3)]
    r.share([folder("A"), *kept])
    losses = [Loss(each.path, each.size, each.root, replaced=False) for each in kept]
    r.breaker.held.hold(ANNAS, 1, losses)
    r.share(files("a/new"))
    assert r.stands() == {"A", "A/0", "A/1", "A/2"}


def test_a_folder_does_not_become_what_a_file_was(r: Receiver) -> None:
    r.share([record("DOC")])
    r.share(files("doc/in"))
    assert r.stands() == {"doc", "doc/in"}
    assert r.disk.trash == ["d2/DOC"]


def test_folders_one_in_the_other_change_their_case(r: Receiver) -> None:
    r.share([folder("A"), folder("A/B"), record("A/B/c", text="c")])
    r.share([folder("a"), folder("a/b"), record("a/b/C", text="c")])
    assert r.stands() == {"a", "a/b", "a/b/C"}
    assert len(r.asked) == 1


# -- what it asks ----------------------------------------------------------------------------------
def test_where_names_are_taken_as_they_are_nothing_is_read() -> None:
    node = builders.node(1)
    names = LocalNames(node)
    assert names.keeps_out(Spot(ANNAS, b"a:b")) is None
    assert names.in_the_way(Spot(ANNAS, b"a")) is None
    assert list(names.on_changed(ANNAS, [b"a"])) == []
    assert list(names.on_gone([Spot(ANNAS, b"a")])) == []
    assert list(names.on_placed([Spot(ANNAS, b"a")])) == []
    names.tell_trashed([])
    assert repr(names) == "<LocalNames of 0 owners>"


def test_the_paths_of_two_owners_have_nothing_to_do_with_each_other(r: Receiver) -> None:
    r.link(BERT)
    r.share(files("Foo"))
    r.share(files("foo"), owner=BERT)
    assert r.stands() == {"Foo"}
    assert r.stands(BERT) == {"foo"}


def test_what_is_known_here_is_found_by_what_this_disk_takes_for_its_name(r: Receiver) -> None:
    r.share(files("Foo", "bar"))
    touched = [parse_wire_path(name) for name in (b"d2/foo", b"d2/bar", b"d2/new", b"strange/x")]
    assert list(map(str, r.receiving.names.spelled_otherwise(touched))) == ["d2/Foo"]
    assert Receiver().receiving.names.spelled_otherwise(touched) == []


def test_a_local_delete_lets_the_other_one_wait_no_more(r: Receiver) -> None:
    r.share(files("A/a"))
    r.share(files("a/b"), held=True)
    del r.disk.files["d2/A/a"]
    r.disk.folders.discard("d2/A")
    paths = [b"A/a", b"A"]
    r.node.index.places.remove(ANNAS, paths)
    r.call(lambda: r.receiving.on_disturbed(ANNAS, paths))
    r.run()
    assert r.stands() == {"a", "a/b"}


# -- any order -------------------------------------------------------------------------------------
component = st.sampled_from(["a", "A", "b", "B"])
path = st.lists(component, min_size=1, max_size=2).map("/".join)
listing = st.sets(path, max_size=6).map(
    lambda paths: {each for each in paths if not any(p.startswith(each + "/") for p in paths)}
)


def expected(paths: Iterable[str], stands: set[str]) -> set[str]:
    """What is to stand: of one name in one folder the smallest, or a folder that stands."""
    spellings, names = Spellings(FAT), [record.path for record in files(*paths)]
    for name in names:
        spellings.set(name, wanted=True)
    folders = {above for path in paths if (above := path.rpartition("/")[0])} & stands

    def stays(path: bytes) -> bool:
        return path.decode() in folders

    return {name.decode() for name in names if not spellings.placed_instead(name, stays)}


@settings(max_examples=40, deadline=None)
@given(st.lists(listing, min_size=1, max_size=4))
def test_whatever_is_shared_and_dropped_ends_in_what_is_shared_last(listings) -> None:
    r = receiver()
    for paths in listings:
        r.share(files(*sorted(paths)), run=False)
    r.run(30)
    assert r.stands() == expected(listings[-1], r.stands())
    for each in r.stands() & listings[-1]:
        assert content(r, each) == record(each).root
    assert r.disk.aside == []
    batches = len(r.batches)
    r.run(300)
    assert len(r.batches) == batches
    name = ManifestName.own(ANNAS.owner)
    rows = {each.decode() for each in r.node.index.places.all_paths(name)}
    assert rows == r.stands()
    stood = r.stands()
    again = receiver(r.disk, index=r.node.index, run=2, now=1000.0)
    again.run(30)
    assert again.stands() == stood, "the next run decides the same"


@settings(max_examples=40, deadline=None)
@given(st.lists(listing, min_size=1, max_size=4))
def test_a_folder_that_stands_stays_as_long_as_it_is_shared(listings) -> None:
    r, stood, folders_here = receiver(), set[str](), set[str]()
    for paths in listings:
        r.share(files(*sorted(paths)))
        assert r.stands() == expected(paths, stood & r.stands())
        folders = {path.rpartition("/")[0] for path in paths} - {""}
        assert {each for each in folders & stood if f"d2/{each}" in folders_here} <= r.stands()
        folders_here = set(r.disk.folders)
        stood = r.stands()
