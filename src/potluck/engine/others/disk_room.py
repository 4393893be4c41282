"""Disk room: whether what is fetched has room on this disk, and whether it can be written at all.

Strategy: from how full the disk is follows whether fetching pauses; some part of it always stays
free, of its inodes as of its bytes. Both, and what the disk answered when something was to be
written, stand in the register (engine/troubles.py) until they are over: the latter under the first
path it was to be written for, with how many more, and when it is asked for again.

Guarantees: fetching pauses in time and resumes by itself; each reason is told once, until something
else is the case. Limits: a file system that counts no inodes never lacks any.
"""

from __future__ import annotations

from collections.abc import Iterable

from potluck.core import limits
from potluck.core.content.facts import Hindrance
from potluck.core.content.paths import SafePath
from potluck.engine.events import SpaceSeen
from potluck.engine.node import Node
from potluck.engine.others.hindrances import command_of, sentence_of
from potluck.engine.troubles import Trouble, TroubleKind

FREE_PART = 100  # this part of the disk stays free, within limits.FREE_MIN_BYTES …
FREE_PART_MAX = 4  # … and at most this part of a small one
FREE_INODES = 1000  # a group commit and what it replaces, twice; others need some, too
SPACE, WRITING = "space on the disk", "writing to the disk"  # what is told, without a path
PAUSES = {Hindrance.SPACE: "disk full", Hindrance.INODES: "no inodes left"}


class DiskRoom:
    """What is known of the disk of this share."""

    def __init__(self, node: Node) -> None:
        """Believe that there is room."""
        self._node = node
        self.lack: Hindrance | None = None  # what there is too little of
        self._failed = ""  # what the disk said when something was to be written
        self._failed_s = 0.0  # since when
        self._unwritten: dict[SafePath, None] = {}  # for which paths, the first one first
        self._subject = ""  # of that, in the register

    def __repr__(self) -> str:
        """Return what there is too little of, and what went wrong last."""
        return f"<DiskRoom lack={self.lack}, failed={self._failed!r}>"

    @property
    def paused(self) -> str:
        """Why nothing is fetched, "" if it is."""
        return PAUSES[self.lack] if self.lack is not None else ""

    def on_space(self, event: SpaceSeen) -> None:
        """How full the disk is."""
        lack = _lack(event)
        if lack is self.lack:
            return
        self.lack = lack
        if lack is None:
            self._node.troubles.clear(TroubleKind.DISK, SPACE)
            self._node.tell("resumed", "resumed: there is space on the disk again")
            return
        scarce = "no inodes are" if lack is Hindrance.INODES else "no space is"
        where = f"the disk of {self._node.settings.folder}"
        reason = f"almost {scarce} left on {where}: nothing is fetched until there is room"
        self._note(SPACE, reason, lack, self._node.now)
        if self._failed in PAUSES:  # the same, said better
            self.on_written()
        elif self._failed:
            self._register(None)  # nothing is asked for, so it is not tried either
        almost = "has almost no inodes left" if lack is Hindrance.INODES else "is almost full"
        self._node.tell("paused", f"paused: the disk {almost}", level="error")

    def on_failed(self, detail: str, paths: Iterable[SafePath]) -> None:
        """Something fetched for these could not be written; it is asked for again after a rest."""
        node, before = self._node, self._failed
        if not before:
            self._failed_s = node.now
        self._failed = detail
        self._unwritten |= dict.fromkeys(paths)
        self._register(None if self.lack is not None else node.now + limits.RETRY_S)
        if detail != before:
            node.tell("disk", f"cannot write here: {sentence_of(detail)}", level="error")

    def on_written(self) -> None:
        """Something fetched was written."""
        if self._failed:
            self._failed = ""
            self._unwritten.clear()
            self._node.troubles.clear(TroubleKind.DISK, self._subject)

    def _register(self, next_s: float | None) -> None:
        """Have `status` tell what could not be written, by the first path and how many more."""
        subject, more = str(next(iter(self._unwritten), WRITING)), len(self._unwritten) - 1
        subject += f" and {more:,} more" if more > 0 else ""
        if subject != self._subject:
            self._node.troubles.clear(TroubleKind.DISK, self._subject)
        self._subject = subject
        reason = f"what is fetched cannot be written: {sentence_of(self._failed)}"
        self._note(subject, reason, self._failed, self._failed_s, next_s)

    def _note(
        self, subject: str, reason: str, detail: str, since_s: float, next_s: float | None = None
    ) -> None:
        troubles, command = self._node.troubles, command_of(detail, self._node.settings.folder)
        troubles.note(Trouble(TroubleKind.DISK, subject, reason, command, since_s, next_s))


def _lack(event: SpaceSeen) -> Hindrance | None:
    """Return what a disk has too little of."""
    wished = max(event.total_bytes // FREE_PART, limits.FREE_MIN_BYTES)
    if event.free_bytes < min(wished, event.total_bytes // FREE_PART_MAX):
        return Hindrance.SPACE
    if event.free_inodes is None or event.total_inodes is None:
        return None
    if event.free_inodes < min(FREE_INODES, event.total_inodes // FREE_PART_MAX):
        return Hindrance.INODES
    return None
