"""Holds: files whose owner came back without them, which therefore stay on this disk.

Strategy: a manifest of a new generation may lack files because their owner lost its memory, not
because it removed them (docs/protocol.md §6). Such paths are noted, per manifest, in one value of
the index, read once and written when the set changes.

Guarantees: what is held stays held across restarts, until its owner shares that path again. Limits:
the whole set of a manifest is written at each change of it; a path that is held blocks no other
path, but a file cannot take the place of a folder while something held is in it.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.msgpack import Decoder

from potluck.core.content.facts import ManifestName, Spot
from potluck.core.wire.catalogue import Folder, encode
from potluck.engine.index import Index

_PATHS = Decoder(set[bytes])


class Holds:
    """The held paths of every manifest."""

    def __init__(self, index: Index) -> None:
        """Keep them in this index."""
        self._meta = index.meta
        self._paths: dict[ManifestName, set[bytes]] = {}

    def __repr__(self) -> str:
        """Return how many paths of how many manifests are in memory."""
        paths = sum(map(len, self._paths.values()))
        return f"<Holds: {paths} paths of {len(self._paths)} manifests>"

    def has(self, spot: Spot) -> bool:
        """Say whether a spot is held."""
        return spot.path in self._of(spot.manifest)

    def hold(self, name: ManifestName, paths: Iterable[bytes]) -> int:
        """Hold these paths; return how many of them were not held before."""
        held = self._of(name)
        new = set(paths) - held
        if new:
            held |= new
            self._write(name)
        return len(new)

    def release(self, name: ManifestName, paths: Iterable[bytes]) -> None:
        """Hold these paths no longer: their owner shares them again."""
        held = self._of(name)
        again = held.intersection(paths)
        if again:
            held -= again
            self._write(name)

    def _of(self, name: ManifestName) -> set[bytes]:
        if name not in self._paths:
            stored = self._meta.get(_key(name))
            self._paths[name] = _PATHS.decode(stored) if stored is not None else set()
        return self._paths[name]

    def _write(self, name: ManifestName) -> None:
        self._meta.set(_key(name), encode(sorted(self._paths[name])))


def _key(name: ManifestName) -> str:
    key = f"held {name.owner.hex()}"
    return key if name.folder is Folder.OWN else f"{key} {name.folder}"
