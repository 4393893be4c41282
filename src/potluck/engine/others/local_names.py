"""Local names: which paths of others this disk cannot hold, or not beside another one, and why.

Strategy: where the file system of FOLDER takes some names for one, or cannot hold some
(`EngineSettings.names`), the paths of each owner are noted by what they are to it
(core/content/spellings.py), when they are first asked for and with every change. Of those that are
one in one folder the byte-smaller one is placed; but a folder that stands here and is still shared
comes first, so no other spelling takes away what is in it. The others are kept out with all that is
in them, as is what cannot be held: not fetched, and a file that stood here goes to the trash, which
is told as what this disk does. A path whose place something of another spelling still has waits
until that has gone.

Guarantees: of two folders one is decided for, with everything in it: what is below the other one
displaces nothing. That stays so, across restarts too, while the folder stands and is shared, for
it follows from what is shared and from what stands; nothing is placed and removed in turns; when
the one that kept it out is gone it comes. Where names are taken as they are nothing is noted.
Limits: a folder that stands here and was shared before the other one may be another one on another
device; what stands is known from the index, so where that was lost the byte-smaller folder is the
one, and waits for what really stands; single files give way however many they are; the paths of an
owner are all read when the first of them is decided about, and kept in memory; a change of 6,000
paths at once costs 0.2 s there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from msgspec.structs import replace

from potluck.core.content.facts import ManifestName, Spot
from potluck.core.content.paths import SafePath
from potluck.core.content.spellings import Spellings
from potluck.core.wire.catalogue import Kind
from potluck.core.wording import set_off
from potluck.engine.events import Placement
from potluck.engine.node import Node
from potluck.engine.others.group_commit import SpotOutcome

_ALL: Final = 1 << 40  # records of one manifest, more than there are
_REFUSED: Final = "this disk cannot hold such a name: {why}; give it another one on {owner}"
_ONE_NAME: Final = (
    "it is not placed: this disk takes its name and {other} for one, and that one comes first; give"
    " one of them another name on {owner}"
)
_WAITS: Final = "it waits until {other}, whose name is the same to this disk, has gone from here"


@dataclass(frozen=True, slots=True)
class KeptOut:
    """Why a path is not placed."""

    reason: str  # for people
    group: bytes  # paths of one owner for which it is the same: what is below this one
    lasts: bool = True  # until an owner does something about it


class LocalNames:
    """The paths of others, as this disk takes their names."""

    def __init__(self, node: Node) -> None:
        """Have read no paths."""
        self._node, self._limits = node, node.settings.names
        self._known: dict[ManifestName, Spellings] = {}

    def __repr__(self) -> str:
        """Return of how many owners the paths were read."""
        return f"<LocalNames of {len(self._known)} owners>"

    def restart(self) -> None:
        """What was read is void."""
        self._known.clear()

    # -- questions ---------------------------------------------------------------------------------
    def keeps_out(self, spot: Spot) -> KeptOut | None:
        """Return why what is shared at a spot is not placed here, None if nothing is against it."""
        if self._limits.plain:
            return None
        spellings, owner = self._of(spot.manifest), self._node.label_of(spot.manifest.owner)
        if why := spellings.why_refused(spot.path):
            return KeptOut(_REFUSED.format(why=why, owner=owner), b"")
        instead = spellings.placed_instead(spot.path, partial(self._stays, spot.manifest))
        if not instead:
            return None
        group = b"/".join(spot.path.split(b"/")[: instead.count(b"/") + 1])
        other = self._shown(Spot(spot.manifest, instead))
        return KeptOut(_ONE_NAME.format(other=other, owner=owner), group)

    def in_the_way(self, spot: Spot) -> Spot | None:
        """Return what stands here in the place of a spot, by another spelling of its path."""
        if not self._limits.folds:
            return None
        spellings, places = self._of(spot.manifest), self._node.index.places
        others = (Spot(spot.manifest, other) for other in spellings.others(spot.path))
        return next((other for other in others if places.get(*other) is not None), None)

    def spelled_otherwise(self, paths: Iterable[SafePath]) -> list[SafePath]:
        """Return what is known here and has, to this disk, the name of one of these paths."""
        if not self._limits.folds:
            return []
        spots = map(self._node.layout.spot_at, paths)
        others = (self.in_the_way(spot) for spot in spots if spot is not None)
        return [self._node.layout.path_of(other) for other in others if other is not None]

    def waits_for(self, spot: Spot, other: Spot) -> KeptOut:
        """Return that a spot waits for what is in the way."""
        return KeptOut(_WAITS.format(other=self._shown(other)), spot.path, lasts=False)

    def _stays(self, name: ManifestName, path: bytes) -> bool:
        """Say whether a path is that of a folder that stands here, and is shared as one."""
        index = self._node.index
        record, row = index.manifests.get(name, path), index.places.get(name, path)
        if record is not None and record.kind is not Kind.FOLDER:
            return False
        if row is not None:
            return row.kind is Kind.FOLDER
        return bool(index.places.under(name, path, 1))

    def tell_trashed(self, done: Sequence[SpotOutcome]) -> None:
        """Tell which files a group commit moved to the trash although they are shared, and why."""
        if self._limits.plain:
            return
        trashed: dict[ManifestName, list[tuple[Spot, KeptOut]]] = {}
        for each in filter(_is_trashed, done):
            spot = each.ready.spot
            shared = self._node.index.manifests.get(*spot) is not None
            if shared and (why := self.keeps_out(spot)) is not None:
                trashed.setdefault(spot.manifest, []).append((spot, why))
        for name, gone in trashed.items():
            spot, why = min(gone, key=lambda one: one[0])
            owner, path = self._node.label_of(name.owner), self._shown(spot)
            more = f" and {len(gone) - 1:,} more" if len(gone) > 1 else ""
            text = f"{path}{more}: in the trash here now, though shared by {owner}: {why.reason}"
            subject = str(self._node.layout.path_of(spot))
            self._node.tell("gave_way", text, level="warning", subject=subject)

    # -- changes -----------------------------------------------------------------------------------
    def on_changed(self, name: ManifestName, paths: Iterable[bytes]) -> Iterator[Spot]:
        """A manifest changed at these paths; yield what else is decided about anew."""
        spellings = self._known.get(name)
        if spellings is None:
            return
        for path in paths:
            wanted = self._node.index.manifests.get(name, path) is not None
            for changed in spellings.set(path, wanted=wanted):
                yield from self._at(name, changed)

    def on_placed(self, folders: Iterable[Spot]) -> Iterator[Spot]:
        """These folders stand now: what came before one of them, by its name, does so no more."""
        for name, path in folders:
            spellings = self._known.get(name)
            smaller = spellings.smaller(path) if spellings is not None else b""
            if smaller:
                yield from self._at(name, smaller)
                yield from self._at(name, path)

    def on_gone(self, spots: Iterable[Spot]) -> Iterator[Spot]:
        """Nothing stands at these spots any more; yield what may have waited for that."""
        for name, path in spots:
            spellings = self._known.get(name)
            if spellings is None:
                continue
            for other in spellings.others(path):
                yield from self._at(name, other)
            spellings.stands_no_more(path)

    def on_respelled(self, folder: Spot) -> None:
        """A folder is spelled so now: what stands in it has paths that nobody shared before."""
        spellings = self._of(folder.manifest)
        for row in self._node.index.places.under(*folder):
            spellings.may_stand(row.path)

    def _of(self, name: ManifestName) -> Spellings:
        if name not in self._known:
            spellings = self._known[name] = Spellings(self._limits)
            for record in self._node.index.manifests.listing(name, b"", _ALL):
                spellings.set(record.path, wanted=True)
            for path in self._node.index.places.all_paths(name):
                spellings.may_stand(path)
        return self._known[name]

    def _at(self, name: ManifestName, path: bytes) -> Iterator[Spot]:
        """Yield a path, and all below it that is shared."""
        yield Spot(name, path)
        if self._known[name].has_below(path):
            for record in self._node.index.manifests.listing(name, path + b"/", _ALL):
                yield Spot(name, record.path)

    def _shown(self, spot: Spot) -> str:
        return set_off(str(self._node.layout.path_of(spot)))


def _is_trashed(done: SpotOutcome) -> bool:
    """Say whether a file went to the trash, as nothing else came in its place."""
    placed = done.placed
    if placed.placement is not Placement.REMOVED or done.ready.item.expected is None:
        return False
    return not placed.put_aside and not placed.nothing_there


def respell_rows(node: Node, former: Spot, spot: Spot) -> set[Spot]:
    """A folder is spelled otherwise now, with all in it; return what is decided about anew."""
    places, (name, path) = node.index.places, spot
    rows = places.under(*former)
    places.remove(name, [former.path, *(row.path for row in rows)])
    renamed = [replace(row, path=path + row.path[len(former.path) :]) for row in rows]
    places.put(name, renamed)
    return {former} | {Spot(name, row.path) for row in (*rows, *renamed)}
