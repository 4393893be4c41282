"""The door: whether strangers are let in without asking, and whether they are answered at all.

Strategy: three states. *Open*: whoever comes is let in, for a limited time. *Closed*: people here
are asked, at the prompt or, where there is none, by the log and `status`. *Shut*: nobody can ask
this device, and strangers hear nothing of it, unless an invite runs: whoever has its code can knock
all the same. Each member has a door of its own: who asks another one is shown here, too.
`close` leads from open to closed and from closed to shut, `open` opens.
The doorway is told only when strangers begin or cease to be answered.

Guarantees: an open door has an end that no restart carries over; nobody answers strangers where no
person could say anything. Limits: no decision about anybody.
"""

from __future__ import annotations

import math

from potluck.engine.effects import OpenDoor
from potluck.engine.node import Node


class Door:
    """The door of this device."""

    def __init__(self, node: Node) -> None:
        """Closed."""
        self._node = node
        self.open_until_s: float | None = None
        self.shut = False  # a person does not want to be asked
        # a code was typed here: until it is known what comes of it nobody else is asked, and a
        # member that cannot be dialled may dial us
        self.joins = False
        self.invites = False  # a code of this device is in force: who knows it may knock
        self._told = False  # what the doorway was told

    def __repr__(self) -> str:
        """Say how it stands."""
        return f"<Door open={self.is_open}, answers={self.answers}>"

    @property
    def is_open(self) -> bool:
        """Whether strangers are let in without asking now."""
        until_s, node = self.open_until_s, self._node
        return until_s is not None and node.now < until_s and not node.leaving

    @property
    def asks(self) -> bool:
        """Whether people here are asked."""
        settings = self._node.settings
        return (settings.attended or settings.headless) and not self.shut

    @property
    def answers(self) -> bool:
        """Whether strangers are answered: the door is open, or somebody or a code can decide."""
        reason = self.asks or self.invites or self.joins
        return self.is_open or (reason and not self._node.leaving)

    def start(self) -> None:
        """Open it if that is wished."""
        if self._node.settings.open_s is not None:
            self.open_until_s = self._node.now + self._node.settings.open_s
        self.settle()

    def open_for(self, open_s: float) -> None:
        """Open it for so long from now on, math.inf until the end."""
        self.open_until_s, self.shut = self._node.now + open_s, False
        self._told = True
        self._node.do(OpenDoor(open=True))

    def settle(self) -> None:
        """Tell the doorway what is new."""
        if self.answers != self._told:
            self._told = self.answers
            self._node.do(OpenDoor(open=self._told))

    def deadline(self) -> float | None:
        """Return when it closes by itself; None: never."""
        ends = self.open_until_s is not None and self.open_until_s < math.inf
        return self.open_until_s if ends else None
