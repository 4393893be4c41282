"""Request bounds: who is shown when more ask than people can compare, for how long, who is next."""

from __future__ import annotations

import pytest

from potluck.core import limits
from potluck.core.keys.identity import DeviceId
from potluck.engine.events import LinkId
from potluck.engine.group.request_bounds import (
    HOSTS_MAX,
    MINUTE_S,
    NEXT_S,
    SHOWN_AT_ONCE,
    SHOWN_LATELY_S,
    SHOWN_S,
    NextShown,
    RequestBounds,
)
from tests.core.fakes import Dice

HONEST = LinkId(9999)
AGAIN_S = 13.0  # an attacker that was refused, or whose time is over, is back after so long


def device(number: int) -> DeviceId:
    return DeviceId(number.to_bytes(32, "big"))


def bounds(seed: int = 1) -> RequestBounds:
    return RequestBounds(Dice(seed))


def enter(there: RequestBounds, number: int, now: float = 0.0, host: str = "") -> LinkId | None:
    return there.enter(LinkId(number), host or f"10.0.0.{number}", device(number), now)


def turns(there: RequestBounds, now: float) -> list[NextShown]:
    """All whose turn it is now."""
    done = list[NextShown]()
    while (turn := there.take_turn(now)) is not None:
        done.append(turn)
    return done


def full() -> tuple[RequestBounds, float]:
    """So many are shown as can be; returns when the last one came."""
    there, now = bounds(), 0.0
    for number in range(1, limits.REQUESTS + 1):
        enter(there, number, now)
        now = max(now, there.deadline() or 0.0)
        assert [turn.shown for turn in turns(there, now)] == [LinkId(number)]
    return there, now


def test_one_of_each_host_asks_at_a_time() -> None:
    there = bounds()
    enter(there, 1)
    assert "another device" in there.why_full("10.0.0.1", device(2), 0.0)
    assert there.why_full("10.0.0.1", device(1), 0.0) == "", "the same one once more"
    assert there.why_full("10.0.0.2", device(2), 0.0) == ""
    enter(there, 3, host="fe80::1%eth0")
    assert "another device" in there.why_full("fe80::2%eth0", device(4), 0.0), "one /64"
    assert there.why_full("fe80::2%eth1", device(4), 0.0) == ""


def test_the_same_device_again_takes_the_place_of_its_dead_conversation() -> None:
    there = bounds()
    assert enter(there, 1) is None
    assert there.enter(LinkId(2), "10.0.0.1", device(1), 1.0) == LinkId(1)
    there.leave(LinkId(1))
    there.leave(LinkId(1))
    there.keep(LinkId(1))
    assert repr(there) == "<RequestBounds 0 shown, 1 wait>"


def test_a_host_asks_so_often_a_minute() -> None:
    there = bounds()
    for number in range(limits.REQUESTS_PER_MINUTE):
        assert there.why_full("10.0.0.1", device(1), float(number)) == ""
        enter(there, 1, float(number))
        there.leave(LinkId(1))
    assert "too often" in there.why_full("10.0.0.1", device(1), 5.0)
    assert there.why_full("10.0.0.1", device(1), MINUTE_S) == "", "the first is forgotten"


def test_a_few_are_shown_at_once_and_the_others_one_by_one() -> None:
    there = bounds()
    for number in range(1, limits.REQUESTS + 3):
        enter(there, number)
    assert len(turns(there, 0.0)) == SHOWN_AT_ONCE
    assert there.deadline() == NEXT_S
    assert turns(there, NEXT_S / 2) == []
    assert len(turns(there, NEXT_S)) == 1


