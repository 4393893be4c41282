"""Founding: what one lonely device decides, and what many become that start at once."""

from __future__ import annotations

import math
from itertools import product

import pytest

from potluck.core import limits
from potluck.core.errors import ProtocolError
from potluck.core.group.asking_turns import ASK_RETRY_S, HOST_REST_S, TRIES, VAIN_S, GroupTag
from potluck.core.group.founding import (
    BUSY_REST_S,
    FOUNDING,
    OFFER_LIFE_S,
    SILENT_REST_S,
    AskToJoin,
    FoundGroup,
    Founding,
    FoundingAction,
    FoundingInput,
    FoundingState,
    KeepGroup,
    StopAsking,
    WaitForPerson,
    forget_host,
    found_group,
    left_alone_s,
    tag_of,
)
from potluck.core.keys.identity import GroupId
from potluck.core.wire.catalogue import Address, Offer


def group(number: int) -> GroupTag:
    return GroupTag(bytes([number]) * 32)


OWN = group(5)


def lonely(*, open_door: bool = True, kept: bool = False) -> Founding:
    return Founding(OWN, 0.0, open_door=open_door, kept=kept)


def offer(number: int, members: int = 1, *, door: bool = True) -> Offer:
    return Offer(bytes(16), group(number), f"group {number}", "label", 7685, members, door)


def at(number: int, host: str = "h", members: int = 1) -> FoundGroup:
    return found_group(offer(number, members), host, 0.0)


def run(founding: Founding, until: float) -> list[tuple[float, FoundingAction]]:
    """Wake up whenever asked to; a deadline that stays in the past would spin for ever."""
    done: list[tuple[float, FoundingAction]] = []
    idle = 0
    while (due := founding.deadline()) is not None and due <= until and idle < 3:
        actions = founding.on_tick(due)
        done += [(due, action) for action in actions]
        idle = 0 if actions else idle + 1
    assert idle < 3, "it asks to be woken and does nothing"
    return done


@pytest.mark.parametrize("open_door", [True, False])
def test_alone_for_two_seconds_the_group_is_kept(open_door: bool) -> None:
    founding = lonely(open_door=open_door)
    assert founding.on_tick(1.9) == []
    assert run(founding, 9.0) == [(limits.FOUND_S, KeepGroup())]
    assert founding.deadline() is None


def test_a_group_of_an_earlier_run_is_kept_already() -> None:
    founding = lonely(kept=True)
    assert founding.deadline() is None
    assert founding.on_tick(9.0) == []


def test_an_open_newcomer_listens_and_then_asks_the_group_with_company() -> None:
    founding = lonely()
    founding.on_offer(offer(1), "10.0.0.1", 0.1)
    founding.on_offer(offer(9, members=2), "10.0.0.9", 0.1)
    assert founding.on_tick(0.2) == []
    ((time, asked),) = run(founding, 1.0)
    assert time == limits.LISTEN_S
    assert isinstance(asked, AskToJoin)
    assert (asked.found.tag, asked.found.address.host, asked.found.members) == (
        group(9),
        "10.0.0.9",
        2,
    )
    assert run(founding, 99.0) == []  # one at a time, and nothing else meanwhile


def test_among_the_lonely_the_lower_group_id_stays() -> None:
    founding = lonely()
    founding.on_offer(offer(7), "h", 0.0)
    assert founding.better(0.1) is None
    assert run(founding, 1.0) == []
    founding.on_offer(offer(3), "h", 0.1)
    founding.on_offer(offer(4), "h", 0.1)
    found = founding.better(0.1)
    assert found is not None
    assert found.tag == group(3)


def test_a_closed_group_or_our_own_is_not_asked() -> None:
    founding = lonely()
    founding.on_offer(offer(1, door=False), "h", 0.0)
    founding.on_offer(offer(5), "h", 0.0)
    assert founding.better(0.1) is None
    assert OWN not in founding.found


