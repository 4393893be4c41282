"""Unwanted files: what is taken for removed, what never is, and how it ends.

Strategy: a device that looks after what it received (tests/engine/replicas.py); people remove,
rename and replace on its disk, and time passes.
"""

from __future__ import annotations

import pytest

from potluck.core import limits
from potluck.core.content.breakers import LOSS_WINDOW_S
from potluck.core.content.facts import Spot
from potluck.engine.others import arrivals
from potluck.engine.others.skipping import Skipping, is_skipped, unwanted_words
from tests.engine.index.builders import folder, record, records, root_of
from tests.engine.receiver import ANNAS
from tests.engine.replicas import Home, home_with_files

SECOND_S = limits.SECOND_LOOK_S + 1.0
BACK = "all of that is brought back; to keep files away, type before: skip PATTERN"
SHARED = [record("a"), record("b"), folder("f"), record("f/c")]


@pytest.fixture
def home() -> Home:
    """ANNA shares a, b and f/c; all of it stands, and everything was looked at."""
    return home_with_files()


def home_of(count: int) -> Home:
    """ANNA shares so many files."""
    made = Home()
    made.start()
    made.link()
    made.share(records(count))
    made.rescan()
    return made


def names(first: int, last: int) -> list[str]:
    return [f"d2/d/{number:06}" for number in range(first, last + 1)]


def remove(home: Home, *paths: str, until_s: float = SECOND_S) -> None:
    home.remove(*paths)
    home.touch(*paths, until_s=until_s)


def unwanted(home: Home) -> list[bytes]:
    return home.node.index.unwanted.first(ANNAS, 9999)


def get(home: Home, path: str) -> None:
    home.heard.tell["on_skips_changed"] = home.receiving.judge_again
    home.call(lambda: Skipping(home.node, home.heard).get([path]))
    home.run()


# -- what a person removed -------------------------------------------------------------------------
def test_what_two_looks_miss_was_removed_and_is_told_with_the_way_back(home: Home) -> None:
    remove(home, "d2/a", until_s=5.0)
    assert (home.told, home.lacking(), unwanted(home)) == ([], 0, [])
    home.run(SECOND_S)
    assert home.stands() == {"b", "f", "f/c"}
    said = "d2/a was removed here, and is not fetched again; to have it again: get d2/a"
    assert [(one.text, one.command, one.subject) for one in home.told] == [
        (said, "get d2/a", "d2/a")
    ]
    assert (home.asked, unwanted(home)) == ([], [b"a"])
    assert repr(home.replica_check.missing._unwanted) == "<UnwantedFiles of 1 folders, 0 promised>"
    home.rescan(60.0)
    assert len(home.told) == 1


def test_another_version_does_not_come_either_and_get_brings_it(home: Home) -> None:
    remove(home, "d2/a")
    home.share([record("a", text="newer"), *SHARED[1:]])
    home.run(60.0)
    assert home.stands() == {"b", "f", "f/c"}
    spot, now = Spot(ANNAS, b"a"), home.node.index.manifests.get(ANNAS, b"a")
    assert now is not None
    said = "it was removed here, and is not fetched again"
    assert (is_skipped(home.node, spot), unwanted_words(home.node, spot, now)) == (True, said)
    get(home, "d2/a")
    assert home.disk.files["d2/a"][0] == root_of("newer")
    assert (unwanted(home), unwanted_words(home.node, spot, now)) == ([], None)


def test_what_its_owner_drops_leaves_nothing(home: Home) -> None:
    remove(home, "d2/a")
    home.share(SHARED[1:])
    assert unwanted(home) == []
    home.share(SHARED)
    home.run()
    assert home.stands() == {"a", "b", "f", "f/c"}


def test_what_is_put_back_as_it_was_is_known(home: Home) -> None:
    kept = home.disk.files["d2/a"]
    remove(home, "d2/a")
    home.disk.files["d2/a"] = kept
    home.touch("d2/a")
    assert home.stands() == {"a", "b", "f", "f/c"}
    assert (unwanted(home), home.lacking()) == ([], 0)


def test_what_an_owner_puts_into_a_removed_folder_comes(home: Home) -> None:
    remove(home, "d2/f", "d2/f/c")
    assert unwanted(home) == [b"f", b"f/c"]
    home.share([*SHARED, record("f/new")])
    home.run(3.0)
    assert home.stands() == {"a", "b", "f", "f/new"}
    get(home, "d2/f")
    assert home.stands() == {"a", "b", "f", "f/c", "f/new"}


