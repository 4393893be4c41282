"""Replica files: what is read, what that means, and that nothing else changes a row.

Strategy: the files are looked at by the check of replicas (tests/engine/replicas.py), so that what
is asked for and when is as it is in the program.
"""

from __future__ import annotations

import pytest
from msgspec import structs

from potluck.core import limits
from potluck.core.content.facts import Finding, Spot
from potluck.core.content.pieces import PieceList, Root
from potluck.core.wire.catalogue import FileRecord
from potluck.engine.events import Hashed, Mount, MountsSeen, PathSeen
from potluck.engine.others import replica_files
from potluck.engine.others.replica_files import DEPARTED_MAX
from tests.engine import builders
from tests.engine.index.builders import folder, piece_list, place, record, root_of
from tests.engine.receiver import ANNAS, path
from tests.engine.replicas import Home, home_with_files

ELSE = root_of("something else")


@pytest.fixture
def home() -> Home:
    """ANNA shares a, b and f/c; all of it stands, and everything was looked at."""
    return home_with_files()


@pytest.mark.parametrize(
    "fields", [{"inode": 999}, {"mtime_ns": 77}, {"executable": True}, {"ctime_ns": 77}]
)
def test_the_same_content_is_never_fetched_again(home: Home, fields: dict[str, object]) -> None:
    home.change("d2/a", **fields)
    home.rescan()
    assert (home.asked, home.disk.aside, home.lacking()) == ([], [], 0)
    assert home.disk.files["d2/a"][1].mtime_ns == 5
    assert not home.disk.files["d2/a"][1].executable
    home.hashed.clear()
    home.rescan()
    assert home.hashed == []


def test_only_what_reading_must_decide_is_read(home: Home) -> None:
    home.change("d2/a", ctime_ns=77)
    home.change("d2/b", executable=True)
    home.change("d2/f/c", inode=999)
    home.rescan()
    assert home.hashed == ["d2/f/c"]
    assert home.cuts == {"d2/f/c": limits.PIECE_MIN_BYTES}


def test_a_time_the_file_system_rounded_is_no_edit() -> None:
    home = Home()
    home.start()
    home.link()
    home.share([record("a", mtime_ns=7_400_000_123)])
    home.change("d2/a", mtime_ns=6_000_000_000)  # FAT: two seconds
    home.rescan()
    assert home.hashed == []
    home.change("d2/a", inode=77)  # mounted again, FAT makes new numbers up
    home.rescan()
    assert home.hashed == ["d2/a"]
    home.rescan()
    assert home.hashed == ["d2/a"]
    assert len(home.batches) == 1
    home.change("d2/a", mtime_ns=5_000_000_000)
    home.rescan()
    assert len(home.hashed) == 2


@pytest.mark.parametrize(
    "kept_ns",
    [
        pytest.param(7_412_345_678, id="ext4"),
        pytest.param(7_412_345_600, id="NTFS"),
        pytest.param(7_412_345_000, id="a network share"),
        pytest.param(7_410_000_000, id="exFAT"),
        pytest.param(7_000_000_000, id="ext3"),
        pytest.param(6_000_000_000, id="FAT"),
    ],
)
def test_no_file_system_makes_everything_be_read_at_each_scan(kept_ns: int) -> None:
    home = Home()
    home.start()
    home.link()
    home.share([record("a", mtime_ns=7_412_345_678)])
    home.change("d2/a", mtime_ns=kept_ns)
    home.rescan()
    assert home.hashed == []


@pytest.mark.parametrize(
    "kept_ns",
    [
        pytest.param(6_000_000_000, id="FAT would have kept the time"),
        pytest.param(7_999_999_999, id="nothing rounds like that"),
        pytest.param(8_000_000_001, id="nothing rounds up"),
    ],
)
def test_a_time_that_no_rounding_explains_is_looked_into(kept_ns: int) -> None:
    home = Home()
    home.start()
    home.link()
    home.share([record("a", mtime_ns=8_000_000_000)])
    home.change("d2/a", mtime_ns=kept_ns)
    home.rescan()
    assert home.hashed == ["d2/a"]


