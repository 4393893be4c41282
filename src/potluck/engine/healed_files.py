"""Healed files: a damaged file of the own folder was exchanged for a whole one, and that is told.

Strategy: what is placed in the own folder where the index says that a file stands is such an
exchange, or that of an earlier version (engine/own/older_copy.py), and nothing else is
(engine/bringing_back.py). Guarantees: where the damaged bytes went is
always told. Limits: what is damaged is known to engine/own/damaged_files.py.
"""

from __future__ import annotations

from collections.abc import Sequence

from potluck.core.wording import set_off
from potluck.engine.node import Node
from potluck.engine.others.group_commit import SpotOutcome
from potluck.engine.own.damaged_files import DamagedFiles
from potluck.engine.own.older_copy import OlderCopy


class HealedFiles:
    """Hears of group commits."""

    def __init__(self, node: Node, damaged: DamagedFiles, older: OlderCopy) -> None:
        """What was exchanged is not `damaged` any more, nor an earlier version of an older copy."""
        self._node, self._damaged, self._older = node, damaged, older

    def __repr__(self) -> str:
        """Return what is damaged still."""
        return f"<HealedFiles of {self._damaged!r}>"

    def on_committed(self, done: Sequence[SpotOutcome]) -> None:
        """A group commit is over: some of it may have been an exchange."""
        for each in done:
            spot, aside = each.ready.spot, each.placed.put_aside
            exchanged = each.ready.item.expected is not None and each.stands
            if spot.manifest != self._node.own_manifest or not exchanged:
                continue
            self._damaged.end({spot.path})
            if not self._older.on_exchanged(spot.path, aside):
                shown = str(each.ready.item.path)
                text = f"{set_off(shown)} is whole again, as the other devices have it"
                text += f"; the damaged one is in {set_off(aside)}" if aside else ""
                self._node.tell("healed", text, subject=shown)
