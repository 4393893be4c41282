"""Which version it is that stands somewhere: the one the index knows, the new one, or another.

Strategy: by Stat if that is what the index has; else the bytes are hashed. Guarantees: a link is
never followed, and what is no regular file is no version. Limits: a file that somebody writes while
it is hashed is another version.
"""

from __future__ import annotations

import os

from potluck.core.content.pieces import piece_size_for
from potluck.engine.effects import PlaceItem
from potluck.shells.disk.content_check import content_matches, root_of
from potluck.shells.disk.fsops import open_regular, stat_of
from potluck.shells.disk.keeping import Occupant


def is_expected(item: PlaceItem, occupant: Occupant) -> bool:
    """Say whether a file is the version the index knows: by its Stat, or else by its hash."""
    if item.expected is not None and stat_of(occupant.found) == item.expected:
        return True
    if item.expected_root is None or (
        item.expected and item.expected.size != occupant.found.st_size
    ):
        return False
    sizes = {piece_size_for(occupant.found.st_size)}
    if item.content is not None:
        sizes.add(item.content.piece_size)
    return any(_has_root(occupant, size, item.expected_root) for size in sizes)


def is_new(item: PlaceItem, occupant: Occupant) -> bool:
    """Say whether the new content stands there already, so nothing has to be kept."""
    if item.content is None or occupant.found.st_size != item.content.size_bytes:
        return False
    if item.expected is not None and stat_of(occupant.found) == item.expected:
        return item.expected_root == item.content.root
    return has_content(item, occupant)


def has_content(item: PlaceItem, occupant: Occupant) -> bool:
    """Hash a file; say whether it is exactly what an item wants placed. Raises OSError."""
    if item.content is None:
        return occupant.found.st_size == 0
    descriptor = open_regular(occupant.folder_fd, occupant.stands_as)
    try:
        return content_matches(descriptor, item.content)
    finally:
        os.close(descriptor)


def _has_root(occupant: Occupant, piece_size: int, root: bytes) -> bool:
    descriptor = open_regular(occupant.folder_fd, occupant.stands_as)
    try:
        read = root_of(descriptor, piece_size)
    finally:
        os.close(descriptor)
    return read is not None and read[0] == root