def test_what_the_owner_wants_now_is_taken_as_it_stands(home: Home) -> None:
    home.hold_fetch = True
    home.share([record("a", text="newer"), record("b"), folder("f"), record("f/c")])
    home.disk.edit("d2/a", root_of("newer"), 5)
    home.change("d2/a", mtime_ns=5)
    home.rescan()
    assert home.disk.aside == []
    assert home.lacking() == 0


def test_what_stands_as_it_was_known_is_no_edit_even_if_its_owner_wants_another(home: Home) -> None:
    home.hold_fetch = True
    home.share([record("a", text="newer"), record("b"), folder("f"), record("f/c")])
    home.change("d2/a", inode=999)
    home.rescan()
    row = home.node.index.places.get(ANNAS, b"a")
    assert row is not None
    assert (row.root, row.inode) == (root_of("a"), 999)


def test_what_was_read_can_be_served_even_if_its_list_was_let_go(home: Home) -> None:
    pieces = home.lists[piece_list(3).root] = piece_list(3)
    home.hold_fetch = True
    big = structs.replace(record("a"), root=pieces.root, size=pieces.size_bytes)
    home.share([big, record("b"), folder("f"), record("f/c")])
    home.disk.edit("d2/a", pieces.root, pieces.size_bytes)
    home.rescan()
    assert home.node.index.contents.get(pieces.root) == pieces


def test_a_file_the_owner_shares_no_more_is_read_like_any_other(home: Home) -> None:
    home.hold_place = True
    home.share([record("b"), folder("f"), record("f/c")], held=True)
    home.disk.edit("d2/a", ELSE, 99)
    home.rescan()
    assert home.disk.files["d2/a"][0] == ELSE
    assert home.cuts == {"d2/a": 0}  # there is no version to cut it like
    home.hold_place = False
    home.share([record("b"), folder("f"), record("f/c"), record("a", text="newer")])
    home.share([record("b"), folder("f"), record("f/c")])
    assert home.disk.aside == ["d2/a"]


def test_an_edit_of_what_its_owner_drops_before_it_is_healed_is_put_aside(home: Home) -> None:
    home.hold_fetch = True
    home.disk.edit("d2/a", ELSE, 99)
    home.rescan()
    home.share([record("b"), folder("f"), record("f/c")])
    home.run()
    assert home.stands() == {"b", "f", "f/c"}
    assert home.disk.aside == ["d2/a"]


def test_a_file_that_another_one_is_mounted_on_was_not_edited(home: Home) -> None:
    home.hold_fetch = True
    home.node.mounts.on_seen(MountsSeen((Mount(path("d2/a"), 1),)))
    for name in ("d2/a", "d2/b"):
        home.disk.edit(name, ELSE, 99)
    home.rescan()
    home.run(5.0)
    (told,) = home.texts("put_aside")
    assert "d2/b" in told
    assert "d2/a" not in told
    assert home.lacking() == 2, "neither is held"


def test_a_row_that_is_new_since_the_file_was_read_stays(home: Home) -> None:
    home.change("d2/a", inode=999)
    home.hold = True
    home.rescan()
    home.answer_held()
    home.share([record("a", text="newer"), record("b"), folder("f"), record("f/c")])
    row = home.node.index.places.get(ANNAS, b"a")
    assert row is not None
    assert row.root == root_of("newer")
    home.disk.edit("d2/a", ELSE, 99)
    home.answer_held()
    assert home.node.index.places.get(ANNAS, b"a") == row


