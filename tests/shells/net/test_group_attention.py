"""Who is heard of those that send what looks as if it were sealed by the own group."""

from __future__ import annotations

import pytest

from potluck.core import limits
from potluck.shells.net.attention import CROWD_S
from potluck.shells.net.group_attention import KNOWN_HEARD, UNKNOWN_HEARD, GroupAttention

MEMBER, OTHER, LOUD, NEW = "10.0.0.1", "10.0.0.2", "10.0.0.66", "10.0.0.7"


@pytest.fixture
def part() -> GroupAttention:
    made = GroupAttention(0.0)
    for host in (MEMBER, OTHER):
        made.on_sent(host)
    return made


def heard(part: GroupAttention, host: str, count: int, now: float = 0.0) -> int:
    return sum(part.hears(host, now) for _ in range(count))


def test_a_flood_takes_nothing_of_the_hosts_we_speak_to(part: GroupAttention) -> None:
    flood = int(UNKNOWN_HEARD.all_burst + KNOWN_HEARD.all_burst)
    assert heard(part, LOUD, flood) == UNKNOWN_HEARD.all_burst
    assert heard(part, MEMBER, 100) == 100


def test_nor_does_one_from_very_many_hosts(part: GroupAttention) -> None:
    for number in range(10_000):
        part.hears(f"10.{1 + number // 250}.0.{number % 250}", 0.0)
    assert heard(part, MEMBER, 100) == 100


def test_of_those_we_never_spoke_to_the_quiet_are_heard_beside_a_loud_one(
    part: GroupAttention,
) -> None:
    heard(part, LOUD, 10_000)
    for second in range(1, int(CROWD_S)):
        assert heard(part, LOUD, 1000, second) <= UNKNOWN_HEARD.host_burst
        assert heard(part, NEW, 5, second) == 5


def test_in_the_name_of_one_member_others_are_not_kept_silent(part: GroupAttention) -> None:
    assert heard(part, MEMBER, 2 * int(KNOWN_HEARD.all_burst)) == KNOWN_HEARD.all_burst
    assert heard(part, OTHER, 100, 1.0) == 100
    assert heard(part, MEMBER, 1000, 1.0) == KNOWN_HEARD.host_per_s


def test_there_is_an_end_to_what_is_known(
    part: GroupAttention, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SIGHTED", 2)
    part.on_sent(MEMBER)
    part.on_sent(NEW)
    assert repr(part) == "<GroupAttention: 2 hosts known>"
    heard(part, LOUD, 10_000)
    assert heard(part, MEMBER, 100) == heard(part, NEW, 100) == 100
    assert heard(part, OTHER, 100) == 0, "it was sent to longest ago"
