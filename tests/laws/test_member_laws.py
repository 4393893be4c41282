"""Merging member records is algebra: the order, grouping and repetition of what is heard never
matter.

The law is shown for the choice between two records and for whole maps; where suspicions run, time
is stopped, since what a map may forget or decide is decided by patience, not by order.
"""

from __future__ import annotations

from functools import reduce

from hypothesis import given
from hypothesis import strategies as st

from potluck.core.ring.beliefs import Beliefs
from potluck.core.ring.members import digest_of, ring_of, supersedes
from potluck.core.wire.catalogue import MemberRecord, Status
from tests.core.fakes import ALL, ANN, BEN, CLEO, DORA, apart, member_record

ABOUT = [BEN, CLEO, DORA]


@st.composite
def records(draw: st.DrawFn, statuses: tuple[Status, ...] = tuple(Status)) -> MemberRecord:
    member = draw(st.sampled_from(ABOUT))
    by = draw(st.sampled_from([other for other in (ANN, *ABOUT) if other is not member]))
    status = draw(st.sampled_from(statuses))
    return member_record(
        member, draw(st.integers(1, 4)), status, seat=draw(st.integers(1, 3)), by=by
    )


def larger(one: MemberRecord, other: MemberRecord) -> MemberRecord:
    return other if supersedes(other, one) else one


@st.composite
def three_about_one(draw: st.DrawFn) -> list[MemberRecord]:
    drawn = draw(st.lists(records(), min_size=3, max_size=3))
    return [record for record in drawn if record.device == drawn[0].device]


@given(three_about_one())
def test_the_larger_record_is_commutative_associative_and_idempotent(
    about: list[MemberRecord],
) -> None:
    a, b, c = (about * 3)[:3]
    assert larger(a, b) == larger(b, a)
    assert larger(larger(a, b), c) == larger(a, larger(b, c))
    assert larger(a, a) == a


@given(st.lists(records(), max_size=12), st.randoms(use_true_random=False))
def test_a_map_of_what_owners_say_does_not_depend_on_order_or_repetition(
    heard: list[MemberRecord], chance
) -> None:
    said = [record for record in heard if record.status in {Status.ALIVE, Status.LEFT}]
    shuffled = said * 2
    chance.shuffle(shuffled)
    one, other = Beliefs(ANN, ALL, apart, b"run"), Beliefs(ANN, ALL, apart, b"run")
    one.merge(said, 0.0)
    for record in shuffled:
        other.merge([record], 0.0)
    assert {record.device: record for record in one.records} == {
        record.device: record for record in other.records
    }
    for member in ABOUT:
        about = [record for record in said if record.device == member.device]
        assert one.get(member.device) == (reduce(larger, about) if about else None)


@given(st.lists(records(), max_size=12), st.lists(records(), max_size=12))
def test_union_of_two_maps_is_the_same_from_either_side(
    left: list[MemberRecord], right: list[MemberRecord]
) -> None:
    maps = []
    for first, second in ((left, right), (right, left)):
        beliefs = Beliefs(ANN, ALL, apart, b"run")
        beliefs.merge([r for r in first if r.status is Status.ALIVE], 0.0)
        beliefs.merge([r for r in second if r.status is Status.ALIVE], 0.0)
        maps.append(sorted(beliefs.records, key=lambda record: record.device))
    assert maps[0] == maps[1]


@given(st.lists(records(), max_size=8), st.lists(records(), max_size=8))
def test_digests_are_equal_exactly_when_rings_are(
    left: list[MemberRecord], right: list[MemberRecord]
) -> None:
    def ring(heard: list[MemberRecord]) -> list[MemberRecord]:
        newest: dict[bytes, MemberRecord] = {}
        for record in heard:
            newest[record.device] = larger(newest.get(record.device, record), record)
        return ring_of(newest.values())

    def seen(heard: list[MemberRecord]) -> list[tuple[bytes, int, int]]:
        return [(record.device, record.incarnation, record.seat) for record in ring(heard)]

    assert (digest_of(ring(left)) == digest_of(ring(right))) == (seen(left) == seen(right))


@given(st.lists(st.tuples(records(), st.floats(0.0, 3.0)), max_size=25))
def test_whatever_is_heard_whenever_a_map_stays_sound(
    heard: list[tuple[MemberRecord, float]],
) -> None:
    beliefs, now = Beliefs(ANN, ALL, apart, b"run"), 0.0
    incarnations: dict[bytes, int] = {}
    for record, pause in heard:
        beliefs.merge([record], now)
        now += pause
        while (due := beliefs.deadline()) is not None and due <= now:
            beliefs.on_tick(due)
        suspects = {r.device for r in beliefs.records if r.status is Status.SUSPECT}
        assert suspects == set(beliefs._suspicions)
        assert beliefs.own.status is Status.ALIVE
        for held in beliefs.records:
            assert held.incarnation >= incarnations.get(held.device, 0)
            incarnations[held.device] = held.incarnation
    while (due := beliefs.deadline()) is not None and due <= now + 10.0:
        beliefs.on_tick(due)
    assert not beliefs._suspicions, "somebody is a suspect for ever"
