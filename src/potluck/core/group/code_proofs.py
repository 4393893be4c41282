"""Code proofs: two devices show each other that they know one code, and a third learns nothing.

Strategy: SPAKE2 (RFC 9382 describes it; the package is `spake2`), the joiner as A, the member as B,
each bound to both device ids. Both send a share, which looks random whatever the code
is. From the other's share, the code and the own secret each derives a key; the keys are equal just
if code and ids are. Then each proves its key by a keyed hash over the pairing's transcript, which
holds both certificates, both nonces, the group and the names:

    joiner                          member
    PAIR_SHARE                                  a try begins, and counts
                                    PAIR_SHARE
    PAIR_PROOF  "joiner"                        right or wrong: answered after the same time
                                    PAIR_PROOF  "member", and the verdict

The joiner proves first, so a stranger's try costs it one of the three. A rogue that answers a
joiner has one guess in each conversation likewise; it cannot pass a guess on, since the ids and the
transcript of the two conversations differ.

Guarantees: whoever listens, or answers without the code, can test one guess in a conversation and
none afterwards. What the other side sends is a share or raises Malformed. Proofs are compared in
constant time. Limits: the arithmetic is not constant-time Python; a member therefore sends its
answers at set times after what they answer (engine/group/code_checks.py), not when it has computed
them. The key is for these proofs only, not for encrypting.
"""

from __future__ import annotations

import hmac
from typing import Final

from blake3 import blake3
from spake2 import SPAKE2_A, SPAKE2_B, SPAKEError
from spake2.ed25519_basic import NotOnCurve

from potluck.core import limits
from potluck.core.chance import Chance
from potluck.core.errors import Malformed
from potluck.core.group.codes import Code
from potluck.core.keys.identity import DeviceId

_CONTEXT: Final = "potluck code proof v1"  # of the hash that proves the key, and nothing else
_JOINER, _MEMBER = b"joiner", b"member"


class CodeProof:
    """One side of one try: made once, used once."""

    def __init__(
        self, code: Code, joiner: DeviceId, member: DeviceId, chance: Chance, *, joins: bool
    ) -> None:
        """Draw the own secret; `joins`: this is the joiner's side."""
        kind = SPAKE2_A if joins else SPAKE2_B
        self._exchange = kind(code.secret(), idA=joiner, idB=member, entropy_f=chance.bytes)
        self._said, self._heard = (_JOINER, _MEMBER) if joins else (_MEMBER, _JOINER)
        self._key = b""
        self.share: bytes = self._exchange.start()

    def __repr__(self) -> str:
        return f"<CodeProof {self._said.decode()}, key {bool(self._key)}>"

    @property
    def is_ready(self) -> bool:
        """Whether the other side's share has come."""
        return bool(self._key)

    def take_share(self, share: bytes) -> None:
        """Take the other side's share; raises Malformed for what is none, or is our own."""
        if len(share) != limits.CODE_SHARE_BYTES:
            raise Malformed(f"a share is {limits.CODE_SHARE_BYTES} bytes")
        try:
            self._key = self._exchange.finish(share)
        except (SPAKEError, NotOnCurve, ValueError) as error:
            raise Malformed("what was sent is no share of a code") from error

    def proof(self, transcript: bytes) -> bytes:
        """Return what shows the other side that we have its key; `take_share` comes first."""
        return self._mark(self._said, transcript)

    def is_proved(self, proof: bytes, transcript: bytes) -> bool:
        """Say whether the other side has our key, and had the same conversation."""
        return hmac.compare_digest(proof, self._mark(self._heard, transcript))

    def _mark(self, side: bytes, transcript: bytes) -> bytes:
        assert self._key, "the other side's share comes first"
        key = blake3(self._key, derive_key_context=_CONTEXT).digest()
        return blake3(side + transcript, key=key).digest()
