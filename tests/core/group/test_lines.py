"""Lines: what one member can fill, whatever it invents, and who cannot be one member."""

from __future__ import annotations

import pytest

from potluck.core.group import lines
from potluck.core.group.lines import (
    GENERATIONS_MAX,
    LINE_LEAST,
    LINE_MOST,
    Allotment,
    StewardsRoom,
    are_apart,
    line_bound,
    lines_of,
)
from potluck.core.group.statement_set import RECORDS_MAX
from potluck.core.group.statements import MemberEntry
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import RosterRecord

FOUNDER = DeviceId(b"founder")
NOTHING = RosterRecord(b"", b"", b"")


def tree(**admitted_by: str) -> dict[DeviceId, MemberEntry]:
    """Members by who let them in."""
    founder = MemberEntry(FOUNDER, b"", b"", b"", "", "", FOUNDER, NOTHING)
    made = {FOUNDER: founder}
    for name, parent in admitted_by.items():
        device, by = DeviceId(name.encode()), DeviceId(parent.encode())
        made[device] = MemberEntry(device, b"", b"", b"", "", "", by, NOTHING)
    return made


def device(name: str) -> DeviceId:
    return DeviceId(name.encode())


HOME = tree(ann="founder", ben="founder", cleo="ann", dora="cleo")


def test_a_member_is_in_its_own_line_and_in_those_of_whoever_led_to_it() -> None:
    assert lines_of(device("dora"), HOME, FOUNDER) == [*map(device, ("dora", "cleo", "ann"))]
    assert lines_of(FOUNDER, HOME, FOUNDER) == []


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [
        ("ann", "ben", True),
        ("dora", "ben", True),
        ("founder", "dora", True),
        ("ann", "dora", False),
        ("cleo", "dora", False),
        ("ann", "ann", False),
        ("founder", "founder", False),
        ("ann", "stranger", False),
        ("stranger", "ann", False),
    ],
)
def test_apart_are_those_that_no_member_but_the_founder_let_in(
    one: str, other: str, apart: bool
) -> None:
    assert are_apart(device(one), device(other), HOME, FOUNDER) is apart


def test_a_line_further_away_has_less_room_but_an_office_fits_in_any() -> None:
    assert line_bound(1) == LINE_MOST
    assert line_bound(2) < line_bound(1)
    assert all(line_bound(number) >= 499 for number in range(1, GENERATIONS_MAX))
    assert RECORDS_MAX - LINE_MOST > LINE_LEAST, "beside one member's line there is an office"


def test_what_a_line_holds_is_charged_to_every_line_it_is_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lines, "LINE_MOST", 6)
    monkeypatch.setattr(lines, "LINE_STEP", 1)
    monkeypatch.setattr(lines, "LINE_LEAST", 2)
    allotment = Allotment(HOME, FOUNDER, {FOUNDER: 100, device("cleo"): 2})
    assert [allotment.take(device("dora")) for _ in range(4)] == [True, True, True, False]
    assert [allotment.take(device("cleo")) for _ in range(2)] == [False, False]
    assert [allotment.take(device("ann")) for _ in range(2)] == [True, False]
    assert all(allotment.take(device("ben")) for _ in range(6))
    assert not allotment.take(device("ben"))
    assert all(allotment.take(FOUNDER) for _ in range(50))
    assert repr(allotment) == "<Allotment: 4 lines>"


def test_who_is_too_far_away_to_introduce_itself_lets_nobody_in() -> None:
    names = ["founder", *(f"d{number}" for number in range(GENERATIONS_MAX))]
    chain = tree(**dict(zip(names[1:], names, strict=False)))
    allotment = Allotment(chain, FOUNDER, {})
    assert allotment.take(device(names[-2]))
    assert not allotment.take(device(names[-1]))


def test_stewards_are_charged_for_those_they_appointed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "STEWARDS_EACH", 3)
    ann, ben, cleo = map(device, ("ann", "ben", "cleo"))
    ever = {FOUNDER: FOUNDER, ann: FOUNDER, cleo: ann, ben: FOUNDER}
    room = StewardsRoom(ever, FOUNDER, [cleo, device("stranger")])
    assert repr(room) == "<StewardsRoom: 2 stewards>"
    assert [room.take(each) for each in (ann, cleo, cleo, ann)] == [True, True, False, False]
    assert [room.take(ben) for _ in range(4)] == [True, True, True, False]
    assert [room.take(FOUNDER) for _ in range(4)] == [True, True, True, False]
    assert not room.take(device("stranger"))
