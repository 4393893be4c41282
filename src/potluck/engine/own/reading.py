"""Reading: which files of the own folder are being hashed, and which would not hold still.

Strategy: a path is read by at most one order at a time. Seen again meanwhile, it is looked at once
more when its result is in; found gone, its result does not count any more. A file that changed
while it was read, or could not be read, is left alone for a second, then for two, four, …, whatever
hints come, so that a file written to without pause costs a bounded part of the disk's time. From
the third time on it is read as one that will not hold still, if whoever reads wants `snapshots`:
what stood still over two readings will do (shells/disk/hashing.py).

Guarantees: every file handed in is reported back once, or was cancelled; results of orders nobody
knows are dropped. Limits: paths and patience only; what a result means is decided by who asked.
"""

from __future__ import annotations

from collections.abc import Iterable

from potluck.core import limits
from potluck.core.content.paths import SafePath
from potluck.engine.effects import Hash
from potluck.engine.events import FilesHashed, Hashed, OrderId
from potluck.engine.node import Node
from potluck.engine.timetable import Timetable

HASH_BATCH = 256  # files in one order: what is read of them is reported together
UNSTABLE_MAX_S = 32.0  # the longest that a file is left alone
SNAPSHOT_TRIES = 3  # a file that is being copied in is left alone for seven seconds at least
DOUBLINGS_MAX = 6  # more change nothing, and after a thousand the number fits no float


class Reading:
    """The files in hand."""

    def __init__(self, node: Node, *, snapshots: bool = False) -> None:
        """Read nothing yet; with `snapshots` restless files are taken as they stood once."""
        self._node, self._snapshots = node, snapshots
        self._orders: dict[OrderId, set[SafePath]] = {}
        self._paths: dict[SafePath, OrderId] = {}
        self._seen_again: set[SafePath] = set()
        self._tries: dict[SafePath, int] = {}
        self._left_alone = Timetable[SafePath]()

    def __repr__(self) -> str:
        """Return how much is in hand."""
        return f"<Reading {len(self._paths)} files in {len(self._orders)} orders>"

    def __len__(self) -> int:
        """Return how many files are being read or wait for it."""
        return len(self._paths)

    def begin(self, files: Iterable[tuple[SafePath, int]]) -> None:
        """Have files read that are not in hand; each with the piece size of its last version."""
        new = list({path: size for path, size in files if not self.has(path)}.items())
        for at in range(0, len(new), HASH_BATCH):
            batch, order = tuple(new[at : at + HASH_BATCH]), self._node.number()
            self._orders[order] = {path for path, _ in batch}
            self._paths.update((path, order) for path, _ in batch)
            self._node.do(Hash(order, batch, self._restless(batch)))

    def on_seen(self, path: SafePath) -> None:
        """A file is there: if it is being read, what is read may be old already."""
        if path in self._paths:
            self._seen_again.add(path)

    def has(self, path: SafePath) -> bool:
        """Say whether a file is being read, or left alone for a while."""
        return path in self._paths or path in self._left_alone

    def end(self, event: FilesHashed) -> tuple[list[Hashed], list[SafePath]]:
        """Return which of the files read still count, and which paths to look at once more."""
        paths = self._orders.get(event.order)
        if paths is None:
            return [], []
        files = [hashed for hashed in event.files if hashed.path in paths]
        unstable = paths.intersection(event.unstable)
        if event.last:
            unstable = paths.difference(hashed.path for hashed in files)
        for path in unstable:
            self._put_off(path)
        read = [hashed.path for hashed in files]
        again = [path for path in read if path in self._seen_again]
        for path in read:
            self._tries.pop(path, None)
        for path in [*read, *unstable]:
            self._forget(path)
        if event.last:
            del self._orders[event.order]
        return files, again

    def tries(self, path: SafePath) -> int:
        """Return how often a file in hand would not hold still."""
        return self._tries.get(path, 0)

    def due_s(self, path: SafePath) -> float | None:
        """Return when a file that is left alone is due."""
        return self._left_alone.times.get(path)

    def hurry(self, path: SafePath) -> None:
        """A file that is left alone is to be read when it is seen next."""
        self._left_alone.discard(path)

    def due(self) -> list[SafePath]:
        """Return the files that were left alone long enough."""
        return self._left_alone.due(self._node.now)

    def deadline(self) -> float | None:
        """Return when the next of them was."""
        return self._left_alone.deadline()

    def is_awaited(self, path: SafePath) -> bool:
        """Say whether a file is being read, or will be soon and may hold still then."""
        return path in self._paths or 0 < self.tries(path) < SNAPSHOT_TRIES

    @property
    def paths(self) -> list[SafePath]:
        """Every file in hand: being read, left alone, or about to be looked at again after that."""
        return list(self._paths | self._tries)

    def cancel(self, paths: Iterable[SafePath]) -> None:
        """Forget files that are gone; what is still read of them does not count."""
        for path in paths:
            self._forget(path)
            self._tries.pop(path, None)
            self._left_alone.discard(path)

    def _restless(self, batch: Iterable[tuple[SafePath, int]]) -> tuple[SafePath, ...]:
        if not self._snapshots:
            return ()
        return tuple(path for path, _ in batch if self.tries(path) >= SNAPSHOT_TRIES)

    def _forget(self, path: SafePath) -> None:
        order = self._paths.pop(path, None)
        if order is not None:
            self._orders[order].discard(path)
            self._seen_again.discard(path)

    def _put_off(self, path: SafePath) -> None:
        tries = self._tries[path] = self._tries.get(path, 0) + 1
        doublings = min(tries - 1, DOUBLINGS_MAX)
        wait_s = min(limits.STILL_S * 2**doublings, UNSTABLE_MAX_S)
        self._left_alone.put(path, self._node.now + wait_s)
