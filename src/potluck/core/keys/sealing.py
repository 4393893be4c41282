"""Sealing: what travels in the open without being readable there.

Strategy: datagrams of members are sealed with the group key (ChaCha20-Poly1305, RFC 8439) behind a
magic number and the first bytes of the key's hash, so a reader tries only keys that can fit. What
is meant for one device is sealed to its X25519 key from a fresh one (as in libsodium's sealed
boxes). Sender, run and counter are inside a sealed datagram; a sliding window refuses repetition.

Guarantees: pure; nonces and ephemeral keys come in as random bytes. Whatever does not open gives
None, never an error. Limits: any member can seal a datagram in another's name, so a datagram is a
hint to dial, never a proof.
"""

from __future__ import annotations

from functools import lru_cache

from blake3 import blake3
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from potluck.core.errors import Malformed
from potluck.core.keys.identity import DeviceKey

MAGIC = b"plk1"
NONCE_BYTES = 12  # of ChaCha20-Poly1305
_HINT_BYTES = 4  # enough that a key of another group is tried once in four thousand million times
_HEAD_BYTES = len(MAGIC) + _HINT_BYTES
_TAG_BYTES = 16  # of ChaCha20-Poly1305
OVERHEAD_BYTES = _HEAD_BYTES + NONCE_BYTES + _TAG_BYTES
_PUBLIC_BYTES = 32  # of an X25519 key
HINTS = 32  # that are remembered: those of all keys that a device keeps are asked for each datagram
WINDOW = 64  # datagrams of one sender that may overtake each other: the width in RFC 4303
RUNS = 4  # of one sender that are remembered: so a recorded one of the last few opens nothing


@lru_cache(maxsize=HINTS)
def key_hint(group_key: bytes) -> bytes:
    """Return the 4 bytes by which a sealed datagram names its key."""
    named = blake3(group_key, derive_key_context="potluck group key id v1")
    return named.digest(length=_HINT_BYTES)


def seal_datagram(group_key: bytes, nonce: bytes, data: bytes) -> bytes:
    """Seal `data` with a 32-byte group key and a fresh 12-byte nonce."""
    head = MAGIC + key_hint(group_key)
    return head + nonce + ChaCha20Poly1305(group_key).encrypt(nonce, data, head)


def is_sealed(datagram: bytes) -> bool:
    """Say whether some potluck group sealed this datagram, ours or another."""
    return datagram.startswith(MAGIC) and len(datagram) >= OVERHEAD_BYTES


def open_datagram(group_key: bytes, datagram: bytes) -> bytes | None:
    """Return what was sealed, or None if it was not sealed with this key."""
    if not is_sealed(datagram) or datagram[len(MAGIC) : _HEAD_BYTES] != key_hint(group_key):
        return None
    head, rest = datagram[:_HEAD_BYTES], datagram[_HEAD_BYTES:]
    nonce, sealed = rest[:NONCE_BYTES], rest[NONCE_BYTES:]
    try:
        return ChaCha20Poly1305(group_key).decrypt(nonce, sealed, head)
    except InvalidTag:
        return None


def seal_to(recipient: bytes, ephemeral: bytes, purpose: bytes, data: bytes) -> bytes:
    """Seal `data` to the X25519 key `recipient`, from a fresh key made of 32 random bytes."""
    sender = DeviceKey(bytes(32) + ephemeral)
    key = sender.agree(recipient, b"seal " + purpose)
    return sender.sealing_public + ChaCha20Poly1305(key).encrypt(bytes(NONCE_BYTES), data, purpose)


def open_sealed(key: DeviceKey, purpose: bytes, sealed: bytes) -> bytes | None:
    """Return what somebody sealed to us, or None."""
    try:
        shared = key.agree(sealed[:_PUBLIC_BYTES], b"seal " + purpose)
        sealed = sealed[_PUBLIC_BYTES:]
        return ChaCha20Poly1305(shared).decrypt(bytes(NONCE_BYTES), sealed, purpose)
    except (InvalidTag, Malformed):
        return None


class ReplayWindow:
    """Which counters of one sender were seen in each of its last runs.

    A sliding window of 64 counters for each, as in RFC 4303. Runs are random numbers without an
    order, so a recorded datagram of an earlier run looks like a new run. The windows of the last
    few runs are kept for that: going back and forth between two runs opens nothing.
    """

    def __init__(self) -> None:
        """Nothing seen yet."""
        # run -> (highest counter, bits of those seen below it)
        self._runs: dict[bytes, tuple[int, int]] = {}

    def __repr__(self) -> str:
        return f"<ReplayWindow {len(self._runs)} runs>"

    def accept(self, instance: bytes, counter: int) -> bool:
        """Say whether this counter is new, and remember it; another run has another window."""
        highest, seen = self._runs.get(instance, (-1, 0))
        ahead = counter - highest
        if ahead > 0:
            before = seen << ahead if ahead < WINDOW else 0
            seen = (before | 1) & ((1 << WINDOW) - 1)
            self._runs[instance] = (counter, seen)
            if len(self._runs) > RUNS:
                del self._runs[next(iter(self._runs))]
            return True
        if ahead <= -WINDOW or seen >> -ahead & 1:
            return False
        self._runs[instance] = (highest, seen | 1 << -ahead)
        return True


def mark_of(secret: bytes, data: bytes, size_bytes: int) -> bytes:
    """Return a short mark of `data` that only whoever knows the 32-byte `secret` can make."""
    return blake3(data, key=secret).digest(length=size_bytes)
