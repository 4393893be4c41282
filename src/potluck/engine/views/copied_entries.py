"""Copied entries: what is directly in a folder, and on how many devices each of it is.

Strategy: the entries are those of the listing (listing.py), the numbers those of `info`
(explaining.py): one page of few rows after the other, so that a folder of any length holds the loop
thread for milliseconds at a time. Of a folder in there that is told in parts the numbers are in the
first. Guarantees: nothing is said of a copy that `info` of the same path would not say. Limits:
each page is of its own moment.
"""

from __future__ import annotations

from typing import Final

from potluck.core.wire.catalogue import Kind
from potluck.engine.views.explaining import Explaining
from potluck.engine.views.listing import Listing
from potluck.engine.views.path_values import CopiedEntry, CopyCount
from potluck.engine.views.values import EntryView, FolderPage

COPIED_ROWS: Final = 100
"""Of a folder that are looked at for one answer: about 20 ms."""
_UNKNOWN: Final = CopyCount(0, 0, "")


class CopiedEntries:
    """Lists folders with the number of copies."""

    def __init__(self, listing: Listing, explaining: Explaining) -> None:
        """Ask these."""
        self._listing, self._explaining = listing, explaining

    def __repr__(self) -> str:
        """Return who answers."""
        return f"<CopiedEntries of {self._explaining!r}>"

    def page(self, path: str, after: str) -> FolderPage:
        """Return what is directly in the folder `path`, or the file `path`, going on after
        `after`.
        """
        page = self._listing.folder(path, after, COPIED_ROWS)
        if not page.known:
            return self._file(path)
        begun, goes_on, _ = after.partition("/")
        new = [one for one in page.entries if not goes_on or one.name != begun]
        above = f"{path}/" if path else ""
        counts = self._explaining.copies([above + one.name for one in new])
        known = {one.name: count or _UNKNOWN for one, count in zip(new, counts, strict=True)}
        entries = [_copied(one, known.get(one.name, _UNKNOWN)) for one in page.entries]
        return FolderPage([*entries], page.next)

    def _file(self, path: str) -> FolderPage:
        """Return a file as the only entry, if it is one."""
        found = self._listing.page(path, "", 1).files
        (count,) = self._explaining.copies([path])
        if not found or found[0].path != path or count is None:
            return FolderPage([], None, known=False)
        name, one = path.rpartition("/")[2], found[0]
        entry = EntryView(name, Kind.FILE.value, 1, 0, one.size, int(one.here), one.unwanted)
        return FolderPage([_copied(entry, count)], None)


def _copied(one: EntryView, count: CopyCount) -> CopiedEntry:
    what = (one.name, one.kind, one.files, one.folders, one.size, one.here, one.unwanted)
    return CopiedEntry(*what, on=count.on, devices=count.devices, alone=count.alone)
