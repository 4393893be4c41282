"""Framing: transcripts of bytes in and messages out, and what is refused before it is read."""

from __future__ import annotations

import msgspec
import pytest

from potluck.core import limits
from potluck.core.errors import FrameTooLong, Malformed
from potluck.core.wire.catalogue import CONTROL, PAIRING, Bye, HeadsAsk, Wire
from potluck.core.wire.framing import (
    CAUSE_CHARACTERS,
    FrameReader,
    Unknown,
    decoded,
    encode,
    encode_frame,
    frame_length,
)


class Later(Wire, frozen=True, tag="later"):
    """A message of a newer version."""

    text: str


def test_a_frame_is_a_length_and_a_tagged_map() -> None:
    frame = encode_frame(Bye("x"))
    assert frame[:4] == len(frame[4:]).to_bytes(4, "big")
    assert msgspec.msgpack.decode(frame[4:]) == {"t": "bye", "reason": "x"}
    assert encode(Bye("x")) == frame[4:]


@pytest.mark.parametrize(
    "body",
    [
        b"\x82\xa1t\xa3bye\xa6reason\xa2\xff\xfe",
        b"\x82\xa1t\xa3bye\xa1z" + b"\x91" * 5000 + b"\xc0",
        b"\xdd\xff\xff\xff\xff",
        b"\x82\xa1t\xa3bye\xa6reason\xcf" + b"\xff" * 8,
        b"\x81\xa1t\xd9\xc8" + b"x" * 200,
        b"",
    ],
    ids=["no-text", "deep", "giant", "a-number", "long-tag", "nothing"],
)
def test_whatever_is_wrong_with_a_body_it_is_malformed_in_few_words(body: bytes) -> None:
    with pytest.raises(Malformed) as caught:
        CONTROL.decode(body)
    assert len(caught.value.cause) <= CAUSE_CHARACTERS


def test_what_is_longer_than_it_may_be_is_not_looked_at() -> None:
    class Looks:
        """A decoder that must not be asked."""

        def decode(self, body: object, /) -> object:
            raise AssertionError(body)

    with pytest.raises(Malformed, match="not a message") as caught:
        decoded(Looks(), bytes(11), 10)
    assert caught.value.cause == "11 bytes, where 10 are allowed"


def test_bytes_come_as_they_please() -> None:
    reader = FrameReader(CONTROL)
    frames = encode_frame(Bye("one")) + encode_frame(HeadsAsk(bytes(8)))
    heard = []
    for at in range(len(frames)):
        heard += reader.feed(frames[at : at + 1])
    assert heard == [Bye("one"), HeadsAsk(bytes(8))]
    assert repr(reader) == "<FrameReader 0 bytes of an unfinished frame>"
    assert reader.feed(frames + frames[:6]) == heard
    assert repr(reader) == "<FrameReader 6 bytes of an unfinished frame>"


def test_a_length_of_which_a_byte_is_missing_says_nothing_yet() -> None:
    reader = FrameReader(CONTROL)
    assert reader.feed(encode_frame(Bye("x")) + b"\xff\xff\xff") == [Bye("x")]


def test_a_long_frame_is_refused_by_its_first_four_bytes() -> None:
    reader = FrameReader(PAIRING)
    with pytest.raises(FrameTooLong, match="8193 bytes"):
        reader.feed((limits.PAIRING_FRAME_BYTES + 1).to_bytes(4, "big"))
    assert (
        frame_length((limits.PAIRING_FRAME_BYTES).to_bytes(4, "big"), limits.PAIRING_FRAME_BYTES)
        == 8192
    )


def test_an_unknown_tag_is_passed_on_to_be_ignored() -> None:
    assert CONTROL.decode(encode(Later("hello"))) == Unknown("later")


def test_a_message_of_another_catalogue_is_unknown_here() -> None:
    assert PAIRING.decode(encode(HeadsAsk(b""))) == Unknown("heads_ask")


def test_an_unknown_field_is_ignored() -> None:
    assert CONTROL.decode(
        msgspec.msgpack.encode({"t": "bye", "reason": "x", "mood": {"good": [1, 2]}})
    ) == Bye("x")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xc1",
        b"\x81\xa1t",
        msgspec.msgpack.encode({"t": "bye"}),
        msgspec.msgpack.encode({"t": "bye", "reason": "x" * 257}),
        msgspec.msgpack.encode({"t": "bye", "reason": 1}),
        msgspec.msgpack.encode({"t": 1}),
        msgspec.msgpack.encode({"reason": "x"}),
        msgspec.msgpack.encode([1]),
        b"\x82\xa1t\xa3bye\xa6reason\xa1\xff",
        b"\x91" * 5000,
        b"\x81\xa1t" + b"\x91" * 5000,
    ],
    ids=range(12),
)
def test_what_is_no_message_is_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        CONTROL.decode(body)
