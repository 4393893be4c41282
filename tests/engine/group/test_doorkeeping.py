"""Doorkeeping: whoever asks here, at an open door or where people are asked, in which order."""

from __future__ import annotations

import math

import pytest

from potluck.core import limits
from potluck.core.errors import ProtocolError
from potluck.core.group.admission import Joiner, WayIn
from potluck.core.group.code_proofs import CodeProof
from potluck.core.group.codes import Code
from potluck.core.group.statements import Remove, sign_removal
from potluck.core.wire.catalogue import (
    Cause,
    Message,
    Offer,
    PairAllow,
    PairCommit,
    PairProof,
    PairRecords,
    PairShare,
    PairTurn,
    PairVerdict,
    RequestOver,
)
from potluck.engine.effects import Drop, Send
from potluck.engine.events import LinkClosed, LinkId
from potluck.engine.group.admission_policy import AdmissionPolicy
from potluck.engine.group.doorkeeping import Doorkeeping
from potluck.engine.group.membership import Membership
from potluck.engine.group.request_bounds import SHOWN_AT_ONCE, SHOWN_S
from potluck.engine.group.request_ends import SWITCHED_OFF
from potluck.engine.group.requests import Requests
from potluck.engine.node import Node
from tests.engine.builders import Chance, address, flush, group, key, node, taken
from tests.engine.codes import no_codes
from tests.engine.listeners import Heard

LINK = LinkId(77)


class House:
    """Device 1 at time 1, in the group of these or alone, and who stands at its door."""

    def __init__(self, *members: int, open_s: float | None = None) -> None:
        self.node: Node = node(1, open_s=open_s, headless=True)
        if members:
            self.node.index.roster.replace(group(*members).records())
        self.heard = Heard()
        membership = Membership(self.node, self.heard)
        self.policy = AdmissionPolicy(self.node, membership, self.heard)
        self.requests = Requests(self.node, self.heard)
        self.invitations = no_codes(self.node, self.policy).invitations
        parts = (self.node, membership, self.policy, self.requests)
        self.door = Doorkeeping(*parts, self.invitations, self.heard)
        kept = membership.start()
        self.policy.start(kept=kept)
        self.heard.tell["on_members_changed"] = self.policy.on_members
        self.node.now = 1.0
        self.node.take()

    def said(self, link: LinkId = LINK) -> list[Message]:
        sent = [effect for effect in flush(self.node) if isinstance(effect, Send)]
        return [send.message for send in sent if send.link == link]

    def come(self, number: int = 2, link: LinkId = LINK, host: int | None = None) -> Joiner:
        """A newcomer says everything but its yes."""
        self.door.open(link, address(host or number), called=False)
        joiner = Joiner(key(number), f"d{number}", bytes([number]) * 16)
        for message in joiner.begin():
            self.door.hear(link, message)
        (nonce,) = self.said(link)
        for message in joiner.hear(nonce):  # type: ignore[arg-type]
            self.door.hear(link, message)
        return joiner

    def want(self, joiner: Joiner) -> None:
        for message in joiner.want():
            self.door.hear(LINK, message)

    def verdict(self) -> tuple[bool, Cause]:
        (verdict, *_) = self.said()
        assert isinstance(verdict, PairVerdict)
        return verdict.admitted, verdict.cause


@pytest.mark.parametrize("joiner_first", [True, False])
def test_two_yeses_in_either_order_let_a_newcomer_in(joiner_first: bool) -> None:
    house = House(1, 3)
    joiner = house.come()
    assert house.said() == []
    assert [one.name for one in house.requests.list.rows] == ["d2"]
    if joiner_first:
        house.want(joiner)
        assert house.said() == []
        assert house.requests.list.rows[0].there
        house.door.say_yes(LINK, "cora")
    else:
        house.door.say_yes(LINK, "cora")
        assert house.said() == [PairAllow()]
        assert house.requests.list.rows[0].here
        house.want(joiner)
    verdict, records = house.said()
    assert isinstance(verdict, PairVerdict)
    assert verdict.admitted
    assert isinstance(records, PairRecords)
    assert house.requests.list.rows == []
    assert house.node.notices.kept[-1][2].text == "admitted d2 because cora said yes"
    house.door.say_yes(LINK, "late")
    house.door.say_no(LINK, "late")
    house.door.say_yes(LinkId(5), "nobody")
    house.door.say_no(LinkId(5), "nobody")
    assert house.said() == []


