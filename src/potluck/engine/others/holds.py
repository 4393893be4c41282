"""Holds: files whose owner came back without them, which therefore stay on this disk.

Strategy: a manifest of a new generation may lack files because their owner lost its memory, or
because a person decided for one of two machines, not because it removed them (docs/protocol.md §6).
Such paths are noted, per manifest, in one value of the index, read once and written when the set
changes. What of them stands here is in the register of troubles, as something to be known, with
what lets it go.

Guarantees: what is held stays held across restarts, also if it is moved away and back, until its
owner shares that path again, or a person on this device lets it go: all of it, or what is at a
path. It counts for no other device: each has a lost state of its own to keep. Limits: a path at
which nothing stands any more goes on being held, and nobody is told; the whole set of a
manifest is written at each change of it; a path that is held blocks no other path, but a file
cannot take the place of a folder while something held is in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from heapq import nsmallest
from typing import Final, Protocol

from msgspec.msgpack import Decoder

from potluck.core.content.facts import Amount, ManifestName, PlaceRow, Spot
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import FileRecord, Folder, Kind, encode
from potluck.core.wording import of_amount, set_off, typable
from potluck.engine.node import Node
from potluck.engine.others.local_changes import NAMES_MAX, names_of
from potluck.engine.others.trash_words import goes_to_trash
from potluck.engine.troubles import Trouble, TroubleKind

_PATHS = Decoder(set[bytes])
_PREFIX: Final = "held "  # in the index, before the id of an owner
_ID_DIGITS: Final = 64


class HoldsListener(Protocol):
    """Hears what may go now."""

    def look_again(self, spot: Spot) -> None:
        """What is to be done at a spot has to be decided anew."""


@dataclass(slots=True)
class _Lot:
    """What is held of one manifest."""

    paths: set[bytes]
    # of those that are known to stand here: the size of a file, None is a folder
    sizes: dict[bytes, int | None] = field(default_factory=dict)
    size_bytes: int = 0
    folders: int = 0
    label: str = ""  # by which it stands in the register

    @property
    def amount(self) -> Amount:
        """How much of it stands here."""
        return Amount(len(self.sizes) - self.folders, self.folders, self.size_bytes)

    def see(self, path: bytes, stands: PlaceRow) -> None:
        """This is what stands at one of its paths."""
        self.miss(path)
        size = None if stands.kind is Kind.FOLDER else stands.size
        self.sizes[path] = size
        self.size_bytes += size or 0
        self.folders += size is None

    def miss(self, path: bytes) -> None:
        """Nothing is known to stand at a path any more."""
        if path in self.sizes:
            size = self.sizes.pop(path)
            self.size_bytes -= size or 0
            self.folders -= size is None


class Holds:
    """The held paths of every manifest."""

    def __init__(self, node: Node, listener: HoldsListener) -> None:
        """Keep them in the index of this node; `start` has the register say what is held."""
        self._node, self._listener = node, listener
        self._lots: dict[ManifestName, _Lot] = {}
        self._changed: set[ManifestName] = set()
        self._over: dict[ManifestName, set[bytes]] = {}  # to be written down

    def __repr__(self) -> str:
        """Return how many paths of how many manifests are in memory."""
        paths = sum(len(lot.paths) for lot in self._lots.values())
        return f"<Holds: {paths} paths of {len(self._lots)} manifests>"

    def start(self) -> None:
        """Begin with what the index says, also after trouble with it."""
        self._lots.clear()
        self._over.clear()
        self._node.troubles.clear_kind(TroubleKind.LEFT_BEHIND)
        for owner in self._node.index.meta.beginning_with(_PREFIX):
            if len(owner) == _ID_DIGITS:  # the folder of everyone has no place on the disk yet
                self._changed.add(ManifestName.own(DeviceId(bytes.fromhex(owner))))
        self.settle()

    # -- questions ---------------------------------------------------------------------------------
    def has(self, spot: Spot) -> bool:
        """Say whether a spot is held."""
        return spot.path in self._lot(spot.manifest).paths

    def amount(self, name: ManifestName) -> Amount:
        """Return how much of what is held of a manifest stands here."""
        return self._lot(name).amount

    def any_below(self, name: ManifestName, path: bytes) -> bool:
        """Say whether anything that stands below a path is held; b"" is the whole folder."""
        return any(_is_at(each, path) for each in self._lot(name).sizes if each != path)

    # -- changes -----------------------------------------------------------------------------------
    def hold(self, name: ManifestName, paths: Iterable[bytes]) -> int:
        """Hold these paths; return how many of them were not held before, and tell of them."""
        lot = self._lot(name)
        new = set(paths) - lot.paths
        if new:
            lot.paths |= new
            self._look(name, lot, new)
            self._write(name)
            self._register(name)
            self._tell(name, len(new))
        return len(new)

    def release(self, name: ManifestName, paths: Iterable[bytes]) -> None:
        """Hold these paths no longer: their owner shares them again, or they are to go."""
        lot = self._lot(name)
        over = lot.paths.intersection(paths)
        if over:
            lot.paths -= over
            for path in over:
                lot.miss(path)
            self._write(name)
            self._register(name)

    def see(self, spot: Spot, record: FileRecord | None, stands: PlaceRow | None) -> None:
        """This is wanted and stands at a spot: is it held any longer? `settle` writes it down.

        Where nothing stands, whoever took it away may bring it back: it stays held.
        """
        lot = self._lot(spot.manifest)
        if spot.path not in lot.paths:
            return
        if record is not None:
            self._over.setdefault(spot.manifest, set()).add(spot.path)
            return
        self._changed.add(spot.manifest)
        if stands is None:
            lot.miss(spot.path)
        else:
            lot.see(spot.path, stands)

    def let_go(self, name: ManifestName, path: bytes = b"") -> str | None:
        """A person says that nobody needs what stands at a path or below it; b"" is all of it.

        Return what follows, None if nothing is held there.
        """
        lot = self._lot(name)
        meant = {each for each in lot.paths if _is_at(each, path)}
        before = lot.amount
        if not any(each in lot.sizes for each in meant):
            return None
        self.release(name, meant)
        for each in sorted(meant):
            self._listener.look_again(Spot(name, each))
        label = set_off(self._node.label_of(name.owner))
        goes = goes_to_trash(self._node, before.less(lot.amount))
        return (
            f"What {label} came back without is not kept here any longer: {goes}. Another device"
            " that keeps some of it says so itself."
        )

    def settle(self) -> None:
        """Write down what is over, and have the register say what is held."""
        for name, paths in self._over.items():
            self.release(name, paths)
        self._over.clear()
        for name in sorted(self._changed):
            self._register(name)
        self._changed.clear()

    def renew(self) -> None:
        """Labels may have changed: call everybody in the register as they are called now."""
        for name in sorted(self._lots):
            self._register(name)

    # -- insides -----------------------------------------------------------------------------------
    def _lot(self, name: ManifestName) -> _Lot:
        if name not in self._lots:
            stored = self._node.index.meta.get(_key(name))
            paths = _PATHS.decode(stored) if stored is not None else set()
            lot = self._lots[name] = _Lot(paths)
            self._look(name, lot, paths)
        return self._lots[name]

    def _look(self, name: ManifestName, lot: _Lot, paths: Iterable[bytes]) -> None:
        """See what stands at these paths."""
        for path in paths:
            stands = self._node.index.places.get(name, path)
            if stands is not None:
                lot.see(path, stands)

    def _write(self, name: ManifestName) -> None:
        paths, meta = self._lots[name].paths, self._node.index.meta
        if paths:
            meta.set(_key(name), encode(sorted(paths)))
        else:
            meta.remove(_key(name))

    def _tell(self, name: ManifestName, count: int) -> None:
        label, folder = self._node.label_of(name.owner), self._node.layout.name_of(name.owner)
        they_are, it = ("it is", "it") if count == 1 else ("they are", "them")
        text = (
            f"{label} came back without {count:,} of its files: {they_are} kept here, in"
            f" {set_off(f'Shared/{folder}')}; {label} shares {it} again where {they_are} copied"
            " into its folder there"
        )
        self._node.tell("deletes_held", text, level="warning", subject=label)

    def _register(self, name: ManifestName) -> None:
        """Have the register say what of a manifest is held."""
        lot, node = self._lot(name), self._node
        label, layout = node.label_of(name.owner), node.layout
        shown = bool(lot.sizes) and layout.has_folder(name)
        if lot.label and (lot.label != label or not shown):
            node.troubles.clear(TroubleKind.LEFT_BEHIND, lot.label)
        lot.label = label if shown else ""
        if shown:
            reason, command, now = (
                self._words(name, lot),
                confirm_left(node, Spot(name, b"")),
                node.now,
            )
            trouble = Trouble(TroubleKind.LEFT_BEHIND, label, reason, command, now, None)
            node.troubles.note(trouble)

    def _words(self, name: ManifestName, lot: _Lot) -> str:
        """Say what is held, without the name of its owner."""
        layout, label = self._node.layout, set_off(self._node.label_of(name.owner))
        first = _first(lot)
        names = names_of([set_off(str(layout.path_of(Spot(name, path)))) for path in first])
        more = len(lot.sizes) - len(first)
        names += f" and {more:,} more" if more else ""
        one = len(lot.sizes) == 1
        stays, it, they_are = ("stays", "it", "it is") if one else ("stay", "them", "they are")
        return (
            f"it came back without {of_amount(*lot.amount)}, which therefore {stays} here: {names};"
            f" {label} shares {it} again where {they_are} copied into its folder there; if nobody"
            f" needs {it}, confirm that"
        )


def _first(lot: _Lot) -> Sequence[bytes]:
    """Return those that are named: files before folders."""
    return nsmallest(NAMES_MAX, lot.sizes, key=lambda path: (lot.sizes[path] is None, path))


def _is_at(path: bytes, top: bytes) -> bool:
    """Say whether a path is this one, or below it; b"" is above all."""
    return not top or path == top or path.startswith(top + b"/")


def confirm_left(node: Node, spot: Spot) -> str:
    """Return what a person types who lets go what is held at a spot; the path b"" is all of it.

    Nothing, where that cannot be typed.
    """
    path = f"{node.layout.name_of(spot.manifest.owner)}/{spot.path.decode()}"
    return f"confirm {typable(path, '')}" if typable(path, "") else ""


def _key(name: ManifestName) -> str:
    key = f"{_PREFIX}{name.owner.hex()}"
    return key if name.folder is Folder.OWN else f"{key} {name.folder}"
