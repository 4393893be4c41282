"""Spots: one path in one owner's folder, as everything that receives names it.

Strategy: a spot is (owner, path inside the owner's folder), small and ordered, so it can be a key.
On the disk the same place is a `SafePath` that begins with the owner's label; the two functions
here go one way and the other.

Guarantee: `spot_at(node, place_of(node, spot))` is the spot again as long as labels do not change.
Limits: a label that no member has (any more) leads to no spot.
"""

from __future__ import annotations

from functools import lru_cache

from potluck.core.content.paths import SafePath, parse_wire_path
from potluck.core.keys.identity import DeviceId
from potluck.engine.node import Node

Spot = tuple[DeviceId, bytes]
"""An owner, and a path in its folder."""


def has_folder(node: Node, owner: DeviceId) -> bool:
    """Say whether a device is a member, so that its folder has a name; that of one who was removed
    is left alone.
    """
    return node.roster is not None and owner in node.roster.members


def path_of_spot(node: Node, spot: Spot) -> SafePath:
    """Return where a spot is below Shared/."""
    return _top(node.label_of(spot[0])).joined(parse_wire_path(spot[1]))


def spot_at(node: Node, path: SafePath) -> Spot | None:
    """Return the spot of a path below Shared/, or None if it is in no member's folder."""
    owner = node.owner_at(path)
    if owner is None or len(path.parts) < 2:
        return None
    return owner, path.relative_to(node.top_of(owner)).wire


def above(spot: Spot) -> list[Spot]:
    """Return the folders a spot is in, the nearest first."""
    owner, path = spot
    found: list[Spot] = []
    while (end := path.rfind(b"/")) > 0:
        path = path[:end]
        found.append((owner, path))
    return found


def is_below(spot: Spot, other: Spot) -> bool:
    """Say whether a spot is inside the folder that `other` would be."""
    return spot[0] == other[0] and spot[1].startswith(other[1] + b"/")


@lru_cache(maxsize=1024)
def _top(label: str) -> SafePath:
    """Return an owner's folder; one label is asked for thousands of times."""
    return parse_wire_path(label.encode())
