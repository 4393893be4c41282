"""What is held: files whose owner came back without them, which therefore stay on this disk.

Strategy: a manifest of a new generation may lack files because their owner lost its memory, not
because it removed them (docs/protocol.md §6). Such paths are noted, per owner, in one value of the
index, read once and written when the set changes.

Guarantees: what is held stays held across restarts, until its owner shares that path again. Limits:
the whole set of an owner is written at each change of it; a path that is held blocks no other path,
but a file cannot take the place of a folder while something held is in it.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.msgpack import Decoder

from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import encode
from potluck.engine.index import Index
from potluck.engine.others.spots import Spot

_PATHS = Decoder(set[bytes])


class Holds:
    """The held paths of every owner."""

    def __init__(self, index: Index) -> None:
        """Keep them in this index."""
        self._meta = index.meta
        self._paths: dict[DeviceId, set[bytes]] = {}

    def has(self, spot: Spot) -> bool:
        """Say whether a spot is held."""
        return spot[1] in self._of(spot[0])

    def hold(self, owner: DeviceId, paths: Iterable[bytes]) -> int:
        """Hold these paths; return how many of them were not held before."""
        held = self._of(owner)
        new = set(paths) - held
        if new:
            held |= new
            self._write(owner)
        return len(new)

    def release(self, owner: DeviceId, paths: Iterable[bytes]) -> None:
        """Hold these paths no longer: their owner shares them again."""
        held = self._of(owner)
        again = held.intersection(paths)
        if again:
            held -= again
            self._write(owner)

    def _of(self, owner: DeviceId) -> set[bytes]:
        if owner not in self._paths:
            stored = self._meta.get(_key(owner))
            self._paths[owner] = _PATHS.decode(stored) if stored is not None else set()
        return self._paths[owner]

    def _write(self, owner: DeviceId) -> None:
        self._meta.set(_key(owner), encode(sorted(self._paths[owner])))


def _key(owner: DeviceId) -> str:
    return f"held {owner.hex()}"
