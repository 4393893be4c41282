"""Framing: messages to bytes and back, bounded.

Strategy: a frame is a 4-byte big-endian length and a msgpack map with the tag under `"t"`. The
length is compared with the link's limit before a byte of the body is stored; msgspec decodes and
validates the body in one step. Whatever is decoded anywhere in the program and was made outside of
it goes through `decoded`, the one place that knows what decoders raise.

Guarantees: bad bytes raise FrameTooLong or Malformed and nothing else: bytes that are no text,
nesting deeper than the decoder goes, numbers that fit nowhere. What they say of themselves is kept
in a bounded number of characters. Unknown *fields* are ignored, unknown *tags* become `Unknown` (to
be counted and ignored), so old and new versions understand each other. Limits: this module knows no
message; a `Catalogue` says which ones a link may carry. How deep the decoder goes before it gives
up is its own business; the length of what it is given is bounded here.
"""

from __future__ import annotations

from typing import Annotated, Final, Generic, Protocol, TypeVar, get_args

import msgspec
from msgspec import Meta, Struct

from potluck.core import limits
from potluck.core.errors import FrameTooLong, Malformed

M = TypeVar("M")
M_co = TypeVar("M_co", covariant=True)
Body = bytes | bytearray | memoryview
"""Bytes of a message, whoever keeps them."""
_ENCODER = msgspec.msgpack.Encoder()
# UnicodeDecodeError is a ValueError; RecursionError comes of nesting, OverflowError of numbers
_NOT_A_MESSAGE = (
    msgspec.MsgspecError, ValueError, TypeError, OverflowError, RecursionError, MemoryError
)  # fmt: skip


class Unknown(Struct, frozen=True):
    """A message of a newer version; to be counted and ignored."""

    tag: str


class _TagOnly(Struct, frozen=True):
    t: Annotated[str, Meta(max_length=limits.TAG_CHARACTERS)]


LENGTH_BYTES = 4  # in front of a frame, big-endian
CAUSE_CHARACTERS = 200  # of what a decoder says; it may quote what came, which may be long
_TAG_DECODER = msgspec.msgpack.Decoder(_TagOnly)


class Decodes(Protocol[M_co]):
    """A decoder of msgspec, for msgpack or JSON."""

    def decode(self, body: Body, /) -> M_co:
        """Return what `body` says; raises whatever it does."""


def decoded(decoder: Decodes[M], body: Body, bytes_max: int) -> M:
    """Return what `body` says, if it has at most so many bytes; raises Malformed."""
    if len(body) > bytes_max:
        raise Malformed(cause=f"{len(body)} bytes, where {bytes_max} are allowed")
    try:
        return decoder.decode(body)
    except _NOT_A_MESSAGE as error:
        raise Malformed(cause=str(error)[:CAUSE_CHARACTERS]) from error


class Catalogue(Generic[M]):
    """The messages one kind of link may carry, and how long a frame there may be."""

    def __init__(self, messages: object, frame_bytes: int) -> None:
        """Take a union of tagged Structs and the longest frame in bytes."""
        self.frame_bytes: Final = frame_bytes
        self._decoder: msgspec.msgpack.Decoder[M] = msgspec.msgpack.Decoder(messages)
        self.tags: Final = frozenset(
            str(member.__struct_config__.tag) for member in get_args(messages)
        )

    def decode(self, body: Body) -> M | Unknown:
        """Return the message in `body` (no length in front); raises Malformed."""
        try:
            return decoded(self._decoder, body, self.frame_bytes)
        except Malformed:
            tag = _tag_of(body, self.frame_bytes)
            if tag is None or tag in self.tags:
                raise
            return Unknown(tag)


def _tag_of(body: Body, bytes_max: int) -> str | None:
    try:
        return decoded(_TAG_DECODER, body, bytes_max).t
    except Malformed:
        return None


def encode(message: object) -> bytes:
    """Return a Struct as msgpack, without a length in front (datagrams, signatures, storage)."""
    return _ENCODER.encode(message)


def encode_frame(message: object) -> bytes:
    """Return a message as a frame: 4-byte length and body."""
    body = _ENCODER.encode(message)
    return len(body).to_bytes(LENGTH_BYTES, "big") + body


class FrameReader(Generic[M]):
    """Bytes in, messages out, for one link that nobody blocks on.

    Strategy: one buffer, never longer than one frame of the catalogue and what one `feed` brought.
    """

    def __init__(self, catalogue: Catalogue[M]) -> None:
        """Read frames of one catalogue."""
        self.catalogue = catalogue
        self._buffer = bytearray()

    def __repr__(self) -> str:
        return f"<FrameReader {len(self._buffer)} bytes of an unfinished frame>"

    def feed(self, data: bytes | memoryview) -> list[M | Unknown]:
        """Take bytes as they came; return the messages they complete.

        Raises FrameTooLong, Malformed.
        """
        self._buffer += data
        messages: list[M | Unknown] = []
        at = 0
        while len(self._buffer) - at >= LENGTH_BYTES:
            start = at + LENGTH_BYTES
            end = start + frame_length(self._buffer[at:start], self.catalogue.frame_bytes)
            if end > len(self._buffer):
                break
            messages.append(self.catalogue.decode(self._buffer[start:end]))
            at = end
        del self._buffer[:at]
        return messages


def frame_length(prefix: Body, frame_bytes: int) -> int:
    """Return the length a 4-byte prefix announces; raises FrameTooLong above `frame_bytes`."""
    length = int.from_bytes(prefix, "big")
    if length > frame_bytes:
        raise FrameTooLong(
            f"a frame of {length} bytes was announced", f"the limit here is {frame_bytes}"
        )
    return length
