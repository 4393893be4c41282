"""Facts: what every floor says about files in the same words, so that nobody translates.

Strategy: here stand the values that the disk tells (`Stat`, `Finding`), that the index remembers
(`PlaceRow`), that an order names (`Source`), and the two names everything goes by: `ManifestName`,
which manifest, and `Spot`, which path in it. Events, effects, decisions and rows share them.

Guarantees: immutable values without behaviour that could be wrong; names are tuples, hence small,
hashable and ordered, by owner, then folder, then path. Limits: a spot says nothing of where it is
on this disk (engine/layout.py), nor whether anything stands there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct

from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import Folder, Head, Holding, Kind, ManifestAsk, ManifestPage


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
    def of(cls, said: Head | Holding | ManifestAsk | ManifestPage) -> ManifestName:
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
        every = list(amounts)
        return cls(
            sum(amount.files for amount in every),
            sum(amount.folders for amount in every),
            sum(amount.size_bytes for amount in every),
        )

    def less(self, other: Amount) -> Amount:
        """Return how much more this is than `other`, which is a part of it."""
        return Amount(*(one - part for one, part in zip(self, other, strict=True)))


NOTHING = Amount(0, 0, 0)


# -- what stands -----------------------------------------------------------------------------------
class Finding(StrEnum):
    """What stands at a path."""

    FILE = "file"
    FOLDER = "folder"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Stat:
    """What the file system says of a file without reading it; equal stats: an unchanged file."""

    size: int  # bytes
    mtime_ns: int  # modification time
    ctime_ns: int  # change time
    inode: int  # file number
    executable: bool  # the owner's x bit


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


# -- what is to stand ------------------------------------------------------------------------------
class Source(StrEnum):
    """Where what is placed comes from."""

    PART = "part"  # a complete part file
    LOCAL = "local"  # another file below Shared/ with this root: reflink, copy_file_range, copy
    MOVED = "moved"  # the same, but that file is to be removed anyway: renamed
    EMPTY = "empty"  # a file of no bytes
    FOLDER = "folder"  # not a file: make the folder
    NONE = "none"  # remove what is there: to the trash
