"""What can happen: every fact the world may tell the engine, in the past tense.

Strategy: an event is an immutable value; nothing in it is alive (no socket, no file, no clock).
Shells make them out of reality, tests and the simulation make them out of nothing. Bulk facts come
in batches, so that 20,000 small files cost hundreds of events and not tens of thousands. Workers
post facts, never bytes: a piece is verified and written before `PiecesVerified` says so.

Guarantee: paths are `SafePath`s below `Shared/` (first component = label), numbers carry their unit
in the name.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

from potluck.core.content.pieces import PieceList, Root
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import (
    Address,
    BulkRequest,
    LinkKind,
    ManifestPage,
    Message,
    Unknown,
)
from potluck.engine.disk_facts import (
    BatchId,
    BatchPlaced,
    BatchSettled,
    DiskSilent,
    LogMoved,
    LogStuck,
    MadeDurable,
    NotDurable,
    Placed,
    Placement,
    SpaceSeen,
)
from potluck.engine.folder_facts import (
    FilesHashed,
    FolderMoved,
    Hashed,
    Mount,
    MountsSeen,
    NameRefused,
    OrderId,
    PathSeen,
    PathsTouched,
    RestlessSeen,
    ShareSeen,
    TopEntry,
    TopKind,
    TopSeen,
    TreeSeen,
    Unreadable,
    UnwrittenMarker,
    WatchDrained,
    WatchesRefused,
)
from potluck.engine.person_acts import PersonAct

__all__ = [
    "BatchId", "BatchPlaced", "BatchSettled", "DiskSilent", "FilesHashed", "FolderMoved", "Hashed",
    "LogMoved",
    "LogStuck", "MadeDurable", "Mount", "MountsSeen", "NameRefused", "NotDurable", "OrderId",
    "PathSeen", "PathsTouched", "Placed", "Placement", "RestlessSeen", "ShareSeen", "SpaceSeen",
    "TopEntry", "TopKind", "TopSeen", "TreeSeen", "Unreadable", "UnwrittenMarker", "WatchDrained",
    "WatchesRefused",
]  # fmt: skip

LinkId = NewType("LinkId", int)
"""One live connection that the loop thread owns; never used twice in one run."""
RequestId = NewType("RequestId", int)
"""One request on a bulk link that waits for an Answer."""
DIAL_TIMEOUT, DIAL_REFUSED, DIAL_UNREACHABLE = "timeout", "refused", "unreachable"
DIAL_UNTRIED, DIAL_UNMADE = "not tried", "not made"
NO_COMMON_VERSION = "no common version"  # what the side that was dialled says to that
"""Why no connection could be made: no answer; refused; no way there, no socket to be had here, or
anything else (no such name, broken off by this system), these with the system's own words behind.
"""


@dataclass(frozen=True, slots=True)
class Interface:
    """One network of this host."""

    name: str  # "eth0"
    host: str  # own address there, "192.168.1.10"
    broadcast: str  # directed broadcast address, "" if there is none
    prefix: int  # length of the network prefix in bits


# -- network ---------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class InterfacesSeen:
    """The networks and neighbours of this host, at start and whenever they change."""

    interfaces: tuple[Interface, ...]  # usable ones, own address each
    neighbours: tuple[str, ...]  # addresses in the ARP / neighbour table that answered there
    firewall: str = ""  # which one is on here, "ufw", "firewalld", …; "" if none can be seen
    tools: tuple[str, ...] = ()  # commands that can be advised since they are installed here


@dataclass(frozen=True, slots=True)
class DatagramHeard:
    """A UDP datagram came."""

    data: bytes  # as received, at most limits.DATAGRAM_BYTES + 1
    source: Address  # where it really came from
    way: str  # "multicast", "broadcast" or "unicast": how it reached us


@dataclass(frozen=True, slots=True)
class LinkOpened:
    """A link is ready: TLS, certificate against the roster, HELLO and HELLO_OK are done."""

    link: LinkId  # handle for Send and Drop
    kind: LinkKind  # CONTROL or PAIRING (bulk links never reach the engine)
    peer: DeviceId | None  # who, proved by TLS; None on a pairing link
    address: Address  # the other end: its host, and the port *it* listens on if we dialled, else 0
    instance: bytes  # the other side's run, b"" on a pairing link
    dial: OrderId | None  # our Dial, or None if the other side dialled


@dataclass(frozen=True, slots=True)
class DialFailed:
    """A Dial came to nothing."""

    dial: OrderId  # which
    reason: str  # one of the four above, or how far it came: "not the device", "tls: …"
    refused: bool  # the host answered: nobody listens there, or a firewall says so
    knock: bool  # the host listens but did not accept our knock: it may not know us yet


@dataclass(frozen=True, slots=True)
class MessageHeard:
    """A control or pairing link brought a message."""

    link: LinkId  # where
    message: Message | Unknown  # decoded and validated


@dataclass(frozen=True, slots=True)
class LinkClosed:
    """A link is gone."""

    link: LinkId  # which
    reason: str  # for the log
    clean: bool  # BYE came first, or we dropped it ourselves


@dataclass(frozen=True, slots=True)
class PathStalled:
    """A connection was made, then what was sent did not arrive; its end is told besides."""

    host: str  # the other end


@dataclass(frozen=True, slots=True)
class Unprepared:
    """A kind of link that cannot be made, since TLS will not be prepared for it."""

    links: str  # for people: "links from other devices"
    why: str  # the system's or the library's own words
    descriptors: bool  # whether too many files are open


@dataclass(frozen=True, slots=True)
class TrustSeen:
    """What is wrong with the preparations for links now; told at every change."""

    refused: tuple[tuple[DeviceId, str], ...]  # whose certificate TLS does not load, and why
    unprepared: tuple[Unprepared, ...]  # what cannot be prepared at all


@dataclass(frozen=True, slots=True)
class IntroductionHeard:
    """Somebody unknown knocked with a sealed chain of admissions; wants AnswerIntroduction."""

    knock: OrderId  # handle for the answer
    sealed: bytes  # sealed to our X25519 key
    source: Address  # where it came from


@dataclass(frozen=True, slots=True)
class IntroductionAnswered:
    """A member that we introduced ourselves to says why we are none."""

    sealed: bytes  # sealed to our X25519 key, at most as long as an introduction


@dataclass(frozen=True, slots=True)
class RequestHeard:
    """A bulk link brought a request; wants exactly one Answer."""

    request: RequestId  # handle for the answer
    peer: DeviceId  # who asks
    message: BulkRequest  # what


# -- fetching --------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class ManifestHeard:
    """A page of a manifest came; paths are already known to be safe."""

    order: OrderId  # which Fetch
    page: ManifestPage  # validated
    unsafe: int  # records left out because their names are refused


@dataclass(frozen=True, slots=True)
class FetchHeard:
    """So much came on the link of a fetch, good or not, since that was told last; or nothing did.

    Told about once in limits.PACE_TOLD_S of waiting; the pauses of this device are not in it.
    """

    order: OrderId  # which Fetch
    size_bytes: int  # on the wire
    waited_s: float  # for it


@dataclass(frozen=True, slots=True)
class PieceListHeard:
    """A whole piece list came and matches its root."""

    order: OrderId  # which Fetch
    pieces: PieceList  # checked


@dataclass(frozen=True, slots=True)
class PiecesVerified:
    """Pieces came, were verified and written into the content's part file."""

    order: OrderId  # which Fetch
    root: Root  # which content
    pieces: tuple[int, ...]  # which pieces
    size_bytes: int  # how many bytes that was on the wire


