"""Hidden files: what a mount hides is neither missing nor held, until it is seen again.

Strategy: looks are played by the check of replicas (tests/engine/replicas.py); a mount is its fact,
and files that go from the model of the disk with it.
"""

from __future__ import annotations

import pytest

from potluck.core import limits
from potluck.core.content.facts import ManifestName, PlaceRow, Spot
from potluck.engine.events import FilesHashed, Mount, MountsSeen
from potluck.engine.others.hidden_files import HiddenFiles
from potluck.engine.troubles import Trouble, TroubleKind
from tests.engine.index.builders import folder, record, records
from tests.engine.receiver import ANNAS, path
from tests.engine.replicas import Home, home_with_files

F = path("d2/f")
C = Spot(ANNAS, b"f/c")


@pytest.fixture
def home() -> Home:
    """ANNA shares a, b and f/c; all of it stands, and everything was looked at."""
    return home_with_files()


def hidden_of(home: Home) -> HiddenFiles:
    return home.replica_check.hidden


def mount(home: Home, *mounts: Mount, until_s: float = 1.0) -> None:
    """What is mounted is this now, and the check of replicas hears of it."""
    changed = home.node.mounts.on_seen(MountsSeen(mounts))
    home.call(lambda: home.replica_check.on_mounts(changed))
    home.run(until_s)


def trouble_of(home: Home) -> list[Trouble]:
    return home.node.troubles.of(TroubleKind.COVERED)


def test_what_is_hidden_is_absent_and_not_fetched_and_there_again_at_once(home: Home) -> None:
    kept = home.disk.files["d2/f/c"]
    told: list[int] = []
    home.heard.tell["on_places_changed"] = lambda: told.append(1)
    home.remove("d2/f/c")
    mount(home, Mount(F, 1), until_s=2 * limits.RESCAN_S)
    assert (home.asked, home.texts("deleted_here")) == ([], [])
    assert home.replica_check.missing.absent() == {ANNAS: (1, 0, kept[1].size)}
    assert told, "the others are told that it is not held here"
    what = f"1 file ({kept[1].size} B)"
    assert [(one.subject, one.reason, one.command) for one in trouble_of(home)] == [
        (
            "d2/f",
            f"another disk is mounted there: {what} of d2 cannot be seen below it",
            "findmnt /Shared/d2/f",
        )
    ]
    (said,) = home.texts("covered")
    assert said.startswith("d2/f: another disk is mounted there: ")
    assert said.endswith("; try: findmnt /Shared/d2/f")
    assert repr(hidden_of(home)) == "<HiddenFiles: [1]>"
    home.disk.files["d2/f/c"] = kept
    told.clear()
    mount(home)
    assert (home.replica_check.missing.absent(), trouble_of(home)) == ({}, [])
    assert (home.asked, home.replica_check.unseen()) == ([], set())
    assert told, "it is held again"


def test_what_is_missing_elsewhere_is_judged_meanwhile(home: Home) -> None:
    home.remove("d2/f/c", "d2/a")
    mount(home, Mount(F, 1))
    assert home.replica_check.missing.absent()[ANNAS].files == 2
    home.run(limits.SECOND_LOOK_S)
    assert home.texts("removed_here")[0].startswith("d2/a was removed here")
    assert home.replica_check.missing.absent()[ANNAS].files == 1


def test_what_stands_there_after_all_is_hidden_no_more(home: Home) -> None:
    kept = home.disk.files["d2/f/c"]
    home.remove("d2/f/c")
    mount(home, Mount(F, 1))
    home.disk.files["d2/f/c"] = kept  # copied to the other disk
    home.change("d2/f/c", inode=99)
    home.touch("d2/f/c")
    assert (home.replica_check.missing.absent(), trouble_of(home)) == ({}, [])


def test_of_several_some_may_be_seen_again() -> None:
    home = Home()
    home.start()
    home.link()
    home.share([folder("f"), folder("f/g"), *(record(f"f/g/{name}") for name in "xyz")])
    home.rescan()
    kept = home.disk.files["d2/f/g/x"]
    home.remove("d2/f/g", "d2/f/g/x", "d2/f/g/y", "d2/f/g/z")
    mount(home, Mount(F, 1))
    assert home.replica_check.missing.absent()[ANNAS][:2] == (3, 1)
    assert "3 files and 1 folder" in trouble_of(home)[0].reason
    home.disk.folders.add("d2/f/g")
    home.disk.files["d2/f/g/x"] = kept
    home.change("d2/f/g/x", inode=99)
    home.touch("d2/f/g")
    assert home.replica_check.missing.absent()[ANNAS].files == 2
    assert "2 files" in trouble_of(home)[0].reason
    home.replica_check.restart()
    assert (home.replica_check.missing.absent(), trouble_of(home)) == ({}, [])


def test_what_waited_for_its_second_look_counts_beside_what_is_hidden() -> None:
    home = Home()
    home.start()
    home.link()
    home.share([*records(60), folder("f"), record("f/c")])
    home.rescan()
    home.remove(*(f"d2/d/{number:06}" for number in range(1, 31)), "d2/f/c")
    mount(home, Mount(F, 1), until_s=1.0)
    assert home.replica_check.missing.absent()[ANNAS].files == 31


