"""Removals: who is a steward, who is out, and what of the rest stands."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import permutations
from typing import Any

import pytest

from potluck.core.group import removals, statements
from potluck.core.group.removals import (
    GroupStanding,
    SignedAct,
    StandingJudge,
    forgotten,
    judge,
)
from potluck.core.group.statements import (
    ACCEPTED_MAX,
    Appoint,
    Forget,
    LastHead,
    Remove,
    RosterAct,
    key_id,
    read_statement,
    record_hash,
    sign_removal,
)
from potluck.core.keys.identity import DeviceKey, GroupId
from tests.core.fakes import key

FOUNDER, ANN, BEN, CLEO, DORA = (key(number) for number in range(1, 6))
GROUP = GroupId(b"g" * 32)
A, B, C = (bytes([n]) * 32 for n in range(3))
HEAD = LastHead(1, 2, b"r" * 32)


class Acts(dict[bytes, SignedAct]):
    """Acts by their hashes."""

    def appoint(self, by: DeviceKey, whom: DeviceKey) -> bytes:
        return self.put(by, Appoint(GROUP, whom.certificate), whom)

    def remove(
        self, by: DeviceKey, whom: DeviceKey, *accepted: bytes, head: LastHead | None = None,
        group_key: bytes = b"", over: tuple[bytes, ...] = (),
    ) -> bytes:  # fmt: skip
        named = key_id(group_key) if group_key else b""
        said = Remove(GROUP, whom.device, [], b"", head, named, list(over))
        for record in sign_removal(by, said, accepted):
            act = read_statement(record)
            assert isinstance(act, Remove)
            self[record_hash(record)] = SignedAct(by.device, act, whom.device)
        return record_hash(record)

    def put(self, by: DeviceKey, act: RosterAct, whom: DeviceKey) -> bytes:
        known = record_hash(statements.sign_act(by, act))
        self[known] = SignedAct(by.device, act, whom.device)
        return known


def removed(standing: GroupStanding) -> set[bytes]:
    return {
        each.device for each in (FOUNDER, ANN, BEN, CLEO, DORA) if standing.is_removed(each.device)
    }


@pytest.fixture
def acts() -> Acts:
    """Ann and Ben are stewards by the founder's word, Cleo by Ann's."""
    made = Acts()
    made.appoint(FOUNDER, ANN)
    made.appoint(FOUNDER, BEN)
    made.appoint(ANN, CLEO)
    return made


def judged(acts: Acts) -> GroupStanding:
    """What follows, in whatever order the acts are looked at."""
    standing = judge(FOUNDER.device, acts)
    for order in list(permutations(acts))[:24]:
        again = judge(FOUNDER.device, {known: acts[known] for known in order})
        assert repr(again) == repr(standing)
        assert (again.stewards, removed(again)) == (standing.stewards, removed(standing))
    return standing


def test_the_founder_is_a_steward_and_so_is_whom_stewards_appoint(acts: Acts) -> None:
    acts.appoint(DORA, DORA)
    standing = judged(acts)
    assert standing.stewards[0] == FOUNDER.device
    assert set(standing.stewards) == {each.device for each in (FOUNDER, ANN, BEN, CLEO)}
    assert standing.stewards[-1] == CLEO.device
    assert standing.ever.keys() == set(standing.stewards)
    assert repr(standing) == "<Standing: 4 stewards, 0 removed>"
    assert standing.keys == []


def test_a_steward_removes_a_member_and_nobody_else_does(acts: Acts) -> None:
    acts.remove(DORA, BEN)
    acts.remove(CLEO, DORA, A)
    standing = judged(acts)
    assert removed(standing) == {DORA.device}
    assert standing.epoch == 1
    assert standing.stands(A, DORA.device)
    assert not standing.stands(B, DORA.device)
    assert standing.stands(B, BEN.device)
    assert repr(standing.removals[DORA.device]) == "[<Removal, 1 statements stand>]"


def test_whoever_leaves_is_out_and_what_it_said_stands(acts: Acts) -> None:
    acts.remove(DORA, DORA)
    standing = judged(acts)
    assert removed(standing) == {DORA.device}
    assert standing.stands(A, DORA.device)
    assert standing.last_head(DORA.device) is None


def test_who_appoints_in_a_circle_is_met_once(acts: Acts) -> None:
    acts.appoint(CLEO, ANN)
    acts.appoint(BEN, CLEO)
    assert len(judged(acts).stewards) == 4


def test_of_two_removals_of_one_device_both_have_to_accept(acts: Acts) -> None:
    acts.remove(ANN, DORA, A, B)
    acts.remove(BEN, DORA, B, C, head=HEAD)
    standing = judged(acts)
    assert [standing.stands(each, DORA.device) for each in (A, B, C)] == [False, True, False]
    assert standing.last_head(DORA.device) == HEAD
    assert standing.epoch == 1


def test_a_founder_can_be_removed_and_signs_nothing_any_more(acts: Acts) -> None:
    told = [known for known, said in acts.items() if said.by == FOUNDER.device]
    acts.remove(ANN, FOUNDER, *told)
    acts.remove(FOUNDER, DORA)
    standing = judged(acts)
    assert removed(standing) == {FOUNDER.device}
    assert set(standing.stewards) == {ANN.device, BEN.device, CLEO.device}


def test_of_two_stewards_that_remove_each_other_the_nearer_stands(acts: Acts) -> None:
    acts.remove(ANN, FOUNDER)
    acts.remove(FOUNDER, ANN)
    assert removed(judged(acts)) == {ANN.device}
    acts.remove(CLEO, BEN)
    acts.remove(BEN, CLEO)
    standing = judged(acts)
    assert removed(standing) == {ANN.device, CLEO.device}
    assert standing.stewards == [FOUNDER.device, BEN.device], "nobody who stands appointed Cleo"


def test_of_two_of_one_rank_the_smaller_appointment_stands(acts: Acts) -> None:
    acts.remove(ANN, BEN)
    acts.remove(BEN, ANN)
    first = min((h, s.about) for h, s in acts.items() if s.by == FOUNDER.device)[1]
    assert removed(judged(acts)) == {ANN.device, BEN.device} - {first}


def test_a_removal_that_was_accepted_outlives_its_signer(acts: Acts) -> None:
    word = acts.remove(ANN, DORA)
    acts.remove(BEN, ANN, word)
    held_back = acts.remove(ANN, CLEO)
    standing = judged(acts)
    assert removed(standing) == {ANN.device, DORA.device}
    assert not standing.has_word(held_back, ANN.device)
    assert standing.has_word(word, ANN.device)
    assert standing.is_needed(held_back, acts[held_back]), "or forgetting it could change something"


def test_a_stolen_founder_that_puts_out_one_steward_falls_by_another(acts: Acts) -> None:
    told = [known for known, said in acts.items() if said.by == FOUNDER.device]
    acts.remove(FOUNDER, ANN)
    acts.remove(BEN, FOUNDER, *told)
    standing = judged(acts)
    assert removed(standing) == {FOUNDER.device}
    assert ANN.device in standing.stewards


def test_what_one_steward_signs_costs_little_however_much_it_is(
    acts: Acts, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeps = list(acts)
    for number in range(50):
        acts.remove(ANN, FOUNDER, *keeps, bytes([number]) * 32)
    digests, walks = list[bytes](), list[GroupStanding]()
    real_whole, real_walk = statements.whole, StandingJudge._walk

    def put_together(accepted: Iterable[bytes]) -> bytes:
        digests.append(real_whole(accepted))
        return digests[-1]

    def walk(self: StandingJudge, *rest: Any) -> GroupStanding:
        walks.append(real_walk(self, *rest))
        return walks[-1]

    monkeypatch.setattr(removals, "whole", put_together)
    monkeypatch.setattr(StandingJudge, "_walk", walk)
    one = StandingJudge(FOUNDER.device)
    assert removed(one.judge(acts)) == {FOUNDER.device}
    assert (len(digests), len(walks)) == (50, 2), "each is put together once, all fall at once"
    assert one.judge(acts).stands(keeps[0], FOUNDER.device)
    acts.put(ANN, Forget(GROUP, DORA.device), DORA)
    one.judge(acts)
    assert len(walks) == 2, "who is out is as before"
    acts.remove(ANN, DORA)
    assert removed(one.judge(acts)) == {FOUNDER.device, DORA.device}
    assert (len(digests), len(walks)) == (51, 4)
    assert repr(one) == "<StandingJudge: <Standing: 3 stewards, 2 removed>>"


def test_three_in_a_circle_have_an_end(acts: Acts) -> None:
    acts.remove(FOUNDER, ANN)
    acts.remove(ANN, BEN)
    acts.remove(BEN, FOUNDER, *acts)
    standing = judged(acts)
    assert FOUNDER.device not in standing.stewards or BEN.device not in standing.stewards


def test_a_removal_in_parts_leaves_all_in_force_until_the_last_part_is_there(
    acts: Acts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statements, "ACCEPTED_MAX", 2)
    before = set(acts)
    acts.remove(ANN, DORA, A, B, C)
    parts = sorted(set(acts) - before)
    assert len(parts) == 2
    for part in parts:
        some = Acts({known: acts[known] for known in (*before, part)})
        standing = judged(some)
        assert removed(standing) == {DORA.device}
        assert standing.stands(b"d" * 32, DORA.device)
    standing = judged(acts)
    assert [standing.stands(each, DORA.device) for each in (A, B, C, b"d" * 32)] == [
        True, True, True, False,
    ]  # fmt: skip


def test_each_removal_has_a_key_that_takes_the_place_of_those_before(acts: Acts) -> None:
    one, two, three = (bytes([n]) * 32 for n in range(7, 10))
    acts.remove(ANN, DORA, group_key=one)
    assert judged(acts).keys == [key_id(one)]
    acts.remove(BEN, CLEO, group_key=two)
    assert judged(acts).keys == sorted([key_id(one), key_id(two)])
    acts.remove(FOUNDER, DORA, group_key=three, over=(key_id(one), key_id(two)))
    assert judged(acts).keys == [key_id(three)]


def test_a_stewards_word_lets_the_folder_of_a_removed_device_go(acts: Acts) -> None:
    acts.put(CLEO, Forget(GROUP, DORA.device), DORA)
    assert forgotten(judged(acts), acts) == frozenset()
    acts.put(ANN, Forget(GROUP, DORA.device), DORA)
    assert forgotten(judged(acts), acts) == frozenset(), "it is a member"
    acts.remove(ANN, DORA)
    assert forgotten(judged(acts), acts) == {DORA.device}


def test_what_else_is_said_needs_to_stand(acts: Acts) -> None:
    forget = acts.put(DORA, Forget(GROUP, BEN.device), BEN)
    assert judged(acts).is_needed(forget, acts[forget])
    own = acts.remove(DORA, DORA)
    acts.remove(ANN, DORA, own)
    standing = judged(acts)
    assert not standing.is_needed(forget, acts[forget])
    assert standing.is_needed(own, acts[own])


def test_a_steward_that_left_decides_nothing_more_and_what_it_decided_stands(acts: Acts) -> None:
    ann = acts.appoint(FOUNDER, ANN)
    before = acts.remove(ANN, BEN)
    acts.remove(ANN, ANN, before)
    late = acts.remove(ANN, CLEO)
    acts.appoint(ANN, DORA)
    acts.remove(DORA, CLEO)
    standing = judge(FOUNDER.device, acts)
    assert removed(standing) == {ANN.device, BEN.device}
    assert DORA.device not in standing.ranks
    assert standing.stewards == [FOUNDER.device]
    assert standing.has_word(before, ANN.device)
    assert not standing.has_word(late, ANN.device)
    assert standing.has_word(ann, FOUNDER.device)


def test_no_later_goodbye_of_a_steward_has_more_of_it_count(acts: Acts) -> None:
    acts.appoint(FOUNDER, ANN)
    before = acts.remove(ANN, BEN)
    acts.remove(ANN, ANN, before)
    late = acts.remove(ANN, CLEO)
    acts.remove(ANN, ANN, before, late)
    assert removed(judge(FOUNDER.device, acts)) == {ANN.device, BEN.device}
    acts.remove(ANN, ANN)
    assert removed(judge(FOUNDER.device, acts)) == {ANN.device}, "it takes back what it decided"
    acts.remove(FOUNDER, ANN, before)
    assert removed(judge(FOUNDER.device, acts)) == {ANN.device, BEN.device}, "until one accepts it"


def test_as_long_as_a_goodbye_is_not_whole_all_stands(acts: Acts) -> None:
    acts.appoint(FOUNDER, ANN)
    acts.remove(ANN, BEN)
    many = [bytes([number]) * 32 for number in range(ACCEPTED_MAX + 1)]
    part = acts.remove(ANN, ANN, *many)
    rest = acts.pop(part)
    assert removed(judge(FOUNDER.device, acts)) == {ANN.device, BEN.device}
    acts[part] = rest
    assert removed(judge(FOUNDER.device, acts)) == {ANN.device}
    del acts[acts.remove(FOUNDER, ANN, *many)]
    assert removed(judge(FOUNDER.device, acts)) == {ANN.device}, "what it accepts is not known yet"
