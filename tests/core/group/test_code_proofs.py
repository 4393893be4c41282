"""Code proofs: the same code, the same two devices, the same conversation, or nothing is proved."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from potluck.core import limits
from potluck.core.errors import Malformed
from potluck.core.group.code_proofs import CodeProof
from potluck.core.group.codes import Code
from potluck.core.keys.identity import DeviceId
from tests.core.fakes import ANN, BEN, CLEO, Dice

RIGHT, WRONG = Code(["amber", "tiger", "violin"]), Code(["amber", "tiger", "violet"])
TALK = b"t" * 32


def side(
    code: Code, *, joins: bool, seed: int, joiner: bytes = ANN.device, member: bytes = BEN.device
) -> CodeProof:
    return CodeProof(code, DeviceId(joiner), DeviceId(member), Dice(seed), joins=joins)


def joined(joiner: CodeProof, member: CodeProof) -> tuple[CodeProof, CodeProof]:
    joiner.take_share(member.share)
    member.take_share(joiner.share)
    return joiner, member


def agree(joiner: CodeProof, member: CodeProof, talk: bytes = TALK) -> tuple[bool, bool]:
    """Whether the member, and whether the joiner, takes the other's proof."""
    there = member.is_proved(joiner.proof(TALK), talk)
    return there, joiner.is_proved(member.proof(talk), TALK)


def test_who_knows_the_same_code_proves_it_both_ways() -> None:
    joiner, member = joined(side(RIGHT, joins=True, seed=1), side(RIGHT, joins=False, seed=2))
    assert agree(joiner, member) == (True, True)
    assert len(joiner.share) == limits.CODE_SHARE_BYTES
    assert len(joiner.proof(TALK)) == limits.CODE_PROOF_BYTES


def test_another_code_proves_nothing() -> None:
    pair = joined(side(WRONG, joins=True, seed=1), side(RIGHT, joins=False, seed=2))
    assert agree(*pair) == (False, False)


def test_nor_does_the_right_one_between_other_devices_or_in_another_conversation() -> None:
    member = side(RIGHT, joins=False, seed=2, joiner=CLEO.device)
    assert agree(*joined(side(RIGHT, joins=True, seed=1), member)) == (False, False)
    member = side(RIGHT, joins=False, seed=2, member=CLEO.device)
    assert agree(*joined(side(RIGHT, joins=True, seed=1), member)) == (False, False)
    pair = joined(side(RIGHT, joins=True, seed=1), side(RIGHT, joins=False, seed=2))
    assert agree(*pair, talk=b"u" * 32) == (False, False)


def test_a_proof_sent_back_is_none() -> None:
    joiner, member = joined(side(RIGHT, joins=True, seed=1), side(RIGHT, joins=False, seed=2))
    assert not joiner.is_proved(joiner.proof(TALK), TALK)
    assert not member.is_proved(member.proof(TALK), TALK)


def test_a_share_of_the_same_side_is_none() -> None:
    joiner = side(RIGHT, joins=True, seed=1)
    with pytest.raises(Malformed):
        joiner.take_share(joiner.share)
    with pytest.raises(Malformed):
        side(RIGHT, joins=True, seed=1).take_share(b"B" + joiner.share[1:])


@settings(max_examples=25, deadline=None)
@given(st.binary(max_size=40) | st.binary(min_size=32, max_size=32).map(lambda data: b"A" + data))
def test_whatever_is_sent_is_a_share_or_malformed(data: bytes) -> None:
    member = side(RIGHT, joins=False, seed=2)
    try:
        member.take_share(data)
    except Malformed:
        return
    assert member.proof(TALK)


@pytest.mark.parametrize("data", [b"A" + bytes([1]) + bytes(31), b"A" + bytes(32), b"", bytes(33)])
def test_points_that_give_a_key_away_are_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        side(RIGHT, joins=False, seed=2).take_share(data)


def test_shares_differ_each_time_and_nothing_shows_the_code() -> None:
    first, second = side(RIGHT, joins=True, seed=1), side(RIGHT, joins=True, seed=2)
    assert first.share != second.share
    assert repr(first) == "<CodeProof joiner, key False>"


def test_there_is_a_proof_once_the_others_share_came() -> None:
    joiner, member = side(RIGHT, joins=True, seed=1), side(RIGHT, joins=False, seed=2)
    assert not joiner.is_ready
    joiner.take_share(member.share)
    assert joiner.is_ready
