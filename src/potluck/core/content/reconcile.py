"""What to do about one path: the decisions of sharing, as pure functions of what is wanted, known
and seen.

Strategy: two questions, one function each. In somebody else's folder the owner's manifest is right
and the disk follows: `decide(wanted, stands, source)`. In the own folder the disk is right and the
manifest follows: `own_change(stands, finding, stat, twin)` before a file is read, `judge_hash`
after. `PlaceRow` is the memory between the two: what the index knows to stand on this disk, written
only from what a stat *after* hashing or placing said.

Guarantees: every combination has an answer and the same one every time. No content is decided away:
REMOVE and PLACE name what is expected to stand there, and whatever else is found is put aside by
the one who carries it out. Limits: one path at a time. Whether deletes may act at all (breakers,
second looks) is decided elsewhere, before these decisions are carried out.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from potluck.core.content.facts import Finding, PlaceRow, Source, Stat
from potluck.core.wire.catalogue import FileRecord, Kind

_SECOND_NS = 1_000_000_000
COARSE_NS = 10_000_000  # exFAT keeps no finer times, FAT none finer than 2 s; Linux has 4 ms, odd


# -- somebody else's folder: the disk follows the manifest -----------------------------------------
class Act(StrEnum):
    """What to do at a path of somebody else's folder."""

    NOTHING = "nothing"  # it stands as wanted
    FETCH = "fetch"  # its content is not on this disk
    PLACE = "place"  # its content is, see `Decision.source`
    TOUCH = "touch"  # right content, wrong mtime or x bit
    REMOVE = "remove"  # nothing is wanted here
    FOLDER = "folder"  # a folder is wanted here


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do, and for PLACE from where."""

    act: Act
    source: Source | None = None


def source_of(
    wanted: FileRecord, *, part: bool, local: bool, leaving: bool, kept: bool = False
) -> Source | None:
    """Return the cheapest source on this disk of what is wanted, or None.

    `part`: a complete part file has it; `local`: another place has it; `leaving`: that place is to
    be removed anyway; `kept`: the trash here has it. Both a part file and a moved one cost one
    rename; the part file comes first, since only it has no other use.
    """
    if wanted.size == 0:
        return Source.EMPTY
    if part:
        return Source.PART
    if local:
        return Source.MOVED if leaving else Source.LOCAL
    return Source.KEPT if kept else None


def decide(wanted: FileRecord | None, stands: PlaceRow | None, source: Source | None) -> Decision:
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
        return Decision(Act.PLACE, source) if source else Decision(Act.FETCH)
    same = (stands.mtime_ns, stands.executable) == (wanted.mtime_ns, wanted.executable)
    return Decision(Act.NOTHING if same else Act.TOUCH)


# -- the own folder: the manifest follows the disk -------------------------------------------------
class OwnChange(StrEnum):
    """What a look at a path of the own folder means."""

    NOTHING = "nothing"  # as known
    HASH = "hash"  # read it: new, or perhaps changed
    RENAMED = "renamed"  # the file of another known path, now here: its content is known
    FOLDER = "folder"  # a folder is new here
    GONE = "gone"  # what was known is not there


def own_change(
    stands: PlaceRow | None, finding: Finding, stat: Stat | None, twin: PlaceRow | None = None
) -> OwnChange:
    """Return what a look at one path of the own folder means, before anything is read.

    `stands` is what the index knows of this path, `finding` what stands there, with its stat if it
    is a file, `twin` another path with the inode, size and mtime seen here.
    """
    if stat is None:
        if finding is Finding.FOLDER:
            return OwnChange.NOTHING if stands and stands.kind is Kind.FOLDER else OwnChange.FOLDER
        return OwnChange.GONE if stands else OwnChange.NOTHING
    if stands is None or stands.kind is not Kind.FILE:
        return OwnChange.RENAMED if twin and is_renamed(twin, stat) else OwnChange.HASH
    if same_stat(stands, stat) and stands.executable == stat.executable:
        return OwnChange.NOTHING
    # ctime alone is new, perhaps with the x bit: programs that write in place and set mtime back
    # (disk encryption) look exactly like chmod.
    return OwnChange.HASH


def is_renamed(twin: PlaceRow, stat: Stat) -> bool:
    """Say whether the file seen is the one known elsewhere, so that it need not be read.

    A reused inode with the same size can carry the same mtime only if something set it, as archives
    do, and those set whole seconds; such files are read. Whoever makes another file of the same
    size and copies the very nanosecond of one just deleted (`touch -r`) is believed.
    """
    return twin.kind is Kind.FILE and _same_file(twin, stat) and stat.mtime_ns % _SECOND_NS != 0


class Verdict(StrEnum):
    """What the hash of a file in the own folder means."""

    SAME = "same"  # the content that was known: at most its stat is news
    EDIT = "edit"  # a new content, to be shared
    DAMAGE = "damage"  # the disk changed it, nobody else: to be healed, never shared


def judge_hash(stands: PlaceRow | None, stat: Stat, root: bytes, damaged: bytes = b"") -> Verdict:
    """Return what it means that a file of the own folder, with this stat before and after reading,
    has this root.

    `damaged`: the root of what it was found to be before, if that was damage; the same bytes are no
    edit for other dates (`touch`, a backup, a change of rights).

    Every write moves ctime. So another content under identical size, mtime, ctime and inode was not
    written by any program: it is damage, and sharing it would spread it (docs/disk.md §3).
    """
    if stands is None or stands.kind is not Kind.FILE:
        return Verdict.EDIT
    if stands.root == root:
        return Verdict.SAME
    known = root == damaged or same_stat(stands, stat)
    return Verdict.DAMAGE if known else Verdict.EDIT


def tells_writes(stat: Stat) -> bool:
    """Say whether a file system with such times gives every write another change time.

    One that keeps them coarsely gives two writes within a moment the same.
    """
    return stat.ctime_ns % COARSE_NS != 0


def same_stat(stands: PlaceRow, stat: Stat) -> bool:
    """Say whether size, mtime, ctime and inode are all as known."""
    return _same_file(stands, stat) and stands.ctime_ns == stat.ctime_ns


def _same_file(row: PlaceRow, stat: Stat) -> bool:
    return (row.size, row.mtime_ns, row.inode) == (stat.size, stat.mtime_ns, stat.inode)
