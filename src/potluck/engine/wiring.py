"""Wiring: the parts of the engine, made once, and who hears of what, in one visible place.

Strategy: every part is a small object over the one `Node`. What a part does by itself it says to
the listener it was made with (a Protocol beside the part); the listeners are the relays here, one
for each district, and each of their methods names, in order, who hears. A relay looks its targets
up when it is called, so parts may tell each other in a circle although they are made one by one.

    membership        the group, its roster         publishing     the own manifest and its heads
    admission_policy  whether and where to belong   own_folder     the own folder
    pairings          the way in, link by link      following      bringing others' manifests up
    questions         finding strangers' groups     replica_check  others' folders on this disk
    sealed_datagrams  speaking without a link       announcing     who holds what, head by head
    discovery         finding members, links        receiving      what is lacking: fetch, place
    circle            ring and probing              answers        what others ask on bulk links

Guarantees: nothing is wired anywhere else, so reading this module is reading the whole structure.
Each line of a relay, of `start` and of `recover` is needed: tests/engine/test_wiring.py takes one
after the other away and sees something fail. Limits: no decisions and no time; engine/engine.py
says when what is due, engine/dispatch.py who hears of what came from outside.
"""

from __future__ import annotations

from collections.abc import Sequence

from potluck.core.content.facts import ManifestName
from potluck.core.group.founding import FoundGroup
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import Address, Beacon, Head, RosterRecord
from potluck.engine.effects import LookAround
from potluck.engine.farewell import Farewell
from potluck.engine.group.admission_policy import AdmissionListener, AdmissionPolicy
from potluck.engine.group.membership import Membership, MembershipListener
from potluck.engine.group.pairings import Pairings, PairingsListener
from potluck.engine.group.questions import Questions
from potluck.engine.index_upkeep import IndexUpkeep
from potluck.engine.node import Node
from potluck.engine.others.announcing import Announcing
from potluck.engine.others.answers import Answers
from potluck.engine.others.following import Following
from potluck.engine.others.receiving import Receiving
from potluck.engine.others.replica_check import ReplicaCheck
from potluck.engine.own.imports import Imports
from potluck.engine.own.own_folder import OwnFolder
from potluck.engine.own.publishing import Publishing
from potluck.engine.ring.circle import Circle
from potluck.engine.ring.discovery import Discovery, DiscoveryListener
from potluck.engine.ring.sealed_datagrams import SealedDatagrams
from potluck.engine.views.neighbourhood import Neighbourhood
from potluck.engine.views.viewer import Viewer


class GroupRelay(MembershipListener, AdmissionListener, PairingsListener):
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

    def on_wish(self, wish: FoundGroup) -> None:
        """A lonely device wishes to be in that group."""
        self._parts.pairings.ask(wish)

    def on_wish_refused(self, wish: FoundGroup) -> None:
        """That group was asked in vain: is there anything new?"""
        self._parts.questions.ask(wish.address)

    def on_met(self, device: DeviceId, address: Address) -> None:
        """A member of the group we enter is at that address."""
        self._parts.discovery.on_met(device, address)


class RingRelay(DiscoveryListener):
    """Who hears what engine/ring tells."""

    def __init__(self, parts: Wiring) -> None:
        """Tell these."""
        self._parts = parts

    def beacon(self) -> Beacon:
        """Return what this device says of itself: its port, and what it believes of the ring."""
        port, ring = self._parts.node.settings.port, self._parts.circle.ring
        return Beacon(port, ring.beliefs.own.incarnation, ring.digest, len(ring.nodes()))

    def on_called(self, to: Address | None) -> None:
        """This device called out: the question of a lonely one goes the same way."""
        self._parts.questions.ask(to)

    def on_linked(self, device: DeviceId) -> None:
        """There is a control link to a member."""
        self._parts.membership.on_linked(device)
        self._parts.circle.on_linked(device)
        self._parts.announcing.on_linked(device)
        self._parts.receiving.downloads.on_peer(device)

    def on_unlinked(self, device: DeviceId, *, clean: bool) -> None:
        """The control link to a member is gone."""
        self._parts.circle.on_unlinked(device, clean=clean)

    def on_refused(self, device: DeviceId) -> None:
        """Nobody listens where a member was."""
        self._parts.circle.on_refused(device)

    def on_introduced(self, records: Sequence[RosterRecord]) -> None:
        """Somebody showed why it is a member."""
        self._parts.membership.add_records(records)


class Wiring:
    """One of each, over one node."""

    def __init__(self, node: Node) -> None:
        """Make the parts; each is given what it uses and whom it tells."""
        self.node = node
        group, ring = GroupRelay(self), RingRelay(self)
        self.membership = Membership(node, group)
        self.admission_policy = AdmissionPolicy(node, self.membership, group)
        self.pairings = Pairings(node, self.membership, self.admission_policy, group)
        self.questions = Questions(node, self.admission_policy)
        self.sealed_datagrams = SealedDatagrams(node)
        self.discovery = Discovery(node, self.sealed_datagrams, ring)
        self.circle = Circle(node, self.discovery, self.sealed_datagrams)
        self.publishing = Publishing(node)
        self.own_folder = OwnFolder(node, self.publishing)
        self.following = Following(node)
        self.announcing = Announcing(node, self.following)
        self.receiving = Receiving(node)
        self.replica_check = ReplicaCheck(node)
        self.answers = Answers(node)
        self.index_upkeep = IndexUpkeep(node, self._is_busy)
        self.imports = Imports(node)
        self.farewell = Farewell(node, self.circle, self.discovery, self.imports)
        around = Neighbourhood(node, self.circle, self.discovery, self.admission_policy)
        self.viewer = Viewer(node, around, self.own_folder, self.receiving, self.answers)
        self._wire()

    def _wire(self) -> None:
        """Say who is told what."""
        self.publishing.published = self.announcing.on_published
        self.following.applied = self._on_applied
        self.following.own_head = self.publishing.on_own_head
        self.announcing.last = self.circle.last
        self.receiving.changed = self.announcing.on_places_changed
        self.replica_check.files.changed = self._on_guests_changed
        self.replica_check.files.placing = self.receiving.commits.busy
        self.replica_check.hindered = self._is_occupied

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

    def _on_guests_changed(self, name: ManifestName, paths: Sequence[bytes]) -> None:
        """What stands at these paths of somebody else's folder is not what was believed."""
        self.announcing.on_places_changed()
        self.receiving.on_changed(name, paths, held=False)

    def _is_occupied(self) -> bool:
        """Say whether other people's folders have to wait: for the own one, or until it is known
        what a crash left.
        """
        return self.own_folder.busy or self.receiving.commits.settling

    def _is_busy(self) -> bool:
        """Say whether a content may be on its way into the index or the share."""
        return self.own_folder.busy or self.receiving.busy

    def _on_applied(self, head: Head, paths: Sequence[bytes], held: bool) -> None:  # noqa: FBT001 - the hook's signature
        """Another owner's manifest is held up to a new head."""
        self.announcing.on_applied(head)
        self.receiving.on_changed(ManifestName.of(head), paths, held)