def test_many_are_one_line_with_the_folder_they_are_in() -> None:
    home = home_of(100)
    remove(home, *names(1, 5))
    (told,) = home.texts("removed_here")
    assert told.startswith(
        "d2/d/000001, d2/d/000002, d2/d/000003 and 2 more were removed here, and"
    )
    assert told.endswith("are not fetched again; to have them again: get d2/d")


def test_what_has_no_folder_in_common_is_called_by_its_owner() -> None:
    home = Home()
    home.start()
    home.link()
    home.share([record(name) for name in ("a", "b", "c/d", "e", "f")])
    home.rescan()
    remove(home, "d2/a", "d2/b", "d2/c/d", "d2/e")
    assert home.texts("removed_here")[0].endswith(": get d2")
    get(home, "d2")
    assert home.stands() >= {"a", "b", "c/d", "e", "f"}


def test_what_was_missing_at_the_start_is_judged_likewise(home: Home) -> None:
    home.remove("d2/a")
    home.replica_check.restart()
    home.run(SECOND_S)
    assert unwanted(home) == [b"a"]


# -- what is never taken for it --------------------------------------------------------------------
def test_what_is_there_at_the_second_look_was_not_removed(home: Home) -> None:
    kept = home.disk.files["d2/a"]
    remove(home, "d2/a", until_s=5.0)
    home.disk.files["d2/a"] = kept
    home.run(SECOND_S)
    assert (home.stands(), home.told) == ({"a", "b", "f", "f/c"}, [])


def test_an_editor_that_deletes_and_writes_anew_edits(home: Home) -> None:
    remove(home, "d2/a", until_s=1.0)
    home.disk.edit("d2/a", root_of("mine"), 99)
    home.touch("d2/a", until_s=SECOND_S)
    assert home.disk.files["d2/a"][0] == root_of("a")
    assert (home.disk.aside, unwanted(home)) == (["d2/a"], [])


@pytest.mark.parametrize("late", [False, True])
def test_what_was_renamed_is_brought_back(home: Home, late: bool) -> None:
    file = home.disk.files["d2/a"]
    home.remove("d2/a")
    if late:
        home.touch("d2/a", until_s=2.0)
    home.disk.files["d2/mine"] = file
    home.touch("d2/a", "d2/mine", until_s=SECOND_S)
    assert (home.stands(), unwanted(home)) == ({"a", "b", "f", "f/c", "mine"}, [])
    if late:
        assert home.texts("deleted_here") == ["d2/a was deleted here: d2's is back"]
    else:
        assert home.texts("renamed_here")


def test_a_folder_of_which_a_file_was_renamed_is_brought_back(home: Home) -> None:
    home.disk.files["d2/mine"] = home.disk.files["d2/f/c"]
    home.touch("d2/mine")
    remove(home, "d2/f", "d2/f/c", until_s=SECOND_S)
    assert home.stands() == {"a", "b", "f", "f/c", "mine"}


def test_what_was_renamed_over_another_is_brought_back(home: Home) -> None:
    home.disk.files["d2/b"] = home.disk.files.pop("d2/a")
    home.change("d2/b", inode=77)
    row = home.node.index.places.get(ANNAS, b"a")
    assert row is not None
    home.change("d2/b", inode=row.inode)
    home.touch("d2/a", "d2/b", until_s=SECOND_S)
    assert (home.stands(), unwanted(home)) == ({"a", "b", "f", "f/c"}, [])


def test_where_renames_cannot_be_told_nothing_is_removed(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrivals, "ARRIVALS_MAX", 0)
    remove(home, "d2/a")
    assert (home.stands(), unwanted(home)) == ({"a", "b", "f", "f/c"}, [])


def test_what_was_waited_for_is_waited_for(home: Home) -> None:
    home.hold_fetch = True
    home.share([record("a", text="newer"), *SHARED[1:]])
    remove(home, "d2/a")
    assert unwanted(home) == []
    home.hold_fetch = False
    while home.fetches:
        home.call(home.answer)
    home.run()
    assert home.disk.files["d2/a"][0] == root_of("newer")


def test_what_its_owner_changes_meanwhile_comes(home: Home) -> None:
    remove(home, "d2/a", until_s=3.0)
    home.hold_fetch = True
    home.share([record("a", text="newer"), folder("b"), *SHARED[2:]])
    home.run(SECOND_S)
    assert unwanted(home) == []
    home.hold_fetch = False
    while home.fetches:
        home.call(home.answer)
    home.run()
    assert home.disk.files["d2/a"][0] == root_of("newer")