def test_what_was_read_while_a_group_commit_changes_it_counts_no_more(home: Home) -> None:
    row = home.node.index.places.get(ANNAS, b"a")
    home.change("d2/a", inode=999)
    home.hold = True
    home.rescan()
    home.answer_held()
    home.hold_place = True
    home.share([record("a", text="newer"), record("b"), folder("f"), record("f/c")])
    home.disk.edit("d2/a", ELSE, 99)
    home.answer_held()
    assert home.node.index.places.get(ANNAS, b"a") == row
    home.hold_place = home.hold = False
    home.call(home.place)
    home.run()
    assert home.disk.files["d2/a"][0] == root_of("newer")
    assert home.disk.aside == ["d2/a"]


def test_what_was_read_of_one_who_was_removed_counts_no_more(home: Home) -> None:
    home.disk.edit("d2/a", ELSE, 99)
    home.hold = True
    home.rescan()
    home.answer_held()
    row = home.node.index.places.get(ANNAS, b"a")
    home.node.roster = builders.group(1, 3)
    home.answer_held()
    assert home.node.index.places.get(ANNAS, b"a") == row


def test_what_nobody_asked_to_read_counts_for_nothing(home: Home) -> None:
    home.disk.edit("d2/a", ELSE, 99)
    root, stat = home.disk.files["d2/a"]
    row = home.node.index.places.get(ANNAS, b"a")
    pieces = PieceList(Root(root), stat.size, limits.PIECE_MIN_BYTES, b"")
    home.call(lambda: home.replica_check.files.on_read(Hashed(path("d2/a"), stat, pieces)))
    assert home.node.index.places.get(ANNAS, b"a") == row


def test_a_local_edit_is_told_once_however_often_it_is_edited_before_it_is_healed(
    home: Home,
) -> None:
    home.hold_fetch = True
    for size in (99, 100, 99):
        home.disk.edit("d2/a", ELSE, size)
        home.touch("d2/a")
    assert len(home.texts("put_aside")) == 1
    assert home.node.troubles.all() == []


def test_another_time_or_x_bit_is_put_right_and_told(home: Home) -> None:
    home.change("d2/a", executable=True)
    home.change("d2/b", mtime_ns=77)
    home.change("d2/f/c", inode=999)
    home.touch("d2/a", "d2/b", "d2/f/c")
    assert home.texts("dressed_here") == [
        "d2/a, d2/b were given another time or x bit here: they are put right"
    ]


def test_where_the_file_system_keeps_no_x_bits_their_lack_is_no_change(home: Home) -> None:
    home.change("d2/a", executable=True)
    wanted = home.batches[0].items[0]
    home.replica_check.files.on_placed(wanted, home.disk.files["d2/b"][1])
    home.touch("d2/a", until_s=0.1)
    home.replica_check.files.on_placed(wanted, home.disk.files["d2/a"][1])
    home.run(3.0)
    assert home.disk.files["d2/a"][1].executable
    assert home.told == []


def test_a_file_that_is_back_is_known_only_if_it_is_as_it_was(home: Home) -> None:
    kept = {name: home.disk.files[name] for name in ("d2/a", "d2/b", "d2/f/c")}
    home.hold_fetch = True
    home.remove(*kept)
    home.touch(*kept, until_s=limits.SECOND_LOOK_S + 3.0)
    home.share([folder("f")])
    for name, file in kept.items():
        home.disk.files[name] = file
    home.change("d2/a", mtime_ns=77)
    home.change("d2/b", inode=999)
    home.touch(*kept)
    assert home.stands() == {"a", "b", "f"}
    assert home.disk.trash == ["d2/f/c"]
    assert home.texts("stray_files") == [
        "d2/a, d2/b are not d2's: they stay here and are not shared"
    ]


def test_no_more_is_remembered_of_what_went_than_helps(home: Home) -> None:
    files = home.replica_check.files
    home.hold_fetch = True
    for number in range(DEPARTED_MAX):
        files._departed[Spot(ANNAS, b"%d" % number), 1] = place(record("x"))
    home.call(lambda: files.forget([Spot(ANNAS, b"a"), Spot(ANNAS, b"f")]))
    assert len(files._departed) == DEPARTED_MAX
    assert Spot(ANNAS, b"a") in {spot for spot, _ in files._departed}


