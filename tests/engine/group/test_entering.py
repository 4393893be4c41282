"""Entering: this device asks, and its person, its open door or a code says yes."""

from __future__ import annotations

import math

import pytest

from potluck.core import limits
from potluck.core.errors import ProtocolError
from potluck.core.group.admission import Doorkeeper
from potluck.core.group.asking_turns import ASK_RETRY_S, VERSION_REST_S
from potluck.core.group.founding import Founding, FoundingState, tag_of
from potluck.core.wire.catalogue import (
    Cause,
    Message,
    Offer,
    PairCommit,
    PairConsent,
    PairingMessage,
    PairVerdict,
)
from potluck.engine.effects import Drop, Send
from potluck.engine.events import DIAL_TIMEOUT, NO_COMMON_VERSION, DoorAsked, LinkClosed, LinkId
from potluck.engine.group.admission_policy import AdmissionPolicy
from potluck.engine.group.entering import Entering
from potluck.engine.group.membership import Membership
from potluck.engine.group.request_ends import (
    DOOR_SHUT,
    NOBODY_ASKED,
    OTHER_VERSION,
    SWITCHED_OFF,
)
from potluck.engine.group.requests import Requests
from potluck.engine.node import Node
from tests.engine.builders import address, flush, group, key, member, node, taken
from tests.engine.group.code_stories import together
from tests.engine.listeners import Heard
from tests.engine.wire import Wire

LINK = LinkId(77)


class Guest:
    """Device 1 at time 1, that asks the group of device 9."""

    def __init__(self, *, open_s: float | None = None, far_open: bool = False) -> None:
        self.node: Node = node(1, open_s=open_s, headless=True)
        self.heard = Heard()
        membership = Membership(self.node, self.heard)
        self.policy = AdmissionPolicy(self.node, membership, self.heard)
        self.requests = Requests(self.node, self.heard)
        self.entering = Entering(self.node, membership, self.policy, self.requests, self.heard)
        self.policy.start(kept=membership.start())
        self.node.now = 1.0
        self.far = group(9, 8)
        offer = Offer(bytes(16), tag_of(self.far.group), "", "", 7685, 2, open=far_open)
        self.policy.on_offer(offer, address(9).host)
        self.policy.on_tick()
        (wish,) = self.heard.of("on_wish")
        self.node.take()
        self.keeper = Doorkeeper(key(9), self.far, "d9", bytes(16))
        self.entering.begin(LINK, wish)
        self.carry()

    def said(self) -> list[PairingMessage]:
        sent = [effect for effect in flush(self.node) if isinstance(effect, Send)]
        return [send.message for send in sent if send.link == LINK]  # type: ignore[misc]

    def carry(self) -> None:
        """Carry what is said until nobody has more to say."""
        while said := self.said():
            for message in said:
                for answer in self.keeper.hear(message):
                    self.hear(answer)

    def hear(self, *messages: Message) -> bool:
        heard = [self.entering.hear(LINK, m) for m in messages if isinstance(m, PairingMessage)]
        return heard[-1]

    def let_in(self) -> list[PairingMessage]:
        self.far.add([member(key(9), self.far, key(1), "d1")])
        return self.keeper.welcome(self.far.records())

    @property
    def rests(self) -> float | None:
        assert self.policy.founding is not None
        found = tag_of(self.far.group), address(9).host
        rests_s = self.policy.founding.turns.rests_until_s(*found)
        return None if rests_s == -math.inf else rests_s


@pytest.mark.parametrize("person_first", [True, False])
def test_two_yeses_in_either_order_lead_in(person_first: bool) -> None:
    guest = Guest()
    (row,) = guest.requests.list.rows
    assert (row.name, row.label, row.needed, row.there) == ("Home", "d9", True, False)
    assert row.devices == 2, "as its offer said"
    if person_first:
        guest.entering.say_yes(LINK)
        guest.carry()
        assert row.here
        assert guest.keeper.allow() == []
    else:
        guest.hear(*guest.keeper.allow())
        assert row.there
        assert guest.said() == []
        guest.entering.say_yes(LINK)
        guest.carry()
    assert guest.policy.founding is not None
    assert guest.policy.founding.committed
    assert guest.heard.of("on_met") == [(key(9).device, address(9))]
    assert guest.hear(*guest.let_in())
    assert guest.node.roster is not None
    assert guest.node.roster.group == guest.far.group
    assert guest.requests.list.rows == []
    assert len(guest.entering) == 0
    assert guest.policy.founding is None