def test_without_open_nothing_is_joined_and_a_person_is_waited_for() -> None:
    founding = lonely(open_door=False)
    founding.on_offer(offer(1, members=3), "h", 1.5)
    assert run(founding, 60.0) == [(limits.FOUND_S, WaitForPerson())]
    foreign = lonely(open_door=False)
    foreign.on_foreign()
    assert run(foreign, 60.0) == [(limits.FOUND_S, WaitForPerson())]


def test_who_asks_admits_nobody_and_neither_does_who_should_ask() -> None:
    founding = lonely()
    assert not founding.may_admit(limits.LISTEN_S - 0.01)
    assert founding.may_admit(limits.LISTEN_S)
    founding.on_offer(offer(1), "h", 0.4)
    assert not founding.may_admit(0.5)
    founding.on_tick(0.5)
    assert not founding.may_admit(0.6)
    closed = lonely()
    closed.on_offer(offer(1), "h", 0.4)
    closed.on_door_closed()
    assert closed.may_admit(0.5)


def test_a_door_that_closes_while_another_group_is_asked_leaves_the_question_open() -> None:
    founding = lonely()
    founding.on_offer(offer(1), "h", 0.4)
    assert len(founding.on_tick(0.5)) == 1
    founding.on_door_closed()
    assert founding.asking
    founding.on_refused(at(1), 3.0)
    assert run(founding, 9.0) == [(limits.FOUND_S, WaitForPerson())]


def test_when_the_others_fall_silent_there_is_nothing_to_wait_for() -> None:
    founding = lonely(open_door=False)
    founding.on_silence()  # nobody waits yet
    founding.on_foreign()
    assert run(founding, 3.0) == [(limits.FOUND_S, WaitForPerson())]
    assert founding.waiting
    founding.on_silence()
    assert not founding.waiting
    assert [action for _, action in run(founding, 40.0)] == [KeepGroup()]


def test_a_group_of_an_earlier_run_is_left_for_a_better_one_and_kept_after_a_no() -> None:
    founding = lonely(kept=True)
    founding.on_offer(offer(9, members=2), "h", 0.1)
    assert [type(action) for _, action in run(founding, 1.0)] == [AskToJoin]
    assert founding.asking
    founding.on_refused(at(9), 1.0)
    assert founding.state is FoundingState.KEPT


@pytest.mark.parametrize(("state", "happened"), [*product(FoundingState, FoundingInput)])
def test_every_input_in_every_state_goes_where_the_table_says_or_is_refused(
    state: FoundingState, happened: FoundingInput
) -> None:
    founding = lonely()
    founding.state = state
    if (state, happened) in FOUNDING:
        founding._fire(happened)
        assert founding.state is FOUNDING[state, happened]
    else:
        with pytest.raises(ProtocolError, match=f"{happened.name} may not come"):
            founding._fire(happened)
        assert founding.state is state


def test_it_says_how_it_stands() -> None:
    assert repr(lonely()) == "<Founding UNDECIDED, door open, 0 groups near>"
    assert "door closed" in repr(lonely(open_door=False))


def test_a_group_that_did_not_admit_us_is_asked_again_later_if_it_still_offers() -> None:
    founding = lonely()
    founding.on_offer(offer(1), "h", 0.1)
    run(founding, 0.5)
    founding.on_refused(at(1), 1.0)
    assert not founding.may_admit(1.1)  # it is the better group still
    assert founding.deadline() == 1.0 + ASK_RETRY_S
    assert founding.on_tick(1.2) == []
    assert [type(action) for _, action in run(founding, 1.5)] == [AskToJoin]


def test_offers_age() -> None:
    founding = lonely()
    founding.on_offer(offer(1), "h", 0.1)
    assert founding.better(0.1 + OFFER_LIFE_S) is not None
    assert founding.better(0.2 + OFFER_LIFE_S) is None