def test_what_is_read_already_is_not_read_twice_and_a_restart_forgets_it(home: Home) -> None:
    home.change("d2/a", inode=999)
    home.hold = True
    home.rescan()
    home.answer_held()
    files = home.replica_check.files
    assert repr(files) == "<ReplicaFiles <Reading 1 files in 1 orders>>"
    row = files.row(Spot(ANNAS, b"a"))
    assert row is not None
    files.compare(Spot(ANNAS, b"a"), row, path("d2/a"), home.disk.files["d2/a"][1])
    assert len(files.reading) == 1
    files.cancel()
    assert len(files.reading) == 0
    pieces = PieceList(Root(ELSE), 1, limits.PIECE_MIN_BYTES, b"")
    files.on_read(Hashed(path("d2/a"), home.disk.files["d2/a"][1], pieces))
    assert files.row(Spot(ANNAS, b"a")) == row


def test_what_is_forgotten_is_lacking_again(home: Home) -> None:
    home.hold_fetch = True
    home.remove("d2/a", "d2/b")
    home.call(lambda: home.replica_check.files.forget([Spot(ANNAS, b"b"), Spot(ANNAS, b"a")]))
    assert home.lacking() == 2
    assert home.asked == [root_of("a"), root_of("b")]


def test_what_the_index_explains(home: Home) -> None:
    home.hold_fetch = True
    home.share([record("a"), record("b"), folder("f"), record("f/c"), record("new")])
    files = home.replica_check.files
    assert (files.is_file(Spot(ANNAS, b"a")), files.is_file(Spot(ANNAS, b"f"))) == (True, False)
    assert not files.is_file(Spot(ANNAS, b"mine"))
    stat = home.disk.files["d2/a"][1]

    def explained(name: str, finding: Finding) -> bool:
        seen = PathSeen(path(f"d2/{name}"), finding, stat if finding is Finding.FILE else None)
        return files.accounts_for(Spot(ANNAS, name.encode()), seen)

    assert explained("a", Finding.FILE)
    assert explained("f", Finding.FOLDER)
    assert explained("new", Finding.FILE)  # it is still to come
    assert explained("mine", Finding.FOLDER)  # a folder of nobody's is no matter
    assert not explained("mine", Finding.FILE)
    assert not explained("a", Finding.FOLDER)
    assert not explained("f", Finding.FILE)
    home.heard.tell["is_placing"] = lambda spot: True
    assert explained("f", Finding.FILE)


# -- what the index does not know ------------------------------------------------------------------
def unknown(home: Home, text: str = "new") -> None:
    """A file stands where its owner shares `new`, which nobody brings; the index has no row."""
    home.hold_fetch = True
    home.share([record("a"), record("b"), folder("f"), record("f/c"), record("new")])
    home.disk.edit("d2/new", root_of(text), len(text))


def test_what_stands_where_it_lacks_is_taken_if_it_is_what_is_wanted(home: Home) -> None:
    unknown(home)
    assert home.lacking() == 1
    home.rescan()
    assert (home.hashed, home.lacking(), home.disk.aside) == (["d2/new"], 0, [])
    assert home.disk.files["d2/new"][1].mtime_ns == 5, "and gets the time that is wanted"


def test_what_was_found_can_be_served_to_who_has_lost_it(home: Home) -> None:
    pieces = home.lists[piece_list(3).root] = piece_list(3)
    home.hold_fetch = True
    big = structs.replace(record("new"), root=pieces.root, size=pieces.size_bytes)
    home.share([record("a"), record("b"), folder("f"), record("f/c"), big])
    home.disk.edit("d2/new", pieces.root, pieces.size_bytes)
    home.rescan()
    assert home.lacking() == 0
    assert home.node.index.contents.get(pieces.root) == pieces


