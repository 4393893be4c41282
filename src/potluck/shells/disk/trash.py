"""Emptying the trash: what is too old goes, then the oldest of whoever has most there.

Strategy: what came 30 days of the program ago, or earlier, goes at once (trash_days.py). While the
rest is more than its share of the disk, the owner with most bytes loses the oldest file, so one
busy owner cannot push out the others' versions. So it is while less of the disk is free than the
reserve that nothing is fetched into: what is kept never makes a disk fuller than that. Only files
that have no other name go for that, since removing another one frees nothing. What is wanted back
stays, however old: the engine says of which paths that is so, and it may be the last copy.

Guarantees: walks by descriptors and follows no link; removes nothing outside the trash; a file that
cannot be removed is left and counted as gone, so it never keeps the others from being pruned. No
clock decides what is too old. Limits: the listing is in memory, about 400 bytes a file. Where the
file system keeps blocks of removed files (snapshots), removing frees nothing at once, and the next
round removes more.
"""

from __future__ import annotations

import errno
import os
from collections import defaultdict, deque
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from typing import Final

from potluck.core import limits
from potluck.core.content.swarm.room import reserve_of
from potluck.core.errors import UnsafePath
from potluck.engine.events import SpaceSeen
from potluck.shells.disk.folders import Folders
from potluck.shells.disk.fsops import Share, stat_at
from potluck.shells.disk.trash_days import day_now
from potluck.shells.disk.trash_layout import read_top
from potluck.shells.disk.trash_walk import KeptFile, all_kept

TRASH_SHARE: Final = 0.10  # of the disk; beyond it the oldest goes, however young
KEEP_DAYS: Final = round(limits.TRASH_S / 86_400)
_SAFE_TO_SKIP: Final = (FileNotFoundError, PermissionError, NotADirectoryError, UnsafePath)
"""Such a file is counted as gone, so that it does not keep the others from being pruned."""


def prune_trash(
    share: Share, wanted: Collection[bytes] = (), share_of_disk: float = TRASH_SHARE
) -> SpaceSeen:
    """Remove what the rules let go, and say how full the disk is, what the trash still holds, and
    what it let go of early.

    Of the paths below Shared/ that are `wanted` all versions stay.
    `share_of_disk` is a fraction of the whole disk, 0.1 for a tenth. Raises OSError.
    """
    day, before = day_now(share), share.space()
    with Folders(share.trash_fd) as folders:
        owners = _oldest_first(share.trash_fd)
        pruning = _Pruning(folders, owners, wanted)
        pruning.let_go_old(day)
        pruning.let_go_while(
            lambda: pruning.kept_bytes > before.total_bytes * share_of_disk, lambda _kept: True
        )
        reserve_bytes = reserve_of(before.total_bytes)
        pruning.let_go_while(
            lambda: before.free_bytes + pruning.freed_bytes < reserve_bytes,
            lambda kept: kept.found.st_nlink == 1,
        )
    _remove_empty_folders(share.trash_fd, day)
    return replace(
        share.space(),
        trash_bytes=pruning.kept_bytes + pruning.wanted_bytes,
        early_files=pruning.early_files,
        early_bytes=pruning.early_bytes,
    )


@dataclass(slots=True)
class _Pruning:
    """One round."""

    folders: Folders
    owners: dict[str, deque[KeptFile]]  # the oldest of each first, in the end what may go
    wanted: Collection[bytes]  # paths below Shared/
    early_files: int = 0
    early_bytes: int = 0
    freed_bytes: int = 0  # by removing a last name
    wanted_bytes: int = 0  # of what stays: nobody else's has to go for that
    _bytes_of: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for label, every in self.owners.items():
            kept = deque(each for each in every if not self._is_wanted(each))
            self.owners[label] = kept
            self._bytes_of[label] = sum(each.disk_bytes for each in kept)
            self.wanted_bytes += sum(each.disk_bytes for each in every) - self._bytes_of[label]

    def _is_wanted(self, kept: KeptFile) -> bool:
        return bool(self.wanted) and kept.path is not None and kept.path.wire in self.wanted

    @property
    def kept_bytes(self) -> int:
        """How much the trash still holds of what may go."""
        return sum(self._bytes_of.values())

    def let_go_old(self, day: int) -> None:
        """Remove what is older than the rule; all of a day is as old as its end."""
        for label, kept in self.owners.items():
            while kept and kept[0].top is not None and kept[0].top.day + KEEP_DAYS < day:
                self._remove(label, kept.popleft())

    def let_go_while(
        self, too_much: Callable[[], bool], may_go: Callable[[KeptFile], bool]
    ) -> None:
        """Remove the oldest of whoever has most of what may go, while there is too much."""
        if not too_much():
            return
        for label, kept in self.owners.items():
            self.owners[label] = deque(each for each in kept if may_go(each))
        while too_much() and any(self.owners.values()):
            label = max(
                (label for label, kept in self.owners.items() if kept),
                key=lambda each: (self._bytes_of[each], each),
            )
            oldest = self.owners[label].popleft()
            removed = self._remove(label, oldest)
            self.early_files += removed
            self.early_bytes += removed * oldest.disk_bytes

    def _remove(self, label: str, kept: KeptFile) -> int:
        """Remove one file; return how many that were."""
        self._bytes_of[label] -= kept.disk_bytes
        try:
            folder = self.folders.get(kept.folder)
            if not _is_still(kept, stat_at(folder, kept.name)):
                return 0  # another round was faster, and something else came under that name
            os.unlink(kept.name, dir_fd=folder)
        except _SAFE_TO_SKIP:
            return 0
        self.folders.trim()
        if kept.found.st_nlink == 1:
            self.freed_bytes += kept.disk_bytes
        return 1


def _is_still(kept: KeptFile, found: os.stat_result | None) -> bool:
    """Say whether that is the file that was listed: inode numbers are given out again."""
    if found is None:
        return False
    listed = kept.found
    return os.path.samestat(found, listed) and found.st_mtime_ns == listed.st_mtime_ns


def _oldest_first(trash_fd: int) -> dict[str, deque[KeptFile]]:
    """Return the files of each owner, the oldest first."""
    owners: dict[str, list[KeptFile]] = defaultdict(list)
    for kept in all_kept(trash_fd):
        if kept.top is not None:  # else it counts as come today as soon as it has its name
            owners[kept.owner].append(kept)
    return {
        label: deque(sorted(kept, key=lambda each: each.order)) for label, kept in owners.items()
    }


def _remove_empty_folders(trash_fd: int, day: int) -> None:
    """Remove empty folders, but not those that somebody may just be about to use."""
    for folder, folders, _files, descriptor in os.fwalk(".", topdown=False, dir_fd=trash_fd):
        below = folder.split("/")[1:2]
        for name in folders:
            top = read_top(below[0] if below else name)
            if top is not None and top.day + 1 < day:
                _remove_if_empty(name, descriptor)


def _remove_if_empty(name: str, descriptor: int) -> None:
    try:
        os.rmdir(name, dir_fd=descriptor)
    except OSError as error:
        if error.errno not in {errno.ENOTEMPTY, errno.ENOTDIR, errno.ENOENT}:
            raise