@dataclass(frozen=True, slots=True)
class FilesVerified:
    """Small contents came, were verified and written into part files; others did not fit."""

    order: OrderId  # which Fetch
    roots: tuple[Root, ...]  # which are here
    size_bytes: int  # bytes on the wire
    wrong: tuple[Root, ...] = ()  # what came for these was something else
    # these came, and are of another size or piece size, told here, than their record says
    unfit: tuple[tuple[Root, int, int], ...] = ()


class Outcome(StrEnum):
    """How a fetch ended."""

    DONE = "done"
    GONE = "gone"  # the holder does not have it (any more)
    BUSY = "busy"  # the holder has no worker free
    BROKEN = "broken"  # the link failed
    WRONG = "wrong"  # a hash did not match
    DISK = "disk"  # our own disk failed


class SearchStep(StrEnum):
    """How a fetch worker fares that needs a bulk link."""

    LACKING = "lacking"  # none waits and none can be dialled from here: the other side may dial us
    FOUND = "found"  # after that one came all the same
    MISSED = "missed"  # after that none came in time


@dataclass(frozen=True, slots=True)
class BulkSearch:
    """A fetch needs a link to a device and could not simply dial it."""

    peer: DeviceId  # to whom
    link: LinkKind  # for what
    step: SearchStep  # how far the search is
    reason: str  # why dialling failed, as in DialFailed; "" if there was no address to dial


