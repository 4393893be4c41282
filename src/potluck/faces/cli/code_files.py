"""Files that hold a code: written for another machine, read once.

Strategy: a file is made before the code is, so that no code is in force that nobody can read, and
is never one that was there; a code that did not come into it whole is taken back. Guarantees: what
is written is for this user only (0600) whatever the umask is, not where it would be shared
(shells/state/shared_place.py), and complete when it is said to be;
what is read is a plain file of a few bytes; neither a name nor an error says anything of the code.
Limits: who may read the file may join; it is not removed here after it was read, for it may be of a
medium that cannot be written.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from contextlib import suppress

from potluck.core.errors import DiskTrouble, NotFound, PotluckError, Refused, UsageError
from potluck.faces.cli.output import command
from potluck.faces.text import shown
from potluck.shells.state.home import OTHERS
from potluck.shells.state.shared_place import is_shared_place

CODE_FILE_BYTES = 1024  # three words have at most 26 letters; more is another file
_MINE_ONLY = 0o600


def write_code(path: str, made: Callable[[], str], take_back: Callable[[], object]) -> None:
    """Write what `made` returns into a new file, for this user only; raises PotluckError.

    Where that fails after the code was made `take_back` is called.
    """
    if is_shared_place(path):
        raise Refused(
            f"{shown(path)} is in a folder that is shared: no code was made.",
            "everybody in the group would get it",
            "name a file that is not below Shared/",
        )
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        descriptor = os.open(path, flags, _MINE_ONLY)
    except FileExistsError as error:
        raise Refused(
            f"{shown(path)} is there already.",
            "it may be a code of before, or something else of yours",
            "name another file, or remove that one first",
        ) from error
    except OSError as error:
        raise _trouble(path, error) from error
    code = ""
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            os.fchmod(descriptor, _MINE_ONLY)
            code = made()
            file.write(code + "\n")
            file.flush()
            os.fsync(descriptor)
    except BaseException as error:  # house: no file stays, whatever ended it; raised again
        with suppress(OSError):  # its folder may be gone, which is not the trouble
            os.unlink(path)  # noqa: PTH108 - beside os.open, by the same name
        is_taken_back = _is_taken_back(take_back) if code else True
        if isinstance(error, OSError):
            raise _trouble(path, error, is_taken_back=is_taken_back) from error
        raise


def _is_taken_back(take_back: Callable[[], object]) -> bool:
    try:
        take_back()
    except PotluckError:
        return False
    return True


def read_code(path: str) -> tuple[str, bool]:
    """Return what stands in that file, and whether others may read it; raises PotluckError."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError as error:
        raise NotFound(
            f"There is no {shown(path)}.",
            "the name was mistyped, or the file was not brought here yet",
            "make it where the group is: invite --to-file FILE",
        ) from error
    except OSError as error:
        raise _trouble(path, error) from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode) or status.st_size > CODE_FILE_BYTES:
            raise UsageError(
                f"{shown(path)} holds no code.",
                "it is no plain file, or a larger one",
                "make one where the group is: invite --to-file FILE",
            )
        text = os.read(descriptor, CODE_FILE_BYTES)
    except OSError as error:
        raise _trouble(path, error) from error
    finally:
        os.close(descriptor)
    try:
        return text.decode(), bool(status.st_mode & OTHERS)
    except UnicodeDecodeError:
        raise UsageError(
            f"{shown(path)} holds no code.",
            "it is not text, or not in UTF-8",
            "make one where the group is: invite --to-file FILE",
        ) from None


def _trouble(path: str, error: OSError, *, is_taken_back: bool = True) -> DiskTrouble:
    fix = "name a file in a folder of your own"
    if not is_taken_back:  # nobody has read it, and yet it counts
        fix = f"take the code back, which may be in force: {command('uninvite')}\n{fix}"
    return DiskTrouble(
        f"{shown(path)} cannot be used: {error.strerror or str(error)}.",
        "the folder is not there, is full, or is not yours",
        fix,
    )
