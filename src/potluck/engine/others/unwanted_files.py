"""Unwanted files: when a file that is missing in somebody else's folder was removed by a person.

Strategy: whoever removes some files of it does not want them here: what a second look ten seconds
later does not find either is noted as unwanted (engine/index/unwanted_paths.py), told once with the
way back, and not fetched until `get`. That is never believed where it may be something else, and
then the file is brought back as ever (missing_files.py): where it did not stand as its owner shares
it, so that another version was waited for; where a file like it came to stand elsewhere, so that it
was renamed; and where too much is missing for a matter of single files. That is more than 20 files
and a quarter of those that are here, counted with what was removed within the hour, or the last
file. Where it comes to so much by and by, all that was removed within the hour is brought back, and
for an hour nothing more of that folder is taken for unwanted.

Guarantees: only a path that two looks missed, while its parent could be read and nothing hid it, is
ever taken for unwanted, and each is told. Limits: what the hour is counted by is forgotten with the
end of the program; who removes less than a quarter in an hour may in many hours remove all but one
file, each of them told; a folder is one of the paths, so what its owner puts into it later comes.
What is put back from a backup while potluck runs lacks what came later, and looks like removed.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Protocol

from potluck.core.content.breakers import LOSS_WINDOW_S, MASS_FILES, MASS_PART
from potluck.core.content.facts import ManifestName, PlaceRow, Spot
from potluck.core.content.loss_window import Loss, LossWindow
from potluck.core.wire.catalogue import FileRecord, Kind
from potluck.core.wording import plural, set_off, typable
from potluck.engine.node import Node
from potluck.engine.others.local_changes import LocalChanges, names_of
from potluck.engine.others.path_folders import common_folder, topmost

SAID_S = 60.0  # who removes one file after another is told so often that they come back
COMMAND_PATHS = 3  # typed one by one; of more the folder they are in
TO_KEEP_AWAY = "to keep files away, type before: skip PATTERN"


class UnwantedListener(Protocol):
    """Hears that something is wanted again."""

    def on_replicas_changed(self, name: ManifestName, paths: Sequence[bytes]) -> None:
        """Something else, or nothing, stands at these paths of a folder, or is wanted there."""


class UnwantedFiles:
    """Tells what was removed from what went otherwise."""

    def __init__(self, node: Node, changes: LocalChanges, listener: UnwantedListener) -> None:
        """Nothing was removed."""
        self._node, self._changes, self._listener = node, changes, listener
        self._windows: dict[ManifestName, LossWindow] = {}  # what was unwanted within the hour
        self._all_back_s: dict[ManifestName, float] = {}  # until then nothing more is
        self._told_s: dict[ManifestName, float] = {}  # when it was told that files come back
        self._promised: set[Spot] = set()  # people were told that it is brought back

    def __repr__(self) -> str:
        """Return of how many folders something was removed."""
        return f"<UnwantedFiles of {len(self._windows)} folders, {len(self._promised)} promised>"

    def restart(self) -> None:
        """What was found is void; what was removed was removed."""
        self._promised.clear()

    # -- the first look ----------------------------------------------------------------------------
    def may_be(self, spot: Spot, row: PlaceRow) -> bool:
        """Say whether a person may have removed what a look did not find."""
        record = self._node.index.manifests.get(*spot)
        if record is None or not _stands_for(row, record):
            return False
        return row.kind is Kind.FOLDER or not self._came_elsewhere(row)

    def promise(self, spots: Iterable[Spot]) -> None:
        """People were told that these are brought back."""
        self._promised.update(spots)

    def is_much(self, name: ManifestName, files: int) -> bool:
        """Say whether so many files missing are no matter of single files."""
        index, went = self._node.index, self._window(name).amount(self._node.now).files
        here, _ = index.places.totals(name)
        many = files + went > MASS_FILES and (files + went) * MASS_PART > here + went
        return many or 0 < here <= files or self._node.now < self._all_back_s.get(name, 0.0)

    def is_news(self, name: ManifestName) -> bool:
        """Say whether it is a while since it was told of this folder that files come back."""
        return self._node.now >= self._told_s.get(name, -math.inf) + SAID_S

    def on_told(self, name: ManifestName) -> None:
        """That was told."""
        self._told_s[name] = self._node.now

    # -- the second look ---------------------------------------------------------------------------
    def judge(self, name: ManifestName, gone: Mapping[Spot, PlaceRow], waiting: int) -> set[Spot]:
        """Two looks missed these of one folder, and so many files wait for their second look.

        Returns of which people know by now what becomes of them.
        """
        promised = {spot for spot in gone if spot in self._promised}
        self._promised -= promised
        maybe = {spot: row for spot, row in gone.items() if spot not in promised}
        files = sum(row.kind is Kind.FILE for row in gone.values())
        counted = maybe or self._window(name).losses(self._node.now)
        if counted and self.is_much(name, files + waiting):
            self._bring_all_back(name, maybe)
            return set(gone)
        unwanted = {spot for spot, row in maybe.items() if self.may_be(spot, row)}
        unwanted -= {above for spot in maybe.keys() - unwanted for above in spot.above()}
        if unwanted:
            self._note(name, {spot: maybe[spot] for spot in unwanted})
        return promised | unwanted

    def found(self, spots: Iterable[Spot]) -> None:
        """These were found after all."""
        self._promised.difference_update(spots)

    def _note(self, name: ManifestName, rows: Mapping[Spot, PlaceRow]) -> None:
        losses = [
            Loss(spot.path, row.size, row.root, replaced=False)
            for spot, row in rows.items()
            if row.kind is Kind.FILE
        ]
        self._window(name).note(losses, self._node.now)
        self._node.index.unwanted.add(name, sorted(spot.path for spot in rows))
        tops = [Spot(name, path) for path in topmost(sorted(spot.path for spot in rows))]
        names = [set_off(str(self._node.layout.path_of(spot))) for spot in tops]
        words = "were removed here, and are not fetched again; to have them again"
        if len(names) == 1:
            words = "was removed here, and is not fetched again; to have it again"
        command = f"get {self._typed(name, tops)}"
        text = f"{names_of(names)} {words}: {command}"
        subject = str(self._node.layout.path_of(tops[0]))
        self._node.tell("removed_here", text, subject=subject, command=command)

    def _typed(self, name: ManifestName, tops: Sequence[Spot]) -> str:
        """Return what is typed to mean these, perhaps with others."""
        layout = self._node.layout
        typed = [typable(str(layout.path_of(spot)), "") for spot in tops[: COMMAND_PATHS + 1]]
        if len(typed) <= COMMAND_PATHS and all(typed):
            return " ".join(typed)
        common = tuple(tops[0].path.split(b"/")[:-1])
        for spot in tops:
            common = common_folder(common, tuple(spot.path.split(b"/")[:-1]))
        folder = str(layout.top_of(name))
        if common:
            folder = str(layout.path_of(Spot(name, b"/".join(common))))
        return typable(folder, "PATH")

    def _bring_all_back(self, name: ManifestName, rows: Collection[Spot]) -> None:
        """By and by so much was removed that it is brought back, with all of the last hour."""
        node, window = self._node, self._window(name)
        before = [loss.path for loss in window.losses(node.now)]
        again = [path for path in before if node.index.unwanted.has(name, path)]
        above = {folder.path for path in again for folder in Spot(name, path).above()}
        node.index.unwanted.want_these(name, [*again, *above])
        if again:
            node.index.needs.judge_skips(name)
            self._listener.on_replicas_changed(name, sorted({*again, *above}))
            self._all_back_s[name] = node.now + LOSS_WINDOW_S
        window.forget(before)
        spots = sorted({*rows, *(Spot(name, path) for path in again)})
        if not spots or not (again or self.is_news(name)):
            return
        self.on_told(name)
        tops = topmost([spot.path for spot in spots])
        names = [set_off(str(node.layout.path_of(Spot(name, path)))) for path in tops]
        label = node.label_of(name.owner)
        were = "was" if len(spots) == 1 else "were"
        text = f"{plural(len(spots), 'path')} of {label} {were} removed here within an hour"
        text += f" ({names_of(names)}): all of that is brought back; {TO_KEEP_AWAY}"
        node.tell("files_missing", text, level="warning", subject=label)

    # -- what is known -----------------------------------------------------------------------------
    def _window(self, name: ManifestName) -> LossWindow:
        return self._windows.setdefault(name, LossWindow())

    def _came_elsewhere(self, row: PlaceRow) -> bool:
        """Say whether a file may have been renamed."""
        return self._changes.arrivals.full or self._changes.arrivals.has(row)


def _stands_for(row: PlaceRow, record: FileRecord) -> bool:
    """Say whether what stood there was what its owner shares."""
    if row.kind is not record.kind:
        return False
    return row.kind is Kind.FOLDER or row.root == record.root


def lost_words(name: str, files: int, folders: int, names: Sequence[str]) -> str:
    """Return what is told where much of a folder is missing."""
    what = plural(files, "file") if files else plural(folders, "folder")
    are = "is" if (files or folders) == 1 else "are"
    return (
        f"{what} of {name} {are} missing here ({names_of(names)}):"
        f" what stays missing is brought back; {TO_KEEP_AWAY}"
    )
