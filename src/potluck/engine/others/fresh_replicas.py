"""Fresh replicas: which contents of somebody else's folder came into being within the last hour.

Strategy: a content is fresh when a head brings it that followed another one over the same link
with its owner, and when it stood nowhere on this disk by then: no copy, nothing that was renamed,
nothing that was lost within the hour and came back. What the first head over a link brings may be
of any age, so it is old.

Guarantees: the clock is this device's own, and begins when the head is heard, before the content is
here; no word of the owner about time counts. What is not known to be fresh is old (core/content/
fresh_contents.py). Limits: a head that was handed on late by a third device, and followed by the
owner's own over a link that stood meanwhile, makes fresh what is older; files without content have
no age, and are old.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from potluck.core.content.facts import ManifestName
from potluck.core.content.fresh_contents import FreshContents
from potluck.core.content.loss_window import Loss, LossWindow
from potluck.core.wire.catalogue import Kind
from potluck.engine.events import LinkId
from potluck.engine.node import Node


class FreshReplicas:
    """The fresh contents of each owner."""

    def __init__(self, node: Node) -> None:
        """Everything is old."""
        self._node = node
        self._fresh: dict[ManifestName, FreshContents] = defaultdict(FreshContents)
        self._links: dict[ManifestName, LinkId] = {}  # over which a head was followed last

    def __repr__(self) -> str:
        """Return of how many owners heads were followed."""
        return f"<FreshReplicas of {len(self._links)}>"

    def on_applied(self, name: ManifestName, paths: Sequence[bytes], lost: LossWindow) -> None:
        """A head changed these paths; contents that were `lost` within the hour are not new."""
        peer = self._node.peers.get(name.owner)
        link = peer.link if peer is not None else None
        before = self._links.pop(name, None)
        if link is None:
            return
        self._links[name] = link
        if link != before:
            return
        now, fresh, index = self._node.now, self._fresh[name], self._node.index
        records = [index.manifests.get(name, path) for path in paths[: fresh.room(now)]]
        files = [one for one in records if one is not None and one.kind is Kind.FILE]
        roots = {one.root for one in files if one.size}
        known = index.places.standing(roots) | {loss.root for loss in lost.losses(now) if roots}
        fresh.note(sorted(roots - known), now, now)

    def old(self, name: ManifestName, losses: Sequence[Loss]) -> list[Loss]:
        """Return which of these losses are of old contents."""
        fresh = self._fresh[name].among((loss.root for loss in losses), self._node.now)
        return [loss for loss in losses if loss.root not in fresh]
