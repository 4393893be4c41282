"""Missing files: what looks did not find in other people's folders, and when it is brought back.

Strategy: a look says what is not there; when all that was doubtful was looked at, it is judged
together, and counts only if a second look ten seconds later does not find it either; until then its
rows stand, and it counts as absent. Where much is missing, or a whole folder, that is told first,
and then it is brought back: the rows go, so it is lacking. What a person may have removed
(unwanted_files.py) is not. What cannot be that, a file that was renamed, say, is brought back at
once; what an older copy of FOLDER lacks (older_replicas.py) is missing like much.
The folder of somebody who shares nothing is made again; that it was deleted is said only if it was
seen here before, by its owner's name and none of ours.
What is missing below something mounted is hidden (engine/others/hidden_files.py).

What is skipped here (skipping.py) is not brought back, so nothing is told of it.

Guarantees: a row goes only after a look that said MISSING, and only if it is still the row of then
and no group commit changes that spot. What is absent is held by nobody's word. Limits: what is
absent and comes back counts again after its second look.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Protocol

from potluck.core import limits
from potluck.core.content.breakers import MASS_FILES
from potluck.core.content.facts import NOTHING, Amount, ManifestName, PlaceRow, Spot, amount_of
from potluck.core.wire.catalogue import Kind
from potluck.core.wording import set_off
from potluck.engine.effects import MakeFolders
from potluck.engine.node import Node
from potluck.engine.others.hidden_files import HiddenFiles
from potluck.engine.others.local_changes import LocalChanges
from potluck.engine.others.older_replicas import OlderReplicas
from potluck.engine.others.replica_files import ReplicaFiles
from potluck.engine.others.skipping import is_skipped
from potluck.engine.others.unwanted_files import UnwantedFiles, UnwantedListener, lost_words
from potluck.engine.timetable import Timetable


class MissingListener(UnwantedListener, Protocol):
    """Hears that more or less stands here, and knows what is being placed."""

    def is_placing(self, spot: Spot) -> bool:
        """Say whether a group commit changes a spot right now."""

    def on_places_changed(self) -> None:
        """More, or less, stands on this disk than a moment ago."""


class MissingFiles:
    """What looks did not find."""

    def __init__(
        self,
        node: Node,
        files: ReplicaFiles,
        changes: LocalChanges,
        hidden: HiddenFiles,
        older: OlderReplicas,
        listener: MissingListener,
    ) -> None:
        """Miss nothing."""
        self._node, self._files, self._changes, self._listener = node, files, changes, listener
        self._hidden, self._older = hidden, older
        self._unwanted = UnwantedFiles(node, changes, listener)
        self._missing: dict[Spot, PlaceRow] = {}  # not found, as the index had it then
        self._second = Timetable[Spot]()  # missing, and when to look once more
        self._looked_once: set[Spot] = set()
        # what waits for its second look, until that is judged, and how much it is
        self._absent: dict[Spot, PlaceRow] = {}
        self._amounts: dict[ManifestName, Amount] = {}
        self._topless: set[ManifestName] = set()  # whose whole folder the last scan did not find
        self._stood: set[ManifestName] = set()  # whose whole folder a scan found here

    def __repr__(self) -> str:
        """Return how much is missing and how much waits for its second look."""
        return f"<MissingFiles {len(self._missing)}, {self._second!r}>"

    def restart(self) -> None:
        """What was found is void."""
        self._missing.clear()
        self._second.keep_only(set())
        self._looked_once.clear()
        self._topless.clear()
        self._stood.clear()
        self._absent.clear()
        self._amounts.clear()
        self._hidden.restart()
        self._unwanted.restart()

    def absent(self) -> Mapping[ManifestName, Amount]:
        """Return how much of each folder was not found and waits for a look, or is hidden."""
        if not self._hidden.amounts:
            return self._amounts
        every = [self._amounts, self._hidden.amounts]
        names = {name for amounts in every for name in amounts}
        return {name: Amount.total(one.get(name, NOTHING) for one in every) for name in names}

    def waiting(self) -> Mapping[Spot, PlaceRow]:
        """Return what was not found and waits for a second look, as it was known."""
        return self._absent

    def review(self, changed: Iterable[Spot] = ()) -> None:
        """Rows changed, these and those that looks and readings wrote: is it still hidden?"""
        self._hidden.review({*changed, *self._files.take_changed()})

    def on_top(self, name: ManifestName, *, missing: bool) -> None:
        """A scan found a whole folder, or did not."""
        roster = self._node.roster
        if missing:
            self._topless.add(name)
            if roster is not None and name.owner in roster.forgotten:
                return  # it was to go
            member = roster is not None and name.owner in roster.members
            if member and not self._node.index.places.all_paths(name):
                self._make_top(name)
            self._stood.discard(name)
        else:
            self._topless.discard(name)
            layout = self._node.layout  # a newcomer's own folder may have had that name before
            if layout.name_of(name.owner) != layout.name_of(self._node.me):
                self._stood.add(name)

    def _make_top(self, name: ManifestName) -> None:
        """The folder of somebody who shares nothing is not here: nothing else will bring it."""
        label = str(self._node.layout.top_of(name))
        if name in self._stood:
            text = f"the folder {set_off(label)} was deleted here: it is made again"
            self._node.tell("deleted_here", text, level="warning", subject=label)
        self._node.do(MakeFolders((label,)))

    def on_missing(self, spot: Spot) -> None:
        """A look did not find what is known there, if anything is, nor anything below it."""
        row = self._files.row(spot)
        if row is not None:
            self._missing[spot] = row
        for inner in self._node.index.places.under(*spot):
            self._missing[Spot(spot.manifest, inner.path)] = inner

    # -- second looks ------------------------------------------------------------------------------
    def deadline(self) -> float | None:
        """Return when the next second look is due."""
        return self._second.deadline()

    def due(self) -> list[Spot]:
        """Return what is to be looked at for the second time."""
        spots = self._second.due(self._node.now)
        self._looked_once.update(spots)
        return spots

    # -- what it means -----------------------------------------------------------------------------
    def conclude(self) -> None:
        """All that was doubtful was looked at: what is missing is removed, or brought back."""
        missing = {spot: row for spot, row in self._missing.items() if self._is_missing(spot, row)}
        self._missing.clear()
        self.review()
        hidden = self._hidden.keep(missing)
        missing = {spot: row for spot, row in missing.items() if spot not in hidden}
        skipped = {spot for spot in missing if is_skipped(self._node, spot)}  # nothing comes back
        twice = {spot for spot in missing.keys() - skipped if spot in self._looked_once}
        self._unwanted.found(self._looked_once - twice)
        self._settle(self._looked_once)
        self._looked_once.clear()
        gone, told = skipped | twice, skipped | self._judge({one: missing[one] for one in twice})
        for name, lost in _by_folder(missing, missing.keys() - gone).items():
            gone |= lost.keys() - self._put_off(name, lost)
        for spot in sorted(gone - told):
            if self._node.index.manifests.get(*spot) is not None:  # else it was to go anyway
                self._changes.on_deleted(spot, missing[spot])
        self._files.forget(gone)
        if not self._absent:
            self._older.on_judged()
        if hidden:
            self._listener.on_places_changed()

    def _judge(self, twice: Mapping[Spot, PlaceRow]) -> set[Spot]:
        """Two looks missed these: some are unwanted now; return of which people know."""
        told = set[Spot]()
        for name, gone in _by_folder(twice, twice).items():
            told |= self._unwanted.judge(name, gone, self._waiting_files(name))
        return told

    def _waiting_files(self, name: ManifestName) -> int:
        """Return how many files of a folder wait for their second look."""
        return self._amounts.get(name, NOTHING).files

    def _is_missing(self, spot: Spot, row: PlaceRow) -> bool:
        """Say whether what a look did not find is still to be there, and no second look waits."""
        if self._listener.is_placing(spot) or spot in self._second:
            return False
        return self._files.row(spot) == row

    def _settle(self, spots: Collection[Spot]) -> None:
        """These were looked at for the second time: they are there, or lacking."""
        for spot in spots:
            before, row = self._amounts[spot.manifest], self._absent.pop(spot)
            self._amounts[spot.manifest] = before.less(amount_of(row))
        self._amounts = {name: left for name, left in self._amounts.items() if left != NOTHING}
        if spots:
            self._listener.on_places_changed()

    def _put_off(self, name: ManifestName, lost: Mapping[Spot, PlaceRow]) -> set[Spot]:
        """Have a second look at what counts only then, and return what that is."""
        files = sum(row.kind is Kind.FILE for row in lost.values())
        much = self._unwanted.is_much(name, files + self._waiting_files(name))
        much = much or name in self._topless or self._older.has(name)
        waits = {spot for spot, row in lost.items() if much or self._unwanted.may_be(spot, row)}
        for spot in sorted(waits):
            self._second.put(spot, self._node.now + limits.SECOND_LOOK_S)
            self._absent[spot] = lost[spot]
        before = self._amounts.get(name, NOTHING)
        self._amounts[name] = Amount.total([before, *(amount_of(lost[spot]) for spot in waits)])
        self._files.remember({spot: lost[spot] for spot in sorted(waits)})
        if waits:
            self._listener.on_places_changed()
        if much:
            self._unwanted.promise(waits)
            if files > MASS_FILES or self._unwanted.is_news(name):
                self._tell_much(name, lost)
                self._unwanted.on_told(name)
        return waits

    def _tell_much(self, name: ManifestName, lost: Mapping[Spot, PlaceRow]) -> None:
        label = self._node.label_of(name.owner)
        files = [spot for spot, row in lost.items() if row.kind is Kind.FILE]
        names = [set_off(str(self._node.layout.path_of(spot))) for spot in files or lost]
        text = lost_words(label, len(files), len(lost) - len(files), names)
        self._node.tell("files_missing", text, level="warning", subject=label)


def _by_folder(
    rows: Mapping[Spot, PlaceRow], spots: Iterable[Spot]
) -> dict[ManifestName, dict[Spot, PlaceRow]]:
    """Return these spots of each folder, sorted, and what was known of them."""
    found = dict[ManifestName, dict[Spot, PlaceRow]]()
    for spot in sorted(spots):
        found.setdefault(spot.manifest, {})[spot] = rows[spot]
    return found
