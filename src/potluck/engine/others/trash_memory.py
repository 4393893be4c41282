"""Trash memory: what group commits moved to the trash here is remembered by its content.

Strategy: before the rows of a commit are written, those in the index say what stood at its paths.
Files that went, or gave way to another content, are in the trash then, or put aside; where that is
so is noted with the name that the folder of their owner had. A version that was to come from there
and was not there is forgotten. What lacks here and is wanted stays in the trash until it stands
here again, however full the disk is: it may be the last copy.

Guarantees: of the own folder nothing is noted: nothing of it goes to the trash by a commit. Limits:
beliefs, which the disk checks; what came into the trash in another way is not known here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from potluck.core.content.facts import ManifestName, PlaceRow, Source, Spot
from potluck.core.errors import DiskTrouble
from potluck.engine.effects import PruneTrash
from potluck.engine.events import Placement
from potluck.engine.node import Node
from potluck.engine.others.group_commit import SpotOutcome


def prune_trash_of(node: Node) -> PruneTrash:
    """Return the order to let go of what the trash here need not keep."""
    wanted = node.index.former.wanted()
    return PruneTrash(frozenset(b"%b/%b" % (top.encode(), path) for top, path in wanted))


def prune_order(node: Node) -> PruneTrash | None:
    """Return that order; None: the index cannot be read, and nothing may go."""
    try:
        return prune_trash_of(node)
    except DiskTrouble:
        return None


def remember_trash(
    node: Node,
    done: Sequence[SpotOutcome],
    rows: Mapping[ManifestName, Sequence[PlaceRow]],
    gone: Mapping[ManifestName, Sequence[bytes]],
) -> None:
    """Have the index know what came into the trash.

    `rows` are about to be written, and those of `gone` removed.
    """
    former, moved = node.index.former, {each.ready.moved_from for each in done}
    for name in {*rows, *gone} - {node.own_manifest}:
        ended = [(row.path, row.root) for row in rows.get(name, ())]
        ended += [(path, b"") for path in gone.get(name, ()) if Spot(name, path) not in moved]
        former.note_kept(name, ended, node.layout.name_of(name.owner))


def forget_lost(node: Node, done: Sequence[SpotOutcome]) -> None:
    """Have the index forget what was looked for in the trash and not found.

    Not for what a crash interrupted: nobody looked, then.
    """
    for each in done:
        item, lost = each.ready.item, each.placed.placement is Placement.SOURCE_GONE
        if lost and item.source is Source.KEPT:
            assert item.local is not None, "it was to come from somewhere"
            assert item.content is not None, "it is a file"
            path = item.local.wire.partition(b"/")[2]
            node.index.former.forget_kept(each.ready.spot.manifest, path, item.content.root)
