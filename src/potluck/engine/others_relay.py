"""The others' relay: who hears what the parts of engine/others tell.

Strategy: as in engine/wiring.py, of which this is a part: one method for each thing that is told,
one line for each part that hears it. Guarantees and limits are those of wiring.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from potluck.core.content.facts import ManifestName, Spot
from potluck.core.content.knowledge import OwnWork
from potluck.core.content.paths import SafePath
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import Head
from potluck.engine.others.commits import CommitsListener
from potluck.engine.others.confirmations import ConfirmationsListener
from potluck.engine.others.downloads import DownloadsListener, Want
from potluck.engine.others.following import FollowingListener
from potluck.engine.others.forgotten_folders import ForgottenListener
from potluck.engine.others.group_commit import SpotOutcome
from potluck.engine.others.loss_breaker import LossListener
from potluck.engine.others.receiving import ReceivingListener
from potluck.engine.others.replica_check import ReplicaListener
from potluck.engine.others.skipping import SkippingListener

if TYPE_CHECKING:
    from potluck.engine.wiring import Wiring


class FollowingRelay(FollowingListener):
    """Who hears how far manifests are held."""

    def __init__(self, parts: Wiring) -> None:
        """Tell these."""
        self._parts = parts

    def on_applied(self, head: Head, paths: Sequence[bytes], *, held: bool) -> None:
        """Another owner's manifest is held up to a new head."""
        self._parts.doubled_owners.on_applied(head)
        self._parts.announcing.on_applied(head)
        self._parts.happenings.on_changed(ManifestName.of(head), paths)
        self._parts.loss_breaker.on_applied(head, paths, held=held)
        self._parts.receiving.on_changed(ManifestName.of(head), paths, held=held)

    def on_frozen(self) -> None:
        """What stands here of a folder may be another state than its number says."""
        self._parts.announcing.on_places_changed()

    def on_own_head(self, head: Head) -> None:
        """Somebody holds a head that this device signed."""
        self._parts.lost_state.on_own_head(head)
        self._parts.clones.on_own_head(head)

    def on_own_fetched(self, head: Head) -> None:
        """All of a state that this device lost is staged."""
        self._parts.lost_state.on_fetched(head)


class OthersRelay(
    DownloadsListener,
    CommitsListener,
    ReceivingListener,
    ReplicaListener,
    LossListener,
):
    """Who hears what else engine/others tells."""

    def __init__(self, parts: Wiring) -> None:
        """Tell these."""
        self._parts = parts

    def on_arrived(self, wants: Sequence[Want]) -> None:
        """A content is here: decide about those that waited for it."""
        self._parts.receiving.on_arrived(wants)

    def on_received(self, device: DeviceId, size_bytes: int) -> None:
        """A device has sent some of a content."""
        self._parts.link_troubles.on_received(device, size_bytes)

    def on_committed(self, done: Sequence[SpotOutcome]) -> None:
        """A group commit is over."""
        self._parts.healed_files.on_committed(done)
        self._parts.bringing_back.on_committed(done)
        self._parts.replica_check.on_committed(done)
        self._parts.happenings.on_committed(done)
        self._parts.loss_breaker.on_committed(done)
        self._parts.receiving.on_committed(done)
        self._parts.forgotten_folders.on_committed()

    def on_settled(self, done: Sequence[SpotOutcome]) -> None:
        """A group commit that a crash interrupted is over."""
        self._parts.healed_files.on_committed(done)
        self._parts.bringing_back.on_committed(done)
        self._parts.replica_check.changes.on_committed(done)
        self._parts.loss_breaker.on_committed(done)
        self._parts.receiving.look_above(done)
        self._parts.forgotten_folders.on_committed()

    def look_again(self, spot: Spot) -> None:
        """A group commit touched a spot: decide about it anew."""
        self._parts.receiving.look_again(spot)

    def leaves(self, spot: Spot) -> bool:
        """Say whether what stands at a spot is still to go."""
        return self._parts.receiving.leaves(spot)

    def on_places_changed(self) -> None:
        """More, or less, stands here: the others are told."""
        self._parts.announcing.on_places_changed()

    def on_replicas_changed(self, name: ManifestName, paths: Sequence[bytes]) -> None:
        """What stands at these paths of somebody else's folder is not what was believed."""
        self._parts.happenings.on_lost(name, paths)
        self._parts.announcing.on_places_changed()
        self._parts.receiving.on_disturbed(name, paths)

    def on_cleared(self, spot: Spot) -> None:
        """What nobody shares has gone from a spot of somebody else's folder."""
        self._parts.receiving.on_cleared(spot)

    def is_placing(self, spot: Spot) -> bool:
        """Say whether a group commit changes a spot right now."""
        return self._parts.commits.busy(spot)

    def is_placing_any(self) -> bool:
        """Say whether a group commit is under way."""
        return self._parts.commits.placing

    def on_folder_moved(self, top: SafePath) -> None:
        """The folder of a device has another name now."""
        self._parts.receiving.on_folder_moved(top)
        self._parts.strays.on_members()

    def is_hidden(self, spot: Spot) -> bool:
        """Say whether what is known at a spot is below something mounted, or may be."""
        return self._parts.replica_check.hidden.may_hide(spot)

    def is_left_alone(self, spot: Spot) -> bool:
        """Say whether a spot is of the own folder, and not to be brought back."""
        return self._parts.bringing_back.leaves_alone(spot)

    def is_damaged(self, spot: Spot) -> bool:
        """Say whether a spot is of the own folder, and to be exchanged for a whole file."""
        return self._parts.bringing_back.exchanges(spot)

    def on_hidden_changed(self) -> None:
        """Something else may be hidden now, and something hidden no more."""
        self._parts.receiving.on_hidden_changed()

    def is_hindered(self) -> bool:
        """Say whether other people's folders have to wait before they are looked at.

        For the first look at them only until the own folder was looked at.
        """
        if OwnWork.UNSEEN in self._parts.own_folder.work:
            return True
        if self._parts.own_folder.work and not self._parts.replica_check.unseen():
            return True
        return self._parts.commits.settling  # until it is known what a crash left

    def is_settling(self) -> bool:
        """Say whether it is still unknown what a crash left in other people's folders."""
        return self._parts.commits.settling

    def spelled_otherwise(self, paths: Sequence[SafePath]) -> list[SafePath]:
        """Return what is known here and has, to this disk, the name of one of these paths."""
        return self._parts.receiving.names.spelled_otherwise(paths)


class ConfirmationsRelay(ConfirmationsListener):
    """Who hears that somebody confirmed what an owner deleted."""

    def __init__(self, parts: Wiring) -> None:
        """Tell these."""
        self._parts = parts

    def on_confirmed(self, name: ManifestName) -> None:
        """Somebody confirmed what the owner of a folder deleted or replaced."""
        self._parts.loss_breaker.on_confirmed(name)


class SkippingRelay(SkippingListener):
    """Who hears that something else is wanted here."""

    def __init__(self, parts: Wiring) -> None:
        """Tell these."""
        self._parts = parts

    def on_skips_changed(self) -> None:
        """Something else is wanted here than before."""
        self._parts.receiving.judge_again()
        self._parts.announcing.on_places_changed()


class ForgottenRelay(ForgottenListener):
    """Who hears of folders that nobody shares any more."""

    def __init__(self, parts: Wiring) -> None:
        """Tell these."""
        self._parts = parts

    def on_forgotten(self, name: ManifestName, paths: Sequence[bytes]) -> None:
        """Nobody shares that folder any more."""
        self._parts.announcing.recover()
        self._parts.receiving.on_changed(name, paths, held=False)
