"""Decisions: what to do about one spot now, and exactly how.

Strategy: core/reconcile.py says what makes a path right; here it gets its facts, from the index,
from the part files, from what is held and from what failed before, and its answer becomes a
`PlaceItem`. A content that is on this disk already is copied, or, if that file is to go anyway,
moved.

Guarantees: a file that failed a spot as its source is not offered to it again, and what stands
there but is not what the index said is replaced. What is held is neither removed nor moved. A file
whose size is not the one wanted is no source, so what one member says of a content does not harm
another's. Limits: what was found for a content is remembered until `look_again`, since thousands of
spots may want the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from potluck.core.content.facts import PlaceRow, Source, Spot, Stat
from potluck.core.content.pieces import PieceList, Root
from potluck.core.content.reconcile import Act, Decision, decide, source_of
from potluck.core.wire.catalogue import FileRecord, Kind
from potluck.engine.effects import PlaceItem
from potluck.engine.node import Node
from potluck.engine.others.commits import Placeable
from potluck.engine.others.holds import Holds
from potluck.engine.others.setbacks import Setbacks


@dataclass(frozen=True, slots=True)
class Choice:
    """What to do about a spot; neither means nothing."""

    waits: bool = False  # it waits for a content, which comes (or came) in a part file
    ready: Placeable | None = None  # it can be placed


@dataclass(frozen=True, slots=True)
class Local:
    """A file on this disk that has the content wanted."""

    spot: Spot
    size_bytes: int
    leaving: bool  # it is to go anyway


class Decisions:
    """Decides about spots, one at a time."""

    def __init__(
        self, node: Node, held: Holds, setbacks: Setbacks, parts: Mapping[Root, PieceList]
    ) -> None:
        """Decide by these facts; `parts` are the contents that are complete in part files."""
        self._node, self._held, self._setbacks, self._parts = node, held, setbacks, parts
        self._locals: dict[Root, list[Local]] = {}

    def look_again(self) -> None:
        """The index may have changed: what was found for a content counts no more."""
        self._locals.clear()

    def choose(self, spot: Spot, record: FileRecord | None, stands: PlaceRow | None) -> Choice:
        """Return what to do about a spot whose owner wants `record` there, while `stands` is there."""
        local, decision = self._decide(spot, record, stands)
        if decision.act is Act.NOTHING:
            return Choice()
        if decision.act is Act.FETCH:
            return Choice(waits=True)
        ready = self._ready(spot, record, stands, decision, local)
        return Choice(waits=decision.source is Source.PART, ready=ready)

    def leaves(self, spot: Spot) -> bool:
        """Say whether what stands at a spot is to go."""
        own = spot.manifest == self._node.own_manifest
        wanted = own or self._node.index.manifests.get(*spot) is not None
        return not wanted and not self._held.has(spot)

    def _decide(
        self, spot: Spot, record: FileRecord | None, stands: PlaceRow | None
    ) -> tuple[Local | None, Decision]:
        """Return what to do about a spot, and the file on this disk that helps, if any."""
        if record is None:
            return None, Decision(Act.NOTHING) if self._held.has(spot) else decide(
                None, stands, None
            )
        believed = None if self._setbacks.is_bad(spot, spot) else stands
        part = Root(record.root) in self._parts
        decision = decide(
            record, believed, source_of(record, part=part, local=False, leaving=False)
        )
        if decision.act is not Act.FETCH:
            return None, decision
        local = self._local(spot, record)
        if local is None:
            return None, decision
        return local, decide(
            record, believed, source_of(record, part=False, local=True, leaving=local.leaving)
        )

    def _local(self, spot: Spot, record: FileRecord) -> Local | None:
        """Return a file on this disk with the content of a record, best one that is to go anyway."""
        root = Root(record.root)
        if root not in self._locals:
            found = list[Local]()
            for name, row in self._node.index.places.by_root(root):
                if self._node.layout.has_folder(name):
                    there = Spot(name, row.path)
                    found.append(Local(there, row.size, self.leaves(there)))
            self._locals[root] = sorted(found, key=lambda local: not local.leaving)
        for local in self._locals[root]:
            usable = local.size_bytes == record.size and not local.spot.is_below(spot)
            if usable and not self._setbacks.is_bad(spot, local.spot):
                return local
        return None

    def _ready(
        self,
        spot: Spot,
        record: FileRecord | None,
        stands: PlaceRow | None,
        decision: Decision,
        local: Local | None,
    ) -> Placeable:
        """Say exactly what is to be done at a spot."""
        source, layout = decision.source or _SOURCES[decision.act], self._node.layout
        if decision.act is Act.TOUCH:
            local = Local(spot, stands.size if stands is not None else 0, leaving=False)
        item = PlaceItem(
            layout.path_of(spot),
            source,
            self._content(record),
            layout.path_of(local.spot) if local is not None else None,
            record.mtime_ns if record is not None else 0,
            record.executable if record is not None else False,
            _stat_of(stands) if stands is not None and stands.kind is Kind.FILE else None,
            Root(stands.root) if stands is not None and stands.kind is Kind.FILE else None,
        )
        over_folder = (
            stands is not None and stands.kind is Kind.FOLDER and source is not Source.NONE
        )
        return Placeable(
            spot, item, local.spot if local is not None else None, over_folder=over_folder
        )

    def _content(self, record: FileRecord | None) -> PieceList | None:
        if record is None or record.kind is Kind.FOLDER:
            return None
        root = Root(record.root)
        known = self._parts.get(root)
        if known is None and record.size > record.piece_size:
            known = self._node.index.contents.get(root)
        return known or PieceList(root, record.size, record.piece_size, b"")


_SOURCES = {Act.TOUCH: Source.LOCAL, Act.REMOVE: Source.NONE, Act.FOLDER: Source.FOLDER}


def _stat_of(row: PlaceRow) -> Stat:
    return Stat(row.size, row.mtime_ns, row.ctime_ns, row.inode, row.executable)
