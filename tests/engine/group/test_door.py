"""The door: open, closed or shut, and what the doorway hears of it."""

from __future__ import annotations

import math
from typing import Any

import pytest

from potluck.engine.effects import OpenDoor
from potluck.engine.group.door import Door
from potluck.engine.node import Node
from tests.engine.builders import node, taken


def door(**settings: Any) -> tuple[Node, Door]:
    here = node(1, **settings)
    made = Door(here)
    made.start()
    return here, made


def test_an_open_door_closes_in_time_and_then_people_are_asked_if_there_are_any() -> None:
    here, opened = door(open_s=10.0)
    assert taken(here, OpenDoor) == [OpenDoor(open=True)]
    assert (opened.is_open, opened.answers, opened.deadline()) == (True, True, 10.0)
    here.now = 10.0
    assert not opened.is_open
    opened.settle()
    assert taken(here, OpenDoor) == [OpenDoor(open=False)]
    opened.open_for(math.inf)
    assert opened.deadline() is None
    here.leaving = True
    assert not opened.answers


@pytest.mark.parametrize("who", ["attended", "headless"])
def test_a_closed_door_answers_where_somebody_can_be_asked_until_it_is_shut(who: str) -> None:
    here, closed = door(open_s=None, **{who: True})
    assert taken(here, OpenDoor) == [OpenDoor(open=True)]
    assert (closed.is_open, closed.asks, closed.answers) == (False, True, True)
    closed.settle()
    assert taken(here, OpenDoor) == [], "nothing new"
    closed.shut = True
    closed.settle()
    assert taken(here, OpenDoor) == [OpenDoor(open=False)]
    closed.open_for(60.0)
    assert (closed.shut, closed.asks) == (False, True)


def test_a_closed_door_where_nobody_is_answers_nobody() -> None:
    here, closed = door(open_s=None)
    assert not closed.answers
    assert here.take() == []
    assert repr(closed) == "<Door open=False, answers=False>"


def test_a_code_in_force_is_reason_enough_to_answer() -> None:
    here = node(open_s=None)
    door = Door(here)
    door.start()
    door.invites = True
    door.settle()
    assert door.answers
    assert not door.is_open
    door.invites = False
    door.settle()
    assert [effect.open for effect in taken(here, OpenDoor)] == [True, False]
    door.invites, here.leaving = True, True
    assert not door.answers
