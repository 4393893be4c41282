"""Introductions: who is answered how, and that only a former member learns more than a byte."""

from __future__ import annotations

import pytest

from potluck.core import limits
from potluck.core.group.roster import Roster
from potluck.core.group.statements import Appoint, Remove, sign_act, sign_removal
from potluck.core.keys.sealing import seal_to
from potluck.core.wire.catalogue import RosterRecord, encode
from potluck.engine.effects import AnswerIntroduction
from potluck.engine.events import OrderId
from potluck.engine.node import Node
from potluck.engine.ring.introductions import answer_to, chain_in, introduction, records_in, removal
from tests.engine.builders import group, key, member, node

KNOCK = OrderId(3)


def inside(number: int, roster: Roster) -> Node:
    """A device that knows what this roster says now."""
    made = node(number)
    made.roster = Roster.replay(roster.kept())
    return made


def put_out(roster: Roster, by: int, whom: int, *accepted: bytes) -> None:
    said = Remove(roster.group, key(whom).device, [], b"", None, b"", [])
    roster.add(sign_removal(key(by), said, accepted))
    roster.settle()


def shown(away: Node, to: Node) -> AnswerIntroduction:
    """What the one answers when the other introduces itself."""
    assert to.roster is not None
    entry = to.roster.members[to.me]
    chain = chain_in(to, introduction(away, entry))
    assert chain is not None
    to.roster.add(chain)
    return answer_to(to, KNOCK, chain)


def test_a_former_member_learns_by_whose_word_it_is_out_and_nobody_else_can_read_it() -> None:
    roster = group(1, 2, 3, 4)
    away = inside(2, roster)
    roster.add([sign_act(key(1), Appoint(roster.group, key(3).certificate))])
    put_out(roster, 3, 2)
    answer = shown(away, inside(4, roster))
    assert not answer.accepted
    assert records_in(inside(1, roster), answer.sealed) == []
    assert away.roster is not None
    away.roster.add(records_in(away, answer.sealed))
    assert [each.by for each in away.roster.standing.removals[away.me]] == [key(3).device]


def test_whose_admission_is_void_learns_that_too_and_so_does_a_founder() -> None:
    roster = group(1, 2, 4)
    roster.add([member(key(2), roster, key(3), "d3")])
    roster.settle()
    guest, founder = inside(3, roster), inside(1, roster)
    roster.add([sign_act(key(1), Appoint(roster.group, key(4).certificate))])
    put_out(roster, 1, 2)
    one, four = key(1).device, key(4).device
    stand = [known for known, who in roster.admitted_by(one).items() if who == four]
    put_out(roster, 4, 1, *stand, *roster.acts)
    assert set(roster.members) == {four}
    for away in (guest, founder):
        assert away.roster is not None
        away.roster.add(records_in(away, shown(away, inside(4, roster)).sealed))
        assert away.me not in away.roster.members


def test_a_former_member_can_be_shown_it_unasked() -> None:
    roster = group(1, 2, 3)
    away, former = inside(2, roster), roster.members[key(2).device]
    put_out(roster, 1, 2)
    shows = removal(inside(3, roster), former)
    records = chain_in(away, shows)
    assert records is not None
    assert away.roster is not None
    away.roster.add(records)
    away.roster.settle()
    assert away.me not in away.roster.members
    assert chain_in(inside(1, roster), shows) is None, "nobody else can read it"
    assert chain_in(away, removal(node(5), former)) == []


def test_what_one_member_makes_up_puts_nobody_out() -> None:
    roster = group(1, 2, 3)
    away, liar = inside(2, roster), inside(3, roster)
    assert liar.roster is not None
    said = Remove(roster.group, away.me, [], b"", None, b"", [])
    made_up = sign_removal(key(3), said, [])
    sealed = seal_to(key(2).sealing_public, bytes(32), b"introduction answered", encode(made_up))
    assert away.roster is not None
    assert records_in(away, sealed) == made_up
    away.roster.add(made_up)
    away.roster.settle()
    assert away.me in away.roster.members


def test_who_is_a_member_and_who_never_was_one_get_one_byte() -> None:
    roster = group(1, 2)
    here = inside(1, roster)
    assert shown(inside(2, roster), here) == AnswerIntroduction(KNOCK, accepted=True)
    stranger = group(5, 6)
    unread = RosterRecord(b"?", key(6).device, bytes(64))
    genesis = roster.records()[0]
    chains: tuple[list[RosterRecord] | None, ...] = (
        None,
        [],
        stranger.records()[1:],
        [unread],
        [genesis],
    )
    for chain in chains:
        assert answer_to(here, KNOCK, chain) == AnswerIntroduction(KNOCK, accepted=False)
    assert answer_to(node(3), KNOCK, []) == AnswerIntroduction(KNOCK, accepted=False)
    assert chain_in(here, b"") is None
    assert records_in(here, b"") == []
    for purpose, read in ((b"introduction", chain_in), (b"introduction answered", records_in)):
        sealed = seal_to(key(1).sealing_public, bytes(32), purpose, b"\x07")
        assert not read(here, sealed)


def test_without_a_group_nothing_is_shown() -> None:
    here = inside(1, group(1, 2))
    assert here.roster is not None
    assert chain_in(here, introduction(node(3), here.roster.members[here.me])) == []


@pytest.mark.parametrize("room", [limits.INTRODUCTION_BYTES, 2000])
def test_an_answer_is_as_long_as_an_introduction_may_be(
    room: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    roster = group(1, 2, 3)
    away = inside(2, roster)
    for number in range(limits.INTRODUCTION_RECORDS + 1):
        put_out(roster, 1, 2, bytes([number]) * 32)
    monkeypatch.setattr(limits, "INTRODUCTION_BYTES", room)
    answer = shown(away, inside(3, roster))
    assert len(answer.sealed) <= room
    got = records_in(away, answer.sealed)
    assert (len(got) == limits.INTRODUCTION_RECORDS) == (room > 2000)
    assert got
