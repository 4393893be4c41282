"""Fresh files: which contents of the own folder came into being within the last hour.

Strategy: a content is fresh if it is told at a path where nothing was shared, and neither stands on
this disk already, nor goes from another path with the same head, nor is held; or if it takes the
place of a fresh one, whose time it has then. What was there at the first complete look at the
folder, after a start or after the folder was away, is old.

Guarantees: what has an old content before it is old, so a folder that is written anew and then
deleted counts as what it was. What is not known to be fresh is old (core/content/
fresh_contents.py). Limits: what is brought in from outside is new here, however old it is; files
without content have no age, and are old.
"""

from __future__ import annotations

from collections.abc import Mapping

from potluck.core.content.facts import PlaceRow
from potluck.core.content.fresh_contents import FreshContents
from potluck.core.content.pieces import EMPTY_ROOT
from potluck.core.wire.catalogue import FileRecord, Kind
from potluck.engine.node import Node
from potluck.engine.own.held_paths import HeldPaths
from potluck.engine.own.pending_record import PendingRecord


class FreshFiles:
    """The fresh contents of the own folder."""

    def __init__(self, node: Node) -> None:
        """Everything is old."""
        self._node = node
        self._fresh = FreshContents()
        self._looked = False  # all that stood there is known

    def __repr__(self) -> str:
        """Return whether anything can be fresh, and how much is."""
        return f"<FreshFiles looked={self._looked} {self._fresh!r}>"

    def on_looked(self) -> None:
        """Everything in the folder was looked at, read and told: what comes now is new."""
        self._looked = True

    def on_away(self) -> None:
        """The folder went away: what is there when it is back may be of any age."""
        self._looked = False

    def on_told(
        self,
        gone: Mapping[bytes, FileRecord | PlaceRow | None],
        changed: Mapping[bytes, PendingRecord],
        held: HeldPaths,
    ) -> None:
        """These changes are about to be told."""
        now, fresh = self._node.now, self._fresh
        if not self._looked or not changed or fresh.room(now) <= 0:
            fresh.forget(one.record.root for one in changed.values())
            return
        files = [one for one in changed.values() if one.record.kind is Kind.FILE]
        after = [(one.before.root, one.record.root) for one in files if one.before is not None]
        after = [(before, root) for before, root in after if before != EMPTY_ROOT]
        since = {before: fresh.since(before, now) for before, _ in after}
        for before, root in after:
            since_s = since[before]
            if since_s is not None and root != EMPTY_ROOT:
                fresh.note([root], since_s, now)
        fresh.forget(root for before, root in after if since[before] is None)
        new = {one.record.root for one in files if one.record.size}
        new -= {root for _, root in after}
        new -= {one.root for one in gone.values() if one is not None}
        new -= {one.root for one in held.records()}
        fresh.note(sorted(new - self._node.index.places.standing(new)), now, now)

    def old(
        self, lost: Mapping[bytes, FileRecord | PlaceRow]
    ) -> dict[bytes, FileRecord | PlaceRow]:
        """Return which of these are of old contents."""
        fresh = self._fresh.among((one.root for one in lost.values()), self._node.now)
        return {path: one for path, one in lost.items() if one.root not in fresh}