def test_two_open_doors_ask_nobody() -> None:
    guest = Guest(open_s=math.inf, far_open=True)
    assert guest.requests.list.rows == []
    assert guest.keeper.allow() == [], "the yes of this side is there"


def test_an_open_door_here_says_yes_as_soon_as_the_others_have() -> None:
    guest = Guest(open_s=math.inf)
    (row,) = guest.requests.list.rows
    assert (row.open, row.needed) == (True, False)
    assert guest.policy.founding is not None
    assert not guest.policy.founding.committed
    guest.hear(*guest.keeper.allow())
    assert guest.said() == [PairConsent()]
    guest.hear(*Doorkeeper(key(9), guest.far, "d9", bytes(16)).deny("no"))
    assert len(guest.entering) == 0


def test_a_door_that_closes_takes_its_yes_back_and_the_person_is_asked() -> None:
    guest = Guest(open_s=math.inf)
    (before,) = guest.requests.list.rows
    assert guest.entering.deadline() == 1.0 + limits.PAIRING_PERSON_S
    guest.policy.on_door_asked(None)
    assert guest.entering.deadline() == guest.node.now
    guest.entering.on_tick()
    (row,) = guest.requests.list.rows
    assert (row.needed, row.name, row.words) == (True, before.name, before.words)
    said = [notice.text for _, _, notice in guest.node.notices.kept]
    assert sum("d9" in text and "approve" in text for text in said) == 1, said
    guest.hear(*guest.keeper.allow())
    assert guest.said() == [], "nobody here said yes"
    assert guest.entering.deadline() == 1.0 + limits.PAIRING_PERSON_S
    guest.entering.say_yes(LINK)
    assert guest.said() == [PairConsent()]


def test_a_door_whose_time_is_over_says_yes_no_more() -> None:
    guest = Guest(open_s=5.0)
    guest.node.now = 6.0
    guest.hear(*guest.keeper.allow())
    assert guest.said() == []


def test_what_the_door_said_yes_to_ends_with_it() -> None:
    guest = Guest(open_s=math.inf, far_open=True)
    guest.policy.on_door_asked(None)
    guest.entering.on_tick()
    assert taken(guest.node, Drop) == [Drop(LINK, "the door here is closed by now")]
    assert len(guest.entering) == 0
    assert guest.policy.founding is not None
    assert not guest.policy.founding.committed


def test_once_the_others_have_decided_nothing_is_taken_back() -> None:
    guest = Guest(open_s=math.inf, far_open=True)
    guest.keeper.allow()
    verdict, *records = guest.let_in()
    guest.hear(verdict)
    guest.policy.on_door_asked(None)
    guest.entering.on_tick()
    assert LINK in guest.entering
    assert guest.hear(*records)


def test_what_a_person_said_yes_to_stays_when_the_door_closes() -> None:
    guest = Guest(open_s=math.inf)
    guest.entering.say_yes(LINK)
    guest.policy.on_door_asked(None)
    guest.entering.on_tick()
    assert LINK in guest.entering


def test_a_device_that_leaves_takes_nothing_back() -> None:
    guest = Guest(open_s=math.inf)
    guest.node.leaving = True
    guest.entering.on_tick()
    assert LINK in guest.entering


def test_an_open_door_there_waits_for_the_person_here() -> None:
    guest = Guest(far_open=True)
    (row,) = guest.requests.list.rows
    assert (row.needed, row.there) == (True, False), "that it was open a moment ago is no yes"
    assert guest.said() == []


def test_a_yes_counts_once() -> None:
    guest = Guest()
    guest.entering.say_yes(LINK)
    guest.entering.say_yes(LINK)
    assert guest.said() == [PairConsent()]


