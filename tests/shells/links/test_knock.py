"""The bytes before TLS: what is read, what is refused, and that nothing beyond the knock is asked
for.

Strategy: the reader is fed one byte at a time and asked how many it wants; laws are checked against
hand-made bytes.
"""

import pytest

from potluck.core import limits
from potluck.core.errors import FrameTooLong, Malformed
from potluck.shells.links import knock
from potluck.shells.links.knock import KnockKind, KnockReader

SECRET, CHALLENGE, NONCE = b"s" * 32, b"c" * 16, b"n" * 16


def read_bytewise(data: bytes) -> knock.Knock | None:
    reader = KnockReader()
    heard = None
    for at in range(len(data)):
        assert reader.wanted >= 1
        heard = reader.feed(data[at : at + 1])
        assert (heard is None) == (at < len(data) - 1)
    assert reader.wanted == 0
    return heard


def test_a_member_knock_comes_back_as_it_was_made():
    heard = read_bytewise(knock.member_knock(SECRET, CHALLENGE, NONCE))
    assert heard == knock.Knock(
        KnockKind.MEMBER, nonce=NONCE, proof=knock.proof_of(SECRET, CHALLENGE, NONCE)
    )


@pytest.mark.parametrize(("secret", "challenge"), [(b"x" * 32, CHALLENGE), (SECRET, b"x" * 16)])
def test_the_proof_depends_on_secret_and_challenge(secret, challenge):
    assert knock.proof_of(secret, challenge, NONCE) != knock.proof_of(SECRET, CHALLENGE, NONCE)


def test_a_pairing_knock_is_one_letter():
    assert read_bytewise(b"P") == knock.Knock(KnockKind.PAIRING)


def test_an_introduction_carries_its_sealed_bytes():
    assert read_bytewise(knock.introduction_knock(b"sealed")) == knock.Knock(
        KnockKind.INTRODUCTION, sealed=b"sealed"
    )


def test_the_first_read_asks_for_one_byte_and_then_for_exactly_the_rest():
    reader = KnockReader()
    assert (reader.kind, reader.wanted) == (None, 1)
    reader.feed(b"K")
    assert (reader.kind, reader.wanted) == (KnockKind.MEMBER, 48)
    reader = KnockReader()
    reader.feed(b"I")
    assert reader.wanted == 4
    reader.feed((9).to_bytes(4, "big"))
    assert reader.wanted == 9


@pytest.mark.parametrize("first", [b"G", b"\x16", b"\0", b"k"])
def test_other_letters_are_no_knock(first):
    with pytest.raises(Malformed):
        KnockReader().feed(first)


@pytest.mark.parametrize("length", [0, limits.INTRODUCTION_BYTES + 1, 2**32 - 1])
def test_an_introduction_of_no_or_too_many_bytes_is_refused_when_announced(length):
    reader = KnockReader()
    reader.feed(b"I")
    with pytest.raises(FrameTooLong):
        reader.feed(length.to_bytes(4, "big"))


def test_we_do_not_make_an_introduction_that_nobody_would_read():
    knock.introduction_knock(bytes(limits.INTRODUCTION_BYTES))
    with pytest.raises(FrameTooLong):
        knock.introduction_knock(bytes(limits.INTRODUCTION_BYTES + 1))
