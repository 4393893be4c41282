"""Silence: told only once it has lasted, and never of somebody who is about to speak."""

from __future__ import annotations

from typing import Any

from potluck.faces.silence import ALONE_S, HEARD_FOR_S, LOST_S, Silence, is_heard
from tests.faces.fakes import alone, state

HEARD = alone(tried=alone()["tried"] | {"heard": True})


def kind(one: Silence, snapshot: dict[str, Any], now: float, *, near: bool = False) -> str:
    return one.kind(snapshot, now, here=False, near=near)


def test_being_alone_is_worth_a_line_after_a_search() -> None:
    silence = Silence(100.0)
    assert kind(silence, alone(), 100.0 + ALONE_S - 0.1) == ""
    assert kind(silence, alone(), 100.0 + ALONE_S) == "alone"
    assert silence.kind(state(), 110.0, here=True, near=False) == ""
    assert repr(silence) == "Silence(110)"


def test_a_newcomer_that_is_heard_has_time_to_ask() -> None:
    silence = Silence(100.0)
    assert kind(silence, alone(), 103.0) == ""
    assert [kind(silence, HEARD, at_s) for at_s in (103.1, 105.0, 112.9)] == ["", "", ""]
    assert kind(silence, HEARD, 103.0 + HEARD_FOR_S) == "heard"


def test_whoever_was_near_a_moment_ago_may_be_found_again() -> None:
    """The member that asked was ended: the others of its group answer within seconds."""
    silence = Silence(100.0)
    assert kind(silence, alone(), 130.0, near=True) == ""
    assert kind(silence, alone(), 130.0 + LOST_S - 0.1) == ""
    assert kind(silence, alone(), 130.0 + LOST_S) == "alone"
    again = Silence(100.0)
    kind(again, alone(), 130.0, near=True)
    assert kind(again, HEARD, 130.1 + HEARD_FOR_S - 0.2) == ""
    assert kind(again, HEARD, 130.1 + HEARD_FOR_S) == "heard"
    let_in = Silence(100.0)
    kind(let_in, alone(), 130.0, near=True)
    assert kind(let_in, state(), 130.0 + ALONE_S) == "alone", "in the group of the others by now"


def test_an_earlier_version_does_not_tell_what_it_hears() -> None:
    assert is_heard(HEARD)
    assert not is_heard(alone())
