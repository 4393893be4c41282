"""Questions: who is asked, who is answered, and that strangers can make nothing grow."""

from __future__ import annotations

import math
from dataclasses import replace

import msgspec
import pytest

from potluck.core import limits
from potluck.core.group.founding import tag_of
from potluck.core.wire.catalogue import CLEAR, Address, Offer, Solicit, encode
from potluck.engine.effects import Transmit
from potluck.engine.group.admission_policy import AdmissionPolicy
from potluck.engine.group.membership import Membership
from potluck.engine.group.questions import (
    BEACON_BYTES_MIN,
    FOUND_AGAIN_S,
    JOINING_AGAIN_S,
    PAD_BYTES,
    QUESTIONERS,
    QUESTIONERS_PER_HOST,
    Questions,
)
from potluck.engine.node import Node
from tests.engine.builders import address, group, node, taken
from tests.engine.listeners import Heard

ASKED = Solicit(b"n" * 16, bytes(PAD_BYTES))


def asker(
    *, open_s: float | None = math.inf, company: bool = False, name: str = "Home"
) -> tuple[Node, Questions]:
    here = node(1, open_s=open_s, group_name=name)
    if company:
        here.index.roster.replace(group(1, 2).records())
    membership = Membership(here, Heard())
    admission_policy = AdmissionPolicy(here, membership, Heard())
    kept = membership.start()
    admission_policy.start(kept=kept)
    here.take()
    return here, Questions(here, admission_policy, Heard())


def said(here: Node) -> list[tuple[object, Address | None]]:
    return [(CLEAR.decode(effect.data), effect.to) for effect in taken(here, Transmit)]


def own_question(here: Node, questions: Questions) -> Solicit:
    questions.ask(None)
    ((question, to),) = said(here)
    assert isinstance(question, Solicit)
    assert to is None
    return question


def answer(question: Solicit, number: int = 5, members: int = 2) -> bytes:
    return encode(
        Offer(question.nonce, bytes([number]) * 32, "Home", "other", 7685, members, open=True)
    )


def test_a_lonely_device_asks_and_takes_the_answers_to_its_own_question_only() -> None:
    here, questions = asker(open_s=None)
    question = own_question(here, questions)
    questions.on_clear(answer(ASKED), address(5))
    assert questions._admission_policy.found == []
    questions.on_clear(answer(question), address(5))
    (found,) = questions._admission_policy.found
    assert (found.name, found.address, found.members) == ("Home", address(5), 2)


def test_a_device_with_company_or_on_its_way_out_asks_nobody() -> None:
    here, questions = asker(company=True)
    questions.ask(None)
    assert here.take() == []
    here, questions = asker()
    here.leaving = True
    questions.ask(address(2))
    questions.on_clear(encode(ASKED), address(2))
    assert here.take() == []


def test_an_open_door_answers_to_where_the_question_came_from() -> None:
    here, questions = asker(company=True)
    questions.on_clear(encode(ASKED), address(2))
    ((offer, to),) = said(here)
    assert here.roster is not None
    assert isinstance(offer, Offer)
    assert len(offer.cookie) == limits.COOKIE_BYTES
    plain = msgspec.structs.replace(offer, cookie=b"")
    assert plain == Offer(
        ASKED.nonce, tag_of(here.roster.group), "Home", "d1", limits.PORT, 2, open=True
    )
    assert to == address(2)


def test_a_closed_door_with_a_person_at_it_answers_that_it_is_closed() -> None:
    here, questions = asker(open_s=None, company=True)
    here.settings = replace(here.settings, attended=True)
    questions.on_clear(encode(ASKED), address(2))
    ((offer, to),) = said(here)
    assert isinstance(offer, Offer)
    assert not offer.open
    assert to == address(2)


def test_a_closed_door_answers_nobody_but_asks_back_while_it_is_lonely() -> None:
    here, questions = asker(open_s=None)
    questions.on_clear(encode(ASKED), address(2))
    ((question, to),) = said(here)
    assert isinstance(question, Solicit)
    assert to == address(2)
    here, questions = asker(open_s=None, company=True)
    questions.on_clear(encode(ASKED), address(2))
    assert here.take() == []


def test_our_own_question_come_back_rubbish_and_questions_from_nowhere_are_ignored() -> None:
    here, questions = asker()
    question = own_question(here, questions)
    questions.on_clear(encode(question), address(1))
    questions.on_clear(b"rubbish", address(2))
    questions.on_clear(encode(ASKED), Address("10.0.0.2", 0))
    assert here.take() == []


def test_no_answer_is_longer_than_its_question() -> None:
    here, questions = asker(company=True, name="N" * 64)
    questions.on_clear(encode(Solicit(ASKED.nonce, bytes(20))), address(2))
    assert here.take() == []
    questions.on_clear(encode(ASKED), address(2))
    ((offer, _),) = said(here)
    length = len(encode(offer))
    for pad in (length - 1, length):
        questions.on_clear(encode(Solicit(ASKED.nonce, bytes(pad))), address(2))
    assert len(said(here)) == 1, "just as long is long enough"
    longest = Offer(ASKED.nonce, bytes(32), "N" * 64, "L" * 64, 65535, 2**53, True, bytes(8))
    assert len(encode(longest)) <= PAD_BYTES