def test_made_up_groups_are_bounded() -> None:
    founding = lonely()
    founding.on_offer(offer(4), "honest", 0.1)
    for number in range(6, 200):
        founding.on_offer(offer(number), "h", 0.1)
    assert len(founding.found) == 1 + limits.OFFERS_PER_HOST
    for number in range(150):
        founding.on_offer(offer(number % 4), f"h{number}", 0.1)
        founding.on_offer(offer(200 + number % 50), f"h{number}", 0.1)
    assert len(founding.found) <= limits.OFFERS
    assert group(4) in founding.found
    founding.on_offer(offer(4, members=4), "honest", 0.2)
    assert founding.found[group(4)].members == 4
    founding.on_offer(offer(199), "h", 0.2 + OFFER_LIFE_S)
    assert group(199) in founding.found


def test_a_group_that_refused_often_enough_is_no_reason_to_wait() -> None:
    founding = lonely()
    founding.on_offer(offer(1), "h", 0.5)
    for _ in range(TRIES):
        assert [type(action) for _, action in run(founding, 5.0)] == [AskToJoin]
        founding.on_refused(at(1), 1.0)
    assert founding.better(1.0) is None
    assert founding.may_admit(1.0)


@pytest.mark.parametrize("count", [2, 3, 7])
def test_of_many_that_start_at_once_just_one_admits(count: int) -> None:
    devices = {
        group(n): Founding(group(n), 0.0, open_door=True, kept=False) for n in range(1, count + 1)
    }
    for own in devices:
        for other, founding in devices.items():
            if own != other:
                founding.on_offer(offer(own[0]), "h", 0.1)
    asked = [
        action.found.tag
        for f in devices.values()
        for action in f.on_tick(0.5)
        if isinstance(action, AskToJoin)
    ]
    assert asked == [group(1)] * (count - 1)
    assert [own for own, founding in devices.items() if founding.may_admit(0.6)] == [group(1)]


def test_a_door_that_is_opened_ends_the_wait_for_a_person() -> None:
    founding = lonely(open_door=False)
    founding.on_offer(offer(1), "10.0.0.1", 1.9)
    assert founding.on_tick(2.0) == [WaitForPerson()]
    founding.on_door_opened()
    assert not founding.waiting
    ((_, asked),) = run(founding, 2.1) or [(0.0, founding.on_tick(2.1)[0])]
    assert isinstance(asked, AskToJoin)
    assert asked.found.tag == group(1)


def test_a_door_that_is_opened_before_anything_is_decided_is_open() -> None:
    founding = lonely(open_door=False)
    founding.on_door_opened()
    assert repr(founding) == "<Founding UNDECIDED, door open, 0 groups near>"
    founding.on_offer(offer(1), "10.0.0.1", 0.9)
    assert isinstance(founding.on_tick(1.0)[0], AskToJoin)


# -- where people are asked ------------------------------------------------------------------------
def asking(*, open_door: bool = False, kept: bool = False) -> Founding:
    return Founding(OWN, 0.0, open_door=open_door, kept=kept, asks=True)


def asked(founding: Founding, until: float) -> list[GroupTag]:
    """Which groups it asks until then, each in vain at once and for good."""
    tags = []
    for time, action in run(founding, until):
        assert isinstance(action, AskToJoin), time
        tags.append(action.found.tag)
    return tags


def test_a_closed_group_is_asked_by_a_closed_device_in_the_same_order() -> None:
    founding = asking()
    for number, members in ((1, 1), (2, 1), (8, 2), (9, 2), (7, 1)):
        founding.on_offer(offer(number, members, door=False), f"h{number}", 0.1)
    order = []
    for _ in range(4):
        order += asked(founding, 1.0)
        founding.on_refused(founding.found[order[-1]], 1.0, rest_s=math.inf)
    assert order == [group(8), group(9), group(1), group(2)]
    assert run(founding, 1.0) == [], "7 comes to us"
    assert founding.on_tick(limits.FOUND_S) == [WaitForPerson()]
    assert founding.deadline() is None


