"""Disk room: when fetching pauses, for want of what, and how long `status` says so."""

from __future__ import annotations

import pytest

from potluck.core import limits
from potluck.core.content.facts import Hindrance
from potluck.core.content.paths import parse_wire_path
from potluck.core.content.pieces import Root
from potluck.core.content.swarm.room import Shortage
from potluck.engine.effects import PruneTrash, Tell
from potluck.engine.events import SpaceSeen
from potluck.engine.node import Node
from potluck.engine.others.disk_room import (
    FREE_INODES,
    PRUNE_AGAIN_S,
    SPACE,
    WRITING,
    DiskRoom,
    lacks_room,
)
from potluck.engine.troubles import Trouble, TroubleKind
from tests.engine import builders

LARGE = 100 * limits.GIB
ROOT = Root(bytes(32))
FILE, OTHER = parse_wire_path(b"d2/film"), parse_wire_path(b"d2/photo")


@pytest.fixture
def node() -> Node:
    return builders.node(1)


def told(node: Node) -> list[str]:
    return [tell.text for tell in builders.taken(node, Tell)]


def short(lacks_bytes: int, contents: int = 1, all_lack_bytes: int = 0) -> Shortage:
    return Shortage(ROOT, lacks_bytes, contents, all_lack_bytes or lacks_bytes)


def test_a_full_disk_pauses_is_told_once_and_resumes(node: Node) -> None:
    room = DiskRoom(node)
    assert not lacks_room(node)
    for _ in range(2):
        room.on_space(SpaceSeen(100 * limits.MIB, LARGE, FREE_INODES, 10**6))
    assert room.paused == "disk full"
    assert told(node) == ["paused: the disk is almost full"]
    assert lacks_room(node)
    (trouble,) = node.troubles.of(TroubleKind.DISK)
    where = f"the disk of {node.settings.folder}"
    assert trouble.subject == SPACE
    assert trouble.reason.startswith(f"almost no space is left on {where}: nothing is fetched")
    assert trouble.command.startswith("df -h ")
    assert repr(room) == "<DiskRoom lack=disk full, failed=''>"
    room.on_space(SpaceSeen(90 * limits.GIB, LARGE))
    assert (room.paused, told(node)) == ("", ["resumed: there is space on the disk again"])
    assert node.troubles.all() == []


def test_a_disk_without_inodes_says_inodes(node: Node) -> None:
    room = DiskRoom(node)
    room.on_space(SpaceSeen(90 * limits.GIB, LARGE, FREE_INODES, 10**6))
    assert room.paused == ""
    room.on_space(SpaceSeen(90 * limits.GIB, LARGE, FREE_INODES - 1, 10**6))
    assert room.paused == "no inodes left"
    assert told(node) == ["paused: the disk has almost no inodes left"]
    (trouble,) = node.troubles.of(TroubleKind.DISK)
    assert "inodes" in trouble.reason
    assert trouble.command.startswith("df -i ")


@pytest.mark.parametrize(
    ("free_bytes", "total_bytes"),
    [
        pytest.param(10 * limits.GIB, 1000 * limits.GIB, id="large: a hundredth"),
        pytest.param(limits.FREE_MIN_BYTES, 50 * limits.GIB, id="as much as always"),
        pytest.param(256 * limits.MIB, 1024 * limits.MIB, id="small: a quarter"),
    ],
)
def test_how_much_of_a_disk_stays_free(node: Node, free_bytes: int, total_bytes: int) -> None:
    room = DiskRoom(node)
    room.on_space(SpaceSeen(free_bytes, total_bytes))
    assert room.lack is None
    room.on_space(SpaceSeen(free_bytes - 1, total_bytes))
    assert room.lack is Hindrance.SPACE


def test_a_full_disk_that_could_not_be_written_either_is_one_trouble(node: Node) -> None:
    room = DiskRoom(node)
    room.on_failed(Hindrance.SPACE, [FILE])
    room.on_space(SpaceSeen(0, LARGE))
    assert [trouble.subject for trouble in node.troubles.all()] == [SPACE]


def test_of_few_inodes_a_quarter_stays_free(node: Node) -> None:
    room = DiskRoom(node)
    room.on_space(SpaceSeen(90 * limits.GIB, LARGE, 100, 400))
    assert room.lack is None
    room.on_space(SpaceSeen(90 * limits.GIB, LARGE, 99, 400))
    assert room.lack is Hindrance.INODES


def test_what_cannot_be_written_is_told_once_and_stays_until_something_is(node: Node) -> None:
    room = DiskRoom(node)
    room.on_written()
    room.on_failed(Hindrance.IO, [FILE])
    room.on_failed(Hindrance.IO, [FILE])
    assert told(node) == ["cannot write here: the disk reports an input/output error"]
    (trouble,) = node.troubles.all()
    assert (trouble.kind, trouble.subject) == (TroubleKind.DISK, str(FILE))
    assert room.failed_words == "the disk reports an input/output error"
    room.on_failed("worn out", [FILE])
    assert told(node) == ["cannot write here: worn out"]
    room.on_written()
    assert room.failed_words == ""
    assert node.troubles.all() == []
    room.on_failed("worn out", [FILE])
    assert len(told(node)) == 1


