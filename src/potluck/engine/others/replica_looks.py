"""Replica looks: what is in doubt in other people's folders is looked at, and what that means.

Strategy: one look at a time, at whatever is in doubt by then. A path that is not there is missing,
with all that is known below it; what the index does not explain is somebody's own or has been put
in the place of what is known; in a folder that was asked for everything is seen, and what is known
there and was not seen is in doubt itself.

Guarantees: what a group commit changes right now is not judged: whoever places it compares what
stands there himself, and a look after that tells of what he placed. A look that could not read
everything says of nothing that it is missing. Limits: what a file contains is for
engine/others/replica_files.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol

from potluck.core import limits
from potluck.core.content.facts import Finding, Spot
from potluck.core.content.paths import SafePath
from potluck.engine.effects import Look
from potluck.engine.events import OrderId, PathSeen, TreeSeen
from potluck.engine.node import Node
from potluck.engine.others.local_changes import LocalChanges
from potluck.engine.others.missing_files import MissingFiles
from potluck.engine.others.replica_files import ReplicaFiles


@dataclass(slots=True)
class SpotLook:
    """A look at doubtful spots that is under way."""

    order: OrderId
    since_s: float
    spots: dict[str, Spot]  # by path below Shared/, as a person reads it
    folders: list[Spot] = field(default_factory=list)  # those of them that are folders
    inside: set[Spot] = field(default_factory=set)  # what was seen, in those and else


class LooksListener(Protocol):
    """Hears what has gone, and knows what is being placed."""

    def on_cleared(self, spot: Spot) -> None:
        """Nothing stands where nothing is known: what stood there may have been in the way."""

    def is_placing(self, spot: Spot) -> bool:
        """Say whether a group commit changes a spot right now."""


class ReplicaLooks:
    """What is in doubt, and the look under way."""

    def __init__(
        self,
        node: Node,
        files: ReplicaFiles,
        missing: MissingFiles,
        changes: LocalChanges,
        listener: LooksListener,
    ) -> None:
        """Doubt nothing."""
        self._node, self._files, self._missing = node, files, missing
        self._changes, self._listener = changes, listener
        self._look: SpotLook | None = None
        self._doubtful: dict[Spot, None] = {}  # to be looked at

    def __repr__(self) -> str:
        """Return what is under way."""
        return f"<ReplicaLooks looking={self.under_way} doubtful={len(self._doubtful)}>"

    # -- what is in doubt --------------------------------------------------------------------------
    @property
    def under_way(self) -> bool:
        """Whether something is being looked at."""
        return self._look is not None

    @property
    def waits(self) -> bool:
        """Whether something is to be looked at."""
        return bool(self._doubtful)

    @property
    def idle(self) -> bool:
        """Whether nothing is in doubt or being looked at."""
        return not (self.under_way or self.waits)

    def doubt(self, spots: Iterable[Spot]) -> None:
        """These are to be looked at."""
        self._doubtful.update(dict.fromkeys(spots))

    def doubt_paths(self, paths: Iterable[SafePath]) -> None:
        """These are to be looked at, as far as they are in a member's folder."""
        spots = map(self._node.layout.spot_at, paths)
        self.doubt(spot for spot in spots if spot is not None)

    def begin(self) -> None:
        """Look at what is in doubt, if no look is under way."""
        if self._look is not None or not self._doubtful:
            return
        spots = list(islice(self._doubtful, limits.PAGE_RECORDS))
        for spot in spots:
            del self._doubtful[spot]
        layout = self._node.layout
        paths = {layout.path_of(spot): spot for spot in spots if layout.has_folder(spot.manifest)}
        by_name = {str(path): spot for path, spot in paths.items()}
        self._look = SpotLook(self._node.number(), self._node.now, by_name)
        self._node.do(Look(self._look.order, tuple(sorted(paths)), own=False))

    def restart(self) -> None:
        """What was found is void."""
        self._look = None
        self._doubtful.clear()

    # -- what was seen -----------------------------------------------------------------------------
    def on_tree(self, event: TreeSeen) -> float | None:
        """Part of what a look found; returns how long the look took if it is over."""
        look = self._look
        if look is None or event.order != look.order:
            return None
        lost = set[Spot]()
        for seen in event.seen:
            self._on_seen(look, seen, lost)
        for refusal in event.refused:
            spot = look.spots.get(f"{refusal.folder}/{refusal.name}")
            if spot is not None and not self._listener.is_placing(spot):
                self._on_refused(spot, lost)
        self._files.forget(lost)
        if not event.last:
            return None
        self._look = None
        if event.complete:
            self._doubt_unseen(look)
        return self._node.now - look.since_s

    def _on_seen(self, look: SpotLook, seen: PathSeen, lost: set[Spot]) -> None:
        asked = look.spots.get(str(seen.path))
        spot = asked or self._node.layout.spot_at(seen.path)
        if spot is None:
            return
        look.inside.add(spot)
        if self._listener.is_placing(spot):
            return
        if seen.finding is Finding.MISSING:
            self._on_not_there(spot)
        elif self._files.accounts_for(spot, seen):
            if asked is not None and seen.finding is Finding.FOLDER:
                look.folders.append(asked)
        elif self._files.row(spot) is None:
            self._changes.on_added(spot, seen.stat)
        else:
            self._on_replaced(spot, lost)

    def _on_not_there(self, spot: Spot) -> None:
        self._missing.on_missing(spot)
        if self._files.row(spot) is None:
            self._changes.on_not_there(spot)
            self._listener.on_cleared(spot)

    def _on_refused(self, spot: Spot, lost: set[Spot]) -> None:
        """A link, or whatever else is not shared, stands there."""
        if self._files.row(spot) is not None:
            self._on_replaced(spot, lost)
        elif inside := self._node.index.places.under(*spot):
            for inner in inside:  # nothing stands below what is no folder
                lost.add(Spot(spot.manifest, inner.path))
                self._changes.on_deleted(Spot(spot.manifest, inner.path), inner)
        else:
            self._changes.on_added(spot, None, plain=False)

    def _on_replaced(self, spot: Spot, lost: set[Spot]) -> None:
        """Something else stands where a file or folder is known."""
        self._changes.on_replaced(spot)
        lost.add(spot)
        for inner in self._node.index.places.under(*spot):
            lost.add(Spot(spot.manifest, inner.path))

    def _doubt_unseen(self, look: SpotLook) -> None:
        """What is known in the folders that were seen, and was not seen there, is in doubt."""
        for folder in look.folders:
            known = self._node.index.places.under(*folder)
            spots = (Spot(folder.manifest, inner.path) for inner in known)
            self.doubt(spot for spot in spots if spot not in look.inside)
