"""Missing files: what is brought back at once, what only after a second look, and what not at all.

Strategy: looks are played by the check of replicas (tests/engine/replicas.py); what must not happen
in between is put in by hand.
"""

from __future__ import annotations

import pytest

from potluck.core import limits
from potluck.core.content.breakers import MASS_FILES
from potluck.core.content.facts import ManifestName, Spot
from potluck.engine.effects import MakeFolders, Tell
from potluck.engine.events import Mount, MountsSeen
from potluck.engine.others.missing_files import MissingFiles
from tests.engine.index.builders import folder, record, records
from tests.engine.receiver import ANNAS, BERT, path
from tests.engine.replicas import Home, home_with_files

A = Spot(ANNAS, b"a")
REMOVED = "was removed here, and is not fetched again; to have it again"


@pytest.fixture
def home() -> Home:
    """ANNA shares a, b and f/c; all of it stands, and everything was looked at."""
    return home_with_files()


def missing_of(home: Home) -> MissingFiles:
    return home.replica_check.missing


def test_what_was_written_down_since_a_look_missed_it_is_not_missing(home: Home) -> None:
    missing_of(home).on_missing(A)
    row = home.node.index.places.get(*A)
    assert row is not None
    newer = type(row)(row.path, row.kind, row.root, row.size, 9, 9, 9, executable=False)
    home.node.index.places.put(ANNAS, [newer])
    missing_of(home).conclude()
    assert home.node.index.places.get(*A) == newer


def test_what_is_being_placed_is_not_missing(home: Home) -> None:
    missing_of(home).on_missing(A)
    home.heard.tell["is_placing"] = lambda spot: True
    missing_of(home).conclude()
    assert home.node.index.places.get(*A) is not None


def test_what_its_owner_took_away_meanwhile_is_forgotten_and_not_told(home: Home) -> None:
    missing_of(home).on_missing(A)
    home.share([record("b"), folder("f"), record("f/c")], run=False)
    assert home.node.index.places.get(*A) is not None, "to be taken away, and not yet"
    missing_of(home).conclude()
    assert home.node.index.places.get(*A) is None
    assert home.texts("deleted_here") == []


def test_a_folder_that_is_missing_is_missing_with_all_that_was_in_it(home: Home) -> None:
    home.remove("d2/f", "d2/f/c")
    home.touch("d2/f", until_s=limits.SECOND_LOOK_S + 1.0)
    assert home.stands() == {"a", "b"}
    assert home.texts("removed_here") == [f"d2/f {REMOVED}: get d2/f"]


def test_a_folder_that_nobody_shares_by_itself_is_missing_likewise(home: Home) -> None:
    home.share([record("a"), record("g/h")])
    home.run()
    home.remove("d2/g", "d2/g/h")
    home.touch("d2/g", until_s=limits.SECOND_LOOK_S + 1.0)
    assert home.stands() == {"a"}


@pytest.mark.parametrize("more", [0, 1])
def test_more_than_a_few_and_more_than_a_quarter_wait_for_a_second_look(more: int) -> None:
    home = Home()
    home.start()
    home.link()
    home.share(records(60))
    gone = [f"d2/d/{number:06}" for number in range(1, 1 + MASS_FILES + more)]
    home.remove(*gone)
    home.touch(*gone)
    assert repr(missing_of(home)).startswith(f"<MissingFiles 0, <Timetable {len(gone)} ")
    home.run(limits.SECOND_LOOK_S)
    assert (set(gone) <= set(home.disk.files)) == bool(more)
    assert len(home.texts("files_missing")) == more
    assert len(home.texts("removed_here")) == 1 - more


def test_what_waits_for_its_second_look_is_absent_until_that_is_judged() -> None:
    home = Home()
    told: list[int] = []
    home.heard.tell["on_places_changed"] = lambda: told.append(1)
    home.start()
    home.link()
    home.share(records(60))
    missing, gone = missing_of(home), [f"d2/d/{number:06}" for number in range(1, 31)]
    kept = {name: home.disk.files[name] for name in gone}
    size_bytes = sum(stat.size for _, stat in kept.values())
    told.clear()
    home.remove(*gone)
    home.touch(*gone)
    assert missing.absent() == home.replica_check.missing.absent() == {ANNAS: (30, 0, size_bytes)}
    assert told == [1], "what the others believe is to be put right"
    home.remove("d2/f")
    home.touch(gone[0], until_s=1.0)
    assert missing.absent() == {ANNAS: (30, 0, size_bytes)}, "each counts once"
    assert len(missing.waiting()) == 30
    home.disk.files.update(list(kept.items())[:10])
    home.hold = True
    home.run(limits.SECOND_LOOK_S)
    assert missing.due() == []
    assert missing.absent() == {ANNAS: (30, 0, size_bytes)}, "the look is under way"
    told.clear()
    home.hold = False
    home.answer_held()
    home.run()
    assert missing.absent() == {}
    assert told, "what was found again is held again"
    assert set(gone) <= set(home.disk.files)


def test_of_two_folders_that_are_missing_each_counts_until_it_was_looked_for_again(
    home: Home,
) -> None:
    missing, f = missing_of(home), Spot(ANNAS, b"f")
    missing.on_top(ANNAS, missing=True)
    missing.on_missing(A)
    missing.conclude()
    one = missing.absent()[ANNAS]
    assert (one.files, one.folders) == (1, 0)
    home.node.now += 1.0
    missing.on_missing(f)
    missing.conclude()
    assert missing.absent()[ANNAS].folders == 1
    assert missing.absent()[ANNAS].files == 2
    home.node.now += limits.SECOND_LOOK_S - 1.0
    assert missing.due() == [A]
    missing.conclude()
    assert (missing.absent()[ANNAS].files, missing.absent()[ANNAS].folders) == (1, 1)
    missing.restart()
    assert missing.absent() == {}


