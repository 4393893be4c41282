"""The marker of a share: which share of which device this FOLDER is; and the folders of owners.

Strategy: `.potluck/marker` is a small JSON file, replaced by one rename. Before anything below
`Shared/` is called missing, the marker is read by name: what stands there *now* counts, not what we
hold open, so a disk that is not mounted, another disk in its place, or a link where the own folder
was, is no deleted file. A disk that went and came back is another one to the kernel while we hold
the old one, and of one that was mounted anew what is mounted in it is not seen through what we
hold: that is said as what it is, since only a new start takes hold of it. Where something
else stands in the place of the own folder no marker is written, and what that is is told: nothing
is moved out of the way but a folder at the new name of one that gets it (moving.py).

Guarantees: the marker is the old or the new one at every moment, and durable before anybody hears
of it; what cannot be read is an absent share, never an empty one. A folder of an owner is renamed
only while the marker says that this is the share, or with it. Limits: `make_folders` makes nothing
durable: a folder that a power cut takes back is made again at the next start. Without
/proc/self/fdinfo (macOS) a disk that was mounted anew is taken for what we hold.
"""

from __future__ import annotations

import errno
import json
import os
import stat as modes
from dataclasses import dataclass, replace
from typing import Final, TypeGuard

from potluck.core.content.facts import DESCRIPTORS_ADVISED, Finding
from potluck.core.content.paths import SafePath, parse_wire_path
from potluck.core.errors import UnsafePath
from potluck.core.keys.identity import DeviceId
from potluck.engine.effects import MarkShare, MoveFolder
from potluck.engine.events import FolderMoved, ShareSeen, UnwrittenMarker
from potluck.engine.own.share_state import FAILS
from potluck.shells.disk.faults import is_of_the_disk, words_of
from potluck.shells.disk.fsops import (
    OPEN_FILE,
    Share,
    crashpoint,
    enter,
    open_regular,
    open_top,
    stat_at,
    what_is,
    write_all,
)
from potluck.shells.disk.mounts import NO_MOUNT, mount_of
from potluck.shells.disk.moving import move_folder

_STAYS: Final = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ENOTEMPTY, errno.EEXIST, errno.EBUSY})
"""Gone already, no folder, not empty, or something is mounted there: that is told as what it is."""
_BACK: Final = "back"
_ANOTHER: Final = "another share"
_ANOTHER_DEVICE: Final = "another device"
_GONE: Final = "gone"
_UNMARKED: Final = "another folder"
MARKER_BYTES: Final = 4096
"""More than three ids in hexadecimal need; whatever is longer was not written by us."""


@dataclass(frozen=True, slots=True)
class Marker:
    """What `.potluck/marker` says."""

    group: bytes
    device: bytes
    share: bytes


@dataclass(frozen=True, slots=True)
class Whose:
    """What the marker of this share must say."""

    device: bytes  # id of this device
    share: bytes  # id of the share, as STATE remembers it


