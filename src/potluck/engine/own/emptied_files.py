"""Emptied files: own files that were cut off to nothing, are held for it, and are wanted back.

Strategy: what is shared at such a path is to come to a place where an empty file stands. That one
is noted like an earlier version of it (engine/own/older_files.py), and wanted: so it is exchanged
in one step for the one that is shared, and goes to `Put aside/`. Guarantees: only what is empty by
the last look is exchanged; where something was written since, that is an edit, and stays. Limits:
what is on a disk that is mounted there is not exchanged, and stays held.
"""

from __future__ import annotations

from collections.abc import Collection

from potluck.engine.node import Node
from potluck.engine.own.pending_record import is_emptied
from potluck.engine.own.publishing import Publishing


def exchange_emptied(node: Node, publishing: Publishing, paths: Collection[bytes]) -> list[bytes]:
    """Have what is shared come in the place of what was emptied and is held; return the paths."""
    kept, held, older = publishing.kept, publishing.held, publishing.older
    found = [path for path, one in kept.items() if path in paths and path in held]
    rows = [kept[path].row for path in found if is_emptied(kept[path])]
    on_disk = set(older.files.on_disk(row.path for row in rows))
    rows = [row for row in rows if row.path not in on_disk]
    node.index.places.put(node.own_manifest, rows)
    held.release([row.path for row in rows])
    for row in rows:
        del kept[row.path]
        older.note(row.path, row.root, wanted=True)
    return [row.path for row in rows]
