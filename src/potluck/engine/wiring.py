"""The parts of the engine, made once and wired in one visible place.

Strategy: every part is a small object over the one `Node`; it says what happened through hooks, and
here stands who is told. A fact that concerns several parts has a method below that hands it round,
in the order in which it must be heard.

    membership  the group, its roster              publishing  the own manifest and its heads
    doors       whether and where to belong        library     the own folder
    pairings    the way in, link by link           following   bringing others' manifests up to date
    questions   finding strangers' groups          guests      other people's folders on this disk
    radio       sealed datagrams                   exchange    who holds what, head by head
    meeting     finding members, links to them     supply      what is lacking: fetch, place
    circle      ring and watching                  service     what others ask on bulk links

Guarantees: reading `__init__` and `_wire` is reading the whole structure; nothing is wired anywhere
else. Limits: no decisions and no time; engine/engine.py says when what is due.
"""

from __future__ import annotations

from collections.abc import Sequence

from potluck.core.content.facts import ManifestName
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import Address, Beacon, Head
from potluck.engine.effects import LookAround
from potluck.engine.events import FilesHashed, Imported, InterfacesSeen, TreeSeen
from potluck.engine.farewell import Farewell
from potluck.engine.group.admission_policy import AdmissionPolicy
from potluck.engine.group.membership import Membership
from potluck.engine.group.pairings import Pairings
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
from potluck.engine.ring.discovery import Discovery
from potluck.engine.ring.sealed_datagrams import SealedDatagrams


class Wiring:
    """One of each, over one node."""

    def __init__(self, node: Node) -> None:
        """Make the parts and wire them."""
        self.node = node
        self.membership = Membership(node)
        self.admission_policy = AdmissionPolicy(node, self.membership)
        self.pairings = Pairings(node, self.membership, self.admission_policy)
        self.questions = Questions(node, self.admission_policy)
        self.sealed_datagrams = SealedDatagrams(node)
        self.discovery = Discovery(node, self.sealed_datagrams)
        self.circle = Circle(node, self.discovery, self.sealed_datagrams)
        self.publishing = Publishing(node)
        self.own_folder = OwnFolder(node, self.publishing)
        self.following = Following(node)
        self.announcing = Announcing(node, self.following)
        self.receiving = Receiving(node)
        self.replica_check = ReplicaCheck(node)
        self.service = Answers(node)
        self.index_upkeep = IndexUpkeep(node, self._is_busy)
        self.imports = Imports(node)
        self.farewell = Farewell(node, self.circle, self.discovery, self.imports)
        self._wire()

    def _wire(self) -> None:
        """Say who is told what."""
        self.node.whereabouts = self.discovery.whereabouts
        self.membership.regrouped = self._on_regrouped
        self.membership.relabelled = self.own_folder.await_marker
        self.membership.changed = self._on_members
        self.admission_policy.ask = self.questions.ask
        self.admission_policy.join = self.pairings.ask
        self.pairings.met = self._on_met
        self.discovery.beacon = self._beacon
        self.discovery.linked = self._on_linked
        self.discovery.unlinked = self._on_unlinked
        self.discovery.refused = self.circle.on_refused
        self.discovery.introduced = self.membership.add_records
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
        marked = self.membership.start()
        self.admission_policy.start(kept=marked)
        self.circle.restart()
        self.discovery.start()
        self.own_folder.start(marked=marked)
        self.receiving.start()
        self.index_upkeep.start()
        self.node.do(LookAround())

    def recover(self) -> None:
        """The index failed and works again: memory may be ahead of it, so look at everything once
        more.
        """
        # else the group is provisional and not to be written down
        if self.admission_policy.founding is None:
            self.membership.recover()
        self.own_folder.scan()
        self.replica_check.restart()
        self.announcing.recover()
        self.receiving.start()

    def scan(self) -> None:
        """Look at every folder, the own one first."""
        self.own_folder.scan()
        self.replica_check.scan()

    # -- facts that concern several parts ----------------------------------------------------------
    def on_tree(self, event: TreeSeen) -> None:
        """Part of a folder was looked at: whoever asked knows the order."""
        self.own_folder.on_tree(event)
        self.replica_check.on_tree(event)

    def on_hashed(self, event: FilesHashed) -> None:
        """Files were read: whoever asked knows the order."""
        self.own_folder.on_hashed(event)
        self.replica_check.on_hashed(event)

    def on_interfaces(self, event: InterfacesSeen) -> None:
        """Our networks are these now."""
        self.circle.on_addresses(self.discovery.on_interfaces(event))

    def on_imported(self, event: Imported) -> None:
        """Files were brought into the own folder: answer, and look at them, for not every watcher
        notices links.
        """
        self.imports.on_imported(event)
        self.own_folder.on_imported(event.added)

    def _on_regrouped(self) -> None:
        """This device is in another group now: nothing of the old ring counts."""
        self.discovery.drop_all("joined another group")
        self.sealed_datagrams.restart()
        self.circle.restart()
        self.discovery.on_members()
        self.own_folder.await_marker()

    def _on_members(self) -> None:
        """The group has other members now."""
        self.admission_policy.on_members()
        self.discovery.on_members()
        self.announcing.on_members()

    def _on_met(self, device: DeviceId, address: Address) -> None:
        """Somebody was admitted, or admitted us, at this address."""
        found_by = self.discovery.sightings.asked.get(address.host, "beacon")
        self.discovery.sightings.on_sighted(device, address, found_by, self.node.now)

    def _on_linked(self, device: DeviceId) -> None:
        """There is a control link to a member."""
        self.membership.on_linked(device)
        self.circle.on_linked(device)
        self.announcing.on_linked(device)
        self.receiving.downloads.on_peer(device)

    def _on_unlinked(self, device: DeviceId, clean: bool) -> None:  # noqa: FBT001 - the hook's signature
        """The control link to a member is gone."""
        self.circle.on_unlinked(device, clean=clean)

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

    def _beacon(self) -> Beacon:
        """What this device says of itself to everybody."""
        ring = self.circle.ring
        return Beacon(
            self.node.settings.port, ring.beliefs.own.incarnation, ring.digest, len(ring.nodes())
        )
