"""First looks: which folders of others are said to stand here, and nobody looked since the start.

Strategy: what the index says at the start, or when the share is back, is a memory; so is all of a
folder in which something was mounted, or unmounted. A folder is unseen if something is to stand in
it, until a scan of it is over and all that the scan found was settled. Guarantees: what is received
later was seen when it was placed, so it is never unseen. Limits: who scans says which scans count.
"""

from __future__ import annotations

from potluck.core.content.facts import ManifestName
from potluck.engine.node import Node


class FirstLooks:
    """The folders of others that are only remembered."""

    def __init__(self, node: Node) -> None:
        """Remember all that the index has."""
        self._node = node
        self._scanned: set[ManifestName] = set()  # and what was found is not settled yet
        self._unseen = self._remembered()

    def __repr__(self) -> str:
        """Return how many there are."""
        return f"<FirstLooks {len(self._unseen)} unseen>"

    def restart(self) -> None:
        """Nothing that was seen counts any more."""
        self._scanned.clear()
        self._unseen = self._remembered()

    def doubt(self, name: ManifestName) -> None:
        """What was seen of a folder, and of a scan that is over, does not count any more."""
        self._scanned.discard(name)
        if not self._node.index.places.is_empty(name):
            self._unseen.add(name)

    def unseen(self) -> set[ManifestName]:
        """Return the folders of members that are only remembered."""
        return set(filter(self._node.layout.has_folder, self._unseen))

    def lacks(self, name: ManifestName) -> bool:
        """Say whether a folder is only remembered."""
        return name in self._unseen

    def on_scanned(self, name: ManifestName) -> None:
        """A scan of a folder is over."""
        self._scanned |= self._unseen & {name}

    def on_settled(self) -> bool:
        """Nothing that scans found is in doubt any more; say whether that is news."""
        news = bool(self._scanned)
        self._unseen -= self._scanned
        self._scanned.clear()
        return news

    def _remembered(self) -> set[ManifestName]:
        index, mine = self._node.index, self._node.own_manifest
        names = {ManifestName.of(head) for head in index.manifests.heads()} - {mine}
        return {name for name in names if not index.places.is_empty(name)}
