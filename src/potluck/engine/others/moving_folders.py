"""Moving folders: the folder of a device that has got another label follows, by one rename.

Strategy: the layout goes by the name that a folder has on the disk (engine/former_labels.py), so
until it is renamed everything goes on under the former one. To rename it, the disk has to be at
rest for a moment: nothing new is placed, looked at or served meanwhile (`Node.moving`), and what is
under way ends first. Then one `MoveFolder`, and the name counts. One folder after the other; a name
that another folder still has is taken when that one has moved, and where names go round in a circle
the first folder waits under a spare name (engine/former_labels.py), once. Each new label is told
once: with the rename, to the spare name too, and not again when that ends; the spare name of a
newcomer's folder is not told.

Guarantees: nothing is fetched, deleted or put aside because of another label; what stands at the
new name and is no member's is put aside, and told. Neither the own folder is moved from here, nor
one whose name is another folder's as well, and none to a name that another one has. A rename is
asked for only when the new label is on the disk, and asked for again, also by the next run, while
nobody knows what became of it. Where it cannot be done (something is mounted on the folder, the
disk says no) the folder keeps its former name, all goes on under that, `status` says why, and it is
tried again; who is to have that name waits. While the share is offline nothing is tried. Limits:
the own folder is renamed with its marker (own/share_state.py).
"""

from __future__ import annotations

import shlex
from collections import Counter
from typing import Protocol

from potluck.core.content.facts import ManifestName
from potluck.core.content.paths import SafePath, collision_key
from potluck.core.keys.identity import DeviceId
from potluck.core.wording import listed, set_off
from potluck.engine.effects import MakeFolders, MoveFolder
from potluck.engine.events import FolderMoved, OrderId
from potluck.engine.node import Node, tell_trouble
from potluck.engine.troubles import Trouble, TroubleKind

RENAME_AGAIN_S = 10.0  # after a rename failed: whatever is in the way is a person's to clear
UNANSWERED_S = 60.0  # a disk that hangs answers later; what the index lost never left


class MovingListener(Protocol):
    """Knows what is under way, and hears that paths are others now."""

    def is_placing_any(self) -> bool:
        """Say whether a group commit is under way, or it is unknown what became of one."""

    def on_folder_moved(self, top: SafePath) -> None:
        """A folder is called so now."""


