"""Discovery messages: what strangers may send is little, and answers are no amplifier."""

from __future__ import annotations

import msgspec
import pytest

from potluck.core import limits
from potluck.core.errors import Malformed
from potluck.core.wire.catalogue import CLEAR, PAIRING, SEALED, RosterRecord, encode
from potluck.core.wire.discovery import Beacon, Envelope, Offer, PairNonce, PairRecords, Solicit


def test_a_beacon_in_its_envelope_survives_the_wire() -> None:
    beacon = Beacon(7685, 3, b"digest", 5, ask=True)
    envelope = Envelope(bytes(32), b"run", 9, msgspec.Raw(encode(beacon)))
    opened = msgspec.msgpack.decode(encode(envelope), type=Envelope)
    assert (opened.sender, opened.counter) == (bytes(32), 9)
    assert SEALED.decode(opened.body) == beacon


def test_a_question_can_be_padded_to_the_longest_answer() -> None:
    offer = Offer(bytes(16), bytes(32), "ü" * 64, "ü" * 64, 65535, limits.SEQ_MAX, open=True)
    assert len(encode(Solicit(bytes(16), bytes(512)))) >= len(encode(offer))


def test_what_a_member_offers_fits_a_pairing_frame() -> None:
    nonce = PairNonce(bytes(16), bytes(2048), bytes(32), bytes(32), "n" * 64, "l" * 64)
    assert len(encode(nonce)) < limits.PAIRING_FRAME_BYTES
    assert PAIRING.decode(encode(nonce)) == nonce


@pytest.mark.parametrize("message", [Solicit(bytes(15), b""), Solicit(bytes(16), bytes(513))])
def test_a_solicit_beyond_its_bounds_is_malformed(message: object) -> None:
    with pytest.raises(Malformed):
        CLEAR.decode(encode(message))


def test_too_many_records_at_once_are_malformed() -> None:
    with pytest.raises(Malformed):
        PAIRING.decode(encode(PairRecords([RosterRecord(b"", bytes(32), b"")] * 9, last=True)))
