"""Facts: what every floor says about files in the same words, so that nobody translates.

Strategy: here stand the values that the disk tells (`Stat`, `Finding`), that the index remembers
(`PlaceRow`), that an order names (`Source`), and the two names everything goes by: `ManifestName`,
which manifest, and `Spot`, which path in it. Events, effects, decisions and rows share them.

Guarantees: immutable values without behaviour that could be wrong; names are tuples, hence small,
hashable and ordered, by owner, then folder, then path. `Stat.of` makes a Stat of whatever a file
system can say, and what it makes fits everywhere: index, wire, and the disks of others. A date
outside what travels becomes the nearest that does, a whole second, the same each time it is looked
at. Limits: two dates outside are one date; ctime and inode tell such files apart. A spot says
nothing of where it is on this disk (engine/layout.py), nor whether anything stands there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from msgspec import Struct

from potluck.core import limits
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import (
    FileRecord,
    Folder,
    Head,
    HeldBack,
    Holding,
    Kind,
    ManifestAsk,
    ManifestPage,
)

_SECOND_NS: Final = 10**9
_INT64_MAX: Final = 2**63 - 1
_INODES: Final = 2**64


# -- names -----------------------------------------------------------------------------------------
class ManifestName(NamedTuple):
    """Which manifest: one of the two that a device signs."""

    owner: DeviceId
    folder: Folder

    @classmethod
    def own(cls, owner: DeviceId) -> ManifestName:
        """Return the name of the manifest of what a device itself shares."""
        return cls(owner, Folder.OWN)

    @classmethod
    def of(cls, said: Head | Holding | HeldBack | ManifestAsk | ManifestPage) -> ManifestName:
        """Return the name of the manifest that a message speaks of."""
        return cls(DeviceId(said.owner), said.folder)


class Spot(NamedTuple):
    """One path of one manifest, as everything that receives names it."""

    manifest: ManifestName
    path: bytes

    def above(self) -> list[Spot]:
        """Return the folders a spot is in, the nearest first."""
        manifest, path = self
        found: list[Spot] = []
        while (end := path.rfind(b"/")) > 0:
            path = path[:end]
            found.append(Spot(manifest, path))
        return found

    def is_below(self, other: Spot) -> bool:
        """Say whether a spot is inside the folder that `other` would be."""
        return self.manifest == other.manifest and self.path.startswith(other.path + b"/")


class Amount(NamedTuple):
    """How much there is of something."""

    files: int
    folders: int
    size_bytes: int  # of the files together

    @classmethod
    def total(cls, amounts: Iterable[Amount]) -> Amount:
        """Return all of them together."""
        files = folders = size_bytes = 0
        for amount in amounts:
            files += amount.files
            folders += amount.folders
            size_bytes += amount.size_bytes
        return cls(files, folders, size_bytes)

    def less(self, other: Amount) -> Amount:
        """Return how much more this is than `other`, which is a part of it."""
        return Amount(
            self.files - other.files,
            self.folders - other.folders,
            self.size_bytes - other.size_bytes,
        )


NOTHING = Amount(0, 0, 0)


# -- what stands -----------------------------------------------------------------------------------
class Finding(StrEnum):
    """What stands at a path."""

    FILE = "file"
    FOLDER = "folder"
    MISSING = "missing"


DESCRIPTORS_ADVISED: Final = 65_536
"""Open files: more than any tree is deep and any network has links; what `ulimit -n` is given."""


class ReadFault(StrEnum):
    """Why something that stands there cannot be read, as far as a person can do something."""

    PERMISSION = "permission"  # this user may not
    DESCRIPTORS = "descriptors"  # this process has as many files open as it may
    SYSTEM_DESCRIPTORS = "system descriptors"  # so has the whole system
    DISK = "disk"  # the disk or its file system fails
    PRIVATE = "private"  # it is the private key of this device: nobody else may have it
    OTHER = "other"  # in the system's own words only


@dataclass(frozen=True, slots=True)
class Stat:
    """What the file system says of a file without reading it; equal stats: an unchanged file."""

    size: int  # bytes
    mtime_ns: int  # modification time
    ctime_ns: int  # change time
    inode: int  # file number
    executable: bool  # the owner's x bit

    @classmethod
    def of(cls, size: int, mtime_ns: int, ctime_ns: int, inode: int, *, executable: bool) -> Stat:
        """Return what a file system says, brought into what travels and can be kept."""
        first_ns, last_ns = limits.DATE_MIN_S * _SECOND_NS, limits.DATE_MAX_S * _SECOND_NS
        return cls(
            size,
            min(max(mtime_ns, first_ns), last_ns),
            min(max(ctime_ns, -_INT64_MAX), _INT64_MAX),
            inode % _INODES,
            executable,
        )


class PlaceRow(Struct, frozen=True, array_like=True):
    """What stands at one path of a folder on this disk, as far as the index knows."""

    path: bytes
    kind: Kind
    root: bytes  # of a folder: none; the rest is 0 then
    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    executable: bool


def amount_of(row: PlaceRow) -> Amount:
    """Return how much a row is."""
    return Amount(1, 0, row.size) if row.kind is Kind.FILE else Amount(0, 1, 0)


class SharedChange(NamedTuple):
    """What a new head of a manifest changes about one path."""

    path: bytes
    before: FileRecord | PlaceRow | None  # what the last head says of it; None: nothing
    after: FileRecord | None  # what the new one says; None: it is gone
    # the record of what was here and went, where somebody may lack it; None: nobody asked
    ended: FileRecord | None = None


# -- what is to stand ------------------------------------------------------------------------------
class Source(StrEnum):
    """Where what is placed comes from."""

    PART = "part"  # a complete part file
    LOCAL = "local"  # another file below Shared/ with this root: reflink, copy_file_range, copy
    MOVED = "moved"  # the same, but that file is to be removed anyway: renamed
    KEPT = "kept"  # an earlier version in the trash here has this root: reflink, copy
    EMPTY = "empty"  # a file of no bytes
    FOLDER = "folder"  # not a file: make the folder
    NONE = "none"  # remove what is there: to the trash


class Hindrance(StrEnum):
    """Why the disk did not do something, where it is one of the reasons people can act on."""

    SPACE = "disk full"
    QUOTA = "quota used up"
    INODES = "no inodes left"
    DENIED = "permission denied"
    IMMUTABLE = "immutable or not yours"
    READ_ONLY = "read-only file system"
    DESCRIPTORS = "too many open files"
    NAME_LONG = "name too long"
    NAME = "name not possible here"
    FILE_LARGE = "file too large"  # for the file system, or for this user
    OTHER_DISK = "other file system"
    MOUNTED = "mounted there"  # something is, right at that path
    IO = "input/output error"
    AWAY = "no answer"  # of the disk: its server, or the program that shows it, is away


NO_ROOM = frozenset({Hindrance.SPACE, Hindrance.QUOTA, Hindrance.INODES})
OF_THE_DISK = NO_ROOM | {Hindrance.READ_ONLY, Hindrance.IO, Hindrance.AWAY}
"""Reasons for which a person looks at the disk, and not at what was to be put on it."""
