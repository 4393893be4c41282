"""A silent disk: one that does not answer is named, for all that may wait for it.

Strategy: the shell tells when a call of the disk has gone unanswered for long, what that was about,
and when there is none such any more (shells/disk/unanswered.py). It stands in the register of
troubles meanwhile: what is looked at, read or put in its place is done one after the other, so it
is a reason for every path. Guarantees: nothing is said of a disk that answers, however slowly.
Limits: which of the files that were asked about in one go it is about is not known; of more than
one silent disk the first that was noticed is named.
"""

from __future__ import annotations

import math
from typing import Final

from potluck.core.wording import plural, set_off
from potluck.engine.events import DiskSilent
from potluck.engine.node import Node, tell_trouble
from potluck.engine.troubles import Trouble, TroubleKind

SILENCE_TOLD_S: Final = 600.0
"""A disk that is always slow is among the troubles each time, and told of now and then."""
MOUNTS_COMMAND: Final = "findmnt"  # without a path: it would be asked about, and wait as well


class SilentDisk:
    """What is told of a disk that does not answer."""

    def __init__(self, node: Node) -> None:
        """Take it for one that answers."""
        self._node = node
        self._subject = ""  # it is told under that
        self._told, self._told_s = False, -math.inf  # to a person

    def __repr__(self) -> str:
        """Say about what it is silent."""
        return f"<SilentDisk: {self._subject or 'it answers'}>"

    def on_silent(self, event: DiskSilent) -> None:
        """A disk does not answer for so long, or does again."""
        node, kind = self._node, TroubleKind.SILENT
        if not event.waited_s:
            node.troubles.clear_kind(kind)
            if self._told:
                text = f"{set_off(self._subject)}: the disk answers again"
                node.tell("disk_answers", text, subject=self._subject)
            self._subject, self._told = "", False
            return
        mounted = node.mounts.innermost  # what hangs is rather another disk than that of all
        first = next((path for path in event.asked if mounted(path) is not None), None)
        first = first or next(iter(event.asked), None)
        others = len(event.asked) - 1
        beside = f", there or at {plural(others, 'other path')}" if others > 0 else ""
        subject = node.settings.folder if first is None else str(first)
        reason = (
            f"one call has not been answered for long{beside}: the disk there is very slow, or it"
            " hangs; what else is to be looked at, read or put in its place may wait for that"
        )
        if self._subject != subject:
            node.troubles.clear_kind(kind)
        since_s, self._subject = node.now - event.waited_s, subject
        trouble = Trouble(kind, subject, reason, MOUNTS_COMMAND, since_s, None)
        if node.now - self._told_s < SILENCE_TOLD_S:
            node.troubles.note(trouble)
            return
        self._told, self._told_s = True, node.now
        tell_trouble(node, trouble, "disk_silent", shown=set_off(subject))
