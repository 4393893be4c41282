"""The effects that need the disk, and what is true of each when the disk does not do it.

Strategy: an effect that failed as a whole still ends in its event, so that the engine never waits
for something that does not come: nothing was seen, nothing held still, no item was placed.

Guarantees: what is told claims nothing: no path is missing, no file was read, nothing stands.
Limits: `reason` is for people; the engine knows DISK_FULL among the reasons, and nothing else.
"""

from __future__ import annotations

from typing import assert_never

from potluck.engine.effects import (
    DropFolder,
    DropParts,
    Hash,
    Import,
    Look,
    LookAtTop,
    MakeFolders,
    MarkShare,
    MoveFolder,
    Place,
    PlaceItem,
    PruneTrash,
    Scan,
    Settle,
)
from potluck.engine.events import (
    BatchPlaced,
    BatchSettled,
    Event,
    FilesHashed,
    FolderMoved,
    Imported,
    OrderId,
    Placed,
    Placement,
    ShareSeen,
    TreeSeen,
    UnwrittenMarker,
)
from potluck.shells.disk.receiving.sources import root_wanted

DiskEffect = (
    Look | LookAtTop | Scan | Hash | Place | Settle | DropParts | PruneTrash | MarkShare
    | MakeFolders | MoveFolder | DropFolder | Import
)  # fmt: skip


def fact_instead(effect: DiskEffect, reason: str) -> Event | None:
    """Return what is true of an effect that failed; None for one that ends in no event."""
    fact: Event | None
    match effect:
        case Look() | Scan():
            fact = nothing_seen(effect.order)
        case Hash():
            paths = tuple(path for path, _ in effect.files)
            fact = FilesHashed(effect.order, (), paths, last=True)
        case Place():
            fact = BatchPlaced(effect.batch, _all_failed(effect.items, reason))
        case Settle():
            fact = BatchSettled(effect.batch, _all_failed(effect.items, reason))
        case MarkShare(group, label, former):
            unwritten = UnwrittenMarker(group, label, former, reason)
            fact = ShareSeen(present=False, reason=f"not written: {reason}", unwritten=unwritten)
        case MoveFolder():
            fact = FolderMoved(effect.order, reason)
        case Import():
            fact = Imported(effect.order, (), tuple((path, reason) for path in effect.paths))
        case LookAtTop() | DropFolder() | DropParts() | PruneTrash() | MakeFolders():
            fact = None
        case _:
            assert_never(effect)
    return fact


def nothing_seen(order: OrderId) -> TreeSeen:
    """Say that nothing was looked at, so that nothing may be taken for missing."""
    return TreeSeen(order, (), (), last=True, complete=False)


def _all_failed(items: tuple[PlaceItem, ...], reason: str) -> tuple[Placed, ...]:
    return tuple(
        Placed(item.path, root_wanted(item), Placement.FAILED, None, put_aside="", detail=reason)
        for item in items
    )
