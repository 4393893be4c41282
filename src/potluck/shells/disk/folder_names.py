"""Folder names: what is in a folder that is open, as it is now.

Strategy: whoever asks may have opened the folder long ago, and may have asked before. A file system
may fix at the opening, or at the rewinding, how far a listing goes: btrfs does so since Linux 6.5,
and what was made later is left out. `os.listdir` rewinds when it is done, so its next listing would
be as old as the last one. Here the folder is rewound before it is read. Guarantees: what was there
before the call, and still is, is listed. Limits: what comes or goes meanwhile may be listed or not.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager


def names_in(folder_fd: int) -> list[str]:
    """Return the names in a folder, in any order; raises OSError."""
    os.lseek(folder_fd, 0, os.SEEK_SET)
    return os.listdir(folder_fd)


def entries_in(folder_fd: int) -> AbstractContextManager[Iterator[os.DirEntry[str]]]:
    """Return what is in a folder, one by one, to be closed by `with`; raises OSError."""
    os.lseek(folder_fd, 0, os.SEEK_SET)
    return os.scandir(folder_fd)