@pytest.mark.parametrize("kept", [True, False])
def test_a_group_where_nobody_answered_is_asked_again_after_a_pause(kept: bool) -> None:
    founding = asking(kept=kept)
    founding.on_offer(offer(1, door=False), "h", 0.1)
    assert asked(founding, 1.0) == [group(1)]
    founding.on_refused(at(1), 3.0, rest_s=SILENT_REST_S)
    assert run(founding, 3.0) == ([] if kept else [(limits.FOUND_S, WaitForPerson())])
    assert founding.deadline() == 3.0 + SILENT_REST_S
    founding.on_offer(offer(1, door=False), "h", 3.0 + SILENT_REST_S)
    assert asked(founding, 4.0 + SILENT_REST_S) == [group(1)]


def test_doors_that_were_opened_while_people_were_asked_let_in_when_nobody_answered() -> None:
    founding = asking(kept=True)
    founding.on_offer(offer(1, door=False), "h", 0.1)
    assert asked(founding, 1.0) == [group(1)]
    founding.committed = True
    founding.on_door_opened()
    founding.on_offer(offer(1), "h", 3.0)
    assert run(founding, 3.0) == [], "who said yes here waits for the answer"
    founding.on_refused(at(1), 3.0, rest_s=SILENT_REST_S)
    assert left_alone_s(founding, at(1), 3.0) == 0.0
    assert [type(one) for one in founding.on_tick(3.0)] == [AskToJoin]
    founding.on_refused(at(1), 4.0, rest_s=SILENT_REST_S)
    assert left_alone_s(founding, at(1), 4.0) == SILENT_REST_S, "an open door that says nothing"


def test_a_no_counts_also_where_both_doors_were_opened_meanwhile() -> None:
    founding = asking(kept=True)
    founding.on_offer(offer(1, door=False), "h", 0.1)
    assert asked(founding, 1.0) == [group(1)]
    founding.on_door_opened()
    founding.on_offer(offer(1, door=False), "h", 3.0)
    founding.on_refused(at(1), 3.0, rest_s=math.inf)
    founding.on_offer(offer(1), "h", 3.1)
    assert left_alone_s(founding, at(1), 4.0) == math.inf
    assert run(founding, 4.0) == []
    assert founding.better(4.0) is None


def test_who_wants_a_group_or_opens_the_door_has_it_asked_again_after_a_no() -> None:
    founding = asking()
    founding.on_offer(offer(1, door=False), "h", 1.9)
    assert asked(founding, 1.0) == [group(1)]
    founding.on_refused(at(1), 2.0, rest_s=math.inf)
    assert founding.on_tick(2.0) == [WaitForPerson()]
    assert not founding.on_wanted(group(1), "h")
    assert [type(action) for action in founding.on_tick(2.1)] == [AskToJoin]
    assert not founding.on_wanted(group(1), "h"), "it is asked already"
    founding.on_refused(at(1), 2.2, rest_s=math.inf)
    assert [type(action) for action in founding.on_tick(2.2)] == [WaitForPerson]
    founding.on_door_opened()
    assert [type(action) for action in founding.on_tick(2.3)] == [AskToJoin]


def rogue_and_honest(founding: Founding, now: float, fresh: int) -> None:
    """A rogue invents the best of groups again and again; an honest one has company, too."""
    for number in (0, 1):
        tag = bytes([0, fresh % 256, number]) + bytes(29)
        made_up = Offer(bytes(16), tag, "", "", 7685, 50, open=False)
        founding.on_offer(made_up, "rogue", now)
    founding.on_offer(offer(9, members=2, door=False), "honest", now)


@pytest.mark.parametrize("rest_s", [math.inf, SILENT_REST_S, BUSY_REST_S, ASK_RETRY_S])
def test_who_invents_better_groups_keeps_nobody_from_the_others(rest_s: float) -> None:
    founding, now, hosts = asking(kept=True), 1.0, list[str]()
    for fresh in range(100):
        rogue_and_honest(founding, now, fresh)
        for action in founding.on_tick(now):
            assert isinstance(action, AskToJoin)
            hosts.append(action.found.address.host)
            founding.on_refused(action.found, now + 1.0, rest_s=rest_s)
        now += 1.0
    assert hosts[0] == "rogue"
    assert "honest" in hosts[: int(VAIN_S) + 2]
    if rest_s > BUSY_REST_S:
        assert hosts[:3] == ["rogue", "honest", "rogue"], "in turn"


