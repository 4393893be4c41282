"""Acts: each is answered once, in three parts where it cannot be done."""

from __future__ import annotations

from typing import get_args

import pytest

from potluck.core.group.codes import TypedCode
from potluck.core.group.word_list import WORDS
from potluck.core.wire.catalogue import Cause, Offer
from potluck.engine.acts import Acts, GroupParts
from potluck.engine.confirming import Confirming
from potluck.engine.effects import Reply
from potluck.engine.events import LinkId
from potluck.engine.group.admission_policy import AdmissionPolicy
from potluck.engine.group.code_entering import Codes
from potluck.engine.group.membership import Membership
from potluck.engine.group.requests import AskedMember, Requests
from potluck.engine.lost_disks import LostDisks
from potluck.engine.node import Node
from potluck.engine.own.imports import LEAVING
from potluck.engine.person_acts import (
    AdoptAsked,
    AppointAsked,
    ApproveAsked,
    AskAsked,
    ConfirmAsked,
    DenyAsked,
    ForgetAsked,
    GetAsked,
    InviteAsked,
    JoinAsked,
    KeepAsked,
    KeepHereAsked,
    LeaveForGoodAsked,
    NewIdentityAsked,
    PersonAct,
    RemoveAsked,
    RenameDeviceAsked,
    RenameGroupAsked,
    RepairAsked,
    SkipAsked,
    TakeAsked,
    UndoAsked,
    UninviteAsked,
    VerifyAsked,
)
from potluck.engine.wiring import Wiring
from tests.engine.builders import address, group, key, node, taken
from tests.engine.listeners import Heard

# what a lonely device cannot do, and how it says so
ACTS: list[tuple[PersonAct, str]] = [
    (ApproveAsked(1, "bert"), "not_found"),
    (ApproveAsked(13, "bert", "cleo"), "not_found"),
    (ApproveAsked(13, "bert", ""), "not_found"),
    (DenyAsked(2, ""), "not_found"),
    (AskAsked(11, "Home"), "not_found"),
    (InviteAsked(3, 0.0), "usage"),
    (UninviteAsked(4), "not_found"),
    (JoinAsked(5, TypedCode("no code")), "usage"),
    (RemoveAsked(6, "nobody"), "not_found"),
    (AppointAsked(7, "nobody"), "not_found"),
    (ForgetAsked(11, "nobody"), "not_found"),
    (AdoptAsked(12, "nobody"), "not_found"),
    (ConfirmAsked(16), "not_found"),
    (ConfirmAsked(16, "nobody"), "not_found"),
    (RepairAsked(17), "not_found"),
    (VerifyAsked(18, "nobody/nothing"), "not_found"),
    (SkipAsked(19, ("nobody/a",)), "not_found"),
    (KeepAsked(19, ("nobody/a",)), "not_found"),
    (GetAsked(20, ("a",)), "not_found"),
    (TakeAsked(18, "nobody/a"), "not_found"),
    (UndoAsked(21), "not_found"),
    (LeaveForGoodAsked(10), "refused"),
    (RenameDeviceAsked(8, "nobody", "bert"), "not_found"),
    (RenameGroupAsked(9, "a/b"), "usage"),
]

DECISIONS: list[PersonAct] = [KeepHereAsked(14), NewIdentityAsked(15)]


def acts_of(mine: Node, requests: Requests, policy: AdmissionPolicy) -> Acts:
    """Acts over these parts, and others of their own."""
    parts = Wiring(mine)
    back = parts.bringing_back
    return Acts(
        mine,
        requests,
        policy,
        Codes(parts.invitations, parts.joining),
        GroupParts(
            parts.stewardship,
            parts.renaming,
            parts.forgetting,
            parts.adopting,
            parts.succession,
            parts.clones,
            Confirming(mine, parts.publishing, parts.loss_breaker, parts.holds),
            LostDisks(mine, parts.own_folder.covered, parts.publishing, back),
            parts.scrub,
            parts.taking,
            parts.skipping,
            parts.taking_back,
        ),
    )


def replies(act: PersonAct, *, leaving: bool = False) -> list[Reply]:
    """What a lonely device answers."""
    parts = Wiring(node())
    parts.start()
    parts.node.leaving = leaving
    parts.acts.handle(act)
    return list(taken(parts.node, Reply))


