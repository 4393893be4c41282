"""Locked: only the passphrase opens it, and every changed byte is found out."""

from __future__ import annotations

import pytest

from potluck.core.errors import Malformed
from potluck.core.keys import locked
from potluck.core.keys.locked import (
    LOCK_NONCE_BYTES,
    LOCK_SALT_BYTES,
    LOCKED_MAGIC,
    is_locked,
    lock,
    unlock,
)

SALT, NONCE = b"s" * LOCK_SALT_BYTES, b"n" * LOCK_NONCE_BYTES


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locked, "N_LOG", 4)


def test_what_was_locked_is_opened_by_the_passphrase_alone() -> None:
    made = lock(b"amber tiger violin", b"secret", SALT, NONCE)
    assert is_locked(made)
    assert b"secret" not in made
    assert unlock(b"amber tiger violin", made) == b"secret"
    with pytest.raises(Malformed, match="another one"):
        unlock(b"amber tiger", made)


def test_every_changed_byte_is_found_out() -> None:
    made = lock(b"p", b"secret", SALT, NONCE)
    for at in range(len(made)):
        changed = bytearray(made)
        changed[at] ^= 1
        with pytest.raises(Malformed):
            unlock(b"p", bytes(changed))


@pytest.mark.parametrize(
    "bad", [b"", LOCKED_MAGIC, b"x" * 200, LOCKED_MAGIC + bytes(LOCK_SALT_BYTES)]
)
def test_what_was_never_locked_is_refused(bad: bytes) -> None:
    with pytest.raises(Malformed):
        unlock(b"p", bad)


@pytest.mark.parametrize("cost", [0, 21, 255])
def test_no_file_takes_all_the_memory(cost: int) -> None:
    made = bytearray(lock(b"p", b"secret", SALT, NONCE))
    made[len(LOCKED_MAGIC)] = cost
    with pytest.raises(Malformed, match="memory"):
        unlock(b"p", bytes(made))
