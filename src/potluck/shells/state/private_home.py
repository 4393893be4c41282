"""The private home: what lies there can be read by its owner alone, whatever it was before.

Strategy: before anything is written the home is looked at. It is 0700 and each file that potluck
keeps in it 0600 afterwards, also what is of an earlier device. What had to be changed is said where
something of ours lay there already, since somebody may have read it meanwhile; a home that is new,
or was made a moment ago with the FOLDER in it, had nothing to read. The index is made here, empty,
if it is missing: SQLite takes the rights of that file for those it makes beside it. A folder that
is everybody's, or somebody else's, is refused and not changed, and so is a file of somebody else
under one of our names.

Guarantees: nothing but our own names is touched; links are never followed below the home. Limits:
who may write to a folder above the home may put another one in its place; root reads everything.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from typing import Final, NamedTuple

from potluck.core.errors import PotluckError, Refused
from potluck.core.wording import listed
from potluck.engine.effects import Tell
from potluck.shells.state.home import KEY_NAME, OTHERS

INDEX_NAME: Final = "potluck.sqlite"
PRIVATE_FOLDER: Final = 0o700
PRIVATE_FILE: Final = 0o600
INDEX_PARTS: Final = ("-wal", "-shm", "-journal")  # behind its name; it is of no use without
KEPT: Final = ".before"  # behind the name of what was of an earlier device
DAMAGED: Final = ".damaged"  # behind the name of an index that was (mending.py)
GROUP_COPY_NAME: Final = "group.copy"
RESTORING: Final = ".restoring"  # behind the name of what a restore puts in place at its end
_NAMES: Final = frozenset(
    {KEY_NAME, "lock", "control.sock", "ballast", "folder", "folder.new", "config.toml"}
    | {GROUP_COPY_NAME, f"{GROUP_COPY_NAME}.new"}
    | {INDEX_NAME, *(INDEX_NAME + part for part in INDEX_PARTS)}
)
_BEGINNINGS: Final = tuple(
    name + mark for name in (KEY_NAME, INDEX_NAME) for mark in (KEPT, RESTORING, DAMAGED)
)
_FRESH_KEY: Final = (f"{KEY_NAME}.", ".new")  # home.py; a start that was cut off leaves it
_RECORDS: Final = ("flight-", ".jsonl")  # loop/recorder.py
ANOTHER_HOME: Final = "choose another home: --home DIR"


class OpenedHome(NamedTuple):
    """What others could open until now."""

    home: bool  # look into it, and something of ours lay there
    names: tuple[str, ...]  # files in it


def make_private(state_dir: str) -> OpenedHome:
    """Make the home if it is missing, and private; return what others could open until now.

    Raises Refused if it cannot be made private. What cannot be made at all is left to whoever
    claims the home.
    """
    with suppress(OSError):
        os.makedirs(state_dir, mode=PRIVATE_FOLDER, exist_ok=True)
    try:
        folder = os.open(state_dir, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return OpenedHome(home=False, names=())
    try:
        open_to_others = _settle_folder(state_dir, folder)
        names = sorted(name for name in os.listdir(folder) if _is_ours(name))
        changed = tuple(name for name in names if _settle_file(state_dir, folder, name))
        with suppress(FileExistsError):
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
            os.close(os.open(INDEX_NAME, flags, PRIVATE_FILE, dir_fd=folder))
    except OSError as error:
        raise _not_private(state_dir, f"it cannot be looked at: {error.strerror}") from error
    finally:
        os.close(folder)
    was_open = open_to_others and bool(names)
    return OpenedHome(was_open, changed if was_open else ())


def notice_of(opened: OpenedHome, state_dir: str) -> Tell:
    """Return what a person is told of that."""
    what = f"open {listed(opened.names)} in" if opened.names else "look into"
    text = f"others on this machine could {what} {state_dir} until now: only you can"
    level = "warning" if opened.names else "info"
    return Tell("home_opened", text, level, state_dir)


def _is_ours(name: str) -> bool:
    if name in _NAMES or name.startswith(_BEGINNINGS):
        return True
    ends = (_RECORDS, _FRESH_KEY)
    return any(name.startswith(first) and name.endswith(last) for first, last in ends)


def _settle_folder(state_dir: str, folder: int) -> bool:
    """Make the folder ours alone; returns whether others could look into it."""
    facts = os.fstat(folder)
    if facts.st_uid != os.geteuid():
        raise _belongs_to(f"The home {state_dir}", facts.st_uid)
    if not facts.st_mode & OTHERS:
        return False
    if facts.st_mode & stat.S_ISVTX or state_dir == os.sep:
        raise _not_private(state_dir, "it is a folder for everybody")
    _close_to_others(folder, PRIVATE_FOLDER, state_dir, state_dir)
    return True


def _settle_file(state_dir: str, folder: int, name: str) -> bool:
    """Make one file ours alone; returns whether others had rights on it."""
    path = os.path.join(state_dir, name)
    facts = os.stat(name, dir_fd=folder, follow_symlinks=False)
    if facts.st_uid != os.geteuid():
        raise _belongs_to(f"The file {path}", facts.st_uid)
    if stat.S_ISLNK(facts.st_mode) or not facts.st_mode & OTHERS:
        return False
    if stat.S_ISSOCK(facts.st_mode):  # left by a crash: it is made anew
        return False
    descriptor = os.open(
        name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder
    )
    try:
        _close_to_others(descriptor, PRIVATE_FILE, path, state_dir)
    finally:
        os.close(descriptor)
    return True


def _close_to_others(descriptor: int, mode: int, path: str, state_dir: str) -> None:
    """Take the rights of others away; some disks know no rights and say nothing."""
    try:
        os.fchmod(descriptor, mode)
    except OSError as error:
        raise _not_private(state_dir, f"{path}: {error.strerror}") from error
    if os.fstat(descriptor).st_mode & OTHERS:
        raise _not_private(state_dir, f"its disk keeps no rights: others can open {path}")


def _belongs_to(what: str, owner: int) -> PotluckError:
    return Refused(
        f"{what} belongs to another user.",
        f"its owner is user {owner}, and this is user {os.geteuid()}",
        ANOTHER_HOME,
    )


def _not_private(state_dir: str, why: str) -> PotluckError:
    return Refused(f"The home {state_dir} cannot be made yours alone.", why, ANOTHER_HOME)
