"""Wiring: the parts of the engine, made once, and who hears of what, in one visible place.

Strategy: every part is a small object over the one `Node`. What a part does by itself it says to
the listener it was made with (a Protocol beside the part); the listeners are the relays here, one
for each district, and each of their methods names, in order, who hears. A relay looks its targets
up when it is called, so parts may tell each other in a circle although they are made one by one.

    membership        the group, its roster         following      bringing others' manifests up
    stewardship       who is put out or appointed   key_exchange   group keys, link by link
    admission_policy  whether and where to belong   announcing     who holds what, head by head
    pairings          the way in, link by link      receiving      what is lacking: decide
    requests          whom people are asked about
    questions         finding strangers' groups     downloads      what is lacking: fetch
    forgetting        removed devices' folders go   forgotten_folders      … on this disk
    adopting          they become this device's     succession     a machine installed anew
    invitations       the own code                  joining        a code that was typed
    sealed_datagrams  speaking without a link       commits        what is lacking: place
    discovery         finding members, links        replica_check  others' folders on this disk
    circle            ring and probing              answers        what others ask on bulk links
    bulk_calls        who dials bulk links          link_troubles  who cannot be reached
    narrow_paths      who gets small packets        moving_folders folders follow labels
    publishing        the own manifest, its heads   index_upkeep   letting go of piece lists
    own_folder        the own folder                imports        files a person adds
    flushing          what is in the folders now    progress       how much is here of it
    happenings        what owners did, in words     farewell       leaving the ring
    strays            what is nobody's, told        durability     what waits for the disk
    own_calls         who speaks in our own name    clones         a second me, until decided
    doubled_owners    a second one of others        loss_breaker   very much lost at once
    undelivered       own files nobody else has yet   bringing_back  own files come back
    scrub             files are read again, slowly    healed_files   … are whole again
    taking            others' files copied into mine   skipping      what is not wanted
    confirmations     who said that a loss was meant   silent_disk  what does not answer

Guarantees: nothing is wired anywhere else; what a part makes for itself (a queue, a table, a judge)
is its inside. Each line of a relay, of `start` and of `recover` is needed: tests/engine/
test_wiring.py takes one away after the other. Limits: decides nothing and knows no time.
"""

from __future__ import annotations

from collections.abc import Sequence

