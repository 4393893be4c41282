"""What is mounted below Shared/, and word of it as soon as that changes.

Strategy: Linux lists the mounts that this process sees in /proc/self/mountinfo, and whoever polls
that file is told that something was mounted or unmounted (proc(5)). Of the list only what lies
below Shared/ counts; where that is now, the descriptor of it says. Nothing in a line tells a mount
from the one that took its place: both may have one number, one device and one source. So after
every stir every mount counts as another one. A renamed folder takes the mounts in it along and
stirs nothing: the list is read whenever it is asked for.

Guarantees: `MountTeller` posts the new list before anything that was seen after the change: whoever
hands over what a look found asks here first. Nothing that is mounted is touched for that: a server
that is away may let whoever asks hang. Limits: without such a list (macOS) nothing is told; what is
mounted on Shared/ itself, or above it, is found by the marker (shells/disk/marker.py). A mount
whose path is no SafePath hides nothing that is shared. What was mounted and unmounted between two
readings, where nothing was mounted before, is not in any list.
"""

from __future__ import annotations

import os
import re
import select
import threading
from collections.abc import Iterable
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
_CHUNK_BYTES: Final = 64 * limits.KIB
"""Of one read; the kernel returns about one page at a time."""
_ESCAPED: Final = re.compile(rb"\\([0-7]{3})")
"""How the kernel writes blanks and the like in a path."""
_MOUNT: Final = re.compile(rb"^mnt_id:\s*(\d+)$", re.MULTILINE)
"""In which line the kernel says what mount a descriptor is on (proc(5)) …"""
_FDINFO_BYTES: Final = 4096
"""… which is one of a few."""
NO_MOUNT: Final = -1


def mount_of(descriptor: int) -> int:
    """Return the number of the mount that a descriptor is on, NO_MOUNT if nobody says."""
    try:
        told = os.open(f"/proc/self/fdinfo/{descriptor}", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:  # no such list, or no descriptor left for it
        return NO_MOUNT
    try:
        found = _MOUNT.search(os.read(told, _FDINFO_BYTES))
    finally:
        os.close(told)
    return int(found[1]) if found else NO_MOUNT


class MountTable:
    """The list of mounts, held open; of no use without one."""

    def __init__(self, share: Share) -> None:
        """Open the list, if there is one."""
        self.mounts: tuple[Mount, ...] = ()  # what was below Shared/ when it was read last
        self._share: Final = share
        self._stirs = 0  # that this table told of
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
        """Say whether something was mounted or unmounted anywhere since this was asked last.

        If so, whatever is found mounted from now on counts as something else than before.
        """
        if self._descriptor < 0:
            return False
        poll = select.poll()
        poll.register(self._descriptor, select.POLLPRI)
        stirred = bool(poll.poll(0))
        self._stirs += stirred
        return stirred

    def look(self) -> bool:
        """Read the list; say whether what is below Shared/ is something else than before."""
        before = self.mounts
        if self._descriptor >= 0:
            with suppress(OSError):  # for want of memory: then it is as it was
                self.mounts = self._below_shared()
        return self.mounts != before

    def _below_shared(self) -> tuple[Mount, ...]:
        top = os.fsencode(os.readlink(f"/proc/self/fd/{self._share.shared_fd}")) + b"/"
        lines = _whole(self._descriptor).splitlines()
        found = [_mount(line, top, self._stirs) for line in lines]
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

    def __repr__(self) -> str:
        return f"<MountTeller: {len(self._table.mounts)} mounts>"

    def tell(self) -> None:
        """Post what is mounted if that is news; what is posted after this is true of it."""
        with self._lock:
            self._table.is_stirred()  # first: what changes while the list is read stirs it again
            if self._table.look():
                self._inbox.post(MountsSeen(self._table.mounts))

    def concerns(self, paths: Iterable[SafePath]) -> bool:
        """Say whether something is mounted above, at or below one of these, as far as was told."""
        points = [mount.path for mount in self._table.mounts]
        return bool(points) and any(
            path.starts_with(point) or point.starts_with(path) for path in paths for point in points
        )

    def close(self) -> None:
        """Tell nothing more."""
        with self._lock:
            self._table.close()


def _whole(descriptor: int) -> bytes:
    """Return all of the list; what changes meanwhile stirs it again."""
    parts, offset = list[bytes](), 0
    while part := os.pread(descriptor, _CHUNK_BYTES, offset):
        parts.append(part)
        offset += len(part)
    return b"".join(parts)


def _mount(line: bytes, top: bytes, stirs: int) -> Mount | None:
    """Return one line of the list if that is below `top`."""
    fields = line.split(b" ")
    point = _ESCAPED.sub(_unescaped, fields[POINT_FIELD])
    if not point.startswith(top):
        return None
    try:
        path = parse_wire_path(point.removeprefix(top))
    except UnsafePath:
        return None
    return Mount(path, int(fields[NUMBER_FIELD]), stirs)


def _unescaped(found: re.Match[bytes]) -> bytes:
    return bytes([int(found[1], 8)])


def _in_order(mount: Mount) -> tuple[SafePath, int]:
    return mount.path, mount.number