def test_who_has_company_by_now_enters_nowhere() -> None:
    guest = Guest()
    guest.node.roster = group(1, 2)
    guest.entering.say_yes(LINK)
    assert guest.said() == []
    guest.entering.withdraw("at home")
    assert taken(guest.node, Drop) == [Drop(LINK, "at home")]
    assert guest.requests.list.rows == []
    assert guest.requests.list.ends == {}, "that says nothing about the group"


def test_after_a_no_here_the_group_is_left_alone() -> None:
    guest = Guest()
    guest.entering.say_no(LINK)
    assert guest.rests == math.inf
    assert taken(guest.node, Drop) == [Drop(LINK, "the person here said no")]
    guest.entering.say_no(LINK)
    guest.entering.say_yes(LINK)
    assert guest.node.take() == []


@pytest.mark.parametrize("cause", list(Cause))
def test_the_reason_of_a_no_says_for_how_long_the_group_is_left_alone(cause: Cause) -> None:
    guest = Guest()
    guest.hear(PairVerdict(admitted=False, reason="no", signature=b"", cause=cause))
    assert guest.rests is not None
    assert (guest.rests == math.inf) == (cause in {Cause.DENIED, Cause.REMOVED})
    assert (guest.rests > guest.node.now + 60) == (cause not in {Cause.BUSY, Cause.OTHER})


def test_silence_is_a_no_in_time() -> None:
    guest = Guest()
    assert guest.entering.deadline() == 1.0 + limits.PAIRING_PERSON_S
    guest.entering.on_tick()
    assert LINK in guest.entering
    guest.node.now = 1.0 + limits.PAIRING_PERSON_S
    guest.entering.on_tick()
    assert guest.rests is not None
    assert guest.rests > guest.node.now + 60
    assert not guest.entering.end(LINK)
    assert guest.entering.deadline() is None


def test_silence_is_said_of_the_side_that_said_no_yes() -> None:
    guest = Guest()
    guest.entering.say_yes(LINK)
    guest.hear(PairVerdict(admitted=False, reason="-", signature=b"", cause=Cause.SILENCE))
    why = "nobody there answered in time, though somebody here said yes"
    assert guest.node.notices.kept[-1][2].text == f"the request to Home is over: {why}"
    other = Guest()
    other.hear(*other.keeper.allow())
    other.node.now = 1.0 + limits.PAIRING_PERSON_S
    other.entering.on_tick()
    why = "the other side said yes, but nobody here answered in time"
    assert other.node.notices.kept[-1][2].text == f"the request to Home is over: {why}"


@pytest.mark.parametrize(
    ("gone", "why"),
    [
        (LinkClosed(LINK, "cut off", clean=False), "the connection broke"),
        (LinkClosed(LINK, "this device is in another group now", clean=True),
         "it is in another group now"),
        (None, "the other side broke the rules"),
    ],
)  # fmt: skip
def test_a_link_that_is_gone_is_no_no_of_the_group(gone: LinkClosed | None, why: str) -> None:
    guest = Guest()
    assert guest.entering.on_closed(LINK, gone)
    assert guest.node.notices.kept[-1][2].text == f"the request to Home is over: {why}"
    assert guest.requests.list.ends[address(9).host].why == why
    assert not guest.entering.on_closed(LINK, gone)


def test_a_member_that_is_ended_is_near_no_more() -> None:
    guest = Guest()
    assert guest.entering.on_closed(LINK, LinkClosed(LINK, SWITCHED_OFF, clean=True))
    assert not guest.entering.on_closed(LINK, LinkClosed(LINK, SWITCHED_OFF, clean=True))
    assert guest.policy.found == []
    text = "the request to Home is over: potluck was ended there"
    assert guest.node.notices.kept[-1][2].text == text
    assert guest.requests.list.ends == {}


