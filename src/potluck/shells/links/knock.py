"""The knock: the few bytes before TLS, so that a stranger learns nothing, not even who lives here.

Strategy: the server speaks first, 16 random bytes that say nothing. The client answers with one
letter: `K`, a member, and an HMAC-SHA256 over both sides' random bytes under the pairwise X25519
secret; `P`, a newcomer that wants to pair; `I`, a member not yet known here, with a sealed chain of
admissions. `KnockReader` takes bytes as they come, asks for exactly as many as are missing, and
never for one byte of what follows: those belong to TLS.

Guarantees: pure; nothing is allocated beyond what was announced, and no announcement above
`limits.INTRODUCTION_BYTES` is accepted. A wrong letter or length raises Malformed and is answered
by nobody. Limits: the knock is a filter for privacy and cost, not the authentication; that is TLS's
(docs/protocol.md §2).
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from enum import Enum
from typing import Final

from potluck.core import limits
from potluck.core.errors import FrameTooLong, Malformed

CHALLENGE_BYTES: Final = 16  # random: 128 bits never come twice
PROOF_BYTES: Final = 32  # what HMAC-SHA256 gives
CHAIN_LENGTH_BYTES: Final = 4  # big-endian, in front of a sealed chain
KNOCK_PURPOSE: Final = b"knock"
"""What `DeviceKey.agree` is told the secret is for."""
WELCOME: Final = b"Y"
UNWELCOME: Final = b"N"


class KnockKind(Enum):
    """The first byte of the side that dialled."""

    MEMBER = b"K"
    PAIRING = b"P"
    INTRODUCTION = b"I"


@dataclass(frozen=True, slots=True)
class Knock:
    """A complete knock."""

    kind: KnockKind
    nonce: bytes = b""  # MEMBER: 16 random bytes of the client
    proof: bytes = b""  # MEMBER: HMAC over both sides' random bytes
    sealed: bytes = b""  # INTRODUCTION: the sealed chain


def proof_of(secret: bytes, challenge: bytes, nonce: bytes) -> bytes:
    """Return the HMAC-SHA256 over `challenge` (server) and `nonce` (client) under `secret`."""
    return hmac.digest(secret, challenge + nonce, "sha256")


def member_knock(secret: bytes, challenge: bytes, nonce: bytes) -> bytes:
    """Return what a member answers to `challenge`."""
    return KnockKind.MEMBER.value + nonce + proof_of(secret, challenge, nonce)


def introduction_knock(sealed: bytes) -> bytes:
    """Return what a member that may be unknown answers; raises FrameTooLong beyond the limit."""
    _check_introduction(len(sealed))
    return KnockKind.INTRODUCTION.value + len(sealed).to_bytes(CHAIN_LENGTH_BYTES, "big") + sealed


class KnockReader:
    """Bytes in, one Knock out; `wanted` says how many may be read now without reading too many."""

    def __init__(self) -> None:
        """Begin before the first byte."""
        self._buffer = bytearray()

    def __repr__(self) -> str:
        """Show how far the knock is."""
        return f"<KnockReader: {len(self._buffer)} bytes>"

    @property
    def kind(self) -> KnockKind | None:
        """Which door, as soon as the first byte is here."""
        return KnockKind(bytes(self._buffer[:1])) if self._buffer else None

    @property
    def wanted(self) -> int:
        """How many bytes are missing before more can be said; 0 when the knock is complete."""
        return self._target() - len(self._buffer)

    def feed(self, data: bytes) -> Knock | None:
        """Take at most `wanted` bytes; return the knock once complete.

        Raises Malformed and FrameTooLong.
        """
        self._buffer += data
        if bytes(self._buffer[:1]) not in _LETTERS:
            raise Malformed("that is not a knock")
        return self._complete() if self.wanted == 0 else None

    def _target(self) -> int:
        match self.kind:
            case None:
                return 1
            case KnockKind.MEMBER:
                return 1 + CHALLENGE_BYTES + PROOF_BYTES
            case KnockKind.PAIRING:
                return 1
            case KnockKind.INTRODUCTION if len(self._buffer) < 1 + CHAIN_LENGTH_BYTES:
                return 1 + CHAIN_LENGTH_BYTES
            case KnockKind.INTRODUCTION:
                length = int.from_bytes(self._buffer[1 : 1 + CHAIN_LENGTH_BYTES], "big")
                _check_introduction(length)
                return 1 + CHAIN_LENGTH_BYTES + length

    def _complete(self) -> Knock:
        kind = KnockKind(bytes(self._buffer[:1]))
        body = bytes(self._buffer[1:])
        match kind:
            case KnockKind.MEMBER:
                return Knock(kind, nonce=body[:CHALLENGE_BYTES], proof=body[CHALLENGE_BYTES:])
            case KnockKind.PAIRING:
                return Knock(kind)
            case KnockKind.INTRODUCTION:
                return Knock(kind, sealed=body[CHAIN_LENGTH_BYTES:])


_LETTERS: Final = frozenset(kind.value for kind in KnockKind)


def _check_introduction(length: int) -> None:
    if not 0 < length <= limits.INTRODUCTION_BYTES:
        raise FrameTooLong(
            f"an introduction of {length} bytes", f"the limit is {limits.INTRODUCTION_BYTES}"
        )