@pytest.mark.parametrize(("act", "code"), ACTS)
def test_an_act_is_answered_once_and_also_while_leaving(act: PersonAct, code: str) -> None:
    (reply,) = replies(act)
    assert (reply.command, reply.ok, reply.code) == (act.command, False, code)
    assert reply.text
    assert reply.cause
    (reply,) = replies(act, leaving=True)
    assert (reply.command, reply.ok, reply.code) == (act.command, False, "refused")
    assert (reply.text, bool(reply.fix)) == (LEAVING, True)


@pytest.mark.parametrize("act", DECISIONS)
def test_which_of_two_machines_it_is_can_be_said_anywhere(act: PersonAct) -> None:
    (reply,) = replies(act)
    is_to_stay = isinstance(act, KeepHereAsked)
    assert (reply.command, reply.ok) == (act.command, is_to_stay), "there is no other one"
    (reply,) = replies(act, leaving=True)
    assert (reply.command, reply.ok, reply.code) == (act.command, False, "refused")


def test_a_group_near_by_that_nobody_asks_just_now_is_asked_if_a_person_wants_it() -> None:
    mine = node(headless=True, open_s=None)
    heard = Heard()
    membership = Membership(mine, heard)
    policy = AdmissionPolicy(mine, membership, heard)
    policy.start(kept=membership.start())
    requests = Requests(mine, heard)
    acts = acts_of(mine, requests, policy)
    offer = Offer(bytes(16), bytes(32), "", "", 7685, 2, open=False)
    policy.on_offer(offer, address(9).host)
    mine.now = 1.0
    policy.on_tick()
    (found,) = policy.found
    policy.names.note(found, "Home", "d9")
    policy.on_refused(found, Cause.DENIED)
    policy.on_tick()
    assert heard.of("on_wish") == [found]
    acts.handle(AskAsked(3, "Elsewhere"))
    acts.handle(ApproveAsked(4, "Home"))
    acts.handle(AskAsked(5, "Home"))
    unknown, _, asked = taken(mine, Reply)
    assert [unknown.ok, asked.ok] == [False, True]
    assert "its door is shut" in unknown.cause
    assert asked.text == (
        "Home is asked to let this device in. If it can be, three words to compare stand on both "
        "screens; if not, peers says why."
    )
    policy.on_tick()
    assert heard.of("on_wish") == [found, found]
    whose, link = frozenset({found.tag}), LinkId(1)
    there = AskedMember(link, "Home", "d9", address(9).host, bytes(32), 120.0, whose=whose)
    requests.open_there(there, is_open=False)
    acts.handle(AskAsked(6, "Home"))
    requests.on_said(link, here=True)
    acts.handle(AskAsked(7, "Home"))
    answer, wait = taken(mine, Reply)
    assert answer.text.startswith("Home is not asked now: a request between it and this device")
    assert [(one.ok, one.code, one.fix) for one in (answer, wait)] == [
        (False, "refused", "approve Home"),
        (False, "refused", "pending"),
    ], "a second request beside the first would end in none of the two"


def test_an_answer_of_a_person_reaches_the_conversation() -> None:
    mine = node(headless=True, open_s=None)
    mine.roster = group(1)
    heard = Heard()
    requests = Requests(mine, heard)
    acts = acts_of(mine, requests, AdmissionPolicy(mine, Membership(mine, heard), heard))
    joined = AskedMember(LinkId(1), "Home", "d9", "10.0.0.9", bytes(32), 120.0)
    requests.open_there(joined, is_open=False)
    acts.handle(AskAsked(4, "Home"))
    assert heard.of("on_answered") == [], "to ask is never to answer, whatever has come meanwhile"
    acts.handle(ApproveAsked(5, "Home"))
    acts.handle(DenyAsked(6, ""))
    assert heard.of("on_answered") == [(LinkId(1), "d1", True), (LinkId(1), "d1", False)]
    assert [reply.ok for reply in taken(mine, Reply)] == [False, True, True]


def test_every_act_is_tried() -> None:
    tried = {type(act) for act, _ in ACTS} | set(map(type, DECISIONS))
    assert tried == set(get_args(PersonAct))


