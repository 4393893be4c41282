"""Founding: what one lonely device decides, and what many become that start at once."""

from __future__ import annotations

from itertools import product

import pytest

from potluck.core import limits
from potluck.core.errors import ProtocolError
from potluck.core.group.founding import (
    ASK_RETRY_S,
    FOUNDING,
    OFFER_LIFE_S,
    TRIES,
    AskToJoin,
    Founding,
    FoundingAction,
    FoundingInput,
    FoundingState,
    KeepGroup,
    WaitForPerson,
)
from potluck.core.keys.identity import GroupId
from potluck.core.wire.catalogue import Offer


def group(number: int) -> GroupId:
    return GroupId(bytes([number]) * 32)


OWN = group(5)


def lonely(*, open_door: bool = True, kept: bool = False) -> Founding:
    return Founding(OWN, 0.0, open_door=open_door, kept=kept)


def offer(number: int, members: int = 1, *, door: bool = True) -> Offer:
    return Offer(bytes(16), group(number), f"group {number}", "label", 7685, members, door)


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
    assert (asked.found.group, asked.found.address.host, asked.found.members) == (
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
    assert found.group == group(3)


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
    founding.on_refused(group(1), 3.0)
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
    founding.on_refused(group(9), 1.0)
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
    founding.on_refused(group(1), 1.0)
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
    for number in range(50):
        founding.state = FoundingState.ASKING
        founding.on_refused(group(number), float(number))
    assert (
        len(founding._refused_s)
        == len(founding._refusals)
        == 1 + len({group(4), group(199)} & set(founding._refused_s))
    )


def test_a_group_that_refused_often_enough_is_no_reason_to_wait() -> None:
    founding = lonely()
    founding.on_offer(offer(1), "h", 0.5)
    for _ in range(TRIES):
        assert [type(action) for _, action in run(founding, 5.0)] == [AskToJoin]
        founding.on_refused(group(1), 1.0)
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
        action.found.group
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
    assert asked.found.group == group(1)


def test_a_door_that_is_opened_before_anything_is_decided_is_open() -> None:
    founding = lonely(open_door=False)
    founding.on_door_opened()
    assert repr(founding) == "<Founding UNDECIDED, door open, 0 groups near>"
    founding.on_offer(offer(1), "10.0.0.1", 0.9)
    assert isinstance(founding.on_tick(1.0)[0], AskToJoin)