def test_a_member_that_says_nothing_is_given_up_soon() -> None:
    guest = Guest()
    guest.entering.end(LINK)
    guest.policy.founding = None
    wish = guest.heard.of("on_wish")[0]
    guest.entering.begin(LINK, wish)
    assert [type(message) for message in guest.said()] == [PairCommit]
    guest.node.now = 1.0 + limits.PAIRING_S
    guest.entering.on_tick()
    assert taken(guest.node, Drop) == [Drop(LINK, "too slow")]


def test_another_group_than_the_one_that_was_found_is_not_entered() -> None:
    guest = Guest()
    guest.entering.end(LINK)
    wish = guest.heard.of("on_wish")[0]
    guest.entering.begin(LINK, wish)
    keeper = Doorkeeper(key(9), group(7, 9), "d9", bytes(16))
    (nonce,) = keeper.hear(guest.said()[0])
    with pytest.raises(ProtocolError, match="not the group that was offered"):
        guest.hear(nonce)
    assert repr(guest.entering) == "<Entering 1>"


@pytest.mark.parametrize("seed", range(4))
def test_who_meets_a_closed_door_first_comes_in_by_the_open_one_of_that_group(seed: int) -> None:
    wire = Wire(seed)
    ann, ben = wire.add(1), wire.add(2, headless=True)
    assert wire.run(20.0, lambda: together(ann, ben))
    ben.hear(DoorAsked(None))
    cleo = wire.add(3)
    assert wire.run(15.0, lambda: together(ann, ben, cleo)), "nobody has to answer"


@pytest.mark.parametrize(
    ("said", "why"),
    [(DOOR_SHUT, NOBODY_ASKED), ("something else", "the other side ended it")],
)
def test_who_named_a_group_hears_why_there_are_no_words_and_nothing_of_an_earlier_request(
    said: str, why: str
) -> None:
    guest = Guest()
    guest.entering.say_no(LINK)
    ends = guest.requests.list.ends
    assert ends[address(9).host].why == "you said no"
    wish = guest.heard.of("on_wish")[0]
    assert guest.policy.want(address(9).host)
    guest.policy.on_tick()
    guest.entering.begin(LINK, wish)
    assert guest.entering.on_closed(LINK, LinkClosed(LINK, said, clean=True))
    assert ends[address(9).host].why == why
    text = f"{address(9).host} could not be asked: {why}"
    assert guest.node.notices.kept[-1][2].text == text
    guest.node.now += 1.0
    guest.policy.on_tick()
    guest.entering.begin(LINK, wish)
    guest.entering.on_closed(LINK, LinkClosed(LINK, said, clean=True))
    assert guest.node.notices.kept[-1][2].text == text, "by itself: noted at most, and not told"
    assert [note.code for _, _, note in guest.node.notices.kept].count("unasked") == 1


def test_what_was_asked_by_itself_and_not_reached_is_the_matter_of_the_link() -> None:
    guest = Guest()
    guest.entering.end(LINK, why="the connection broke")
    wish = guest.heard.of("on_wish")[0]
    ends = guest.requests.list.ends
    ends.clear()
    noted = {DIAL_TIMEOUT: None, NO_COMMON_VERSION: OTHER_VERSION, "": NOBODY_ASKED}
    for reason, kept in noted.items():
        guest.policy.founding = Founding(wish.tag, 0.0, open_door=False, kept=True)
        guest.policy.founding.state = FoundingState.KEPT_ASKING
        guest.entering.on_unreached(wish, reason)
        end = ends.get(address(9).host)
        assert (end and end.why) == kept
        rests = {"": ASK_RETRY_S, DIAL_TIMEOUT: ASK_RETRY_S}.get(reason, VERSION_REST_S)
        assert guest.rests == guest.node.now + rests
    assert not [note for _, _, note in guest.node.notices.kept if note.code == "unasked"]
    assert guest.policy.founding is not None
    guest.policy.founding.state = FoundingState.KEPT_ASKING
    guest.policy.wanted = wish.tag
    guest.entering.on_unreached(wish, DIAL_TIMEOUT)
    why = "no connection with it could be made (timeout)"
    assert ends[address(9).host].why == why
    assert guest.node.notices.kept[-1][2].text == f"{address(9).host} could not be asked: {why}"
