"""Whose folder: a FOLDER that is marked as another device's is not taken over from one in use.

Strategy: the marker says which device a FOLDER is of, and the lock beside it which home shared it
last. Where that home is still there, and is of that device or shared this folder last, the device
is only not running: the folder is refused. Where it is not there, as after a machine was set up
anew, or where it is this very home, wiped, nothing could go on with the folder: a home that shared
nothing yet takes it over, and that is said before anything is done. A home that shares another
folder never takes one over, nor goes back to one of its own in whose place that one came.
The folder that this home shared last is refused only while the home of the device that marked it
since is there; else its marker says what it is (engine/own/share_state.py).

Guarantees: nothing is written or made. Limits: which home it was is not known on a disk without
locks, for a home whose path is no text, and where the path is that of this home on another machine:
then the folder counts as one that nobody goes on with. So does one whose home is on a disk that is
away. Between this look and the claim of the folder somebody else may begin with it.
"""

from __future__ import annotations

import fcntl
import os
import shlex
from pathlib import Path
from typing import Final

from potluck.core.content.paths import printable
from potluck.core.errors import Refused
from potluck.shells.disk.marker import Marker, marker_in
from potluck.shells.state.group_copy import device_of_home
from potluck.shells.state.home import HOLDER_BYTES, KEY_NAME, claim_folder
from potluck.shells.state.last_folder import last_folder

_PRIVATE: Final = ".potluck"


def take_over(folder: str, state_dir: str) -> list[str]:
    """Return what is said of a folder of another device before this one takes it over, nothing if
    it is none; to be asked before the folder is claimed. Raises Refused.
    """
    marker, last = marker_in(folder), last_folder(state_dir)
    if marker is None and not _is_marked(folder):
        return []
    if marker is not None and marker.device == device_of_home(state_dir):
        if last is not None and _is_former(folder, marker, last):
            raise _former(folder, last)
        return []
    home, device = _last_home(folder), marker.device if marker is not None else None
    if last is not None and _is_same(last, folder):
        if home and device is not None and device_of_home(home) == device:
            raise _of_another(folder, home, last)
        return []
    if _is_claimed(folder):
        claim_folder(folder, state_dir).release()  # raises, naming who has it
    if home and not _is_same(home, state_dir) and _is_of(home, folder, device):
        raise _of_another(folder, home, last)
    if last is not None:
        raise _beside(folder, last)
    was = "was" if device is not None else "may have been"
    return [
        f"! {printable(folder)} {was} the folder of another device.",
        "  It becomes that of this one now, with all that lies in it.",
        f"  {_whose(home, state_dir)}",
    ]


def who_marked(folder: str, state_dir: str) -> str:
    """Return what is said of the device that marked the folder of this one since."""
    home = _last_home(folder)
    if not home or _is_same(home, state_dir):
        return "Whoever marked it since has it no more."
    return f"Whoever marked it since has it no more; the home {printable(home)} had it last."


def _last_home(folder: str) -> str:
    """Return which home claimed a folder last, "" if nobody knows."""
    try:
        with Path(folder, _PRIVATE, "lock").open("rb") as file:
            said = file.read(HOLDER_BYTES).decode(errors="replace")
    except OSError:
        return ""
    home = said.partition("\n")[2].removesuffix("\n")
    return home if Path(home).is_absolute() and "\0" not in home else ""


def _is_claimed(folder: str) -> bool:
    try:
        flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(Path(folder, _PRIVATE, "lock"), flags)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        return isinstance(error, BlockingIOError)  # or no locks here, as on some network disks
    else:
        return False
    finally:
        os.close(descriptor)


def _is_marked(folder: str) -> bool:
    """Say whether something stands where the marker is, also if nobody can read it."""
    return os.path.lexists(Path(folder, _PRIVATE, "marker"))


def _is_of(home: str, folder: str, device: bytes | None) -> bool:
    """Say whether a home is of that device, or shared that folder last; one that cannot be looked
    at counts as such, and so does any device where the marker names none.
    """
    try:
        Path(home, KEY_NAME).stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    last = last_folder(home)
    if device is None or device_of_home(home) in {None, device}:
        return True
    return last is not None and _is_same(last, folder)


def _of_another(folder: str, home: str, last: str | None) -> Refused:
    place, marker = printable(folder), printable(str(Path(folder, _PRIVATE, "marker")))
    theirs, named = shlex.quote(printable(home)), shlex.quote(place)
    ways = [
        f"to go on with that device: potluck --home {theirs} up {named}",
        "to share another folder: potluck up FOLDER",
        "if that device is not wanted any more, its marker is moved away, then again:",
        f"  mv -T --backup=numbered {shlex.quote(marker)} {shlex.quote(f'{marker}.former')}",
    ]
    if last is not None and _is_same(last, folder):
        ways[2:] = [f"if this one is to have it back from that: potluck up {named} --repair"]
    return Refused(
        f"{place} is the folder of another potluck.",
        f"it was shared last with the home {printable(home)}, whose device would lose it",
        "\n".join(ways),
    )


def _is_former(folder: str, marker: Marker, last: str) -> bool:
    """Say whether another folder of this device took the place of that one, and is there."""
    now = marker_in(last) if not _is_same(last, folder) else None
    return now is not None and now.device == marker.device and now.share != marker.share


def _former(folder: str, last: str) -> Refused:
    place, now = printable(folder), printable(last)
    return Refused(
        f"{place} is not the folder of this device any more.",
        f"{now} took its place since, and is there",
        f"to go on with that one: potluck up {shlex.quote(now)}\n"
        f"what is wanted of the former one is copied from {place} by hand",
    )


def _beside(folder: str, last: str) -> Refused:
    place = printable(folder)
    return Refused(
        f"{place} is the folder of another device.",
        f"its marker says so, and this device shares {printable(last)}",
        f"to go on with that one: potluck up {shlex.quote(printable(last))}\n"
        f"to share {place} as well: potluck --home DIR up {shlex.quote(place)}",
    )


def _whose(home: str, state_dir: str) -> str:
    if not home:
        return "Which home that one had is not known."
    if _is_same(home, state_dir):
        return "That one had this home, as far as is known."
    there = "which is not there now"
    if Path(home, KEY_NAME).exists():
        there = "which is another device by now"
    elif Path(home).is_dir():
        there = "in which there is no device any more"
    return f"That one had the home {printable(home)}, {there}."


def _is_same(one: str, other: str) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)