class MovingFolders:
    """The folders that are to get another name."""

    def __init__(self, node: Node, listener: MovingListener) -> None:
        """Rename what the index says."""
        self._node, self._listener = node, listener
        self._again_s: dict[DeviceId, float] = {}
        self._asked: tuple[DeviceId, MoveFolder] | None = None
        self._asked_s = 0.0

    def __repr__(self) -> str:
        """Return how many there are, and whether one is being renamed."""
        return f"<MovingFolders: {len(self._waiting())}, asked={self._asked is not None}>"

    def _waiting(self) -> list[DeviceId]:
        if not self._node.former:
            return []
        return [device for device in self._node.former if device != self._node.me]

    # -- time --------------------------------------------------------------------------------------
    def deadline(self) -> float | None:
        """Return when `on_tick` must be called next."""
        if self._asked is not None:
            return self._asked_s + UNANSWERED_S
        if not self._node.share_present:
            return None
        return min((self._again_s.get(device, 0.0) for device in self._resting()), default=None)

    def _resting(self) -> list[DeviceId]:
        now = self._node.now
        return [each for each in self._waiting() if self._again_s.get(each, 0.0) > now]

    def on_tick(self) -> None:
        """Rename the next folder as soon as nothing else is under way."""
        node = self._node
        if self._asked is not None and node.now < self._asked_s + UNANSWERED_S:
            return
        resting = set(self._resting())
        due = [device for device in self._waiting() if device not in resting]
        following = self._next(due) if due and node.share_present else None
        node.moving = following is not None
        if following is not None and not self._listener.is_placing_any():
            self._ask(*following)

    def _next(self, due: list[DeviceId]) -> tuple[DeviceId, str] | None:
        """Return which folder is renamed next, and how it is called then; None: all wait."""
        layout, labels = self._node.layout, self._labels()
        stand = {device: collision_key(layout.name_of(device)) for device in labels}
        count = Counter(stand.values())
        holders = {name: device for device, name in stand.items()}
        wanted = {device: collision_key(label) for device, label in labels.items()}
        able = [device for device in due if count[stand[device]] == 1]
        for device in able:
            if holders.get(wanted[device], device) == device:
                return device, labels[device]
        for device in able:
            way = [device]
            while (each := holders.get(wanted[way[-1]])) in {*able, self._node.me} - {*way[1:]}:
                if each == device:
                    return device, self._node.former.spare(device, labels)
                way.append(each)
        return None

    def _labels(self) -> dict[DeviceId, str]:
        """Return how all are called that have a folder here, or are to have one."""
        roster, layout = self._node.roster, self._node.layout
        known = {*roster.members, *roster.former} if roster is not None else set()
        return {each: layout.wanted_name(each) for each in [*known, *self._node.former]}

    def _ask(self, device: DeviceId, name: str) -> None:
        move = MoveFolder(OrderId(self._node.number()), self._node.former.of(device), name)
        self._asked, self._asked_s = (device, move), self._node.now
        self._node.when_durable([move])  # the label first

    # -- what became of it -------------------------------------------------------------------------
    def on_moved(self, event: FolderMoved) -> None:
        """A folder was renamed, or could not be."""
        if self._asked is None or self._asked[1].order != event.order:
            return
        node, (device, move) = self._node, self._asked
        self._asked = None
        subject = f"Shared/{move.former}"
        if event.reason:
            self._again_s[device] = node.now + RENAME_AGAIN_S
            self._tell_failed(device, subject, event.reason)
            return
        self._again_s.pop(device, None)
        node.troubles.clear(TroubleKind.MISNAMED, subject)
        waited_as = node.former.waits_as(device)
        node.former.stands(device, move.label, node.layout.wanted_name(device))
        if waited_as and node.roster is not None and device in node.roster.members:
            # the disk has no such folder if nothing of it came here
            node.do(MakeFolders((move.label,)))
        self._tell_moved(device, move, waited_as or move.former)
        self._tell_aside(device, event.aside)
        self._listener.on_folder_moved(node.layout.top_of(ManifestName.own(device)))

    def _tell_failed(self, device: DeviceId, subject: str, reason: str) -> None:
        node, label = self._node, self._node.label_of(device)
        why = f"is {label}'s, and cannot be renamed: {reason}"
        place = f"{node.settings.folder}/{subject}" if node.settings.folder else subject
        command = f"findmnt {shlex.quote(place)}"
        trouble = Trouble(
            TroubleKind.MISNAMED, subject, why, command, node.now, self._again_s[device]
        )
        tell_trouble(node, trouble, "folder_not_renamed", shown=set_off(subject))

    def _tell_moved(self, device: DeviceId, move: MoveFolder, known_as: str) -> None:
        """Say that a device which people know as `known_as` has another label; once for each."""
        node, label = self._node, self._node.layout.wanted_name(device)
        waits = node.former.waits_as(device) == label
        if known_as == label or not (waits or move.label == label):
            return
        text = f"{known_as} is called {label} now, and so is its folder"
        heir = None if node.roster is None else node.roster.force.successors.get(device)
        if heir is not None:
            who = "this device" if heir == node.me else "another device"
            text = f"{who} is {known_as} now: the folder of before is {label}"
        if waits:
            text += ", as soon as another folder has left that name"
        node.tell("folder_renamed", text, subject=label)

    def _tell_aside(self, device: DeviceId, aside: tuple[str, ...]) -> None:
        if aside:
            label, where = self._node.layout.wanted_name(device), listed(map(set_off, aside))
            text = f"something else stood where {label}'s folder belongs: it is in {where}"
            self._node.tell("put_aside", text, level="warning", subject=label)
