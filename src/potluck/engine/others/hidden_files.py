"""Hidden files: what stands here of other people's files below something that is mounted over it.

Strategy: a look that misses a file below a mount point says nothing of the file: it is on its disk,
under the other one. Such rows stand, nothing is fetched or placed for them, and they count as
absent, so this device says of nobody's folder that it is whole. The register says what hides them
until that is gone; then they are looked at again.

Guarantees: what is hidden is held by nobody's word, and removed by nobody. Limits: a file that its
owner drops meanwhile comes back as a stranger, since nobody could take it away; so does an older
version of what its owner changed.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping

from potluck.core.content.facts import NOTHING, Amount, ManifestName, PlaceRow, Spot
from potluck.core.content.paths import SafePath
from potluck.core.wire.catalogue import Kind
from potluck.core.wording import of_amount, set_off
from potluck.engine.node import Node
from potluck.engine.troubles import Trouble, TroubleKind


class HiddenFiles:
    """What something mounted hides, by its mount point."""

    def __init__(self, node: Node) -> None:
        """Nothing is hidden."""
        self._node = node
        self._below: dict[SafePath, dict[Spot, PlaceRow]] = {}
        self.amounts: Mapping[ManifestName, Amount] = {}  # how much of each folder

    def __repr__(self) -> str:
        """Return how much is hidden."""
        return f"<HiddenFiles: {[len(rows) for rows in self._below.values()]}>"

    def keep(self, missing: Mapping[Spot, PlaceRow]) -> set[Spot]:
        """Return what of this is hidden."""
        node = self._node
        found = set[Spot]()
        for spot, row in missing.items():
            point = node.mounts.above(node.layout.path_of(spot))
            if point is not None:
                self._below.setdefault(point, {})[spot] = row
                found.add(spot)
        self.review()
        return found

    def uncover(self, changed: Iterable[SafePath]) -> list[Spot]:
        """Something came or went at these points: return, and forget, what was hidden there."""
        found = list[Spot]()
        for point in [one for one in self._below if any(one.starts_with(at) for at in changed)]:
            found += self._below.pop(point)
            self._node.troubles.clear(TroubleKind.COVERED, str(point))
        self._add_up()
        return found

    def restart(self) -> None:
        """What was found is void."""
        self.uncover(list(self._below))

    def review(self) -> None:
        """What was hidden and has another row now, or none, stands there after all, or is to go."""
        if not self._below:
            return
        places = self._node.index.places
        for point, rows in list(self._below.items()):
            left = {spot: row for spot, row in rows.items() if places.get(*spot) == row}
            if left:
                self._below[point] = left
                self._tell(point, left)
            else:
                del self._below[point]
                self._node.troubles.clear(TroubleKind.COVERED, str(point))
        self._add_up()

    def _add_up(self) -> None:
        amounts = dict[ManifestName, Amount]()
        for rows in self._below.values():
            for spot, row in rows.items():
                before = amounts.get(spot.manifest, NOTHING)
                amounts[spot.manifest] = Amount.total([before, amount_of(row)])
        self.amounts = amounts

    def _tell(self, point: SafePath, rows: Mapping[Spot, PlaceRow]) -> None:
        node, subject = self._node, str(point)
        whose = node.label_of(next(iter(rows)).manifest.owner)
        what = of_amount(*Amount.total(map(amount_of, rows.values())))
        reason = f"another disk is mounted there: {what} of {whose} cannot be seen below it"
        command = f"findmnt {shlex.quote(f'{node.settings.folder}/Shared/{subject}')}"
        if node.troubles.note(
            Trouble(TroubleKind.COVERED, subject, reason, command, node.now, None)
        ):
            text = f"{set_off(subject)}: {reason}; try: {command}"
            node.tell("covered", text, level="warning", subject=subject, command=command)


def amount_of(row: PlaceRow) -> Amount:
    """Return how much a row is."""
    return Amount(1, 0, row.size) if row.kind is Kind.FILE else Amount(0, 1, 0)