class ShareMarker:
    """Says which share a folder is, and sees whether it still is that one."""

    def __init__(self, share: Share, whose: Whose) -> None:
        """Stand for the share `whose` in the folder of `share`."""
        self._share: Final = share
        self._whose: Final = whose

    def __repr__(self) -> str:
        return f"ShareMarker({self._share.folder!r})"

    def mark(self, order: MarkShare) -> ShareSeen:
        """Make the own folder, write the marker, say what is there; raises OSError, UnsafePath."""
        own, aside = parse_wire_path(order.label.encode()), tuple[str, ...]()
        if order.former:
            aside = self._take_along(parse_wire_path(order.former.encode()), own)
        found = stat_at(self._share.shared_fd, own.name)
        if found is not None and not modes.S_ISDIR(found.st_mode):
            return _in_the_way(order, what_is(found))
        os.close(self._share.open_folder(own, create=True))
        os.fsync(self._share.shared_fd)
        self.write(order.group)
        return replace(self.state(own), label=order.label, aside=aside)

    def move_folder(self, order: MoveFolder) -> FolderMoved:
        """Give the folder of another owner its new name; raises OSError or UnsafePath."""
        former, label = (parse_wire_path(name.encode()) for name in (order.former, order.label))
        if not self.state().present:
            return FolderMoved(order.order, "the share is offline")
        return FolderMoved(order.order, "", move_folder(self._share, former, label))

    def drop_folder(self, label: str) -> None:
        """Remove an empty folder directly in Shared/; raises OSError or UnsafePath."""
        if not self.state().present:
            return
        path = parse_wire_path(label.encode())
        try:
            os.rmdir(path.name, dir_fd=self._share.shared_fd)
        except OSError as error:
            if error.errno not in _STAYS:
                raise
        os.fsync(self._share.shared_fd)

    def make_folders(self, labels: tuple[str, ...]) -> None:
        """Make the owner folders that are missing; raises OSError or UnsafePath."""
        for label in labels:
            path = parse_wire_path(label.encode())
            if self._share.stat(path).finding is Finding.MISSING:
                os.close(self._share.open_folder(path, create=True))

    def write(self, group: bytes) -> None:
        """Say durably which share this folder is; replaces an older marker in one rename."""
        private, whose = self._share.private_fd, self._whose
        ids = {"group": group, "device": whose.device, "share": whose.share}
        text = json.dumps({name: number.hex() for name, number in ids.items()})
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | OPEN_FILE
        descriptor = os.open("marker.new", flags, 0o600, dir_fd=private)
        try:
            write_all(descriptor, text.encode() + b"\n")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        crashpoint("before_marker_rename")
        os.rename("marker.new", "marker", src_dir_fd=private, dst_dir_fd=private)
        os.fsync(private)

    def read(self) -> Marker | None:
        """Return what the marker says, or None if there is none; raises OSError or ValueError."""
        return _read(self._share.top_fd)

    def state(self, *tops: SafePath) -> ShareSeen:
        """Say whether this folder is that share now, and `tops` on the same disk as the marker."""
        try:
            return self._known_again(self._state(tops))
        except (OSError, ValueError, UnsafePath) as error:
            return self._known_again(ShareSeen(present=False, reason=_why_unreadable(error)))

    def glance(self) -> ShareSeen | None:
        """Say the same in passing; None for want of descriptors: that is no news of the share."""
        try:
            return self._known_again(self._state(()))
        except (OSError, ValueError, UnsafePath) as error:
            if _lacks_descriptors(error):
                return None
            return self._known_again(ShareSeen(present=False, reason=_why_unreadable(error)))

    def is_back(self) -> bool:
        """Say whether FOLDER, by name, is this share, and not what we hold."""
        return self._by_name() == _BACK

    def _known_again(self, seen: ShareSeen) -> ShareSeen:
        """Return what was seen; of an absent share whose FOLDER, by name, is not what we hold,
        which share that is.
        """
        if seen.present:
            return seen
        by_name = self._by_name()
        return ShareSeen(present=False, reason=by_name) if by_name else seen

    def _by_name(self) -> str:
        """Return what FOLDER is, by name, if it is not what we hold, or that its disk fails; "" if
        it is what we hold, or nobody knows.
        """
        try:
            top_fd = open_top(self._share.folder)
        except OSError as error:
            gone = isinstance(error, FileNotFoundError | NotADirectoryError)
            return _GONE if gone else _failing(error)
        try:
            if self._is_held(top_fd):
                return ""
            marker, whose = _read(top_fd), self._whose
        except (OSError, ValueError, UnsafePath) as error:
            return _failing(error)
        finally:
            os.close(top_fd)
        if marker is None:
            return _UNMARKED
        is_ours = Whose(marker.device, marker.share) == whose
        return _BACK if is_ours else _other(marker, whose)

    def _is_held(self, top_fd: int) -> bool:
        """Say whether that is what we hold; not if what we hold of it is of no use any more, as
        after a server of NFS began anew: then only a new start takes hold of it.
        """
        try:
            self._check_held()
            return _is_one_place(top_fd, self._share.top_fd)
        except OSError:
            return False

    def _check_held(self) -> None:
        """Raise OSError if something we hold open answers with an error."""
        share = self._share
        for descriptor in (share.shared_fd, share.private_fd, share.tmp_fd, share.trash_fd):
            os.fstat(descriptor)

    def _state(self, tops: tuple[SafePath, ...]) -> ShareSeen:
        """Say what `state` says; raises OSError, ValueError or UnsafePath."""
        marker = self.read()
        self._check_held()
        one_disk, instead = self._is_one_disk(tops)
        if marker is None:
            return ShareSeen(present=False, reason="missing")
        if marker.share != self._whose.share:
            return ShareSeen(present=False, reason=_other(marker, self._whose))
        if not one_disk:
            return ShareSeen(present=False, reason="other file system")
        if instead:
            return ShareSeen(present=False, reason=f"there, but {instead}")
        return ShareSeen(present=True, reason="")

    def _is_one_disk(self, tops: tuple[SafePath, ...]) -> tuple[bool, str]:
        """Say whether FOLDER, by name, is still what we hold, and all of it on one disk; and what
        stands in the place of one of the `tops`, "" if nothing does.
        """
        top_fd, by_name = self._share.top_fd, open_top(self._share.folder)
        try:
            if not _is_one_place(by_name, top_fd):
                return False, ""
        finally:
            os.close(by_name)
        found, instead = [stat_at(top_fd, ".potluck"), stat_at(top_fd, "Shared")], ""
        if tops:
            shared = enter(top_fd, "Shared")  # by name: something may be mounted over what we hold
            try:
                for name in {top.parts[0] for top in tops}:
                    found.append(stat_at(shared, name))
                    instead = instead or _instead_of_folder(name, found[-1])
            finally:
                os.close(shared)
        # An own folder that is not there is a delete, and there are breakers for those.
        return len({each.st_dev for each in found if each is not None}) == 1, instead

    def _take_along(self, former: SafePath, own: SafePath) -> tuple[str, ...]:
        """Rename the former own folder; return where that went which stood at the new name.

        What is no folder there is left, and told.
        """
        found = stat_at(self._share.shared_fd, own.name)
        if found is not None and not modes.S_ISDIR(found.st_mode):
            return ()
        return move_folder(self._share, former, own)


