"""Hidden files: what stands here of other people's files below something that is mounted over it.

Strategy: a look that misses a file below a mount point says nothing of the file: it is on its disk,
under the other one. Such rows stand, nothing is fetched or placed for them, and they count as
absent, so this device says of nobody's folder that it is whole. The register says what hides them
until that is gone; then they are looked at again. Only what is found hidden, or has another row
since, is looked up in the index: 100,000 hidden files cost nothing while they stay hidden.

Guarantees: what is hidden is held by nobody's word, and neither removed nor replaced: what its
owner does with it meanwhile is done once it can be seen (engine/others/receiving.py). Limits: what
its owner drops after something was mounted and before that is noticed comes back as a stranger.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from potluck.core.content.facts import NOTHING, Amount, ManifestName, PlaceRow, Spot, amount_of
from potluck.core.content.paths import SafePath
from potluck.core.wording import of_amount, set_off
from potluck.engine.node import Node, tell_trouble
from potluck.engine.others.first_looks import FirstLooks
from potluck.engine.troubles import Trouble, TroubleKind


@dataclass(slots=True)
class HiddenHere:
    """What one mount point hides."""

    rows: dict[Spot, PlaceRow] = field(default_factory=dict)
    amount: Amount = NOTHING


class HiddenFiles:
    """What something mounted hides, by its mount point."""

    def __init__(self, node: Node, first_looks: FirstLooks) -> None:
        """Nothing is hidden; what nobody looked at yet may be."""
        self._node, self._first_looks = node, first_looks
        self._below: dict[SafePath, HiddenHere] = {}
        self._doubted: set[SafePath] = set()  # what was hidden there is being looked at
        self.amounts: Mapping[ManifestName, Amount] = {}  # how much of each folder

    def __repr__(self) -> str:
        """Return how much is hidden."""
        return f"<HiddenFiles: {[len(here.rows) for here in self._below.values()]}>"

    def may_hide(self, spot: Spot) -> bool:
        """Say whether what is known at a spot is below something mounted, or may be.

        It may be until the folder was looked at, after something was mounted in it.
        """
        mounts, layout = self._node.mounts, self._node.layout
        if not mounts or mounts.above(layout.path_of(spot)) is None:
            return False
        found = any(spot in here.rows for here in self._below.values())
        return found or self._first_looks.lacks(spot.manifest)

    def keep(self, missing: Mapping[Spot, PlaceRow]) -> set[Spot]:
        """All that was doubtful was looked at, and this was not found: return what is hidden."""
        node = self._node
        found, points = set[Spot](), set[SafePath]()
        for spot, row in missing.items():
            point = node.mounts.above(node.layout.path_of(spot))
            if point is not None:
                here = self._below.setdefault(point, HiddenHere())
                _take_out(here, spot)
                here.rows[spot] = row
                here.amount = Amount.total([here.amount, amount_of(row)])
                found.add(spot)
                points.add(point)
        self._settle(points | self._doubted)
        self._doubted.clear()
        return found

    def uncover(self, changed: Iterable[SafePath]) -> list[Spot]:
        """Something came or went at these points: return, and forget, what was hidden there."""
        found = list[Spot]()
        for point in [one for one in self._below if any(one.starts_with(at) for at in changed)]:
            found += self._below.pop(point).rows
            if self._node.mounts.at(point):
                self._doubted.add(point)  # most likely it is told again in a moment
            else:
                self._node.troubles.clear(TroubleKind.COVERED, str(point))
        self._add_up()
        return found

    def restart(self) -> None:
        """What was found is void."""
        points = {*self._below, *self._doubted}
        self._below.clear()
        self._doubted.clear()
        self._settle(points)

    def review(self, changed: Collection[Spot]) -> None:
        """What was hidden and has another row now, or none, stands there after all, or is to go."""
        places, points = self._node.index.places, set[SafePath]()
        for point, here in self._below.items():
            for spot in changed:
                row = here.rows.get(spot)
                if row is not None and places.get(*spot) != row:
                    _take_out(here, spot)
                    points.add(point)
        self._settle(points)

    def _settle(self, points: Collection[SafePath]) -> None:
        """Something else is hidden at these points: tell what is left."""
        for point in points:
            here = self._below.get(point)
            if here is not None and here.rows:
                self._tell(point, here)
            else:
                self._below.pop(point, None)
                self._node.troubles.clear(TroubleKind.COVERED, str(point))
        if points:
            self._add_up()

    def _add_up(self) -> None:
        amounts = dict[ManifestName, Amount]()
        for here in self._below.values():
            name = next(iter(here.rows)).manifest
            amounts[name] = Amount.total([amounts.get(name, NOTHING), here.amount])
        self.amounts = amounts

    def _tell(self, point: SafePath, here: HiddenHere) -> None:
        node, subject = self._node, str(point)
        whose = node.label_of(next(iter(here.rows)).manifest.owner)
        what = of_amount(*here.amount)
        reason = f"another disk is mounted there: {what} of {whose} cannot be seen below it"
        command = f"findmnt {shlex.quote(f'{node.settings.folder}/Shared/{subject}')}"
        trouble = Trouble(TroubleKind.COVERED, subject, reason, command, node.now, None)
        tell_trouble(node, trouble, "covered", shown=set_off(subject))


def _take_out(here: HiddenHere, spot: Spot) -> None:
    row = here.rows.pop(spot, None)
    if row is not None:
        here.amount = here.amount.less(amount_of(row))
