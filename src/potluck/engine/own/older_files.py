"""Older files: files of the own folder that an older copy of it brought back, or that came with
another disk, until a person says what is to become of them.

Strategy: what is shared at such a path is a later version than the one that stands there. It goes
on being shared and counts as not here; what stands is kept with its own content in the index, and
said to nobody. When a person wants the later ones, they come like what the disk damaged: fetched,
and exchanged in one step by which the earlier one goes to `Put aside/`
(shells/disk/receiving/healing.py). One who wants the earlier ones has them read as edits.

Where what came with another disk goes from its path, that is noted as well: what comes there next
is of that disk, too.

Guarantees: what is noted is noted across restarts, in the transaction of what stands there. What is
on a disk that is mounted there is not exchanged: names change places in one file system only.
Limits: all of them are one line in the register; a file that is given other dates is known by its
content.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Final, Protocol

from msgspec import Struct, structs
from msgspec.msgpack import Decoder

from potluck.core.content.facts import NOTHING, Amount, Spot
from potluck.core.content.paths import within
from potluck.core.wire.catalogue import encode
from potluck.engine.node import Node

_NOTED: Final = "older file "  # in the index, before the path in hexadecimal letters


class OlderFile(Struct, frozen=True, array_like=True):
    """One of them."""

    root: bytes  # of what stands there, b"" where nothing does
    wanted: bool = False  # whether the one that is shared is to take its place
    by_disk: bool = False  # whether it came with another disk, and not with an older copy


_FILE: Final = Decoder(OlderFile)


class OlderListener(Protocol):
    """Hears that something is to be exchanged, or is no more."""

    def on_damaged_changed(self, spot: Spot) -> None:
        """Decide about a spot of the own folder anew."""


class OlderFiles:
    """What of the own folder is an earlier version than the one that is shared."""

    def __init__(self, node: Node, listener: OlderListener) -> None:
        """Know of nothing; `start` says what an earlier run found."""
        self._node, self._listener = node, listener
        self._files: dict[bytes, OlderFile] = {}
        self._sizes: dict[bytes, int] = {}  # of what is shared in their places
        self._above = Counter[bytes]()  # how many there are below each folder
        self._left = set[bytes]()  # paths at which another disk had a file, and has none now
        self.amount = NOTHING  # of what is shared in their places, and not here

    def __repr__(self) -> str:
        """Return how many there are."""
        return f"<OlderFiles: {len(self._files)}>"

    def __contains__(self, path: object) -> bool:
        """Say whether an earlier version stands at a path."""
        return path in self._files

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._files)

    def start(self) -> None:
        """Know what an earlier run found, as far as it stands still and is not shared; or once more
        what was ended in vain, since the index failed.
        """
        index, name = self._node.index, self._node.own_manifest
        for key, kept in index.meta.beginning_with(_NOTED).items():
            path, one = bytes.fromhex(key), _FILE.decode(kept)
            row = index.places.get(name, path)
            if row is None and not one.root and index.manifests.get(name, path) is not None:
                self._left.add(path)
            elif row is not None and row.root == one.root:
                self._put(path, one)
            else:
                index.meta.remove(_NOTED + key)
        self._changed(path for path, one in self._files.items() if one.wanted)

    # -- what they are -----------------------------------------------------------------------------
    @property
    def returning(self) -> bool:
        """Whether any of them is to be exchanged."""
        return any(one.wanted for one in self._files.values())

    def of(self, *, by_disk: bool, wanted: bool) -> list[bytes]:
        """Return those that came with another disk, or an older copy, and are wanted, or not."""
        cause = by_disk, wanted
        return [path for path, one in self._files.items() if (one.by_disk, one.wanted) == cause]

    def on_disk(self, paths: Iterable[bytes]) -> list[bytes]:
        """Return which of these are on a disk that is mounted there: they cannot be exchanged."""
        node = self._node
        spots = (Spot(node.own_manifest, path) for path in paths)
        return [
            spot.path
            for spot in spots
            if node.mounts.innermost(node.layout.path_of(spot)) is not None
        ]

    def has_below(self, folder: bytes) -> bool:
        """Say whether a path, or one below it, is among them; b"" is all of the folder."""
        if not folder:
            return bool(self._files)
        return folder in self._files or self._above[folder] > 0

    def root_of(self, path: bytes) -> bytes:
        """Return the hash of what stands at a path, b"" if that is none of them."""
        found = self._files.get(path)
        return found.root if found is not None else b""

    def is_of_disk(self, path: bytes) -> bool:
        """Say whether what stands at a path came with another disk, or did so before it went, and
        nobody said what is to become of it.
        """
        if path in self._left:
            return True
        found = self._files.get(path)
        return found is not None and found.by_disk and not found.wanted

    def heals(self, spot: Spot) -> bool:
        """Say whether a spot is of the own folder, and to be exchanged for what is shared."""
        found = self._files.get(spot.path) if spot.manifest == self._node.own_manifest else None
        return found is not None and found.wanted

    # -- how they come and go ----------------------------------------------------------------------
    def note(
        self, path: bytes, root: bytes, *, by_disk: bool = False, wanted: bool = False
    ) -> bool:
        """An earlier version stands there, with this content; return whether that is news.

        `wanted`: what is shared there is to take its place.
        """
        before = self._files.get(path)
        if before is not None and before.root == root and before.wanted >= wanted:
            self._put(path, before)  # the index may have failed since
            return False
        wanted |= before is not None and before.wanted and not by_disk
        self._put(path, OlderFile(root, wanted, by_disk))
        self._changed([path])
        return True

    def want(self) -> int:
        """A person wants what is shared in the places of all of them; return how many can be."""
        can = self._files.keys() - self.on_disk(self._files)
        for path in can:
            self._put(path, structs.replace(self._files[path], wanted=True))
        self._changed(can)
        return len(can)

    def on_gone(self, paths: Iterable[bytes]) -> bool:
        """Nothing stands at these paths any more; return whether that is news."""
        over = [path for path in paths if path in self._files]
        left = [path for path in over if self.is_of_disk(path)]
        self.end(over)
        for path in left:
            self._left.add(path)
            self._node.index.meta.set(_NOTED + path.hex(), encode(OlderFile(b"", by_disk=True)))
        return bool(over)

    def end(self, paths: Iterable[bytes]) -> list[bytes]:
        """At these paths something else stands, or is shared; return which were among them."""
        paths = list(paths) if self._files or self._left else []
        for path in self._left.intersection(paths):
            self._left.remove(path)
            self._node.index.meta.remove(_NOTED + path.hex())
        over = [path for path in paths if path in self._files]
        for path in over:
            del self._files[path]
            self._node.index.meta.remove(_NOTED + path.hex())
            self._count(path, -1)
        if over:
            self._changed(over)
        return over

    def at_or_below(self, path: bytes) -> list[bytes]:
        """Return which of them are at a path or below it; b"" is all."""
        return sorted(one for one in self._files if not path or within(one, {path}))

    def _changed(self, paths: Iterable[bytes]) -> None:
        for path in sorted(paths):
            self._listener.on_damaged_changed(Spot(self._node.own_manifest, path))

    def _put(self, path: bytes, one: OlderFile) -> None:
        self._left.discard(path)
        if path not in self._files:
            self._count(path, 1)
        self._files[path] = one
        self._node.index.meta.set(_NOTED + path.hex(), encode(one))

    def _count(self, path: bytes, more: int) -> None:
        """One more, or less, is below the folders that it is in."""
        if more > 0:
            record = self._node.index.manifests.get(self._node.own_manifest, path)
            self._sizes[path] = record.size if record is not None else 0
        size = self._sizes[path] if more > 0 else self._sizes.pop(path)
        self.amount = Amount.total([self.amount, Amount(more, 0, more * size)])
        folder = path
        while folder := folder.rpartition(b"/")[0]:
            self._above[folder] += more
            if not self._above[folder]:
                del self._above[folder]