@dataclass(frozen=True, slots=True)
class CallEnded:
    """A DialToServe is over: the device is being served on the link, or could not be dialled."""

    call: OrderId  # which
    reason: str  # why there is no link, as in DialFailed; "" if there is one


@dataclass(frozen=True, slots=True)
class FetchEnded:
    """A fetch ended; nothing more follows from its order."""

    order: OrderId  # which
    outcome: Outcome  # how
    detail: str  # for people


@dataclass(frozen=True, slots=True)
class PartFound:
    """A part file of an earlier run was found at start."""

    pieces: PieceList  # what it is part of
    have: bytes  # Bitfield.to_bytes of the pieces that are there


@dataclass(frozen=True, slots=True)
class PartsFound:
    """All part files of earlier runs."""

    parts: tuple[PartFound, ...]  # those whose map is whole


# -- people ----------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class Imported:
    """An Import ended."""

    order: OrderId  # which
    added: tuple[str, ...]  # names that are now in the own folder
    failed: tuple[tuple[str, str], ...]  # (path, reason)
    already: tuple[tuple[str, str], ...] = ()  # (path, under which name it was in there before)
    instead: tuple[tuple[str, str], ...] = ()  # (name of one added, its own name: that is taken)
    backups: tuple[str, ...] = ()  # names of those that are locked backups of an identity
    kept: tuple[str, ...] = ()  # of those restored: where something stood that is in the trash now
    versions: tuple[tuple[int, int], ...] = ()  # of the path to restore, here: (size, mtime_ns)
    changed: tuple[str, ...] = ()  # where in the trash lies what is not as it came: absolute


@dataclass(frozen=True, slots=True)
class LeaveAsked:
    """The person, a signal or `down` wants this node to leave."""


@dataclass(frozen=True, slots=True)
class AddAsked:
    """The person wants files in the own folder."""

    command: int  # handle for Reply
    paths: tuple[str, ...]  # absolute, on this machine; to restore: names of versions
    mode: str  # "copy", "move", "reflink" or "restore"


@dataclass(frozen=True, slots=True)
class FlushAsked:
    """The person wants to know that everything put into any folder so far was heard of here."""

    command: int  # handle for Reply: ok, or the labels of those who did not answer
    patience_s: float  # how long to wait for answers
    waited_s: float = 0.0  # since this person first asked, if it goes on asking


@dataclass(frozen=True, slots=True)
class RescanAsked:
    """Look at everything now."""


@dataclass(frozen=True, slots=True)
class DoorAsked:
    """The person opens the door, or closes it."""

    open_s: float | None  # for so long from now on, math.inf until the end; None: close it


NetworkEvent = (
    InterfacesSeen | DatagramHeard | LinkOpened | DialFailed | MessageHeard | LinkClosed
    | PathStalled | TrustSeen | IntroductionHeard | IntroductionAnswered
)  # fmt: skip
FolderEvent = (
    PathsTouched | WatchDrained | WatchesRefused | MountsSeen | RestlessSeen | TreeSeen
    | FilesHashed | ShareSeen | TopSeen
)  # fmt: skip
FetchEvent = (
    ManifestHeard
    | FetchHeard
    | PieceListHeard
    | PiecesVerified
    | FilesVerified
    | FetchEnded
    | PartsFound
)
TransferEvent = RequestHeard | BulkSearch | CallEnded | FetchEvent
DiskEvent = (
    BatchPlaced | BatchSettled | FolderMoved | MadeDurable | NotDurable | LogStuck | LogMoved
    | SpaceSeen | DiskSilent
)  # fmt: skip
PersonEvent = (
    Imported | LeaveAsked | AddAsked | FlushAsked | RescanAsked | DoorAsked | PersonAct
)  # fmt: skip
Event = NetworkEvent | FolderEvent | TransferEvent | DiskEvent | PersonEvent
