"""Pairings: every conversation on the way in, with those who keep the rules and those who do not.

Strategy: one side is a real part on a node, the other is played by hand with
core/group/admission.py, or against its rules.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from potluck.core import limits
from potluck.core.group.admission import Doorkeeper, Joiner
from potluck.core.group.codes import TypedCode
from potluck.core.group.founding import tag_of
from potluck.core.wire.catalogue import (
    LinkKind,
    Message,
    Offer,
    PairAllow,
    PairCommit,
    PairConsent,
    PairingMessage,
    PairNonce,
    PairRecords,
    PairReveal,
    PairTurn,
    PairVerdict,
    RosterDigest,
)
from potluck.engine.effects import Dial, Drop, Effect, Send, Tell
from potluck.engine.events import (
    DIAL_TIMEOUT,
    NO_COMMON_VERSION,
    DialFailed,
    LinkClosed,
    LinkId,
    LinkOpened,
    MessageHeard,
    OrderId,
)
from potluck.engine.group.admission_policy import AdmissionPolicy
from potluck.engine.group.membership import Membership
from potluck.engine.group.pairings import NOT_ASKED, NOTICE_S, Pairings
from potluck.engine.group.request_ends import OTHER_VERSION, SWITCHED_OFF, VERSIONS_APART
from potluck.engine.group.requests import Requests
from potluck.engine.node import Node
from potluck.engine.person_acts import JoinAsked
from tests.engine.builders import address, flush, group, key, member, node, taken
from tests.engine.codes import no_codes
from tests.engine.group.code_stories import alone, answer, ask, invite, join, together, two, wrong
from tests.engine.listeners import Heard
from tests.engine.wire import Box

LINK = LinkId(77)


# -- somebody wants to enter -----------------------------------------------------------------------
def host(*members: int, open_s: float | None = math.inf) -> tuple[Node, AdmissionPolicy, Pairings]:
    """Device 1, at time 1, with the group of these or (nobody given) a provisional one."""
    here = node(1, open_s=open_s)
    if members:
        here.index.roster.replace(group(*members).records())
    heard = Heard()
    membership = Membership(here, heard)
    admission_policy = AdmissionPolicy(here, membership, heard)
    requests = Requests(here, heard)
    codes = no_codes(here, admission_policy)
    pairings = Pairings(here, membership, admission_policy, requests, codes, heard)
    heard.tell = {"on_wish": pairings.ask, "on_members_changed": admission_policy.on_members}
    kept = membership.start()
    admission_policy.start(kept=kept)
    here.now = 1.0
    here.take()
    return here, admission_policy, pairings


def told(pairings: Pairings, name: str) -> list[Any]:
    """What the parts told of that name."""
    assert isinstance(pairings.entering._listener, Heard)
    return pairings.entering._listener.of(name)


def opened(link: int = LINK, dial: OrderId | None = None) -> LinkOpened:
    return LinkOpened(LinkId(link), LinkKind.PAIRING, None, address(2), b"", dial)


def messages(effects: list[Effect] | tuple[Effect, ...]) -> list[PairingMessage]:
    return [
        e.message for e in effects if isinstance(e, Send) and isinstance(e.message, PairingMessage)
    ]


def knock(here: Node, pairings: Pairings, number: int = 2) -> tuple[Joiner, PairReveal]:
    """A newcomer opens a link and is about to reveal itself."""
    joiner = Joiner(key(number), f"d{number}", bytes([number]) * 16)
    pairings.on_link_opened(opened())
    for message in joiner.begin():
        assert pairings.on_message(LINK, message)
    (nonce,) = messages(here.take())
    assert isinstance(nonce, PairNonce)
    (reveal,) = joiner.hear(nonce)
    assert isinstance(reveal, PairReveal)
    return joiner, reveal


def enter(here: Node, pairings: Pairings, number: int = 2) -> list[PairingMessage]:
    """What a newcomer hears once it has said everything."""
    joiner, reveal = knock(here, pairings, number)
    pairings.on_message(LINK, reveal)
    assert messages(here.take()) == []
    for message in joiner.want():
        pairings.on_message(LINK, message)
    return messages(list(flush(here)))


def test_a_newcomer_is_admitted_and_the_provisional_group_stays() -> None:
    here, admission_policy, pairings = host()
    verdict, records = enter(here, pairings)
    assert isinstance(verdict, PairVerdict)
    assert verdict.admitted
    assert isinstance(records, PairRecords)
    assert len(records.records) == 2
    assert admission_policy.founding is None
    assert here.index.roster.all() == records.records
    assert "admitted" in [notice.code for _, _, notice in here.notices.kept]


def test_nothing_leaves_before_the_admission_is_on_the_disk() -> None:
    here, _, pairings = host(1, 3)
    joiner, reveal = knock(here, pairings)
    pairings.on_message(LINK, reveal)
    for message in joiner.want():
        pairings.on_message(LINK, message)
    assert messages(here.take()) == []
    here.on_synced(1)
    assert len(messages(here.take())) == 2


def refusal(said: list[PairingMessage]) -> str:
    (verdict,) = said
    assert isinstance(verdict, PairVerdict)
    assert not verdict.admitted
    return verdict.reason


def test_a_device_that_still_listens_or_is_about_to_join_elsewhere_admits_nobody() -> None:
    here, admission_policy, pairings = host()
    here.now = 0.1
    assert "about to join" in refusal(enter(here, pairings))
    pairings.on_link_closed(LINK)
    here.now = 1.0
    better = Offer(bytes(16), bytes(32), "Better", "d9", 7685, 1, open=True)
    admission_policy.on_offer(better, "10.0.0.9")
    assert "about to join" in refusal(enter(here, pairings))
    assert here.roster is not None
    assert len(here.roster.members) == 1


def test_a_decision_to_join_elsewhere_between_reveal_and_consent_counts() -> None:
    here, admission_policy, pairings = host()
    joiner, reveal = knock(here, pairings)
    pairings.on_message(LINK, reveal)
    admission_policy.on_offer(
        Offer(bytes(16), bytes(32), "Better", "d9", 7685, 1, open=True), "10.0.0.9"
    )
    admission_policy.on_tick()
    assert len(taken(here, Dial)) == 1
    pairings.on_message(LINK, *joiner.want())
    assert "about to join" in refusal(messages(list(flush(here))))


def test_a_door_that_closed_during_the_conversation_admits_nobody() -> None:
    here, admission_policy, pairings = host(1, 3, open_s=10.0)
    joiner, reveal = knock(here, pairings)
    pairings.on_message(LINK, reveal)
    here.now = 10.0
    admission_policy.on_tick()
    pairings.on_message(LINK, *joiner.want())
    assert refusal(messages(list(flush(here)))) == "the door is closed"


def test_our_own_clone_is_not_admitted() -> None:
    here, _, pairings = host(1, 3)
    assert "cannot be a member" in refusal(enter(here, pairings, number=1))


def test_a_closed_door_drops_the_link_and_so_does_a_leaving_device() -> None:
    here, _, pairings = host(1, 2, open_s=None)
    pairings.on_link_opened(opened())
    assert here.take() == [Drop(LINK, "the door is closed")]
    here, _, pairings = host(1, 2)
    here.leaving = True
    pairings.on_link_opened(opened())
    assert here.take() == [Drop(LINK, "the door is closed")]


def test_who_talks_to_a_device_that_ends_hears_that_it_does() -> None:
    here, _, pairings = host(1, 2)
    pairings.on_leaving()
    assert here.take() == []
    _, reveal = knock(here, pairings)
    pairings.on_message(LINK, reveal)
    here.take()
    pairings.on_leaving()
    assert here.take() == [Drop(LINK, SWITCHED_OFF)]
    here.leaving = True
    assert pairings.on_link_closed(LINK, LinkClosed(LINK, SWITCHED_OFF, clean=True))
    assert not pairings.on_link_closed(LinkId(78))
    assert here.take() == [], "nothing is said on this screen"
    here, _, pairings, dial = asking()
    pairings.on_leaving()
    pairings.on_link_opened(opened(dial=dial.dial))
    assert here.take() == [Drop(LINK, "not needed any more")]


def test_before_there_is_a_group_the_door_is_closed() -> None:
    here, _, pairings = host()
    here.roster = None
    pairings.on_link_opened(opened())
    assert here.take() == [Drop(LINK, "the door is closed")]


def test_only_so_many_stand_at_the_door_and_each_only_so_long() -> None:
    here, _, pairings = host(1, 2)
    for link in range(limits.AT_DOOR):
        pairings.on_link_opened(replace(opened(link), address=address(link % 32)))
    assert here.take() == []
    pairings.on_link_opened(replace(opened(999), address=address(99)))
    assert here.take() == [Drop(LinkId(0), "too many at the door")]
    assert pairings.deadline() == 1.0 + limits.PAIRING_S
    here.now = limits.PAIRING_S
    pairings.on_tick()
    assert here.take() == []
    here.now = 1.0 + limits.PAIRING_S
    pairings.on_tick()
    assert len(taken(here, Drop)) == limits.AT_DOOR
    assert pairings.deadline() is None


def test_a_newcomer_that_has_been_welcomed_and_stays_is_dropped_in_the_end() -> None:
    here, _, pairings = host(1, 3)
    enter(here, pairings)
    here.now += limits.PAIRING_S
    pairings.on_tick()
    assert taken(here, Drop) == [Drop(LINK, "too slow")]


@pytest.mark.parametrize("nonsense", [PairConsent(), PairRecords([], last=True), RosterDigest(b"")])
def test_whoever_breaks_the_rules_is_dropped_and_people_hear_of_it_now_and_then(
    nonsense: Message,
) -> None:
    here, _, pairings = host(1, 2)
    for _ in range(3):
        pairings.on_link_opened(opened())
        assert pairings.on_message(LINK, nonsense)
        assert not pairings.on_message(LINK, nonsense), "it is no pairing any more"
    effects = here.take()
    assert len([effect for effect in effects if isinstance(effect, Drop)]) == 3
    assert [effect.code for effect in effects if isinstance(effect, Tell)] == ["pairing_failed"]
    here.now += NOTICE_S
    pairings.on_link_opened(opened())
    pairings.on_message(LINK, nonsense)
    assert len(taken(here, Tell)) == 1


def test_what_is_for_members_is_called_by_its_name_on_a_pairing_link() -> None:
    here, _, pairings = host(1, 2)
    pairings.on_link_opened(opened())
    pairings.on_message(LINK, RosterDigest(b""))
    assert Drop(LINK, "RosterDigest is not for a pairing link") in here.take()


def test_links_and_dials_of_others_are_not_ours() -> None:
    _, _, pairings = host(1, 2)
    assert not pairings.on_message(LINK, PairConsent())
    assert not pairings.on_link_closed(LINK)
    assert not pairings.on_dial_failed(DialFailed(OrderId(5), "", refused=True, knock=False))
    pairings.on_link_opened(opened())
    assert pairings.on_link_closed(LINK)


def test_whoever_hangs_up_makes_room_at_the_door() -> None:
    here, _, pairings = host(1, 2)
    for link in range(limits.STRANGERS_PER_ADDRESS):
        pairings.on_link_opened(opened(link))
    pairings.on_link_closed(LinkId(0))
    pairings.on_link_opened(opened())
    assert here.take() == []


def test_whoever_comes_again_and_again_crowds_out_nobody_but_itself() -> None:
    here, _, pairings = host(1, 2)
    pairings.on_link_opened(replace(opened(1000), address=address(3)))
    for link in range(200):
        pairings.on_link_opened(opened(link))
    dropped = [drop.link for drop in taken(here, Drop)]
    assert dropped == [LinkId(number) for number in range(200 - limits.STRANGERS_PER_ADDRESS)]
    assert pairings.on_message(LinkId(1000), PairConsent()), "it is still at the door"


# -- the member dials ------------------------------------------------------------------------------
def called(here: Node, pairings: Pairings) -> None:
    """Device 2 asked to be dialled, and was reached."""
    pairings.call(address(2))
    (dial,) = taken(here, Dial)
    event = LinkOpened(LINK, LinkKind.PAIRING, None, address(2), b"", dial.dial)
    pairings.on_link_opened(event)


def test_a_newcomer_that_asks_to_be_dialled_is_let_in_on_that_link() -> None:
    here, _, pairings = host(1, 3)
    called(here, pairings)
    assert messages(here.take()) == [PairTurn()]
    joiner = Joiner(key(2), "d2", bytes([2]) * 16)
    pairings.on_message(LINK, *joiner.begin())
    (nonce,) = messages(here.take())
    for message in joiner.hear(nonce):
        pairings.on_message(LINK, message)
    assert told(pairings, "on_met") == []
    pairings.on_message(LINK, *joiner.want())
    verdict, _ = messages(list(flush(here)))
    assert isinstance(verdict, PairVerdict)
    assert verdict.admitted
    assert told(pairings, "on_met") == [(key(2).device, address(2))]


def test_a_newcomer_that_dials_us_is_reached_though_its_own_dials_hang() -> None:
    here, _, pairings = host(1, 3)
    pairings.call(address(2))
    (dial,) = taken(here, Dial)
    pairings.on_link_opened(opened())
    assert told(pairings, "on_door_reached") == [address(2).host]
    assert pairings.on_dial_failed(DialFailed(dial.dial, "timeout", refused=False, knock=False))
    assert told(pairings, "on_door_blocked") == []


def test_a_member_whose_door_is_closed_dials_nobody() -> None:
    here, _, pairings = host(1, 2, open_s=None)
    pairings.call(address(2))
    assert here.take() == []


def test_whose_turn_it_is_is_said_by_the_member_that_was_asked_to_dial_and_nobody_else() -> None:
    here, _, pairings = host(1, 3)
    pairings.on_link_opened(opened())
    pairings.on_message(LINK, PairTurn())
    assert here.take() == [Drop(LINK, "nobody was asked to dial")]
    called(here, pairings)
    here.take()
    pairings.on_message(LINK, PairTurn())
    assert here.take() == [Drop(LINK, "nobody was asked to dial")], "it is the member, too"


def test_a_newcomer_whose_dial_hangs_takes_the_link_that_the_member_dials() -> None:
    here, admission_policy, pairings, dial = asking()
    assert pairings.deadline() == here.now + limits.PAIRING_CALL_AFTER_S
    here.now += limits.PAIRING_CALL_AFTER_S
    pairings.on_tick()
    assert [wish.address for wish in told(pairings, "on_door_unreached")] == [address(9)]
    pairings.on_link_opened(LinkOpened(LINK, LinkKind.PAIRING, None, address(9), b"", None))
    pairings.on_message(LINK, PairTurn())
    assert [type(message) for message in messages(here.take())] == [PairCommit]
    pairings.on_message(LINK, nonce())
    assert told(pairings, "on_met") == [(key(9).device, address(9))]
    here.take()
    late = LinkOpened(LinkId(5), LinkKind.PAIRING, None, address(9), b"", dial.dial)
    pairings.on_link_opened(late)
    assert here.take() == [Drop(LinkId(5), "not needed any more")]
    pairings.on_message(LINK, PairTurn())
    assert Drop(LINK, "nobody was asked to dial") in here.take(), "not twice"
    assert admission_policy.founding is not None
    assert not admission_policy.founding.asking


# -- we want to enter ------------------------------------------------------------------------------
def asking() -> tuple[Node, AdmissionPolicy, Pairings, Dial]:
    """Device 1, that has just decided to ask the group of device 9."""
    here, admission_policy, pairings = host()
    admission_policy.on_offer(
        Offer(bytes(16), tag_of(group(9, 8).group), "Home", "d9", 7685, 2, open=True), "10.0.0.9"
    )
    admission_policy.on_tick()
    (dial,) = taken(here, Dial)
    assert (dial.kind, dial.peer, dial.address) == (LinkKind.PAIRING, None, address(9))
    return here, admission_policy, pairings, dial


def nonce(number: int = 9) -> PairNonce:
    who = key(number)
    return PairNonce(
        bytes(16), who.certificate, who.sealing_public, group(9, 8).group, "Home", "d9"
    )


def test_a_dial_that_fails_is_repeated_later_and_the_question_at_once() -> None:
    here, admission_policy, pairings, dial = asking()
    assert pairings.on_dial_failed(DialFailed(dial.dial, "refused", refused=True, knock=False))
    assert told(pairings, "on_wish_refused") == [], "its device may dial us instead"
    assert pairings.deadline() == here.now + limits.PAIRING_CALLED_S
    here.now += limits.PAIRING_CALLED_S
    pairings.on_tick()
    assert [wish.address for wish in told(pairings, "on_wish_refused")] == [address(9)]
    admission_policy.on_tick()
    assert taken(here, Dial) == []
    here.now += 0.5
    admission_policy.on_tick()
    assert len(taken(here, Dial)) == 1


def test_a_group_of_another_version_is_told_as_that() -> None:
    """It was called one that was asked in vain, with the advice to ask it again."""
    here, _, pairings, dial = asking()
    pairings.on_dial_failed(DialFailed(dial.dial, NO_COMMON_VERSION, refused=False, knock=False))
    here.now += limits.PAIRING_CALLED_S
    pairings.on_tick()
    (end,) = pairings._requests.list.ends.values()
    assert end.why == OTHER_VERSION


def test_who_called_a_newcomer_of_another_version_knows_that_no_words_can_follow() -> None:
    """It waited for good, and its screens said that words come."""
    _, _, pairings = host()
    ends = pairings._requests.list.ends
    pairings.on_door_blocked(address(9), DIAL_TIMEOUT)
    assert ends == {}, "the link's matter"
    pairings.on_door_blocked(address(9), f"tls: {NO_COMMON_VERSION}: 2")
    assert ends[address(9).host].why.startswith(VERSIONS_APART)


def test_a_member_that_says_nothing_is_given_up_in_time() -> None:
    here, admission_policy, pairings, dial = asking()
    pairings.on_link_opened(opened(dial=dial.dial))
    assert len(messages(here.take())) == 1
    assert pairings.deadline() == here.now + limits.PAIRING_S
    here.now += limits.PAIRING_S
    pairings.on_tick()
    assert Drop(LINK, "too slow") in here.take()
    assert admission_policy.founding is not None
    assert not admission_policy.founding.asking


def test_a_member_that_hangs_up_has_refused() -> None:
    _, _, pairings, dial = asking()
    pairings.on_link_opened(opened(dial=dial.dial))
    assert pairings.on_link_closed(LINK)
    assert [wish.address for wish in told(pairings, "on_wish_refused")] == [address(9)]


def test_a_no_of_the_member_ends_it() -> None:
    here, _, pairings, dial = asking()
    pairings.on_link_opened(opened(dial=dial.dial))
    pairings.on_message(LINK, PairVerdict(admitted=False, reason="no", signature=b""))
    assert Drop(LINK, "refused") in here.take()
    assert not pairings.on_message(LINK, PairConsent())


def test_another_group_than_the_one_that_was_offered_is_not_entered() -> None:
    here, _, pairings, dial = asking()
    pairings.on_link_opened(opened(dial=dial.dial))
    here.take()
    other = PairNonce(bytes(16), key(9).certificate, key(9).sealing_public, bytes(32), "Home", "d9")
    pairings.on_message(LINK, other)
    effects = here.take()
    assert not any(isinstance(message, PairConsent) for message in messages(effects))
    assert any(isinstance(effect, Drop) for effect in effects)


def test_a_member_is_known_by_where_it_was_asked() -> None:
    here, _, pairings, dial = asking()
    pairings.on_link_opened(opened(dial=dial.dial))
    pairings.on_message(LINK, nonce())
    assert told(pairings, "on_met") == [(key(9).device, address(9))]
    assert any(isinstance(message, PairConsent) for message in messages(here.take()))


def test_whoever_waits_here_is_sent_away_when_this_device_enters_another_group() -> None:
    here, admission_policy, pairings, dial = asking()
    pairings.on_link_opened(opened(78))
    pairings.on_link_opened(opened(dial=dial.dial))
    member_side = group(9, 8)
    keeper = Doorkeeper(key(9), member_side, "d9", bytes(16))
    heard = messages(here.take())
    while heard:
        for message in [reply for said in heard for reply in keeper.hear(said)]:
            pairings.on_message(LINK, message)
        heard = messages(here.take())
    keeper.allow()
    member_side.add([member(key(9), member_side, key(1), "d1")])
    for frame in keeper.welcome(member_side.records()):
        pairings.on_message(LINK, frame)
    assert taken(here, Drop) == [
        Drop(LINK, "admitted"),
        Drop(LinkId(78), "this device is in another group now"),
    ]
    assert here.roster is not None
    assert here.roster.group == member_side.group
    assert admission_policy.founding is None
    assert not pairings.on_link_closed(LINK)
    assert not pairings.on_link_closed(LinkId(78))


def test_a_verdict_that_is_not_signed_by_the_member_is_none() -> None:
    here, admission_policy, pairings, dial = asking()
    pairings.on_link_opened(opened(dial=dial.dial))
    pairings.on_message(LINK, nonce())
    pairings.on_message(LINK, PairVerdict(admitted=True, reason="", signature=bytes(64)))
    assert any(isinstance(effect, Drop) for effect in here.take())
    assert admission_policy.founding is not None, "still in its own group"


def test_company_that_came_meanwhile_ends_the_search() -> None:
    here, admission_policy, pairings, dial = asking()
    pairings.on_link_opened(opened(dial=dial.dial))
    admission_policy.on_members()
    assert admission_policy.founding is not None, "nobody came"
    here.roster = group(1, 2)
    admission_policy.on_members()
    assert admission_policy.founding is None
    here.take()
    pairings.on_link_closed(LINK)
    admission_policy.on_offer(
        Offer(bytes(16), bytes(32), "Late", "d5", 7685, 2, open=True), "10.0.0.5"
    )
    admission_policy.on_foreign()
    admission_policy.on_tick()
    assert here.take() == []
    assert admission_policy.found == []


def test_it_shows_its_state_in_one_line() -> None:
    _, _, pairings, _ = asking()
    pairings.on_link_opened(opened())
    assert repr(pairings) == (
        "<Pairings <PairingDials wish=True, calls=0, late=0>, asking=0, answering=1>"
    )


# -- by a code -------------------------------------------------------------------------------------
def test_a_code_opens_the_door_of_a_member_and_leads_a_newcomer_through_it() -> None:
    _, ann, ben = two()
    assert not ann.door
    code = invite(ann)
    assert ann.door
    assert not join(ben, wrong(code)).ok
    assert alone(ben)
    assert join(ben, code).ok
    assert together(ann, ben)
    assert ann.told("admitted") == ["admitted d2 because it knew the code"]


def test_a_link_that_ends_is_no_end_of_the_search() -> None:
    wire, ann, ben = two()
    command = ask(ben, JoinAsked, TypedCode(invite(ann)))
    talks = ben.engine.wiring.pairings.by_code
    assert wire.run(5.0, lambda: talks.deadline() is not None)
    ann.crash()
    assert wire.run(9.0, lambda: answer(ben, command) is not None)
    assert not ben.engine.wiring.pairings.on_link_closed(LinkId(10**6))
    assert talks.deadline() is None


def test_a_turn_that_nobody_asked_for_is_no_end_of_the_search() -> None:
    wire, ann, ben = two()
    command = ask(ben, JoinAsked, TypedCode(invite(ann)))
    talks = ben.engine.wiring.pairings.by_code
    assert wire.run(5.0, lambda: talks.deadline() is not None)
    [link] = [link for link in map(LinkId, range(1000)) if link in talks]
    ben.hear(MessageHeard(link, PairTurn()))
    assert [drop.reason for drop in ben.asked_for(Drop) if drop.link == link] == [NOT_ASKED]
    assert talks.deadline() is None, "the next one is asked at once"
    assert wire.run(9.0, lambda: answer(ben, command) is not None)


def test_a_member_that_cannot_be_dialled_dials() -> None:
    wire, ann, ben = two()
    really = wire._dial

    def one_way(box: Box, dial: Dial) -> None:
        if box is ben and dial.kind is LinkKind.PAIRING:
            box.hear(DialFailed(dial.dial, "timeout", refused=False, knock=False))
        else:
            really(box, dial)

    wire._dial = one_way  # type: ignore[method-assign]
    code = invite(ann)
    assert join(ben, code).ok
    assert together(ann, ben)


def test_a_door_that_nobody_reaches_makes_room_for_the_next() -> None:
    wire, ann, ben = two()
    code = invite(ann)
    wire.silent = lambda one, other: True
    reply = join(ben, code)
    assert (reply.ok, reply.code) == (False, "timed_out")
    assert not ben.engine.wiring.admission_policy.door.joins


def test_who_types_a_code_asks_nobody_else_meanwhile() -> None:
    here, policy, pairings = host(open_s=math.inf)
    policy.on_offer(Offer(bytes(16), bytes(32), "B", "d9", 7685, 2, open=True), "10.0.0.9")
    policy.on_tick()
    (dial,) = taken(here, Dial)
    pairings.withdraw("this device has company now")
    pairings.on_link_opened(opened(dial=dial.dial))
    assert [drop.link for drop in taken(here, Drop)] == [LINK]


# -- what people answer ----------------------------------------------------------------------------
def test_an_answer_reaches_the_conversation_it_is_meant_for() -> None:
    here, admission_policy, pairings = host(1, 3, open_s=None)
    here.settings = replace(here.settings, headless=True)
    assert admission_policy.door.answers
    for yes in (True, False):
        _, reveal = knock(here, pairings)
        pairings.on_message(LINK, reveal)
        here.take()
        pairings.on_answered(LINK, "cora", yes=yes)
        (said,) = messages(here.take())
        assert isinstance(said, PairAllow if yes else PairVerdict)
        pairings.on_link_closed(LINK)


@pytest.mark.parametrize("yes", [True, False])
def test_an_answer_reaches_the_conversation_in_which_we_ask(yes: bool) -> None:
    here, admission_policy, pairings, dial = asking()
    admission_policy.door.open_until_s = None
    here.settings = replace(here.settings, headless=True)
    pairings.on_link_opened(opened(dial=dial.dial))
    pairings.on_message(LINK, nonce())
    here.take()
    pairings.on_answered(LINK, "d1", yes=yes)
    effects = here.take()
    assert [type(message) for message in messages(effects)] == ([PairConsent] if yes else [])
    assert any(isinstance(effect, Drop) for effect in effects) != yes


def test_who_has_company_asks_nobody_any_more_and_takes_no_link_for_it() -> None:
    here, _, pairings, dial = asking()
    pairings.withdraw("this device has company now")
    pairings.on_link_opened(opened(dial=dial.dial))
    assert here.take() == [Drop(LINK, "not needed any more")]
    here, _, pairings, dial = asking()
    pairings.on_link_opened(opened(dial=dial.dial))
    here.take()
    pairings.withdraw("this device has company now")
    assert len(taken(here, Drop)) == 1
    assert not pairings.on_link_closed(LINK)


@pytest.mark.parametrize(
    ("clean", "reason", "why"),
    [
        (True, "the person here said no", "the other side said no"),
        (True, "too slow", "nobody answered in time, neither here nor there"),
        (True, "anything else", "the other side took it back"),
        (False, "cut off", "the connection broke"),
    ],
)
def test_why_a_newcomer_asks_no_more_is_told_as_far_as_it_is_known(
    clean: bool, reason: str, why: str
) -> None:
    here, _, pairings = host(1, 3, open_s=None)
    here.settings = replace(here.settings, headless=True)
    _, reveal = knock(here, pairings)
    pairings.on_message(LINK, reveal)
    assert pairings.on_link_closed(LINK, LinkClosed(LINK, reason, clean))
    assert here.notices.kept[-1][2].text == f"the request of d2 is over: {why}"
