"""Replica hints: what is gathered, for how long, and how little looking may take."""

from __future__ import annotations

import pytest

from potluck.core.content.facts import ManifestName, Spot
from potluck.core.content.paths import parse_wire_path
from potluck.engine.others.replica_hints import (
    REST_PART,
    SETTLE_S,
    TOUCHED_MAX,
    CatchUp,
    ReplicaHints,
)
from tests.engine import builders

ANNAS = ManifestName.own(builders.key(2).device)
BERTS = ManifestName.own(builders.key(3).device)


@pytest.fixture
def hints() -> ReplicaHints:
    node = builders.node(1)
    node.roster = builders.group(1, 2, 3)
    return ReplicaHints(node)


def touch(hints: ReplicaHints, *names: str) -> None:
    hints.on_touched([parse_wire_path(name.encode()) for name in names])


def test_what_is_touched_is_gathered_for_a_moment(hints: ReplicaHints) -> None:
    assert hints.deadline() is None
    touch(hints, "d2/a")
    hints._node.now = 0.1
    touch(hints, "d2/a", "d3/b")
    assert (hints.deadline(), hints.due()) == (SETTLE_S, [])
    hints._node.now = SETTLE_S
    assert hints.due() == [Spot(ANNAS, b"a"), Spot(BERTS, b"b")]
    assert (hints.deadline(), hints.due()) == (None, [])
    touch(hints, "d2/a")
    assert hints.deadline() == 2 * SETTLE_S


def test_whoever_waits_need_not_wait_for_more_to_come_but_for_the_rest(hints: ReplicaHints) -> None:
    hints.hurry()
    assert (hints.has_paths, hints.deadline()) == (False, None)
    hints._node.now = 5.0
    touch(hints, "d2/a")
    hints.hurry()
    assert (hints.has_paths, hints.deadline()) == (True, 5.0)
    hints.on_looked(took_s=1.0)
    assert hints.deadline() == 5.0 + REST_PART
    hints._node.now = 5.0 + REST_PART
    assert hints.due() == [Spot(ANNAS, b"a")]
    assert not hints.has_paths


def test_whoever_waits_waits_until_what_was_touched_was_taken_and_then_judged(
    hints: ReplicaHints,
) -> None:
    catch_up = CatchUp(hints._node, hints)
    assert repr(catch_up) == "<CatchUp False>"
    touch(hints, "d2/a", "d3")
    catch_up.begin()
    for due in (True, False):
        catch_up.on_taken()
        catch_up.on_settled()
        assert catch_up.is_due, "not taken yet, and then a folder is still to be scanned"
        hints.due()
        assert hints.has_paths is False, due
    hints.take_folder()
    catch_up.on_settled()
    touch(hints, "d2/b", "d3")
    assert not catch_up.is_due, "what is touched later is not waited for"
    catch_up.begin()
    catch_up.cancel()
    assert not catch_up.is_due
    hints._node.share_present = False
    catch_up.begin()
    assert not catch_up.is_due


def test_what_is_ours_or_nobodys_is_left(hints: ReplicaHints) -> None:
    touch(hints, "d1", "d1/a", "nobody", "nobody/a")
    assert hints.deadline() is None
    assert not hints.has_folders


def test_under_a_label_that_is_wished_for_only_nothing_of_ours_is_taken_for_others() -> None:
    node = builders.node(2)
    node.roster = builders.group(1, 2)
    hints = ReplicaHints(node)
    touch(hints, node.own_label, f"{node.own_label}/a")
    assert repr(hints) == "<ReplicaHints 0 paths, 0 folders>"


def test_a_whole_folder_is_to_be_scanned_once(hints: ReplicaHints) -> None:
    touch(hints, "d2", "d3", "d2")
    assert hints.deadline() is None
    assert repr(hints) == "<ReplicaHints 0 paths, 2 folders>"
    assert [hints.take_folder(), hints.take_folder()] == [ANNAS, BERTS]
    assert not hints.has_folders


def test_looks_take_a_part_of_the_time_only(hints: ReplicaHints) -> None:
    touch(hints, "d2/a")
    hints._node.now = 1.0
    hints.on_looked(0.5)
    assert hints.deadline() == 1.0 + REST_PART * 0.5
    assert hints.due() == []


def test_very_much_at_once_is_a_scan(hints: ReplicaHints) -> None:
    touch(hints, *(f"d2/{number}" for number in range(TOUCHED_MAX)))
    assert not hints.has_folders
    touch(hints, "d2/one more")
    assert (hints.take_folder(), hints.deadline()) == (ANNAS, None)


def test_what_was_touched_can_be_forgotten(hints: ReplicaHints) -> None:
    touch(hints, "d2", "d2/a")
    hints.clear()
    assert (hints.has_folders, hints.deadline(), hints.due()) == (False, None, [])
    touch(hints, "d2/a")
    assert hints.deadline() == SETTLE_S


def test_a_whole_folder_may_be_asked_for(hints: ReplicaHints) -> None:
    hints.scan(ANNAS)
    hints.scan(ANNAS)
    assert (hints.has_folders, hints.take_folder(), hints.has_folders) == (True, ANNAS, False)
