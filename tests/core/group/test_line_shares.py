"""Line shares: whoever invents devices takes places from its own line, and from nobody else."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from potluck.core.group.line_shares import who_makes_room
from potluck.core.keys.identity import DeviceId

PLACES = 64


def path(*names: str) -> tuple[DeviceId, ...]:
    return tuple(DeviceId(name.encode()) for name in names)


def held(*each: tuple[tuple[DeviceId, ...], int]):
    return {descent[-1]: (descent, count) for descent, count in each}


def test_a_line_with_its_share_gets_no_more_and_one_without_gets_it_from_the_largest() -> None:
    invented = [(path("ben", "rogue", f"i{number}"), 2) for number in range(32)]
    assert who_makes_room(path("ben", "rogue", "i0"), held(*invented)) == []
    givers = who_makes_room(path("cleo"), held(*invented))
    assert set(givers) == {descent[-1] for descent, _ in invented}


def test_who_let_the_hostile_one_in_has_room_beside_it() -> None:
    invented = [(path("ben", "rogue", f"i{number}"), 2) for number in range(32)]
    assert who_makes_room(path("ben"), held(*invented))
    assert who_makes_room(path("ben", "dora"), held(*invented))


def test_nothing_goes_to_and_fro() -> None:
    one, other = path("ben"), path("cleo")
    assert who_makes_room(one, held((other, 1))) == []
    assert who_makes_room(one, held((one, 1), (other, 2))) == []
    assert who_makes_room(one, held((one, 0), (other, 2))) == [other[-1]]
    assert who_makes_room(one, {}) == []


def test_of_the_largest_line_the_largest_part_gives_first() -> None:
    each = held((path("ben", "a"), 1), (path("ben", "b", "b1"), 2), (path("ben", "b", "b2"), 3))
    assert who_makes_room(path("cleo"), each) == [*path("b2", "b1"), *path("a")]


@st.composite
def descents(draw: st.DrawFn) -> list[tuple[DeviceId, ...]]:
    """A few dozen devices, each let in by the founder or by one that was there."""
    made: list[tuple[DeviceId, ...]] = []
    for number in range(draw(st.integers(2, 30))):
        above = draw(st.sampled_from([(), *made]))
        made.append((*above, DeviceId(b"d%d" % number)))
    return made


@given(descents(), st.data())
def test_every_line_of_the_founder_s_gets_its_share_whatever_others_do(
    members: list[tuple[DeviceId, ...]], data: st.DataObject
) -> None:
    taken = Counter[DeviceId]()
    by_id = {descent[-1]: descent for descent in members}
    eager = members[-1]  # one that asks at the end, again and again
    asks = [*data.draw(st.lists(st.sampled_from(members), max_size=60)), *[eager] * 10]
    for descent in asks:
        if sum(taken.values()) >= 12:
            have = {device: (by_id[device], count) for device, count in taken.items()}
            givers = who_makes_room(descent, have)
            if not givers:
                continue
            taken[givers[0]] -= 1
        taken[descent[-1]] += 1
    assert sum(taken.values()) <= 12
    lines = Counter[DeviceId]()
    for device, count in taken.items():
        lines[by_id[device][0]] += count
    if sum(taken.values()) == 12:
        assert lines[eager[0]] >= max(lines.values()) - 1
