"""The fake disk with a file system that takes some names for one, as vfat, exFAT and macOS do.

Strategy: what the shells do about that before they change a path (receiving/spelled.py) is done
here before each item; all else is the fake placing, one item at a time. Guarantees: two names that
are one never stand beside each other; who tries gets an AssertionError. Limits: no crashes.
"""

from __future__ import annotations

from potluck.core.content.facts import Source
from potluck.core.content.name_limits import NameLimits
from potluck.core.content.paths import SafePath
from potluck.engine.effects import PlaceItem
from potluck.engine.events import Placed, Placement
from tests.fakes import placing
from tests.fakes.disk import Tree

TAKEN = "takes both names for one"


def key_of(limits: NameLimits, path: SafePath) -> tuple[str, ...]:
    """Return what is equal for paths that are one."""
    return tuple(map(limits.key, path.parts))


def place(tree: Tree, limits: NameLimits, items: tuple[PlaceItem, ...]) -> tuple[Placed, ...]:
    """Place items one by one, as a disk does that takes some names for one."""
    return tuple(_place(tree, limits, item) for item in items)


def check(tree: Tree, limits: NameLimits) -> None:
    """No two things that stand are one to this disk, and each can stand there."""
    standing = [*tree.files, *tree.folders]
    assert len({key_of(limits, path) for path in standing}) == len(standing), sorted(standing)
    assert not any(map(limits.why_refused, (name for path in standing for name in path.parts)))


def _place(tree: Tree, limits: NameLimits, item: PlaceItem) -> Placed:
    other = _other(tree, limits, item.path)
    if other is None:
        done = placing.place(tree, (item,))[0]
    elif item.source is Source.NONE:
        done = Placed(item.path, None, Placement.REMOVED, None, "", "", nothing_there=True)
    elif item.local == other and item.source is Source.MOVED:
        done = placing.place(tree, (item,))[0]
    elif item.local == other and item.source is Source.FOLDER:
        _respell(tree, other, item.path)
        done = Placed(item.path, None, Placement.PLACED, None, "", "")
    else:
        done = Placed(item.path, None, Placement.BLOCKED, None, "", TAKEN)
    check(tree, limits)
    return done


def _other(tree: Tree, limits: NameLimits, path: SafePath) -> SafePath | None:
    """Return what stands where a path, or a folder above it, would, spelled otherwise."""
    key = key_of(limits, path)
    for there in sorted([*tree.folders, *tree.files], key=lambda there: len(there.parts)):
        depth = len(there.parts)
        if key_of(limits, there) == key[:depth] and there.parts != path.parts[:depth]:
            return there
    return None


def _respell(tree: Tree, former: SafePath, path: SafePath) -> None:
    for there in [*tree.below(former), former]:
        moved = path if there == former else path.joined(there.relative_to(former))
        if there in tree.files:
            file = tree.take(there)
            tree.folders.discard(there)
            tree.put(moved, file)
        else:
            tree.folders.add(moved)
            tree.folders.discard(there)
