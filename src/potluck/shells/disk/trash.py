"""Emptying the trash: what is too old goes, then the oldest of whoever has most there.

Strategy: the trash is `<day>/<label>/<path>`. Files are listed by the time they came there (their
ctime: the link or rename that put them there set it). Older than the limit goes at once; while the
rest is more than its share of the disk, the owner with most bytes loses the oldest file, so one
busy owner cannot push out the others' versions.

Guarantees: walks by descriptors and follows no link; removes nothing outside the trash; a file that
cannot be removed is left and counted as gone, so it never keeps the others from being pruned.
Limits: the listing is in memory, about 200 bytes a file.
"""

from __future__ import annotations

import errno
import os
from collections import defaultdict, deque
from dataclasses import dataclass, replace
from typing import Final

from potluck.core import limits
from potluck.engine.events import SpaceSeen
from potluck.shells.disk.folders import Folders
from potluck.shells.disk.fsops import Share

_SAFE_TO_SKIP: Final = (FileNotFoundError, PermissionError)
"""Such a file is counted as gone, so that it does not keep the others from being pruned."""
_RESTING_S: Final = 3600.0
"""An empty folder younger than this may be one that a batch is about to use."""
_BLOCK_BYTES: Final = 512
"""The unit of st_blocks, whatever the file system's own."""
_NS_A_S: Final = 1e9


TRASH_SHARE: Final = 0.10  # of the disk; beyond it the oldest goes, however young


@dataclass(frozen=True, slots=True)
class _Kept:
    came_ns: int
    folder: tuple[str, ...]
    name: str
    size_bytes: int


@dataclass(slots=True)
class _Pruned:
    files: int = 0
    early_files: int = 0  # of them, younger than the limit
    early_bytes: int = 0


def prune_trash(share: Share, now_s: float, keep_s: float, share_of_disk: float) -> int:
    """Remove what is older than `keep_s`, then the oldest until the trash is small enough.

    Returns how many files that were. `share_of_disk` is a fraction of the whole disk, 0.1 for a
    tenth. Raises OSError.
    """
    return _prune(share, now_s, keep_s, share_of_disk).files


def _prune(share: Share, now_s: float, keep_s: float, share_of_disk: float) -> _Pruned:
    owners, pruned = _list(share.trash_fd), _Pruned()
    with Folders(share.trash_fd) as folders:
        for kept in owners.values():
            while kept and kept[0].came_ns < (now_s - keep_s) * _NS_A_S:
                pruned.files += _remove(folders, kept.popleft())
        bytes_of = {label: sum(each.size_bytes for each in kept) for label, kept in owners.items()}
        limit = share.space().total_bytes * share_of_disk
        while sum(bytes_of.values()) > limit:
            label = max(bytes_of, key=lambda each: (bytes_of[each], each))
            oldest = owners[label].popleft()
            bytes_of[label] -= oldest.size_bytes
            removed = _remove(folders, oldest)
            pruned.files += removed
            pruned.early_files += removed
            pruned.early_bytes += removed * oldest.size_bytes
    _remove_empty_folders(share.trash_fd, now_s - _RESTING_S)
    return pruned


def prune_now(share: Share, now_s: float) -> SpaceSeen:
    """Remove what the rules let go, and say how full the disk is, what the trash still holds, and
    what it let go of early.

    Raises OSError.
    """
    pruned = _prune(share, now_s, limits.TRASH_S, TRASH_SHARE)
    kept = (each for owner in _list(share.trash_fd).values() for each in owner)
    return replace(
        share.space(),
        trash_bytes=sum(each.size_bytes for each in kept),
        early_files=pruned.early_files,
        early_bytes=pruned.early_bytes,
    )


def _list(trash_fd: int) -> dict[str, deque[_Kept]]:
    """Return the files of each owner, the oldest first."""
    owners: dict[str, list[_Kept]] = defaultdict(list)
    for folder, _folders, files, descriptor in os.fwalk(".", dir_fd=trash_fd):
        where = tuple(folder.split("/")[1:])  # without the "."
        label = where[1].partition("~")[0] if len(where) > 1 else ""
        for name in files:
            found = os.stat(name, dir_fd=descriptor, follow_symlinks=False)
            owners[label].append(
                _Kept(_came_ns(found), where, name, found.st_blocks * _BLOCK_BYTES)
            )
    return {
        label: deque(sorted(kept, key=lambda each: each.came_ns)) for label, kept in owners.items()
    }


def _came_ns(found: os.stat_result) -> int:
    """Return when a file came into the trash: the link or rename that put it there set ctime."""
    return found.st_ctime_ns


def _remove(folders: Folders, kept: _Kept) -> int:
    """Remove one file; return how many that were."""
    try:
        os.unlink(kept.name, dir_fd=folders.get(kept.folder))
    except _SAFE_TO_SKIP:
        return 0
    folders.trim()
    return 1


def _remove_empty_folders(trash_fd: int, before_s: float) -> None:
    """Remove empty folders, but not those that somebody may just be about to use."""
    for _folder, folders, _files, descriptor in os.fwalk(".", topdown=False, dir_fd=trash_fd):
        for name in folders:
            if os.stat(name, dir_fd=descriptor, follow_symlinks=False).st_mtime < before_s:
                _remove_if_empty(name, descriptor)


def _remove_if_empty(name: str, descriptor: int) -> None:
    try:
        os.rmdir(name, dir_fd=descriptor)
    except OSError as error:
        if error.errno != errno.ENOTEMPTY:
            raise
