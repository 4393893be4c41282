"""Whether any process has a file open for writing, as the kernel knows it.

Strategy: Linux grants a read lease on a file only while nobody has it open for writing, or mapped
so (fcntl(2), F_SETLEASE). It is asked for and given back at once. Who opens the file for writing in
that moment waits for it; word of that would come as a signal, which is made one that nobody minds.

Guarantees: a yes is true of the moment in which it was asked. Limits: leases are for files of this
user (or root) on file systems that have them, not NFS or FUSE, and other systems have none: there
the answer is always no, which claims nothing. Who opens with O_NONBLOCK in that moment is refused.
"""

from __future__ import annotations

import fcntl
import os
import signal
from typing import Final

from potluck.core.content.paths import SafePath
from potluck.core.errors import UnsafePath
from potluck.shells.disk.fsops import Share

_HAS_LEASES: Final = hasattr(fcntl, "F_SETLEASE") and hasattr(fcntl, "F_SETSIG")


def nobody_writes(share: Share, path: SafePath) -> bool:
    """Say whether it is known that nobody has a file open for writing."""
    if not _HAS_LEASES:
        return False
    try:
        descriptor = share.open_file(path)
    except (OSError, UnsafePath):
        return False
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True
