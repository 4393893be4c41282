"""Settling: what an interrupted batch left on the disk, and what it still held.

Strategy: first the hands are emptied. What lies under the held name of an item (swapping.py) is the
new file, if the program was killed before it changed places: that goes back to where it came from.
Or it came out of the path: then it is kept as it would have been, the version the index knows in
the trash, anything else in `Put aside/`, unless a second link has seen to that already. Then each
path is looked at.

Guarantees: what was held is nowhere thrown away, but for a copy that can be made again, and what
has another name already. What nobody can settle, for the index that knew the batch is lost, is put
aside, once in a run. Limits: what cannot be read or moved stays held until the next start.
"""

from __future__ import annotations

import os
import stat as modes
from contextlib import suppress
from dataclasses import replace
from typing import Final

from potluck.core.content.facts import Finding, Source
from potluck.core.content.paths import SafePath, parse_wire_path
from potluck.core.errors import UnsafePath
from potluck.engine.effects import PlaceItem, Settle
from potluck.engine.events import PathSeen, Placed, Placement
from potluck.shells.disk.content_check import content_matches
from potluck.shells.disk.exact_names import ExactNames
from potluck.shells.disk.folder_names import names_in
from potluck.shells.disk.fsops import Share, reason_of, remove_file, stat_at
from potluck.shells.disk.keeping import Keeper, Occupant
from potluck.shells.disk.receiving.part_map import HELD, held_name, part_name
from potluck.shells.disk.receiving.sources import outcome
from potluck.shells.disk.receiving.versions import has_content, is_expected
from potluck.shells.disk.renaming import rename_to_free

ORPHANS: Final = "Recovered"
"""Where in `Put aside/` that goes of which nobody knows any more what it was."""


class Settling:
    """Looks at what one batch left."""

    def __init__(self, share: Share, keeper: Keeper) -> None:
        """Keep with `keeper` what was not kept yet."""
        self._share = share
        self._keeper = keeper

    def __repr__(self) -> str:
        return f"Settling({self._share.folder!r})"

    def empty_hands(self, order: Settle) -> list[str]:
        """Bring what each item held to its place; return where, if it was put aside, else ""."""
        asides = []
        for number, item in enumerate(order.items):
            held, aside = held_name(order.batch, number), ""
            found = stat_at(self._share.tmp_fd, held)
            if found is not None:
                with suppress(OSError, UnsafePath):  # then it stays held
                    aside = self._empty(item, Occupant(item.path, self._share.tmp_fd, found, held))
            asides.append(aside)
        return asides

    def found(self, item: PlaceItem) -> Placed:
        """Say whether what an item asked for stands on the disk."""
        try:
            seen = self._share.stat(item.path)
            if not ExactNames(self._share).has(item.path):
                seen = PathSeen(item.path, Finding.MISSING, None)
            if item.source is Source.NONE:
                if seen.finding is Finding.MISSING:
                    return outcome(item, Placement.REMOVED)
            elif item.source is Source.FOLDER:
                if seen.finding is Finding.FOLDER:
                    return outcome(item, Placement.PLACED)
            elif seen.finding is Finding.FILE and self._stands(item):
                return replace(outcome(item, Placement.PLACED), stat=seen.stat)
        except (OSError, UnsafePath) as error:
            return outcome(item, Placement.SOURCE_GONE, reason_of(error))
        return outcome(item, Placement.SOURCE_GONE, "the batch did not come so far")

    def _stands(self, item: PlaceItem) -> bool:
        descriptor = self._share.open_file(item.path)
        try:
            found = self._share.stat_fd(descriptor)
            if item.local == item.path and item.mtime_ns != found.mtime_ns:
                return False  # the content was there before; its time was what had to be set
            if item.content is None:
                return found.size == 0
            return content_matches(descriptor, item.content)
        finally:
            os.close(descriptor)

    def _empty(self, item: PlaceItem, held: Occupant) -> str:
        """Keep what is held, or give it back; return where it is, if put aside."""
        if modes.S_ISDIR(held.found.st_mode) and item.source is Source.FOLDER and item.local:
            return self._move_back(item.local, held)  # it was to be spelled otherwise
        if modes.S_ISREG(held.found.st_mode):
            if has_content(item, held):
                return self._give_back(item, held)
            if is_expected(item, held):
                return self._trash(held)
        if held.found.st_nlink > 1 and self._keeper.lies_aside(held):
            remove_file(held.folder_fd, held.stands_as)
            return ""
        return self._keeper.put_aside(held, leave=False)

    def _trash(self, held: Occupant) -> str:
        if held.found.st_nlink > 1:  # linked there before it changed places
            remove_file(held.folder_fd, held.stands_as)
            return ""
        return self._keeper.trash(held, leave=False)

    def _give_back(self, item: PlaceItem, held: Occupant) -> str:
        """The new content: it never changed places, or what it replaced was the same."""
        if self.found(item).placement is Placement.PLACED:
            remove_file(held.folder_fd, held.stands_as)
            return ""
        if item.source is Source.MOVED and item.local is not None:
            return self._move_back(item.local, held)
        if item.source is Source.PART and item.content is not None:
            with suppress(FileExistsError):
                name = part_name(item.content.root)
                rename_to_free(held.folder_fd, held.stands_as, held.folder_fd, name)
        remove_file(held.folder_fd, held.stands_as)  # a copy, made again from what it was made of
        return ""

    def _move_back(self, local: SafePath, held: Occupant) -> str:
        """Give a file that was on its way the name it had; if that is taken, put it aside."""
        folder = self._share.open_folder(local.parent, create=True)
        try:
            rename_to_free(held.folder_fd, held.stands_as, folder, local.name)
            os.fsync(folder)
        except FileExistsError:
            return self._keeper.put_aside(held, leave=False)
        finally:
            os.close(folder)
        return ""


def put_orphans_aside(share: Share, keeper: Keeper) -> None:
    """Put aside what earlier runs held and no batch in the index explains."""
    for name in names_in(share.tmp_fd):
        found = stat_at(share.tmp_fd, name) if name.endswith(HELD) else None
        if found is not None:
            path = parse_wire_path(f"{ORPHANS}/{name}".encode())
            with suppress(OSError, UnsafePath):
                keeper.put_aside(Occupant(path, share.tmp_fd, found, name), leave=False)
