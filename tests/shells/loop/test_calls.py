"""Calls: each is noted once, and a full disk costs the ballast and no event; test_loop.py has the
rest.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from potluck.core.errors import DiskTrouble, IndexDamaged
from potluck.engine.events import RescanAsked
from potluck.engine.recording import Call, Moment
from potluck.shells.loop.calls import Calls


class Stage:
    """An engine that fails so often, and all that is beside it."""

    def __init__(self, *errors: Exception, reserve: int = 1) -> None:
        self.errors, self.reserve = list(errors), reserve
        self.done, self.noted, self.told = list[Any](), list[Call](), list[str]()

    def _called(self, *words: Any) -> list[Any]:
        self.done.append(words[0])
        if self.errors:
            raise self.errors.pop(0)
        return []

    def calls(self) -> Calls:
        called: Any = SimpleNamespace(start=self._called, on_tick=self._called, handle=self._called)
        beside: Any = SimpleNamespace(
            note=self.noted.append, free=self._free, told=lambda tell: self.told.append(tell.code)
        )
        return Calls(called, beside, beside, beside)

    def _free(self) -> bool:
        self.reserve -= 1
        return self.reserve >= 0


@pytest.mark.parametrize("told", [Moment.START, Moment.TICK, RescanAsked()])
def test_each_call_is_noted(told: Any) -> None:
    stage = Stage()
    assert stage.calls().call(told) == []
    assert [(call.told, call.wanted) for call in stage.noted] == [(told, ())]
    assert repr(stage.calls()).startswith("<Calls of ")


def test_a_full_disk_costs_the_ballast_once() -> None:
    stage = Stage(DiskTrouble("full"), DiskTrouble("still full"))
    with pytest.raises(DiskTrouble, match="still full"):
        stage.calls().call(RescanAsked())
    assert stage.told == ["ballast_freed"]
    assert [call.wanted for call in stage.noted] == [None, None]


def test_a_damaged_index_costs_no_ballast() -> None:
    stage = Stage(IndexDamaged())
    with pytest.raises(IndexDamaged):
        stage.calls().call(RescanAsked())
    assert (stage.reserve, stage.told) == (1, [])
