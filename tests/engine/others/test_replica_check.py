"""Guests: what is edited, missing or strange in other people's folders, over the real supply and a
model of the disk.

Strategy: `Home` is the receiving node of tests/engine/receiver.py with the part beside its supply.
Scans, looks and readings are answered from the model of the disk at once, or held back to put
something in between.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest
from msgspec import structs

from potluck.core import limits
from potluck.core.content.facts import Finding, Spot
from potluck.core.content.paths import SafePath
from potluck.core.content.pieces import PieceList, Root
from potluck.engine.effects import Effect, Hash, Look, Scan
from potluck.engine.events import FilesHashed, Hashed, NameRefused, OrderId, PathSeen, TreeSeen
from potluck.engine.others.replica_check import STRAYS_MAX, ReplicaCheck
from tests.engine import builders
from tests.engine.index.builders import folder, piece_list, record, records, root_of
from tests.engine.receiver import ANNAS, BERT, Receiver, path

ELSE = root_of("something else")


class Home(Receiver):
    """A receiver that looks after what it received; its folder of ANNA is called d2."""

    def __init__(self) -> None:
        super().__init__()
        self.replica_check = ReplicaCheck(self.node, self.heard)
        self.hinder = False
        self.heard.tell |= {
            "on_replicas_changed": partial(self.receiving.on_changed, held=False),
            "is_placing": self.commits.busy,
            "is_hindered": lambda: self.hinder,
        }
        self.refused: set[str] = set()
        self.ignored: set[str] = set()
        self.tops = {"d2", "d3"}
        self.complete = True
        self.unstable: set[str] = set()
        self.scans: list[Scan] = []
        self.looks: list[Look] = []
        self.hashed: list[str] = []
        self.hold = False
        self.held: list[Callable[[], None]] = []

    def call(self, work: Callable[[], object] = lambda: None) -> None:
        def both() -> None:
            work()
            self.replica_check.on_tick()

        super().call(both)

    def run(self, until_s: float = 1.0) -> None:
        end = self.node.now + until_s
        for _ in range(5_000):
            if self._work:
                self.call(self._work.popleft())
                continue
            due = min(
                (
                    d
                    for d in (self.receiving.deadline(), self.replica_check.deadline())
                    if d is not None
                ),
                default=None,
            )
            if due is None or due > end:
                self.node.now = end
                return
            self.node.now = max(self.node.now, due)
            self.call()
        raise AssertionError("it never comes to rest")

    def rescan(self, until_s: float = 1.0) -> None:
        self.call(self.replica_check.scan)
        self.run(until_s)

    def _perform(self, effect: Effect) -> None:
        match effect:
            case Scan():
                assert not effect.own
                self.scans.append(effect)
                self._later(lambda: self._tree(effect.order, effect.tops, look=False))
            case Look():
                self.looks.append(effect)
                self._later(lambda: self._tree(effect.order, effect.paths, look=True))
            case Hash():
                self._later(lambda: self._hash(effect))
            case _:
                super()._perform(effect)

    def _later(self, work: Callable[[], None]) -> None:
        if self.hold:
            self.held.append(work)
        else:
            self._work.append(work)

    def answer_held(self) -> None:
        """Answer the oldest thing held back, as the disk is now."""
        self.call(self.held.pop(0))

    def _tree(self, order: OrderId, paths: tuple[SafePath, ...], *, look: bool) -> None:
        seen = [each for asked in paths for each in self._seen(str(asked), look=look)]
        refused = [
            name
            for name in sorted(self.refused)
            if any(name.startswith(str(asked)) for asked in paths)
        ]
        parts = [
            NameRefused(path(name.rpartition("/")[0]), name.rpartition("/")[2], "link")
            for name in refused
        ]
        self.replica_check.on_tree(TreeSeen(order, tuple(seen), (), last=False, complete=False))
        self.replica_check.on_tree(
            TreeSeen(order, (), tuple(parts), last=True, complete=self.complete)
        )

    def _seen(self, asked: str, *, look: bool) -> list[PathSeen]:
        hidden = self.ignored | self.refused
        if asked in hidden:
            return []
        if asked in self.disk.files:
            return [self._one(asked)]
        every = sorted({*self.disk.files, *self.disk.folders} - hidden)
        found = [self._one(name) for name in every if name == asked or name.startswith(asked + "/")]
        if not look:
            top = Finding.FOLDER if asked in self.tops else Finding.MISSING
            return [PathSeen(path(asked), top, None), *found]
        return found or [PathSeen(path(asked), Finding.MISSING, None)]

    def _one(self, name: str) -> PathSeen:
        if name in self.disk.files:
            return PathSeen(path(name), Finding.FILE, self.disk.files[name][1])
        return PathSeen(path(name), Finding.FOLDER, None)

    def _hash(self, effect: Hash) -> None:
        self.hashed += [str(each) for each, _ in effect.files]
        read, unstable = [], []
        for each, _ in effect.files:
            if str(each) in self.unstable or str(each) not in self.disk.files:
                unstable.append(each)
            else:
                root, stat = self.disk.files[str(each)]
                one = PieceList(Root(root), stat.size, limits.PIECE_MIN_BYTES, b"")
                read.append(Hashed(each, stat, self.lists.get(root, one)))
        self.replica_check.on_hashed(
            FilesHashed(effect.order, tuple(read), tuple(unstable), last=True)
        )

    def change(self, name: str, **fields: object) -> None:
        """Change the stat of a file and nothing else."""
        root, stat = self.disk.files[name]
        self.disk.files[name] = (root, replace(stat, **fields))  # type: ignore[arg-type]

    def remove(self, *names: str) -> None:
        for name in names:
            self.disk.files.pop(name, None)
            self.disk.folders.discard(name)

    def texts(self, code: str) -> list[str]:
        return [tell.text for tell in self.told if tell.code == code]


@pytest.fixture
def home() -> Home:
    """ANNA shares a, b and f/c; all of it stands, and everything was looked at."""
    made = Home()
    made.start()
    made.link()
    made.share([record("a"), record("b"), folder("f"), record("f/c")])
    made.rescan()
    assert made.stands() == {"a", "b", "f", "f/c"}
    for noted in (made.looks, made.hashed, made.asked, made.told, made.scans):
        noted.clear()
    return made


# -- when ------------------------------------------------------------------------------------------
def test_others_are_scanned_at_start_and_as_often_as_the_own_folder() -> None:
    home = Home()
    home.hinder = True
    home.share([record("a")], run=False)
    home.share([record("a")], BERT, run=False)
    home.hinder = False
    home.run()
    assert sorted(scan.tops for scan in home.scans) == [(path("d2"),), (path("d3"),)]
    home.run(limits.RESCAN_S - 2)
    assert len(home.scans) == 2
    home.run(2)
    assert len(home.scans) == 4


def test_what_is_more_urgent_comes_first(home: Home) -> None:
    home.hinder = True
    home.rescan(limits.RESCAN_S)
    assert home.scans == []
    home.hinder = False
    home.run()
    assert len(home.scans) == 1


def test_who_is_removed_meanwhile_is_not_scanned(home: Home) -> None:
    home.share([record("a")], BERT)
    home.hold = True
    home.rescan()
    home.node.roster = builders.group(1)
    home.hold = False
    home.answer_held()
    home.run()
    assert len(home.scans) == 1


def test_a_clean_folder_costs_one_scan(home: Home) -> None:
    home.rescan()
    assert (len(home.scans), home.looks, home.hashed, home.told) == (1, [], [], [])


def test_while_the_share_is_offline_nothing_counts(home: Home) -> None:
    home.hold = True
    home.disk.edit("d2/a", ELSE, 99)
    home.rescan()
    home.node.share_present = False
    home.call()
    assert home.replica_check.deadline() is None
    home.answer_held()
    home.node.share_present, home.hold = True, False
    home.run()
    assert len(home.scans) == 2
    assert home.disk.aside == ["d2/a"]


def test_answers_nobody_asked_for_change_nothing(home: Home) -> None:
    home.call(
        lambda: home.replica_check.on_tree(TreeSeen(OrderId(1), (), (), last=True, complete=True))
    )
    home.call(lambda: home.replica_check.on_hashed(FilesHashed(OrderId(1), (), (), last=True)))
    assert home.lacking() == 0


# -- edits -----------------------------------------------------------------------------------------
def test_an_edit_is_put_aside_and_the_owners_version_comes_back(home: Home) -> None:
    home.disk.edit("d2/a", ELSE, 99)
    home.rescan()
    assert home.disk.files["d2/a"][0] == root_of("a")
    assert home.disk.aside == ["d2/a"]
    assert home.texts("put_aside")
    home.rescan()
    assert home.disk.aside == ["d2/a"]


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


def test_what_the_owner_wants_now_is_taken_as_it_stands(home: Home) -> None:
    home.hold_fetch = True
    home.share([record("a", text="newer"), record("b"), folder("f"), record("f/c")])
    home.disk.edit("d2/a", root_of("newer"), 5)
    home.change("d2/a", mtime_ns=5)
    home.rescan()
    assert home.disk.aside == []
    assert home.lacking() == 0


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


def test_a_file_that_would_not_hold_still_is_looked_at_again(home: Home) -> None:
    home.unstable.add("d2/a")
    home.disk.edit("d2/a", ELSE, 99)
    home.rescan(0.5)
    assert home.disk.aside == []
    home.unstable.clear()
    home.run(2.0)
    assert home.disk.aside == ["d2/a"]


def test_a_file_seen_again_while_it_is_read_is_looked_at_once_more(home: Home) -> None:
    home.change("d2/a", inode=999)
    home.hold = True
    home.rescan()
    home.answer_held()  # the scan
    reading, home.held = home.held, []
    home.rescan()
    home.answer_held()
    home.held, home.hold = reading, False
    home.answer_held()
    home.run()
    assert [look.paths for look in home.looks] == [(path("d2/a"),)]


def test_a_row_that_is_new_since_the_file_was_read_stays(home: Home) -> None:
    home.change("d2/a", inode=999)
    home.hold = True
    home.rescan()
    home.answer_held()
    home.share([record("a", text="newer"), record("b"), folder("f"), record("f/c")])
    home.disk.edit("d2/a", ELSE, 99)
    home.answer_held()
    assert home.node.index.places.get(ANNAS, b"a") is not None


def test_what_was_read_of_one_who_was_removed_counts_no_more(home: Home) -> None:
    home.disk.edit("d2/a", ELSE, 99)
    home.unstable.add("d2/b")
    home.change("d2/b", inode=999)
    home.hold = True
    home.rescan()
    home.answer_held()
    home.node.roster = builders.group(1, 3)
    home.answer_held()
    home.run()
    assert home.node.index.places.get(ANNAS, b"a") is not None
    assert home.looks == []


def test_what_is_being_placed_is_left_alone(home: Home) -> None:
    home.hold_place = True
    home.share([record("a", text="newer"), folder("f"), record("f/c"), record("b", text="newer b")])
    home.disk.edit("d2/a", ELSE, 99)
    home.remove("d2/b")
    home.rescan()
    assert home.hashed == []
    assert len(home.looks) == 1
    assert home.node.index.places.get(ANNAS, b"a") is not None
    assert home.node.index.places.get(ANNAS, b"b") is not None


# -- kinds -----------------------------------------------------------------------------------------
def test_a_file_in_the_place_of_a_folder_gives_way(home: Home) -> None:
    home.remove("d2/f/c", "d2/f")
    home.disk.edit("d2/f", ELSE, 99)
    home.rescan()
    assert home.stands() == {"a", "b", "f", "f/c"}
    assert "d2/f" in home.disk.aside


def test_a_folder_in_the_place_of_a_file_gives_way_if_it_is_empty(home: Home) -> None:
    home.remove("d2/a")
    home.disk.folders.add("d2/a")
    home.rescan()
    assert "d2/a" in home.disk.files


def test_a_link_in_the_place_of_a_file_gives_way(home: Home) -> None:
    home.refused = {"d2/a", "d2/other link"}
    home.hold_place = True
    home.rescan()
    assert home.lacking() == 1


# -- missing ---------------------------------------------------------------------------------------
def test_a_file_that_is_missing_is_brought_back(home: Home) -> None:
    home.remove("d2/a", "d2/f/c", "d2/f")
    home.rescan()
    assert home.stands() == {"a", "b", "f", "f/c"}
    assert home.told == []


def test_a_name_that_looks_leave_out_counts_as_there(home: Home) -> None:
    home.ignored.add("d2/a")
    home.rescan()
    assert (home.lacking(), home.asked, home.told) == (0, [], [])


def test_a_scan_that_could_not_read_all_says_nothing_of_what_it_lacks(home: Home) -> None:
    home.remove("d2/a")
    home.complete = False
    home.rescan()
    assert home.looks == []


def test_a_file_that_is_back_at_the_look_is_not_missing(home: Home) -> None:
    kept = home.disk.files["d2/a"]
    home.remove("d2/a")
    home.hold = True
    home.rescan()
    home.answer_held()
    home.disk.files["d2/a"] = kept
    home.hold = False
    home.answer_held()
    home.run()
    assert (home.lacking(), home.asked) == (0, [])


def test_much_missing_is_told_and_looked_at_twice() -> None:
    home = Home()
    home.start()
    home.link()
    home.share(records(60))
    gone = [f"d2/d/{number:06}" for number in range(1, 31)]
    home.remove(*gone)
    home.asked.clear()
    home.rescan(5.0)
    assert home.texts("files_missing") == [
        "30 files of d2 are missing here: what stays missing is brought back"
    ]
    home.rescan(4.0)  # what waits for its second look is not told again
    assert (len(home.told), home.asked) == (1, [])
    home.disk.edit(gone[0], root_of(gone[0][3:]), 8)
    home.run(10.0)
    assert set(gone) <= set(home.disk.files)
    assert len(home.asked) == 29


def test_a_whole_folder_missing_is_told_however_small_it_is(home: Home) -> None:
    home.remove(*home.disk.files, *home.disk.folders)
    home.tops.clear()
    home.rescan()
    assert home.texts("files_missing") == [
        "3 files of d2 are missing here: what stays missing is brought back"
    ]
    home.run(20.0)
    assert home.stands() == {"a", "b", "f", "f/c"}
    home.tops.add("d2")
    home.remove("d2/a")
    home.rescan()
    assert home.stands() == {"a", "b", "f", "f/c"}


def test_more_than_one_look_is_judged_together() -> None:
    home = Home()
    home.start()
    home.link()
    home.share(records(limits.PAGE_RECORDS + 50))
    home.remove(*list(home.disk.files))
    home.rescan()
    assert len(home.looks) == 2
    assert home.texts("files_missing") == [
        "1050 files of d2 are missing here: what stays missing is brought back"
    ]


def test_what_is_placed_after_a_look_missed_it_is_not_missing(home: Home) -> None:
    row = home.node.index.places.get(ANNAS, b"a")
    assert row is not None
    home.replica_check._missing[Spot(ANNAS, b"a")] = replace_inode(row)
    home.rescan()
    assert home.node.index.places.get(ANNAS, b"a") == row


def replace_inode(row):
    return type(row)(row.path, row.kind, row.root, row.size, row.mtime_ns, 1, 1, executable=False)


# -- strays ----------------------------------------------------------------------------------------
def test_strays_stay_and_are_told_when_their_number_changes(home: Home) -> None:
    home.disk.edit("d2/mine", ELSE, 9)
    home.disk.folders.add("d2/my folder")
    home.rescan()
    home.rescan()
    assert home.texts("stray_files") == [
        "1 files in d2's folder are not d2's: they stay here and are not shared"
    ]
    home.remove("d2/mine")
    home.rescan()
    home.disk.edit("d2/mine", ELSE, 9)
    home.rescan()
    assert len(home.texts("stray_files")) == 2
    assert home.disk.aside == []


def test_what_is_still_to_come_is_no_stray(home: Home) -> None:
    home.hold_fetch = True
    home.share([record("a"), record("b"), folder("f"), record("f/c"), record("new")])
    home.disk.edit("d2/new", ELSE, 9)
    home.rescan()
    assert home.told == []


def test_a_stray_that_is_gone_at_the_look_is_none(home: Home) -> None:
    home.disk.edit("d2/mine", ELSE, 9)
    home.hold = True
    home.rescan()
    home.answer_held()
    home.remove("d2/mine")
    home.hold = False
    home.answer_held()
    home.run()
    assert home.told == []


def test_very_many_strays_are_not_all_counted(home: Home) -> None:
    for number in range(STRAYS_MAX + 10):
        home.disk.edit(f"d2/mine {number}", ELSE, 9)
    home.rescan()
    (text,) = home.texts("stray_files")
    assert int(text.split()[0]) == STRAYS_MAX


def test_what_is_no_path_in_the_folder_is_not_listened_to(home: Home) -> None:
    home.hold = True
    home.rescan()
    seen = (
        PathSeen(path("d3/x"), Finding.FOLDER, None),
        PathSeen(path("d2/a"), Finding.MISSING, None),
    )
    home.call(
        lambda: home.replica_check.on_tree(
            TreeSeen(home.scans[0].order, seen, (), last=False, complete=False)
        )
    )
    home.answer_held()
    assert (home.looks, home.lacking()) == ([], 0)


def test_what_was_seen_again_of_one_who_was_removed_is_not_looked_at(home: Home) -> None:
    home.change("d2/a", inode=999)
    home.hold = True
    home.rescan()
    home.answer_held()
    reading, home.held = home.held, []
    home.rescan()
    home.answer_held()
    home.node.roster = builders.group(1)
    home.held = reading
    home.answer_held()
    assert home.looks == []


def test_deadlines_of_a_look_that_waits(home: Home) -> None:
    home.change("d2/a", inode=999)
    home.unstable.add("d2/a")
    home.rescan(0.5)
    home.node.now += limits.STILL_S
    home.replica_check._doubt([path("d2/a")])
    assert (home.replica_check.deadline() or 0) <= home.node.now
