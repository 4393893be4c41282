"""Decisions: what to do about one spot now, and exactly how.

Strategy: core/content/reconcile.py says what makes a path right; here it gets its facts, from the
index, from the part files, from what is held and from what failed before, and its answer becomes a
`PlaceItem`. A content that is on this disk already is copied, or, if that file is to go anyway,
moved. One that only the trash here has, as an earlier version of a file of the same owner, is
copied from there.

Guarantees: a file that failed a spot as its source is not offered to it again, and what stands
there but is not what the index said is replaced. What is held, or hidden by something mounted, is
neither removed nor moved, nor replaced where its owner lost too much at once; nor is anything in
the own folder, where only what a person wants brought back is decided about. Of what is skipped
or unwanted here (skipping.py) nothing is fetched, placed or replaced. A file whose size is
not the one wanted is no source, so what one member says of a content does not harm another's.
Limits: what was found for a content is remembered until `look_again`, since thousands of spots may
want the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from potluck.core.content.facts import PlaceRow, Source, Spot, Stat
from potluck.core.content.paths import SafePath, parse_wire_path
from potluck.core.content.pieces import PieceList, Root
from potluck.core.content.reconcile import Act, Decision, decide, source_of
from potluck.core.wire.catalogue import FileRecord, Kind
from potluck.engine.effects import PlaceItem
from potluck.engine.node import Node
from potluck.engine.others.group_commit import Placeable
from potluck.engine.others.held_replicas import HeldReplicas
from potluck.engine.others.holds import Holds
from potluck.engine.others.local_names import KeptOut, LocalNames
from potluck.engine.others.setbacks import Setbacks


@dataclass(frozen=True, slots=True)
class Choice:
    """What to do about a spot; neither means nothing."""

    waits: bool = False  # it waits for a content, which comes (or came) in a part file
    ready: Placeable | None = None  # it can be placed
    hidden: bool = False  # what stands there cannot be seen: nothing, until it can
    kept_out: KeptOut | None = None  # why nothing is placed there


@dataclass(frozen=True, slots=True)
class Local:
    """A file on this disk that has the content wanted."""

    spot: Spot | None  # None: it is in the trash
    size_bytes: int
    leaving: bool  # it is to go anyway
    kept: SafePath | None = None  # what it is an earlier version of, in the trash


class HiddenPlaces(Protocol):
    """Knows what something mounted hides."""

    def is_hidden(self, spot: Spot) -> bool:
        """Say whether what is known at a spot cannot be seen now."""

    def is_left_alone(self, spot: Spot) -> bool:
        """Say whether a spot is of the own folder, and nobody wants it brought back."""

    def is_damaged(self, spot: Spot) -> bool:
        """Say whether what stands at a spot is not what the index says, and to be exchanged."""


class Decisions:
    """Decides about spots, one at a time."""

    def __init__(
        self,
        node: Node,
        holds: Holds,
        setbacks: Setbacks,
        parts: Mapping[Root, PieceList],
        held: HeldReplicas,
        hidden: HiddenPlaces,
    ) -> None:
        """Decide by these facts; `parts` are the contents that are complete in part files."""
        self._node, self._holds, self._setbacks, self._parts = node, holds, setbacks, parts
        self._held, self._hidden = held, hidden
        self.names = LocalNames(node)
        self._locals: dict[Root, list[Local]] = {}

    def __repr__(self) -> str:
        """Return how many contents were looked for."""
        return f"<Decisions: {len(self._locals)} contents looked for>"

    def look_again(self) -> None:
        """The index may have changed: what was found for a content counts no more."""
        self._locals.clear()

    def choose(self, spot: Spot, record: FileRecord | None, stands: PlaceRow | None) -> Choice:
        """Return what to do about a spot where its owner wants `record`, and `stands` is."""
        if self._hidden.is_left_alone(spot):
            return Choice()
        if stands is not None and self._hidden.is_hidden(spot):
            return Choice(hidden=True)
        skipped = record is not None and self._node.index.needs.is_skipped(*spot)
        if self._held.keeps(spot, record, stands) or skipped:
            return Choice()
        kept_out = self.names.keeps_out(spot) if record is not None else None
        if kept_out is not None:
            return self._kept_out(spot, stands, kept_out)
        return self._choose_free(spot, record, stands)

    def _choose_free(
        self, spot: Spot, record: FileRecord | None, stands: PlaceRow | None
    ) -> Choice:
        """Return what to do about a spot that nothing keeps as it is."""
        local, decision = self._decide(spot, record, stands)
        if decision.act is Act.NOTHING:
            return Choice()
        respelled = None
        if decision.act in _NEEDS_PLACE and (other := self.names.in_the_way(spot)) is not None:
            if not self._is_respelled(spot, other, decision, local):
                return Choice(kept_out=self.names.waits_for(spot, other))
            respelled = other if decision.act is Act.FOLDER else None
        if decision.act is Act.FETCH:
            return Choice(waits=True)
        if respelled is not None:
            local = Local(respelled, 0, leaving=True)
        ready = self._ready(spot, record, stands, decision, local)
        return Choice(waits=decision.source is Source.PART, ready=ready)

    def leaves(self, spot: Spot) -> bool:
        """Say whether what stands at a spot is to go."""
        if spot.manifest == self._node.own_manifest or self._hidden.is_hidden(spot):
            return False
        if self._holds.has(spot) or self._held.has(spot):
            return False
        if self._node.index.manifests.get(*spot) is None:
            return True
        return self.names.keeps_out(spot) is not None

    def _kept_out(self, spot: Spot, stands: PlaceRow | None, why: KeptOut) -> Choice:
        """What is shared there cannot be: what stands there goes."""
        if stands is None:
            return Choice(kept_out=why)
        ready = self._ready(spot, None, stands, Decision(Act.REMOVE), None)
        return Choice(ready=ready, kept_out=why)

    def _is_respelled(
        self, spot: Spot, other: Spot, decision: Decision, local: Local | None
    ) -> bool:
        """Say whether what is in the way becomes what is wanted by another spelling of its name."""
        if local is not None and local.spot == other:
            return decision.source is Source.MOVED
        row, places = self._node.index.places.get(*other), self._node.index.places
        if decision.act is not Act.FOLDER or row is None or row.kind is not Kind.FOLDER:
            return False
        wanted = self._node.index.manifests.get(*other) is not None
        if wanted or spot.above()[:1] != other.above()[:1]:
            return False
        if self._held.keeps(other, None, row):
            return False
        inside = (Spot(other.manifest, inner.path) for inner in places.under(*other))
        return not any(map(self._holds.has, inside))

    def _decide(
        self, spot: Spot, record: FileRecord | None, stands: PlaceRow | None
    ) -> tuple[Local | None, Decision]:
        """Return what to do about a spot, and the file on this disk that helps, if any."""
        if record is None:
            return None, self._decide_unwanted(spot, stands)
        believed = stands
        if self._setbacks.is_bad(spot, spot) or self._hidden.is_damaged(spot):
            believed = None  # it is not what the index said
        part = Root(record.root) in self._parts
        source = source_of(record, part=part, local=False, leaving=False)
        decision = decide(record, believed, source)
        if decision.act is not Act.FETCH:
            return None, decision
        local = self._local(spot, record) or self._kept(spot, record)
        if local is None:
            return None, decision
        kept = local.kept is not None
        source = source_of(record, part=False, local=not kept, leaving=local.leaving, kept=kept)
        return local, decide(record, believed, source)

    def _decide_unwanted(self, spot: Spot, stands: PlaceRow | None) -> Decision:
        """Return what to do where nothing is wanted: what is held stays."""
        if self._holds.has(spot):
            return Decision(Act.NOTHING)
        return decide(None, stands, None)

    def _local(self, spot: Spot, record: FileRecord) -> Local | None:
        """Return a file here with the content of a record, best one that is to go anyway."""
        for local in self._locals_of(Root(record.root)):
            assert local.spot is not None, "what is in the trash is not among them"
            right = local.size_bytes == record.size
            bad = self._setbacks.is_bad(spot, local.spot) or self._hidden.is_damaged(local.spot)
            if right and not bad and not local.spot.is_below(spot):
                return local
        return None

    def _kept(self, spot: Spot, record: FileRecord) -> Local | None:
        """Return an earlier version in the trash here with the content of a record, if any.

        Only of the same owner: what others threw away is nothing that this one may name.
        """
        if spot.manifest == self._node.own_manifest:
            return None
        content = self._content(record)
        if content is None or not (content.hashes or content.count == 1):
            return None  # it could not be checked
        found = self._node.index.former.kept(spot.manifest, content.root, record.size)
        if found is None:
            return None
        kept = parse_wire_path(found[0].encode()).joined(parse_wire_path(found[1]))
        return Local(None, record.size, leaving=False, kept=kept)

    def _locals_of(self, root: Root) -> list[Local]:
        """Return the files here with a content, as far as the index knows; those that go first."""
        if root not in self._locals:
            found = list[Local]()
            for name, row in self._node.index.places.by_root(root):
                there = Spot(name, row.path)
                if self._node.layout.has_folder(name) and not self._hidden.is_hidden(there):
                    found.append(Local(there, row.size, self.leaves(there)))
            self._locals[root] = sorted(found, key=lambda local: not local.leaving)
        return self._locals[root]

    def _ready(
        self,
        spot: Spot,
        record: FileRecord | None,
        stands: PlaceRow | None,
        decision: Decision,
        local: Local | None,
    ) -> Placeable:
        """Say exactly what is to be done at a spot."""
        layout, source = self._node.layout, decision.source or _SOURCES[decision.act]
        origin = _origin(spot, decision, local)
        mtime_ns, executable = _attributes(record)
        item = PlaceItem(
            layout.path_of(spot),
            source,
            self._content(record),
            layout.path_of(origin) if origin is not None else _kept_as(local),
            mtime_ns,
            executable,
            *self._expected(spot, record, stands),
        )
        in_the_way = stands is not None and stands.kind is Kind.FOLDER
        over_folder = in_the_way and source is not Source.NONE
        return Placeable(spot, item, origin, over_folder=over_folder)

    def _expected(
        self, spot: Spot, record: FileRecord | None, stands: PlaceRow | None
    ) -> tuple[Stat | None, Root | None]:
        """Return how a file that stands there is known again, or nothing.

        One that is to be exchanged is known by its stat: by its content it is told that it is not
        what is wanted (shells/disk/receiving/healing.py).
        """
        stat, root = _expected(stands)
        exchanged = stat is not None and record is not None and self._hidden.is_damaged(spot)
        return stat, Root(record.root) if exchanged and record is not None else root

    def _content(self, record: FileRecord | None) -> PieceList | None:
        if record is None or record.kind is Kind.FOLDER:
            return None
        root = Root(record.root)
        known = self._parts.get(root)
        if known is None and record.size > record.piece_size:
            known = self._node.index.contents.get(root)
        if known is None:
            return PieceList(root, record.size, record.piece_size, b"")
        return known


_NEEDS_PLACE = frozenset({Act.FETCH, Act.PLACE, Act.FOLDER})
_SOURCES = {Act.TOUCH: Source.LOCAL, Act.REMOVE: Source.NONE, Act.FOLDER: Source.FOLDER}


def _origin(spot: Spot, decision: Decision, local: Local | None) -> Spot | None:
    """Return the file that what is placed comes from; what is touched comes from itself."""
    if decision.act is Act.TOUCH:
        return spot
    return local.spot if local is not None else None


def _kept_as(local: Local | None) -> SafePath | None:
    """Return what a file in the trash is an earlier version of; None: it is not from there."""
    return local.kept if local is not None else None


def _attributes(record: FileRecord | None) -> tuple[int, bool]:
    """Return the time and the x bit that are wanted."""
    if record is None:
        return 0, False
    return record.mtime_ns, record.executable


def _expected(stands: PlaceRow | None) -> tuple[Stat | None, Root | None]:
    """Return how a file that stands there is known again, or nothing."""
    if stands is None or stands.kind is not Kind.FILE:
        return None, None
    stat = Stat(stands.size, stands.mtime_ns, stands.ctime_ns, stands.inode, stands.executable)
    return stat, Root(stands.root)
