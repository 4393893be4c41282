"""Due parts: who is at it, in which order, and who is passed over for a while."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from potluck.engine.due_parts import DueParts
from potluck.engine.faults import FAULT_REST_S, Faults
from tests.engine.wire import Box, ring


def parts_of(box: Box) -> tuple[DueParts, Faults]:
    faults = Faults(Counter())
    return DueParts(box.engine.wiring, faults), faults


def test_all_are_at_it_in_their_order_but_for_those_that_rest() -> None:
    wire, (ann, ben) = ring(2)
    wire.run(5.0)
    due, faults = parts_of(ann)
    assert repr(due) == "<DueParts at NoneType>"
    ticked = list[str]()
    every = (*due.company(), *due.content())
    for part in every:
        name = type(part).__name__
        part.on_tick = lambda name=name: ticked.append(name)  # type: ignore[method-assign, misc]
    faults.on_part(ann.engine.wiring.strays, wire.now)
    due.tick(every)
    assert ticked == [type(part).__name__ for part in every if type(part).__name__ != "Strays"]
    assert due.at is every[-1]
    assert ann.engine.wiring.circle.heads_digest == ann.engine.wiring.announcing.digest
    assert ben.me in ann.nodes


def test_who_rests_is_due_when_the_rest_is_over() -> None:
    wire, (ann, _) = ring(2)
    wire.run(5.0)
    due, faults = parts_of(ann)
    circle = ann.engine.wiring.circle
    (before,) = due.times([circle])
    faults.on_part(circle, before)
    assert due.times([circle]) == [before + FAULT_REST_S[0]]
    assert due.times([circle], before + 50.0) == [before + 50.0]
    assert due.times([ann.engine.wiring.pairings]) == []


def test_who_raised_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    wire, (ann,) = ring(1)
    wire.run(5.0)
    due, _ = parts_of(ann)

    def breaks(*_: Any) -> None:
        raise KeyError("ours")

    monkeypatch.setattr(ann.engine.wiring.questions, "on_tick", breaks)
    with pytest.raises(KeyError):
        due.tick(due.company())
    assert due.at is ann.engine.wiring.questions
