"""Disk room: whether what is fetched has room on this disk, and whether it can be written at all.

Strategy: from how full the disk is follows whether fetching pauses; some part of it always stays
free, of its inodes as of its bytes. Both, and what the disk answered when something was to be
written, stand in the register (engine/troubles.py) until they are over.

Guarantees: fetching pauses in time and resumes by itself; each reason is told once, until something
else is the case. Limits: a file system that counts no inodes never lacks any.
"""

from __future__ import annotations

from potluck.core import limits
from potluck.core.content.facts import Hindrance
from potluck.engine.events import SpaceSeen
from potluck.engine.node import Node
from potluck.engine.others.hindrances import command_of, sentence_of
from potluck.engine.troubles import Trouble, TroubleKind

FREE_PART = 100  # this part of the disk stays free, within limits.FREE_MIN_BYTES …
FREE_PART_MAX = 4  # … and at most this part of a small one
FREE_INODES = 1000  # a group commit and what it replaces, twice; others need some, too
SPACE, WRITING = "space on the disk", "writing to the disk"  # what the troubles are about
PAUSES = {Hindrance.SPACE: "disk full", Hindrance.INODES: "no inodes left"}


class DiskRoom:
    """What is known of the disk of this share."""

    def __init__(self, node: Node) -> None:
        """Believe that there is room."""
        self._node = node
        self.lack: Hindrance | None = None  # what there is too little of
        self._failed = ""

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
        self._note(SPACE, reason, lack)
        if self._failed in PAUSES:  # the same, said better
            self.on_written()
        almost = "has almost no inodes left" if lack is Hindrance.INODES else "is almost full"
        self._node.tell("paused", f"paused: the disk {almost}", level="error")

    def on_failed(self, detail: str) -> None:
        """Something fetched could not be written."""
        if detail == self._failed:
            return
        self._failed = detail
        reason = sentence_of(detail)
        self._note(WRITING, f"what is fetched cannot be written: {reason}", detail)
        self._node.tell("disk", f"cannot write here: {reason}", level="error")

    def on_written(self) -> None:
        """Something fetched was written."""
        if self._failed:
            self._failed = ""
            self._node.troubles.clear(TroubleKind.DISK, WRITING)

    def _note(self, subject: str, reason: str, detail: str) -> None:
        node = self._node
        command = command_of(detail, node.settings.folder)
        node.troubles.note(Trouble(TroubleKind.DISK, subject, reason, command, node.now, None))


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
