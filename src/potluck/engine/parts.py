"""The parts of the engine, made once and wired in one visible place.

Strategy: every part is a small object over the one `Node`; it says what happened through hooks, and here stands who is
told. A fact that concerns several parts has a method below that hands it round, in the order in which it must be heard.

    membership  the group, its roster              publishing  the own manifest and its heads
    doors       whether and where to belong        library     the own folder
    pairings    the way in, link by link           following   bringing others' manifests up to date
    questions   finding strangers' groups          guests      other people's folders on this disk
    radio       sealed datagrams                   exchange    who holds what, head by head
    meeting     finding members, links to them     supply      what is lacking: fetch, place
    circle      ring and watching                  service     what others ask on bulk links

Guarantees: reading `__init__` and `_wire` is reading the whole structure; nothing is wired anywhere else.
Limits: no decisions and no time; engine/engine.py says when what is due.
"""

from __future__ import annotations

from collections.abc import Sequence

from potluck.core.identity import DeviceId
from potluck.core.messages import Address, Beacon, Head
from potluck.engine.circle import Circle
from potluck.engine.doors import Doors
from potluck.engine.effects import LookAround
from potluck.engine.events import FilesHashed, Imported, InterfacesSeen, TreeSeen
from potluck.engine.exchange import Exchange
from potluck.engine.farewell import Farewell
from potluck.engine.following import Following
from potluck.engine.guests import Guests
from potluck.engine.imports import Imports
from potluck.engine.library import Library
from potluck.engine.meeting import Meeting
from potluck.engine.membership import Membership
from potluck.engine.node import Node
from potluck.engine.pairings import Pairings
from potluck.engine.publishing import Publishing
from potluck.engine.questions import Questions
from potluck.engine.radio import Radio
from potluck.engine.service import Service
from potluck.engine.supply import Supplier


class Parts:
    """One of each, over one node."""

    def __init__(self, node: Node) -> None:
        """Make the parts and wire them."""
        self.node = node
        self.membership = Membership(node)
        self.doors = Doors(node, self.membership)
        self.pairings = Pairings(node, self.membership, self.doors)
        self.questions = Questions(node, self.doors)
        self.radio = Radio(node)
        self.meeting = Meeting(node, self.radio)
        self.circle = Circle(node, self.meeting, self.radio)
        self.publishing = Publishing(node)
        self.library = Library(node, self.publishing)
        self.following = Following(node)
        self.exchange = Exchange(node, self.following)
        self.supply = Supplier(node)
        self.guests = Guests(node)
        self.service = Service(node)
        self.imports = Imports(node)
        self.farewell = Farewell(node, self.circle, self.meeting, self.imports)
        self._wire()

    def _wire(self) -> None:
        """Say who is told what."""
        self.node.whereabouts = self.meeting.whereabouts
        self.membership.regrouped = self._on_regrouped
        self.membership.relabelled = self.library.await_marker
        self.membership.changed = self._on_members
        self.doors.ask = self.questions.ask
        self.doors.join = self.pairings.ask
        self.pairings.met = self._on_met
        self.meeting.beacon = self._beacon
        self.meeting.linked = self._on_linked
        self.meeting.unlinked = self._on_unlinked
        self.meeting.refused = self.circle.on_refused
        self.meeting.introduced = self.membership.add_records
        self.publishing.published = self.exchange.on_published
        self.following.applied = self._on_applied
        self.following.own_head = self.publishing.on_own_head
        self.exchange.last = self.circle.last
        self.supply.changed = self.exchange.on_places_changed
        self.guests.files.changed = self._on_guests_changed
        self.guests.files.placing = self.supply.commits.busy
        self.guests.hindered = self._is_occupied

    def start(self) -> None:
        """Begin, from what the index holds."""
        marked = self.membership.start()
        self.doors.start(kept=marked)
        self.circle.restart()
        self.meeting.start()
        self.library.start(marked=marked)
        self.supply.start()
        self.node.do(LookAround())

    def recover(self) -> None:
        """The index failed and works again: memory may be ahead of it, so look at everything once more."""
        if self.doors.founding is None:  # else the group is provisional and not to be written down
            self.membership.recover()
        self.library.scan()
        self.guests.restart()
        self.exchange.recover()
        self.supply.start()

    def scan(self) -> None:
        """Look at every folder, the own one first."""
        self.library.scan()
        self.guests.scan()

    # -- facts that concern several parts -------------------------------------------------------------------------
    def on_tree(self, event: TreeSeen) -> None:
        """Part of a folder was looked at: whoever asked knows the order."""
        self.library.on_tree(event)
        self.guests.on_tree(event)

    def on_hashed(self, event: FilesHashed) -> None:
        """Files were read: whoever asked knows the order."""
        self.library.on_hashed(event)
        self.guests.on_hashed(event)

    def on_interfaces(self, event: InterfacesSeen) -> None:
        """Our networks are these now."""
        self.circle.on_addresses(self.meeting.on_interfaces(event))

    def on_imported(self, event: Imported) -> None:
        """Files were brought into the own folder: answer, and look at them, for not every watcher notices links."""
        self.imports.on_imported(event)
        self.library.on_imported(event.added)

    def _on_regrouped(self) -> None:
        """This device is in another group now: nothing of the old ring counts."""
        self.meeting.drop_all("joined another group")
        self.radio.restart()
        self.circle.restart()
        self.meeting.on_members()
        self.library.await_marker()

    def _on_members(self) -> None:
        """The group has other members now."""
        self.doors.on_members()
        self.meeting.on_members()
        self.exchange.on_members()

    def _on_met(self, device: DeviceId, address: Address) -> None:
        """Somebody was admitted, or admitted us, at this address."""
        found_by = self.meeting.sightings.asked.get(address.host, "beacon")
        self.meeting.sightings.on_sighted(device, address, found_by, self.node.now)

    def _on_linked(self, device: DeviceId) -> None:
        """There is a control link to a member."""
        self.membership.on_linked(device)
        self.circle.on_linked(device)
        self.exchange.on_linked(device)
        self.supply.downloads.on_peer(device)

    def _on_unlinked(self, device: DeviceId, clean: bool) -> None:  # noqa: FBT001 - the hook's signature
        """The control link to a member is gone."""
        self.circle.on_unlinked(device, clean=clean)

    def _on_guests_changed(self, owner: DeviceId, paths: Sequence[bytes]) -> None:
        """What stands at these paths of somebody else's folder is not what was believed."""
        self.exchange.on_places_changed()
        self.supply.on_changed(owner, paths, held=False)

    def _is_occupied(self) -> bool:
        """Say whether other people's folders have to wait: for the own one, or until it is known what a crash left."""
        return self.library.busy or self.supply.commits.settling

    def _on_applied(self, head: Head, paths: Sequence[bytes], held: bool) -> None:  # noqa: FBT001 - the hook's signature
        """Another owner's manifest is held up to a new head."""
        self.exchange.on_applied(head)
        self.supply.on_changed(DeviceId(head.owner), paths, held)

    def _beacon(self) -> Beacon:
        """What this device says of itself to everybody."""
        ring = self.circle.ring
        return Beacon(self.node.settings.port, ring.beliefs.own.incarnation, ring.digest, len(ring.nodes()))