@pytest.mark.parametrize("joiner_first", [True, False])
def test_whom_it_replaces_is_signed_with_the_admission_that_was_asked_for(
    joiner_first: bool,
) -> None:
    house = House(1, 3, 4)
    roster = house.node.roster
    assert roster is not None
    roster.add(
        sign_removal(key(1), Remove(roster.group, key(4).device, [], b"", None, b"", []), [])
    )
    roster.settle()
    joiner = house.come()
    house.requests.list.rows[0].replaces = key(4).device
    if joiner_first:
        house.want(joiner)
        house.door.say_yes(LINK, "d1")
    else:
        house.door.say_yes(LINK, "d1")
        house.want(joiner)
    assert roster.force.successors == {key(4).device: key(2).device}
    assert house.node.label_of(key(2).device) == "d4"


def test_a_code_that_was_right_is_a_yes() -> None:
    house = House(1, 3)
    joiner = house.come()
    house.want(joiner)
    house.door.say_yes(LINK, "", WayIn.CODE)
    assert house.verdict() == (True, Cause.OTHER)
    assert house.node.notices.kept[-1][2].text == "admitted d2 because it knew the code"


def test_an_open_door_asks_nobody_and_waits_for_the_newcomer() -> None:
    house = House(1, 3, open_s=math.inf)
    joiner = house.come()
    (row,) = house.requests.list.rows
    assert (row.open, row.needed) == (True, False)
    house.want(joiner)
    assert house.verdict() == (True, Cause.OTHER)


def test_a_door_that_closed_meanwhile_lets_nobody_in_unasked() -> None:
    house = House(1, 3, open_s=2.0)
    joiner = house.come()
    house.node.now = 2.0
    house.want(joiner)
    assert house.verdict() == (False, Cause.OTHER)


def test_who_waits_at_a_door_that_closes_is_asked_about() -> None:
    house = House(1, 3, open_s=math.inf)
    house.come()
    (before,) = house.requests.list.rows
    assert (before.open, before.needed) == (True, False)
    house.policy.on_door_asked(None)
    assert house.door.deadline() == house.node.now
    house.door.on_tick()
    (row,) = house.requests.list.rows
    assert (row.open, row.needed, row.name) == (False, True, before.name)
    assert row.words == before.words
    house.door.on_tick()
    assert house.requests.list.rows == [row]
    house.node.leaving = True
    house.door.on_tick()
    assert house.requests.list.rows == [row]


def test_a_no_ends_it_and_says_that_a_person_said_so() -> None:
    house = House(1, 3)
    house.come()
    house.door.say_no(LINK, "cora")
    assert house.verdict() == (False, Cause.DENIED)
    assert house.requests.list.rows == []
    house.node.now += limits.PAIRING_S
    house.door.on_tick()
    assert taken(house.node, Drop) == [Drop(LINK, "too slow")]
    assert len(house.door) == 0


@pytest.mark.parametrize(("by", "here"), [("cora", "cora said no"), ("d1", "you said no")])
def test_who_said_no_is_told_here_and_to_the_others(by: str, here: str) -> None:
    house = House(1, 3)
    house.node.peer(key(3).device).link = LinkId(3)
    house.come()
    house.node.take()
    house.door.say_no(LINK, by)
    sent = {send.link: send.message for send in taken(house.node, Send)}
    assert house.node.notices.kept[-1][2].text == f"the request of d2 is over: {here}"
    assert isinstance(sent[LinkId(3)], RequestOver)
    assert sent[LinkId(3)].why == f"{by} said no"  # type: ignore[union-attr]


@pytest.mark.parametrize(("by", "who"), [("cora", "cora"), ("d1", "you"), ("", "somebody here")])
def test_an_admission_that_somebody_said_yes_to_is_no_warning(by: str, who: str) -> None:
    house = House(1, 3)
    house.want(house.come())
    house.door.say_yes(LINK, by)
    told = house.node.notices.kept[-1][2]
    assert (told.level, told.text) == ("info", f"admitted d2 because {who} said yes")