@pytest.mark.parametrize("at_host", ["rogue", "honest"])
def test_what_is_said_in_anothers_name_rests_at_who_said_it(at_host: str) -> None:
    founding = asking(kept=True)
    founding.on_offer(offer(9, members=2, door=False), "rogue", 1.0)
    founding.on_offer(offer(9, members=2, door=False), "honest", 1.0)
    (action,) = founding.on_tick(1.0)
    assert isinstance(action, AskToJoin)
    assert action.found.address.host == "rogue", "who came first is asked first"
    founding.on_refused(action.found, 1.1)
    founding.on_offer(offer(9, members=2, door=False), at_host, 1.2)
    (action,) = founding.on_tick(1.1 + ASK_RETRY_S)
    assert isinstance(action, AskToJoin)
    assert action.found.address.host == at_host
    founding.on_refused(action.found, 1.6)
    founding.on_offer(offer(9, members=3, door=False), "honest", 1.7)
    assert founding.found[group(9)].members == 3


def test_an_open_door_that_lets_nobody_in_is_no_reason_to_wait() -> None:
    founding, now = lonely(kept=True), 1.0
    for fresh in range(60):
        made_up = Offer(bytes(16), bytes([0, fresh]) + bytes(30), "", "", 7685, 50, open=True)
        founding.on_offer(made_up, "rogue", now)
        for action in founding.on_tick(now):
            assert isinstance(action, AskToJoin)
            founding.on_refused(action.found, now + 0.1)
        now += 0.5
    assert founding.better(now) is None
    assert founding.may_admit(now)
    founding.on_offer(offer(9, members=2), "honest", now)
    assert asked(founding, now) == [group(9)]


def test_what_a_person_names_is_asked_instead_of_what_is_asked_now() -> None:
    founding = asking(kept=True)
    founding.on_offer(offer(1, members=9, door=False), "rogue", 1.0)
    founding.on_offer(offer(9, members=2, door=False), "honest", 1.0)
    assert asked(founding, 1.0) == [group(1)]
    assert founding.on_wanted(group(9), "honest") == [StopAsking()]
    assert asked(founding, 1.0) == [group(9)]
    founding.committed = True
    assert not founding.on_wanted(group(1), "rogue"), "not once this side has said yes"
    founding.on_refused(at(9, "honest", 2), 1.5, rest_s=math.inf)
    assert HOST_REST_S > 1.0
    assert asked(founding, 1.5) == [group(1)]


def test_two_open_doors_go_before_people_who_have_to_be_asked() -> None:
    founding = asking(open_door=True)
    founding.on_offer(offer(9, members=2, door=False), "h", 0.1)
    founding.on_offer(offer(1), "h", 0.1)
    assert asked(founding, 1.0) == [group(1)]
    assert not founding.may_admit(1.0)
    founding.on_refused(at(1), 1.0)
    assert run(founding, 1.1) == [], "it is asked again soon, and nobody else meanwhile"


def test_what_people_have_not_answered_is_taken_back_for_an_open_door() -> None:
    founding = asking(open_door=True)
    founding.on_offer(offer(9, members=2, door=False), "h", 0.1)
    assert asked(founding, 1.0) == [group(9)]
    assert founding.may_admit(1.0), "nobody here has said yes to that"
    founding.on_offer(offer(1), "h", 1.1)
    assert founding.on_tick(1.1) == [StopAsking()]
    assert asked(founding, 1.2) == [group(1)]


def test_what_was_said_yes_to_is_not_taken_back_and_nobody_let_in_meanwhile() -> None:
    founding = asking(open_door=True)
    founding.on_offer(offer(9, members=2, door=False), "h", 0.1)
    assert asked(founding, 1.0) == [group(9)]
    founding.committed = True
    founding.on_offer(offer(1), "h", 1.1)
    assert founding.on_tick(1.1) == []
    assert not founding.may_admit(1.1, asked=True)
    founding.on_refused(at(9), 2.0, rest_s=BUSY_REST_S)
    assert founding.may_admit(2.0, asked=True)


