"""The key ring: which group key is for what."""

from __future__ import annotations

from potluck.core import limits
from potluck.core.group.key_ring import KeyRing
from potluck.core.group.statements import key_id

FIRST, ONE, TWO = (bytes([n]) * 32 for n in range(3))


def test_without_a_removal_the_first_key_is_the_one() -> None:
    ring = KeyRing()
    assert ring.valid(FIRST, []) == [FIRST]
    assert ring.older(FIRST, []) == []
    assert ring.sealing(FIRST, []) == FIRST
    assert ring.lacking([]) == []


def test_a_key_that_the_roster_names_is_learned_once_and_no_other() -> None:
    ring = KeyRing()
    assert not ring.learn(TWO, [key_id(ONE)])
    assert ring.lacking([key_id(ONE)]) == [key_id(ONE)]
    assert ring.sealing(FIRST, [key_id(ONE)]) == FIRST, "the newest that is known"
    assert ring.learn(ONE, [key_id(ONE)])
    assert not ring.learn(ONE, [key_id(ONE)])
    assert ring.valid(FIRST, [key_id(ONE)]) == [ONE]
    assert ring.older(FIRST, [key_id(ONE)]) == [FIRST]
    assert ring.sealing(FIRST, [key_id(ONE)]) == ONE
    assert repr(ring) == "<KeyRing 1 keys>"
    again = KeyRing(ring.keys)
    assert again.older(FIRST, [key_id(TWO)]) == [ONE, FIRST]
    assert again.sealing(FIRST, [key_id(TWO)]) == ONE


def test_only_some_old_keys_are_kept() -> None:
    keys = [bytes([n]) * 32 for n in range(1, limits.GROUP_KEYS + 5)]
    ring = KeyRing()
    for key in keys:
        assert ring.learn(key, [key_id(keys[0]), key_id(key)])
    assert len(ring.keys) == limits.GROUP_KEYS
    assert ring.keys[0] == keys[0], "one that is valid stays"
    assert ring.keys[-1] == keys[-1]
