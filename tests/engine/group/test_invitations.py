"""Invitations: one code at a time, shown once; the person hears what became of it."""

from __future__ import annotations

import pytest

from potluck.core import limits
from potluck.core.errors import NotFound, Refused, UsageError
from potluck.core.group.codes import TypedCode
from potluck.core.group.word_list import WORDS
from potluck.engine.effects import OpenDoor, Tell
from potluck.engine.group.admission_policy import AdmissionPolicy
from potluck.engine.group.invitations import REPLACED, VOID, CodeTry, Invitations
from potluck.engine.group.membership import Membership
from potluck.engine.node import Node
from tests.engine.builders import node, taken
from tests.engine.listeners import Heard

HOST = "10.0.0.9"


def here() -> tuple[Node, Invitations]:
    mine, heard = node(open_s=None), Heard()
    policy = AdmissionPolicy(mine, Membership(mine, heard), heard)
    return mine, Invitations(mine, policy, WORDS)


def told(mine: Node) -> list[tuple[str, str]]:
    return [(tell.code, tell.level) for tell in taken(mine, Tell)]


def begun(invitations: Invitations) -> CodeTry:
    one = invitations.begin()
    assert one is not None
    return one


def test_a_code_opens_the_door_for_whoever_knows_it() -> None:
    mine, invitations = here()
    assert invitations.left_s is None
    assert (invitations.tries_left, invitations.deadline()) == (0, None)
    code = invitations.invite(60.0)
    assert set(code.split("-")) <= set(WORDS)
    assert [effect.open for effect in taken(mine, OpenDoor)] == [True]
    assert invitations.left_s == invitations.deadline() == 60.0
    assert invitations.tries_left == limits.CODE_TRIES
    assert invitations.prove(begun(invitations))
    assert [effect.open for effect in taken(mine, OpenDoor)] == [False]
    assert invitations.left_s is None
    assert invitations.begin() is None


def test_the_own_code_is_known_however_it_is_typed_and_is_no_try() -> None:
    _mine, invitations = here()
    invitations.check_other(TypedCode("-".join(WORDS[:3])))
    code = invitations.invite(60.0)
    invitations.check_other(TypedCode("no code"))
    first = WORDS[0] if not code.startswith(WORDS[0]) else WORDS[1]
    invitations.check_other(TypedCode(f"{first}-{code.partition('-')[2]}"))
    for typed in (code, code.upper().replace("-", " ")):
        with pytest.raises(Refused, match="the code of this device itself") as caught:
            invitations.check_other(TypedCode(typed))
        assert not any(word in str(caught.value) for word in code.split("-"))
        assert "potluck" not in caught.value.fix, "a face would write the home of this device there"
    assert invitations.tries_left == limits.CODE_TRIES


@pytest.mark.parametrize("life_s", [0.0, -1.0, 3600.1, float("nan"), float("inf")])
def test_a_life_that_cannot_be_meant_is_refused(life_s: float) -> None:
    _mine, invitations = here()
    with pytest.raises(UsageError):
        invitations.invite(life_s)
    assert invitations.begin() is None


def test_a_new_code_takes_the_place_of_the_one_before() -> None:
    mine, invitations = here()
    first = invitations.invite(60.0)
    old = begun(invitations)
    mine.take()
    assert invitations.invite(3600.0) != first
    assert told(mine) == [("invite_over", "info")]
    assert not invitations.prove(old)
    assert invitations.left_s == 3600.0
    assert begun(invitations).code.spoken() != first


def test_a_code_can_be_taken_back_once() -> None:
    mine, invitations = here()
    invitations.invite(60.0)
    mine.take()
    assert invitations.uninvite() == "The code counts no more."
    assert told(mine) == [("invite_over", "info")]
    with pytest.raises(NotFound):
        invitations.uninvite()


def test_another_group_ends_it() -> None:
    mine, invitations = here()
    invitations.on_regrouped()
    invitations.invite(60.0)
    mine.take()
    invitations.on_regrouped()
    assert told(mine) == [("invite_over", "info")]
    assert invitations.left_s is None


def test_time_ends_it() -> None:
    mine, invitations = here()
    invitations.on_tick()
    invitations.invite(60.0)
    mine.take()
    mine.now = 59.0
    invitations.on_tick()
    assert told(mine) == []
    mine.now = 60.0
    assert invitations.begin() is None
    invitations.on_tick()
    assert told(mine) == [("invite_over", "info")]
    assert invitations.left_s is None


def test_every_try_in_vain_is_told_and_the_third_is_the_end() -> None:
    mine, invitations = here()
    invitations.invite(60.0)
    for left in ("2 tries left", "1 try left"):
        mine.take()
        invitations.on_failed(begun(invitations), HOST)
        (tell,) = taken(mine, Tell)
        assert (tell.code, tell.level, tell.subject) == ("code_wrong", "warning", HOST)
        assert tell.text.endswith(left)
    invitations.on_failed(begun(invitations), HOST)
    assert told(mine) == [("code_wrong", "warning"), ("invite_over", "warning")]
    assert invitations.left_s is None


def test_nobody_is_said_to_have_taken_back_what_nobody_did() -> None:
    mine, invitations = here()
    invitations.invite(60.0)
    invitations.invite(60.0)
    invitations.on_regrouped()
    assert [tell.text for tell in taken(mine, Tell)] == [REPLACED, VOID]
    invitations.invite(60.0)
    invitations.uninvite()
    (tell,) = taken(mine, Tell)
    assert tell.text == "the code was taken back: it counts no more"


def test_what_fails_after_the_end_is_told_no_more() -> None:
    mine, invitations = here()
    invitations.invite(60.0)
    first, second = begun(invitations), begun(invitations)
    assert invitations.prove(first)
    invitations.invite(60.0)
    mine.take()
    invitations.on_failed(second, HOST)
    assert told(mine) == []
    assert invitations.left_s == 60.0


def test_it_shows_nothing_of_the_code() -> None:
    mine, invitations = here()
    code = invitations.invite(60.0)
    shown = repr(invitations) + repr(invitations.begin())
    shown += "".join(map(repr, mine.take()))
    assert not any(word in shown for word in code.split("-"))
    assert "OPEN" in shown
