"""Codes between whole engines: who types what where, and what it was answered.

Strategy: `Box`es on a `Wire` with closed doors. `ask` asks an act as the local API does; its answer
is the one Reply that bears its number, and a second one is an error.
"""

from __future__ import annotations

from itertools import count
from typing import Any

from potluck.core.group.codes import TypedCode
from potluck.core.group.word_list import WORDS
from potluck.core.wire.catalogue import Address
from potluck.engine.effects import Reply
from potluck.engine.person_acts import InviteAsked, JoinAsked, PersonAct, UninviteAsked
from tests.engine.wire import Box, Wire

_commands = count(1000)
CLOSED: dict[str, Any] = {"open_s": None}


def ask(box: Box, act: type[PersonAct], *what: Any) -> int:
    """Ask for something and return the number that the answer bears."""
    command = next(_commands)
    box.hear(act(command, *what))
    return command


def answer(box: Box, command: int) -> Reply | None:
    """What an act was answered; None while it is not."""
    replies = [reply for reply in box.asked_for(Reply) if reply.command == command]
    assert len(replies) <= 1, "one answer"
    return replies[0] if replies else None


def invite(box: Box, life_s: float = 600.0) -> str:
    """A new code of that device."""
    reply = answer(box, ask(box, InviteAsked, life_s))
    assert reply is not None
    assert reply.ok, reply
    return reply.text


def uninvite(box: Box) -> Reply:
    reply = answer(box, ask(box, UninviteAsked))
    assert reply is not None
    return reply


def join(box: Box, code: str, peer: Address | None = None, wait_s: float = 9.0) -> Reply:
    """Type a code and wait for what comes of it."""
    command = ask(box, JoinAsked, TypedCode(code), peer)
    assert box.wire.run(wait_s, lambda: answer(box, command) is not None), "an answer in time"
    reply = answer(box, command)
    assert reply is not None
    return reply


def wrong(code: str, turn: int = 1) -> str:
    """Another code, of the same list."""
    words = code.split("-")
    return " ".join([*words[:2], WORDS[(WORDS.index(words[2]) + turn) % len(WORDS)]])


def two(seed: int = 0, **others: Any) -> tuple[Wire, Box, Box]:
    """Two devices side by side with closed doors, each alone in its group."""
    wire = Wire(seed)
    ann, ben = wire.add(1, **CLOSED, **others), wire.add(2, **CLOSED, **others)
    wire.run(3.0)
    return wire, ann, ben


def together(*boxes: Box) -> bool:
    """Whether these are members of one group, and nobody else is."""
    rosters = [box.engine.node.roster for box in boxes]
    groups = {roster.group for roster in rosters if roster is not None}
    members = {frozenset(roster.members) for roster in rosters if roster is not None}
    return len(groups) == 1 and members == {frozenset(box.me for box in boxes)}


def alone(box: Box) -> bool:
    """Whether that device is in a group of its own."""
    roster = box.engine.node.roster
    return roster is not None and set(roster.members) == {box.me}
