"""Index room: whether manifests of others may grow the index, which lies on the disk of the home.

Strategy: what others name is written to the index before anything of it is fetched, so a member
could fill the disk of the home with names. Below the same reserve that files leave free on the disk
of the folder (core/content/swarm/room.py) no page is staged; what was staged and does not count yet
is dropped. That is told, and stands in the register (engine/troubles.py) until there is room.

Guarantees: told once each time. What is applied already, and what this device does itself, goes on.
Limits: how full the disk is, is known as of the last look, seconds ago.
"""

from __future__ import annotations

from potluck.core.content.swarm.room import reserve_of
from potluck.engine.events import SpaceSeen
from potluck.engine.node import Node
from potluck.engine.troubles import Trouble, TroubleKind

INDEX_SPACE = "space for the index"


class IndexRoom:
    """What is known of the disk of the home."""

    def __init__(self, node: Node) -> None:
        """Believe that there is room."""
        self._node = node
        self.lacks = False

    def __repr__(self) -> str:
        """Say whether it lacks room."""
        return f"<IndexRoom lacks={self.lacks}>"

    def on_space(self, event: SpaceSeen) -> bool:
        """How full the disks are; returns whether that changes what may be done."""
        if event.home_free_bytes is None or event.home_total_bytes is None:
            return False
        lacks, before = event.home_free_bytes < reserve_of(event.home_total_bytes), self.lacks
        self.lacks = lacks
        if lacks == before:
            return False
        node = self._node
        if not lacks:
            node.troubles.clear(TroubleKind.DISK, INDEX_SPACE)
            node.tell("resumed", "resumed: there is space for the index again")
            return True
        reason = "almost no space is left on the disk of the state folder: what others changed is "
        reason += "not asked for until there is room"
        node.troubles.note(Trouble(TroubleKind.DISK, INDEX_SPACE, reason, "", node.now, None))
        node.tell("paused", f"paused: {reason}", level="error")
        return True
