"""Chores: at once, then once in each interval, however late the loop is."""

from __future__ import annotations

from potluck.shells.loop.chores import Chore, Chores


def test_each_is_begun_at_once_and_then_in_its_interval() -> None:
    begun: list[str] = []
    chores = Chores(
        [Chore(10.0, lambda: begun.append("often")), Chore(25.0, lambda: begun.append("seldom"))]
    )
    assert chores.deadline() == 0.0
    chores.on_tick(100.0)
    assert begun == ["often", "seldom"]
    assert chores.deadline() == 110.0
    chores.on_tick(109.9)
    assert begun == ["often", "seldom"]
    chores.on_tick(110.0)
    chores.on_tick(125.0)
    assert begun == ["often", "seldom", "often", "often", "seldom"]


def test_a_loop_that_was_held_up_begins_each_once() -> None:
    begun: list[str] = []
    chores = Chores([Chore(1.0, lambda: begun.append("x"))])
    chores.on_tick(0.0)
    chores.on_tick(1000.0)
    assert begun == ["x", "x"]
    assert chores.deadline() == 1001.0


def test_no_chores_no_deadline() -> None:
    chores = Chores([])
    chores.on_tick(5.0)
    assert chores.deadline() is None
