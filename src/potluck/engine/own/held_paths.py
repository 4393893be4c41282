"""Held paths: what is gone from the own folder, and is still shared as it was.

Strategy: a path that is held has its record in the own manifest and no place, so that its end is
told to nobody. What is held is one value of the index, and so is what a person let go and what no
head says yet.

Guarantees: what is held stays held across restarts, until something is shared at that path again,
or a person confirms; what was confirmed stays so until a head says it. Limits: the whole set is
written when it grows, and when half of it is gone; so what is noted there and stands again is not
held.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from typing import Final

from msgspec.msgpack import Decoder

from potluck.core.content.facts import NOTHING, Amount, ManifestName
from potluck.core.wire.catalogue import FileRecord, Kind, encode
from potluck.engine.index import Index
from potluck.engine.node import Node

_PATHS: Final = Decoder(list[bytes])
_HELD, _CONFIRMED = "own deletes held", "own deletes confirmed"  # in the index


class HeldPaths:
    """The paths that are held, and those that a person let go."""

    def __init__(self, node: Node) -> None:
        """Hold nothing; `start` says what an earlier run held."""
        self._node = node
        self._held: dict[bytes, FileRecord] = {}  # what is still shared at each
        self._above = Counter[bytes]()  # how many files are held below each folder
        self._written = 0  # how many the index says are held
        self.confirmed: set[bytes] = set()
        self.amount = NOTHING  # of all that is held

    def __repr__(self) -> str:
        """Return how many there are."""
        return f"<HeldPaths: {len(self._held)} held, {len(self.confirmed)} confirmed>"

    def __contains__(self, path: object) -> bool:
        """Say whether a path is held."""
        return path in self._held

    def __len__(self) -> int:
        """Return how many are held."""
        return len(self._held)

    def start(self) -> None:
        """Hold what an earlier run did."""
        held = self._read(_HELD)
        self._written = len(held)
        self.hold(held)
        self.confirmed = set(self._read(_CONFIRMED))

    def records(self) -> Collection[FileRecord]:
        """Return what is still shared at the paths that are held."""
        return self._held.values()

    def at(self, path: bytes) -> list[FileRecord]:
        """Return what is still shared at a path, if that is held."""
        return [self._held[path]] if path in self._held else []

    def has_below(self, folder: bytes) -> bool:
        """Say whether a file is held below a folder."""
        return self._above[folder] > 0

    def hold(self, paths: Iterable[bytes]) -> None:
        """Hold these, too; `write` makes it last."""
        manifests, name = self._node.index.manifests, self._node.own_manifest
        for path in paths:
            record = manifests.get(name, path) if path not in self._held else None
            if record is not None:
                self._held[path] = record
                self.amount = Amount.total([self.amount, _amount_of(record)])
                self._count(record, 1)

    def release(self, paths: Iterable[bytes]) -> None:
        """What is, or is not, at these paths is told to the others again."""
        for path in paths:
            record = self._held.pop(path, None)
            if record is not None:
                self.amount = self.amount.less(_amount_of(record))
                self._count(record, -1)
        if 2 * len(self._held) < self._written:
            self.write()

    def confirm(self, path: bytes = b"") -> list[bytes]:
        """A person lets go all at a path or below it, b"" is all; return which those are."""
        paths = sorted(one for one in self._held if not path or is_at_or_below(one, path))
        self.confirmed.update(paths)
        self._keep(_CONFIRMED, self.confirmed)
        self.release(paths)
        return paths

    def on_said(self) -> None:
        """What was confirmed is in the last head."""
        if self.confirmed:
            self.confirmed.clear()
            self._keep(_CONFIRMED, ())

    def _count(self, record: FileRecord, more: int) -> None:
        """One file more, or less, is held below the folders that it is in."""
        if record.kind is Kind.FILE:
            folder = record.path
            while folder := folder.rpartition(b"/")[0]:
                self._above[folder] += more
                if not self._above[folder]:
                    del self._above[folder]

    # -- the index ---------------------------------------------------------------------------------
    def _read(self, key: str) -> list[bytes]:
        """Return the paths an earlier run noted that are shared, and where nothing stands."""
        index, name = self._node.index, self._node.own_manifest
        kept = index.meta.get(key)
        paths = _PATHS.decode(kept) if kept is not None else []
        shared = (path for path in paths if index.manifests.get(name, path) is not None)
        return [path for path in shared if index.places.get(name, path) is None]

    def write(self) -> None:
        """Have the index say what is held: also what memory knew while the index failed."""
        self._written = len(self._held)
        self._keep(_HELD, self._held)

    def _keep(self, key: str, paths: Iterable[bytes]) -> None:
        every, meta = sorted(paths), self._node.index.meta
        if every:
            meta.set(key, encode(every))
        else:
            meta.remove(key)


def hold_all(index: Index, name: ManifestName) -> list[bytes]:
    """Have the next run hold everything that is shared, but what a person let go; return that."""
    shared = index.manifests.listing(name, b"", index.manifests.count(name))
    let_go = set(_PATHS.decode(index.meta.get(_CONFIRMED) or encode([])))
    paths = sorted({record.path for record in shared} - let_go)
    index.meta.set(_HELD, encode(paths))
    return paths


def is_at_or_below(path: bytes, folder: bytes) -> bool:
    """Say whether a path is another one, or in it."""
    return path == folder or path.startswith(folder + b"/")


def _amount_of(record: FileRecord) -> Amount:
    return Amount(1, 0, record.size) if record.kind is Kind.FILE else Amount(0, 1, 0)
