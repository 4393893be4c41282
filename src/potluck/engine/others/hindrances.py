"""Hindrances: what keeps a file from being placed, in plain words, and what a person can type.

Strategy: the disk says why something failed as a word of `Hindrance`, or in its own words where it
has none; a table turns that into a sentence for `status` and a command that shows, or mends, what
is in the way. Folder and path are quoted, so a command can be copied.

Guarantees: every hindrance has a sentence; a command is given only where one helps. Limits: a
sentence that is not in the table is passed on as the disk said it.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from potluck.core.content.facts import DESCRIPTORS_ADVISED, Hindrance
from potluck.engine.events import Placed, Placement

RESTLESS = "another program here changes or removes it again and again"
NO_SOURCE = "what it was to be made from could not be used, again and again"

_SENTENCES: Mapping[str, str] = {
    Hindrance.SPACE: "there is no space left on the disk",
    Hindrance.QUOTA: "your quota on the disk is used up",
    Hindrance.INODES: "there are no inodes left on the disk: it holds too many files",
    Hindrance.DENIED: "permission denied: this user may not write there",
    Hindrance.IMMUTABLE: "a file there is immutable or not yours",
    Hindrance.READ_ONLY: "the file system is read-only",
    Hindrance.DESCRIPTORS: "too many files are open: allow more, and start potluck again",
    Hindrance.NAME_LONG: "the name is too long for this file system",
    Hindrance.FILE_LARGE: "it is larger than a file may be there (4 GiB on vfat)",
    Hindrance.NAME: "this file system cannot hold such a name",
    Hindrance.OTHER_DISK: "another disk is mounted there: files are placed on one disk only",
    Hindrance.MOUNTED: "another file or disk is mounted right there: it cannot be exchanged",
    Hindrance.IO: "the disk reports an input/output error",
    Hindrance.AWAY: "the disk does not answer: its server, or the program that shows it, is away",
}
_COMMANDS: Mapping[str, str] = {
    Hindrance.SPACE: "df -h {folder}",
    Hindrance.QUOTA: "quota -s",
    Hindrance.INODES: "df -i {folder}",
    Hindrance.DENIED: "stat {above}",
    Hindrance.IMMUTABLE: "lsattr -d {path} {above}",
    Hindrance.READ_ONLY: "findmnt -T {folder}",
    Hindrance.DESCRIPTORS: f"ulimit -n {DESCRIPTORS_ADVISED}",
    Hindrance.FILE_LARGE: "findmnt -T {folder}",
    Hindrance.OTHER_DISK: "findmnt -T {above}",
    Hindrance.MOUNTED: "findmnt {path}",
    Hindrance.IO: "dmesg | tail",
    Hindrance.AWAY: "findmnt -T {folder}",
}
_BLOCKED_COMMAND = "ls -lA {path}"


def sentence_of(reason: str) -> str:
    """Return a reason of the disk as a sentence."""
    return _SENTENCES.get(reason, reason)


def command_of(reason: str, folder: str, path: str = "") -> str:
    """Return what a person can type about a reason; `path` is below Shared/."""
    return _filled(_COMMANDS.get(reason, ""), folder, f"{folder}/Shared/{path}")


def command_at(reason: str, path: str) -> str:
    """Return what a person can type about a reason; `path` is a file's, absolute."""
    return _filled(_COMMANDS.get(reason, ""), path.rpartition("/")[0], path)


def why(placed: Placed) -> str:
    """Return why something was not placed, as a sentence."""
    return sentence_of(placed.detail)


def remedy(placed: Placed, folder: str) -> str:
    """Return what a person can type against it, "" if nothing helps but waiting."""
    if placed.placement is Placement.BLOCKED and placed.detail not in _SENTENCES:
        return _filled(_BLOCKED_COMMAND, folder, f"{folder}/Shared/{placed.path}")
    return command_of(placed.detail, folder, str(placed.path))


def _filled(command: str, folder: str, whole: str) -> str:
    return command.format(
        folder=shlex.quote(folder),
        path=shlex.quote(whole),
        above=shlex.quote(whole.rpartition("/")[0]),
    )
