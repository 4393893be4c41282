"""What may be asked: every act the engine can want from the world, in the imperative.

Strategy: an effect is an immutable value with two interpreters, reality (`shells/`) and the seeded
simulation (`tests/sim/`). Effects are carried out in the order given; those that depend on
durability are held back by the engine until the `MadeDurable` of an earlier `MakeDurable`, so an
interpreter never has to wait.

Guarantee: an interpreter takes no decision. Where it needs one (which certificate, which hash,
which path) the answer is in the effect.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from potluck.core.content.facts import Source, Stat
from potluck.core.content.known_versions import KnownVersion
from potluck.core.content.paths import SafePath
from potluck.core.content.pieces import PieceList, Root
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import (
    Address,
    BulkReply,
    FileAsk,
    FilesAsk,
    LinkKind,
    ManifestAsk,
    Message,
    PiecesAsk,
)
from potluck.engine.events import BatchId, LinkId, OrderId, RequestId


# -- network ---------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Transmit:
    """Send one datagram."""

    data: bytes  # at most limits.DATAGRAM_BYTES
    to: Address | None  # None: multicast and directed broadcast on every interface, discovery port


@dataclass(frozen=True, slots=True)
class Dial:
    """Open a control or pairing link; ends in LinkOpened or DialFailed."""

    dial: OrderId  # handle
    kind: LinkKind  # CONTROL or PAIRING
    peer: DeviceId | None  # whom to expect; None for PAIRING
    address: Address  # where


@dataclass(frozen=True, slots=True)
class DialToServe:
    """Dial a device that asked for it, and serve it on that link; ends in CallEnded."""

    call: OrderId  # handle
    peer: DeviceId  # whom
    addresses: tuple[Address, ...]  # where, best first
    link: LinkKind  # for what


@dataclass(frozen=True, slots=True)
class Send:
    """Queue a message on a link; silently nothing if the link is gone."""

    link: LinkId  # where
    message: Message  # what


@dataclass(frozen=True, slots=True)
class Drop:
    """Flush what is queued (at most 1 s), send BYE, close; LinkClosed follows."""

    link: LinkId  # which
    reason: str  # goes into BYE


@dataclass(frozen=True, slots=True)
class Member:
    """What a shell must know of one device of the group."""

    device: DeviceId  # who
    certificate: bytes  # DER, the only trust anchor for it
    sealing: bytes  # X25519 public key, for the knock
    lines: tuple[DeviceId, ...] = ()  # that it is in, its own first; none for the founder


@dataclass(frozen=True, slots=True)
class Trust:
    """From now on these devices are the group; contexts are rebuilt and swapped, never mutated."""

    members: tuple[Member, ...]  # without ourselves


@dataclass(frozen=True, slots=True)
class OpenDoor:
    """Answer the pairing door, or stop answering it."""

    open: bool  # whether strangers get as far as the admission machine


@dataclass(frozen=True, slots=True)
class Introduce:
    """Knock with a sealed chain of admissions; the Dial that failed is repeated by the engine."""

    address: Address  # where
    sealed: bytes  # sealed to the other side's X25519 key


@dataclass(frozen=True, slots=True)
class AnswerIntroduction:
    """Tell the one who introduced itself whether to knock again."""

    knock: OrderId  # which
    accepted: bool  # the chain was good
    sealed: bytes = b""  # to a former member: why it is none any more, for it alone


@dataclass(frozen=True, slots=True)
class Narrow:
    """Use small packets on every connection that is made with a host from now on."""

    host: str  # its address


@dataclass(frozen=True, slots=True)
class LookAround:
    """Look at interfaces and neighbours; InterfacesSeen follows at first, then on a change."""


# -- serving ---------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class ServePieces:
    """Read these pieces, hash each again, send header and bytes; Gone where they do not match."""

    path: SafePath  # a file that holds the content
    content: PieceList  # what its hashes must be
    pieces: tuple[int, ...]  # which


@dataclass(frozen=True, slots=True)
class ServeFiles:
    """Read these small files, hash each again, send one header and all bytes."""

    # root, where (None: not here), size, piece size
    files: tuple[tuple[Root, SafePath | None, int, int], ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer a request that came on a bulk link."""

    request: RequestId  # which
    reply: BulkReply | ServePieces | ServeFiles  # a message, or work for the serving worker


# -- own tree --------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Look:
    """See what stands at these paths; below a folder everything; ends in TreeSeen."""

    order: OrderId  # handle
    paths: tuple[SafePath, ...]  # below Shared/
    own: bool = True  # as of a Scan
    rules: tuple[bytes, ...] = ()  # as of a Scan


@dataclass(frozen=True, slots=True)
class Scan:
    """Check the marker, then walk these top folders; ends in ShareSeen (own ones), TreeSeen."""

    order: OrderId  # handle
    tops: tuple[SafePath, ...]  # e.g. Shared/<label>
    # whether they are this device's: the state of somebody else's folder is not that of the share
    own: bool = True
    # texts of ignore rules; what one of them ignores is left out. The first is what .potluckignore
    # is expected to say; none: that there is no such file. Of the own folder only
    rules: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class DrainWatch:
    """Tell everything that the watcher of the own folder knows so far; wants WatchDrained."""

    order: OrderId  # handle for WatchDrained


@dataclass(frozen=True, slots=True)
class Hash:
    """Read and hash files; ends in FilesHashed."""

    order: OrderId  # handle
    files: tuple[tuple[SafePath, int], ...]  # path, piece size of the version before (0: none)
    # those that would not hold still so far: what stood still over two readings will do
    restless: tuple[SafePath, ...] = ()
    # from the disk itself, not from what memory has of it, and in nobody's way
    afresh: bool = False
    bytes_s: int = 0  # of that at most so many a second; 0: as fast as the disk