def test_one_source_is_answered_so_often_and_asked_back_once_a_second() -> None:
    here, questions = asker()
    for _ in range(3 * limits.ANSWERS_PER_S):
        questions.on_clear(encode(ASKED), address(2))
    kinds = [type(message) for message, _ in said(here)]
    assert kinds.count(Offer) == limits.ANSWERS_PER_S
    assert kinds.count(Solicit) == 1
    questions.on_clear(encode(ASKED), address(3))
    assert len(said(here)) == 2, "another device is not to suffer for it"
    questions.on_clear(encode(ASKED), Address("10.0.0.2", 7686))
    assert len(said(here)) == 2, "nor one on the same host"
    here.now = 1.0
    questions.on_clear(encode(ASKED), address(2))
    assert len(said(here)) == 2


def test_a_flood_of_invented_sources_makes_nothing_grow() -> None:
    here, questions = asker()
    for number in range(3 * QUESTIONERS):
        questions.on_clear(encode(ASKED), Address(f"10.1.{number // 250}.{number % 250}", 9))
    assert len(said(here)) == 2 * QUESTIONERS
    assert len(questions._answers) == len(questions._asked_back) == QUESTIONERS


def test_one_host_with_many_ports_leaves_room_for_others() -> None:
    here, questions = asker()
    for port in range(1, 3 * QUESTIONERS):
        questions.on_clear(encode(ASKED), Address("10.0.0.66", port))
    assert len(said(here)) == 2 * QUESTIONERS_PER_HOST
    questions.on_clear(encode(ASKED), address(2))
    assert [to for _, to in said(here)] == [address(2)] * 2
    here.now += 1.0
    questions.on_clear(encode(ASKED), Address("10.0.0.66", 9))
    assert len(said(here)) == 2


def test_groups_that_were_found_are_asked_again_while_they_answer() -> None:
    here, questions = asker(open_s=None)
    question = own_question(here, questions)
    assert questions.deadline() is None
    questions.on_tick()
    assert here.take() == []
    questions.on_clear(answer(question, 5), address(5))
    questions.on_clear(answer(question, 6), address(6))
    assert questions.deadline() == 0.0
    questions.on_tick()
    assert [to for _, to in said(here)] == [address(5), address(6)]
    questions.on_tick()
    assert here.take() == []
    assert questions.deadline() == FOUND_AGAIN_S
    here.now = 7.0
    questions.on_tick()
    assert here.take() == [], "an answer is good for some seconds only"
    assert questions.deadline() is None


def cookie_for(here: Node, questions: Questions, source: Address) -> bytes:
    questions.on_clear(encode(ASKED), source)
    (offer,) = [message for message, _ in said(here) if isinstance(message, Offer)]
    return offer.cookie


def test_who_shows_the_cookie_of_an_offer_is_dialled_where_it_asks_from() -> None:
    here, questions = asker(company=True)
    cookie = cookie_for(here, questions, address(2))
    assert cookie != cookie_for(here, questions, address(3))
    call = Solicit(ASKED.nonce, bytes(PAD_BYTES), 7700, cookie)
    questions.on_clear(encode(call), address(3))
    questions.on_clear(encode(msgspec.structs.replace(call, cookie=b"")), address(2))
    questions.on_clear(encode(msgspec.structs.replace(call, call=0)), address(2))
    questions.on_clear(encode(msgspec.structs.replace(call, call=25)), address(2))
    heard = questions._listener
    assert isinstance(heard, Heard)
    assert heard.of("on_call_asked") == [], "somebody else's, none, no wish, a system's port"
    questions.on_clear(encode(call), address(2))
    assert heard.of("on_call_asked") == [Address(address(2).host, 7700)]


def test_who_cannot_reach_a_door_asks_its_device_to_dial() -> None:
    here, questions = asker()
    question = own_question(here, questions)
    offer = Offer(question.nonce, bytes(32), "Home", "d5", 7685, 2, True, b"cookie")
    questions.on_clear(encode(offer), address(5))
    (found,) = questions._admission_policy.found
    questions.ask_to_call(found)
    wanted = msgspec.structs.replace(question, call=limits.PORT, cookie=b"cookie")
    assert said(here) == [(wanted, address(5))]
    here.leaving = True
    questions.ask_to_call(found)
    here, questions = asker(company=True)
    questions.ask_to_call(found)
    assert here.take() == []


def test_a_device_of_another_group_that_speaks_is_asked_once_a_second() -> None:
    here, questions = asker()
    for _ in range(3):
        questions.on_foreign(address(5), BEACON_BYTES_MIN)
    assert [to for _, to in said(here)] == [address(5)]
    here.now = 1.0
    questions.on_foreign(address(5), BEACON_BYTES_MIN)
    assert [to for _, to in said(here)] == [address(5)]
    for number in range(3 * QUESTIONERS):
        questions.on_foreign(Address(f"10.1.{number // 250}.{number % 250}", 9), BEACON_BYTES_MIN)
    assert len(said(here)) == QUESTIONERS - 1