def test_a_shut_door_asks_nobody_until_it_is_closed_only() -> None:
    founding = asking(kept=True)
    founding.on_door_closed()
    founding.on_offer(offer(1, door=False), "h", 0.1)
    assert run(founding, 5.0) == []
    founding.on_door_closed(asks=True)
    assert asked(founding, 5.0) == [group(1)]


def test_a_tag_tells_groups_apart_and_not_which_they_are() -> None:
    one, other = tag_of(GroupId(bytes(32))), tag_of(GroupId(bytes([1]) * 32))
    assert len({one, other, bytes(32)}) == 3
    assert len(one) == limits.ID_BYTES


def test_who_is_asked_no_more_has_not_said_no() -> None:
    founding = asking(kept=True)
    founding.on_offer(offer(1, door=False), "h", 1.0)
    (action,) = founding.on_tick(1.0)
    founding.committed = True
    founding.on_refused(None, 1.0)
    assert not founding.asking
    assert not founding.committed
    assert founding.on_tick(1.0) == [action], "at once, since it does not rest"


def test_what_a_device_offered_that_was_ended_counts_no_more() -> None:
    founding = lonely()
    for number, host in ((1, "h"), (2, "h"), (3, "other")):
        founding.on_offer(offer(number), host, 0.0)
    forget_host(founding, "h")
    assert founding.better(1.0) == at(3, "other")
    assert [*founding.found] == [group(3)]
    founding.on_offer(offer(1), "h", 1.0)
    assert [*founding.found] == [group(3), group(1)], "it was started again"
    forget_host(None, "h")


def test_what_an_offer_says() -> None:
    said = offer(1, 3)
    found = found_group(said, "h", 2.0)
    assert (found.tag, found.name, found.members, found.open) == (group(1), "group 1", 3, True)
    assert (found.address, found.heard_s, found.by_code) == (Address("h", 7685), 2.0, False)


def test_it_is_known_how_long_a_group_is_left_alone() -> None:
    founding = lonely()
    founding.on_offer(offer(1), "h", 0.4)
    (asked,) = founding.on_tick(0.5)
    assert isinstance(asked, AskToJoin)
    assert left_alone_s(founding, asked.found, 1.0) == 0.0
    assert left_alone_s(None, asked.found, 1.0) == 0.0, "it has company"
    founding.on_refused(asked.found, 1.0, rest_s=30.0)
    assert left_alone_s(founding, asked.found, 11.0) == 20.0
    assert left_alone_s(founding, asked.found, 40.0) == 0.0


@pytest.mark.parametrize("first", [True, False])
def test_of_a_groups_members_one_whose_door_is_open_is_asked_first(first: bool) -> None:
    founding = lonely()
    for door in (first, not first):
        founding.on_offer(offer(9, members=2, door=door), "open" if door else "closed", 0.1)
    [(_, action)] = run(founding, limits.LISTEN_S)
    assert isinstance(action, AskToJoin)
    assert action.found.address.host == "open"
    founding.on_refused(action.found, limits.LISTEN_S)
    founding.on_offer(offer(9, members=2, door=False), "closed", limits.LISTEN_S)
    assert founding.found[group(9)].address.host == "closed", "then the next one"


def test_who_asks_people_of_a_group_turns_to_an_open_door_of_it_that_answers() -> None:
    founding = lonely(kept=True)
    founding.on_offer(offer(9, members=2, door=False), "closed", 1.0)
    (action,) = founding.on_tick(1.0)
    assert isinstance(action, AskToJoin)
    founding.on_offer(offer(9, members=2), "open", 1.5)
    assert founding.on_tick(1.5) == [StopAsking()]
    (action,) = founding.on_tick(1.6)
    assert isinstance(action, AskToJoin)
    assert action.found.address.host == "open"
