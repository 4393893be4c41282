"""Merging: what becomes of a state of the own folder that this device lost and others still hold.

Strategy: a device that was restored from a backup, or lost its memory, meets a state of its own
folder that it does not know (docs/protocol.md §6). Both are kept. What the lost state has and the
present one has not is shared again at its path, although it is not on this disk: it is brought back
from the others. Where both have something else, what stands here keeps the path, and the other
version goes beside it, under a name that says which state it is of.

Guarantees: nothing of either state is decided away; the same two states are merged in the same way
whenever it is tried. Limits: what the lost life deleted is here again; one path at a time.
"""

from __future__ import annotations

from enum import StrEnum

from potluck.core import limits
from potluck.core.content.facts import PlaceRow
from potluck.core.wire.catalogue import FileRecord, Kind


class Merge(StrEnum):
    """What to do about one path of a lost state."""

    NOTHING = "nothing"  # the present state has it
    BACK = "back"  # it is shared again at its path
    BESIDE = "beside"  # it is shared again beside what stands at its path


def merge(lost: FileRecord, stands: PlaceRow | FileRecord | None, *, blocked: bool) -> Merge:
    """Return what becomes of what a lost state has at a path where `stands` is now, or is shared.

    `blocked`: a file stands where a folder above it must be.
    """
    if blocked:
        return Merge.BESIDE
    if stands is None:
        return Merge.BACK
    same = stands.kind is lost.kind and (lost.kind is Kind.FOLDER or stands.root == lost.root)
    return Merge.NOTHING if same else Merge.BESIDE


def beside(path: bytes, depth: int, words: str) -> bytes:
    """Return another path for a file or folder: the part at `depth` gets these words.

    Where that is longer than a path may be, all but its last part is left out.
    """
    parts = path.split(b"/")
    parts[depth] = _marked(parts[depth], words)
    longer = b"/".join(parts)
    if len(longer) <= limits.PATH_BYTES:
        return longer
    return _marked(path.rpartition(b"/")[2], words)


def _marked(name: bytes, words: str) -> bytes:
    """Return a name with words before its ending, cut to what a name may have."""
    stem, dot, ending = name.rpartition(b".")
    if not stem or len(ending) > _ENDING_BYTES:
        stem, dot, ending = name, b"", b""
    mark = f" ({words})".encode() + dot + ending
    room = limits.COMPONENT_BYTES - len(mark)
    return stem[:room].decode(errors="ignore").encode() + mark


_ENDING_BYTES = 16  # what follows the last dot and is longer is no ending