def test_one_that_nobody_was_asked_about_is() -> None:
    house = House(1, 3, open_s=math.inf)
    house.want(house.come())
    assert house.node.notices.kept[-1][2].level == "warning"


# -- who was removed -------------------------------------------------------------------------------
def put_out(house: House, by: int = 1) -> None:
    """Device 2 is removed by that device; by itself: it leaves."""
    roster = house.node.roster
    assert roster is not None
    said = Remove(roster.group, key(2).device, [], b"", None, b"", [])
    roster.add(sign_removal(key(by), said, roster.signed_by(key(2).device)))
    house.node.take()


OUT = "d2 was removed from this group; its machine needs a new key: start it there with another"


@pytest.mark.parametrize("open_s", [None, math.inf])
@pytest.mark.parametrize("by_a_code", [True, False])
def test_a_removed_device_is_refused_whatever_way_it_comes(
    open_s: float | None, by_a_code: bool
) -> None:
    house = House(1, 2, 3, open_s=open_s)
    put_out(house)
    if by_a_code:
        code = house.invitations.invite(60.0)
        by_code(house)
    else:
        house.come()
    (verdict,) = house.said()
    assert isinstance(verdict, PairVerdict)
    assert (verdict.admitted, verdict.cause) == (False, Cause.REMOVED)
    assert verdict.reason.startswith(OUT)
    assert house.requests.list.rows == []
    assert house.node.notices.kept[-1][2].text == f"refused: {verdict.reason}"
    if by_a_code:
        device = key(2).device
        side = CodeProof(Code(code.split("-")), device, house.node.me, Chance(3), joins=True)
        house.door.hear(LINK, PairShare(side.share))
        house.node.now += 2.0
        house.door.on_tick()
        assert house.said() == []
        assert house.invitations.tries_left == 3, "which costs the code no try"
    house.door.say_yes(LINK, "cora")
    assert house.said() == []


def test_who_has_left_for_good_needs_a_new_key_as_well() -> None:
    house = House(1, 2, 3)
    put_out(house, by=2)
    house.come()
    (verdict,) = house.said()
    assert isinstance(verdict, PairVerdict)
    assert verdict.reason.startswith("d2 has left this group for good; its machine needs a new key")


def test_who_is_removed_in_the_middle_of_its_conversation_hears_it_at_once() -> None:
    house = House(1, 2, 3)
    house.come()
    put_out(house)
    assert house.door.deadline() == house.node.now
    house.door.on_tick()
    effects = house.node.take()
    verdicts = [send.message for send in effects if isinstance(send, Send) and send.link == LINK]
    assert [type(verdict) for verdict in verdicts] == [PairVerdict]
    assert [drop for drop in effects if isinstance(drop, Drop)] == [Drop(LINK, "removed")]
    assert len(house.door) == 0
    assert house.requests.list.rows == []
    assert OUT in house.node.notices.kept[-1][2].text


def test_silence_is_a_no_in_time() -> None:
    house = House(1, 3)
    house.come()
    assert house.door.deadline() == 1.0 + limits.PAIRING_PERSON_S
    house.door.on_tick()
    assert LINK in house.door
    house.node.now = 1.0 + limits.PAIRING_PERSON_S
    house.door.on_tick()
    assert house.verdict() == (False, Cause.SILENCE)
    assert house.requests.list.rows == []
    why = "nobody answered in time, neither here nor there"
    assert house.node.notices.kept[-1][2].text == f"the request of d2 is over: {why}"


def lonely_and_committed() -> House:
    """A device that has said yes to another group."""
    house = House()
    assert house.policy.founding is not None
    house.policy.on_offer(Offer(bytes(16), bytes(32), "", "", 7685, 2, open=False), "10.0.0.9")
    house.policy.on_tick()
    return house


def test_who_said_yes_to_another_group_lets_nobody_in() -> None:
    house = lonely_and_committed()
    house.policy.on_committed()
    house.come()
    assert house.verdict() == (False, Cause.BUSY)
    assert house.requests.list.rows == []
    house = lonely_and_committed()
    house.come()
    house.policy.on_committed()
    house.door.say_yes(LINK, "d1")
    assert house.verdict() == (False, Cause.BUSY)


