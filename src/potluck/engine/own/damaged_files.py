"""Damaged files: files of the own folder whose bytes the disk changed, until they are whole again.

Strategy: whoever reads such a file notes it here. It goes on being shared as it was, counts as not
here, and is wanted like a file that lacks in somebody else's folder; the disk exchanges it for a
whole one (shells/disk/receiving/healing.py), which engine/healed_files.py tells. It ends when the
file reads as it should, or when something else stands there.

Guarantees: what is noted is noted across restarts, with the hash of the bytes that were read, so
that they are no edit either when `touch`, a backup, a change of rights or an exchange that was
undone gives the file other dates. Where the file system keeps times so coarsely that an edit may
leave the same ones, nothing is exchanged, and the person is told what to do. Limits: of a file with
other names each is damaged by itself.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable
from typing import Final, Protocol

from msgspec import Struct
from msgspec.msgpack import Decoder

from potluck.core.content.facts import Amount, PlaceRow, Spot, Stat
from potluck.core.content.paths import within
from potluck.core.content.reconcile import tells_writes
from potluck.core.wire.catalogue import encode
from potluck.core.wording import set_off
from potluck.engine.node import Node
from potluck.engine.troubles import Trouble, TroubleKind

_DAMAGE: Final = (
    "its bytes changed and no program wrote them: the disk fails, or the memory; nobody is sent it,"
    " and it comes back once a device is linked that has it"
)
_DOUBT: Final = (
    "its bytes changed, and the dates on this disk are too coarse to tell whether a program wrote"
    " them; the others keep what it was, until it is saved again"
)
_NOTED: Final = "own files damaged"  # in the index


class DamagedFile(Struct, frozen=True, array_like=True):
    """One of them."""

    path: bytes
    root: bytes  # of what was read
    heals: bool  # whether it is to be exchanged without asking


_FILES: Final = Decoder(list[DamagedFile])


class DamagedListener(Protocol):
    """Hears what is damaged, or is not any more."""

    def on_damaged_changed(self, spot: Spot) -> None:
        """Decide about a spot of the own folder anew."""


class DamagedFiles:
    """What of the own folder is damaged."""

    def __init__(self, node: Node, listener: DamagedListener) -> None:
        """Know of nothing; `start` says what an earlier run found."""
        self._node, self._listener = node, listener
        self._files: dict[bytes, DamagedFile] = {}

    def __repr__(self) -> str:
        """Return how many there are."""
        return f"<DamagedFiles: {len(self._files)}>"

    def __contains__(self, path: object) -> bool:
        """Say whether a path is damaged."""
        return path in self._files

    def start(self) -> None:
        """Know what an earlier run found, as far as it stands still."""
        kept = self._node.index.meta.get(_NOTED)
        found = _FILES.decode(kept) if kept is not None else []
        self._files = {one.path: one for one in found if self._row(one.path) is not None}
        for one in self._files.values():
            self._say(one)
        self._changed(self._files)

    # -- what is damaged ---------------------------------------------------------------------------
    @property
    def amount(self) -> Amount:
        """How much that is."""
        rows = [row for row in map(self._row, self._files) if row is not None]
        return Amount(len(rows), 0, sum(row.size for row in rows))

    def has_below(self, folder: bytes) -> bool:
        """Say whether a path, or one below it, is damaged; b"" is all of the folder."""
        return any(not folder or within(path, {folder}) for path in self._files)

    def root_of(self, path: bytes) -> bytes:
        """Return the hash of the bytes at a path that are damaged for sure, b"" if none are."""
        found = self._files.get(path)
        return found.root if found is not None and found.heals else b""

    def heals(self, spot: Spot) -> bool:
        """Say whether a spot is of the own folder, and to be exchanged for a whole file."""
        found = self._files.get(spot.path) if spot.manifest == self._node.own_manifest else None
        return found is not None and found.heals

    def note(self, path: bytes, root: bytes, stat: Stat) -> None:
        """A file is damaged: these are its bytes now."""
        before, fresh = self._files.get(path), DamagedFile(path, root, tells_writes(stat))
        self._files[path] = fresh
        if self._say(fresh):
            shown = set_off(self._shown(path))
            text = f"damaged on this disk, not shared: {shown}"
            self._node.tell("damage", text, level="error", subject=self._shown(path))
        if fresh != before:
            self._write()
            self._changed([path])

    # -- how it ends -------------------------------------------------------------------------------
    def end(self, paths: Collection[bytes]) -> None:
        """What stands at these paths, and below them, is another thing now, or whole, or gone."""
        over = [path for path in self._files if within(path, paths)] if self._files else []
        for path in over:
            del self._files[path]
            self._node.troubles.clear(TroubleKind.DAMAGED, self._shown(path))
        if over:
            self._write()
            self._changed(over)

    def on_whole(self, spot: Spot) -> None:
        """A file reads as it should, perhaps one of mine that did not."""
        if spot.manifest == self._node.own_manifest:
            self.end({spot.path})

    def _say(self, one: DamagedFile) -> bool:
        """Have `status` say it; return whether that is news."""
        shown, folder = self._shown(one.path), self._node.settings.folder
        command = "" if one.heals else f"touch {shlex.quote(f'{folder}/Shared/{shown}')}"
        reason = _DAMAGE if one.heals else _DOUBT
        trouble = Trouble(TroubleKind.DAMAGED, shown, reason, command, self._node.now, None)
        return self._node.troubles.note(trouble)

    def _shown(self, path: bytes) -> str:
        return str(self._node.layout.path_of(Spot(self._node.own_manifest, path)))

    def _row(self, path: bytes) -> PlaceRow | None:
        return self._node.index.places.get(self._node.own_manifest, path)

    def _changed(self, paths: Iterable[bytes]) -> None:
        for path in sorted(paths):
            self._listener.on_damaged_changed(Spot(self._node.own_manifest, path))

    def _write(self) -> None:
        every, meta = sorted(self._files.values(), key=lambda one: one.path), self._node.index.meta
        if every:
            meta.set(_NOTED, encode(every))
        else:
            meta.remove(_NOTED)
