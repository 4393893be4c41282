"""Forgotten folders: the folder of a removed device goes from this disk, by a steward's word.

Strategy: what is forgotten is its manifest: then nothing in that folder is wanted any more, and
receiving moves file by file to the trash, as if its owner had deleted all (engine/others/
receiving.py). So what a person changed there is put aside, what something mounted hides waits until
it is seen, nothing is touched while the share is offline, and a crash in between is settled like
any other. When nothing that is known stands there any more, the empty folder itself goes.

Guarantees: nothing outside that folder is touched, and no file goes that nobody shared: it stays,
and its folder with it, as what belongs to no device (engine/strays.py). The manifest goes in the
transaction that writes the statement, and what stands is found by the index, so the next run goes
on. A device that was away does the same when it hears of it; a head of a forgotten folder counts
for nothing (frozen_heads.py). Limits: a removal that stops being in force brings the folder back,
as far as somebody has it still.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from potluck.core.content.facts import ManifestName
from potluck.core.group.statements import Forget
from potluck.core.keys.identity import DeviceId
from potluck.core.wording import listed, set_off
from potluck.engine.effects import DropFolder
from potluck.engine.node import Node
from potluck.engine.others.disk_room import lacks_room
from potluck.engine.others.trash_words import TRASH_DAYS


class ForgottenListener(Protocol):
    """Hears what is not wanted any more."""

    def on_forgotten(self, name: ManifestName, paths: Sequence[bytes]) -> None:
        """Nobody shares that folder any more: this is what was in it, or stands there."""


class ForgottenFolders:
    """The folders that are to go."""

    def __init__(self, node: Node, listener: ForgottenListener) -> None:
        """Find in the roster which."""
        self._node, self._listener = node, listener
        self._dropped: set[DeviceId] = set()  # whose empty folder was to go in this run

    def __repr__(self) -> str:
        """Return how many there are, and how many of them are gone."""
        return f"<ForgottenFolders: {len(self._forgotten)}, {len(self._dropped)} gone>"

    @property
    def _forgotten(self) -> frozenset[DeviceId]:
        return self._node.roster.forgotten if self._node.roster is not None else frozenset()

    def on_members(self) -> None:
        """The group has changed: perhaps a folder is to go."""
        for device in sorted(self._forgotten - {self._node.me}):
            name = ManifestName.own(device)
            if self._node.index.manifests.head(name) is not None:
                self._forget(name)
        self._dropped &= self._forgotten
        self._drop_empty()

    def on_committed(self) -> None:
        """Something was placed, or has gone."""
        self._drop_empty()

    def on_share(self) -> None:
        """The marker was checked: the share may be back."""
        self._drop_empty()

    def _forget(self, name: ManifestName) -> None:
        node = self._node
        wanted = node.index.forget(name)
        stands = node.index.places.all_paths(name)
        for peer in node.peers.values():
            peer.heads.pop(name, None)
            peer.kept.pop(name, None)
        self._tell(name, is_empty=not stands)
        self._listener.on_forgotten(name, sorted({*wanted, *stands}))

    def _tell(self, name: ManifestName, *, is_empty: bool) -> None:
        node, label = self._node, self._node.label_of(name.owner)
        assert node.roster is not None, "only a roster says what is forgotten"
        by = {
            node.label_of(said.by)
            for known, said in node.roster.acts.items()
            if isinstance(said.act, Forget) and said.about == name.owner
            if node.roster.standing.has_word(known, said.by)
        }
        text = (
            f"{listed(sorted(by))} had the folder of {label} forgotten, which is out of the group"
        )
        if not is_empty:
            trash = set_off(f"{node.settings.folder}/.potluck/trash")
            text += f": what stood in it here goes to {trash}"
            text += "" if lacks_room(node) else f", for {TRASH_DAYS} days"
        node.tell("folder_forgotten", text, level="warning", subject=label)

    def _drop_empty(self) -> None:
        node = self._node
        if not node.share_present:
            return
        for device in sorted(self._forgotten - self._dropped - {node.me}):
            stands = node.index.places.all_paths(ManifestName.own(device))
            if device not in node.former and not stands:  # else it gets its name first
                self._dropped.add(device)
                node.do(DropFolder(node.layout.name_of(device)))
