"""What is true of an effect that failed: for every one, and never more than is known.

Strategy: every effect of the pool is asked about; what comes back must claim nothing.
"""

from __future__ import annotations

from typing import get_args

import pytest

from potluck.core.content.facts import Source
from potluck.core.content.paths import parse_wire_path
from potluck.core.content.pieces import EMPTY_ROOT
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
    PruneTrash,
    Scan,
    Settle,
)
from potluck.engine.events import (
    BatchId,
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
from potluck.shells.disk.disk_effects import DiskEffect, fact_instead
from tests.shells.files import content_of, item

ORDER, BATCH = OrderId(5), BatchId(6)
ME = parse_wire_path(b"me")
ITEMS = (
    item("ann/file", Source.PART, b"data"),
    item("ann/empty", Source.EMPTY),
    item("ann/folder", Source.FOLDER),
    item("ann/gone", Source.NONE),
)
ROOTS = (content_of(b"data").root, EMPTY_ROOT, None, None)
FAILED = tuple(
    Placed(each.path, root, Placement.FAILED, None, "", "why")
    for each, root in zip(ITEMS, ROOTS, strict=True)
)
UNSEEN = TreeSeen(ORDER, (), (), last=True, complete=False)
CASES: list[tuple[DiskEffect, Event | None]] = [
    (Look(ORDER, (ME,)), UNSEEN),
    (Scan(ORDER, (ME,)), UNSEEN),
    (LookAtTop(), None),
    (Hash(ORDER, ((ME, 0),)), FilesHashed(ORDER, (), (ME,), last=True)),
    (Place(BATCH, ITEMS, "me"), BatchPlaced(BATCH, FAILED)),
    (Settle(BATCH, ITEMS), BatchSettled(BATCH, FAILED)),
    (
        MarkShare(b"g", "me", "i"),
        ShareSeen(
            present=False,
            reason="not written: why",
            unwritten=UnwrittenMarker(b"g", "me", "i", "why"),
        ),
    ),
    (Import(ORDER, ("/a",), "copy", ME), Imported(ORDER, (), (("/a", "why"),))),
    (DropParts((EMPTY_ROOT,)), None),
    (PruneTrash(), None),
    (MakeFolders(("ann",)), None),
    (DropFolder("ann"), None),
    (MoveFolder(ORDER, "ann", "anne"), FolderMoved(ORDER, "why")),
]


@pytest.mark.parametrize(("effect", "fact"), CASES, ids=lambda each: type(each).__name__)
def test_what_failed_claims_nothing(effect: DiskEffect, fact: Event | None) -> None:
    assert fact_instead(effect, "why") == fact


def test_every_effect_of_the_pool_is_asked_about() -> None:
    assert {type(effect) for effect, _ in CASES} == set(get_args(DiskEffect))
