"""Path folders: what the paths of a manifest say of the folders they are in.

Strategy: pure functions over wire paths, whose components a slash parts. Guarantees: the top of a
folder is the empty path and is never named as a folder above another. Limits: nothing is known here
of what stands on a disk.
"""

from __future__ import annotations

from collections.abc import Sequence


def common_folder(one: tuple[bytes, ...], other: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """Return the components with which both begin."""
    same = 0
    while same < min(len(one), len(other)) and one[same] == other[same]:
        same += 1
    return one[:same]


def folders_above(path: bytes) -> list[bytes]:
    """Return the folders that a path is in, the topmost first."""
    return [path[:end] for end, letter in enumerate(path) if letter == ord("/")]


def topmost(folders: Sequence[bytes]) -> list[bytes]:
    """Return those folders that are in no other of them."""
    every = set(folders)
    return [folder for folder in folders if every.isdisjoint(folders_above(folder))]


def without_common_end(old: bytes, new: bytes) -> tuple[bytes, bytes]:
    """Return of two paths what is left when the components at their end that are equal go."""
    these, those = old.split(b"/"), new.split(b"/")
    while these and those and these[-1] == those[-1]:
        these.pop()
        those.pop()
    return b"/".join(these), b"/".join(those)
