"""Kept beside: what makes a home one device gets other names there, all of it or nothing.

Strategy: whoever makes another device of a home (shells/state/anew.py, identity_backup.py) has the
key and the index renamed to names with the moment in them, so that none replaces another one. What
SQLite keeps beside the index goes on belonging to it by its name, and the index goes last. What is
empty is nothing of a device and stays.

While an identity is restored its key lies in the home under a name of its own, until all is in
place: a home in which that file was left is half of two devices, and none starts there.

Guarantees: nothing is removed; where a rename fails those before are undone and the error is
raised. Limits: a power cut between two renames leaves both names in use; a rename that cannot be
undone either is not tried again.
"""

from __future__ import annotations

import os
import secrets
import time
from contextlib import ExitStack, suppress

from potluck.core.content.paths import printable
from potluck.core.errors import Refused
from potluck.shells.state.home import KEY_NAME
from potluck.shells.state.private_home import INDEX_NAME, INDEX_PARTS, KEPT, RESTORING


def keep_beside(state_dir: str, undo: ExitStack) -> tuple[str, ...]:
    """Give what makes this home a device other names and return them; `undo` gives them back.

    Raises OSError.
    """
    mark = f"{KEPT}-{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}"
    names = [(KEY_NAME, f"{KEY_NAME}{mark}")]
    names += [(f"{INDEX_NAME}{part}", f"{INDEX_NAME}{mark}{part}") for part in INDEX_PARTS]
    kept = list[str]()
    for name, beside in (*names, (INDEX_NAME, f"{INDEX_NAME}{mark}")):
        with suppress(FileNotFoundError):
            if os.lstat(os.path.join(state_dir, name)).st_size:
                move(os.path.join(state_dir, name), os.path.join(state_dir, beside), undo)
                kept.append(beside)
    return tuple(kept)


def move(path: str, other: str, undo: ExitStack) -> None:
    """Give a file another name; `undo` gives it back. Raises OSError."""
    os.replace(path, other)
    undo.callback(os.replace, other, path)


def has_identity(state_dir: str) -> bool:
    """Say whether a home was that of a device: an empty index, made by a start, is of none."""
    if os.path.lexists(os.path.join(state_dir, KEY_NAME)):
        return True
    with suppress(FileNotFoundError):
        return os.lstat(os.path.join(state_dir, INDEX_NAME)).st_size > 0
    return False


def check_whole(state_dir: str) -> None:
    """Find out that no restore was cut off in that home; raises Refused."""
    if os.path.lexists(os.path.join(state_dir, f"{KEY_NAME}{RESTORING}")):
        raise Refused(
            f"The home {printable(state_dir)} is half restored.",
            "restore-identity was cut off there, by a power cut perhaps",
            "do it once more, which loses nothing: potluck restore-identity FILE --force",
        )
