"""Faults: what a fault of ours costs, and how long a part rests for one."""

from __future__ import annotations

from collections import Counter
from typing import cast

import pytest

from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import Address, Bye, Gone, LinkKind, PiecesAsk
from potluck.engine.effects import Answer, AnswerIntroduction, Drop, Effect
from potluck.engine.events import (
    DatagramHeard,
    Event,
    IntroductionHeard,
    LinkId,
    LinkOpened,
    MessageHeard,
    OrderId,
    RequestHeard,
    RequestId,
)
from potluck.engine.faults import (
    COMPANY_REST_S,
    FAULT_OVER_S,
    FAULT_REASON,
    FAULT_REST_S,
    FAULTS,
    DuePart,
    Faults,
    instead_of,
)

HERE = Address("10.0.0.9", 7685)
DEVICE = DeviceId(bytes(32))
LINK = LinkId(7)


class Sails:
    """A part."""


class Rudder:
    """Another one."""


SAILS, RUDDER = cast("DuePart", Sails()), cast("DuePart", Rudder())


def test_a_part_that_is_wrong_rests_longer_each_time_and_the_others_do_not() -> None:
    faults, now, rests = Faults(Counter()), 100.0, []
    assert faults.until_s(SAILS) < now
    assert not faults.any_rest
    for _ in range(len(FAULT_REST_S) + 2):
        faults.on_part(SAILS, now)
        rests.append(faults.until_s(SAILS) - now)
        now = faults.until_s(SAILS)
    assert rests == [*FAULT_REST_S, FAULT_REST_S[-1], FAULT_REST_S[-1]]
    assert faults.any_rest
    assert faults.until_s(RUDDER) < 100.0


def test_who_was_well_for_long_begins_with_a_short_rest_again() -> None:
    faults = Faults(Counter())
    faults.on_part(SAILS, 0.0)
    faults.on_part(SAILS, 1.0)
    assert faults.until_s(SAILS) == 1.0 + FAULT_REST_S[1]
    later = faults.until_s(SAILS) + FAULT_OVER_S
    faults.on_part(SAILS, later)
    assert faults.until_s(SAILS) == later + FAULT_REST_S[2]
    later = faults.until_s(SAILS) + FAULT_OVER_S + 0.1
    faults.on_part(SAILS, later)
    assert faults.until_s(SAILS) == later + FAULT_REST_S[0]


def test_who_keeps_us_in_company_never_rests_for_longer_than_a_moment() -> None:
    faults = Faults(Counter())
    for now in range(0, 50, 10):
        faults.on_part(RUDDER, now, COMPANY_REST_S)
        assert faults.until_s(RUDDER) - now == COMPANY_REST_S


@pytest.mark.parametrize(
    ("event", "instead"),
    [
        (MessageHeard(LINK, Bye("")), [Drop(LINK, FAULT_REASON)]),
        (
            LinkOpened(LINK, LinkKind.CONTROL, DEVICE, HERE, b"", None),
            [Drop(LINK, FAULT_REASON)],
        ),
        (
            IntroductionHeard(OrderId(3), b"", HERE),
            [AnswerIntroduction(OrderId(3), accepted=False)],
        ),
        (
            RequestHeard(RequestId(4), DEVICE, PiecesAsk(bytes(32))),
            [Answer(RequestId(4), Gone())],
        ),
        (DatagramHeard(b"", HERE, "unicast"), []),
    ],
)
def test_whoever_waits_for_what_is_dropped_does_not_wait_for_ever(
    event: Event, instead: list[Effect]
) -> None:
    assert instead_of(event) == instead


def test_it_shows_how_many_there_were_in_one_line() -> None:
    counters = Counter[str]()
    faults = Faults(counters)
    faults.on_fault()
    faults.on_fault()
    assert counters[FAULTS] == 2
    faults.on_part(SAILS, 0.0)
    assert repr(faults) == "<Faults 2, parts ['Sails']>"
