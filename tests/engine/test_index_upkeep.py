"""Upkeep: piece lists of no file go, a slice at a time, while nothing else is to be done."""

from __future__ import annotations

import pytest

from potluck.core import limits
from potluck.engine.index_upkeep import BUSY_S, SLICE_PAUSE_S, UPKEEP_SLICE, IndexUpkeep
from tests.engine import builders
from tests.engine.index.builders import piece_list
from tests.engine.listeners import Heard


class Idle:
    """A node at rest unless told otherwise, whose index knows so many piece lists of no file."""

    def __init__(self, lists: int) -> None:
        self.node = builders.node(1)
        self.node.now = 1000.0
        self.roots = [piece_list(2, seed).root for seed in range(lists)]
        for seed in range(lists):
            self.node.index.contents.put(piece_list(2, seed))
        self.busy = False
        self.upkeep = IndexUpkeep(self.node, Heard(is_busy=lambda: self.busy))

    def left(self) -> int:
        return sum(self.node.index.contents.get(root) is not None for root in self.roots)

    def wait(self) -> float:
        """Let time pass until something is due, do it, and return how long that was."""
        due = self.upkeep.deadline()
        assert due is not None
        passed, self.node.now = due - self.node.now, due
        self.upkeep.on_tick()
        return passed


def test_nothing_is_due_before_the_start() -> None:
    idle = Idle(1)
    assert idle.upkeep.deadline() is None
    idle.upkeep.on_tick()
    assert idle.left() == 1


@pytest.fixture
def idle() -> Idle:
    made = Idle(UPKEEP_SLICE + 1)
    made.upkeep.start()
    return made


def test_a_round_goes_slice_by_slice_and_comes_again_after_an_hour(idle: Idle) -> None:
    assert (idle.wait(), idle.left()) == (BUSY_S, 1)
    assert (idle.wait(), idle.left()) == (SLICE_PAUSE_S, 0)
    assert idle.upkeep.deadline() == idle.node.now + limits.UPKEEP_S


def test_it_is_never_too_early(idle: Idle) -> None:
    idle.node.now += BUSY_S - 1
    idle.upkeep.on_tick()
    assert idle.left() == UPKEEP_SLICE + 1


def test_while_a_content_may_be_on_its_way_nothing_goes(idle: Idle) -> None:
    idle.busy = True
    assert (idle.wait(), idle.wait(), idle.left()) == (BUSY_S, BUSY_S, UPKEEP_SLICE + 1)
    idle.busy = False
    assert (idle.wait(), idle.left()) == (BUSY_S, 1)


def test_it_shows_when_it_is_due_and_where_it_is(idle: Idle) -> None:
    assert repr(idle.upkeep) == "<IndexUpkeep due 1060.0 after nothing>"
    idle.wait()
    assert repr(idle.upkeep).startswith("<IndexUpkeep due 1061.0 after ")
    assert "nothing" not in repr(idle.upkeep)
