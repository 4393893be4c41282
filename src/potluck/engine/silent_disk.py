"""A silent disk: one that does not answer is named, for all that may wait for it.

Strategy: the shell tells when a call of the disk has gone unanswered for long, what that was about,
and when there is none such any more (shells/disk/unanswered.py). It stands in the register of
troubles meanwhile: what is looked at, read or put in its place is done one after the other, so it
is a reason for every path. Guarantees: nothing is said of a disk that answers, however slowly.
Limits: which of the files that were asked about in one go it is about is not known; of more than
one silent disk the first that was noticed is named.
"""

from __future__ import annotations

from typing import Final

from potluck.core.wording import plural, set_off
from potluck.engine.events import DiskSilent
from potluck.engine.node import Node, tell_trouble
from potluck.engine.troubles import Trouble, TroubleKind

MOUNTS_COMMAND: Final = "findmnt"  # without a path: it would be asked about, and wait as well


class SilentDisk:
    """What is told of a disk that does not answer."""

    def __init__(self, node: Node) -> None:
        """Take it for one that answers."""
        self._node = node
        self._subject = ""  # it is told under that

    def __repr__(self) -> str:
        """Say about what it is silent."""
        return f"<SilentDisk: {self._subject or 'it answers'}>"

    def on_silent(self, event: DiskSilent) -> None:
        """A disk does not answer for so long, or does again."""
        node, kind = self._node, TroubleKind.SILENT
        if not event.waited_s:
            node.troubles.clear_kind(kind)
            if self._subject:
                text = f"{set_off(self._subject)}: the disk answers again"
                node.tell("disk_answers", text, subject=self._subject)
            self._subject = ""
            return
        first, *others = [str(path) for path in event.asked] or [node.settings.folder]
        beside = f", there or at {plural(len(others), 'other path')}" if others else ""
        reason = (
            f"one call has not been answered for {event.waited_s:.0f} s or more{beside}: the disk"
            " there is very slow, or it hangs; what else is to be looked at, read or put in its"
            " place may wait for that"
        )
        if self._subject != first:
            node.troubles.clear_kind(kind)
        self._subject = first
        since_s = node.now - event.waited_s
        tell_trouble(
            node,
            Trouble(kind, first, reason, MOUNTS_COMMAND, since_s, None),
            "disk_silent",
            shown=set_off(first),
        )