def test_a_quarter_of_a_folder_can_be_removed() -> None:
    home = Home()
    home.start()
    home.link()
    home.share(records(100))
    gone = [f"d2/d/{number:06}" for number in range(1, 26)]
    home.remove(*gone)
    home.touch(*gone, until_s=limits.SECOND_LOOK_S + 1.0)
    assert not set(gone) & set(home.disk.files)
    assert home.texts("removed_here")[0].endswith(": get d2/d")


def test_a_restart_forgets_what_was_found(home: Home) -> None:
    missing = missing_of(home)
    missing.on_missing(A)
    missing.on_top(ANNAS, missing=True)
    missing.conclude()
    assert missing.deadline() is not None
    missing.on_missing(A)
    missing.restart()
    missing.conclude()
    assert (missing.deadline(), missing.due()) == (None, [])
    missing.on_missing(A)
    missing.conclude()
    assert home.texts("files_missing") == []  # a whole folder is not missing any more
    assert list(missing.waiting()) == [A]


def test_a_folder_that_is_there_again_is_not_missing_as_a_whole(home: Home) -> None:
    missing = missing_of(home)
    missing.on_top(ANNAS, missing=True)
    missing.on_top(ANNAS, missing=False)
    missing.on_missing(Spot(ANNAS, b"nothing was known here"))
    missing.on_missing(A)
    missing.conclude()
    assert home.texts("files_missing") == []
    assert list(missing.waiting()) == [A]


def test_an_empty_folder_that_went_is_told_by_its_name(home: Home) -> None:
    home.share([record("a"), folder("empty")])
    home.run()
    home.remove("d2/empty")
    home.touch("d2/empty", until_s=limits.SECOND_LOOK_S + 1.0)
    assert home.texts("removed_here") == [f"d2/empty {REMOVED}: get d2/empty"]


def test_the_folder_of_somebody_who_shares_nothing_is_made_again(home: Home) -> None:
    missing = missing_of(home)
    missing.on_top(ManifestName.own(BERT), missing=False)
    missing.on_top(ManifestName.own(BERT), missing=True)
    effects = home.node.take()
    assert [type(effect) for effect in effects] == [Tell, MakeFolders]
    assert effects[1] == MakeFolders(("d3",))
    assert getattr(effects[0], "text", "") == "the folder d3 was deleted here: it is made again"
    missing.on_top(ManifestName.own(BERT), missing=False)
    missing.on_top(ANNAS, missing=True)
    assert home.node.take() == [], "it comes with what is to stand in it"


def test_what_never_stood_here_was_not_deleted(home: Home) -> None:
    missing, berts = missing_of(home), ManifestName.own(BERT)
    missing.on_top(berts, missing=True)
    assert home.node.take() == [MakeFolders(("d3",))], "it is made, and nothing is said"
    home.node.former.note(home.node.me, "d3", "d1")
    missing.on_top(berts, missing=False)
    home.node.former.forget(home.node.me)
    missing.on_top(berts, missing=True)
    assert home.node.take() == [MakeFolders(("d3",))], "what stood was our own, by that name"
    missing.on_top(berts, missing=False)
    missing.restart()
    missing.on_top(berts, missing=True)
    assert home.node.take() == [MakeFolders(("d3",))], "a restart forgets what was seen"
    missing.on_top(berts, missing=True)
    assert home.node.take() == [MakeFolders(("d3",))], "it is deleted once"


def test_a_forgotten_folder_that_has_gone_is_not_made_again(home: Home) -> None:
    assert home.node.roster is not None
    home.node.roster.forgotten = frozenset({BERT})
    missing_of(home).on_top(ManifestName.own(BERT), missing=True)
    assert home.node.take() == []


def test_of_folders_that_are_missing_folders_are_told() -> None:
    home = Home()
    home.start()
    home.link()
    home.share([folder("f"), folder("g")])
    home.rescan()
    missing = missing_of(home)
    missing.on_top(ANNAS, missing=True)
    missing.on_missing(Spot(ANNAS, b"f"))
    missing.conclude()
    home.node.now += 60.0
    missing.on_missing(Spot(ANNAS, b"g"))
    missing.on_missing(Spot(ANNAS, b"f"))
    missing.conclude()
    stays = "what stays missing is brought back; to keep files away, type before: skip PATTERN"
    texts = [tell.text for tell in home.node.take() if isinstance(tell, Tell)]
    assert texts == [
        f"1 folder of d2 is missing here (d2/f): {stays}",
        f"1 folder of d2 is missing here (d2/g): {stays}",
    ]


def test_what_a_mount_hides_is_absent_beside_what_is_missing(home: Home) -> None:
    told: list[int] = []
    home.heard.tell["on_places_changed"] = lambda: told.append(1)
    missing = missing_of(home)
    home.node.mounts.on_seen(MountsSeen((Mount(path("d2/f"), 1),)))
    missing.on_top(ANNAS, missing=True)
    missing.on_missing(A)
    missing.conclude()
    assert missing.absent()[ANNAS][:2] == (1, 0)
    told.clear()
    missing.on_missing(Spot(ANNAS, b"f/c"))
    missing.conclude()
    assert missing.absent()[ANNAS][:2] == (2, 0)
    assert told, "less is held than a moment ago"
    assert home.node.index.places.get(ANNAS, b"f/c") is not None


def test_what_was_renamed_is_brought_back_at_once(home: Home) -> None:
    home.disk.files["d2/mine"] = home.disk.files.pop("d2/a")
    home.touch("d2/a", "d2/mine")
    assert home.stands() == {"a", "b", "f", "f/c", "mine"}
    assert home.texts("renamed_here")
