"""Confirming: what a breaker holds is let go, since a person says that it was meant.

Strategy: a name says whose deletes are meant, none means this device's own. Whoever holds them
lets them go, the own breaker or that of the receiver; here it is only found out who that is, and a
person is told what follows. A removed device has a name as long as something of it is held. What is
confirmed of another device is said to the others, too, also where nothing of it is held here: what
holds some may have no screen. What this device confirms of its own counts for nobody else.

Guarantees: nothing is let go but what was held when it was asked for; where nothing is held, and
there is nothing to say to the others, that is what is said. Limits: all that is held of another
device goes at once, not single files of it; of the own folder a path says which.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Protocol

from potluck.core.content.paths import parse_wire_path
from potluck.core.errors import NotFound, UnsafePath
from potluck.core.keys.identity import DeviceId
from potluck.core.wording import set_off
from potluck.engine.group.named_devices import fitting, members_fitting, the_one
from potluck.engine.node import Node, legible


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


class Confirming:
    """Lets go what is held."""

    def __init__(self, node: Node, own: DeleteHolder, others: LossHolder) -> None:
        """`own` holds the deletes of this device itself."""
        self._node, self._own, self._others = node, own, others

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
        if follows is None:
            raise NotFound(
                f"No deletes of {set_off(node.label_of(device))} are held here.",
                "they were confirmed already, or the files are back",
                "status",
            )
        return follows

    def _at(self, name: str) -> str:
        """Let go what is held at a path of the own folder; raises NotFound."""
        follows = None
        with suppress(UnsafePath):
            path = parse_wire_path(name.strip("/").encode("utf-8", "surrogateescape"))
            spot = self._node.layout.spot_at(path)
            if spot is not None and spot.manifest == self._node.own_manifest:
                follows = self._own.confirm(spot.path)
        if follows is None:
            raise NotFound(
                f"Nothing at {set_off(legible(name))} is held here.",
                "it is no path of this device's own folder, it was let go already, or what a disk"
                " hides there was not looked at yet",
                "status",
            )
        return follows
