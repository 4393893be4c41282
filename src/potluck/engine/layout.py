"""The layout: where each manifest's files are below Shared/, and whose a path there is.

Strategy: what a device itself shares stands in one folder with its label. Where a device has got
another label and its folder not yet (engine/former_labels.py), the folder's name is what counts: a
path is where a file is. Nobody else puts a label before a path, or takes one off.

Guarantees: `spot_at(path_of(spot))` is the spot again as long as folders keep their names. A folder
is never another device's than it was: labels here are those in force (core/group/roster.py), which
are written down and are nobody else's afterwards. Limits: a label that no
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
from potluck.engine.former_labels import FormerLabels


class Company(Protocol):
    """Who is in the group at the moment, and under which labels."""

    roster: Roster | None
    former: FormerLabels

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
        """Say whether a manifest has a folder here: a member's, or that of one that was removed.

        Also one that is forgotten, until it is gone.
        """
        roster = self._company.roster
        if roster is None or name.folder is not Folder.OWN:
            return False
        return name.owner in roster.members or _was_removed(roster, name.owner)

    def top_of(self, name: ManifestName) -> SafePath:
        """Return the folder of a manifest below Shared/."""
        return _top(self.name_of(name.owner))

    def name_of(self, device: DeviceId) -> str:
        """Return what the folder of a device is called on this disk."""
        return self._company.former.of(device) or self.wanted_name(device)

    def wanted_name(self, device: DeviceId) -> str:
        """Return what the folder of a device is to be called: as the device."""
        return self._company.label_of(device)

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
        former = self._company.former
        for device, entry in roster.members.items():
            if (former.of(device) or entry.label) == path.parts[0]:
                return ManifestName.own(device)
        for device in roster.former if roster.standing.epoch else ():
            if _was_removed(roster, device) and self.name_of(device) == path.parts[0]:
                return ManifestName.own(device)
        return None


def _was_removed(roster: Roster, device: DeviceId) -> bool:
    return roster.standing.is_removed(device) and roster.entry_of(device) is not None


@lru_cache(maxsize=1024)
def _top(label: str) -> SafePath:
    """Return an owner's folder; one label is asked for thousands of times."""
    return parse_wire_path(label.encode())