def test_a_yes_to_another_group_between_both_yeses_counts() -> None:
    house = lonely_and_committed()
    joiner = house.come()
    house.door.say_yes(LINK, "d1")
    house.policy.on_committed()
    house.said()
    house.want(joiner)
    (drop,) = taken(house.node, Drop)
    assert "about to join another" in drop.reason
    assert len(house.door) == 0


@pytest.mark.parametrize("joiner_first", [True, False])
def test_our_own_clone_is_not_admitted(joiner_first: bool) -> None:
    house = House(1, 3)
    clone = house.come(1, host=2)
    if joiner_first:
        house.want(clone)
        house.door.say_yes(LINK, "d1")
        assert house.verdict() == (False, Cause.OTHER)
    else:
        house.door.say_yes(LINK, "d1")
        house.said()
        house.want(clone)
        (drop,) = taken(house.node, Drop)
        assert "cannot be a member" in drop.reason


def test_more_than_people_can_compare_are_not_shown_at_once() -> None:
    house = House(1, 3)
    for number in range(10, 10 + limits.REQUESTS):
        house.come(number, LinkId(number))
    assert len(house.requests.list) == SHOWN_AT_ONCE
    house.said()
    house.come(2)
    assert LINK not in [one.link for one in house.requests.list.rows]
    assert house.said() == [], "nobody says no: it waits, and its conversation with it"
    while LINK not in [one.link for one in house.requests.list.rows]:
        house.node.now = house.requests.deadline() or 0.0
        house.requests.on_tick()
    assert house.node.now <= SHOWN_S
    house.come(3, LinkId(3), host=2)
    assert LinkId(3) not in [one.link for one in house.requests.list.rows], "one of an address"


def test_the_same_device_again_ends_its_earlier_conversation() -> None:
    house = House(1, 3)
    house.come(2)
    house.said()
    house.come(2, LinkId(3))
    assert house.verdict() == (False, Cause.BUSY)
    assert [one.link for one in house.requests.list.rows] == [LinkId(3)]


@pytest.mark.parametrize("wants", [True, False])
@pytest.mark.parametrize("newcomer_first", [True, False])
def test_silence_is_said_of_the_side_that_said_no_yes(wants: bool, newcomer_first: bool) -> None:
    house = House(1, 3)
    joiner = house.come()
    if wants:
        house.want(joiner)
    else:
        house.door.say_yes(LINK, "d1")
    if newcomer_first:
        house.door.on_closed(LINK, LinkClosed(LINK, "too slow", clean=True))
    house.node.now = 1.0 + limits.PAIRING_PERSON_S
    house.door.on_tick()
    why = "the other side said yes, but nobody here answered in time"
    if not wants:
        why = "nobody there answered in time, though somebody here said yes"
    assert house.node.notices.kept[-1][2].text == f"the request of d2 is over: {why}"


def test_a_newcomer_that_is_ended_is_near_no_more() -> None:
    house = House()
    for number in (2, 3):
        tag = bytes([number]) * 32
        house.policy.on_offer(
            Offer(bytes(16), tag, "", "", 7685, 1, open=False), address(number).host
        )
    house.come()
    house.come(3, LinkId(3))
    house.door.on_closed(LinkId(3), LinkClosed(LinkId(3), "it has company", clean=True))
    assert house.door.on_closed(LINK, LinkClosed(LINK, SWITCHED_OFF, clean=True))
    assert not house.door.on_closed(LINK, LinkClosed(LINK, SWITCHED_OFF, clean=True))
    assert [found.address.host for found in house.policy.found] == [address(3).host]
    text = "the request of d2 is over: potluck was ended there"
    assert house.node.notices.kept[-1][2].text == text
    assert [*house.requests.list.ends] == [address(3).host]


