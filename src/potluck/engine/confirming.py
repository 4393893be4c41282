"""Confirming: what a breaker holds is let go, since a person says that it was meant.

Strategy: a name says whose deletes are meant, none means this device's own. Whoever holds them
lets them go, the own breaker or that of the receiver; here it is only found out who that is, and a
person is told what follows. A removed device has a name as long as something of it is held.

Guarantees: nothing is let go but what was held when it was asked for; where nothing is held, that
is what is said. Limits: all that is held of one device goes at once, not single files of it.
"""

from __future__ import annotations

from typing import Protocol

from potluck.core.errors import NotFound
from potluck.core.keys.identity import DeviceId
from potluck.core.wording import set_off
from potluck.engine.group.named_devices import fitting, members_fitting, the_one
from potluck.engine.node import Node


class DeleteHolder(Protocol):
    """Whoever holds deletes."""

    def confirm(self) -> str | None:
        """Let them go; return what follows, None if none are held."""


class LossHolder(Protocol):
    """Whoever holds what others deleted or replaced."""

    @property
    def owners(self) -> list[DeviceId]:
        """Of whom something is held."""

    def confirm(self, device: DeviceId) -> str | None:
        """Let it go; return what follows, None if nothing of that device is held."""


class Confirming:
    """Lets go what is held."""

    def __init__(self, node: Node, own: DeleteHolder, others: LossHolder) -> None:
        """`own` holds the deletes of this device itself."""
        self._node, self._own, self._others = node, own, others

    def __repr__(self) -> str:
        """Return whose words these are."""
        return f"<Confirming on {self._node.own_label}>"

    def confirm(self, name: str) -> str:
        """Let go what is held of a device, "" is this one; return what follows.

        Raises PotluckError.
        """
        node, device = self._node, self._node.me
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
