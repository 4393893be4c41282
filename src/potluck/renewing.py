"""Renewing: an empty folder takes the place of one that is gone, and the others fill it.

Strategy: a person says so with `up FOLDER --repair`. The folder gets a marker with a new share id;
then one transaction of the index says that nothing stands anywhere, and that all that this device
shares is held (engine/own/held_paths.py) and is to be brought back (engine/bringing_back.py), as
after a wiped folder and `repair`. What follows is an ordinary start, and so is every later one.

Where the folder of this device, by its path, has been marked by another one, the same command makes
it its own again, with what lies in it: it counts as an older copy (engine/own/older_copy.py), so
what is missing there, or was there before, is told to nobody until a person says so.

Guarantees: nothing is deleted anywhere, since all that lacks is held, or somebody else's. Nothing
is done unless FOLDER is empty, or is not there, and the folder before has gone or is empty, too;
what cannot be looked at counts as there. Killed at any point, the same command goes on: a marker
without its transaction is taken again, and a folder that is this device's is left as it is. The
folder before, should it come back, has another share id, so it is told as what it is and not read.
Limits: what was not shared yet, the trash and what was put aside went with the folder before. An
index that is gone, too, is the business of `restore-identity`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from potluck.assembly import SHARE_ID, SHARE_ID_BYTES
from potluck.core.content.facts import ManifestName
from potluck.core.content.paths import parse_wire_path, printable
from potluck.core.errors import DiskTrouble, Malformed, Refused
from potluck.core.group.roster import Roster
from potluck.core.keys.identity import DeviceId, DeviceKey
from potluck.engine.bringing_back import note_wanted
from potluck.engine.group.membership import OUT
from potluck.engine.index import Index
from potluck.engine.own.held_paths import hold_all
from potluck.engine.own.mount_memory import MOUNTED_ONCE
from potluck.engine.own.older_copy import FOLDER_STAMP, OLDER_COPY
from potluck.engine.own.share_state import WRITTEN_ONCE
from potluck.shells.disk.fsops import Share, crashpoint
from potluck.shells.disk.marker import ShareMarker, Whose, marker_in
from potluck.shells.state import home
from potluck.shells.state.group_copy import device_of_home
from potluck.shells.state.last_folder import last_folder, remember_folder
from potluck.shells.state.private_home import INDEX_NAME

_PRIVATE: Final = ".potluck"
_OF_EVERY_FOLDER: Final = {
    "lock",
    "marker",
    "marker.new",
    "stamps",
    "stamps.new",
    "trash.days",
}  # made in .potluck
_OF_EVERY_DISK: Final = "lost+found"


def folder_before(folder: str, state_dir: str) -> str | None:
    """Return which folder of this device that one would take the place of, None if it is the one
    that this device has. Raises Refused or DiskTrouble; nothing is changed.
    """
    index = _opened(state_dir)
    try:
        last, share_id = last_folder(state_dir), index.meta.get(SHARE_ID)
        known = index.meta.get(WRITTEN_ONCE) is not None and not index.meta.get(OUT)
        roster = _roster(index)
    finally:
        index.close()
    if not known or last is None:
        raise _nothing_shared()
    me, marker = DeviceKey(home.device_secret(state_dir)).device, marker_in(folder)
    if marker is not None and marker.device == me and marker.share == share_id:
        return None
    if roster is not None and me in roster.members and is_marked_over(folder, state_dir):
        return folder
    if marker is not None and marker.device != me:
        raise Refused(
            f"{printable(folder)} is the folder of another device.",
            "its marker says so",
            "name an empty folder, or one that is not there: potluck up FOLDER --repair",
        )
    if roster is None or len(roster.members) == 1:
        raise Refused(
            "This device has no company, so nobody else has what it shared.",
            "there is nothing to fill the folder from",
            "put its disk back; to begin with nothing: potluck --home DIR up FOLDER",
        )
    _check_empty(folder)
    if not _is_same(last, folder):
        _check_gone(last)
    return last


def is_marked_over(folder: str, state_dir: str) -> bool:
    """Say whether that is the folder which this device shared last, and marked by another one."""
    marker, last = marker_in(folder), last_folder(state_dir)
    if marker is None or last is None or not _is_same(last, folder):
        return False
    return marker.device != device_of_home(state_dir)


def renew(folder: str, state_dir: str) -> str | None:
    """Have this device begin with an empty folder; return which it had before, None if it is that
    one already. Home and folder are claimed. Raises Refused or DiskTrouble.
    """
    before = folder_before(folder, state_dir)
    if before is None:
        return None
    if is_marked_over(folder, state_dir):
        _take_back(folder, state_dir)
        return before
    me, index = DeviceKey(home.device_secret(state_dir)).device, _opened(state_dir)
    try:
        roster = Roster.replay(index.roster.all())
        found = marker_in(folder)  # of an interrupted start
        share_id = found.share if found is not None else os.urandom(SHARE_ID_BYTES)
        _mark(folder, roster, me, share_id)
        crashpoint("new_folder_marked")
        _say_nothing_stands(index, ManifestName.own(me), share_id)
    finally:
        index.close()  # and with that it is durable
    crashpoint("new_folder_known")
    remember_folder(state_dir, folder)
    return before


def _say_nothing_stands(index: Index, own: ManifestName, share_id: bytes) -> None:
    index.begin()
    for name in {own, *map(ManifestName.of, index.manifests.heads())}:
        index.places.remove(name, index.places.all_paths(name))
    note_wanted(index.meta, hold_all(index, own))
    for key in (MOUNTED_ONCE, FOLDER_STAMP, OLDER_COPY):
        index.meta.remove(key)
    index.meta.set(SHARE_ID, share_id)
    index.commit()


def _take_back(folder: str, state_dir: str) -> None:
    """Have the next run take FOLDER for an older copy, and only then mark it as this device's."""
    me, index = DeviceKey(home.device_secret(state_dir)).device, _opened(state_dir)
    try:
        roster = Roster.replay(index.roster.all())
        share_id = index.meta.get(SHARE_ID) or os.urandom(SHARE_ID_BYTES)
        index.begin()
        index.meta.set(SHARE_ID, share_id)
        index.meta.set(OLDER_COPY, b"1")
        index.commit()
    finally:
        index.close()  # and with that it is durable
    crashpoint("folder_taken_back")
    _mark(folder, roster, me, share_id)


