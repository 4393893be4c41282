"""Wiring: the parts of the engine, made once, and who hears of what, in one visible place.

Strategy: every part is a small object over the one `Node`. What a part does by itself it says to
the listener it was made with (a Protocol beside the part); the listeners are the relays here, one
for each district, and each of their methods names, in order, who hears. A relay looks its targets
up when it is called, so parts may tell each other in a circle although they are made one by one.

    membership        the group, its roster         following      bringing others' manifests up
    admission_policy  whether and where to belong   announcing     who holds what, head by head
    pairings          the way in, link by link      receiving      what is lacking: decide
    questions         finding strangers' groups     downloads      what is lacking: fetch
    sealed_datagrams  speaking without a link       commits        what is lacking: place
    discovery         finding members, links        replica_check  others' folders on this disk
    circle            ring and probing              answers        what others ask on bulk links
    bulk_calls        who dials bulk links         link_troubles  who cannot be reached
    narrow_paths      who gets small packets
    publishing        the own manifest, its heads   index_upkeep   letting go of piece lists
    own_folder        the own folder                imports        files a person adds
    flushing          what is in the folders now    progress       how much is here of it
    happenings        what owners did, in words     farewell       leaving the ring
    strays            what is nobody's, told        durability     what waits for the disk

Guarantees: nothing is wired anywhere else, so reading this module is reading the whole structure;
what a part makes for itself (a queue, a table, a judge) is its inside and nobody else's business.
Each line of a relay, of `start` and of `recover` is needed: tests/engine/test_wiring.py takes one
after the other away and sees something fail. Limits: no decisions and no time; engine/engine.py
says when what is due, engine/dispatch.py who hears of what came from outside.
"""

from __future__ import annotations

from collections.abc import Sequence

from potluck.core.content.facts import ManifestName, SharedChange, Spot
from potluck.core.content.knowledge import OwnWork
from potluck.core.group.founding import FoundGroup
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import Address, Beacon, Head, RosterRecord
from potluck.engine.durability import Durability
from potluck.engine.effects import LookAround
from potluck.engine.farewell import Farewell
from potluck.engine.flushing import Flushing
from potluck.engine.group.admission_policy import AdmissionListener, AdmissionPolicy
from potluck.engine.group.membership import Membership, MembershipListener
from potluck.engine.group.pairings import Pairings, PairingsListener
from potluck.engine.group.questions import Questions, QuestionsListener
from potluck.engine.index_upkeep import Activity, IndexUpkeep
from potluck.engine.link_troubles import LinkTroubles
from potluck.engine.node import Node
from potluck.engine.others.announcing import Announcing
from potluck.engine.others.answers import Answers
from potluck.engine.others.commits import Commits, CommitsListener
from potluck.engine.others.downloads import Downloads, DownloadsListener, Want
from potluck.engine.others.following import Following, FollowingListener
from potluck.engine.others.group_commit import SpotOutcome
from potluck.engine.others.happenings import Happenings
from potluck.engine.others.progress import Progress
from potluck.engine.others.receiving import Receiving, ReceivingListener
from potluck.engine.others.replica_check import ReplicaCheck, ReplicaListener
from potluck.engine.own.imports import Imports
from potluck.engine.own.own_folder import OwnFolder
from potluck.engine.own.publishing import Publishing, PublishingListener
from potluck.engine.ring.bulk_calls import BulkCalls, BulkCallsListener
from potluck.engine.ring.circle import Circle
from potluck.engine.ring.discovery import Discovery, DiscoveryListener
from potluck.engine.ring.narrow_paths import NarrowPaths, NarrowPathsListener
from potluck.engine.ring.sealed_datagrams import SealedDatagrams
from potluck.engine.strays import Strays
from potluck.engine.trust_troubles import TrustTroubles
from potluck.engine.views.neighbourhood import Neighbourhood
from potluck.engine.views.picture import Picture
from potluck.engine.views.viewer import Viewer


