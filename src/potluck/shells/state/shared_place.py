"""Shared place: whether what is written somewhere would be shared, for what must never be.

Strategy: a share is known by the marker beside its `Shared/`, so it needs no potluck that runs, and
counts for every share, also of another home. Links on the way are followed. Guarantees: nothing is
written, and a place that cannot be looked at is none. Limits: a place that is a share only by
another name of its folder (a bind mount of a part of it) is not known to be one.
"""

from __future__ import annotations

import os

from potluck.core.content.paths import printable
from potluck.core.errors import Refused

_SHARED, _MARKER = "Shared", os.path.join(".potluck", "marker")


def is_shared_place(path: str) -> bool:
    """Say whether a file of that name would lie below `Shared/` of any share."""
    return _is_part(os.path.dirname(os.path.realpath(path)))


def _is_part(place: str) -> bool:
    """Say whether a folder is `Shared/` of any share, or below it; it has no link on its way."""
    while place != os.path.dirname(place):
        above, name = os.path.split(place)
        if name == _SHARED and os.path.lexists(os.path.join(above, _MARKER)):
            return True
        place = above
    return False


def check_no_part(folder: str) -> None:
    """Refuse a FOLDER that is a part of another share: both would share the same files, and what
    the one writes the other would take for an edit. Raises Refused.
    """
    if _is_part(os.path.realpath(folder)):
        raise Refused(
            f"The folder {printable(folder)} is a part of a folder that is shared already.",
            "it lies below Shared/ of another potluck, which this one would disturb",
            "choose another folder: potluck up FOLDER",
        )