from potluck.core.content.facts import Spot
from potluck.core.group.word_list import WORDS
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import Address, Beacon, RosterRecord
from potluck.engine.acts import Acts, GroupParts
from potluck.engine.adopting import Adopting
from potluck.engine.bringing_back import BringingBack
from potluck.engine.clones import Clones
from potluck.engine.confirming import Confirming
from potluck.engine.durability import Durability
from potluck.engine.effects import LookAround
from potluck.engine.events import Hashed
from potluck.engine.farewell import Farewell
from potluck.engine.flushing import Flushing
from potluck.engine.group.admission_policy import AdmissionPolicy
from potluck.engine.group.code_entering import Codes
from potluck.engine.group.forgetting import Forgetting
from potluck.engine.group.invitations import Invitations
from potluck.engine.group.joining import Joining
from potluck.engine.group.key_exchange import KeyExchange
from potluck.engine.group.membership import Membership
from potluck.engine.group.pairings import Pairings
from potluck.engine.group.questions import Questions
from potluck.engine.group.renaming import Renaming
from potluck.engine.group.requests import Requests
from potluck.engine.group.stewardship import Stewardship
from potluck.engine.group_relay import GroupRelay
from potluck.engine.healed_files import HealedFiles
from potluck.engine.index_upkeep import Activity, IndexUpkeep
from potluck.engine.link_troubles import LinkTroubles
from potluck.engine.lost_disks import LostDisks
from potluck.engine.lost_facts import end_fetches
from potluck.engine.node import Node
from potluck.engine.others.announcing import Announcing
from potluck.engine.others.answers import Answers
from potluck.engine.others.commits import Commits
from potluck.engine.others.confirmations import Confirmations
from potluck.engine.others.doubled_owners import DoubledOwners
from potluck.engine.others.downloads import Downloads
from potluck.engine.others.following import Following
from potluck.engine.others.forgotten_folders import ForgottenFolders
from potluck.engine.others.frozen_heads import take_up_frosts
from potluck.engine.others.happenings import Happenings
from potluck.engine.others.holds import Holds
from potluck.engine.others.loss_breaker import LossBreaker
from potluck.engine.others.moving_folders import MovingFolders
from potluck.engine.others.progress import Progress
from potluck.engine.others.receiving import Receiving
from potluck.engine.others.replica_check import ReplicaCheck
from potluck.engine.others.skipping import Skipping
from potluck.engine.others_relay import (
    ConfirmationsRelay,
    FollowingRelay,
    ForgottenRelay,
    OthersRelay,
    SkippingRelay,
)
from potluck.engine.own.imports import Imports
from potluck.engine.own.lost_state import LostState
from potluck.engine.own.own_folder import OwnFolder
from potluck.engine.own.publishing import Publishing
from potluck.engine.own.undelivered import Undelivered
from potluck.engine.own_relay import OwnRelay
from potluck.engine.ring.bulk_calls import BulkCalls, BulkCallsListener
from potluck.engine.ring.circle import Circle
from potluck.engine.ring.discovery import Discovery, DiscoveryListener
from potluck.engine.ring.narrow_paths import NarrowPaths, NarrowPathsListener
from potluck.engine.ring.own_calls import OwnCalls
from potluck.engine.ring.removed_callers import RemovedCallers
from potluck.engine.ring.sealed_datagrams import SealedDatagrams
from potluck.engine.scrubbing import Scrub, ScrubListener
from potluck.engine.silent_disk import SilentDisk
from potluck.engine.strays import Strays
from potluck.engine.succession import Succession
from potluck.engine.taking import Taking
from potluck.engine.taking_back import TakingBack
from potluck.engine.trust_troubles import TrustTroubles
from potluck.engine.views.explaining import Explaining
from potluck.engine.views.neighbourhood import Neighbourhood
from potluck.engine.views.picture import Picture
from potluck.engine.views.reasons import WhyParts
from potluck.engine.views.viewer import Viewer


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
        self._parts.requests.on_linked(device)
        self._parts.key_exchange.on_linked(device)
        self._parts.circle.on_linked(device)
        self._parts.doubled_owners.on_linked(device)
        self._parts.following.on_linked(device)
        self._parts.announcing.on_linked(device)
        self._parts.confirmations.on_linked(device)
        self._parts.downloads.on_peer(device)
        self._parts.link_troubles.on_linked(device)
        self._parts.strays.on_linked()
        self._parts.publishing.breaker.on_others()

    def on_unlinked(self, device: DeviceId, *, clean: bool) -> None:
        """The control link to a member is gone."""
        self._parts.circle.on_unlinked(device, clean=clean)
        self._parts.requests.on_unlinked(device)
        self._parts.link_troubles.on_unlinked(device, clean=clean)
        self._parts.publishing.breaker.on_others()

    def on_refused(self, device: DeviceId) -> None:
        """Nobody listens where a member was."""
        self._parts.circle.on_refused(device)

    def on_undialled(self, device: DeviceId, address: Address, reason: str) -> None:
        """A member was dialled in vain."""
        self._parts.link_troubles.on_undialled(device, address, reason)

    def on_unserved(self, device: DeviceId, address: Address, reason: str) -> None:
        """Neither side could dial the other for a bulk link."""
        self._parts.link_troubles.on_unserved(device, address, reason)

    def on_served(self, device: DeviceId) -> None:
        """There is a bulk link after all."""
        self._parts.link_troubles.on_served(device)

    def on_hung(self, host: str) -> None:
        """A connection with that host was made and hung."""
        self._parts.link_troubles.on_hung(host)

    def on_doubled(self, device: DeviceId, places: tuple[Address, Address]) -> None:
        """A member runs on two machines."""
        self._parts.doubled_owners.on_doubled(device, places)

    def on_introduced(self, records: Sequence[RosterRecord]) -> None:
        """Somebody showed why it is a member, or why this device is none."""
        self._parts.membership.add_records(records)


