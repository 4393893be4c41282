"""In the way: what stands where own files are to come back, and keeps them out.

Strategy: nothing comes to a path below something that is not a folder, nor to one where something
stands that is never shared. A file in the place of a folder of which something is held is known as
soon as it was looked at; what else there is (a link, what the rules leave out) is known once the
disk refused to put something there (shells/disk/receiving/adding.py).

Guarantees: what stands in the way is named, with a line for a shell that gives it another name and
replaces nothing. Limits: it is what stood there when it was last seen, or tried.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from heapq import nsmallest

from potluck.core.wire.catalogue import FileRecord, Kind
from potluck.core.wording import LISTED, TO_TYPE, listed, set_off, typable
from potluck.engine.node import Node
from potluck.engine.own.held_paths import HeldPaths
from potluck.engine.own.pending_record import PendingRecord

_OTHER = ".other"  # what is added to its name
_AGAIN = f"{TO_TYPE}repair"


def files_in_the_way(held: HeldPaths, found: Iterable[tuple[bytes, PendingRecord]]) -> set[bytes]:
    """Return the paths of those files, of what was `found`, that stand where a folder was of which
    something is held.
    """
    return {path for path, one in found if one.row.kind is Kind.FILE and held.has_below(path)}


def kept_out_by(records: Iterable[FileRecord], paths: Collection[bytes]) -> dict[bytes, bytes]:
    """Return the paths of those of these records that are kept out, and which of `paths` does it;
    look them up in a set.
    """
    found = {one.path: _keeper(one.path, paths) for one in records} if paths else {}
    return {path: keeper for path, keeper in found.items() if keeper}


def _keeper(path: bytes, paths: Collection[bytes]) -> bytes:
    """Return which of `paths` is a path, or a folder that it is in, b"" if none is."""
    while path and path not in paths:
        path = path.rpartition(b"/")[0]
    return path


def in_the_way_words(top: str, paths: Collection[bytes]) -> str:
    """Return what a person reads of what stands at these paths, and how it goes out of the way;
    `top`: what the own folder is called.
    """
    one, more = len(paths) == 1, len(paths) - LISTED
    first = [set_off(f"{top}/{path.decode()}") for path in nsmallest(LISTED, paths)]
    names = f"{', '.join(first)} and {more:,} more" if more > 0 else listed(first)
    stands, it = ("stands", "it") if one else ("stand", "them")
    return f"{names} {stands} there: to have that back, give {it} another name, then {_AGAIN}"


def rename_command(node: Node, paths: Collection[bytes]) -> str:
    """Return a line for a shell that gives the first of these another name."""
    path = f"{node.settings.folder}/Shared/{node.own_label}/{min(paths).decode()}"
    return f"mv -nT {typable(path, 'PATH')} {typable(path + _OTHER, 'OTHER')}"
