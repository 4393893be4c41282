"""Records: what messages are made of, bounded field types and what several messages carry.

Strategy: a bound stands in the type, so msgspec refuses what is too long or out of range while it
decodes, and a record that exists is well-formed. What exactly is signed of a record stands in
core/ring/members.py, core/group/statements.py and core/content/manifest.py. Guarantees: everything
here is frozen and hashable where it is compared. Limits: well-formed is not yet true; signatures,
paths and plausibility are judged by the modules named above.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from potluck.core import limits

# -- field types: every one bounded ----------------------------------------------------------------
Id = Annotated[bytes, Meta(min_length=limits.ID_BYTES, max_length=limits.ID_BYTES)]
"""A device id, a file root, a group id."""
Key = Annotated[bytes, Meta(min_length=limits.KEY_BYTES, max_length=limits.KEY_BYTES)]
"""An X25519 key, or the key of a group."""
Nonce = Annotated[
    bytes, Meta(min_length=limits.PAIRING_NONCE_BYTES, max_length=limits.PAIRING_NONCE_BYTES)
]
Cookie = Annotated[bytes, Meta(max_length=limits.COOKIE_BYTES)]
"""What shows that whoever sends it receives at the address it was sent to."""
Signature = Annotated[bytes, Meta(max_length=limits.SIGNATURE_BYTES)]
Instance = Annotated[bytes, Meta(max_length=limits.INSTANCE_BYTES)]
"""Which run of a device this is: random, so no two are alike."""
Digest = Annotated[bytes, Meta(max_length=limits.ID_BYTES)]
Counter = Annotated[int, Meta(ge=0, le=limits.SEQ_MAX)]
Size = Annotated[int, Meta(ge=0, le=limits.FILE_MAX_BYTES)]
Nanoseconds = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Port = Annotated[int, Meta(ge=0, le=2**16 - 1)]
Label = Annotated[str, Meta(max_length=limits.LABEL_BYTES)]
Text = Annotated[str, Meta(max_length=limits.TEXT_CHARACTERS)]
HostText = Annotated[str, Meta(max_length=limits.HOST_CHARACTERS)]
RequestName = Annotated[str, Meta(max_length=limits.REQUEST_NAME_CHARACTERS)]
"""What a pairing conversation is called on every screen: eight hex digits."""
Word = Annotated[str, Meta(max_length=limits.WORD_CHARACTERS)]
Seconds = Annotated[int, Meta(ge=0, le=limits.PAIRING_PERSON_S)]
Certificate = Annotated[bytes, Meta(max_length=limits.CERTIFICATE_BYTES)]
WirePath = Annotated[bytes, Meta(min_length=1, max_length=limits.PATH_BYTES)]
PieceSize = Annotated[int, Meta(ge=limits.PIECE_MIN_BYTES, le=limits.PIECE_MAX_BYTES)]
PieceNumber = Annotated[int, Meta(ge=0, le=limits.PIECES_MAX)]
Versions = Annotated[list[int], Meta(max_length=limits.VERSIONS)]
Capabilities = Annotated[list[Label], Meta(max_length=limits.CAPABILITIES)]


class Wire(Struct, frozen=True, tag_field="t", omit_defaults=True):
    """Anything that can stand in a frame or a datagram."""


# -- parts of messages -----------------------------------------------------------------------------
class Address(Struct, frozen=True, array_like=True, order=True):
    """Where a device may be reached; a hint, never an identity."""

    host: HostText
    port: Port


class Status(StrEnum):
    """What is believed about a node; the order of definition is the order of precedence."""

    ALIVE = "alive"
    SUSPECT = "suspect"
    DEAD = "dead"
    LEFT = "left"


class MemberRecord(Struct, frozen=True):
    """One node as the ring knows it (docs/protocol.md §4).

    `signature` is the owner's over the ALIVE or LEFT form. SUSPECT and DEAD are accusations: the
    owner's ALIVE form stands unchanged beneath, `accuser` and `accusation` say who accuses and
    prove it.
    """

    device: Id
    instance: Instance
    addresses: Annotated[list[Address], Meta(max_length=limits.ADDRESSES_PER_DEVICE)]
    incarnation: Counter
    seat: Counter
    status: Status
    signature: Signature
    accuser: Digest = b""
    accusation: Signature = b""


class RosterRecord(Struct, frozen=True):
    """One signed statement about who belongs to the group (core/group/statements.py)."""

    body: Annotated[bytes, Meta(max_length=limits.STATEMENT_BYTES)]
    by: Id
    signature: Signature


class Folder(StrEnum):
    """Which of an owner's two manifests."""

    OWN = "own"
    EVERYONE = "everyone"


class RunEnd(Struct, frozen=True, array_like=True):
    """The last head of one run of a manifest's owner; no run but the next goes on from there."""

    generation: Counter
    seq: Counter
    instance: Instance


class Head(Struct, frozen=True):
    """What an owner signs: one number for the state of one whole manifest (docs/protocol.md §6).

    `continues`: the runs of its owner that this state follows from, the newest first.
    """

    owner: Id
    folder: Folder
    generation: Counter
    seq: Counter
    count: Counter
    root: Id
    instance: Instance
    signature: Signature = b""
    continues: Annotated[tuple[RunEnd, ...], Meta(max_length=limits.RUNS_TOLD)] = ()


class LossConfirm(Struct, frozen=True):
    """What an owner deleted or replaced up to a head of its own was meant: a person says so, on the
    device that signs (core/content/loss_confirms.py).
    """

    head: Head
    by: Id
    signature: Signature = b""


class Kind(StrEnum):
    """What a manifest record names."""

    FILE = "file"
    FOLDER = "folder"


class FileRecord(Struct, frozen=True, array_like=True):
    """One live path of a manifest; a folder has size, piece size and root of an empty file."""

    path: WirePath
    kind: Kind
    size: Size
    mtime_ns: Nanoseconds
    executable: bool
    piece_size: PieceSize
    root: Id
    seq: Counter


class DeletedPath(Struct, frozen=True, array_like=True):
    """A path that was live and is no longer, and the number of the change that removed it."""

    path: WirePath
    seq: Counter


class Gap(Struct, frozen=True, array_like=True):
    """Records of a manifest that lack on a device: those of these changes, from first to last."""

    first: Counter
    last: Counter


class Holding(Struct, frozen=True, array_like=True):
    """How much of one manifest a device holds."""

    owner: Id
    folder: Folder
    generation: Counter
    seq: Counter
    missing_files: Counter
    missing_bytes: Size  # pieces that are here do not count
    missing_folders: Counter = 0
    # of what is missing: what a person does not want there
    skipped_files: Counter = 0
    skipped_bytes: Size = 0
    skipped_folders: Counter = 0
    # of the rest: not begun, since that disk has no room for it
    no_room_files: Counter = 0
    no_room_bytes: Size = 0
    # all that is missing, if something is and that can be told: else nothing
    gaps: Annotated[tuple[Gap, ...], Meta(max_length=limits.GAPS_TOLD)] = ()
    # the run of the owner that signed it: a number alone may be of either of two lives
    instance: Instance = b""


class HeldBack(Struct, frozen=True, array_like=True):
    """How much a device keeps as it was, though its owner deleted or replaced it: very much at once
    went, and nobody there has confirmed it yet. No files: nothing (any more).
    """

    owner: Id
    folder: Folder
    files: Counter
    size_bytes: Size
    lacks: bool = True  # besides, so that a Holding says how much
