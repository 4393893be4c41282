"""Missing files: what looks did not find in other people's folders, and when it is brought back.

Strategy: a look says what is not there; when all that was doubtful was looked at, it is judged
together. Few files missing are brought back at once: their rows go, so they are lacking. Where much
is missing, or a whole folder, that is told first, and only what a second look ten seconds later
does not find either is brought back; until then its rows stand, and it counts as absent.
The folder of somebody who shares nothing is made again; that it was deleted is said only if it was
seen here before, by its owner's name and none of ours.
What is missing below something mounted is hidden (engine/others/hidden_files.py).

What is skipped here (skipping.py) is not brought back, so nothing is told of it.

Guarantees: a row goes only after a look that said MISSING, and only if it is still the row of then
and no group commit changes that spot. What is absent is held by nobody's word. Limits: who deletes
many files one by one, slower than looks follow, deletes few files many times; what is absent and
comes back counts again after its second look.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Protocol

from potluck.core import limits
from potluck.core.content.breakers import MASS_FILES, MASS_PART
from potluck.core.content.facts import NOTHING, Amount, ManifestName, PlaceRow, Spot, amount_of
from potluck.core.wording import plural, set_off
from potluck.engine.effects import MakeFolders
from potluck.engine.node import Node
from potluck.engine.others.hidden_files import HiddenFiles
from potluck.engine.others.local_changes import LocalChanges, names_of
from potluck.engine.others.replica_files import ReplicaFiles
from potluck.engine.others.skipping import is_skipped
from potluck.engine.timetable import Timetable


class MissingListener(Protocol):
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
        listener: MissingListener,
    ) -> None:
        """Miss nothing."""
        self._node, self._files, self._changes, self._listener = node, files, changes, listener
        self._hidden = hidden
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
        """All that was doubtful was looked at: bring back what is missing."""
        missing = {spot: row for spot, row in self._missing.items() if self._is_missing(spot, row)}
        self._missing.clear()
        self.review()
        hidden = self._hidden.keep(missing)
        missing = {spot: row for spot, row in missing.items() if spot not in hidden}
        gone = {spot for spot in missing if spot in self._looked_once}
        gone |= {spot for spot in missing if is_skipped(self._node, spot)}  # nothing comes back
        told = set(gone)  # when they were put off
        self._settle(self._looked_once)
        self._looked_once.clear()
        by_folder: dict[ManifestName, set[Spot]] = {}
        for spot in missing.keys() - gone:
            by_folder.setdefault(spot.manifest, set()).add(spot)
        for name, lost in sorted(by_folder.items()):
            files = sum(self._files.is_file(spot) for spot in lost)
            every, _ = self._node.index.places.totals(name)
            if name in self._topless or _is_much(files, every):
                self._put_off(name, {spot: missing[spot] for spot in sorted(lost)})
            else:
                gone |= lost
        for spot in sorted(gone - told):
            if self._node.index.manifests.get(*spot) is not None:  # else it was to go anyway
                self._changes.on_deleted(spot, missing[spot])
        self._files.forget(gone)
        if hidden:
            self._listener.on_places_changed()

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

    def _put_off(self, name: ManifestName, lost: Mapping[Spot, PlaceRow]) -> None:
        """Tell what is missing, and bring back what a second look does not find either."""
        for spot in lost:
            self._second.put(spot, self._node.now + limits.SECOND_LOOK_S)
        self._absent |= lost
        before = self._amounts.get(name, NOTHING)
        self._amounts[name] = Amount.total([before, *map(amount_of, lost.values())])
        self._listener.on_places_changed()
        label = self._node.label_of(name.owner)
        files = [spot for spot in lost if self._files.is_file(spot)]
        names = [set_off(str(self._node.layout.path_of(spot))) for spot in files or lost]
        what, are = plural(len(names), "file" if files else "folder"), "are"
        if len(names) == 1:
            are = "is"
        text = (
            f"{what} of {label} {are} missing here ({names_of(names)}):"
            " what stays missing is brought back"
        )
        self._node.tell("files_missing", text, level="warning", subject=label)


def _is_much(files: int, every: int) -> bool:
    """Say whether so many files of a folder missing are no matter of single files."""
    return files > MASS_FILES and files * MASS_PART > every
