"""Waiting for: what is said near a group, by what is known of it, and what is typed then."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from potluck.engine.group.request_ends import OTHER_VERSION
from potluck.engine.views.values import FoundView
from potluck.engine.views.waiting_for import LOST, NO_MEMBER, UNANSWERED, WaitingFor
from potluck.engine.views.waiting_for import waiting_for as said_of

HOME = FoundView("Home", "den-pc", "10.0.0.9:7685", 1, open=False)


def near(**changes: Any) -> FoundView:
    return replace(HOME, **changes)


def waiting_for(found: list[FoundView], *, heard: bool = False) -> WaitingFor:
    return said_of(found, heard=heard)


def test_a_group_that_is_heard_and_does_not_answer_is_not_one_that_can_be_asked() -> None:
    assert waiting_for([], heard=True) == (UNANSWERED, "peers", False)
    assert waiting_for([]) == (LOST, "peers", False), "it was ended there, for all that is known"


def test_the_command_asks_the_one_group_there_is() -> None:
    assert waiting_for([HOME]) == (NO_MEMBER, "approve Home", False)
    assert waiting_for([near(name="")])[1] == "approve 10.0.0.9:7685"
    assert waiting_for([HOME, near(name="Attic")])[1] == "peers", "it is not said which"


def test_what_became_of_the_last_request_is_said() -> None:
    words, command, _ = waiting_for([near(ended="you said no")])
    assert words == f"{NO_MEMBER}; the last request is over: you said no"
    assert command == "approve Home"


def test_where_no_words_can_follow_nothing_is_waited_for() -> None:
    apart = near(ended=OTHER_VERSION, bar="version")
    said = (f"Home: {OTHER_VERSION}", "peers", True)
    assert waiting_for([apart]) == said
    assert waiting_for([near(name="", ended="it was", bar="removed")])[0] == "10.0.0.9:7685: it was"
    assert waiting_for([apart, near(name="Attic")]).words.startswith(NO_MEMBER), "that one can"
    assert not waiting_for([HOME]).wrong
    shut = waiting_for([near(ended="its door is shut", bar="shut")])
    assert shut == (f"{NO_MEMBER}; the last request is over: its door is shut", "peers", False)