# -- fetching --------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Fetch:
    """Ask a device for something on a bulk link, verify what comes, write content to part files."""

    order: OrderId  # handle; facts, then one FetchEnded
    peer: DeviceId  # whom
    addresses: tuple[Address, ...]  # where, best first; none: wait until that device dials
    ask: ManifestAsk | PiecesAsk | FileAsk | FilesAsk  # what
    content: PieceList | None  # for FileAsk: what the pieces must hash to
    # for FilesAsk: (size, piece size) of each root; for PiecesAsk: of its one
    sizes: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class CancelFetch:
    """Give a fetch up between two pieces; FetchEnded still follows."""

    order: OrderId  # which


@dataclass(frozen=True, slots=True)
class DropParts:
    """Part files nobody wants any more."""

    roots: tuple[Root, ...]  # which


# -- placing ---------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class PlaceItem:
    """One path and what should stand there."""

    path: SafePath  # below Shared/
    source: Source  # where it comes from
    content: PieceList | None  # of a file
    local: SafePath | None  # for LOCAL and MOVED; for KEPT: what it is an earlier version of
    mtime_ns: int  # to be set
    executable: bool  # to be set
    expected: Stat | None  # what the index thinks stands there now; anything else is put aside
    # the content the index thinks stands there; None: nothing is expected
    expected_root: Root | None


@dataclass(frozen=True, slots=True)
class Place:
    """Group commit, steps 3 to 7 of docs/disk.md §4, intents on disk; ends in BatchPlaced."""

    batch: BatchId  # handle
    items: tuple[PlaceItem, ...]  # removals last, folders before what is in them
    own: str  # what the own folder is called on this disk: there only what is free is taken


@dataclass(frozen=True, slots=True)
class Settle:
    """Find out what an interrupted Place left; ends in BatchSettled."""

    batch: BatchId  # which
    items: tuple[PlaceItem, ...]  # as it was asked


@dataclass(frozen=True, slots=True)
class MakeDurable:
    """Make everything the index holds now durable (fsync of its log); ends in MadeDurable."""

    barrier: int  # handle


@dataclass(frozen=True, slots=True)
class PruneTrash:
    """Let go now of what is too old in the trash, or too much; ends in SpaceSeen."""

    wanted: frozenset[bytes] = frozenset()  # paths below Shared/ of which all versions stay


@dataclass(frozen=True, slots=True)
class MarkShare:
    """Write the marker that says this folder is this share, and make the folder Shared/<label>."""

    group: bytes  # group id
    label: str  # of the own folder
    # label it had before, renamed if nothing stands at the new one; "" if there was none
    former: str


@dataclass(frozen=True, slots=True)
class MoveFolder:
    """Give the folder Shared/<former> of somebody else the name <label>; ends in FolderMoved.

    What stands at the new name is put aside; without a folder at the former name nothing is done.
    """

    order: OrderId  # handle
    former: str  # what it is called
    label: str  # what it is to be called


@dataclass(frozen=True, slots=True)
class DropFolder:
    """Remove the folder Shared/<label> of nobody any more, if nothing is in it; ends in TopSeen."""

    label: str  # what it is called


@dataclass(frozen=True, slots=True)
class LookAtTop:
    """See what stands directly in Shared/; ends in TopSeen, or in nothing if that fails."""


@dataclass(frozen=True, slots=True)
class MakeFolders:
    """Make the missing folders Shared/<label> of the members; people see empty ones."""

    labels: tuple[str, ...]  # of all members but ourselves


# -- people ----------------------------------------------------------------------------------------
class ListedFile(NamedTuple):
    """A file that may be copied, if it holds what the index says of it."""

    path: str  # absolute, as in the order
    root: Root
    piece_size: int


@dataclass(frozen=True, slots=True)
class Import:
    """Bring files from elsewhere, or from the trash, into the own folder; ends in Imported."""

    order: OrderId  # handle
    paths: tuple[str, ...]  # absolute; to restore: names of versions
    mode: str  # "copy", "move", "reflink" or "restore"
    into: SafePath  # Shared/<label>, or a folder in there
    listed: tuple[ListedFile, ...] | None = None  # what alone is copied; None: all that stands
    known: tuple[KnownVersion, ...] = ()  # to restore: what the versions in the trash may be


@dataclass(frozen=True, slots=True)
class Reply:
    """The result of a command."""

    command: int  # which
    ok: bool  # whether it did what was asked
    # for people: what happened, or what failed; the code, if one was asked for
    text: str = field(repr=False)
    code: str = ""  # of the error in core/errors.py, "" for none in particular
    cause: str = ""  # of the failure, probably
    fix: str = ""  # what to type against it


@dataclass(frozen=True, slots=True)
class Tell:
    """Something a person should know; the faces decide how to show it, the log keeps it."""

    code: str  # stable name, "node_joined", "file_refused", …
    text: str  # one line, without control characters
    level: str  # "info", "warning" or "error"
    subject: str  # path, label or device it is about, "" if none
    command: str = ""  # what the text ends in, if that is a command to type


@dataclass(frozen=True, slots=True)
class Leave:
    """Everything is said: close all and end."""


NetworkEffect = (
    Transmit | Dial | DialToServe | Introduce | Narrow | OpenDoor | AnswerIntroduction | Trust
    | Send | Drop
)  # fmt: skip
Effect = (
    NetworkEffect | LookAround | Answer | Look | LookAtTop | Scan | DrainWatch | Hash | Fetch
    | CancelFetch | DropParts | Place | Settle | MakeDurable | PruneTrash | MarkShare
    | MakeFolders | MoveFolder | DropFolder | Import | Reply | Tell | Leave
)  # fmt: skip
