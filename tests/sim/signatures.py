"""Signatures that were looked at are looked at once: among many engines in one process everybody
checks the same ones again and again, which is most of what rosters cost here.

Strategy: stands in for `Ed25519PublicKey` where potluck verifies; what `cryptography` said of
exactly these bytes (key, signature, signed) is kept. Guarantees: pure, so nothing differs but the
time; what nobody asked before is asked. Limits: only what `verify` and `keys_in` use of it.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

KEPT: Final = 2**15  # some 20 MB; one drawn run asks for a few thousand


class RememberedKey:
    """A public key, as far as potluck uses one."""

    def __init__(self, public: bytes) -> None:
        self._public = public

    @classmethod
    def from_public_bytes(cls, public: bytes) -> RememberedKey:
        """As Ed25519PublicKey; what is no key is told at the first use."""
        return cls(bytes(public))

    def verify(self, signature: bytes, data: bytes) -> None:
        """As Ed25519PublicKey: raise InvalidSignature, or ValueError for what is no key."""
        found = _looked_at(self._public, bytes(signature), bytes(data))
        if found is not None:
            raise found


@lru_cache(maxsize=KEPT)
def _looked_at(public: bytes, signature: bytes, data: bytes) -> type[Exception] | None:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, data)
    except (InvalidSignature, ValueError) as error:
        return type(error)
    return None
