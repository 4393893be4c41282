"""Replica hints: where other people's folders may have changed, and when to look there.

Strategy: what the watcher touched is gathered for `SETTLE_S`, so that a burst is one look and both
halves of a rename are judged together. Our own placing touches the same paths; that is not filtered
here: a look that finds what the index says costs one stat and ends there, and no person's change
can hide behind one of ours. A folder at the top (moved away, moved back) is to be scanned, and so
is one in which something was mounted.

Whoever has to know what stands here now (`CatchUp`) waits neither for more to come nor for the next
round: only until what was touched by then was looked at and judged.

Guarantees: a path is looked at however often it is touched, but looks take at most a part of the
time (`REST_PART`), whatever writes there. Limits: more than `TOUCHED_MAX` paths at once are not
kept: then their whole folders are to be scanned.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from potluck.core.content.facts import ManifestName, Spot
from potluck.core.content.paths import SafePath
from potluck.engine.node import Node

SETTLE_S = 0.2  # both halves of a change are there by then, and people do not wait yet
REST_PART = 2  # looks take at most a third of the time
TOUCHED_MAX = 20_000  # looking at more, path by path, costs more than a scan


class ReplicaHints:
    """Which paths and which whole folders are to be looked at."""

    def __init__(self, node: Node) -> None:
        """Know of no change."""
        self._node = node
        self._touched: dict[Spot, None] = {}
        self._tops: dict[ManifestName, None] = {}
        self._due_s = math.inf
        self._rest_until_s = -math.inf

    def __repr__(self) -> str:
        """Return how much was touched."""
        return f"<ReplicaHints {len(self._touched)} paths, {len(self._tops)} folders>"

    def on_touched(self, paths: Iterable[SafePath]) -> None:
        """The watcher noticed something at these paths; those in no member's folder are left."""
        layout, own, label = self._node.layout, self._node.own_manifest, self._node.own_label
        for path in paths:
            name = None if path.parts[0] == label else layout.manifest_at(path)
            if name is None or name == own:
                continue
            spot = layout.spot_at(path)
            if spot is not None:
                self._touched[spot] = None
            else:
                self._tops[name] = None
        if len(self._touched) > TOUCHED_MAX:
            self._tops.update((spot.manifest, None) for spot in self._touched)
            self._touched.clear()
        if self._touched:
            self._due_s = min(self._due_s, self._node.now + SETTLE_S)

    def scan(self, name: ManifestName) -> None:
        """A whole folder is to be looked at."""
        self._tops[name] = None

    def on_looked(self, took_s: float) -> None:
        """A look is over: the next one begins only when that is a part of the time."""
        self._rest_until_s = self._node.now + REST_PART * took_s

    def hurry(self) -> None:
        """Somebody waits for a look at what was touched."""
        if self._touched:
            self._due_s = min(self._due_s, self._node.now)

    def deadline(self) -> float | None:
        """Return when the touched paths are to be looked at."""
        return max(self._due_s, self._rest_until_s) if self._touched else None

    def due(self) -> list[Spot]:
        """Return, and forget, the paths to be looked at now."""
        time = self.deadline()
        if time is None or time > self._node.now:
            return []
        spots, self._due_s = list(self._touched), math.inf
        self._touched.clear()
        return spots

    @property
    def has_paths(self) -> bool:
        """Whether single paths are to be looked at."""
        return bool(self._touched)

    @property
    def has_folders(self) -> bool:
        """Whether whole folders are to be scanned."""
        return bool(self._tops)

    def take_folder(self) -> ManifestName:
        """Return, and forget, one of the whole folders to be scanned."""
        name = next(iter(self._tops))
        del self._tops[name]
        return name

    def clear(self) -> None:
        """Everything is looked at anew."""
        self._touched.clear()
        self._tops.clear()
        self._due_s = math.inf


class CatchUp:
    """Whether somebody waits until what was touched so far is judged."""

    def __init__(self, node: Node, hints: ReplicaHints) -> None:
        """Nobody waits."""
        self._node, self._hints = node, hints
        self._taken = self._judged = True

    def __repr__(self) -> str:
        """Return whether somebody waits."""
        return f"<CatchUp {self.is_due}>"

    @property
    def is_due(self) -> bool:
        """Whether something that was touched before `begin` is not judged yet."""
        return not (self._taken and self._judged)

    def begin(self) -> None:
        """Somebody has to know what stands here: look at all that was touched so far."""
        if self._node.share_present:
            self._hints.hurry()
            self._taken = self._judged = False

    def on_taken(self) -> None:
        """Whatever was due is looked at now; it is not while looks rest."""
        self._taken = self._taken or not self._hints.has_paths

    def on_settled(self) -> None:
        """Of what was taken nothing is in doubt any more."""
        self._judged = self._judged or (self._taken and not self._hints.has_folders)

    def cancel(self) -> None:
        """What was touched is void."""
        self._taken = self._judged = True
