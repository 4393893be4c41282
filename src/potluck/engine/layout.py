"""The layout: where each manifest's files are below Shared/, and whose a path there is.

Strategy: what a device itself shares stands in one folder with its label, so the roster alone says
where a spot is. Nobody else puts a label before a path, or takes one off.

Guarantees: `spot_at(path_of(spot))` is the spot again as long as labels do not change. A folder is
never another device's than it was: labels here are those in force (core/group/roster.py), which are
written down, move by no member's word, and are nobody else's afterwards. Limits: a label that no
member has (any more) leads to no spot; the folder `everyone` has no place on the disk yet.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Protocol

from potluck.core.content.facts import ManifestName, Spot
from potluck.core.content.paths import SafePath, parse_wire_path
from potluck.core.group.roster import Roster
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import Folder


class Company(Protocol):
    """Who is in the group at the moment, and under which labels."""

    roster: Roster | None

    def label_of(self, device: DeviceId) -> str:
        """Return the label of a member, or the short id of a stranger."""


class Layout:
    """The paths of manifests and spots."""

    def __init__(self, company: Company) -> None:
        """Ask `company` for labels, each time anew."""
        self._company = company

    def __repr__(self) -> str:
        """Return how many folders there are."""
        roster = self._company.roster
        return f"<Layout of {len(roster.members) if roster else 0} folders>"

    def has_folder(self, name: ManifestName) -> bool:
        """Say whether a manifest has a folder here: a member's; who was removed is left alone."""
        roster = self._company.roster
        return roster is not None and name.folder is Folder.OWN and name.owner in roster.members

    def top_of(self, name: ManifestName) -> SafePath:
        """Return the folder of a manifest below Shared/."""
        return _top(self._company.label_of(name.owner))

    def path_of(self, spot: Spot) -> SafePath:
        """Return where a spot is below Shared/."""
        return self.top_of(spot.manifest).joined(parse_wire_path(spot.path))

    def spot_at(self, path: SafePath) -> Spot | None:
        """Return the spot of a path below Shared/, or None if it is in no member's folder."""
        name = self.manifest_at(path)
        if name is None or len(path.parts) < 2:
            return None
        return Spot(name, path.relative_to(_top(path.parts[0])).wire)

    def manifest_at(self, path: SafePath) -> ManifestName | None:
        """Return whose a path below Shared/ is, the folder itself included; None: nobody's."""
        roster = self._company.roster
        if roster is None:
            return None
        for device, entry in roster.members.items():
            if entry.label == path.parts[0]:
                return ManifestName.own(device)
        return None


@lru_cache(maxsize=1024)
def _top(label: str) -> SafePath:
    """Return an owner's folder; one label is asked for thousands of times."""
    return parse_wire_path(label.encode())
