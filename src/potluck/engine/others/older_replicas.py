"""Older replicas: FOLDER is an older copy, so what it lacks of other owners nobody removed here.

Strategy: the own folder notes that FOLDER came from a backup or a snapshot
(engine/own/older_copy.py). Until the first look at somebody's folder is over, and all that it
missed was looked at for the second time, what is missing there came later than the copy was made.

Guarantees: known across restarts until every folder was seen. Limits: what a person removes before
the first look is over is brought back, too.
"""

from __future__ import annotations

from potluck.core.content.facts import ManifestName
from potluck.engine.node import Node
from potluck.engine.others.first_looks import FirstLooks
from potluck.engine.own.older_copy import OLDER_OTHERS


class OlderReplicas:
    """Which folders of others are as an older copy of FOLDER has them."""

    def __init__(self, node: Node, first_looks: FirstLooks) -> None:
        """The index says whether FOLDER is one; `first_looks`: what was seen since."""
        self._node, self._first_looks = node, first_looks

    def __repr__(self) -> str:
        """Say whether FOLDER is one."""
        return f"<OlderReplicas {self._is_older}>"

    def has(self, name: ManifestName) -> bool:
        """Say whether a folder is one of these."""
        return self._is_older and self._first_looks.lacks(name)

    def on_judged(self) -> None:
        """Nothing that was missing waits for a second look."""
        if self._is_older and not self._first_looks.unseen():
            self._node.index.meta.remove(OLDER_OTHERS)

    @property
    def _is_older(self) -> bool:
        return self._node.index.meta.get(OLDER_OTHERS) is not None
