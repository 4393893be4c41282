"""Durability: what waits for the disk goes on when the disk has it, and `status` says if it cannot.

Strategy: `MadeDurable` sets free what the node holds back (engine/node.py). `NotDurable` and
`LogStuck` are noted in the register (engine/troubles.py) with the file, the reason, what a person
can type and when the disk is tried next; the next success takes them out again. People are told
once of each reason, and once when it is over.

Guarantees: while something of the index could not be made durable that stands under
`TroubleKind.INDEX`, and while anything stands there this device never says that it is in sync
(core/content/knowledge.py). A failure that is not tried again stands until the end of the run,
whatever comes after it. Limits: what is held back stays held back; nothing is undone.
"""

from __future__ import annotations

from potluck.engine.events import LogMoved, LogStuck, MadeDurable, NotDurable
from potluck.engine.node import Node, tell_trouble
from potluck.engine.others.hindrances import command_at, sentence_of
from potluck.engine.troubles import Trouble, TroubleKind

SAVING = "saving the index"  # what the trouble is about
TIDYING = "tidying the index"
HELD_BACK = "nothing new is shared or put in place"
LEAVE = "down"  # a command of ours
RESTART = "until potluck is started again"


class Durability:
    """What became of making the index durable."""

    def __init__(self, node: Node) -> None:
        """Believe in the disk."""
        self._node = node
        self._failed = self._lasting = self._stuck = False

    def __repr__(self) -> str:
        """Say how the disk of the index fares."""
        return f"<Durability failed={self._failed}, lasting={self._lasting}, stuck={self._stuck}>"

    def on_made(self, event: MadeDurable) -> None:
        """All that the index held when that was asked is on the disk."""
        self._node.on_synced(event.barrier)
        if self._failed and not self._lasting:
            self._failed = False
            self._node.troubles.clear(TroubleKind.INDEX, SAVING)
            self._node.tell("index_well", "the index is safe on the disk again")

    def on_failed(self, event: NotDurable) -> None:
        """What waits for the disk goes on waiting, perhaps to the end of this run."""
        if self._lasting:
            return
        self._failed, self._lasting = True, event.again_s is None
        until = f" {RESTART}" if self._lasting else " till then"
        reason = f"{event.path}: {sentence_of(event.reason)}; {HELD_BACK}{until}"
        command = command_at(event.reason, event.path) or (LEAVE if self._lasting else "")
        self._note(TroubleKind.INDEX, SAVING, (reason, command), event.again_s)

    def on_log(self, event: LogStuck | LogMoved) -> None:
        """The log of the index grows, or does so no more."""
        if isinstance(event, LogStuck):
            self._stuck = True
            why = f"its log cannot be moved into its file, and grows: {event.reason}"
            self._note(TroubleKind.DISK, TIDYING, (why, event.command), event.again_s)
        elif self._stuck:
            self._stuck = False
            self._node.troubles.clear(TroubleKind.DISK, TIDYING)

    def _note(
        self, kind: TroubleKind, subject: str, why: tuple[str, str], again_s: float | None
    ) -> None:
        """Have `status` tell it until it is over, and a person once; `why`: reason and command."""
        node, (reason, command) = self._node, why
        next_s = None if again_s is None else node.now + again_s
        trouble = Trouble(kind, subject, reason, command, node.now, next_s)
        tell_trouble(node, trouble, "index_trouble", level="error")
