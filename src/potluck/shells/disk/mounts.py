"""What is mounted below Shared/, and word of it as soon as that changes.

Strategy: Linux lists the mounts that this process sees in /proc/self/mountinfo, and whoever polls
that file is told of every change (proc(5)). Of the list only what lies below Shared/ counts; where
that is now, the descriptor of it says.

Guarantees: `MountTeller` posts the new list before anything that was seen after the change: whoever
hands over what a look found asks here first. Limits: without such a list (macOS) nothing is told;
what is mounted on Shared/ itself, or above it, is found by the marker (shells/disk/marker.py). A
mount whose path is no SafePath hides nothing that is shared.
"""

from __future__ import annotations

import os
import re
import select
import threading
from contextlib import suppress
from typing import Final

from potluck.core import limits
from potluck.core.content.paths import SafePath, parse_wire_path
from potluck.core.errors import UnsafePath
from potluck.engine.events import Mount, MountsSeen
from potluck.shells.disk.fsops import Share
from potluck.shells.loop.inbox import Inbox

TABLE: Final = "/proc/self/mountinfo"
NUMBER_FIELD, POINT_FIELD = 0, 4  # of a line: the mount's own number, and where it is mounted
_ESCAPED: Final = re.compile(rb"\\([0-7]{3})")
"""How the kernel writes blanks and the like in a path."""


class MountTable:
    """The list of mounts, held open; of no use without one."""

    def __init__(self, share: Share) -> None:
        """Open the list, if there is one."""
        self.mounts: tuple[Mount, ...] = ()  # what was below Shared/ when it was read last
        self._share: Final = share
        self._descriptor = -1
        with suppress(OSError):
            self._descriptor = os.open(TABLE, os.O_RDONLY | os.O_CLOEXEC)

    def __repr__(self) -> str:
        return f"<MountTable open={self._descriptor >= 0}>"

    @property
    def descriptor(self) -> int | None:
        """What to poll for POLLPRI: told once of all changes since it was polled last."""
        return self._descriptor if self._descriptor >= 0 else None

    def is_stirred(self) -> bool:
        """Say whether something was mounted or unmounted anywhere since this was asked last."""
        if self._descriptor < 0:
            return False
        poll = select.poll()
        poll.register(self._descriptor, select.POLLPRI)
        return bool(poll.poll(0))

    def look(self) -> bool:
        """Read the list; say whether what is below Shared/ is something else than before."""
        before = self.mounts
        if self._descriptor >= 0:
            with suppress(OSError):  # for want of memory: then it is as it was
                self.mounts = self._below_shared()
        return self.mounts != before

    def _below_shared(self) -> tuple[Mount, ...]:
        top = os.fsencode(os.readlink(f"/proc/self/fd/{self._share.shared_fd}")) + b"/"
        found = [_mount(line, top) for line in _whole(self._descriptor).splitlines()]
        return tuple(sorted((one for one in found if one is not None), key=_in_order))

    def close(self) -> None:
        """Let go of the list."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class MountTeller:
    """Posts MountsSeen when what is mounted below Shared/ is something else; for any thread."""

    def __init__(self, share: Share, inbox: Inbox) -> None:
        """Look for the first time when asked."""
        self._table: Final = MountTable(share)
        self._inbox: Final = inbox
        self._lock: Final = threading.Lock()
        self._begun = False

    def __repr__(self) -> str:
        return f"<MountTeller: {len(self._table.mounts)} mounts>"

    def tell(self) -> None:
        """Post what is mounted if that is news; what is posted after this is true of it."""
        with self._lock:
            stirred = self._table.is_stirred() or not self._begun
            self._begun = True
            if stirred and self._table.look():
                self._inbox.post(MountsSeen(self._table.mounts))

    def close(self) -> None:
        """Tell nothing more."""
        with self._lock:
            self._table.close()


def _whole(descriptor: int) -> bytes:
    """Return all of the list; what changes meanwhile stirs it again."""
    parts, offset = list[bytes](), 0
    while part := os.pread(descriptor, limits.MIB, offset):
        parts.append(part)
        offset += len(part)
    return b"".join(parts)


def _mount(line: bytes, top: bytes) -> Mount | None:
    """Return one line of the list if that is below `top`."""
    fields = line.split(b" ")
    point = _ESCAPED.sub(_unescaped, fields[POINT_FIELD])
    if not point.startswith(top):
        return None
    try:
        return Mount(parse_wire_path(point.removeprefix(top)), int(fields[NUMBER_FIELD]))
    except UnsafePath:
        return None


def _unescaped(found: re.Match[bytes]) -> bytes:
    return bytes([int(found[1], 8)])


def _in_order(mount: Mount) -> tuple[SafePath, int]:
    return mount.path, mount.number
