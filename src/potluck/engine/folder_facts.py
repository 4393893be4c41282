"""What can be seen below Shared/: the facts that looks, scans, readings and the watcher tell.

Strategy: immutable values in the past tense, as all events (engine/events.py, which lists them as
one union); they stand here because they are many and speak of one thing. Batches are bounded by
whoever makes them.

Guarantee: paths are `SafePath`s below `Shared/` (first component = label). Limits: a hint is never
truth, and a look is true of the moment at which it was taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

from potluck.core.content.facts import Finding, ReadFault, Stat
from potluck.core.content.paths import SafePath
from potluck.core.content.pieces import PieceList

OrderId = NewType("OrderId", int)
"""One order the engine gave to a worker; the facts that follow from it carry the same number."""


@dataclass(frozen=True, slots=True)
class PathsTouched:
    """The watcher noticed something; a hint, never truth."""

    # files written and closed, created, moved or deleted; folders likewise
    paths: tuple[SafePath, ...]
    overflow: bool  # events were lost or a limit was reached: scan everything


@dataclass(frozen=True, slots=True)
class WatchDrained:
    """What happened to the own folder before a DrainWatch was told before this."""

    order: OrderId  # which DrainWatch
    sees_all: bool  # False: there is no watcher, or it has too few watches


@dataclass(frozen=True, slots=True)
class WatchesRefused:
    """The system refused watches for these folders; for none: all that were refused stand now."""

    folders: tuple[SafePath, ...]  # the outermost ones; nothing below them is watched either
    setting: str  # the name of what is too small, as sysctl knows it; "" if there is no such thing
    value: int  # what it is now


@dataclass(frozen=True, slots=True)
class Mount:
    """Something is mounted at a path: what stood below it cannot be seen.

    The system gives the number of a mount that went to the next one, so it may be another mount
    whenever anything was mounted or unmounted anywhere: `stir` counts that.
    """

    path: SafePath  # below Shared/; what is mounted on Shared/ itself, or above, is no Mount
    number: int  # of this mount, by which it is known again under another path
    stir: int = 0


@dataclass(frozen=True, slots=True)
class MountsSeen:
    """What is mounted below Shared/ now; told before every look and scan that it matters to."""

    mounts: tuple[Mount, ...]  # all of it


@dataclass(frozen=True, slots=True)
class RestlessSeen:
    """Files that are written to for long, and are not to be read meanwhile."""

    files: tuple[SafePath, ...]  # all of them; the others were closed, rested, or are hinted at
    writing: tuple[SafePath, ...] = ()  # of the own folder, for a moment or longer: some, if many


@dataclass(frozen=True, slots=True)
class PathSeen:
    """One path that was looked at."""

    path: SafePath  # below Shared/
    finding: Finding  # FILE, FOLDER, or MISSING (its parent was readable and it is not there)
    stat: Stat | None  # of a file; None otherwise


TOO_LARGE = "larger than 1 PiB"  # why a file beyond limits.FILE_MAX_BYTES is refused


@dataclass(frozen=True, slots=True)
class NameRefused:
    """A name that is not shared, and why."""

    folder: SafePath  # where
    name: str  # as a person may read it: escaped, never raw
    reason: str  # "control character", "symbolic link", …
    no_file: bool = False  # a link, a pipe, …: by rule, whatever its name


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file or folder that stands there and cannot be read."""

    path: SafePath  # below Shared/; of a folder nothing below it is known either
    fault: ReadFault  # why
    words: str  # the system's own words


@dataclass(frozen=True, slots=True)
class IgnoreFileSeen:
    """What a walk of the own folder read of its .potluckignore before it looked at anything."""

    text: bytes | None  # b"" where there is none; None: it could not be read
    faults: tuple[str, ...] = ()  # why not, or which of its lines cannot be understood


@dataclass(frozen=True, slots=True)
class TreeSeen:
    """Part of what a Look or Scan found; at most limits.PAGE_RECORDS paths at a time."""

    order: OrderId  # which Look or Scan
    seen: tuple[PathSeen, ...]  # parents before children
    refused: tuple[NameRefused, ...]  # names left out
    last: bool  # nothing more follows
    # on the last part: every folder below could be read, so what was not seen is not there
    complete: bool
    # what could not; if not complete and no part names any, nothing at all was looked at
    unreadable: tuple[Unreadable, ...] = ()
    # left out by the rules of the own folder, with all below; names that are refused are not named
    ignored: tuple[SafePath, ...] = ()
    # on the first part, unless there is none, as was expected; says it something else than was
    # expected, nothing was looked at
    ignore_file: IgnoreFileSeen | None = None


@dataclass(frozen=True, slots=True)
class Hashed:
    """One file that was read and hashed."""

    path: SafePath  # below Shared/
    stat: Stat  # equal before and after reading
    pieces: PieceList  # root, size, piece size, hashes


@dataclass(frozen=True, slots=True)
class FilesHashed:
    """Files were hashed."""

    order: OrderId  # which Hash
    files: tuple[Hashed, ...]  # those that held still
    unstable: tuple[SafePath, ...]  # not read: changed meanwhile, or gone: look again later
    last: bool  # the order is complete
    unreadable: tuple[Unreadable, ...] = ()  # those among the unstable that cannot be read, and why


class TopKind(StrEnum):
    """What something is that stands directly in Shared/."""

    FILE = "file"
    FOLDER = "folder"
    LINK = "symbolic link"  # never followed, never shared
    SPECIAL = "special file"  # a pipe, a socket, a device: never shared


@dataclass(frozen=True, slots=True)
class TopEntry:
    """Something that stands directly in Shared/."""

    name: str  # as a person may read it: escaped, never raw
    plain: bool  # whether nothing of it is escaped, so that a command may hold it
    kind: TopKind


@dataclass(frozen=True, slots=True)
class TopSeen:
    """What stands directly in Shared/."""

    entries: tuple[TopEntry, ...]  # at most as many as limits.PAGE_RECORDS
    complete: bool  # whether that is all


@dataclass(frozen=True, slots=True)
class FolderMoved:
    """A folder directly in Shared/ was to get another name."""

    order: OrderId  # which MoveFolder
    reason: str  # why it has the former name still, "" if it does not
    aside: tuple[str, ...] = ()  # where that went which stood at the new name


@dataclass(frozen=True, slots=True)
class UnwrittenMarker:
    """A marker that could not be written, as it was asked for (engine/effects.py, MarkShare)."""

    group: bytes
    label: str
    former: str
    why: str  # a Hindrance, or the disk's own words
    instead: str = ""  # what stands where the own folder must be, in words; "" if nothing does


@dataclass(frozen=True, slots=True)
class ShareSeen:
    """The marker of the share was checked (at start and before every scan)."""

    present: bool  # FOLDER/.potluck/marker is there and names this share
    # if not: "missing", "another share", "unreadable", "other file system", "not written: …",
    # of what FOLDER is by name: "gone", "another folder" if what stands there has no marker, or
    # "back": it stands there again, on another mount than the one that is held open
    reason: str
    unwritten: UnwrittenMarker | None = None  # it was to be written, and that failed
    label: str = ""  # it was just written, and the own folder has this name
    aside: tuple[str, ...] = ()  # where that went which stood at that name
    stamp: bytes = b""  # what the folder was stamped with just now, to be remembered