def test_what_is_done_is_said_and_what_is_told_later_is_not_said_now() -> None:
    (reply,) = replies(InviteAsked(6, 600.0))
    assert reply.ok
    assert reply.text.count("-") == 2
    assert reply.text not in repr(reply)
    assert replies(JoinAsked(7, TypedCode("-".join(WORDS[:3])))) == []


def test_the_own_code_is_tried_nowhere() -> None:
    """It cost a try at whoever else had a code in force."""
    parts = Wiring(node())
    parts.start()
    parts.acts.handle(InviteAsked(6, 600.0))
    (made,) = taken(parts.node, Reply)
    parts.acts.handle(JoinAsked(7, TypedCode(made.text.upper().replace("-", " "))))
    (reply,) = taken(parts.node, Reply)
    assert (reply.ok, reply.code) == (False, "refused")
    assert reply.text == "That is the code of this device itself."
    assert parts.joining.deadline() is None
    assert parts.invitations.tries_left == 3
    parts.acts.handle(JoinAsked(8, TypedCode("no code")))
    (reply,) = taken(parts.node, Reply)
    assert reply.code == "usage"


def test_it_shows_its_state_in_one_line() -> None:
    assert repr(Wiring(node()).acts) == "<Acts leaving=False>"


def test_what_was_done_is_said() -> None:
    parts = Wiring(node(1))
    parts.start()
    parts.acts.handle(RenameDeviceAsked(5, "", "anna"))
    parts.acts.handle(RenameGroupAsked(6, "Office"))
    one, other = taken(parts.node, Reply)
    assert (one.command, one.ok) == (5, True)
    assert (other.command, other.ok) == (6, True)
    assert parts.node.roster is not None
    assert (parts.node.own_label, parts.node.roster.name) == ("anna", "Office")


def test_a_device_is_removed_and_its_folder_forgotten_at_once_or_when_it_is_out_already() -> None:
    parts = Wiring(node(1))
    parts.node.index.roster.replace(group(1, 2, 3).records())
    parts.start()
    roster = parts.node.roster
    assert roster is not None
    parts.acts.handle(RemoveAsked(5, "d2", forget=True))
    assert roster.forgotten == {key(2).device}
    parts.acts.handle(RemoveAsked(6, "d3"))
    assert roster.forgotten == {key(2).device}, "the folder of d3 stays"
    parts.acts.handle(RemoveAsked(7, "d3", forget=True))
    assert roster.forgotten == {key(2).device, key(3).device}
    first, second, third = taken(parts.node, Reply)
    assert (first.ok, second.ok, third.ok) == (True, True, True)
    assert "go to the trash on every device" in first.text
    assert "stay on the devices of the group" in second.text
    assert third.text.startswith("The folder d3 ")


def test_who_is_removed_and_not_forgotten_is_not_said_to_be(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parts = Wiring(node())
    parts.node.index.roster.replace(group(1, 2).records())
    parts.start()
    put_out = parts.stewardship._put_out
    monkeypatch.setattr(parts.stewardship, "_put_out", lambda who, forget: put_out(who))
    monkeypatch.setattr(parts.forgetting, "sign", lambda _: False)
    parts.acts.handle(RemoveAsked(1, "d2", forget=True))
    (reply,) = taken(parts.node, Reply)
    assert (reply.ok, reply.text) == (
        False,
        "d2 is removed, but its files stay here, as they are.",
    )
    assert reply.fix == "on another steward: forget d2"


def test_what_is_skipped_can_be_said_by_anybody() -> None:
    (reply,) = replies(SkipAsked(1, ("*.iso",)))
    assert (reply.ok, reply.text[:30]) == (True, "Not fetched from now on: *.iso")
    (reply,) = replies(KeepAsked(1, ("a.iso",)))
    assert (reply.ok, reply.text[:30]) == (True, "No pattern is skipped here, so")


def test_what_takes_a_while_is_answered_when_it_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = Wiring(node())
    parts.start()
    begun: list[object] = []
    monkeypatch.setattr(parts.taking, "begin", begun.append)
    wanted = TakeAsked(1, "d2/a")
    parts.acts.handle(wanted)
    assert (begun, list(taken(parts.node, Reply))) == ([wanted], [])
