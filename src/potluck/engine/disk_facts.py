"""What the disk did: the facts about placing, about the index becoming durable, and about room.

Strategy: immutable values in the past tense, as all events (engine/events.py, which lists them as
one union); they stand here because they are many and speak of one thing. Why something failed is a
word of `Hindrance` wherever a person can act on it.

Guarantee: paths of files are `SafePath`s below `Shared/`; a path of the index is absolute and for
people only. Limits: after a `NotDurable` that is not tried again nothing is ever durable in this
run.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

from potluck.core.content.facts import Stat
from potluck.core.content.paths import SafePath
from potluck.core.content.pieces import Root

BatchId = NewType("BatchId", int)
"""One group commit; it is also the key of its intent rows."""


class Placement(StrEnum):
    """What became of one item of a Place."""

    PLACED = "placed"
    REMOVED = "removed"  # it is in the trash, or was not there
    BLOCKED = "blocked"  # something in the way that is kept: a folder that is not empty
    FAILED = "failed"  # the disk said no
    # the part file or the local file to copy from is not what was promised
    SOURCE_GONE = "source gone"


@dataclass(frozen=True, slots=True)
class Placed:
    """What became of one item."""

    path: SafePath  # below Shared/
    root: Root | None  # the content that should be there; None for a removal or a folder
    placement: Placement  # how it went
    stat: Stat | None  # of the file that now stands there
    put_aside: str  # where a local version went, "" if there was none
    detail: str  # for people
    nothing_there: bool = False  # a removal found nothing to remove
    in_the_way: SafePath | None = None  # what stands in the way, where that is known


@dataclass(frozen=True, slots=True)
class BatchPlaced:
    """A group commit is on the disk, directories included."""

    batch: BatchId  # which
    items: tuple[Placed, ...]  # one for each item of the Place


@dataclass(frozen=True, slots=True)
class BatchSettled:
    """After a crash: what an open intent left on the disk."""

    batch: BatchId  # which
    items: tuple[Placed, ...]  # PLACED where the new content stands, SOURCE_GONE where it does not
    looked: bool = True  # False: the share is not there, so nobody knows


@dataclass(frozen=True, slots=True)
class MadeDurable:
    """Everything the index held when MakeDurable was asked is on the disk."""

    barrier: int  # which MakeDurable


@dataclass(frozen=True, slots=True)
class NotDurable:
    """The index could not be made safe on the disk: no MadeDurable comes for what waits."""

    reason: str  # a Hindrance, or the system's own words
    path: str  # absolute, on this machine: what could not be flushed
    again_s: float | None  # in how long it is tried again; None: never in this run


@dataclass(frozen=True, slots=True)
class LogStuck:
    """The log of the index could not be moved into its file: nothing is lost, and it grows."""

    reason: str  # for people, with the path
    command: str  # what a person can type against it
    again_s: float  # in how long it is tried again


@dataclass(frozen=True, slots=True)
class LogMoved:
    """After a LogStuck: the log could be moved, or is small again."""


@dataclass(frozen=True, slots=True)
class DiskSilent:
    """One call of the disk is not answered, or all are again."""

    asked: tuple[SafePath, ...]  # what it may be about; none: the folder itself
    waited_s: float  # for how long, 0 once it was answered


@dataclass(frozen=True, slots=True)
class SpaceSeen:
    """How full the disk is."""

    free_bytes: int  # free for this user
    total_bytes: int  # of the file system of FOLDER
    free_inodes: int | None = None  # None: that file system counts none
    total_inodes: int | None = None  # likewise
    trash_bytes: int | None = None  # what the trash holds, told after a PruneTrash
    early_files: int = 0  # that the trash let go of then, younger than its rule is
    early_bytes: int = 0  # what those took
    home_free_bytes: int | None = None  # of the disk of the index; None: that was not looked at
    home_total_bytes: int | None = None
