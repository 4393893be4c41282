"""The line budget: what is over it is counted, and told once a minute."""

from __future__ import annotations

from potluck.faces.line_budget import WINDOW_S, LineBudget


def test_what_is_over_the_budget_is_counted_and_due_once() -> None:
    budget = LineBudget(2)
    assert [budget.take(float(second)) for second in range(5)] == [True, True, False, False, False]
    assert repr(budget) == "LineBudget(2 of 2 told, 3 left out)"
    assert budget.due(WINDOW_S - 0.1) == 0
    assert not budget.take(WINDOW_S), "the sum comes first"
    assert budget.due(WINDOW_S) == 4
    assert budget.due(3 * WINDOW_S) == 0
    assert budget.take(WINDOW_S), "the next minute"


def test_a_quiet_minute_gives_the_whole_budget_back() -> None:
    budget = LineBudget(1)
    assert budget.take(0.0)
    assert budget.take(WINDOW_S)
    assert budget.due(2 * WINDOW_S) == 0