class GroupRelay(MembershipListener, AdmissionListener, PairingsListener, QuestionsListener):
    """Who hears what engine/group tells."""

    def __init__(self, parts: Wiring) -> None:
        """Tell these."""
        self._parts = parts

    def on_regrouped(self) -> None:
        """This device is in another group now: nothing of the old ring counts."""
        self._parts.discovery.drop_all("joined another group")
        self._parts.sealed_datagrams.restart()
        self._parts.circle.restart()
        self._parts.discovery.on_members()
        self._parts.own_folder.await_marker()

    def on_relabelled(self) -> None:
        """The own folder has another name now."""
        self._parts.own_folder.await_marker()

    def on_members_changed(self) -> None:
        """The group has other members now."""
        self._parts.admission_policy.on_members()
        self._parts.discovery.on_members()
        self._parts.announcing.on_members()
        self._parts.strays.on_members()

    def on_wish(self, wish: FoundGroup) -> None:
        """A lonely device wishes to be in that group."""
        self._parts.pairings.ask(wish)

    def on_wish_refused(self, wish: FoundGroup) -> None:
        """That group was asked in vain: is there anything new?"""
        self._parts.questions.ask(wish.address)

    def on_door_unreached(self, wish: FoundGroup) -> None:
        """The door of that group cannot be reached: its device is asked to dial ours."""
        self._parts.questions.ask_to_call(wish)

    def on_call_asked(self, address: Address) -> None:
        """A newcomer there cannot reach our door: it is dialled."""
        self._parts.pairings.call(address)

    def on_door_blocked(self, who: str, address: Address, reason: str) -> None:
        """Neither could a door be dialled, nor did its device dial us; or the other way round."""
        self._parts.link_troubles.on_door_blocked(who, address, reason)

    def on_door_reached(self, who: str) -> None:
        """A door, or a newcomer, was reached."""
        self._parts.link_troubles.on_reached(who)

    def on_met(self, device: DeviceId, address: Address) -> None:
        """A member of the group we enter is at that address."""
        self._parts.discovery.on_met(device, address)


class RingRelay(DiscoveryListener, BulkCallsListener, NarrowPathsListener):
    """Who hears what engine/ring tells."""

    def __init__(self, parts: Wiring) -> None:
        """Tell these."""
        self._parts = parts

    def beacon(self) -> Beacon:
        """Return what this device says of itself to its group."""
        return self._parts.circle.beacon()

    def on_called(self, to: Address | None) -> None:
        """This device called out: the question of a lonely one goes the same way."""
        self._parts.questions.ask(to)

    def on_linked(self, device: DeviceId) -> None:
        """There is a control link to a member."""
        self._parts.membership.on_linked(device)
        self._parts.circle.on_linked(device)
        self._parts.following.on_linked(device)
        self._parts.announcing.on_linked(device)
        self._parts.downloads.on_peer(device)
        self._parts.link_troubles.on_linked(device)

    def on_unlinked(self, device: DeviceId, *, clean: bool) -> None:
        """The control link to a member is gone."""
        self._parts.circle.on_unlinked(device, clean=clean)
        self._parts.link_troubles.on_unlinked(device, clean=clean)

    def on_refused(self, device: DeviceId) -> None:
        """Nobody listens where a member was."""
        self._parts.circle.on_refused(device)

    def on_undialled(self, device: DeviceId, address: Address, reason: str) -> None:
        """A member was dialled in vain."""
        self._parts.link_troubles.on_undialled(device, address, reason)

    def on_blocked(self, who: str, address: Address, reason: str) -> None:
        """Neither side could dial the other for a bulk link."""
        self._parts.link_troubles.on_blocked(who, address, reason)

    def on_reached(self, who: str) -> None:
        """There is a bulk link after all."""
        self._parts.link_troubles.on_reached(who)

    def on_hung(self, host: str) -> None:
        """A connection with that host was made and hung."""
        self._parts.link_troubles.on_hung(host)

    def on_introduced(self, records: Sequence[RosterRecord]) -> None:
        """Somebody showed why it is a member."""
        self._parts.membership.add_records(records)


class OwnRelay(PublishingListener):
    """Who hears what engine/own tells."""

    def __init__(self, parts: Wiring) -> None:
        """Tell these."""
        self._parts = parts

    def on_published(self, head: Head) -> None:
        """The own manifest has a new head."""
        self._parts.announcing.on_published(head)

    def on_shared(self, changes: Sequence[SharedChange]) -> None:
        """This is what is new in it."""
        self._parts.happenings.on_shared(changes)