def test_the_first_path_is_named_with_how_many_more_and_when_it_is_tried_next(node: Node) -> None:
    room = DiskRoom(node)
    node.now = 5.0
    room.on_failed(Hindrance.IO, [])
    reason = "what is fetched cannot be written: the disk reports an input/output error"
    rest = reason, "dmesg | tail", 5.0
    again_s = 5.0 + limits.RETRY_S
    assert node.troubles.all() == [Trouble(TroubleKind.DISK, WRITING, *rest, again_s)]
    node.now = 6.0
    room.on_failed(Hindrance.IO, [FILE])
    room.on_failed(Hindrance.IO, [FILE, OTHER])
    again_s = 6.0 + limits.RETRY_S
    called = f"{FILE} and 1 more"
    assert node.troubles.all() == [Trouble(TroubleKind.DISK, called, *rest, again_s)]
    room.on_space(SpaceSeen(0, LARGE))
    assert Trouble(TroubleKind.DISK, called, *rest, None) in node.troubles.all()
    room.on_failed(Hindrance.IO, [FILE])
    assert {one.next_s for one in node.troubles.all()} == {None}, "it is not tried while it is full"
    room.on_written()
    assert [one.subject for one in node.troubles.all()] == [SPACE]
    room.on_failed(Hindrance.IO, [OTHER])
    assert str(OTHER) in [one.subject for one in node.troubles.all()]


def test_a_file_without_room_is_named_with_what_it_lacks_until_it_has_room(node: Node) -> None:
    room = DiskRoom(node)
    big, small = (parse_wire_path(wire) for wire in (b"anna/big", b"anna/small"))
    room.on_short(None, None)
    room.on_short(big, short(5_400_000))
    reason = f"no room for anna/big on the disk of {node.settings.folder}: 5.4 MB more must be free"
    assert told(node) == [reason]
    (trouble,) = node.troubles.of(TroubleKind.DISK)
    assert (trouble.subject, trouble.reason) == (SPACE, reason)
    assert trouble.command.startswith("df -h ")
    room.on_short(big, short(5_300_000, 17_001, 40_600_000))
    (trouble,) = node.troubles.of(TroubleKind.DISK)
    assert trouble.reason.endswith(
        ": 5.3 MB more must be free for it, 40.6 MB for all that waits (17,001 files)"
    )
    assert told(node) == [], "the same file, said already"
    room.on_short(small, short(1))
    assert len(told(node)) == 1
    assert room.paused == "", "what has room is fetched"
    room.on_short(None, None)
    assert node.troubles.all() == []


def test_each_lack_of_room_stands_since_it_is_so(node: Node) -> None:
    room = DiskRoom(node)

    def since_s() -> float:
        (trouble,) = node.troubles.all()
        return trouble.since_s

    for now in (1.0, 2.0):
        node.now = now
        room.on_short(FILE, short(10))
    assert since_s() == 1.0
    for now in (3.0, 4.0):
        node.now = now
        room.on_short(OTHER, short(10))
    assert since_s() == 3.0
    for now in (5.0, 6.0):
        node.now = now
        room.on_space(SpaceSeen(0, LARGE))
    assert since_s() == 5.0
    node.now = 7.0
    room.on_space(SpaceSeen(LARGE, LARGE, 0, 10**6))
    assert since_s() == 7.0


def test_while_nothing_is_fetched_no_single_file_is_named(node: Node) -> None:
    room = DiskRoom(node)
    big = parse_wire_path(b"anna/big")
    room.on_short(big, short(1))
    room.on_space(SpaceSeen(0, LARGE))
    told(node)
    room.on_short(big, short(2))
    room.on_short(None, None)
    (trouble,) = node.troubles.all()
    assert trouble.reason.startswith("almost no space is left")
    assert told(node) == []
    room.on_space(SpaceSeen(LARGE, LARGE))
    told(node)
    room.on_short(big, short(2))
    assert len(told(node)) == 1


def test_while_something_lacks_room_the_trash_is_pruned_now_and_then(node: Node) -> None:
    room = DiskRoom(node)
    big = parse_wire_path(b"anna/big")
    room.on_short(big, short(5_000_000))
    assert len(builders.taken(node, PruneTrash)) == 1
    room.on_short(big, short(5_000_000))
    room.on_space(SpaceSeen(0, LARGE))
    assert builders.taken(node, PruneTrash) == []
    node.now += PRUNE_AGAIN_S
    room.on_space(SpaceSeen(0, LARGE, None, None, 28_000_000))
    assert len(builders.taken(node, PruneTrash)) == 1
    (trouble,) = node.troubles.all()
    kept = f"; the trash ({node.settings.folder}/.potluck/trash) held 28.0 MB of it"
    kept += " when it was looked at last"
    assert trouble.reason.endswith(kept)
    room.on_space(SpaceSeen(LARGE, LARGE))
    room.on_short(big, short(5_000_000))
    (trouble,) = node.troubles.all()
    assert trouble.reason.endswith(kept)
    room.on_space(SpaceSeen(LARGE, LARGE, None, None, 0))
    room.on_short(big, short(5_000_000))
    (trouble,) = node.troubles.all()
    assert trouble.reason.endswith("more must be free"), "nothing is in it"


def test_what_the_trash_let_go_of_early_is_told(node: Node) -> None:
    room = DiskRoom(node)
    room.on_space(SpaceSeen(LARGE, LARGE, trash_bytes=0))
    assert told(node) == []
    room.on_space(SpaceSeen(LARGE, LARGE, trash_bytes=0, early_files=2, early_bytes=5_000_000))
    assert told(node) == ["the trash was too large: it let go of 2 files (5.0 MB) early"]
    room.on_space(SpaceSeen(0, LARGE))
    told(node)
    room.on_space(SpaceSeen(LARGE, LARGE, trash_bytes=0, early_files=1, early_bytes=5_000_000))
    text = "the disk is almost full: the trash let go of 1 file (5.0 MB) early"
    assert text in told(node)
