"""The state of the share: whether its marker stands, and may what is found in it be believed.

Strategy: one table. The folder of the share holds a marker that names this device's group; whoever
looks at the folder checks the marker first and says what it found. Another group, or another name
of the own folder, means another marker: until that is written nothing in the folder is looked at,
since it may be about somebody else's files.

Guarantees: `Node.share_present` follows the table and is written nowhere else. That a new marker is
awaited says nothing of whether the share is there, so an offline share stays offline. A marker that
could not be written is asked for again whenever the folder is looked at, also by a later run, but
never where files that were shared would seem to be gone then: a disk that is not mounted gets no
marker. That a folder is not the one that it was is said only if it had a marker once. Limits: what
follows from a change of state is done by own_folder; who places files asks the node.
"""

from __future__ import annotations

import shlex
from enum import Enum, auto

from potluck.core.content.facts import NOTHING
from potluck.core.transitions import follow
from potluck.core.wording import TO_TYPE, listed, set_off
from potluck.engine.effects import MarkShare
from potluck.engine.events import ShareSeen, UnwrittenMarker
from potluck.engine.node import Node
from potluck.engine.own.older_copy import FOLDER_STAMP

WRITTEN_ONCE = "marked"  # the key under which the index remembers that there was a marker once
MISSING = "missing"  # what a check says of a folder without a marker
# and of one that is ours again, while another one is held open: a new start takes hold of it
RETURNED = "back"
FAILS = "failing: "
"""What a check says of a disk that answers with an error, before the words of the system."""

ASIDE_ENDING = (
    " (was here)"  # of what is moved out of the way of the own folder; then it is a stray
)


class ShareState(Enum):
    """What is known of the share."""

    MARKED = auto()  # it is there, and marked as ours
    UNMARKED = auto()  # it is there; a new marker is being written
    OFFLINE = auto()  # its marker is missing, or another one
    OFFLINE_UNMARKED = auto()  # it was offline; a new marker is being written


class ShareInput(Enum):
    """What can happen to the share."""

    FOUND = auto()  # the marker was checked: it is ours
    LOST = auto()  # the marker was checked: it is missing, or another one
    RENAMED = auto()  # another group, or another name of the own folder: a new marker is to come


SHARE: dict[tuple[ShareState, ShareInput], ShareState] = {
    (ShareState.MARKED, ShareInput.FOUND): ShareState.MARKED,
    (ShareState.MARKED, ShareInput.LOST): ShareState.OFFLINE,
    (ShareState.MARKED, ShareInput.RENAMED): ShareState.UNMARKED,
    (ShareState.UNMARKED, ShareInput.FOUND): ShareState.MARKED,
    (ShareState.UNMARKED, ShareInput.LOST): ShareState.OFFLINE,
    (ShareState.UNMARKED, ShareInput.RENAMED): ShareState.UNMARKED,
    (ShareState.OFFLINE, ShareInput.FOUND): ShareState.MARKED,
    (ShareState.OFFLINE, ShareInput.LOST): ShareState.OFFLINE,
    (ShareState.OFFLINE, ShareInput.RENAMED): ShareState.OFFLINE_UNMARKED,
    (ShareState.OFFLINE_UNMARKED, ShareInput.FOUND): ShareState.MARKED,
    (ShareState.OFFLINE_UNMARKED, ShareInput.LOST): ShareState.OFFLINE,
    (ShareState.OFFLINE_UNMARKED, ShareInput.RENAMED): ShareState.OFFLINE_UNMARKED,
}
"""A marker that is found or lost settles everything; a new one is waited for in between."""


ANOTHER_SHARE = "another share"
ANOTHER_DEVICE = "another device"
GONE = "gone"
UNMARKED_THERE = "another folder"
"""What is seen of FOLDER by its name, where it is not what is held open: no folder, and one
without a marker."""
WHY_OFFLINE = {
    "missing": "there is no marker of potluck in it",
    ANOTHER_SHARE: "its marker is of this device, and of another folder than its index knows",
    ANOTHER_DEVICE: "its marker is of another device",
    GONE: "it is not there",
    UNMARKED_THERE: "what stands there now has no marker of potluck in it",
    "other file system": "another one stands there now, or a part of it is on another disk",
    "unreadable": "it is gone, or cannot be read",
}
"""What the findings of whoever looks for the marker mean."""


