"""Trash memory: what a commit moved to the trash is found by its content afterwards."""

from __future__ import annotations

import sqlite3

import pytest
from msgspec.structs import replace as changed

from potluck.core.content.facts import ManifestName, Source, Spot
from potluck.core.content.paths import parse_wire_path
from potluck.core.content.pieces import PieceList, Root
from potluck.core.errors import DiskTrouble
from potluck.core.wire.catalogue import FileRecord
from potluck.engine.effects import PlaceItem, PruneTrash
from potluck.engine.events import Placed, Placement
from potluck.engine.node import Node
from potluck.engine.others.group_commit import Placeable, SpotOutcome
from potluck.engine.others.trash_memory import (
    forget_lost,
    prune_order,
    prune_trash_of,
    remember_trash,
)
from tests.engine import builders
from tests.engine.index.builders import place, receive, record, root_of

ANNA = builders.key(2).device
ANNAS = ManifestName.own(ANNA)


def standing(*records: FileRecord) -> Node:
    """A device where these stand of Anna, and of its own."""
    node = builders.node(1)
    node.roster = builders.group(1, 2)
    for name in (ANNAS, node.own_manifest):
        node.index.places.put(name, [place(each) for each in records])
    return node


def outcome(path: str, source: Source, placement: Placement, of: str, frm: str = "") -> SpotOutcome:
    """A batch is over: so it went at one path, which content `of` was to come to, from there."""
    where = parse_wire_path(f"d2/{path}".encode())
    local = parse_wire_path(f"d2/{frm}".encode()) if frm else None
    content = PieceList(root_of(of), len(of), 262_144, b"")
    item = PlaceItem(where, source, content, local, 0, False, None, None)
    origin = Spot(ANNAS, frm.encode()) if frm else None
    placed = Placed(where, content.root, placement, None, "", "")
    return SpotOutcome(Placeable(Spot(ANNAS, path.encode()), item, origin), placed)


def test_what_went_or_gave_way_is_remembered_with_the_name_of_its_folder() -> None:
    node = standing(record("gone"), record("old"), record("same"))
    new = {ANNAS: [place(record("old", text="new")), place(record("same"))]}
    remember_trash(node, [], new, {ANNAS: [b"gone"]})
    former = node.index.former
    assert former.kept(ANNAS, root_of("gone"), 4) == ("d2", b"gone")
    assert former.kept(ANNAS, root_of("old"), 3) == ("d2", b"old")
    assert former.kept(ANNAS, root_of("same"), 4) is None


def test_what_only_moved_is_not_in_the_trash_and_neither_is_anything_of_the_own_folder() -> None:
    node = standing(record("a"))
    moved = outcome("b", Source.MOVED, Placement.PLACED, "a", "a")
    own = node.own_manifest
    remember_trash(node, [moved], {}, {ANNAS: [b"a"], own: [b"a"]})
    assert node.index.former.kept(ANNAS, root_of("a"), 1) is None
    assert node.index.former.kept(own, root_of("a"), 1) is None


def test_what_was_not_there_is_forgotten_and_nothing_else() -> None:
    node = standing(record("a"), changed(record("a"), path=b"twin"), record("b"))
    former = node.index.former
    for path in (b"a", b"twin", b"b"):
        former.note_kept(ANNAS, [(path, b"")], "d2")
    assert former.kept(ANNAS, Root(root_of("a")), 1) == ("d2", b"twin")
    done = [
        outcome("a", Source.KEPT, Placement.SOURCE_GONE, "a", "twin"),
        outcome("b", Source.KEPT, Placement.PLACED, "b", "b"),
        outcome("c", Source.LOCAL, Placement.SOURCE_GONE, "b", "b"),
    ]
    forget_lost(node, done)
    assert former.kept(ANNAS, root_of("a"), 1) == ("d2", b"a"), "another place may have it still"
    assert former.kept(ANNAS, root_of("b"), 1) == ("d2", b"b")


def test_what_lacks_here_and_is_wanted_stays_in_the_trash() -> None:
    node, both = standing(), [record("a"), record("b")]
    receive(node.index, both, 1, ANNA)
    node.index.places.put(ANNAS, [place(each) for each in both])
    remember_trash(node, [], {}, {ANNAS: [b"a", b"b"]})
    assert prune_trash_of(node) == PruneTrash()
    node.index.places.remove(ANNAS, [b"a"])
    assert prune_trash_of(node) == PruneTrash(frozenset({b"d2/a"}))


def test_while_the_index_cannot_say_what_is_wanted_nothing_leaves_the_trash() -> None:
    node = standing()
    assert prune_order(node) == PruneTrash()
    node.index.close()
    node.index._database._connection = sqlite3.connect(":memory:")  # with no table in it
    with pytest.raises(DiskTrouble):
        prune_trash_of(node)
    assert prune_order(node) is None
