"""One group commit as a value: what clashes, what is gone, and the rows that follow."""

from __future__ import annotations

from dataclasses import replace

import pytest

from potluck.core import limits
from potluck.core.content.facts import ManifestName, PlaceRow, Source, Spot, Stat
from potluck.core.content.paths import parse_wire_path
from potluck.core.content.pieces import EMPTY_ROOT, PieceList, Root
from potluck.core.wire.catalogue import Kind
from potluck.engine.effects import PlaceItem
from potluck.engine.events import Placed, Placement
from potluck.engine.others.group_commit import (
    Batch,
    Placeable,
    SpotOutcome,
    folder_row,
    giving_way,
    gone_spots,
    is_moot,
    row_of,
)
from tests.engine import builders
from tests.engine.index.builders import root_of

ANNAS = ManifestName.own(builders.key(2).device)
STAT = Stat(3, 7, 8, 9, True)


def spot(path: str) -> Spot:
    return Spot(ANNAS, path.encode())


def ready(
    path: str, source: Source = Source.PART, *, local: str = "", over_folder: bool = False
) -> Placeable:
    no_file = source in {Source.NONE, Source.FOLDER, Source.EMPTY}
    content = None if no_file else PieceList(root_of("x"), 3, limits.PIECE_MIN_BYTES, b"")
    where = parse_wire_path(b"d2/" + path.encode())
    item = PlaceItem(where, source, content, None, 5, False, None, None)
    return Placeable(spot(path), item, spot(local) if local else None, over_folder)


def outcome(
    of: Placeable, placement: Placement = Placement.PLACED, stat: Stat | None = STAT
) -> SpotOutcome:
    return SpotOutcome(of, Placed(of.item.path, None, placement, stat, "", ""))


def batch(*members: Placeable) -> Batch:
    return Batch({each.item.path: each for each in members})


def test_what_is_removed_or_takes_the_place_of_a_folder_comes_last() -> None:
    assert ready("a", Source.NONE).last
    assert ready("a", over_folder=True).last
    assert not ready("a").last


def test_only_what_comes_from_a_part_file_names_one() -> None:
    assert (ready("a").part, ready("a").size_bytes) == (root_of("x"), 3)
    assert ready("a", Source.LOCAL, local="b").part is None
    assert (ready("a", Source.EMPTY).part, ready("a", Source.EMPTY).size_bytes) == (None, 0)
    where = ready("a").item.path
    item = PlaceItem(where, Source.PART, None, None, 0, False, None, None)
    of_nothing = Placeable(spot("a"), item)
    assert of_nothing.part is None


def test_only_a_move_takes_something_away_from_elsewhere() -> None:
    assert ready("a", Source.MOVED, local="b").moved_from == spot("b")
    assert ready("a", Source.LOCAL, local="b").moved_from is None


@pytest.mark.parametrize(
    ("other", "clashes"),
    [
        (ready("a", Source.EMPTY), True),  # the same spot
        (ready("read", Source.EMPTY), True),  # what is copied must not change meanwhile
        (ready("left", Source.EMPTY), True),  # nor what is moved away
        (ready("b", Source.LOCAL, local="a"), True),  # what is changing is no source
        (ready("b", Source.LOCAL, local="left"), True),
        (ready("b", Source.MOVED, local="read"), True),  # nor may it be moved away
        (ready("b", Source.LOCAL, local="read"), False),  # two may copy the same file
        (ready("a/b", Source.LOCAL, local="c"), True),  # a folder above it is changing
        (ready("read/b", Source.EMPTY), True),  # … or is a file still, which is being copied
        (ready("b"), True),  # the same part file
        (ready("b", Source.EMPTY), False),
    ],
)
def test_what_may_not_be_placed_meanwhile(other: Placeable, clashes: bool) -> None:
    under_way = batch(
        ready("a"),
        ready("copy", Source.LOCAL, local="read"),
        ready("new", Source.MOVED, local="left"),
    )
    assert under_way.clashes(other) is clashes


def test_a_file_that_gives_way_to_a_folder_is_known_again() -> None:
    row = PlaceRow(b"a", Kind.FILE, root_of("x"), 3, 7, 8, 9, executable=True)
    made = giving_way(spot("a"), parse_wire_path(b"d2/a"), row)
    assert (made.spot, made.item.source, made.last) == (spot("a"), Source.FOLDER, False)
    assert (made.item.expected, made.item.expected_root) == (STAT, root_of("x"))


def test_a_removal_of_what_is_moved_away_in_the_same_batch_is_moot() -> None:
    assert is_moot(ready("old", Source.NONE), {spot("old")})
    assert not is_moot(ready("old", Source.NONE), {spot("other"), None})
    assert not is_moot(ready("old"), {spot("old")})


@pytest.mark.parametrize(
    ("source", "placement", "stat", "expected"),
    [
        (Source.PART, Placement.PLACED, STAT, "stands well"),
        (Source.PART, Placement.PLACED, None, "vanished"),  # somebody took it away at once
        (Source.FOLDER, Placement.PLACED, None, "stands well"),
        (Source.NONE, Placement.REMOVED, None, "vanished well"),
        (Source.PART, Placement.FAILED, None, ""),
        (Source.PART, Placement.SOURCE_GONE, None, ""),
    ],
)
def test_what_became_of_a_spot(
    source: Source, placement: Placement, stat: Stat | None, expected: str
) -> None:
    done = outcome(ready("a", source), placement, stat)
    said = [name for name in ("stands", "vanished", "well") if getattr(done, name)]
    assert " ".join(said) == expected


def test_what_was_moved_is_gone_only_if_it_came_wherever_it_was_to_go() -> None:
    one = outcome(ready("new", Source.MOVED, local="old"))
    two = outcome(ready("newer", Source.MOVED, local="old"), Placement.FAILED, None)
    removed = outcome(ready("a", Source.NONE), Placement.REMOVED, None)
    assert gone_spots([one, removed]) == {spot("old"), spot("a")}
    assert gone_spots([one, two, outcome(ready("b"))]) == set()


def test_a_row_says_what_was_asked_for_and_where_it_lies_now() -> None:
    row = row_of(b"a", outcome(ready("a")))
    root = Root(root_of("x"))
    assert row == PlaceRow(b"a", Kind.FILE, root, 3, 5, 8, 9, executable=False)
    assert row_of(b"e", outcome(ready("e", Source.EMPTY))).root == EMPTY_ROOT
    folder = row_of(b"f", outcome(ready("f", Source.FOLDER), stat=None))
    assert folder == folder_row(b"f") == PlaceRow(b"f", Kind.FOLDER, b"", 0, 0, 0, 0, False)


def test_a_folder_that_is_spelled_otherwise_says_what_it_was() -> None:
    path = parse_wire_path(b"d2/a")
    item = PlaceItem(path, Source.FOLDER, None, parse_wire_path(b"d2/A"), 0, False, None, None)
    ready = Placeable(Spot(ANNAS, b"a"), item, Spot(ANNAS, b"A"))
    placed = Placed(path, None, Placement.PLACED, None, "", "")
    assert SpotOutcome(ready, placed).respelled == Spot(ANNAS, b"A")
    blocked = replace(placed, placement=Placement.BLOCKED)
    assert SpotOutcome(ready, blocked).respelled is None
    removal = replace(ready, item=replace(item, source=Source.NONE))
    assert SpotOutcome(removal, placed).respelled is None