def marked_by(share: Share, device: DeviceId) -> bytes:
    """Return which share a folder is as the marker says that this device wrote; b"" if none is."""
    try:
        marker = ShareMarker(share, Whose(device, b"")).read()
    except (OSError, ValueError, UnsafePath):
        return b""  # whoever looks whether it is the share says what is wrong with it
    return marker.share if marker is not None and marker.device == device else b""


def marker_in(folder: str) -> Marker | None:
    """Return what the marker of a folder says, None if it has none that can be read; by name, and
    nothing is made there.
    """
    try:
        top_fd = open_top(folder)
    except OSError:
        return None
    try:
        return _read(top_fd)
    except (OSError, ValueError, UnsafePath):
        return None
    finally:
        os.close(top_fd)


def _read(top_fd: int) -> Marker | None:
    try:
        private = enter(top_fd, ".potluck")  # what stands there *now* counts
    except FileNotFoundError:
        return None
    try:
        descriptor = open_regular(private, "marker")
    except FileNotFoundError:
        return None
    finally:
        os.close(private)
    try:
        fields = json.loads(os.read(descriptor, MARKER_BYTES))
        return Marker(*(bytes.fromhex(fields[name]) for name in ("group", "device", "share")))
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError("the marker lacks a field") from error
    finally:
        os.close(descriptor)


def _other(marker: Marker, whose: Whose) -> str:
    return _ANOTHER if marker.device == whose.device else _ANOTHER_DEVICE


def _is_one_place(one: int, other: int) -> bool:
    """Say whether two descriptors are of one folder, by one mount; raises OSError."""
    if not os.path.samestat(os.fstat(one), os.fstat(other)):
        return False
    mounts = {mount_of(one), mount_of(other)}
    return len(mounts) == 1 or NO_MOUNT in mounts


def _in_the_way(order: MarkShare, instead: str) -> ShareSeen:
    why = f"a {instead} stands where the own folder must be"
    unwritten = UnwrittenMarker(order.group, order.label, order.former, why, instead)
    return ShareSeen(present=False, reason=f"not written: {why}", unwritten=unwritten)


def _instead_of_folder(name: str, found: os.stat_result | None) -> str:
    """Return what stands where a folder should: who moved it meant no delete."""
    if found is None or modes.S_ISDIR(found.st_mode):
        return ""
    return f"Shared/{name} is a {what_is(found)}: put the folder itself there"


def _why_unreadable(error: OSError | ValueError | UnsafePath) -> str:
    """Return why the marker could not be read: want of descriptors is no fault of the disk, and a
    disk that fails is not another folder.
    """
    if _lacks_descriptors(error):
        return f"unreadable: {words_of(error)}; try: ulimit -n {DESCRIPTORS_ADVISED}"
    return _failing(error) or "unreadable"


def _failing(error: OSError | ValueError | UnsafePath) -> str:
    if isinstance(error, OSError) and is_of_the_disk(error):
        return f"{FAILS}{words_of(error)}"
    return ""


def _lacks_descriptors(error: OSError | ValueError | UnsafePath) -> TypeGuard[OSError]:
    return isinstance(error, OSError) and error.errno in {errno.EMFILE, errno.ENFILE}
