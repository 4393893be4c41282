"""Confirming: what a breaker holds is let go, since a person says that it was meant.

Strategy: a name says whose deletes are meant, none means this device's own. Whoever holds them
lets them go, the own breaker or that of the receiver; here it is only found out who that is, and a
person is told what follows. A path in the folder of another device is about what its owner came
back without (holds.py): that was never deleted, so a name alone does not mean it. A removed device
has a name as long as something of it is held. What is confirmed of another device is said to the
others, too, also where nothing of it is held here: what holds some may have no screen. What this
device confirms of its own, or lets go at a path, counts for nobody else.

Guarantees: nothing is let go but what was held when it was asked for; where nothing is held, and
there is nothing to say to the others, that is what is said. Limits: all that another device
deleted goes at once, not single files of it; of the own folder, and of what an owner came back
without, a path says which.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Protocol

from potluck.core.content.facts import Amount, ManifestName, Spot
from potluck.core.content.paths import SafePath, parse_wire_path
from potluck.core.errors import NotFound, UnsafePath
from potluck.core.keys.identity import DeviceId, short_id
from potluck.core.wording import TO_TYPE, of_amount, set_off, typable
from potluck.engine.group.named_devices import fitting, members_fitting, the_one
from potluck.engine.node import Node, legible
from potluck.engine.others.holds import confirm_left


class DeleteHolder(Protocol):
    """Whoever holds deletes."""

    def confirm(self, path: bytes = b"") -> str | None:
        """Let those at a path or below it go, b"" is all; return what follows, None if none are.

        Raises PotluckError.
        """


class LossHolder(Protocol):
    """Whoever holds what others deleted or replaced."""

    @property
    def owners(self) -> list[DeviceId]:
        """Of whom something is held."""

    def confirm(self, device: DeviceId) -> str | None:
        """Let it go, and say so to the others; return what follows, None if nothing does."""


class LeftHolder(Protocol):
    """Whoever holds what owners came back without."""

    def amount(self, name: ManifestName) -> Amount:
        """Return how much of a folder that is."""

    def let_go(self, name: ManifestName, path: bytes = b"") -> str | None:
        """Let what is held at a path or below it go, b"" is all; return what follows, or None."""


class Confirming:
    """Lets go what is held."""

    def __init__(self, node: Node, own: DeleteHolder, others: LossHolder, left: LeftHolder) -> None:
        """`own` holds the deletes of this device itself."""
        self._node, self._own, self._others, self._left = node, own, others, left

    def __repr__(self) -> str:
        """Return whose words these are."""
        return f"<Confirming on {self._node.own_label}>"

    def confirm(self, name: str) -> str:
        """Let go what is held of a device, "" is this one, or at a path of the own folder.

        Return what follows; raises PotluckError.
        """
        node, device = self._node, self._node.me
        if "/" in name:  # no label has one
            return self._at(name)
        if name:
            owners = {owner: (node.label_of(owner),) for owner in self._others.owners}
            meant = members_fitting(node, name) or fitting(name, owners)
            found = the_one(name, meant, node.label_of)
            if found is None:
                raise NotFound(
                    f"There is no device called {set_off(name)} in the group.",
                    "the name was mistyped, or it was removed",
                    "peers",
                )
            device = found
        own = device == node.me
        follows = self._own.confirm() if own else self._others.confirm(device)
        left, label = self._left.amount(ManifestName.own(device)), set_off(node.label_of(device))
        step = confirm_left(node, Spot(ManifestName.own(device), b"")) if any(left) else ""
        if follows is None:
            why = "there were none, they were confirmed already, or the files are back"
            if step:
                why = "it came back without some of its files: they stay until that is confirmed"
            raise NotFound(f"No deletes of {label} are held here.", why, step or "status")
        if step:
            stays = f"What {label} came back without, {of_amount(*left)}, stays here"
            follows += f" {stays}; if nobody needs it, {TO_TYPE}{step}"
        return follows

    def _at(self, name: str) -> str:
        """Let go what is held at a path; raises NotFound."""
        follows = None
        with suppress(UnsafePath):
            follows = self._found_at(
                parse_wire_path(name.strip("/").encode("utf-8", "surrogateescape"))
            )
        if follows is None:
            self._check_owner(name)
            raise NotFound(
                f"Nothing at {set_off(legible(name))} is held here.",
                "it was let go already, or what a disk hides there was not looked at yet",
                "status",
            )
        return follows

    def _check_owner(self, name: str) -> None:
        """Raise NotFound where a path is in the folder of a device whose deletes are held."""
        for owner in self._others.owners:
            label = self._node.label_of(owner)
            if name.startswith(f"{label}/"):
                raise NotFound(
                    f"Nothing at {set_off(legible(name))} is let go by its path.",
                    f"what {set_off(label)} deleted or replaced, and is held here, goes as a whole",
                    f"confirm {typable(label, short_id(owner))}",
                )

    def _found_at(self, path: SafePath) -> str | None:
        """Let go what is held at a path below Shared/; return what follows, None if nothing is."""
        layout = self._node.layout
        folder, spot = layout.manifest_at(path), layout.spot_at(path)
        inner = spot.path if spot is not None else b""
        if folder is None or (folder == self._node.own_manifest and spot is None):
            return None
        if folder == self._node.own_manifest:
            return self._own.confirm(inner)
        return self._left.let_go(folder, inner)