class SharePresence:
    """The share as its marker says it is."""

    def __init__(self, node: Node) -> None:
        """Take it for marked until somebody knows better."""
        self._node = node
        self.state = ShareState.MARKED
        self.reason = ""  # why the marker does not count
        self.unwritten: UnwrittenMarker | None = None  # what could not be written so far
        self._instead = ""  # what stood where the own folder must be, when it was to be marked

    def __repr__(self) -> str:
        """Return the state."""
        return f"<SharePresence {self.state.name} {self.reason}>"

    @property
    def marked(self) -> bool:
        """Whether it is there and marked: what is found in it counts."""
        return self.state is ShareState.MARKED

    @property
    def awaited(self) -> bool:
        """Whether a new marker is being written."""
        return self.state is ShareState.UNMARKED or self.state is ShareState.OFFLINE_UNMARKED

    @property
    def offline_words(self) -> str:
        """Why nothing that is found in the folder counts, and what ends that."""
        if self._instead:
            place = set_off(f"Shared/{self._node.own_label}")
            return (
                f"the share is offline: {place} is a {self._instead}, and must be this device's "
                "folder; move it out of the way"
            )
        folder, why = self._node.settings.folder or "its folder", WHY_OFFLINE.get(self.reason)
        if self.reason == RETURNED:
            return f"the share is offline: {folder} is back; potluck starts again with it"
        if self.reason.startswith(FAILS):
            return (
                f"the share is offline: {folder} cannot be read "
                f"({self.reason.removeprefix(FAILS)}); its disk fails, or the server that it lies "
                "on is away; potluck goes on by itself when it can be read again"
            )
        if why is None:  # nothing is wrong with the folder, and the reason says what to do
            return f"the share is offline: its marker is {self.reason}"
        then = "plug its disk in, or put it back, and nothing else: that is noticed"
        if self.reason in {GONE, UNMARKED_THERE} and self._has_company:
            then += f"; if it is gone for good, end potluck, then {TO_TYPE}up NEW --repair"
        if self.reason == ANOTHER_SHARE:
            then = "put its own one back there, or start potluck with another folder: up FOLDER"
        if self.reason == ANOTHER_DEVICE:
            again = f"up {shlex.quote(self._node.settings.folder or 'FOLDER')} --repair"
            then = "put its own one back there, and nothing else: that is noticed; if this one is "
            then += f"to be its own again, end potluck, then {TO_TYPE}{again}"
        if self.reason == GONE:
            return f"the share is offline: {folder} is not there; {then}"
        return f"the share is offline: {folder} is not the folder that it was ({why}); {then}"

    @property
    def _has_company(self) -> bool:
        """Whether somebody may have what this device shared."""
        roster = self._node.roster
        return roster is not None and len(roster.members) > 1

    @property
    def command(self) -> str:
        """What shows a person what stands there now, or mends it."""
        folder = self._node.settings.folder
        if self._instead and folder:
            place = f"{folder}/Shared/{self._node.own_label}"
            return f"mv -nT {shlex.quote(place)} {shlex.quote(place + ASIDE_ENDING)}"
        of_the_folder = self.reason in {*WHY_OFFLINE, RETURNED} or self.reason.startswith(FAILS)
        return f"ls -la {shlex.quote(folder)}" if folder and of_the_folder else ""

    def on_checked(self, event: ShareSeen) -> None:
        """The marker was looked at, or could not be written."""
        self.unwritten = event.unwritten or self.unwritten
        self.reason = event.reason
        if event.unwritten is not None:
            self._instead = event.unwritten.instead
        if event.present:
            self.unwritten, self._instead = None, ""
            self._remember_marker()
            self._on_written(event)
            if event.stamp:
                self._node.index.meta.set(FOLDER_STAMP, event.stamp)
        elif self.unwritten is not None:
            self.reason = f"not written: {self.unwritten.why}"
        self._fire(ShareInput.FOUND if event.present else ShareInput.LOST)

    def tell_offline(self) -> None:
        """Say why nothing is shared any more, and what to type if something is in the way."""
        words, command = self.offline_words, ""
        if self._instead and self.command:
            command = self.command
            words += f": {command}"
        self._node.tell("share_offline", words, level="error", command=command)

    def on_renamed(self) -> None:
        """A new marker is being written."""
        self.unwritten = None
        self._fire(ShareInput.RENAMED)

    def writes_again(self, event: ShareSeen) -> bool:
        """Write the marker that could not be written once more, if what was looked at may have it:
        it is this share under its former name, or nothing of it is known that could be missed.
        """
        node, order = self._node, self.unwritten or self._of_earlier_run(event)
        if order is None:
            return False
        empty = node.index.manifests.amount(node.own_manifest) == NOTHING
        if not (order.former if event.present else empty and event.reason == MISSING):
            return False
        self.on_renamed()
        node.do(MarkShare(order.group, order.label, order.former))
        return True

    def _of_earlier_run(self, event: ShareSeen) -> UnwrittenMarker | None:
        """Return the marker that no run has written yet, None if one has, or if that is unknown.

        That is the first one, or that of a folder whose device has got another label since, once
        no other folder has that as its name.
        """
        node = self._node
        former, label = node.former.of(node.me), node.own_label
        free = former != "" and not node.former.is_taken(label, node.me)
        if event.present and not event.label and not self.awaited and free and node.roster:
            return UnwrittenMarker(node.roster.group, label, former, "not renamed yet")
        if event.reason != MISSING or self.awaited or node.roster is None:
            return None
        if node.index.meta.get(WRITTEN_ONCE) is not None:
            return None
        return UnwrittenMarker(node.roster.group, node.own_label, "", event.reason)

    def _on_written(self, event: ShareSeen) -> None:
        """If the marker was just written, the own folder has the name that was asked for."""
        node = self._node
        if event.label:
            node.former.stands(node.me, event.label, node.own_label)
        if event.aside:
            where = listed(map(set_off, event.aside))
            text = f"something else stood where the own folder belongs: {where}"
            node.tell("put_aside", text, level="warning", subject=node.own_label)

    def _remember_marker(self) -> None:
        meta = self._node.index.meta
        if meta.get(WRITTEN_ONCE) is None:
            meta.set(WRITTEN_ONCE, b"1")

    def _fire(self, happened: ShareInput) -> None:
        self.state = follow(SHARE, self.state, happened)
        self._node.share_present = self.state in {ShareState.MARKED, ShareState.UNMARKED}
