"""Confirming: what a breaker holds is let go, since a person says that it was meant.

Strategy: a name says whose deletes are meant, none means this device's own. Whoever holds them
lets them go; here it is only found out who that is, and a person is told what follows.

Guarantees: nothing is let go but what was held when it was asked for; where nothing is held, that
is what is said. Limits: all that is held of one device goes at once, not single files of it.
"""

from __future__ import annotations

from typing import Protocol

from potluck.core.errors import NotFound
from potluck.core.wording import set_off
from potluck.engine.group.named_devices import members_fitting, the_one
from potluck.engine.node import Node


class DeleteHolder(Protocol):
    """Whoever holds deletes."""

    def confirm(self) -> str | None:
        """Let them go; return what follows, None if none are held."""


class Confirming:
    """Lets go what is held."""

    def __init__(self, node: Node, own: DeleteHolder) -> None:
        """`own` holds the deletes of this device itself."""
        self._node, self._own = node, own

    def __repr__(self) -> str:
        """Return whose words these are."""
        return f"<Confirming on {self._node.own_label}>"

    def confirm(self, name: str) -> str:
        """Let go what is held of a device, "" is this one; return what follows.

        Raises PotluckError.
        """
        node, device = self._node, self._node.me
        if name:
            found = the_one(name, members_fitting(node, name), node.label_of)
            if found is None:
                raise NotFound(
                    f"There is no device called {set_off(name)} in the group.",
                    "the name was mistyped, or it was removed",
                    "peers",
                )
            device = found
        follows = self._own.confirm() if device == node.me else None
        if follows is None:
            raise NotFound(
                f"No deletes of {set_off(node.label_of(device))} are held here.",
                "they were confirmed already, or the files are back",
                "status",
            )
        return follows
