"""Locked: bytes that only a passphrase opens, for what a person keeps outside of this program.

Strategy: a key is made of the passphrase by scrypt (RFC 7914), whose cost and salt stand in front,
and ChaCha20-Poly1305 (RFC 8439) seals the rest together with that front. Salt and nonce are given,
as chance is. The front begins with a line that people can read, so that `file` and a text editor
say what it is.

Guarantees: whatever is changed, the front included, is found out; a wrong passphrase and changed
bytes cannot be told apart. What stands in front costs no more memory than `N_MAX` allows. Limits:
who has the file can try passphrases at leisure, each at 64 MiB and some 0.2 s.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from potluck.core.errors import Malformed
from potluck.core.limits import KEY_BYTES

LOCKED_MAGIC = b"potluck identity, version 1: `potluck restore-identity` opens it\n"
LOCK_SALT_BYTES = 16
LOCK_NONCE_BYTES = 12  # of ChaCha20-Poly1305
N_LOG = 16  # scrypt with 2^16 blocks of 1 KiB: 64 MiB
N_MAX = 20  # what a file may ask for: 1 GiB
_R, _P = 8, 1
_FRONT_BYTES = len(LOCKED_MAGIC) + 1 + LOCK_SALT_BYTES + LOCK_NONCE_BYTES


def lock(passphrase: bytes, data: bytes, salt: bytes, nonce: bytes) -> bytes:
    """Return data that only the passphrase opens; salt and nonce are of chance."""
    front = LOCKED_MAGIC + bytes([N_LOG]) + salt + nonce
    return front + ChaCha20Poly1305(_key(passphrase, salt, N_LOG)).encrypt(nonce, data, front)


def is_locked(locked: bytes) -> bool:
    """Say whether bytes claim to be what `lock` made."""
    return locked.startswith(LOCKED_MAGIC)


def unlock(passphrase: bytes, locked: bytes) -> bytes:
    """Return what was locked; raises Malformed if that is not the passphrase, or not the bytes."""
    front, sealed = locked[:_FRONT_BYTES], locked[_FRONT_BYTES:]
    if len(front) < _FRONT_BYTES or not is_locked(front):
        raise Malformed("these bytes were not locked by a passphrase")
    cost, salt = front[len(LOCKED_MAGIC)], front[len(LOCKED_MAGIC) + 1 :][:LOCK_SALT_BYTES]
    if not 0 < cost <= N_MAX:
        raise Malformed("these bytes ask for more memory than is given")
    try:
        return ChaCha20Poly1305(_key(passphrase, salt, cost)).decrypt(
            front[-LOCK_NONCE_BYTES:], sealed, front
        )
    except InvalidTag as error:
        raise Malformed("the passphrase is another one, or the bytes were changed") from error


def _key(passphrase: bytes, salt: bytes, cost: int) -> bytes:
    return Scrypt(salt=salt, length=KEY_BYTES, n=1 << cost, r=_R, p=_P).derive(passphrase)
