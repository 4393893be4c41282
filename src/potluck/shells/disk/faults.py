"""Why something on the disk could not be read, in the few kinds a person can act on.

Strategy: an errno becomes a `ReadFault`, and the system's own words go along. What to type against
it is said by whoever tells people.

Guarantees: every OSError has an answer. Limits: what is gone, or is a link, is no fault: callers
sort those out first.
"""

from __future__ import annotations

import errno
import os
from typing import Final

from potluck.core.content.facts import ReadFault
from potluck.core.content.paths import SafePath
from potluck.engine.events import Unreadable

_FAULTS: Final = {
    errno.EACCES: ReadFault.PERMISSION,
    errno.EPERM: ReadFault.PERMISSION,
    errno.EMFILE: ReadFault.DESCRIPTORS,
    errno.ENFILE: ReadFault.SYSTEM_DESCRIPTORS,
    errno.EIO: ReadFault.DISK,
    errno.ESTALE: ReadFault.DISK,
    errno.EUCLEAN: ReadFault.DISK,
    errno.ENXIO: ReadFault.DISK,
    errno.ENODEV: ReadFault.DISK,
    errno.ENOTCONN: ReadFault.DISK,  # a FUSE whose program ended (sshfs)
    errno.ETIMEDOUT: ReadFault.DISK,  # a server that is away (NFS, CIFS)
    errno.EHOSTDOWN: ReadFault.DISK,
}


class PrivateKeyFound(OSError):
    """A file is a copy of this device's private key, or that itself."""


def unreadable(path: SafePath, error: OSError) -> Unreadable:
    """Return what an error says of the file or folder at a path."""
    if isinstance(error, PrivateKeyFound):
        return Unreadable(path, ReadFault.PRIVATE, str(error))
    fault = ReadFault.OTHER if error.errno is None else _FAULTS.get(error.errno, ReadFault.OTHER)
    return Unreadable(path, fault, words_of(error))


def is_of_the_disk(error: OSError) -> bool:
    """Say whether that is a disk, or a server, that fails: it says nothing of what stands there."""
    return _FAULTS.get(error.errno or 0) is ReadFault.DISK


def words_of(error: OSError) -> str:
    """Return an error in words: for want of descriptors plainly, else those of the system."""
    match error.errno:
        case errno.EMFILE:
            return "potluck has no file descriptors left"
        case errno.ENFILE:
            return "the system has no file descriptors left"
        case None:
            return str(error)
        case number:
            return error.strerror or os.strerror(number)
