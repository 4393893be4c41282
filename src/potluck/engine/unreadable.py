"""Unreadable paths: each is told once, stays in the register, is tried again.

Strategy: a walk names the folders it could not enter, a reading the files it could not open. Each
becomes a trouble with its reason and what a person can type against it. Folders are looked at again
every half minute, since nobody tells us when they may be read; files are tried again by who reads
them (engine/own/reading.py).

Guarantees: a folder is over when a round that looked where it is does not name it, a file when it
was read or is gone. At most `FOLDERS_MAX` folders are remembered and tried again, so that a tree
full of them costs a bounded part of the disk's time; scans find the others. Limits: what is held
back below such a folder is decided by engine/own/findings.py.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Container, Iterable

from potluck.core.content.facts import DESCRIPTORS_ADVISED, ReadFault
from potluck.core.content.paths import SafePath, within
from potluck.core.wording import set_off
from potluck.engine.events import Unreadable
from potluck.engine.node import Node
from potluck.engine.timetable import Timetable
from potluck.engine.troubles import KIND_MAX, Trouble, TroubleKind

UNREADABLE_AGAIN_S = 30.0  # a folder that cannot be read is tried again so often: one failing open
FOLDERS_MAX = KIND_MAX  # of which a person is told the reason
FILES_AGAIN_S = 32.0  # the longest that engine/own/reading.py leaves a file alone


class UnreadablePaths:
    """What cannot be read."""

    def __init__(self, node: Node) -> None:
        """Know of nothing."""
        self._node = node
        self._folders = Timetable[SafePath]()
        self._files: dict[SafePath, ReadFault] = {}

    def __repr__(self) -> str:
        """Return how many there are."""
        return f"<UnreadablePaths: {len(self._folders.times)} folders, {len(self._files)} files>"

    def note(self, met: Iterable[Unreadable]) -> set[SafePath]:
        """A walk could not enter these; returns their paths."""
        paths = set[SafePath]()
        for each in met:
            paths.add(each.path)
            if each.path in self._folders or len(self._folders.times) < FOLDERS_MAX:
                self._folders.put(each.path, self._node.now + UNREADABLE_AGAIN_S)
                self._tell(each, "chmod u+rwx", UNREADABLE_AGAIN_S)
        return paths

    def settle(self, asked: Collection[SafePath], met: Container[SafePath]) -> None:
        """A walk was where these are: what it did not name can be read again."""
        for path in list(self._folders.times):
            if path not in met and any(path.starts_with(top) for top in asked):
                self._clear(path)

    def on_read(self, failed: Iterable[Unreadable], read: Iterable[SafePath]) -> None:
        """Of the files that were to be read these could not, and these were."""
        for each in failed:
            if each.path in self._files or len(self._files) < FOLDERS_MAX:
                self._files[each.path] = each.fault
                self._tell(each, "chmod u+r", FILES_AGAIN_S)
        if self._files:
            for path in read:
                self._clear(path)

    def was_forbidden(self, path: SafePath) -> bool:
        """Say whether permission was all that a file lacked: another try costs nothing."""
        return self._files.get(path) is ReadFault.PERMISSION

    def on_gone(self, gone: Container[bytes]) -> None:
        """These stand there no more, nor anything below them."""
        for path in [*self._folders.times, *self._files]:
            if within(path.wire, gone):
                self._clear(path)

    def clear(self) -> None:
        """The own folder has another name now."""
        for path in [*self._folders.times, *self._files]:
            self._clear(path)

    # -- time --------------------------------------------------------------------------------------
    def deadline(self) -> float | None:
        """Return when a folder is to be tried again."""
        return self._folders.deadline()

    def due(self) -> list[SafePath]:
        """Return the folders to be tried now; they are due again until one of them is settled."""
        paths = self._folders.due(self._node.now)
        for path in paths:
            self._folders.put(path, self._node.now + UNREADABLE_AGAIN_S)
        return paths

    # -- what is told ------------------------------------------------------------------------------
    def _tell(self, each: Unreadable, permit: str, again_s: float) -> None:
        node, subject = self._node, str(each.path)
        where = shlex.quote(f"{node.settings.folder}/Shared/{subject}")
        reason, command = _reason(each), _command(each.fault, permit, where)
        next_s = node.now + again_s
        trouble = Trouble(TroubleKind.UNREADABLE, subject, reason, command, node.now, next_s)
        if node.troubles.note(trouble):
            what = f"not read: {set_off(subject)} ({reason})"
            text = f"{what}; what is known of it is kept; try: {command}"
            node.tell("unreadable", text, level="warning", subject=subject, command=command)

    def _clear(self, path: SafePath) -> None:
        self._folders.discard(path)
        self._files.pop(path, None)
        self._node.troubles.clear(TroubleKind.UNREADABLE, str(path))


def _reason(each: Unreadable) -> str:
    match each.fault:
        case ReadFault.PERMISSION:
            return "this user may not read it"
        case ReadFault.DISK:
            return f"the disk fails: {each.words}"
        case _:
            return each.words


def _command(fault: ReadFault, permit: str, where: str) -> str:
    match fault:
        case ReadFault.PERMISSION:
            return f"{permit} {where}"
        case ReadFault.DESCRIPTORS:
            return f"ulimit -n {DESCRIPTORS_ADVISED}"
        case ReadFault.SYSTEM_DESCRIPTORS:
            return "sysctl fs.file-nr fs.file-max"
        case ReadFault.DISK:
            return "dmesg | tail"
        case ReadFault.PRIVATE:
            return f"mv {where} ~/"
        case _:
            return f"stat {where}"
