"""Framing: messages to bytes and back, bounded.

Strategy: a frame is a 4-byte big-endian length and a msgpack map with the tag under `"t"`. The
length is compared with the link's limit before a byte of the body is stored; msgspec decodes and
validates the body in one step.

Guarantees: bad bytes raise FrameTooLong or Malformed and nothing else. Unknown *fields* are
ignored, unknown *tags* become `Unknown` (to be counted and ignored), so old and new versions
understand each other. Limits: this module knows no message; a `Catalogue` says which ones a link
may carry.
"""

from __future__ import annotations

from typing import Final, Generic, TypeVar, get_args

import msgspec
from msgspec import Struct

from potluck.core.errors import FrameTooLong, Malformed

M = TypeVar("M")
_ENCODER = msgspec.msgpack.Encoder()
_NOT_A_MESSAGE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class Unknown(Struct, frozen=True):
    """A message of a newer version; to be counted and ignored."""

    tag: str


class _TagOnly(Struct, frozen=True):
    t: str


LENGTH_BYTES = 4  # in front of a frame, big-endian
_TAG_DECODER = msgspec.msgpack.Decoder(_TagOnly)


class Catalogue(Generic[M]):
    """The messages one kind of link may carry, and how long a frame there may be."""

    def __init__(self, messages: object, frame_bytes: int) -> None:
        """Take a union of tagged Structs and the longest frame in bytes."""
        self.frame_bytes: Final = frame_bytes
        self._decoder: msgspec.msgpack.Decoder[M] = msgspec.msgpack.Decoder(messages)
        self.tags: Final = frozenset(
            str(member.__struct_config__.tag) for member in get_args(messages)
        )

    def decode(self, body: bytes | bytearray | memoryview) -> M | Unknown:
        """Return the message in `body` (no length in front); raises Malformed."""
        try:
            return self._decoder.decode(body)
        except _NOT_A_MESSAGE as error:
            tag = _tag_of(body)
            if tag is not None and tag not in self.tags:
                return Unknown(tag)
            raise Malformed(cause=str(error)) from error


def _tag_of(body: bytes | bytearray | memoryview) -> str | None:
    try:
        return _TAG_DECODER.decode(body).t
    except _NOT_A_MESSAGE:
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


def frame_length(prefix: bytes | bytearray | memoryview, frame_bytes: int) -> int:
    """Return the length a 4-byte prefix announces; raises FrameTooLong above `frame_bytes`."""
    length = int.from_bytes(prefix, "big")
    if length > frame_bytes:
        raise FrameTooLong(
            f"a frame of {length} bytes was announced", f"the limit here is {frame_bytes}"
        )
    return length
