"""Local changes: what is told of each kind, when, in how many lines, and with what outcome.

Strategy: changes are noted by hand and put right by outcomes made by hand; that the right ones are
noted is tested where they are found (test_replica_check.py and its neighbours).
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from potluck.core.content.facts import ManifestName, PlaceRow, Source, Spot, Stat
from potluck.core.group.statements import Remove, key_id, sign_removal
from potluck.core.wire.catalogue import Kind
from potluck.engine.effects import PlaceItem, Tell
from potluck.engine.events import Placed, Placement
from potluck.engine.index.skip_list import SkipEntry
from potluck.engine.others.group_commit import Placeable, SpotOutcome
from potluck.engine.others.local_changes import (
    GATHER_S,
    PATIENCE_S,
    LocalChanges,
    names_of,
)
from potluck.engine.others.strange_files import STRANGERS_MAX
from tests.engine import builders
from tests.engine.index.builders import receive, record

ANNAS = ManifestName.own(builders.key(2).device)
BERTS = ManifestName.own(builders.key(3).device)
STAT = Stat(3, 1, 1, 77, executable=False)


class Desk:
    """The changes of one node."""

    def __init__(self) -> None:
        self.node = builders.node(1)
        self.node.roster = builders.group(1, 2, 3)
        self.changes = LocalChanges(self.node)

    def placed(self, spot: Spot, aside: str = "", how: Placement = Placement.PLACED) -> None:
        path = self.node.layout.path_of(spot)
        item = PlaceItem(path, Source.PART, None, None, 0, executable=False, expected=None,
                         expected_root=None)  # fmt: skip
        stat = STAT if how is Placement.PLACED else None
        done = SpotOutcome(Placeable(spot, item), Placed(path, None, how, stat, aside, ""))
        self.changes.on_committed([done])

    def texts(self, after_s: float = GATHER_S) -> list[str]:
        self.node.now += after_s
        self.changes.on_tick()
        return [tell.text for tell in builders.taken(self.node, Tell)]


@pytest.fixture
def desk() -> Desk:
    return Desk()


def at(path: str, name: ManifestName = ANNAS) -> Spot:
    return Spot(name, path.encode())


def row(spot: Spot, inode: int = 77) -> PlaceRow:
    return PlaceRow(spot.path, Kind.FILE, b"r" * 32, 3, 1, 1, inode, executable=False)


# -- one change ------------------------------------------------------------------------------------
def edited(desk: Desk) -> None:
    desk.changes.on_edited(at("a"))


def replaced(desk: Desk) -> None:
    desk.changes.on_replaced(at("a"))


def dressed(desk: Desk) -> None:
    desk.changes.on_dressed(at("a"))


def damaged(desk: Desk) -> None:
    desk.changes.on_damaged(at("a"))


def deleted(desk: Desk) -> None:
    desk.changes.on_deleted(at("a"), row(at("a")))


def returned(desk: Desk) -> None:
    desk.changes.on_returned(at("a"))


@pytest.mark.parametrize(
    ("change", "aside", "back", "not_back"),
    [
        (
            edited,
            "Put aside/d2/a",
            "d2/a was edited here: this version is in “Put aside/d2/a”, d2's is back",
            "d2/a was edited here: what stands here is not shared, d2's comes back once fetched",
        ),
        (
            replaced,
            "Put aside/d2/a",
            "d2/a was replaced here: this version is in “Put aside/d2/a”, d2's is back",
            "d2/a was replaced here: what stands here is not shared, d2's comes back once fetched",
        ),
        (
            damaged,
            "Put aside/d2/a",
            "d2/a was damaged on this disk: this version is in “Put aside/d2/a”, d2's is back",
            (
                "d2/a was damaged on this disk: "
                "what stands here is not shared, d2's comes back once fetched"
            ),
        ),
        (
            dressed,
            "",
            "d2/a was given another time or x bit here: they are put right",
            "d2/a was given another time or x bit here: that is put right soon",
        ),
        (
            deleted,
            "",
            "d2/a was deleted here: d2's is back",
            "d2/a was deleted here: d2's comes back once fetched",
        ),
        (
            returned,
            "",
            "d2/a was brought back here, but d2 has dropped it: it is in the trash",
            "d2/a was brought back here, but d2 has dropped it: it is to go to the trash",
        ),
    ],
)
def test_a_change_is_told_with_what_became_of_it(
    change: Callable[[Desk], None], aside: str, back: str, not_back: str
) -> None:
    desk = Desk()
    change(desk)
    desk.placed(at("a"), aside)
    assert desk.texts(GATHER_S - 0.01) == []
    assert desk.texts(0.01) == [back]
    desk = Desk()
    change(desk)
    assert desk.texts() == []
    assert desk.changes.deadline() == PATIENCE_S
    assert desk.texts(PATIENCE_S - GATHER_S) == [not_back]
    assert desk.changes.deadline() is None


def test_where_a_version_went_is_told_even_if_that_takes_long(desk: Desk) -> None:
    edited(desk)
    desk.texts(PATIENCE_S)
    desk.placed(at("a"), "Put aside/d2/a")
    assert desk.texts(PATIENCE_S) == [
        "something else stood where d2/a belongs: this version is in “Put aside/d2/a”"
    ]


def test_a_version_put_aside_although_placing_failed_is_told(desk: Desk) -> None:
    desk.placed(at("a"), "Put aside/d2/a", Placement.FAILED)
    assert desk.texts() == []
    assert len(desk.texts(PATIENCE_S - GATHER_S)) == 1


def test_a_version_of_what_its_owner_drops_is_told_as_dropped(desk: Desk) -> None:
    edited(desk)
    desk.placed(at("a"), "Put aside/d2/a", Placement.REMOVED)
    desk.placed(at("b"), "", Placement.REMOVED)
    assert desk.texts() == [
        "d2/a was changed here, and d2 has dropped it: this version is in “Put aside/d2/a”"
    ]


def test_what_we_place_ourselves_is_not_told(desk: Desk) -> None:
    desk.placed(at("a"))
    assert (desk.changes.deadline(), desk.texts(PATIENCE_S)) == (None, [])


def test_a_file_changed_again_before_it_is_told_is_told_once_and_in_time(desk: Desk) -> None:
    edited(desk)
    desk.placed(at("a"), "Put aside/d2/a", Placement.FAILED)
    desk.node.now += 0.4
    edited(desk)
    assert desk.texts(PATIENCE_S - 0.4) == [
        "d2/a was edited here: this version is in “Put aside/d2/a”, d2's comes back once fetched"
    ]
    edited(desk)
    desk.placed(at("a"), "Put aside/d2/first")
    edited(desk)  # another edit, of what was put right
    desk.placed(at("a"), "Put aside/d2/second")
    assert desk.texts() == [
        "d2/a was edited here: this version is in “Put aside/d2/second”, d2's is back"
    ]


# -- strays ----------------------------------------------------------------------------------------
def test_what_a_removed_device_did_not_share_is_not_said_to_be_anothers(desk: Desk) -> None:
    """The machine may be this one, under another name."""
    roster = desk.node.roster
    assert roster is not None
    for device, added in ((ANNAS, ("mine",)), (BERTS, ("a", "b"))):
        said = Remove(roster.group, device.owner, [], b"", None, key_id(b"k" * 32), [])
        roster.add(sign_removal(builders.key(1), said, roster.signed_by(device.owner)))
        for name in added:
            desk.changes.on_added(Spot(device, name.encode()), STAT)
    assert desk.texts() == [
        "d2/mine is not among what d2 shared last: it stays here and is not shared",
        "d3/a, d3/b are not among what d3 shared last: they stay here and are not shared",
    ]


def test_a_file_of_nobodys_is_told_once_as_long_as_it_is_there(desk: Desk) -> None:
    told = ["d2/mine is not d2's: it stays here and is not shared"]
    desk.changes.on_added(at("mine"), STAT)
    assert desk.texts() == told
    desk.changes.on_added(at("mine"), STAT)
    desk.changes.keep_strays(ANNAS, {b"mine"})
    desk.changes.keep_strays(BERTS, set())
    assert desk.texts() == []
    desk.changes.on_not_there(at("mine"))
    desk.changes.on_added(at("mine"), None)
    assert desk.texts() == told
    desk.changes.keep_strays(ANNAS, set())
    desk.changes.on_added(at("mine"), STAT)
    assert repr(desk.changes) == "<LocalChanges 1 to tell, <StrangeFiles: 1>>"
    assert desk.texts() == told


def test_a_file_that_is_gone_before_it_is_told_is_not_told(desk: Desk) -> None:
    desk.changes.on_added(at("mine"), STAT)
    edited(desk)
    desk.changes.on_not_there(at("mine"))
    desk.changes.on_not_there(at("a"))
    desk.changes.on_not_there(at("b", BERTS))
    desk.placed(at("a"), "Put aside/d2/a")
    assert len(desk.texts()) == 1


def test_no_more_strays_are_remembered_than_help(desk: Desk) -> None:
    for number in range(STRANGERS_MAX + 5):
        desk.changes.on_added(at(f"{number:04}"), STAT)
    known = f"<StrangeFiles: {STRANGERS_MAX}>"
    assert repr(desk.changes) == f"<LocalChanges {STRANGERS_MAX} to tell, {known}>"


# -- renames ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("order", [1, -1])
def test_what_went_and_came_with_one_inode_is_a_rename(desk: Desk, order: int) -> None:
    acts = [
        lambda: desk.changes.on_deleted(at("a"), row(at("a"))),
        lambda: desk.changes.on_added(at("b"), STAT),
    ]
    for act in acts[::order]:
        act()
    desk.placed(at("a"))
    assert desk.texts() == [
        "renamed here: d2/a → d2/b; d2's is back, the new name stays here, not shared"
    ]


def test_names_are_set_off_from_what_is_said_of_them(desk: Desk) -> None:
    desk.changes.on_deleted(at("a b"), row(at("a b")))
    desk.changes.on_added(at("c → d"), STAT)
    desk.placed(at("a b"))
    (text,) = desk.texts()
    assert text.startswith("renamed here: “d2/a b” → “d2/c → d”; ")


def test_two_renames_are_one_line_and_one_file_is_not_two_others(desk: Desk) -> None:
    for number, (old, new) in enumerate([("a", "b"), ("c", "d")]):
        desk.changes.on_deleted(at(old), row(at(old), number + 1))
        desk.changes.on_added(at(new), Stat(3, 1, 1, number + 1, executable=False))
    desk.changes.on_deleted(at("e"), row(at("e"), 1))
    desk.changes.on_deleted(at("f"), row(at("f"), 0))
    desk.changes.on_added(at("g"), None)
    texts = desk.texts(PATIENCE_S)
    assert texts == [
        (
            "renamed here: d2/a → d2/b, d2/c → d2/d; d2's come back once fetched,"
            " the new names stay here, not shared"
        ),
        "d2/e, d2/f were deleted here: d2's come back once fetched",
        "d2/g is not d2's: it stays here and is not shared",
    ]


# -- many ------------------------------------------------------------------------------------------
def test_a_burst_is_one_line_for_each_owner_kind_and_outcome(desk: Desk) -> None:
    for number in range(12):
        desk.changes.on_edited(at(f"{number:02}"))
        desk.placed(at(f"{number:02}"), f"Put aside/d2/{number:02}")
    desk.changes.on_deleted(at("x", BERTS), row(at("x")))
    desk.changes.on_deleted(at("y"), row(at("y"), 9))
    desk.changes.on_added(at("m"), None)
    desk.changes.on_added(at("n"), None)
    desk.placed(at("y"))
    told = [
        "d2/y was deleted here: d2's is back",
        (
            "d2/00, d2/01, d2/02 and 9 more were edited here: these versions are in “Put aside/d2”,"
            " d2's are back"
        ),
        "d2/m, d2/n are not d2's: they stay here and are not shared",
    ]
    assert desk.texts() == told
    assert desk.texts(PATIENCE_S) == ["d3/x was deleted here: d3's comes back once fetched"]


def test_a_folder_is_named_only_if_nothing_in_it_is(desk: Desk) -> None:
    for path in ("f", "f/g", "f/g/h", "k"):
        desk.changes.on_deleted(at(path), row(at(path), 0))
    assert desk.texts(PATIENCE_S) == [
        "d2/f/g/h, d2/k were deleted here: d2's come back once fetched"
    ]


def test_the_subject_is_the_first_path_and_the_code_says_what_it_is(desk: Desk) -> None:
    edited(desk)
    desk.changes.on_added(at("m"), None)
    desk.node.now += PATIENCE_S
    desk.changes.on_tick()
    tells = builders.taken(desk.node, Tell)
    assert [(tell.code, tell.subject, tell.level) for tell in tells] == [
        ("put_aside", "d2/a", "warning"),
        ("stray_files", "d2/m", "warning"),
    ]


def test_three_names_and_how_many_more() -> None:
    assert names_of(["a"]) == "a"
    assert names_of(list("abc")) == "a, b, c"
    assert names_of([str(number) for number in range(1234)]) == "0, 1, 2 and 1,231 more"


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            edited,
            "d2/a was edited here: what stands here is not shared, {0}, so not fetched",
        ),
        (
            dressed,
            "d2/a was given another time or x bit here: they stay so, since they are skipped",
        ),
    ],
)
def test_what_is_skipped_is_not_said_to_come_back(
    desk: Desk, change: Callable[[Desk], None], text: str
) -> None:
    receive(desk.node.index, [record("a")], 1, ANNAS.owner)
    desk.node.index.skip_list.set([SkipEntry(b"", "a")], [])
    desk.node.index.needs.judge_skips(ANNAS)
    change(desk)
    assert desk.texts(PATIENCE_S) == [text.format("d2's is skipped here")]


def test_several_of_one_kind_are_spoken_of_as_several(desk: Desk) -> None:
    for path in ("a", "b"):
        desk.placed(at(path), f"Put aside/d2/{path}")
    (text,) = desk.texts(PATIENCE_S)
    assert text.startswith("something else stood where d2/a, d2/b belong: these versions are in")
    for path in ("a", "b"):
        desk.changes.on_returned(at(path))
    (text,) = desk.texts(PATIENCE_S)
    dropped = "but d2 has dropped them: they are to go to the trash"
    assert text == f"d2/a, d2/b were brought back here, {dropped}"