def test_only_so_many_stand_at_the_door() -> None:
    house = House(1, 3)
    for link in range(limits.STRANGERS_PER_ADDRESS + 1):
        house.door.open(LinkId(link), address(2), called=False)
    assert taken(house.node, Drop) == [Drop(LinkId(0), "too many at the door")]
    house.door.clear()
    assert len(taken(house.node, Drop)) == limits.STRANGERS_PER_ADDRESS
    assert not house.door.on_closed(LINK, None)
    assert house.door.deadline() is None


def test_who_was_dialled_because_it_asked_is_told_its_turn_and_known_to_be_there() -> None:
    house = House(1, 3, open_s=math.inf)
    house.door.open(LINK, address(2), called=True)
    assert house.said() == [PairTurn()]
    joiner = Joiner(key(2), "d2", bytes(16))
    for message in joiner.begin():
        house.door.hear(LINK, message)
    for message in joiner.hear(house.said()[0]):  # type: ignore[arg-type]
        house.door.hear(LINK, message)
    house.want(joiner)
    assert house.heard.of("on_met") == [(key(2).device, address(2))]
    assert house.door.turn(LINK) == "", "it is no member"
    house.door.open(LINK, address(2), called=False)
    assert house.door.turn(LINK) == address(2).host
    assert len(house.door) == 0


def test_what_may_not_come_is_refused() -> None:
    house = House(1, 3)
    house.come()
    with pytest.raises(ProtocolError):
        house.door.hear(LINK, PairCommit([1], bytes(32)))
    assert repr(house.door) == "<Doorkeeping 1>"


# -- by a code -------------------------------------------------------------------------------------
def by_code(house: House, number: int = 2) -> Joiner:
    """A newcomer that says that a code comes, and has revealed itself."""
    house.door.open(LINK, address(number), called=False)
    joiner = Joiner(key(number), f"d{number}", bytes([number]) * 16, by_code=True)
    for message in joiner.begin():
        house.door.hear(LINK, message)
    (nonce,) = house.said()
    for message in joiner.hear(nonce):  # type: ignore[arg-type]
        house.door.hear(LINK, message)
    return joiner


def test_nobody_is_asked_about_who_brings_a_code_and_it_has_little_time() -> None:
    house = House(1, 3)
    by_code(house)
    assert house.requests.list.rows == []
    assert house.door.deadline() == house.node.now + limits.PAIRING_S


def test_its_own_yes_alone_lets_nobody_in() -> None:
    house = House(1, 3, open_s=math.inf)
    house.want(by_code(house))
    assert house.said() == []


def test_a_share_begins_a_try_and_is_answered_by_the_clock() -> None:
    house = House(1, 3)
    code = house.invitations.invite(60.0)
    joiner = by_code(house)
    side = CodeProof(Code(code.split("-")), key(2).device, house.node.me, Chance(3), joins=True)
    house.door.hear(LINK, PairShare(side.share))
    answer_s = house.door.deadline()
    assert answer_s is not None
    assert answer_s < house.node.now + 1.0
    house.node.now = answer_s
    house.door.on_tick()
    (share,) = house.said()
    assert isinstance(share, PairShare)
    side.take_share(share.share)
    house.door.hear(LINK, PairProof(side.proof(joiner.transcript)))
    house.want(joiner)
    house.node.now = house.door.deadline() or 0.0
    house.door.on_tick()
    proof, verdict, *_ = house.said()
    assert isinstance(proof, PairProof)
    assert isinstance(verdict, PairVerdict)
    assert verdict.admitted


def test_a_link_that_ends_meanwhile_has_used_up_a_try() -> None:
    house = House(1, 3)
    code = house.invitations.invite(60.0)
    by_code(house)
    side = CodeProof(Code(code.split("-")), key(2).device, house.node.me, Chance(3), joins=True)
    house.door.hear(LINK, PairShare(side.share))
    house.door.on_closed(LINK, LinkClosed(LINK, "cut off", clean=False))
    assert house.invitations.tries_left == 2
    house.node.now += 5.0
    house.door.on_tick()
    assert house.said() == []


def test_where_only_a_code_opens_the_door_nobody_is_asked_about_others() -> None:
    house = House(1, 3)
    house.policy.door.shut = True
    house.invitations.invite(60.0)
    house.come()
    assert house.verdict() == (False, Cause.BUSY)
    assert house.requests.list.rows == []
