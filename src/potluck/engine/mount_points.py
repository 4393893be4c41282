"""Mount points: what is mounted below Shared/, and where that changed.

Strategy: who looks at the disk tells the whole list whenever it is another one
(engine/folder_facts.py); here it is kept and compared with the one before. Everybody who judges
what a look did not find asks whether something mounted hides it.

Guarantees: a path at which one disk took the place of another counts as changed. Limits: on systems
that keep no list of mounts (macOS) there is never a mount here, so another disk in a folder below
Shared/ looks like files that went and others that came.
"""

from __future__ import annotations

from potluck.core.content.paths import SafePath
from potluck.engine.events import Mount, MountsSeen


class MountPoints:
    """What is mounted below Shared/."""

    def __init__(self) -> None:
        """Know of nothing."""
        self._mounts: frozenset[Mount] = frozenset()

    def __repr__(self) -> str:
        """Return how much is mounted."""
        return f"<MountPoints: {len(self._mounts)}>"

    def __len__(self) -> int:
        """Return how many mount points there are."""
        return len(self._mounts)

    def on_seen(self, event: MountsSeen) -> list[SafePath]:
        """These are mounted now; return where something came or went."""
        before, self._mounts = self._mounts, frozenset(event.mounts)
        return sorted({mount.path for mount in before ^ self._mounts})

    def at(self, path: SafePath) -> bool:
        """Say whether something is mounted at a path."""
        return any(mount.path == path for mount in self._mounts)

    def below(self, path: SafePath) -> bool:
        """Say whether something is mounted at a path, or below it."""
        return any(mount.path.starts_with(path) for mount in self._mounts)

    def inside(self, folder: SafePath) -> list[SafePath]:
        """Return the points at a folder, and below it."""
        return [mount.path for mount in self._mounts if mount.path.starts_with(folder)]

    def innermost(self, path: SafePath) -> SafePath | None:
        """Return the point whose disk holds what is seen at a path; None: the disk of the top."""
        points = [mount.path for mount in self._mounts if path.starts_with(mount.path)]
        return max(points, key=_depth, default=None)

    def above(self, path: SafePath) -> SafePath | None:
        """Return the outermost point above a path, whose own disk is hidden there; None: none."""
        points = [mount.path for mount in self._mounts if path.starts_with(mount.path)]
        return min((point for point in points if point != path), key=_depth, default=None)


def _depth(path: SafePath) -> int:
    return len(path.parts)
