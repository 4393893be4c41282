"""Unfinished folders: which of the files that came wait in silence for the rest of their folder.

Strategy: a copied folder is one thing that happened, however long it takes to come. So of each file
that came the index is asked whether more of its folder still lacks here. A folder that is new with
everything below it is one; else only what is directly in a folder counts. A small file waits for
small ones only, so that it is told at once beside a film that takes hours; a large one in a folder
waits for anything, and one at the top of its owner for small ones, for there each has a name.

Guarantees: each question looks at a bounded number of rows, and so many folders are asked about;
of the others nothing waits, nor anything while nothing is brought here. Limits: what hides behind
more rows than are looked at is not seen, nor what its owner has not told yet; then there is a line
more.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol

from potluck.core import limits
from potluck.core.content.facts import ManifestName
from potluck.engine.index.needs import Rest
from potluck.engine.others.path_folders import folders_above

FOLDERS_ASKED = 16  # at one time
ROWS_ASKED = 250  # for one folder: 4,000 in all, 10 ms


class LackingRows(Protocol):
    """Whoever knows what lacks here (engine/index/needs.py)."""

    def rest(self, name: ManifestName, folder: bytes, rows: int, *, deep: bool) -> Rest:
        """Return what lacks in a folder, as far as so many rows tell."""


class Bringing(Protocol):
    """Whoever brings here what lacks (engine/others/progress.py)."""

    @property
    def fetching(self) -> bool:
        """Whether anything is on its way."""

    @property
    def placing(self) -> bool:
        """Whether anything is being decided about, or put in its place."""


class UnfinishedFolders:
    """Looks at what lacks in the folders of what came."""

    def __init__(self, needs: LackingRows, bringing: Bringing) -> None:
        """Look at these."""
        self._needs, self._bringing = needs, bringing

    def __repr__(self) -> str:
        """Say whether anything can wait."""
        return f"<UnfinishedFolders goes_on={self._goes_on}>"

    @property
    def _goes_on(self) -> bool:
        """Whether anything is brought here: else something keeps the rest from coming."""
        return self._bringing.fetching or self._bringing.placing

    def waiting(
        self, name: ManifestName, files: Mapping[bytes, int], new: Collection[bytes]
    ) -> set[bytes]:
        """Return which of these files, by path with their size, and new folders wait for more."""
        rests, found = dict[bytes, Rest](), set[bytes]()
        for path in (*sorted(new), *files) if self._goes_on else ():
            above = [*folders_above(path), *([path] if path in new else [])]
            tops = [folder for folder in above if folder in new]
            folder = (tops or above[-1:] or [b""])[0]
            if folder not in rests and len(rests) < FOLDERS_ASKED:
                rests[folder] = self._needs.rest(name, folder, ROWS_ASKED, deep=bool(tops))
            if _waits(files.get(path), folder, rests.get(folder, Rest(0, 0))):
                found.add(path)
        return found


def _waits(size_bytes: int | None, folder: bytes, rest: Rest) -> bool:
    """Say whether a file, or a folder without a size, waits for the rest of its folder."""
    if size_bytes is None:
        return bool(rest.files)
    if folder and size_bytes > limits.PIECE_MIN_BYTES:
        return bool(rest.files)
    return bool(rest.small)
