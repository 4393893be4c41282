"""Discovery messages: what is said before there is a link. Datagrams, and pairing.

Strategy: strangers can send all of this, so it is little and small: a datagram is at most 1,200
bytes, a frame of pairing 8 KiB. `Envelope` is what a sealed datagram holds once opened
(core/keys/sealing.py). Limits: form only. Who may send what and when stands in the message
catalogue of docs/protocol.md §10.
"""

from __future__ import annotations

from enum import StrEnum
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
    """In clear: a group that can be asked, and whether asking is enough.

    `tag` stands for the group and says no more than which of two it is; name and label are those of
    a door that is open, and empty otherwise.
    """

    nonce: Nonce
    tag: Id
    name: Label
    label: Label
    port: Port
    members: Counter
    open: bool
    cookie: Cookie = b""
    invite: bool = False  # an invite of the device that says so is in force


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
    code: bool = False  # a code was typed here, and comes next: no words are compared


class PairConsent(Wire, frozen=True, tag="pair_consent"):
    """Joiner: the person (or --open) here wants this group."""


class PairAllow(Wire, frozen=True, tag="pair_allow"):
    """Member: somebody here said yes; what is lacking is yours."""


class Cause(StrEnum):
    """Why somebody is not let in: it decides when the newcomer may come again by itself."""

    OTHER = "other"  # not just now
    DENIED = "denied"  # a person said no
    SILENCE = "silence"  # nobody said anything
    BUSY = "busy"  # too many ask
    REMOVED = "removed"  # its key was put out of this group


class PairVerdict(Wire, frozen=True, tag="pair_verdict"):
    """Member: admitted or not, and why not; the member's signature over everything said so far."""

    admitted: bool
    reason: Text
    signature: Signature
    cause: Cause = Cause.OTHER


class PairRecords(Wire, frozen=True, tag="pair_records"):
    """Member: the roster, one chunk at a time; `last` ends it."""

    records: Annotated[list[RosterRecord], Meta(max_length=limits.PAIRING_RECORDS)]
    last: bool


class PairShare(Wire, frozen=True, tag="pair_share"):
    """Joiner, then member: the own half of proving a code; it looks random whatever the code is."""

    share: Annotated[
        bytes, Meta(min_length=limits.CODE_SHARE_BYTES, max_length=limits.CODE_SHARE_BYTES)
    ]


class PairProof(Wire, frozen=True, tag="pair_proof"):
    """Joiner, then member: that it has the other's key, over everything said so far."""

    proof: Annotated[
        bytes, Meta(min_length=limits.CODE_PROOF_BYTES, max_length=limits.CODE_PROOF_BYTES)
    ]


class PairCodeRefused(Wire, frozen=True, tag="pair_code_refused"):
    """Member: that was not the code, and so many tries are left; or no invite is in force here."""

    tries: Annotated[int, Meta(ge=0, le=limits.CODE_TRIES)]
    running: bool  # False: nothing was tried
