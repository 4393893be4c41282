"""Commands: each ends once, whoever answers, or nobody.

Strategy: a loop that only keeps what it was told.
"""

from __future__ import annotations

import threading
from typing import Any, cast

from potluck.engine.effects import Reply
from potluck.engine.events import FlushAsked, RescanAsked
from potluck.engine.own.imports import LEAVING, START_AGAIN
from potluck.shells.api.commands import Commands, left_undone
from potluck.shells.loop.loop import Loop


class Told:
    """Whoever is told facts, and what happens then."""

    def __init__(self, commands: Commands, *replies: Reply | None) -> None:
        self.commands, self.replies = commands, list(replies)
        self.facts: list[Any] = []

    def post(self, fact: Any) -> None:
        self.facts.append(fact)
        reply = self.replies.pop(0) if self.replies else None
        if reply is not None:
            threading.Thread(target=self.commands.replied, args=(reply,)).start()


def flush(command: int) -> FlushAsked:
    return FlushAsked(command, 1.0)


def test_a_command_is_answered_by_the_reply_of_its_number() -> None:
    commands = Commands()
    told = Told(commands, Reply(1, ok=True, text="one"), Reply(2, ok=False, text="two"))
    loop = cast("Loop", told)
    assert commands.ask(loop, flush, 10.0) == Reply(1, ok=True, text="one")
    assert commands.ask(loop, flush, 10.0) == Reply(2, ok=False, text="two")
    assert told.facts == [flush(1), flush(2)]
    assert repr(commands) == "<Commands: 0 waiting, closed=False>"


def test_who_waits_in_vain_hears_nothing_and_a_late_reply_is_dropped() -> None:
    commands = Commands()
    assert commands.ask(cast("Loop", Told(commands)), flush, 0.01) is None
    commands.replied(Reply(1, ok=True, text="late"))
    assert repr(commands) == "<Commands: 0 waiting, closed=False>"


def test_files_being_added_are_under_way_until_the_engine_says_otherwise() -> None:
    commands = Commands()
    asked = commands.ask(cast("Loop", Told(commands)), lambda _: RescanAsked(), 0.01, adds=True)
    assert asked is None
    assert commands.adding
    commands.replied(Reply(1, ok=True, text="added"))
    assert not commands.adding


def test_after_the_end_everybody_is_told_that_it_is_over() -> None:
    commands = Commands()
    assert commands.ask(cast("Loop", Told(commands)), flush, 0.01, adds=True) is None
    commands.close()
    assert not commands.adding
    answer = commands.ask(cast("Loop", Told(commands)), flush, 10.0)
    assert answer == left_undone(2)
    assert (answer.ok, answer.text, answer.fix) == (False, LEAVING, START_AGAIN)
