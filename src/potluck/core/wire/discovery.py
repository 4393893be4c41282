"""Discovery messages: what is said before there is a link. Datagrams, and pairing.

Strategy: strangers can send all of this, so it is little and small: a datagram is at most 1,200
bytes, a frame of pairing 8 KiB. `Envelope` is what a sealed datagram holds once opened
(core/keys/sealing.py). Limits: form only. Who may send what and when stands in the message
catalogue of docs/protocol.md §10.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from potluck.core import limits
from potluck.core.wire.records import (
    Certificate,
    Cookie,
    Counter,
    Digest,
    Id,
    Instance,
    Key,
    Label,
    Nonce,
    Port,
    RosterRecord,
    Signature,
    Text,
    Versions,
    Wire,
)


# -- datagrams -------------------------------------------------------------------------------------
class Beacon(Wire, frozen=True, tag="beacon"):
    """Sealed with the group key: here I am; `ask` wants one in return. No more than a hint."""

    port: Port
    incarnation: Counter
    digest: Digest
    count: Counter
    ask: bool = False


class Solicit(Wire, frozen=True, tag="solicit"):
    """In clear, from a device without company: is a door open here? Padded to the answer's size.

    `call`: I cannot reach the door you offered; please dial mine, at this port of the host this
    comes from. `cookie` is then that of your offer, so that you know that I receive there.
    """

    nonce: Nonce
    pad: Annotated[bytes, Meta(max_length=limits.SOLICIT_PAD_BYTES)]
    call: Port = 0
    cookie: Cookie = b""


class Offer(Wire, frozen=True, tag="offer"):
    """In clear: a group that can be asked, who says so, and whether asking is enough."""

    nonce: Nonce
    group: Id
    name: Label
    label: Label
    port: Port
    members: Counter
    open: bool
    cookie: Cookie = b""


class Envelope(Struct, frozen=True, array_like=True):
    """What is inside a sealed datagram; run and counter are there against replay."""

    sender: Id
    instance: Instance
    counter: Counter
    body: msgspec.Raw


# -- pairing ---------------------------------------------------------------------------------------
class PairTurn(Wire, frozen=True, tag="pair_turn"):
    """Member that dialled because it was asked to: you want to come in, so begin."""


class PairCommit(Wire, frozen=True, tag="pair_commit"):
    """Joiner: a commitment to my nonce and keys, before I have seen yours."""

    versions: Versions
    commitment: Id


class PairNonce(Wire, frozen=True, tag="pair_nonce"):
    """Member: my nonce, my keys, the group I would admit you to."""

    nonce: Nonce
    certificate: Certificate
    sealing: Key
    group: Id
    name: Label
    label: Label


class PairReveal(Wire, frozen=True, tag="pair_reveal"):
    """Joiner: what I committed to, and a signature over everything said so far."""

    nonce: Nonce
    certificate: Certificate
    sealing: Key
    label: Label
    signature: Signature


class PairConsent(Wire, frozen=True, tag="pair_consent"):
    """Joiner: the person (or --open) here wants this group."""


class PairVerdict(Wire, frozen=True, tag="pair_verdict"):
    """Member: admitted or not, and why not; the member's signature over everything said so far."""

    admitted: bool
    reason: Text
    signature: Signature


class PairRecords(Wire, frozen=True, tag="pair_records"):
    """Member: the roster, one chunk at a time; `last` ends it."""

    records: Annotated[list[RosterRecord], Meta(max_length=limits.PAIRING_RECORDS)]
    last: bool
