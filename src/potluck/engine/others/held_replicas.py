"""Held replicas: files of others that stay on this disk until a person confirms that they may go.

Strategy: an owner that deletes or replaces very much at once is not followed in that
(engine/others/loss_breaker.py): what it lost so is noted here, by owner, with the change that went
too far, as one value of the index; of each file also since when it is lost, so that a person's word
on another device lets go what it is about, and no more. What is held stands in the register of
troubles with what to type. A folder that its owner dropped stays as long as anything in it is held.

Guarantees: what is held stays held across restarts, until it is confirmed, or its owner shares
again what stands there, or it stands there no more; the last two end a hold by themselves. Limits:
the whole set of an owner is written when it grows, when half of it is gone, and when more became of
what is held, so what ended since is looked at once more at the next start. What an earlier potluck
held is confirmed here only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from heapq import nsmallest
from typing import Final

from msgspec import Struct
from msgspec.msgpack import Decoder

from potluck.core.content.facts import NOTHING, Amount, ManifestName, PlaceRow, Spot
from potluck.core.content.loss_confirms import LossOrigin
from potluck.core.content.loss_window import Loss
from potluck.core.keys.identity import DeviceId, short_id
from potluck.core.wire.catalogue import FileRecord, Kind, RunEnd, encode
from potluck.core.wording import of_size, plural, set_off, typable
from potluck.engine.node import Node
from potluck.engine.others.confirmations import hearers
from potluck.engine.others.local_changes import NAMES_MAX, names_of
from potluck.engine.others.path_folders import folders_above
from potluck.engine.troubles import Trouble, TroubleKind

_PREFIX: Final = "losses held "  # in the index, before the id of an owner
_UNKNOWN: Final = LossOrigin(RunEnd(0, 0, b""), 0)  # nobody's word is about such a loss


class _Stored(Struct, frozen=True):
    """What the index knows of one owner."""

    seq: int
    ends: list[RunEnd]  # the heads with which something was seen to be lost
    # path, size, which of the heads it was, and the number of the change
    files: list[tuple[bytes, int, int, int]]


_Former = tuple[int, list[tuple[bytes, int]]]  # what an earlier potluck wrote
_STORED: Final = Decoder(_Stored | _Former)


@dataclass(slots=True)
class HeldLot:
    """What is held of one owner."""

    seq: int = 0  # the number of the change with which it began
    sizes: dict[bytes, int] = field(default_factory=dict)
    origins: dict[bytes, LossOrigin] = field(default_factory=dict)  # as far as they are known
    size_bytes: int = 0
    folders: Counter[bytes] = field(default_factory=Counter)  # how much is held in each
    written: int = 0  # how many files the index says
    moved: bool = False  # more became of what is held than the index says
    told: Amount = NOTHING  # when people were told last
    label: str = ""  # by which it stands in the register

    @property
    def amount(self) -> Amount:
        """How much it is."""
        return Amount(len(self.sizes), 0, self.size_bytes)

    def add(self, path: bytes, size: int) -> None:
        """Hold one more file."""
        if path not in self.sizes:
            self.sizes[path] = size
            self.size_bytes += size
            self.folders.update(folders_above(path))

    def drop(self, path: bytes) -> list[bytes]:
        """Hold a file no longer; return the folders in which nothing else is held."""
        self.size_bytes -= self.sizes.pop(path)
        self.origins.pop(path, None)
        freed = []
        for folder in folders_above(path):
            self.folders[folder] -= 1
            if not self.folders[folder]:
                del self.folders[folder]
                freed.append(folder)
        return freed


class HeldReplicas:
    """What is held of every owner."""

    def __init__(self, node: Node) -> None:
        """Hold nothing; `start` says what an earlier run held."""
        self._node = node
        self._lots: dict[ManifestName, HeldLot] = {}
        self._changed: set[ManifestName] = set()
        self._freed: set[Spot] = set()  # folders that may go now

    def __repr__(self) -> str:
        """Return how much is held of how many."""
        files = sum(len(lot.sizes) for lot in self._lots.values())
        return f"<HeldReplicas: {files} files of {len(self._lots)} owners>"

    def start(self) -> None:
        """Hold what the index says, as far as it is still lost; also after trouble with it."""
        index, self._lots = self._node.index, {}
        self._changed.clear()  # also of who was held in a transaction that was undone
        self._freed.clear()
        self._node.troubles.clear_kind(TroubleKind.KEPT)
        for owner, stored in index.meta.beginning_with(_PREFIX).items():
            name, kept = ManifestName.own(DeviceId(bytes.fromhex(owner))), _decoded(stored)
            found = index.losses.among(name, (path for path, *_ in kept.files))
            lost = {loss.path for loss in found}
            lot = self._lots[name] = HeldLot(kept.seq, written=len(kept.files))
            for path, size, end, change in kept.files:
                if path in lost:
                    lot.add(path, size)
                    since = LossOrigin(kept.ends[end], change) if kept.ends else _UNKNOWN
                    if since != _UNKNOWN:
                        lot.origins[path] = since
            lot.told = lot.amount  # an earlier run told it
            self._changed.add(name)
        self.settle()

    # -- questions ---------------------------------------------------------------------------------
    @property
    def names(self) -> set[ManifestName]:
        """Of whom anything is held."""
        return {name for name, lot in self._lots.items() if lot.sizes}

    def lot(self, name: ManifestName) -> HeldLot | None:
        """Return what is held of one owner, None if nothing is."""
        lot = self._lots.get(name)
        return lot if lot is not None and lot.sizes else None

    def has(self, spot: Spot) -> bool:
        """Say whether a file is held."""
        lot = self._lots.get(spot.manifest)
        return lot is not None and spot.path in lot.sizes

    def keeps(self, spot: Spot, record: FileRecord | None, stands: PlaceRow | None) -> bool:
        """Say whether what stands at a spot has to stay, whatever its owner wants there.

        Where that is over, it ends here.
        """
        lot = self._lots.get(spot.manifest)
        if lot is None:
            return False
        if spot.path not in lot.sizes:
            return record is None and spot.path in lot.folders
        root = stands.root if stands is not None and stands.kind is Kind.FILE else None
        if root is not None and (record is None or record.root != root):
            return True
        self.release(spot.manifest, [spot.path])
        return False

    # -- changes -----------------------------------------------------------------------------------
    def hold(self, name: ManifestName, seq: int, losses: Iterable[Loss]) -> None:
        """Hold these, too, since this change."""
        lot = self._lots.setdefault(name, HeldLot(seq))
        for loss in losses:
            lot.add(loss.path, loss.size)
        self._changed.add(name)

    def note_origins(self, name: ManifestName, origins: Mapping[bytes, LossOrigin]) -> None:
        """What is held of these is lost since then: by a later change than before, perhaps."""
        lot = self._lots.get(name)
        known = {path: since for path, since in origins.items() if self.has(Spot(name, path))}
        if lot is not None and known:
            lot.origins |= known
            lot.moved = True
            self._changed.add(name)

    def is_news(self, name: ManifestName) -> bool:
        """Say whether people are to be told what is held of an owner: it is more than twice as much
        as when this was asked last, and whoever confirms lets go all of it.
        """
        lot = self._lots[name]
        now, told = lot.amount, lot.told
        if now.files <= 2 * told.files and now.size_bytes <= 2 * told.size_bytes:
            return False
        lot.told = now
        return True

    def release(self, name: ManifestName, paths: Iterable[bytes]) -> list[bytes]:
        """Hold these no longer; return which of them were held."""
        lot = self._lots.get(name)
        held = [path for path in paths if path in lot.sizes] if lot is not None else []
        for path in held:
            assert lot is not None, "what is held is held of somebody"
            self._freed.update(Spot(name, folder) for folder in lot.drop(path))
            self._changed.add(name)
        return held

    def release_all(self, name: ManifestName) -> list[bytes]:
        """Hold nothing more of one owner; return what was held."""
        lot = self._lots.get(name)
        return self.release(name, sorted(lot.sizes)) if lot is not None else []

    def settle(self) -> list[Spot]:
        """Write down what changed, and have it told; return the folders that may go now."""
        for name in sorted(self._changed):
            self._keep(name, self._lots[name])
        self._changed.clear()
        freed, self._freed = sorted(self._freed), set()
        return freed

    def renew(self) -> None:
        """Labels may have changed: call everybody in the register as they are called now."""
        for name, lot in sorted(self._lots.items()):
            self._register(name, lot)

    def _keep(self, name: ManifestName, lot: HeldLot) -> None:
        files, key = len(lot.sizes), _PREFIX + name.owner.hex()
        if not files:
            self._node.index.meta.remove(key)
            self._node.troubles.clear(TroubleKind.KEPT, lot.label)
            del self._lots[name]
            return
        if files > lot.written or 2 * files < lot.written or lot.moved:
            lot.written, lot.moved = files, False
            self._node.index.meta.set(key, encode(_encoded(lot)))
        self._register(name, lot)

    def _register(self, name: ManifestName, lot: HeldLot) -> None:
        label, node = self._node.label_of(name.owner), self._node
        if lot.label not in {"", label}:
            node.troubles.clear(TroubleKind.KEPT, lot.label)
        lot.label = label
        confirm = f"confirm {typable(label, short_id(name.owner))}"
        reason = f"{self.words(name)}; confirm that only if it was meant"
        if hearers(node, name.owner):
            reason += f", once, on any device but {label}"
        node.troubles.note(Trouble(TroubleKind.KEPT, label, reason, confirm, node.now, None))

    def words(self, name: ManifestName) -> str:
        """Say what is held of an owner, without its name."""
        lot, layout = self._lots[name], self._node.layout
        names = [set_off(str(layout.path_of(Spot(name, path)))) for path in _first(lot)]
        files, more = len(lot.sizes), max(len(lot.sizes) - NAMES_MAX, 0)
        shown = names_of(names) + (f" and {more:,} more" if more else "")
        stay, they, were = ("stays", "it", "was") if files == 1 else ("stay", "they", "were")
        return (
            f"it deleted or replaced very much at once, since change {lot.seq:,} of its folder:"
            f" {plural(files, 'file')} ({of_size(lot.size_bytes)}) {stay} here as {they} {were}"
            f" ({shown})"
        )


def _encoded(lot: HeldLot) -> _Stored:
    since = {path: lot.origins.get(path, _UNKNOWN) for path in sorted(lot.sizes)}
    ends = {origin.seen: None for origin in since.values()}
    numbers = {end: number for number, end in enumerate(ends)}
    files = [
        (path, lot.sizes[path], numbers[origin.seen], origin.change)
        for path, origin in since.items()
    ]
    return _Stored(lot.seq, list(ends), files)


def _decoded(stored: bytes) -> _Stored:
    kept = _STORED.decode(stored)
    if isinstance(kept, _Stored):
        return kept
    return _Stored(kept[0], [], [(path, size, 0, 0) for path, size in kept[1]])


def _first(lot: HeldLot) -> list[bytes]:
    return nsmallest(NAMES_MAX, lot.sizes)
