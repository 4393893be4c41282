"""Disk room: whether what is fetched has room on this disk, and whether it can be written at all.

Strategy: from how full the disk is follows whether fetching pauses; some part of it always stays
free, of its inodes as of its bytes. A file that has no room beyond that is not begun
(core/content/swarm/room.py), which is said with how much it lacks. While something lacks room the
trash is made to let go of what it need not keep, which is everything as long as less is free than
that part; what goes early is told, and what it keeps is said. All this stands in the
register (engine/troubles.py) until it is over, and so does what the disk answered when something
was to be written: under the first path it was to be written for, with how many more, and when it is
asked for again.

Guarantees: fetching pauses in time and resumes by itself; each reason is told once, until something
else is the case. Limits: a file system that counts no inodes never lacks any.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterable

from potluck.core import limits
from potluck.core.content.facts import Hindrance
from potluck.core.content.paths import SafePath
from potluck.core.content.swarm.room import FREE_PART_MAX, Shortage, reserve_of
from potluck.core.wording import of_size, plural, set_off
from potluck.engine.events import SpaceSeen
from potluck.engine.node import Node
from potluck.engine.others.hindrances import command_of, sentence_of
from potluck.engine.others.trash_memory import prune_trash_of
from potluck.engine.troubles import Trouble, TroubleKind

FREE_INODES = 1000  # a group commit and what it replaces, twice; others need some, too
PRUNE_AGAIN_S = 60.0  # a walk over the trash; who makes room looks at it no oftener
SPACE, WRITING = "space on the disk", "writing to the disk"  # what is told, without a path
PAUSES = {Hindrance.SPACE: "disk full", Hindrance.INODES: "no inodes left"}


def lacks_room(node: Node) -> bool:
    """Say whether something lacks room here, so that the trash may let files go early."""
    return any(each.subject == SPACE for each in node.troubles.of(TroubleKind.DISK))


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
        self._prune_s = -math.inf  # when the trash may be pruned again
        self._trash_bytes = 0  # what it held after that
        self._short = ""  # which file has no room, as it was told last

    def __repr__(self) -> str:
        """Return what there is too little of, and what went wrong last."""
        return f"<DiskRoom lack={self.lack}, failed={self._failed!r}>"

    @property
    def paused(self) -> str:
        """Why nothing is fetched, "" if it is."""
        return PAUSES[self.lack] if self.lack is not None else ""

    @property
    def failed_words(self) -> str:
        """Why what was fetched could not be written last, as a sentence; "" if it could."""
        return sentence_of(self._failed)

    def on_space(self, event: SpaceSeen) -> None:
        """How full the disk is."""
        if event.trash_bytes is not None:
            self._trash_bytes = event.trash_bytes
        if event.early_files:
            gone = f"{plural(event.early_files, 'file')} ({of_size(event.early_bytes)})"
            full = self.lack is Hindrance.SPACE
            why = "the disk is almost full: the trash" if full else "the trash was too large: it"
            self._node.tell("trash_pruned", f"{why} let go of {gone} early")
        lack, before = _lack(event), self.lack
        self.lack = lack
        if lack is not before:
            self._node.troubles.clear(TroubleKind.DISK, SPACE)  # another one, since now
        if lack is not None:
            self._note_lack(lack)
        if lack is before:
            return
        self._short = ""
        if lack is None:
            self._node.tell("resumed", "resumed: there is space on the disk again")
            return
        if self._failed in PAUSES:  # the same, said better
            self.on_written()
        elif self._failed:
            self._register(None)  # nothing is asked for, so it is not tried either
        almost = "has almost no inodes left" if lack is Hindrance.INODES else "is almost full"
        self._node.tell("paused", f"paused: the disk {almost}", level="error")

    def _note_lack(self, lack: Hindrance) -> None:
        self._prune()
        scarce = "no inodes are" if lack is Hindrance.INODES else "no space is"
        where = f"the disk of {self._node.settings.folder}"
        reason = f"almost {scarce} left on {where}: nothing is fetched until there is room"
        self._note(SPACE, reason + self._in_trash(), lack, self._node.now)

    def _prune(self) -> None:
        """What the trash may let go is in the way: it is let go now."""
        node = self._node
        if node.now >= self._prune_s:
            self._prune_s = node.now + PRUNE_AGAIN_S
            node.do(prune_trash_of(node))

    def _in_trash(self) -> str:
        """Return what the trash held and kept, as part of a sentence; a person may empty it."""
        if not self._trash_bytes:
            return ""
        where = shlex.quote(f"{self._node.settings.folder}/.potluck/trash")
        held = of_size(self._trash_bytes)
        return f"; the trash ({where}) held {held} of it when it was looked at last"

    def on_short(self, path: SafePath | None, shortage: Shortage | None) -> None:
        """What has no room, and one path where the first of it is wanted; None: all has."""
        node = self._node
        if self.lack is not None:
            return  # nothing is fetched at all, which is said
        if path is None or shortage is None:
            if self._short:
                self._short = ""
                node.troubles.clear(TroubleKind.DISK, SPACE)
            return
        name = set_off(str(path))
        reason = f"no room for {name} on the disk of {node.settings.folder}: "
        reason += f"{of_size(shortage.lacks_bytes)} more must be free"
        if shortage.contents > 1:
            reason += f" for it, {of_size(shortage.all_lack_bytes)} for all that waits"
            reason += f" ({shortage.contents:,} files)"
        self._prune()
        if self._short != name:
            node.troubles.clear(TroubleKind.DISK, SPACE)
        self._note(SPACE, reason + self._in_trash(), Hindrance.SPACE, node.now)
        if self._short != name:
            self._short = name
            node.tell("no_room", reason, level="warning", subject=str(path))

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
    if event.free_bytes < reserve_of(event.total_bytes):
        return Hindrance.SPACE
    if event.free_inodes is None or event.total_inodes is None:
        return None
    if event.free_inodes < min(FREE_INODES, event.total_inodes // FREE_PART_MAX):
        return Hindrance.INODES
    return None