def test_what_became_a_folder_meanwhile_was_not_removed(home: Home) -> None:
    removed = home.replica_check.missing._unwanted
    row = home.node.index.places.get(ANNAS, b"f/c")
    assert row is not None
    assert removed.may_be(Spot(ANNAS, b"f/c"), row)
    assert not removed.may_be(Spot(ANNAS, b"f"), row)
    assert not removed.may_be(Spot(ANNAS, b"nothing"), row)


def test_a_folder_that_is_emptied_one_by_one_is_brought_back() -> None:
    home = home_of(2)
    remove(home, "d2/d/000001")
    remove(home, "d2/d/000002", until_s=60.0)
    assert (unwanted(home), home.lacking()) == ([], 0)
    assert home.texts("files_missing")[1:] == [  # what is brought back is told at any time
        f"1 path of d2 was removed here within an hour (d2/d/000001): {BACK}"
    ]


# -- by and by -------------------------------------------------------------------------------------
def test_a_few_of_very_many_can_go_one_by_one() -> None:
    home = home_of(200)
    for number in range(1, 31):
        remove(home, *names(number, number))
    assert (len(unwanted(home)), len(home.texts("removed_here"))) == (30, 30)


def test_a_quarter_within_an_hour_is_brought_back_and_so_is_what_follows() -> None:
    home = home_of(80)
    for number in range(1, 21):
        remove(home, *names(number, number), until_s=60.0)
    assert len(unwanted(home)) == 20
    get(home, "d2/d/000001")
    remove(home, *names(21, 25), until_s=SECOND_S)
    assert (unwanted(home), home.lacking()) == ([], 0)
    assert set(names(1, 25)) <= set(home.disk.files)
    remove(home, "d2/d/000030", until_s=60.0)
    assert "d2/d/000030" in home.disk.files
    home.run(LOSS_WINDOW_S)
    remove(home, "d2/d/000030", until_s=60.0)
    assert unwanted(home) == [b"d/000030"]


def test_what_went_in_two_goes_is_counted_together_before_either_counts() -> None:
    home = home_of(60)
    remove(home, *names(1, 15), until_s=3.0)
    remove(home, *names(16, 30), until_s=60.0)
    assert (unwanted(home), home.lacking()) == ([], 0)
    assert len(home.texts("files_missing")) == 1, "and not once for each"


def test_who_removes_one_after_another_is_told_once_a_minute() -> None:
    home = home_of(60)
    remove(home, *names(1, 5))
    for number in range(6, 31):
        remove(home, *names(number, number), until_s=0.5)
    home.run(60.0)
    assert (unwanted(home), home.lacking()) == ([], 0)
    waits, back = home.texts("files_missing")
    assert waits.startswith("1 file of d2 is missing here (d2/d/000021): what stays missing is")
    assert back.startswith(
        "6 paths of d2 were removed here within an hour (d2/d/000001, d2/d/000002"
    )
    assert back.endswith(BACK)


def test_the_folders_of_what_is_brought_back_come_too() -> None:
    home = Home()
    home.start()
    home.link()
    home.share([*records(60), folder("old"), folder("old/deep"), record("old/deep/x")])
    home.rescan()
    remove(home, "d2/old", "d2/old/deep", "d2/old/deep/x")
    assert unwanted(home) == [b"old", b"old/deep", b"old/deep/x"]
    remove(home, *names(1, 30), until_s=60.0)
    assert (unwanted(home), home.lacking()) == ([], 0)


def test_what_was_said_to_come_back_does() -> None:
    home = home_of(60)
    gone = {name: home.disk.files[name] for name in names(1, 30)}
    remove(home, *gone, until_s=3.0)
    home.disk.files.update(list(gone.items())[5:])
    home.run(60.0)
    assert (unwanted(home), set(gone) <= set(home.disk.files)) == ([], True)


def test_what_was_wanted_again_is_not_told_of_when_much_goes() -> None:
    home = home_of(60)
    remove(home, *names(1, 1))
    get(home, "d2/d/000001")
    remove(home, *names(1, 30), until_s=60.0)
    assert len(home.texts("files_missing")) == 1
    assert set(names(1, 30)) <= set(home.disk.files)
