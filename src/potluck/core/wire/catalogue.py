"""The catalogue: which messages there are, and which of them each kind of link may carry.

Strategy: a message is a frozen Struct of bounded fields (core/wire/records.py) with a tag, one for
each thing one device can say to another; they stand in core/wire/{control, bulk, discovery}.py. A
`Catalogue` (core/wire/framing.py) turns those of one kind of link into bytes and back. Who speaks
of messages imports them from here. Names are the seed's where it had one: JOIN, UPDATE, DECREMENT,
MANIFEST, FILE. Guarantees: what
decodes is well-formed. Limits: no policy here; who may send what, when, is the engine's business
(docs/protocol.md, message catalogue).
"""

from __future__ import annotations

from typing import assert_never

from potluck.core import limits
from potluck.core.wire.bulk import (
    Busy,
    Done,
    FileAsk,
    FilesAsk,
    FilesHeader,
    Gone,
    ManifestAsk,
    ManifestPage,
    PieceHeader,
    PiecesAsk,
    PiecesPage,
)
from potluck.core.wire.control import (
    Bye,
    Decrement,
    DialMe,
    FlushAsk,
    Flushed,
    GroupKeys,
    GroupKeysAsk,
    Heads,
    HeadsAsk,
    Hello,
    HelloOk,
    Join,
    Kept,
    LinkKind,
    LossConfirms,
    Ping,
    Pong,
    ProbeFor,
    ProbeResult,
    Redirect,
    RequestAnswer,
    RequestOver,
    RequestTold,
    RosterDigest,
    RosterRecords,
    Sync,
    Update,
    Welcome,
)
from potluck.core.wire.discovery import (
    Beacon,
    Cause,
    Envelope,
    Offer,
    PairAllow,
    PairCodeRefused,
    PairCommit,
    PairConsent,
    PairNonce,
    PairProof,
    PairRecords,
    PairReveal,
    PairShare,
    PairTurn,
    PairVerdict,
    Solicit,
)
from potluck.core.wire.framing import (
    Catalogue,
    FrameReader,
    Unknown,
    decoded,
    encode,
    encode_frame,
    frame_length,
)
from potluck.core.wire.records import (
    Address,
    DeletedPath,
    FileRecord,
    Folder,
    Gap,
    Head,
    HeldBack,
    Holding,
    Kind,
    LossConfirm,
    MemberRecord,
    RosterRecord,
    RunEnd,
    Status,
    Wire,
)

__all__ = [
    "BULK_REPLY",
    "BULK_REQUEST",
    "CLEAR",
    "CONTROL",
    "HELLO",
    "NEWS_REQUEST",
    "PAIRING",
    "SEALED",
    "Address",
    "Beacon",
    "BulkReply",
    "BulkRequest",
    "Busy",
    "Bye",
    "Catalogue",
    "Cause",
    "ClearDatagram",
    "ControlMessage",
    "Decrement",
    "DeletedPath",
    "DialMe",
    "Done",
    "Envelope",
    "FileAsk",
    "FileRecord",
    "FilesAsk",
    "FilesHeader",
    "FlushAsk",
    "Flushed",
    "Folder",
    "FrameReader",
    "Gap",
    "Gone",
    "GroupKeys",
    "GroupKeysAsk",
    "Head",
    "Heads",
    "HeadsAsk",
    "HeldBack",
    "Hello",
    "HelloMessage",
    "HelloOk",
    "Holding",
    "Join",
    "Kept",
    "Kind",
    "LinkKind",
    "LossConfirm",
    "LossConfirms",
    "ManifestAsk",
    "ManifestPage",
    "MemberRecord",
    "Message",
    "NewsRequest",
    "Offer",
    "PairAllow",
    "PairCodeRefused",
    "PairCommit",
    "PairConsent",
    "PairNonce",
    "PairProof",
    "PairRecords",
    "PairReveal",
    "PairShare",
    "PairTurn",
    "PairVerdict",
    "PairingMessage",
    "PieceHeader",
    "PiecesAsk",
    "PiecesPage",
    "Ping",
    "Pong",
    "ProbeFor",
    "ProbeResult",
    "Redirect",
    "RequestAnswer",
    "RequestOver",
    "RequestTold",
    "RosterDigest",
    "RosterRecord",
    "RosterRecords",
    "RunEnd",
    "SealedMessage",
    "Solicit",
    "Status",
    "Sync",
    "Unknown",
    "Update",
    "Welcome",
    "Wire",
    "decoded",
    "encode",
    "encode_frame",
    "frame_length",
    "link_for",
]

ControlMessage = (
    Bye
    | Join | Redirect | Welcome | Update | Decrement | Sync
    | Ping | Pong | ProbeFor | ProbeResult
    | DialMe
    | RosterDigest | RosterRecords | GroupKeysAsk | GroupKeys
    | RequestTold | RequestAnswer | RequestOver
    | Heads | HeadsAsk | Kept | LossConfirms | FlushAsk | Flushed
)  # fmt: skip
HelloMessage = Hello | HelloOk | Bye
BulkRequest = ManifestAsk | PiecesAsk | FileAsk | FilesAsk | Bye
NewsRequest = ManifestAsk | PiecesAsk | FilesAsk | Bye
BulkReply = ManifestPage | PiecesPage | PieceHeader | FilesHeader | Done | Gone | Busy | Bye
PairingMessage = (
    PairTurn | PairCommit | PairNonce | PairReveal | PairConsent
    | PairShare | PairProof | PairCodeRefused
    | PairAllow | PairVerdict | PairRecords | Bye
)  # fmt: skip
ClearDatagram = Solicit | Offer
SealedMessage = Beacon | Ping | Pong | ProbeFor | ProbeResult
Message = (
    ControlMessage
    | HelloMessage
    | BulkRequest
    | BulkReply
    | PairingMessage
    | ClearDatagram
    | SealedMessage
)

HELLO: Catalogue[HelloMessage] = Catalogue(HelloMessage, limits.CONTROL_FRAME_BYTES)
CONTROL: Catalogue[ControlMessage] = Catalogue(ControlMessage, limits.CONTROL_FRAME_BYTES)
BULK_REQUEST: Catalogue[BulkRequest] = Catalogue(BulkRequest, limits.PAGE_FRAME_BYTES)
NEWS_REQUEST: Catalogue[NewsRequest] = Catalogue(NewsRequest, limits.PAGE_FRAME_BYTES)
BULK_REPLY: Catalogue[BulkReply] = Catalogue(BulkReply, limits.PAGE_FRAME_BYTES)
PAIRING: Catalogue[PairingMessage] = Catalogue(PairingMessage, limits.PAIRING_FRAME_BYTES)
CLEAR: Catalogue[ClearDatagram] = Catalogue(ClearDatagram, limits.DATAGRAM_BYTES)
SEALED: Catalogue[SealedMessage] = Catalogue(SealedMessage, limits.DATAGRAM_BYTES)


def link_for(ask: ManifestAsk | PiecesAsk | FileAsk | FilesAsk) -> LinkKind:
    """Return on which kind of link something is asked: pieces never where news is."""
    match ask:
        case FileAsk():
            return LinkKind.BULK
        case ManifestAsk() | PiecesAsk() | FilesAsk():
            return LinkKind.NEWS
        case _:
            assert_never(ask)
