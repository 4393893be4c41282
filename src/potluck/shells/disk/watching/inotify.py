"""The kernel's inotify by ctypes: what the watching libraries keep to themselves.

Strategy: four calls of libc and one struct. We need `Q_OVERFLOW`, `CLOSE_WRITE` and the rename
cookies; the known libraries swallow one or more of them, and one loses events of a full queue
without a word. A folder is watched by its open descriptor through `/proc/self/fd`, so no name is
looked up twice.

Guarantees: reading never blocks; a failed call raises OSError with the kernel's number; descriptors
are not inherited. Limits: Linux only (`available()` says so), and `/proc` must be mounted. One
instance belongs to one thread.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections.abc import Iterator
from enum import IntFlag
from typing import Final, NamedTuple


class Mask(IntFlag):
    """The bits of an event, and of what is asked for; names and numbers of <sys/inotify.h>."""

    MODIFY = 0x2
    ATTRIB = 0x4
    CLOSE_WRITE = 0x8
    MOVED_FROM = 0x40
    MOVED_TO = 0x80
    CREATE = 0x100
    DELETE = 0x200
    DELETE_SELF = 0x400
    MOVE_SELF = 0x800
    UNMOUNT = 0x2000
    Q_OVERFLOW = 0x4000
    IGNORED = 0x8000
    ONLYDIR = 0x1000000
    EXCL_UNLINK = 0x4000000
    ISDIR = 0x40000000


class Notice(NamedTuple):
    """One event as the kernel gave it."""

    watch: int  # which watch; -1 for Q_OVERFLOW
    mask: int  # bits of Mask, a plain int since there are very many of these
    cookie: int  # the same for both halves of a rename, else 0
    name: bytes  # in the watched folder, b"" for the folder itself


_HEAD: Final = struct.Struct("iIII")
"""Watch, mask, cookie, length of the name with its padding."""
_READ_BYTES: Final = 256 * 1024
"""Some 5,000 events: a third of the kernel's default queue."""
_LONGEST_BYTES: Final = _HEAD.size + 256
"""Of one event: a name of 255 bytes and its padding."""


def available() -> bool:
    """Say whether this system has inotify."""
    return sys.platform == "linux"


class Inotify:
    """One queue of events and the watches that feed it."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._libc.inotify_add_watch.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_uint32)
        self._descriptor: int = self._checked(
            self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        )
        self.emptied = False  # by the last read: nothing was left behind it

    def __repr__(self) -> str:
        return f"Inotify({self._descriptor})"

    def fileno(self) -> int:
        """Return the descriptor to wait on."""
        return self._descriptor

    def watch(self, folder: int, mask: int) -> int:
        """Watch the folder open as `folder`; the same folder always gives the same number."""
        name = b"/proc/self/fd/%d" % folder
        return self._checked(self._libc.inotify_add_watch(self._descriptor, name, mask))

    def unwatch(self, watch: int) -> None:
        """End a watch; nothing happens if the kernel ended it already."""
        self._libc.inotify_rm_watch(self._descriptor, watch)

    def read(self) -> list[Notice]:
        """Return what is waiting, perhaps nothing."""
        try:
            data = os.read(self._descriptor, _READ_BYTES)
        except BlockingIOError:
            data = b""
        self.emptied = len(data) <= _READ_BYTES - _LONGEST_BYTES  # else one more had no room
        return list(_notices(data))

    def close(self) -> None:
        """Give the queue and all watches back."""
        os.close(self._descriptor)

    @staticmethod
    def _checked(result: int) -> int:
        if result < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
        return result


def _notices(data: bytes) -> Iterator[Notice]:
    offset = 0
    while offset < len(data):
        watch, mask, cookie, length = _HEAD.unpack_from(data, offset)
        offset += _HEAD.size
        yield Notice(watch, mask, cookie, data[offset : offset + length].rstrip(b"\0"))
        offset += length
