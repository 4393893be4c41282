"""Shared place: whether what is written somewhere would be shared, for what must never be.

Strategy: a share is known by the marker beside its `Shared/`, so it needs no potluck that runs, and
counts for every share, also of another home. Links on the way are followed. Guarantees: nothing is
written, and a place that cannot be looked at is none. Limits: a place that is a share only by
another name of its folder (a bind mount of a part of it) is not known to be one.
"""

from __future__ import annotations

import os

_SHARED, _MARKER = "Shared", os.path.join(".potluck", "marker")


def is_shared_place(path: str) -> bool:
    """Say whether a file of that name would lie below `Shared/` of any share."""
    place = os.path.dirname(os.path.realpath(path))
    while place != os.path.dirname(place):
        above, name = os.path.split(place)
        if name == _SHARED and os.path.lexists(os.path.join(above, _MARKER)):
            return True
        place = above
    return False
