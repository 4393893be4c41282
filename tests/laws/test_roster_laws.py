"""Rosters: the members follow from the set of statements, in whatever order these arrive; and what
is in force stays so, whatever anybody but the founder signs.
"""

from __future__ import annotations

from functools import lru_cache

from hypothesis import given
from hypothesis import strategies as st

from potluck.core import limits
from potluck.core.content.paths import collision_key
from potluck.core.group.roster import Roster
from potluck.core.group.statements import (
    Appoint,
    Forget,
    Regroup,
    Relabel,
    Remove,
    RosterAct,
    Succeed,
    admit,
    found,
    group_id,
    record_hash,
    sign_act,
    sign_removal,
)
from potluck.core.wire.catalogue import RosterRecord
from tests.core.fakes import key

GENESIS = found(key(1), "Home", "desk", bytes(32))
GROUP = group_id(GENESIS)
PEOPLE = range(1, 7)
LABELS = ["a", "A", "b", "everyone", ".."]


@lru_cache
def statement(by: int, whom: int, label: str, *, forged: bool = False) -> RosterRecord:
    other = key(whom)
    record = admit(key(by), GROUP, other.certificate, other.sealing_public, label)
    return RosterRecord(record.body, record.by, bytes(64)) if forged else record


@lru_cache
def act(by: int, whom: int, kind: str, number: int) -> RosterRecord:
    """Something else that a device says of another one."""
    signer, other = key(by), key(whom).device
    if kind in {"remove", "keep"}:
        said = Remove(GROUP, other, [], b"", None, b"", [])
        keeps = [record_hash(statement(whom, each, "a")) for each in PEOPLE]
        (record,) = sign_removal(signer, said, keeps if kind == "keep" else [])
        return record
    about: dict[str, RosterAct] = {
        "appoint": Appoint(GROUP, key(whom).certificate),
        "relabel": Relabel(GROUP, other, LABELS[number % 3], number),
        "succeed": Succeed(GROUP, key(number % 6 + 1).device, other),
        "regroup": Regroup(GROUP, f"Home {number}", number),
        "forget": Forget(GROUP, other),
    }
    return sign_act(signer, about[kind])


statements = st.lists(
    st.builds(
        statement,
        st.sampled_from(PEOPLE),
        st.sampled_from(PEOPLE),
        st.sampled_from(LABELS),
        forged=st.sampled_from([False, False, False, True]),
    ),
    max_size=14,
)


def seen(roster: Roster) -> tuple[object, ...]:
    return (roster.digest, {d: (e.label, e.record) for d, e in roster.members.items()})


@given(statements, st.randoms(use_true_random=False))
def test_the_order_of_arrival_never_matters(records: list[RosterRecord], chance) -> None:
    at_once, one_by_one = Roster(GENESIS), Roster(GENESIS)
    at_once.add(records)
    shuffled = records * 2
    chance.shuffle(shuffled)
    for record in shuffled:
        one_by_one.add([record])
    assert seen(at_once) == seen(one_by_one)


@given(statements, statements)
def test_union_is_the_same_from_either_side(
    left: list[RosterRecord], right: list[RosterRecord]
) -> None:
    one, other = Roster(GENESIS), Roster(GENESIS)
    one.add(left)
    other.add(right)
    one.add(right)
    other.add(left)
    assert seen(one) == seen(other)
    before = seen(one)
    one.add([*left, *right])
    assert seen(one) == before


@given(statements)
def test_nobody_is_a_member_without_a_chain_from_the_founder(records: list[RosterRecord]) -> None:
    roster = Roster(GENESIS)
    roster.add(records)
    for device in roster.members:
        chain = roster.chain(device)
        assert len({record.by for record in chain}) == len(chain), "a chain that runs in a circle"
        believer = Roster(GENESIS)  # who hears nothing but the chain
        for record in chain:
            assert record.by in believer.members
            believer.add([record])
        assert device in believer.members


@given(statements)
def test_labels_are_distinct_and_new_members_are_told_once(records: list[RosterRecord]) -> None:
    roster = Roster(GENESIS)
    told = [entry.device for record in records for entry in roster.add([record])]
    assert sorted(told) == sorted(device for device in roster.members if device != roster.founder)
    labels = [collision_key(entry.label) for entry in roster.members.values()]
    assert len(set(labels)) == len(labels)


def settle_one_by_one(roster: Roster, records: list[RosterRecord]) -> None:
    for record in records:
        roster.add([record])
        roster.settle()


def in_force(roster: Roster) -> dict[bytes, tuple[object, ...]]:
    """What is believed of each member: label, keys and admission."""
    return {d: (e.label, e.certificate, e.sealing, e.record) for d, e in roster.members.items()}


lies = st.lists(
    st.builds(
        statement,
        st.sampled_from(PEOPLE[1:]),  # everybody but the founder
        st.sampled_from(PEOPLE),
        st.sampled_from(LABELS),
    ),
    max_size=20,
)


@given(statements, lies)
def test_what_is_in_force_stays_whatever_members_sign(
    records: list[RosterRecord], signed: list[RosterRecord]
) -> None:
    roster = Roster(GENESIS)
    settle_one_by_one(roster, records)
    before = in_force(roster)
    settle_one_by_one(roster, signed)
    roster.add(signed[::-1])
    after = in_force(roster)
    assert {device: after[device] for device in before} == before


@given(statements, lies)
def test_a_label_once_had_here_is_nobody_elses_here(
    records: list[RosterRecord], signed: list[RosterRecord]
) -> None:
    roster, had = Roster(GENESIS), dict[str, bytes]()
    for record in [*signed, *records]:
        settle_one_by_one(roster, [record])
        for device, entry in roster.members.items():
            assert had.setdefault(collision_key(entry.label), device) == device


@given(statements, statements)
def test_whoever_replays_what_is_in_force_has_it_in_force(
    records: list[RosterRecord], later: list[RosterRecord]
) -> None:
    roster, kept = Roster(GENESIS), [GENESIS]
    for batch in (records[:5], records[5:], later):
        known = roster.hashes
        roster.add(batch)
        roster.settle()
        kept += roster.since(known)  # as it is written behind what stands in the index
    for again in (Roster.replay(roster.records()), Roster.replay(kept)):
        assert in_force(again) == in_force(roster)
        assert list(again.members) == list(roster.members)
        assert again.digest == roster.digest


acts = st.lists(
    st.builds(
        act,
        st.sampled_from(PEOPLE),
        st.sampled_from(PEOPLE),
        st.sampled_from(["appoint", "remove", "keep", "relabel", "succeed", "regroup", "forget"]),
        st.sampled_from([1, 2, limits.WORD_STEP + 1, limits.RELABEL_OWN_MAX + limits.WORD_STEP]),
    ),
    max_size=14,
)


@given(statements, acts, st.randoms(use_true_random=False))
def test_plain_steps_put_in_force_what_the_whole_derivation_would(
    records: list[RosterRecord], more: list[RosterRecord], chance
) -> None:
    every = [*records, *more]
    chance.shuffle(every)
    stepped, whole = Roster.replay([GENESIS, *every]), Roster(GENESIS)
    for record in every:
        whole._unite([record], bounded=False)
        whole._put_in_force()
    whole.settle()
    assert in_force(stepped) == in_force(whole)
    assert stepped.digest == whole.digest
    assert stepped.kept() == whole.kept()
    assert stepped.force == whole.force
    at_once = Roster.replay([GENESIS, *every], 2)
    assert at_once.members.keys() == whole.members.keys()
    assert at_once.digest == whole.digest