def _mark(folder: str, roster: Roster, me: DeviceId, share_id: bytes) -> None:
    """Make the folder this device's."""
    share = Share(folder)
    try:
        own = parse_wire_path(roster.members[me].label.encode())
        os.close(share.open_folder(own, create=True))
        os.fsync(share.shared_fd)
        ShareMarker(share, Whose(me, share_id)).write(roster.group)
    except OSError as error:
        raise DiskTrouble(
            f"{printable(folder)} cannot be made the folder of this device.",
            error.strerror or str(error),
            "see to that disk, then the same command again",
        ) from error
    finally:
        share.close()


# -- what is there ---------------------------------------------------------------------------------
def _opened(state_dir: str) -> Index:
    path = Path(state_dir, INDEX_NAME)
    if not path.exists():
        raise _nothing_shared()
    return Index.open(str(path))


def _roster(index: Index) -> Roster | None:
    try:
        return Roster.replay(index.roster.all())
    except (Malformed, ValueError):
        return None


def _check_empty(folder: str) -> None:
    """Raise Refused if anything but what potluck itself made lies in a folder."""
    private = str(Path(folder, _PRIVATE))
    try:
        for path, folders, files in os.walk(folder, onerror=_raise):
            if path == folder and _OF_EVERY_DISK in folders:
                folders.remove(_OF_EVERY_DISK)
            others = set(files) - (_OF_EVERY_FOLDER if path == private else set())
            links = [each for each in folders if Path(path, each).is_symlink()]
            if others or links:
                raise Refused(
                    f"{printable(folder)} is not empty.",
                    "a folder that gets everything anew begins with nothing in it, so that nothing"
                    " is mixed up",
                    "name an empty folder, or one that is not there: potluck up FOLDER --repair",
                )
    except FileNotFoundError:
        return
    except OSError as error:
        raise _unseen(folder, error) from error


def _check_gone(before: str) -> None:
    """Raise Refused if the folder before is still there with anything in it."""
    try:
        found = [each for each in Path(before).iterdir() if each.name != _OF_EVERY_DISK]
    except FileNotFoundError:
        return
    except OSError as error:
        raise _unseen(before, error) from error
    if found:
        raise Refused(
            f"{printable(before)}, the folder of this device, is still there.",
            "it is not empty; another one takes its place only once it is gone",
            "to go on with it: potluck up, with that folder\n"
            "what is missing in it comes back there with: potluck repair\n"
            "if what lies there is not wanted: move it away first",
        )


def _raise(error: OSError) -> None:
    raise error


def _unseen(folder: str, error: OSError) -> Refused:
    return Refused(
        f"{printable(folder)} cannot be looked at.",
        f"{error.strerror or error}; there may be files in it",
        "see to that disk, or unmount it, then the same command again",
    )


def _is_same(one: str, other: str) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)


def _nothing_shared() -> Refused:
    return Refused(
        "--repair is for a device that shared a folder before.",
        "this home knows of none, so there is nothing to bring back",
        "potluck up FOLDER\nif a backup of its identity is at hand: potluck restore-identity FILE",
    )
