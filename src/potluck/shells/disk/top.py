"""The top of the share: what stands directly in Shared/, whoever it belongs to.

Strategy: one listing, by name and not through the descriptor that is held open: something may be
mounted over it. Nothing is looked into, and of nothing more is told than its name and its kind.

Guarantees: at most `limits.PAGE_RECORDS` entries, whatever a person puts there, and whether that is
all. Editors' files are left out, as everywhere. Limits: what is listed may be gone by then.
"""

from __future__ import annotations

import os

from potluck.core import limits
from potluck.core.content.editor_files import ignored
from potluck.core.content.paths import parse_wire_path, printable
from potluck.core.errors import UnsafePath
from potluck.engine.events import TopEntry, TopKind, TopSeen
from potluck.shells.disk.folder_names import entries_in
from potluck.shells.disk.fsops import Share, enter


def look_at_top(share: Share) -> TopSeen:
    """Return what stands directly in Shared/; raises OSError or UnsafePath."""
    shared_fd = enter(share.top_fd, "Shared")
    found: list[TopEntry] = []
    try:
        with entries_in(shared_fd) as entries:
            for entry in entries:
                if ignored(entry.name) and not entry.is_dir(follow_symlinks=False):
                    continue
                if len(found) == limits.PAGE_RECORDS:
                    return TopSeen(tuple(found), complete=False)
                found.append(_entry(entry))
    finally:
        os.close(shared_fd)
    return TopSeen(tuple(found), complete=True)


def _entry(entry: os.DirEntry[str]) -> TopEntry:
    shown, kind = printable(entry.name), _kind(entry)
    try:
        parse_wire_path(os.fsencode(entry.name))
    except UnsafePath:
        return TopEntry(shown, plain=False, kind=kind)
    return TopEntry(shown, plain=shown == entry.name, kind=kind)


def _kind(entry: os.DirEntry[str]) -> TopKind:
    if entry.is_symlink():
        return TopKind.LINK
    if entry.is_dir(follow_symlinks=False):
        return TopKind.FOLDER
    return TopKind.FILE if entry.is_file(follow_symlinks=False) else TopKind.SPECIAL
