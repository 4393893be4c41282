"""Happenings: what owners did, gathered for a moment and told in one line per thing.

Strategy: most tests let anna (or this device) do things and read the lines; what stands behind a
line, group commits and new heads, is built here as the parts beside would tell it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from potluck.core import limits
from potluck.core.content.facts import ManifestName, SharedChange, Source, Spot, Stat
from potluck.core.content.paths import parse_wire_path
from potluck.core.content.pieces import EMPTY_ROOT, PieceList, Root
from potluck.core.wire.catalogue import FileRecord
from potluck.engine.effects import PlaceItem, Tell
from potluck.engine.events import Placed, Placement
from potluck.engine.node import Node
from potluck.engine.others.disk_room import SPACE
from potluck.engine.others.group_commit import Placeable, SpotOutcome
from potluck.engine.others.happenings import (
    FOLDERS_LOOKED_INTO,
    GOING_ON_S,
    LOST_MAX,
    NAME_LETTERS,
    PATHS_MAX,
    QUIET_S,
    SAME_AGAIN_S,
    UNFINISHED_S,
    Happenings,
)
from potluck.engine.own.ignore_file import SAID
from potluck.engine.troubles import Trouble, TroubleKind
from tests.engine import builders
from tests.engine.index.builders import folder, place, receive, record, root_of

ANNAS = ManifestName.own(builders.key(2).device)
BENS = ManifestName.own(builders.key(3).device)
TRASH = " (kept 30 days in the trash)"


def stat(size: int) -> Stat:
    return Stat(size, 1, 2, 3, executable=False)


class Play:
    """Two other owners, anna (d2) and ben (d3), and what this device tells of them."""

    def __init__(self) -> None:
        self.node: Node = builders.node(1)
        self.node.roster = builders.group(1, 2, 3)
        self.fetching, self.placing = True, False
        self.happenings = Happenings(self.node, self)
        self.owner = ANNAS

    def outcome(
        self, path: str, source: Source, placement: Placement, size: int, text: str, before: str
    ) -> SpotOutcome:
        spot = Spot(self.owner, path.encode())
        no_file = source in (Source.NONE, Source.FOLDER)
        pieces = PieceList(root_of(text), size, limits.PIECE_MIN_BYTES, b"")
        content = None if no_file else pieces
        where = parse_wire_path(b"x")
        expected = (stat(size), root_of(before)) if before else (None, None)
        item = PlaceItem(where, source, content, None, 1, False, *expected)
        stands = placement is Placement.PLACED and source is not Source.FOLDER
        placed = Placed(where, None, placement, stat(size) if stands else None, "", "")
        return SpotOutcome(Placeable(spot, item), placed)

    def commits(self, *done: SpotOutcome) -> None:
        self.happenings.on_committed(done)

    def adds(self, *paths: str, size: int = 10, text: str = "") -> None:
        placed = Placement.PLACED
        self.commits(
            *(self.outcome(path, Source.PART, placed, size, text or path, "") for path in paths)
        )

    def changes(self, path: str, text: str = "new", size: int = 20) -> None:
        self.commits(self.outcome(path, Source.PART, Placement.PLACED, size, text, "old"))

    def deletes(self, *paths: str, size: int = 10, text: str = "") -> None:
        gone = Placement.REMOVED
        self.commits(
            *(self.outcome(path, Source.NONE, gone, size, "", text or path) for path in paths)
        )

    def moves(self, old: str, new: str, text: str = "", *, size: int = 10) -> None:
        done = self.outcome(new, Source.MOVED, Placement.PLACED, size, text or old, "")
        source = Spot(ANNAS, old.encode())
        self.commits(replace(done, ready=replace(done.ready, source=source)))

    def folder(self, *paths: str, gone: bool = False) -> None:
        source, placement = Source.FOLDER, Placement.PLACED
        if gone:
            source, placement = Source.NONE, Placement.REMOVED
        self.commits(*(self.outcome(path, source, placement, 0, "", "") for path in paths))

    def shares(self, path: str, before: FileRecord | None, after: FileRecord | None) -> None:
        self.happenings.on_shared([SharedChange(path.encode(), before, after)])

    def announces(self, *paths: str, kind: Callable[[str], FileRecord] = record) -> None:
        """The owner shares exactly these paths."""
        receive(self.node.index, [kind(path) for path in paths], 9, self.owner.owner)

    def comes(self, *paths: str) -> None:
        """Of what is announced these files stand here now."""
        self.node.index.places.put(self.owner, [place(record(path)) for path in paths])
        self.adds(*paths)

    def told(self, later_s: float = GOING_ON_S) -> list[str]:
        self.node.now += later_s
        self.happenings.on_tick()
        return [tell.text for tell in builders.taken(self.node, Tell)]


@pytest.fixture
def play() -> Play:
    return Play()


# -- sentences -------------------------------------------------------------------------------------
def test_of_a_file_that_did_not_stand_here_no_trash_is_said(play: Play) -> None:
    done = play.outcome("a", Source.NONE, Placement.REMOVED, 10, "", "a")
    play.commits(replace(done, placed=replace(done.placed, nothing_there=True)))
    assert play.told() == ["d2 deleted a"]


def test_own_files_that_are_brought_back_are_no_deed(play: Play) -> None:
    play.owner = play.node.own_manifest
    play.adds("a", "b")
    assert play.told() == []


def test_while_the_disk_lacks_room_no_age_is_said_for_what_is_in_the_trash(play: Play) -> None:
    lack = Trouble(TroubleKind.DISK, SPACE, "no room for d2/b", "", 0.0, None)
    play.node.troubles.note(lack)
    play.deletes("a")
    assert play.told() == ["d2 deleted a (in the trash)"]
    play.node.troubles.clear(TroubleKind.DISK, SPACE)
    play.deletes("c")
    assert play.told() == [f"d2 deleted c{TRASH}"]


def test_one_file_is_told_with_its_name_and_size(play: Play) -> None:
    play.adds("movie.bin", size=1_000_000_000)
    play.node.now += GOING_ON_S
    play.happenings.on_tick()
    (tell,) = builders.taken(play.node, Tell)
    assert tell == Tell("happened", "d2 added movie.bin (1.0 GB)", "info", "d2")


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 KB"),
        (99_949, "99.9 KB"),
        (100_000, "100 KB"),
        (999_499, "999 KB"),
        (999_500, "1.0 MB"),
        (10**18 * 2000, "2000000 PB"),
    ],
)
def test_sizes_read_as_people_count(play: Play, size: int, words: str) -> None:
    play.adds("a", size=size)
    assert play.told() == [f"d2 added a ({words})"]


def test_a_few_files_are_named(play: Play) -> None:
    play.adds("b", "a", "c")
    assert play.told() == ["d2 added 3 files (30 B): a, b, c"]
    play.adds("in/1", "in/2")
    assert play.told() == ["d2 added 2 files (20 B) in “in”: 1, 2"]
    play.adds("d", "e", "f", "g", "in/h")
    assert play.told() == ["d2 added 5 files (50 B): d, e, f and 2 more"]


def test_the_largest_are_named(play: Play) -> None:
    play.adds(*(f"{number:02}" for number in range(14)))
    play.adds("movie.bin", size=30_000_000)
    play.adds("pic", size=20)
    assert play.told() == ["d2 added 16 files (30.0 MB): movie.bin, pic, 00 and 13 more"]


def test_in_a_folder_one_that_outweighs_all_others_is_named(play: Play) -> None:
    play.adds(*(f"d/{number:02}" for number in range(14)))
    play.adds("d/movie.bin", size=30_000_000)
    assert play.told() == ["d2 added 15 files (30.0 MB) in d: movie.bin and 14 more"]
    play.adds("d/1", "d/2", "d/3", "d/4")
    play.adds("d/5", size=limits.PIECE_MIN_BYTES - 100)
    assert play.told() == ["d2 added 5 files (262 KB) in d"]


def test_many_in_one_folder_are_told_by_the_folder(play: Play) -> None:
    play.adds(*(f"photos/2024/{number}" for number in range(3000)), size=40_000)
    assert play.told() == ["d2 added 3,000 files (120 MB) in photos/2024"]
    play.adds("photos/2024/x", "photos/2025/x", "photos/y", "photos/z")
    assert play.told() == ["d2 added 4 files (40 B) in photos"]


def test_a_change_and_a_deletion_are_told(play: Play) -> None:
    play.changes("notes.txt")
    play.deletes("a", "b", "c")
    assert play.told() == ["d2 changed notes.txt", "d2 deleted 3 files: a, b, c" + TRASH]


def test_what_goes_from_here_though_it_is_shared_is_no_deed_of_its_owner(play: Play) -> None:
    play.announces("foo")
    play.deletes("foo", "bar")
    assert play.told() == [f"d2 deleted bar{TRASH}"]


def test_what_is_not_in_the_trash_is_not_said_to_be(play: Play) -> None:
    gone = play.outcome("a", Source.NONE, Placement.REMOVED, 10, "", "a")
    play.commits(replace(gone, placed=replace(gone.placed, put_aside="Put aside/a")))
    play.deletes("b")
    assert play.told() == ["d2 deleted 2 files: a, b"]


def test_renames_are_told_with_both_names(play: Play) -> None:
    play.moves("a", "b")
    assert play.told() == ["d2 renamed a to b"]
    play.moves("a", "x")
    play.moves("b", "y")
    assert play.told() == ["d2 renamed 2 files: a to x, b to y"]
    for number in range(5):
        play.moves(f"{number}", f"{number}{number}")
    assert play.told() == ["d2 renamed 5 files: 0 to 00, 1 to 11, 2 to 22 and 2 more"]


def test_a_renamed_folder_is_told_once(play: Play) -> None:
    play.folder("pics/all")
    for number in range(4):
        play.moves(f"photos/{number}", f"pics/all/{number}")
    play.folder("photos", gone=True)
    assert play.told() == ["d2 renamed photos to pics/all (4 files)"]


def test_files_moved_out_of_a_folder_are_told_by_their_names(play: Play) -> None:
    play.moves("in/a", "a")
    play.moves("in/b", "b")
    assert play.told() == ["d2 renamed 2 files: in/a to a, in/b to b"]


def test_a_file_that_was_copied_and_then_deleted_was_renamed(play: Play) -> None:
    play.adds("new", text="content")
    play.deletes("old", text="content")
    assert play.told() == ["d2 renamed old to new"]
    play.adds("more", "again", text="content")
    play.deletes("old", text="content")
    assert play.told() == ["d2 renamed old to again", "d2 added “more” (10 B)"]
    play.adds("empty", size=0, text="-")
    play.deletes("other", size=0, text="-")
    assert play.told() == ["d2 added empty (0 B)", "d2 deleted other" + TRASH]


def test_over_an_old_file_a_moved_one_is_a_change_and_the_old_name_is_gone(play: Play) -> None:
    done = play.outcome("b", Source.MOVED, Placement.PLACED, 10, "a", "b")
    play.commits(replace(done, ready=replace(done.ready, source=Spot(ANNAS, b"a"))))
    assert play.told() == ["d2 changed b", "d2 deleted a"]


def test_a_file_that_moves_to_another_owner_is_told_of_both(play: Play) -> None:
    play.owner = BENS
    play.moves("a", "b")
    assert sorted(play.told()) == ["d2 deleted a", "d3 added b (10 B)"]


def test_empty_folders_are_told_and_no_others(play: Play) -> None:
    play.node.index.manifests.put(ANNAS, [record("full/a", 1), folder("up/empty", 2)])
    play.folder("full", "up", "up/empty", "here")
    play.adds("here/a")
    assert play.told() == ["d2 added here/a (10 B)", "d2 added folder up/empty"]
    play.folder("up/empty", "up", "in", gone=True)
    play.deletes("in/a")
    assert play.told() == ["d2 deleted in/a" + TRASH, "d2 deleted folder up"]
    play.folder("a", "a-b", "a/c", "d", "e", gone=True)
    assert play.told() == ["d2 deleted 4 folders: a, a-b, d and 1 more"]


def test_of_very_many_folders_only_some_are_looked_into(play: Play) -> None:
    play.folder(*(f"{number:03}" for number in range(FOLDERS_LOOKED_INTO + 1)))
    assert play.told() == [f"d2 added {FOLDERS_LOOKED_INTO} folders: 000, 001, 002 and 47 more"]


def test_long_names_are_cut_and_both_ends_tell(play: Play) -> None:
    play.adds("a" * NAME_LETTERS)
    assert play.told() == [f"d2 added {'a' * NAME_LETTERS} (10 B)"]
    play.adds("a" * 100 + "bc.txt")
    (words,) = play.told()
    name = words.split()[2]
    assert len(name) == NAME_LETTERS
    assert name.startswith("a" * 29 + "…a")
    assert name.endswith("abc.txt")


def test_a_name_is_not_taken_for_words_of_ours(play: Play) -> None:
    play.adds("a (kept 30 days in the trash)")
    assert play.told() == ["d2 added “a (kept 30 days in the trash)” (10 B)"]
    play.adds("my photos/one, two", "my photos/three")
    assert play.told() == ["d2 added 2 files (20 B) in “my photos”: “one, two”, three"]


def test_names_cannot_move_a_cursor(play: Play) -> None:
    play.adds("a\x1b[2J\u202e")
    assert play.told() == [
        "d2 added “a\N{REPLACEMENT CHARACTER}[2J\N{REPLACEMENT CHARACTER}” (10 B)"
    ]
    bad = play.outcome("b", Source.PART, Placement.PLACED, 1, "b", "")
    spot = Spot(ANNAS, b"\xff")
    play.commits(replace(bad, ready=replace(bad.ready, spot=spot)))
    assert play.told() == ["d2 added \N{REPLACEMENT CHARACTER} (1 B)"]


# -- what counts -----------------------------------------------------------------------------------
def test_what_failed_did_not_happen(play: Play) -> None:
    play.commits(play.outcome("a", Source.PART, Placement.FAILED, 1, "a", ""))
    vanished = play.outcome("b", Source.PART, Placement.PLACED, 1, "b", "")
    play.commits(replace(vanished, placed=replace(vanished.placed, stat=None)))
    assert play.happenings.deadline() is None
    assert play.told() == []


def test_another_time_is_no_change(play: Play) -> None:
    play.commits(play.outcome("a", Source.LOCAL, Placement.PLACED, 1, "old", "old"))
    assert play.told() == []


def test_an_empty_file_is_a_file(play: Play) -> None:
    done = play.outcome("a", Source.EMPTY, Placement.PLACED, 0, "a", "")
    item = replace(done.ready.item, content=PieceList(Root(EMPTY_ROOT), 0, 65536, b""))
    play.commits(replace(done, ready=replace(done.ready, item=item)))
    assert play.told() == ["d2 added a (0 B)"]


@pytest.mark.parametrize(
    ("deeds", "lines"),
    [
        ("add change", ["d2 added x (20 B)"]),
        ("add delete", []),
        ("change change", ["d2 changed x"]),
        ("change delete", ["d2 deleted x" + TRASH]),
        ("delete add", []),
        ("delete other", ["d2 changed x"]),
        ("delete other change", ["d2 changed x"]),
        ("delete folder", ["d2 added folder x"]),
        ("delete delete", ["d2 deleted x" + TRASH]),
        ("add move", ["d2 added y (10 B)"]),
        ("move add", ["d2 renamed x to y", "d2 added x (10 B)"][:1]),
    ],
)
def test_of_one_path_the_sum_is_told(play: Play, deeds: str, lines: list[str]) -> None:
    for deed in deeds.split():
        if deed == "add":
            play.adds("x")
        elif deed == "other":
            play.adds("x", text="other")
        elif deed == "change":
            play.changes("x")
        elif deed == "delete":
            play.deletes("x")
        elif deed == "folder":
            play.folder("x")
        else:
            play.moves("x", "y")
    if deeds == "move add":  # the content stands at both: that is one more file
        lines = ["d2 added y (10 B)"]
    assert play.told() == lines


def test_what_was_lost_here_and_brought_back_is_nobodys_deed(play: Play) -> None:
    play.happenings.on_lost(ANNAS, [b"a", b"b"])
    play.commits(play.outcome("a", Source.PART, Placement.FAILED, 1, "a", ""))
    play.adds("a")
    assert play.told() == []
    play.deletes("a")
    assert play.told() == ["d2 deleted a" + TRASH]
    play.happenings.on_changed(ANNAS, [b"b", b"c"])
    play.adds("b")
    assert play.told() == ["d2 added b (10 B)"]


def test_the_oldest_of_very_many_lost_paths_are_forgotten(play: Play) -> None:
    play.happenings.on_lost(ANNAS, [b"%d" % number for number in range(LOST_MAX + 1)])
    play.adds("0", "1")
    assert play.told() == ["d2 added 0 (10 B)"]
    assert repr(play.happenings) == f"<Happenings 0 paths of 0, lost={LOST_MAX - 1}>"


def test_own_changes_are_told_as_yours(play: Play) -> None:
    old, new = record("a", 1, "12345"), record("a", 2, "123456")
    made = folder("f", 3)
    play.shares("a", None, old)
    assert play.told() == ["you added a (5 B)"]
    play.shares("a", old, new)
    assert play.told() == ["you changed a"]
    play.shares("b", None, new)
    play.shares("a", new, None)
    assert play.told() == ["you renamed a to b"]
    play.shares("a", new, None)
    assert play.told() == ["you deleted a"]
    play.shares("f", None, made)
    assert play.told() == ["you added folder f"]
    play.shares("f", made, new)
    assert play.told() == ["you added f (6 B)"]


def test_own_changes_that_change_nothing_are_not_told(play: Play) -> None:
    same = record("a", 1)
    play.shares("a", same, same)
    play.shares("b", None, None)
    assert play.told() == []


# -- time and bounds -------------------------------------------------------------------------------
def test_it_is_told_when_it_was_quiet_for_a_moment(play: Play) -> None:
    play.adds("a")
    assert play.told(QUIET_S / 2) == []
    play.adds("b")
    assert play.happenings.deadline() == QUIET_S / 2 + QUIET_S
    assert play.told(QUIET_S - 0.01) == []
    assert play.told(0.01) == ["d2 added 2 files (20 B): a, b"]
    assert play.happenings.deadline() is None


def test_while_things_go_on_they_are_told_every_three_seconds(play: Play) -> None:
    lines = []
    for number in range(13):
        play.adds(f"d/{number:02}")
        lines.append(play.told(QUIET_S / 2))
    assert [index for index, line in enumerate(lines) if line] == [5, 11]
    assert lines[5] == ["d2 added 6 files (60 B) in d"]


def test_a_folder_that_comes_slowly_is_one_line(play: Play) -> None:
    every = [f"d/{number:02}" for number in range(30)]
    play.announces(*every, "other")
    lines = []
    for number, path in enumerate(every):
        play.comes(path)
        if number == 15:
            play.comes("other")  # a single file is told at once all the same
        lines += play.told(1.5)
        assert play.happenings.deadline() is not None or number == len(every) - 1
    assert lines == ["d2 added other (10 B)", "d2 added 30 files (300 B) in d"]


def test_a_new_folder_is_one_line_with_what_is_below_it(play: Play) -> None:
    play.announces("d/e/1", "d/e/2", "d/f/1", "d/f/2")
    play.folder("d", "d/e")
    assert play.told() == []
    play.comes("d/e/1", "d/e/2")
    assert play.told() == []
    play.folder("d/f")
    play.comes("d/f/1", "d/f/2")
    assert play.told() == ["d2 added 4 files (40 B) in d"]
    assert play.happenings.deadline() is None


def test_a_folder_that_takes_long_is_a_line_a_minute(play: Play) -> None:
    every = [f"d/{number:02}" for number in range(50)]
    play.announces(*every)
    play.folder("d")
    lines, times = [], []
    for path in every:
        play.comes(path)
        lines += (told := play.told(2.5))
        times += [play.node.now] * len(told)
    assert len(lines) == 3
    assert lines[-1] == "d2 added 2 files (20 B) in d: 48, 49"
    assert times[1] - times[0] >= UNFINISHED_S
    counted = sum(int(line.split()[2]) for line in lines)
    assert counted == len(every)


def test_deletes_and_renames_wait_for_nothing(play: Play) -> None:
    play.announces("d/1", "d/2", "d/3")
    play.comes("d/1")
    play.deletes("d/x")
    play.moves("d/old", "d/2")
    play.changes("d/y")
    assert play.told(QUIET_S) == ["d2 renamed d/old to d/2", f"d2 deleted d/x{TRASH}"]
    play.announces("d/1", "d/2")
    play.node.index.places.put(ANNAS, [place(record("d/2"))])
    assert play.told() == ["d2 added d/1 (10 B)", "d2 changed d/y"]


def test_beside_a_file_that_cannot_come_nothing_waits(play: Play) -> None:
    play.announces("d/1", "d/2", "d/blocked")
    play.comes("d/1")
    play.fetching, play.placing = False, True
    assert play.told(QUIET_S) == []
    play.placing = False
    assert play.told(QUIET_S) == ["d2 added d/1 (10 B)"]


def test_what_is_only_counted_waits_with_the_rest(play: Play) -> None:
    play.announces("d/00000", "d/z")
    play.adds(*(f"d/{number:05}" for number in range(PATHS_MAX)))
    play.adds("d/x")
    play.deletes("d/1")
    assert play.told() == ["d2 deleted d/1" + TRASH]
    assert play.told(UNFINISHED_S) == ["d2 added 4,097 files (41.0 KB) in d"]


def test_when_this_device_leaves_what_waits_is_told(play: Play) -> None:
    play.announces("d/1", "d/2")
    play.folder("d")
    play.comes("d/1")
    assert play.told() == []
    play.happenings.on_leaving()
    assert [tell.text for tell in builders.taken(play.node, Tell)] == ["d2 added d/1 (10 B)"]
    assert play.happenings.deadline() is None


def test_each_owner_is_told_when_its_time_has_come(play: Play) -> None:
    play.adds("a")
    play.node.now += 0.5
    play.owner = BENS
    play.adds("b")
    assert play.happenings.deadline() == QUIET_S
    assert play.told(0.5) == ["d2 added a (10 B)"]
    assert play.told(0.5) == ["d3 added b (10 B)"]


def test_the_same_change_is_told_once_a_minute(play: Play) -> None:
    play.changes("log")
    assert play.told(QUIET_S) == ["d2 changed log"]
    play.owner = BENS
    play.changes("log")
    assert play.told(QUIET_S) == ["d3 changed log"]
    play.owner = ANNAS
    play.adds("a")
    assert play.told(QUIET_S) == ["d2 added a (10 B)"]
    play.adds("a")
    assert play.told(QUIET_S) == ["d2 added a (10 B)"]
    play.changes("log")
    assert play.told(SAME_AGAIN_S - 3 * QUIET_S - 0.01) == []
    play.changes("log")
    assert play.told(QUIET_S) == ["d2 changed log"]


def test_beyond_a_bound_files_are_counted_not_remembered(play: Play) -> None:
    play.adds(*(f"d/{number:05}" for number in range(PATHS_MAX)))
    play.changes("d/00000")
    play.adds("d/x")
    play.deletes("d/1", "e/2")
    assert repr(play.happenings) == f"<Happenings {PATHS_MAX} paths of 1, lost=0>"
    assert play.told() == [
        "d2 added 4,097 files (41.0 KB) in d",
        "d2 deleted 2 files: d/1, e/2" + TRASH,
    ]


def test_the_bound_is_for_all_owners_together(play: Play) -> None:
    play.adds(*(f"{number}" for number in range(PATHS_MAX)))
    play.owner = BENS
    play.adds("a")
    play.changes("a")
    assert play.told()[:2] == ["d3 added a (10 B)", "d3 changed a"]


def test_an_own_file_that_the_rules_leave_out_is_not_said_to_be_deleted() -> None:
    home = Play()
    home.shares("vid/a", None, record("vid/a", text="1"))
    home.told()
    home.node.index.meta.set(SAID, b"vid/\n")
    home.shares("vid/a", record("vid/a", text="1"), None)
    home.shares("b", record("b", text="2"), None)
    assert home.told() == [
        "you deleted b",
        "you no longer share, as .potluckignore says, vid/a",
    ]
    home.node.index.meta.remove(SAID)
    home.shares("vid/a", None, record("vid/a", text="1"))
    assert home.told() == ["you added vid/a (1 B)"]
    home.node.index.meta.set(SAID, b"vid/\n")
    home.shares("vid/a", record("vid/a", text="1"), None)
    home.node.index.meta.remove(SAID)
    home.shares("vid/a", None, record("vid/a", text="1"))
    assert home.told() == [], "it came and went, and is as it was"
