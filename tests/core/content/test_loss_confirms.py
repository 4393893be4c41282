"""Confirmed losses: what a signed word covers, over restarts and two lives of an owner."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import pytest

from potluck.core.content.loss_confirms import (
    LossOrigin,
    confirm_is_signed,
    covers,
    is_reached,
    sign_confirm,
)
from potluck.core.content.manifest import run_end, sign_head
from potluck.core.keys.identity import DeviceId, GroupId, verify
from potluck.core.wire.catalogue import Folder, Head, RunEnd
from tests.core.fakes import key

ANNA, BERT, GROUP = key(1), key(2), GroupId(b"g" * 32)


def head(seq: int, run: bytes = b"a", generation: int = 1, ends: tuple[RunEnd, ...] = ()) -> Head:
    made = Head(ANNA.device, Folder.OWN, generation, seq, 1, b"r" * 32, run, continues=ends)
    return sign_head(made, ANNA)


def lost(at: Head, change: int) -> LossOrigin:
    return LossOrigin(run_end(at), change)


@dataclass(frozen=True)
class Known:
    """Whose signatures are known."""

    keys: tuple[object, ...]

    def __call__(self, device: DeviceId, purpose: bytes, data: bytes, signature: bytes) -> bool:
        publics = {each.device: each.public_bytes for each in (ANNA, BERT) if each in self.keys}
        return device in publics and verify(publics[device], purpose, data, signature)


BOTH, ONLY_ANNA, ONLY_BERT = Known((ANNA, BERT)), Known((ANNA,)), Known((BERT,))


# -- who signed ------------------------------------------------------------------------------------
def test_a_member_signs_a_head_that_its_owner_signed() -> None:
    word = sign_confirm(GROUP, head(5), BERT)
    assert (word.by, word.head) == (BERT.device, head(5))
    assert confirm_is_signed(GROUP, word, ONLY_BERT, ONLY_ANNA)


def test_nobody_else_signs_it_and_of_another_group_it_counts_nothing() -> None:
    word = sign_confirm(GROUP, head(5), BERT)
    assert not confirm_is_signed(GROUP, word, ONLY_ANNA, BOTH), "its signer is no member"
    assert not confirm_is_signed(GROUP, word, BOTH, ONLY_BERT), "its owner is not known"
    assert not confirm_is_signed(GroupId(b"h" * 32), word, BOTH, BOTH)
    further = msgspec.structs.replace(word, head=head(6))
    assert not confirm_is_signed(GROUP, further, BOTH, BOTH), "for another head"


def test_the_owner_itself_confirms_nothing() -> None:
    assert not confirm_is_signed(GROUP, sign_confirm(GROUP, head(5), ANNA), BOTH, BOTH)


def test_a_head_that_its_owner_never_signed_cannot_be_confirmed() -> None:
    invented = msgspec.structs.replace(head(5), seq=10**9)
    assert not confirm_is_signed(GROUP, sign_confirm(GROUP, invented, BERT), BOTH, BOTH)


# -- what is covered -------------------------------------------------------------------------------
def test_what_was_lost_up_to_that_head_is_covered_and_nothing_later() -> None:
    confirmed, held = head(10), head(12)
    assert is_reached(confirmed, held)
    assert covers(confirmed, lost(head(10), 10), held)
    assert covers(confirmed, lost(head(8), 8), held)
    assert covers(confirmed, lost(head(12), 9), held), "seen later, for this device was away"
    assert not covers(confirmed, lost(head(12), 11), held)


def test_nothing_counts_before_the_list_here_is_that_far() -> None:
    assert not is_reached(head(10), head(9))
    other = msgspec.structs.replace(head(10), root=b"s" * 32)
    assert not is_reached(head(10), other), "another content of that number"
    assert not is_reached(head(10), head(20, b"b")), "another run, which does not say so"


def test_over_restarts_of_the_owner_it_is_one_line() -> None:
    before = head(8, b"a")
    confirmed = head(10, b"b", ends=(run_end(before),))
    held = head(14, b"c", ends=(run_end(confirmed), run_end(before)))
    assert is_reached(confirmed, held)
    assert covers(confirmed, lost(before, 8), held)
    assert covers(confirmed, lost(held, 10), held)
    assert not covers(confirmed, lost(held, 11), held)


@pytest.mark.parametrize("seen_generation", [1, 2])
def test_what_another_life_of_the_owner_lost_is_not_covered(seen_generation: int) -> None:
    """It was restored from a backup of 5; both lives used the numbers from 6 on."""
    old = head(20, b"a")
    restored = head(12, b"b", seen_generation, (RunEnd(1, 5, b"a"),))
    merged = head(21, b"b", 2, (run_end(old), RunEnd(1, 12, b"b")))
    assert is_reached(old, merged)
    assert not covers(old, lost(restored, 12), merged)
    assert not covers(old, lost(merged, 15), merged), "a number may be of either life"
    assert covers(merged, lost(old, 20), merged)


def test_an_origin_of_an_earlier_generation_says_nothing_of_numbers() -> None:
    held = head(30, b"a", 2)
    assert not covers(head(25, b"a", 2), lost(head(26, b"b", 1), 3), held)
    assert not covers(head(25, b"a", 2), lost(head(26, b"b", 3), 3), held)