class OthersRelay(
    FollowingListener, DownloadsListener, CommitsListener, ReceivingListener, ReplicaListener
):
    """Who hears what engine/others tells."""

    def __init__(self, parts: Wiring) -> None:
        """Tell these."""
        self._parts = parts

    def on_applied(self, head: Head, paths: Sequence[bytes], *, held: bool) -> None:
        """Another owner's manifest is held up to a new head."""
        self._parts.announcing.on_applied(head)
        self._parts.happenings.on_changed(ManifestName.of(head), paths)
        self._parts.receiving.on_changed(ManifestName.of(head), paths, held=held)

    def on_own_head(self, head: Head) -> None:
        """Somebody holds a head that this device signed."""
        self._parts.publishing.on_own_head(head)

    def on_arrived(self, wants: Sequence[Want]) -> None:
        """A content is here: decide about those that waited for it."""
        self._parts.receiving.on_arrived(wants)

    def on_received(self, device: DeviceId, size_bytes: int) -> None:
        """A device has sent some of a content."""
        self._parts.link_troubles.on_received(device, size_bytes)

    def on_committed(self, done: Sequence[SpotOutcome]) -> None:
        """A group commit is over."""
        self._parts.replica_check.on_committed(done)
        self._parts.happenings.on_committed(done)
        self._parts.receiving.on_committed(done)

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

    def is_hidden(self, spot: Spot) -> bool:
        """Say whether what is known at a spot is below something mounted, or may be."""
        return self._parts.replica_check.hidden.may_hide(spot)

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


class UpkeepRelay(Activity):
    """What the upkeep of the index waits for."""

    def __init__(self, parts: Wiring) -> None:
        """Ask these."""
        self._parts = parts

    def is_busy(self) -> bool:
        """Say whether a content may be on its way into the index or the share."""
        if self._parts.own_folder.work:
            return True
        return self._parts.receiving.busy


class Wiring:
    """One of each, over one node."""

    def __init__(self, node: Node) -> None:
        """Make the parts; each is given what it uses and whom it tells."""
        self.node = node
        group, ring = GroupRelay(self), RingRelay(self)
        own, others = OwnRelay(self), OthersRelay(self)
        self.membership = Membership(node, group)
        self.admission_policy = AdmissionPolicy(node, self.membership, group)
        self.pairings = Pairings(node, self.membership, self.admission_policy, group)
        self.questions = Questions(node, self.admission_policy, group)
        self.sealed_datagrams = SealedDatagrams(node)
        self.discovery = Discovery(node, self.sealed_datagrams, ring)
        self.circle = Circle(node, self.discovery, self.sealed_datagrams)
        self.bulk_calls = BulkCalls(node, ring)
        self.link_troubles = LinkTroubles(node)
        self.trust_troubles = TrustTroubles(node)
        self.narrow_paths = NarrowPaths(node, ring)
        self.publishing = Publishing(node, own)
        self.own_folder = OwnFolder(node, self.publishing)
        self.following = Following(node, others)
        self.downloads = Downloads(node, others)
        self.commits = Commits(node, others)
        self.receiving = Receiving(node, self.downloads, self.commits, others)
        self.replica_check = ReplicaCheck(node, others)
        covered = self.own_folder.covered
        self.progress = Progress(
            node, self.downloads, self.commits, self.receiving, self.replica_check, covered
        )
        self.announcing = Announcing(node, self.following, self.circle, self.progress)
        self.strays = Strays(node)
        self.happenings = Happenings(node, self.progress)
        self.answers = Answers(node)
        self.index_upkeep = IndexUpkeep(node, UpkeepRelay(self))
        self.imports = Imports(node)
        self.durability = Durability(node)
        knowing = (self.following, self.replica_check.catch_up, self.announcing)
        self.flushing = Flushing(node, self.own_folder, knowing, self.circle)
        self.farewell = Farewell(
            node, self.circle, self.discovery, self.imports, self.flushing, self.happenings
        )
        self.viewer = self._viewer()

    def _viewer(self) -> Viewer:
        """Make what looks at the parts."""
        around = Neighbourhood(self.node, self.circle, self.discovery, self.admission_policy)
        own_folder, following = self.own_folder, self.following
        picture = Picture(self.node, around, own_folder, following, self.progress)
        downloads, answers = self.downloads, self.answers
        return Viewer(self.node, around, picture, own_folder, downloads, answers)

    def start(self) -> None:
        """Begin, from what the index holds."""
        kept = self.membership.start()
        self.admission_policy.start(kept=kept)
        self.circle.restart()
        self.discovery.start()
        self.own_folder.start(marked=kept)
        self.receiving.start()
        self.index_upkeep.start()
        self.node.do(LookAround())

    def recover(self) -> None:
        """The index failed and works again: memory may be ahead of it, so look at all once more."""
        if not self.admission_policy.lonely:  # else the group may be one not to be written down
            self.membership.recover()
        self.own_folder.scan()
        self.replica_check.restart()
        self.announcing.recover()
        self.receiving.start()
