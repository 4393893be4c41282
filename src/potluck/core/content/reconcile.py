"""What to do about one path: the decisions of sharing, as pure functions of what is wanted, known
and seen.

Strategy: two questions, one function each. In somebody else's folder the owner's manifest is right
and the disk follows: `decide(wanted, stands, supply)`. In the own folder the disk is right and the
manifest follows: `own_change(stands, seen, twin)` before a file is read, `judge_hash` after.
`PlaceRow` is the memory between the two: what the index knows to stand on this disk, written only
from what a stat *after* hashing or placing said.

Guarantees: every combination has an answer and the same one every time. No content is decided away:
REMOVE and PLACE name what is expected to stand there, and whatever else is found is put aside by
the one who carries it out. Limits: one path at a time. Whether deletes may act at all (breakers,
second looks) is decided elsewhere, before these decisions are carried out. What is seen comes as a
Protocol, for the core does not know the engine's events.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from msgspec import Struct

from potluck.core.wire.catalogue import FileRecord, Kind

_SECOND_NS = 1_000_000_000


class PlaceRow(Struct, frozen=True, array_like=True):
    """What stands at one path of a folder on this disk, as far as the index knows; a folder has
    zeros and no root.
    """

    path: bytes
    kind: Kind
    root: bytes
    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    executable: bool


class StatSeen(Protocol):
    """What the file system says of a file without reading it."""

    @property
    def size(self) -> int:
        """Bytes."""

    @property
    def mtime_ns(self) -> int:
        """Modification time."""

    @property
    def ctime_ns(self) -> int:
        """Change time."""

    @property
    def inode(self) -> int:
        """File number."""

    @property
    def executable(self) -> bool:
        """The owner's x bit."""


class Seen(Protocol):
    """What a look at one path found."""

    @property
    def finding(self) -> str:
        """One of "file", "folder", "missing"."""

    @property
    def stat(self) -> StatSeen | None:
        """Of a file."""


# -- somebody else's folder: the disk follows the manifest -----------------------------------------
class Act(StrEnum):
    """What to do at a path of somebody else's folder."""

    NOTHING = "nothing"  # it stands as wanted
    FETCH = "fetch"  # its content is not on this disk
    PLACE = "place"  # its content is, see `supply`
    TOUCH = "touch"  # right content, wrong mtime or x bit
    REMOVE = "remove"  # nothing is wanted here
    FOLDER = "folder"  # a folder is wanted here


class Supply(StrEnum):
    """Where a content comes from that need not be fetched; the values are those of the engine's
    `Source`.
    """

    EMPTY = "empty"  # a file of no bytes
    PART = "part"  # a complete part file
    MOVED = "moved"  # another place whose file is to be removed anyway
    LOCAL = "local"  # another place that stays


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do, and for PLACE from where."""

    act: Act
    supply: Supply | None = None


def supply_of(wanted: FileRecord, *, part: bool, local: bool, leaving: bool) -> Supply | None:
    """Return the cheapest source on this disk of what is wanted, or None.

    `part`: a complete part file has it; `local`: another place has it; `leaving`: that place is to
    be removed anyway. Both a part file and a moved one cost one rename; the part file comes first,
    since only it has no other use.
    """
    if wanted.size == 0:
        return Supply.EMPTY
    if part:
        return Supply.PART
    if local:
        return Supply.MOVED if leaving else Supply.LOCAL
    return None


def decide(wanted: FileRecord | None, stands: PlaceRow | None, supply: Supply | None) -> Decision:
    """Return what makes the disk what the manifest says, at one path of somebody else's folder."""
    if wanted is None:
        return Decision(Act.REMOVE if stands else Act.NOTHING)
    if wanted.kind is Kind.FOLDER:
        # A file in the way is named by the index as what is expected there, so it goes to the
        # trash, not aside.
        here = stands is not None and stands.kind is Kind.FOLDER
        return Decision(Act.NOTHING if here else Act.FOLDER)
    if stands is None or stands.kind is not Kind.FILE or stands.root != wanted.root:
        # The old content stays in place until the new one is complete: nothing is ever removed to
        # make room.
        return Decision(Act.PLACE, supply) if supply else Decision(Act.FETCH)
    same = (stands.mtime_ns, stands.executable) == (wanted.mtime_ns, wanted.executable)
    return Decision(Act.NOTHING if same else Act.TOUCH)


# -- the own folder: the manifest follows the disk -------------------------------------------------
class OwnChange(StrEnum):
    """What a look at a path of the own folder means."""

    NOTHING = "nothing"  # as known
    HASH = "hash"  # read it: new, or perhaps changed
    TOUCH = "touch"  # same content, other x bit: no reading needed
    RENAMED = "renamed"  # the file of another known path, now here: its content is known
    FOLDER = "folder"  # a folder is new here
    GONE = "gone"  # what was known is not there


def own_change(stands: PlaceRow | None, seen: Seen, twin: PlaceRow | None = None) -> OwnChange:
    """Return what a look at one path of the own folder means, before anything is read.

    `stands` is what the index knows of this path, `twin` another path with the inode, size and
    mtime seen here.
    """
    if seen.stat is None:
        if seen.finding == "folder":
            return OwnChange.NOTHING if stands and stands.kind is Kind.FOLDER else OwnChange.FOLDER
        return OwnChange.GONE if stands else OwnChange.NOTHING
    if stands is None or stands.kind is not Kind.FILE:
        return OwnChange.RENAMED if twin and is_renamed(twin, seen.stat) else OwnChange.HASH
    if same_stat(stands, seen.stat):
        return OwnChange.NOTHING if stands.executable == seen.stat.executable else OwnChange.TOUCH
    if _same_file(stands, seen.stat) and stands.executable != seen.stat.executable:
        return OwnChange.TOUCH  # chmod explains the new ctime
    # ctime alone is new: programs that write in place and set mtime back (disk encryption) look
    # exactly like this.
    return OwnChange.HASH


def is_renamed(twin: PlaceRow, stat: StatSeen) -> bool:
    """Say whether the file seen is the one known elsewhere, so that it need not be read.

    A reused inode with the same size can carry the same mtime only if something set it, as archives
    do, and those set whole seconds; such files are read.
    """
    return twin.kind is Kind.FILE and _same_file(twin, stat) and stat.mtime_ns % _SECOND_NS != 0


class Verdict(StrEnum):
    """What the hash of a file in the own folder means."""

    SAME = "same"  # the content that was known: at most its stat is news
    EDIT = "edit"  # a new content, to be shared
    DAMAGE = "damage"  # the disk changed it, nobody else: to be healed, never shared


def judge_hash(stands: PlaceRow | None, stat: StatSeen, root: bytes) -> Verdict:
    """Return what it means that a file of the own folder, with this stat before and after reading,
    has this root.

    Every write moves ctime. So another content under identical size, mtime, ctime and inode was not
    written by any program: it is damage, and sharing it would spread it (docs/disk.md §3).
    """
    if stands is None or stands.kind is not Kind.FILE:
        return Verdict.EDIT
    if stands.root == root:
        return Verdict.SAME
    return Verdict.DAMAGE if same_stat(stands, stat) else Verdict.EDIT


def same_stat(stands: PlaceRow, stat: StatSeen) -> bool:
    """Say whether size, mtime, ctime and inode are all as known."""
    return _same_file(stands, stat) and stands.ctime_ns == stat.ctime_ns


def _same_file(row: PlaceRow, stat: StatSeen) -> bool:
    return (row.size, row.mtime_ns, row.inode) == (stat.size, stat.mtime_ns, stat.inode)