def test_a_mount_elsewhere_uncovers_nothing(home: Home) -> None:
    home.remove("d2/f/c")
    mount(home, Mount(F, 1))
    home.looks.clear()
    mount(home, Mount(F, 1), Mount(path("d3/x"), 2))
    assert (home.looks, len(trouble_of(home))) == ([], 1)


def test_what_stays_hidden_is_not_looked_up_again_and_again(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.remove("d2/f/c")
    mount(home, Mount(F, 1))
    hidden, places = hidden_of(home), home.node.index.places
    spot, asked = Spot(ANNAS, b"f/c"), list[Spot]()
    row = places.get(*spot)
    assert row is not None

    def get(name: ManifestName, at: bytes) -> PlaceRow | None:
        asked.append(Spot(name, at))
        return row

    monkeypatch.setattr(places, "get", get)
    home.replica_check.on_hashed(FilesHashed(home.node.number(), (), (), last=True))
    hidden.review([Spot(ANNAS, b"a")])
    assert hidden.keep({}) == set()
    assert (asked, hidden.amounts[ANNAS].files) == ([], 1)
    hidden.review([spot])
    assert (asked, hidden.amounts[ANNAS].files) == ([spot], 1)


def test_what_is_found_hidden_once_more_counts_once(home: Home) -> None:
    home.remove("d2/f/c")
    mount(home, Mount(F, 1))
    home.rescan()
    assert (hidden_of(home).amounts[ANNAS].files, len(home.texts("covered"))) == (1, 1)


def test_what_its_owner_drops_meanwhile_goes_when_it_is_seen_again(home: Home) -> None:
    kept = home.disk.files["d2/f/c"]
    home.remove("d2/f/c")
    mount(home, Mount(F, 1))
    home.share([record("a"), record("b"), folder("f")])
    home.run(2 * limits.RESCAN_S)
    assert home.node.index.places.get(*C) is not None
    assert (hidden_of(home).amounts[ANNAS].files, len(trouble_of(home))) == (1, 1)
    home.disk.files["d2/f/c"] = kept
    mount(home)
    assert "d2/f/c" not in home.disk.files
    assert home.node.index.places.get(*C) is None
    assert (home.texts("stray_files"), home.texts("trashed_here")) == ([], [])


def test_what_its_owner_changes_meanwhile_is_replaced_when_it_is_seen_again(home: Home) -> None:
    kept = home.disk.files["d2/f/c"]
    home.remove("d2/f/c")
    mount(home, Mount(F, 1))
    newer = record("f/c", text="newer")
    home.share([record("a"), record("b"), folder("f"), newer])
    home.run(2 * limits.RESCAN_S)
    assert "d2/f/c" not in home.disk.files, "nothing is put on the other disk"
    assert len(trouble_of(home)) == 1
    home.disk.files["d2/f/c"] = kept
    mount(home, until_s=5.0)
    row = home.node.index.places.get(*C)
    assert row is not None
    assert row.root == newer.root
    assert home.texts("put_aside") == []


def test_what_is_mounted_just_before_a_file_is_to_go_keeps_it(home: Home) -> None:
    kept = home.disk.files["d2/f/c"]
    home.share([record("a"), record("b"), folder("f")], run=False)
    home.run(0.1)
    assert home.commits.spots() == [C]
    home.remove("d2/f/c")
    mount(home, Mount(F, 1), until_s=5.0)
    assert home.node.index.places.get(*C) is not None
    home.disk.files["d2/f/c"] = kept
    mount(home)
    assert "d2/f/c" not in home.disk.files
    assert home.node.index.places.get(*C) is None


def test_what_may_be_hidden_is_left_alone_until_it_was_looked_at(home: Home) -> None:
    kept = home.disk.files["d2/f/c"]
    home.remove("d2/f/c")
    home.hold = True
    mount(home, Mount(F, 1))
    home.share([record("a"), record("b"), folder("f")])
    assert home.node.index.places.get(*C) is not None
    home.disk.files["d2/f/c"] = kept  # it is on the disk that was mounted
    home.hold = False
    while home.held:
        home.answer_held()
    home.run()
    assert "d2/f/c" not in home.disk.files
    assert home.node.index.places.get(*C) is None


def test_a_mount_elsewhere_in_the_system_does_not_tell_it_again(home: Home) -> None:
    home.remove("d2/f/c")
    mount(home, Mount(F, 1, 1))
    (before,) = trouble_of(home)
    home.hold = True
    mount(home, Mount(F, 1, 2))
    assert trouble_of(home) == [before], "while it is looked at once more"
    home.hold = False
    for _ in range(len(home.held)):
        home.answer_held()
    home.run()
    assert (trouble_of(home), len(home.texts("covered"))) == ([before], 1)


def test_a_disk_that_hides_nothing_in_place_of_one_that_did_is_no_trouble(home: Home) -> None:
    kept = home.disk.files["d2/f/c"]
    home.remove("d2/f/c")
    mount(home, Mount(F, 1, 1))
    home.disk.files["d2/f/c"] = kept
    mount(home, Mount(F, 1, 2))
    assert (hidden_of(home).amounts, trouble_of(home)) == ({}, [])
