"""Landlock: what this program may write is named once, before it hears of anybody, and never more.

Strategy: Linux lets a thread give up rights for itself and for all threads and programs it starts
(landlock(7)): three system calls, made here through ctypes. All kinds of *writing* are given up:
making, replacing, truncating, renaming, linking and removing files and folders. They stay allowed
below the folders that are named, on the device that takes everything and keeps nothing
(/dev/null), and on nothing else. Reading is as free as before, since `add` takes files from
anywhere. Devices are made nowhere, not even there.

Guarantees: on a thread that was confined, and on all that it starts, no name leads out of those
folders for writing, whatever a path is taken for, but for what is said below of early versions;
that cannot be undone. Where it cannot be done writing is as free as before, and why is said in
words for a person. A folder is known by itself, not by its name: it stays writable when it is moved
away and back or something is mounted over it or in it, and another folder in its place does not
become so.

Limits: before Linux 6.2 any file that this user may change can still be cut off by its name
(truncate(2)), which is said. Where the very last step fails, since others confined the program too
often, the thread has given up set-user-id programs all the same. Threads that run already stay as
they are. What was opened before stays open. Rights, times
and owners of files, and sockets of the network, are no business of Landlock. Who runs code of its
own in the program can have a thread that is not confined work for it. Needs Linux 5.19: before that
nothing could be renamed from one folder into another. System call numbers are those of every
architecture but alpha.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import struct
import sys
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from potluck.core.content.paths import printable

# include/uapi/asm-generic/unistd.h
_CREATE_RULESET: Final = 444
_ADD_RULE: Final = 445
_RESTRICT_SELF: Final = 446
# linux/landlock.h
_ASK_VERSION: Final = 1
_PATH_BENEATH: Final = 1
_WRITE_FILE: Final = 1 << 1
_REMOVE: Final = 1 << 4 | 1 << 5  # folders, files
_MAKE_DEVICE: Final = 1 << 6 | 1 << 11  # of characters, of blocks
_MAKE: Final = 1 << 7 | 1 << 8 | 1 << 9 | 1 << 10 | 1 << 12  # folder, file, socket, FIFO, link
_REFER: Final = 1 << 13  # from one folder into another; since version 2
_TRUNCATE: Final = 1 << 14  # by name; since version 3, before that it is not restricted
_VERSION_MIN: Final = 2
_VERSION_TRUNCATE: Final = 3
# linux/prctl.h
_SET_NO_NEW_PRIVILEGES: Final = 38

_WHY: Final = {
    errno.ENOSYS: "this Linux has no Landlock, or a first one that is of no use (5.19 is needed)",
    errno.EOPNOTSUPP: "Landlock is not switched on in this Linux (boot option lsm=)",
    errno.E2BIG: "this program was confined by others too often; "
    "it starts no set-user-id programs now",
}
CUTTING_OFF: Final = "files elsewhere may still be cut off by their names (Linux 6.2 is needed)"
_NULL_DEVICE: Final = os.makedev(1, 3)


@dataclass(frozen=True, slots=True)
class Confinement:
    """Whether writes are confined, and why not, or what is free all the same."""

    on: bool
    reason: str  # "" if on and nothing is


class _Failed(Exception):
    """A system call did not do what was asked."""

    def __init__(self, number: int) -> None:
        super().__init__(_WHY.get(number) or os.strerror(number))


def confine_writes(folders: Iterable[str]) -> Confinement:
    """Let this thread, and all it will start, write below these folders only."""
    if sys.platform != "linux":
        return Confinement(on=False, reason="only Linux can do that")
    try:
        free = _confine(folders)
    except _Failed as failed:
        return Confinement(on=False, reason=str(failed))
    except OSError as error:
        return Confinement(on=False, reason=f"{printable(error.filename)}: {error.strerror}")
    return Confinement(on=True, reason=free)


def _confine(folders: Iterable[str]) -> str:
    """Do it and return what is free all the same, "" if nothing is; raises _Failed or OSError."""
    version = _call(_CREATE_RULESET, None, 0, _ASK_VERSION)
    if version < _VERSION_MIN:
        raise _Failed(errno.ENOSYS)
    allowed = _WRITE_FILE | _REMOVE | _MAKE | _REFER
    if version >= _VERSION_TRUNCATE:
        allowed |= _TRUNCATE
    attributes = struct.pack("=Q", allowed | _MAKE_DEVICE)
    rules = _call(_CREATE_RULESET, attributes, len(attributes), 0)
    try:
        for folder in folders:
            _allow(rules, folder, allowed, os.O_DIRECTORY)
        _allow_null(rules, allowed & (_WRITE_FILE | _TRUNCATE))
        _no_new_privileges()
        _call(_RESTRICT_SELF, rules, 0)
    finally:
        os.close(rules)
    return "" if allowed & _TRUNCATE else CUTTING_OFF


def _allow_null(rules: int, rights: int) -> None:
    """Allow the null device, if there is one: who lets a stream go needs it, and programs do."""
    with suppress(OSError):
        found = os.lstat(os.devnull)
        if stat.S_ISCHR(found.st_mode) and found.st_rdev == _NULL_DEVICE:
            _allow(rules, os.devnull, rights, os.O_NOFOLLOW)


def _allow(rules: int, path: str, rights: int, flags: int) -> None:
    below = os.open(path, os.O_PATH | flags | os.O_CLOEXEC)
    try:
        _call(_ADD_RULE, rules, _PATH_BENEATH, struct.pack("=Qi", rights, below), 0)
    finally:
        os.close(below)


def _no_new_privileges() -> None:
    """Give up set-user-id programs: else who is confined could start one that is not."""
    library = ctypes.CDLL(None, use_errno=True)
    zero = ctypes.c_ulong(0)
    if library.prctl(_SET_NO_NEW_PRIVILEGES, ctypes.c_ulong(1), zero, zero, zero):
        raise _Failed(ctypes.get_errno())


def _call(number: int, *arguments: int | bytes | None) -> int:
    """Make a system call; raises _Failed."""
    library = ctypes.CDLL(None, use_errno=True)
    library.syscall.restype = ctypes.c_long
    given = [ctypes.c_long(one) if isinstance(one, int) else one for one in arguments]
    result: int = library.syscall(ctypes.c_long(number), *given)
    if result < 0:
        raise _Failed(ctypes.get_errno())
    return result