class UpkeepRelay(Activity, ScrubListener):
    """What waits until nothing else is to be done, and who hears what it found."""

    def __init__(self, parts: Wiring) -> None:
        """Ask these."""
        self._parts = parts

    def is_busy(self) -> bool:
        """Say whether a content may be on its way into the index or the share."""
        if self._parts.own_folder.work:
            return True
        return self._parts.receiving.busy

    def on_verified(self, spot: Spot, hashed: Hashed) -> None:
        """A file reads otherwise than the index says."""
        self._parts.own_folder.judge.on_verified(spot, hashed)
        self._parts.replica_check.files.on_verified(spot, hashed)

    def on_whole(self, spot: Spot) -> None:
        """A file reads as the index says."""
        self._parts.publishing.damaged.on_whole(spot)


class Wiring:
    """One of each, over one node."""

    def __init__(self, node: Node) -> None:
        """Make the parts; each is given what it uses and whom it tells."""
        self.node = node
        group, ring = GroupRelay(self), RingRelay(self)
        own, others = OwnRelay(self), OthersRelay(self)
        self.publishing = Publishing(node, own)
        self.healed_files = HealedFiles(node, self.publishing.damaged, self.publishing.older)
        self.own_folder = OwnFolder(node, self.publishing)
        self.bringing_back = BringingBack(node, self.publishing, own)
        covered = self.own_folder.covered
        self.taking_back = TakingBack(node, self.publishing, self.bringing_back, covered)
        self.confirmations = Confirmations(node, ConfirmationsRelay(self))
        self.loss_breaker = LossBreaker(node, others, self.confirmations)
        self.holds, self.scrub = Holds(node, others), Scrub(node, UpkeepRelay(self))
        self.taking, self.skipping = Taking(node), Skipping(node, SkippingRelay(self))
        self._make_group(node, group)
        self.sealed_datagrams = SealedDatagrams(node)
        self.discovery = Discovery(node, self.sealed_datagrams, ring)
        self.removed_callers = RemovedCallers(node, self.sealed_datagrams)
        self.circle = Circle(node, self.discovery, self.sealed_datagrams)
        self.bulk_calls = BulkCalls(node, ring)
        self.link_troubles = LinkTroubles(node)
        self.trust_troubles = TrustTroubles(node)
        self.narrow_paths = NarrowPaths(node, ring)
        self.own_calls = OwnCalls(node, self.circle, self.clones)
        self.undelivered = Undelivered(node)
        self.lost_state = LostState(node, self.publishing, self.own_folder, own)
        self.following = Following(node, FollowingRelay(self))
        self.doubled_owners = DoubledOwners(node, self.following)
        self.downloads = Downloads(node, others)
        self.commits = Commits(node, others)
        self.moving_folders = MovingFolders(node, others)
        facts = (self.downloads, self.commits, self.holds, self.loss_breaker.held)
        self.receiving = Receiving(node, *facts, others)
        self.forgotten_folders = ForgottenFolders(node, ForgottenRelay(self))
        self.replica_check = ReplicaCheck(node, others)
        reception = (self.downloads, self.commits, self.receiving, self.replica_check)
        self.progress = Progress(node, *reception, self.own_folder.absent)
        self.announcing = Announcing(node, self.following, self.circle, self.progress)
        self.strays, self.silent_disk = Strays(node), SilentDisk(node)
        self.happenings = Happenings(node, self.progress)
        self.answers = Answers(node)
        self.index_upkeep = IndexUpkeep(node, UpkeepRelay(self))
        self.imports = Imports(node, self.taking_back)
        self.durability = Durability(node)
        knowing = (self.following, self.replica_check.catch_up, self.announcing)
        self.flushing = Flushing(node, self.own_folder, knowing, self.circle)
        ending = (self.discovery, self.imports, self.flushing, self.happenings)
        self.farewell = Farewell(node, self.circle, *ending)
        self.viewer = self._viewer()

    def _make_group(self, node: Node, group: GroupRelay) -> None:
        """Make what has to do with the group of this device, and the ways into it."""
        self.membership = Membership(node, group)
        self.admission_policy = AdmissionPolicy(node, self.membership, group)
        self.requests = Requests(node, group)
        self.invitations = Invitations(node, self.admission_policy, WORDS)
        self.joining = Joining(node, self.admission_policy, WORDS, group)
        codes = Codes(self.invitations, self.joining)
        people = (self.admission_policy, self.requests)
        self.pairings = Pairings(node, self.membership, *people, codes, group)
        self.key_exchange = KeyExchange(node)
        self.stewardship = Stewardship(node, self.membership, self.key_exchange, group)
        self.renaming = Renaming(node, self.membership)
        self.forgetting = Forgetting(node, self.membership)
        self.adopting = Adopting(node, self.forgetting)
        self.succession = Succession(node, self.requests, self.membership, self.forgetting)
        self.clones = Clones(node, self.publishing, self.membership, group)
        folders = (self.forgetting, self.adopting, self.succession, self.clones)
        lost_disks = LostDisks(node, self.own_folder.covered, self.publishing, self.bringing_back)
        confirming = Confirming(node, lost_disks, self.loss_breaker, self.holds)
        held = (
            confirming, lost_disks, self.scrub, self.taking, self.skipping,
            self.taking_back,
        )  # fmt: skip
        grouped = (self.stewardship, self.renaming, *folders, *held)
        self.acts = Acts(node, self.requests, self.admission_policy, codes, GroupParts(*grouped))
        self.questions = Questions(node, self.admission_policy, group)

    def _viewer(self) -> Viewer:
        """Make what looks at the parts."""
        way_in = (self.admission_policy, self.requests, self.invitations)
        around = Neighbourhood(self.node, self.circle, self.discovery, *way_in)
        own_folder, following = self.own_folder, self.following
        held = (following, self.progress, self.undelivered)
        picture = Picture(self.node, around, own_folder, *held)
        downloads, answers = self.downloads, self.answers
        self.explaining = Explaining(WhyParts(
            self.node, picture, around, own_folder, self.publishing, following, downloads,
            self.receiving, self.commits, self.progress, self.replica_check, answers,
        ))  # fmt: skip
        return Viewer(self.node, around, picture, own_folder, downloads, answers)

    def start(self) -> None:
        """Begin, from what the index holds."""
        kept = self.membership.start()
        self.key_exchange.start()
        self.admission_policy.start(kept=kept)
        self.renaming.start()
        self.circle.restart()
        self.clones.start()
        self.doubled_owners.start()
        self.discovery.start()
        self.own_folder.start(marked=kept)
        self.undelivered.start()
        take_up_frosts(self.following, self.node)
        self.receiving.start()
        self.loss_breaker.start()
        self.bringing_back.start()
        self.index_upkeep.start()
        self.scrub.start()
        self.node.do(LookAround())
        self.node.index.drop_all_staged()  # last: should that fail, all has begun

    def recover(self) -> None:
        """The index failed and works again: memory may be ahead of it, so look at all once more."""
        if not self.admission_policy.lonely:  # else the group may be one not to be written down
            self.membership.recover()
        self.own_folder.forget_work()  # what it waits for may have been told, and be lost
        self.publishing.older.recover()
        self.own_folder.scan()
        self.replica_check.restart()
        self.announcing.recover()
        end_fetches(self.node, self.downloads, self.following)
        self.receiving.start()
        self.loss_breaker.start()
        self.bringing_back.start()
        self.scrub.restart()
