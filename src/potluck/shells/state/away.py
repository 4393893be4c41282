"""A folder that is away: the one that was shared last is not there, nor is anything put there.

Strategy: where a disk is not mounted there is an empty folder, or none. If the folder that was
shared last has nothing of potluck in it, and this device had a marker once, it is away: the device
runs with an empty stand-in in its own state, in which nothing is ever placed since the share is
offline, and waits until the folder is there (shells/disk/returning.py).

Another folder without anything of potluck, named to a device that shared one, is new: all that it
shared would seem to be gone there.

Guarantees: nothing is made in a folder that is away, nor is it made. Limits: a folder with anything
of potluck in it is used as it is, and its marker says whether it is the one. Reads the index, so
call it once the home is claimed, or nothing runs there.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from potluck.core.errors import PotluckError
from potluck.engine.index import Index
from potluck.engine.own.share_state import WRITTEN_ONCE
from potluck.shells.state.group_copy import device_of_home, read_copy
from potluck.shells.state.last_folder import last_folder
from potluck.shells.state.private_home import INDEX_NAME

NO_FOLDER: Final = "is not there"
"""What is said of a folder of which nothing is seen."""
_STAND_IN: Final = "away"  # in the state
_PRIVATE: Final = ".potluck"  # what potluck keeps in every folder it shares


def is_away(folder: str, state_dir: str) -> bool:
    """Say whether that is the folder of this device, and not there."""
    return last_folder(state_dir) == folder and _is_missed(folder, state_dir)


def is_another(folder: str, state_dir: str) -> bool:
    """Say whether that is another folder, with nothing of potluck in it, than the one that this
    device shared.
    """
    last = last_folder(state_dir)
    return last is not None and last != folder and _is_missed(folder, state_dir)


def _is_missed(folder: str, state_dir: str) -> bool:
    """Say whether files were shared from that home, and this folder has nothing of potluck."""
    if os.path.lexists(os.path.join(folder, _PRIVATE)):
        return False
    index_path = Path(state_dir, INDEX_NAME)
    if not index_path.exists():
        return False
    try:
        index = Index.open(str(index_path))
        try:
            marked = index.meta.get(WRITTEN_ONCE) is not None
        finally:
            index.close()
    except PotluckError:  # the start finds out, mends it or says so
        marked = False
    return marked or _was_marked(state_dir)


def _was_marked(state_dir: str) -> bool:
    """Say so by what is kept beside an index that is damaged or gone."""
    device = device_of_home(state_dir)
    return device is not None and WRITTEN_ONCE in read_copy(state_dir, device).values


def seen_instead(folder: str) -> str:
    """Return in words what is seen of a folder that is away."""
    try:
        os.stat(folder)
    except (FileNotFoundError, NotADirectoryError):
        return NO_FOLDER
    except OSError as error:
        return f"cannot be read ({error.strerror or error})"
    return "has nothing of potluck in it"


def stand_in(state_dir: str) -> str:
    """Return the empty folder that stands for the one that is away, made if it is not there."""
    path = os.path.join(state_dir, _STAND_IN)
    os.makedirs(path, mode=0o700, exist_ok=True)
    return path
