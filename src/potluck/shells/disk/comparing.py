"""Whether two files, or two folders, hold the same, byte for byte.

Strategy: sizes first, then contents side by side up to the first difference, so that what differs
costs next to nothing. A folder is the same as another one if everything in it is found in that one;
what that one has besides does not count, since nothing is missing there. Every name is opened
without following links.

Guarantees: what is said to be the same was, when it was read; what is no file or folder, or cannot
be read, is the same as nothing. Limits: dates and rights are not compared. A tree is walked to
DEEPEST levels.
"""

from __future__ import annotations

import os
import stat as modes
from typing import Final

from potluck.core import limits
from potluck.shells.disk.folder_names import names_in
from potluck.shells.disk.fsops import enter, open_regular, stat_at

DEEPEST: Final = 200  # two descriptors a level; deeper trees are taken to differ
_READ_BYTES: Final = limits.MIB


def is_same_tree(source: int, name: str, folder: int, standing: str, depth: int = 0) -> bool:
    """Say whether all that `name` is in the folder `source` stands as `standing` in `folder`.

    Raises OSError or UnsafePath where something cannot be read.
    """
    wanted, found = stat_at(source, name), stat_at(folder, standing)
    if wanted is None or found is None:
        return False
    if modes.S_ISREG(wanted.st_mode) and modes.S_ISREG(found.st_mode):
        return wanted.st_size == found.st_size and _is_same_file(source, name, folder, standing)
    if modes.S_ISDIR(wanted.st_mode) and modes.S_ISDIR(found.st_mode) and depth < DEEPEST:
        return _is_same_folder(source, name, folder, standing, depth)
    return False


def _is_same_file(source: int, name: str, folder: int, standing: str) -> bool:
    one = open_regular(source, name)
    try:
        other = open_regular(folder, standing)
        try:
            return _read_alike(one, other)
        finally:
            os.close(other)
    finally:
        os.close(one)


def _read_alike(one: int, other: int) -> bool:
    if os.path.samestat(os.fstat(one), os.fstat(other)):
        return True
    at = 0
    while data := os.pread(one, _READ_BYTES, at):
        if os.pread(other, len(data), at) != data:
            return False
        at += len(data)
    return not os.pread(other, 1, at)


def _is_same_folder(source: int, name: str, folder: int, standing: str, depth: int) -> bool:
    one_fd = enter(source, name)
    try:
        other_fd = enter(folder, standing)
        try:
            if os.path.samestat(os.fstat(one_fd), os.fstat(other_fd)):
                return False  # the own folder itself: whoever brings it in says so
            return all(
                is_same_tree(one_fd, entry, other_fd, entry, depth + 1)
                for entry in names_in(one_fd)
            )
        finally:
            os.close(other_fd)
    finally:
        os.close(one_fd)
