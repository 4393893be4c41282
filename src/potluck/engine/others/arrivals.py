"""Arrivals: files that came to stand in other people's folders and that nobody placed there.

Strategy: what was renamed, or copied and then deleted, comes somewhere else with the inode, or with
the time, and the size that it had. Each such file is noted by its place until it has gone again.

Guarantees: pure. Limits: `ARRIVALS_MAX` of them; where there are more (`full`), nothing can be said
of what did not come. A file that was renamed and edited is another one, and so is one of no bytes.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, NamedTuple

from potluck.core.content.facts import ManifestName, PlaceRow, Spot, Stat

ARRIVALS_MAX: Final = 20_000
"""Files that are remembered, of all owners."""


class _Came(NamedTuple):
    """How a file is known again."""

    size: int
    inode: int
    mtime_ns: int


class Arrivals:
    """What stands where its owner has nothing, or something else."""

    def __init__(self) -> None:
        """Nothing came."""
        self._came: dict[Spot, _Came] = {}
        self._by_inode: dict[tuple[int, int], int] = {}  # how many have that size and inode
        self._by_time: dict[tuple[int, int], int] = {}  # … and that size and time

    def __repr__(self) -> str:
        """Return how many there are."""
        return f"<Arrivals: {len(self._came)} files>"

    @property
    def full(self) -> bool:
        """Whether more may have come than are known."""
        return len(self._came) >= ARRIVALS_MAX

    def note(self, spot: Spot, stat: Stat | None) -> None:
        """A file stands there; None: something that is no file."""
        self.forget(spot)
        if stat is not None and stat.size and not self.full:
            came = self._came[spot] = _Came(stat.size, stat.inode, stat.mtime_ns)
            self._count(came, 1)

    def forget(self, spot: Spot) -> None:
        """Nothing stands there any more."""
        came = self._came.pop(spot, None)
        if came is not None:
            self._count(came, -1)

    def keep(self, name: ManifestName, seen: Collection[bytes]) -> None:
        """Nothing else stands in a folder."""
        for spot in [one for one in self._came if one.manifest == name and one.path not in seen]:
            self.forget(spot)

    def has(self, row: PlaceRow) -> bool:
        """Say whether a file that went may be one that came."""
        same_file = row.inode != 0 and (row.size, row.inode) in self._by_inode
        return same_file or (row.size, row.mtime_ns) in self._by_time

    def _count(self, came: _Came, change: int) -> None:
        for known, key in (
            (self._by_inode, (came.size, came.inode)),
            (self._by_time, (came.size, came.mtime_ns)),
        ):
            left = known.get(key, 0) + change
            if left:
                known[key] = left
            else:
                del known[key]
