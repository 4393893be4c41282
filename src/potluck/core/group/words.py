"""Words: what two people compare to know that nobody sits between their devices.

Strategy: three words of 2,048 from HKDF over the transcript of a pairing conversation, which binds
both certificates, both sealing keys, both nonces, both labels and the group. Whoever sits in the
middle holds two conversations, each with keys of its own in it, so it has two transcripts. Since
the joiner commits before it hears the other nonce, and the member says its own before it hears what
was committed to, neither transcript can be tried out before it stands: one guess for each
conversation, right once in 2^33 times. The name of a conversation comes from the same transcript,
so that all screens call it the same.

Guarantees: pure; equal transcripts give equal words. Limits: words protect whoever compares them.
"""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from potluck.core.group.word_list import WORDS

WORDS_SHOWN: Final = 3  # 33 bits: a person reads three words, and nobody guesses one of 2^33
_WORD_BITS: Final = 11  # of 2,048
_SPARE_BITS: Final = 40 - WORDS_SHOWN * _WORD_BITS  # of five bytes
_HEX_DIGITS: Final = frozenset("0123456789abcdef")
_NAME_BYTES: Final = 4  # eight hex digits: told apart among a few requests


def three_words(transcript: bytes) -> tuple[str, ...]:
    """Return the three words of a conversation in which everything is revealed."""
    number = int.from_bytes(_derived(transcript, b"potluck words v1", 5), "big") >> _SPARE_BITS
    places = range(_WORD_BITS * (WORDS_SHOWN - 1), -1, -_WORD_BITS)
    return tuple(WORDS[(number >> place) % len(WORDS)] for place in places)


def name_of(transcript: bytes) -> str:
    """Return what that conversation is called on every screen: eight hex digits."""
    return _derived(transcript, b"potluck request v1", _NAME_BYTES).hex()


def is_conversation_name(text: str) -> bool:
    """Say whether a conversation can be called so."""
    return len(text) == 2 * _NAME_BYTES and _HEX_DIGITS.issuperset(text)


def _derived(transcript: bytes, purpose: bytes, size_bytes: int) -> bytes:
    return HKDF(SHA256(), size_bytes, salt=None, info=purpose).derive(transcript)