def test_who_is_shown_stays_for_a_while_whoever_comes_then_makes_room_and_comes_back() -> None:
    there, last_s = full()
    enter(there, 50, last_s)
    assert last_s < SHOWN_S
    assert there.deadline() == SHOWN_S
    assert turns(there, SHOWN_S - 0.1) == []
    assert turns(there, SHOWN_S) == [NextShown(LinkId(50), LinkId(1))]
    assert repr(there) == "<RequestBounds 8 shown, 1 wait>"
    enter(there, 51, SHOWN_S)
    (turn,) = turns(there, SHOWN_S + NEXT_S)
    assert turn == NextShown(LinkId(51), LinkId(2)), "who was shown lately lets others go first"
    later_s = SHOWN_S + 2 * NEXT_S
    assert turns(there, later_s)[0].shown in {LinkId(1), LinkId(2)}, "if there are any"


def test_a_request_that_somebody_said_yes_to_stays() -> None:
    there, last_s = full()
    for number in range(1, limits.REQUESTS):
        there.keep(LinkId(number))
    enter(there, 50, last_s)
    (turn,) = turns(there, last_s + SHOWN_S)
    assert turn.hidden == LinkId(limits.REQUESTS)
    there.keep(LinkId(50))
    assert there.deadline() is None
    assert turns(there, last_s + 100.0) == []


def waits_s(seed: int, hosts: list[str], head_start_s: float) -> float:
    """How long an honest one waits that comes after so many others have asked for so long."""
    there, now, came_s = bounds(seed), 0.0, None
    back_s = dict.fromkeys(range(1, len(hosts) + 1), 0.0)
    for _ in range(4000):
        for number, host in enumerate(hosts, 1):
            if (
                number in back_s
                and back_s[number] <= now
                and not there.why_full(host, device(number), now)
            ):
                del back_s[number]
                there.enter(LinkId(number), host, device(number), now)
        if came_s is None and now >= head_start_s:
            came_s = now
            there.enter(HONEST, "10.9.9.9", device(9999), now)
        for turn in turns(there, now):
            if turn.shown == HONEST and came_s is not None:
                return now - came_s
            if turn.hidden is not None:
                there.leave(turn.hidden)
                back_s[turn.hidden] = now + AGAIN_S
        now += 0.25
    pytest.fail("never")


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("head_start_s", [60.0, 200.0])
def test_from_two_dozen_addresses_nobody_is_kept_off_the_screen(
    seed: int, head_start_s: float
) -> None:
    assert waits_s(seed, [f"10.0.0.{n}" for n in range(24)], head_start_s) <= 10.0


@pytest.mark.parametrize("seed", range(5))
def test_from_one_network_of_made_up_addresses_neither(seed: int) -> None:
    assert waits_s(seed, [f"fe80::e1:{n:x}%eth0" for n in range(1, 600)], 60.0) == 0.0


def test_from_many_addresses_it_is_chance_and_not_for_good() -> None:
    waits = [waits_s(seed, [f"10.0.0.{n}" for n in range(150)], 60.0) for seed in range(3)]
    assert max(waits) < 150 * 4 * NEXT_S


def test_who_was_shown_once_and_not_noticed_is_shown_again_among_ever_fresh_ones() -> None:
    there, now = bounds(), 0.0
    there.enter(HONEST, "10.9.9.9", device(9999), now)
    shown_s, number = list[float](), 0
    while now < 2000.0:
        if len(there._waiting()) < 40:
            number += 1
            there.enter(LinkId(number), f"10.1.{number // 250}.{number % 250}", device(number), now)
        for turn in turns(there, now):
            shown_s += [now] if turn.shown == HONEST else []
            if turn.hidden not in {None, HONEST}:
                there.leave(turn.hidden)
        now += 0.25
    assert len(shown_s) > 5, "a fresh address has no advantage after a minute"
    assert shown_s[1] - shown_s[0] > SHOWN_LATELY_S


def test_addresses_are_forgotten() -> None:
    there, now = bounds(), 0.0
    for number in range(HOSTS_MAX + 9):
        there.enter(LinkId(number), f"h{number}", device(number), now)
        turns(there, now)
        there.leave(LinkId(number))
        now += 2.0
    assert len(there._asked_s) == len(there._shown_s) == HOSTS_MAX