def test_it_shows_its_state_in_one_line() -> None:
    here, questions = asker()
    questions.on_clear(encode(ASKED), address(5))
    assert repr(questions) == "<Questions answered=1, again_s=0.0>"
    assert here.take()


def test_who_was_asked_at_the_start_is_asked_once_more_when_the_door_is_opened() -> None:
    here, questions = asker()
    here.settings = replace(here.settings, peers=(Address("10.0.0.9", 7000), address(3)))
    here.address_book.asked.update({"10.0.0.2": "neighbour", "10.0.0.3": "peer"})
    questions.ask_around()
    assert [to for _, to in said(here)] == [
        None, Address("10.0.0.9", 7000), address(3), address(2),
    ]  # fmt: skip
    here, questions = asker(company=True)
    here.address_book.asked["10.0.0.2"] = "neighbour"
    questions.ask_around()
    assert said(here) == [], "a device with company asks nobody"


def test_a_small_question_makes_nobody_be_asked_back() -> None:
    here, questions = asker()
    questions.on_clear(encode(Solicit(ASKED.nonce, bytes(PAD_BYTES - 1))), address(2))
    assert [kind for kind, _ in said(here) if isinstance(kind, Solicit)] == []
    questions.on_clear(encode(ASKED), address(2))
    assert len([kind for kind, _ in said(here) if isinstance(kind, Solicit)]) == 1


def test_what_is_too_short_for_a_beacon_makes_nobody_be_asked() -> None:
    here, questions = asker()
    own_question(here, questions)
    questions.on_foreign(address(5), BEACON_BYTES_MIN - 1)
    assert said(here) == []
    questions.on_foreign(address(5), BEACON_BYTES_MIN)
    ((question, to),) = said(here)
    assert to == address(5)
    assert len(encode(question)) < 3 * BEACON_BYTES_MIN


@pytest.mark.parametrize("source", [Address("8.8.8.8", 7685), Address("127.0.0.1", 7685)])
def test_an_answer_from_where_nobody_is_dialled_does_not_count(source: Address) -> None:
    here, questions = asker(open_s=None)
    question = own_question(here, questions)
    questions.on_clear(answer(question), source)
    mail = Offer(question.nonce, bytes(32), "Home", "x", 25, 2, open=True)
    questions.on_clear(encode(mail), address(5))
    assert questions._admission_policy.found == []
    here.address_book.own.on_given([source])
    questions.on_clear(answer(question), source)
    assert len(questions._admission_policy.found) == 1, "a person gave it"


def test_who_typed_a_code_asks_everybody_at_once_and_each_second() -> None:
    here, heard = node(open_s=None), Heard()
    membership = Membership(here, heard)
    policy = AdmissionPolicy(here, membership, heard)
    policy.start(kept=membership.start())
    questions = Questions(here, policy, heard)
    assert questions.deadline() is None
    policy.door.joins, policy.join_peer = True, address(7)
    here.now = 5.0
    assert questions.deadline() == 5.0
    for after_s, asked in ((0.0, 2), (0.5, 0), (0.5, 2)):
        here.now += after_s
        questions.on_tick()
        assert [effect.to for effect in taken(here, Transmit)] == [None, address(7)][:asked]
    assert questions.deadline() == here.now + JOINING_AGAIN_S
    policy.door.joins = False
    here.now += 1.0
    questions.on_tick()
    assert taken(here, Transmit) == []


def test_an_answer_says_whether_a_code_is_in_force() -> None:
    here, heard = node(open_s=None), Heard()
    membership = Membership(here, heard)
    policy = AdmissionPolicy(here, membership, heard)
    policy.start(kept=membership.start())
    questions = Questions(here, policy, heard)
    for invites in (False, True):
        policy.door.invites = invites
        questions.on_clear(encode(Solicit(b"n" * 16, bytes(400))), address(2))
        sent = [CLEAR.decode(effect.data) for effect in taken(here, Transmit)]
        offers = [message for message in sent if isinstance(message, Offer)]
        assert [offer.invite for offer in offers] == [True] * invites
        assert all(offer.name == offer.label == "" for offer in offers)


def test_a_device_with_company_asks_where_it_hears_another_group_and_rarely() -> None:
    here, questions = asker(company=True)
    for _ in range(3):
        questions.on_foreign(address(5), BEACON_BYTES_MIN)
        here.now += 2.0
    ((question, to),) = said(here)
    assert isinstance(question, Solicit)
    assert to == address(5)
    questions.on_clear(answer(question, members=2), address(5))
    (found,) = questions._admission_policy.found
    assert found.address == address(5)
    assert questions.deadline() is None, "and not every two seconds"
    here.now += 100.0
    here.leaving = True
    questions.on_foreign(address(5), BEACON_BYTES_MIN)
    assert said(here) == []