def test_what_is_not_is_read_once_until_one_of_both_changes(home: Home) -> None:
    unknown(home, "NEW")
    for _ in range(2):
        home.rescan()
    assert (home.hashed, home.lacking()) == (["d2/new"], 1)
    home.change("d2/new", mtime_ns=99)
    home.rescan()
    assert home.hashed == ["d2/new"] * 2
    home.share([record("a"), record("b"), folder("f"), record("f/c"), record("new", text="NEW")])
    home.rescan()
    assert (home.hashed, home.lacking()) == (["d2/new"] * 3, 0)
    assert home.disk.aside == []


@pytest.mark.parametrize(
    "wanted", [record("new", text="longer"), record("new", text=""), folder("new")]
)
def test_what_cannot_be_it_is_not_read(home: Home, wanted: FileRecord) -> None:
    home.hold_fetch = home.hold_place = True
    home.share([record("a"), record("b"), folder("f"), record("f/c"), wanted])
    home.disk.edit("d2/new", root_of("new"), wanted.size if wanted.size == 0 else 3)
    home.rescan()
    assert home.hashed == []


def test_what_was_read_counts_only_if_nothing_is_known_there_by_then(home: Home) -> None:
    unknown(home)
    home.hold = True
    home.rescan()
    home.answer_held()
    home.touch("d2/new")
    home.call(home.held.pop(1))  # it is seen once more while it is read
    assert len(home.held) == 1
    home.heard.tell["is_placing"] = lambda spot: True
    home.answer_held()
    assert home.node.index.places.get(ANNAS, b"new") is None


def test_no_more_is_remembered_of_what_was_read_in_vain_than_helps(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replica_files, "DEPARTED_MAX", 0)
    unknown(home, "NEW")
    for _ in range(2):
        home.rescan()
    assert home.hashed == ["d2/new"] * 2


# -- read afresh -----------------------------------------------------------------------------------
def afresh(home: Home, name: str, root: bytes = ELSE) -> Hashed:
    """A file as the disk has it, of another content."""
    _, stat = home.disk.files[name]
    return Hashed(path(name), stat, PieceList(Root(root), stat.size, limits.PIECE_MIN_BYTES, b""))


def verify(home: Home, spot: Spot, hashed: Hashed) -> None:
    home.call(lambda: home.replica_check.files.on_verified(spot, hashed))
    home.run(5.0)


def test_what_the_disk_damaged_is_put_aside_told_and_fetched_again(home: Home) -> None:
    hashed = afresh(home, "d2/a")
    home.disk.files["d2/a"] = (ELSE, hashed.stat)
    verify(home, Spot(ANNAS, b"a"), hashed)
    assert home.disk.aside == ["d2/a"]
    assert (home.disk.files["d2/a"][0], home.lacking()) == (root_of("a"), 0)
    (told,) = home.texts("damage")
    assert told.startswith("d2/a was damaged on this disk")


def test_what_was_edited_meanwhile_is_looked_into_like_any_other(home: Home) -> None:
    hashed = afresh(home, "d2/a")
    home.change("d2/a", mtime_ns=99)
    verify(home, Spot(ANNAS, b"a"), Hashed(hashed.path, home.disk.files["d2/a"][1], hashed.pieces))
    assert home.hashed == ["d2/a"]
    assert not home.texts("damage")


def test_what_is_not_known_or_mine_or_being_placed_is_no_damage(home: Home) -> None:
    hashed = afresh(home, "d2/a")
    verify(home, Spot(ANNAS, b"nothing"), hashed)
    mine = Spot(home.node.own_manifest, b"a")
    home.node.index.places.put(mine.manifest, [place(record("a"))])
    verify(home, mine, hashed)
    home.heard.tell["is_placing"] = lambda _: True
    verify(home, Spot(ANNAS, b"a"), hashed)
    assert (home.disk.aside, home.texts("damage")) == ([], [])
