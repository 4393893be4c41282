"""Folder names: what is in a folder that is open, as it is now.

Strategy: whoever asks may have opened the folder long ago, and may not be the only one who asks. A
file system may fix at the opening how far a listing goes: btrfs does so since Linux 6.5, and what
was made later is left out. Two listings of one descriptor, on two threads, take names from each
other. So a folder is opened once more for each listing.

Guarantees: what was there before the call, and still is, is listed. Limits: what comes or goes
meanwhile may be listed or not.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from potluck.shells.disk.fsops import OPEN_FOLDER


def names_in(folder_fd: int) -> list[str]:
    """Return the names in a folder, in any order; raises OSError."""
    descriptor = os.open(".", OPEN_FOLDER, dir_fd=folder_fd)
    try:
        return os.listdir(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def entries_in(folder_fd: int) -> Iterator[Iterator[os.DirEntry[str]]]:
    """Yield what is in a folder, one by one; raises OSError."""
    descriptor = os.open(".", OPEN_FOLDER, dir_fd=folder_fd)
    try:
        with os.scandir(descriptor) as entries:
            yield entries
    finally:
        os.close(descriptor)
