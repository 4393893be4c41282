"""Framing: any bytes, cut anywhere, give messages or one of two errors, and never anything else."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core.errors import FrameTooLong, Malformed
from potluck.core.wire.catalogue import (
    BULK_REPLY,
    BULK_REQUEST,
    CLEAR,
    CONTROL,
    HELLO,
    PAIRING,
    SEALED,
    Bye,
    HeadsAsk,
    Join,
    Ping,
    Pong,
    ProbeFor,
    Update,
)
from potluck.core.wire.framing import Catalogue, FrameReader, Unknown, encode_frame
from tests.core.fakes import ANN, BEN, member_record

CATALOGUES = (HELLO, CONTROL, BULK_REQUEST, BULK_REPLY, PAIRING, CLEAR, SEALED)
messages = st.lists(
    st.sampled_from(
        [
            Bye("enough"),
            Join(member_record(ANN)),
            Update([member_record(ANN), member_record(BEN)], b"digest"),
            Ping(1, b"r", b"h", [member_record(ANN)]),
            Pong(2**53, b"", b""),
            ProbeFor(3, bytes(32)),
            HeadsAsk(bytes(32)),
        ]
    ),
    max_size=6,
)
plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=5)
    | st.binary(max_size=40),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)


def read(catalogue: Catalogue[object], body: bytes) -> None:
    """Reading fails in one of the two ways, or gives a message."""
    try:
        message = catalogue.decode(body)
    except Malformed:
        return
    assert isinstance(message, Unknown | msgspec.Struct)


@given(st.sampled_from(CATALOGUES), st.binary(max_size=200))
def test_any_bytes_are_a_message_or_malformed(catalogue: Catalogue[object], body: bytes) -> None:
    read(catalogue, body)


@given(st.sampled_from(CATALOGUES), st.data())
def test_any_map_with_a_known_tag_is_a_message_or_malformed(
    catalogue: Catalogue[object], data: st.DataObject
) -> None:
    tag = data.draw(st.sampled_from(sorted(catalogue.tags)))
    fields = data.draw(
        st.dictionaries(
            st.sampled_from(["records", "digest", "seat", "reason", "x"]), plain, max_size=4
        )
    )
    read(catalogue, msgspec.msgpack.encode({"t": tag, **fields}))


@given(messages, st.data())
def test_damaged_frames_are_refused_or_read(sent: list[object], data: st.DataObject) -> None:
    stream = bytearray(b"".join(encode_frame(message) for message in [*sent, Bye("x")]))
    for _ in range(data.draw(st.integers(1, 4))):
        stream[data.draw(st.integers(0, len(stream) - 1))] = data.draw(st.integers(0, 255))
    reader = FrameReader(CONTROL)
    try:
        reader.feed(bytes(stream))
    except (FrameTooLong, Malformed):
        return
    assert len(reader._buffer) <= CONTROL.frame_bytes + 4


@given(messages, st.data())
def test_cut_anywhere_the_messages_are_the_same(sent: list[object], data: st.DataObject) -> None:
    stream = b"".join(encode_frame(message) for message in sent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    reader = FrameReader(CONTROL)
    heard = []
    for start, end in pairwise([0, *cuts, len(stream)]):
        heard += reader.feed(stream[start:end])
    assert heard == sent
    assert len(reader._buffer) == 0


@given(st.sampled_from(CATALOGUES), st.integers(1, 2**31))
def test_no_length_beyond_the_limit_is_waited_for(
    catalogue: Catalogue[object], beyond: int
) -> None:
    length = min(catalogue.frame_bytes + beyond, 2**32 - 1)
    with pytest.raises(FrameTooLong):
        FrameReader(catalogue).feed(length.to_bytes(4, "big"))
