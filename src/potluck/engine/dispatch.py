"""Dispatch: whatever happened goes to the part whose business it is.

Strategy: every fact is looked at by type, once, here, and so is every message of a member; the
order in which several parts hear of one fact is the order of the lines. A datagram is sealed (a
member speaks) or clear (anybody may have sent it); a link is a control link of a member or a
pairing link of a stranger. Whatever a member says, about anything, is a sign of life first.

Guarantees: no fact and no message of a control link is forgotten: mypy refuses a `match` that
leaves one out. Nothing a peer sends ends anything: what cannot be opened, is unknown or is
unexpected changes a counter and nothing else. Once this device has said farewell it does not hear
the network, and answers what has to be answered with no. Limits: no state but the counters, no
decisions. A BYE is no sign of life: who says it is about to be gone.
"""

from __future__ import annotations

from typing import assert_never

from potluck.core.errors import FrameTooLong, Malformed
from potluck.core.keys.identity import DeviceId
from potluck.core.keys.sealing import is_sealed
from potluck.core.wire.catalogue import (
    Address,
    Beacon,
    Bye,
    ControlMessage,
    LinkKind,
    SealedMessage,
    Unknown,
)
from potluck.engine.effects import AnswerIntroduction, Drop
from potluck.engine.events import (
    AddAsked,
    BatchPlaced,
    BatchSettled,
    BulkSearch,
    CallEnded,
    DatagramHeard,
    DialFailed,
    DiskEvent,
    DiskSilent,
    DoorAsked,
    Event,
    FetchEnded,
    FetchEvent,
    FetchHeard,
    FilesHashed,
    FilesVerified,
    FlushAsked,
    FolderEvent,
    FolderMoved,
    Imported,
    InterfacesSeen,
    IntroductionAnswered,
    IntroductionHeard,
    LeaveAsked,
    LinkClosed,
    LinkOpened,
    LogMoved,
    LogStuck,
    MadeDurable,
    ManifestHeard,
    MessageHeard,
    MountsSeen,
    NetworkEvent,
    NotDurable,
    PartsFound,
    PathStalled,
    PathsTouched,
    PersonEvent,
    PieceListHeard,
    PiecesVerified,
    RequestHeard,
    RescanAsked,
    RestlessSeen,
    ShareSeen,
    SpaceSeen,
    TopSeen,
    TransferEvent,
    TreeSeen,
    TrustSeen,
    WatchDrained,
    WatchesRefused,
)
from potluck.engine.member_messages import MemberMessages
from potluck.engine.ring.discovery import HINT
from potluck.engine.wiring import Wiring

_BREACHES = frozenset({Malformed.code, FrameTooLong.code})  # as shells/links begin their reasons


class Dispatch:
    """Hands facts and messages to the parts."""

    def __init__(self, parts: Wiring) -> None:
        """Hand them to these."""
        self._node, self._parts = parts.node, parts
        self._members = MemberMessages(parts)
        self.counters = parts.node.counters

    def __repr__(self) -> str:
        """Say how much came that nobody could use."""
        return f"<Dispatch {self.counters.total()} refused, unknown or unexpected>"

    # -- facts -------------------------------------------------------------------------------------
    def handle(self, event: Event) -> None:
        """Something happened."""
        if isinstance(event, NetworkEvent):
            self._on_network(event)
        elif isinstance(event, FolderEvent):
            self._on_folder(event)
        elif isinstance(event, TransferEvent):
            self._on_transfer(event)
        elif isinstance(event, DiskEvent):
            self._on_disk(event)
        elif isinstance(event, PersonEvent):
            self._on_person(event)
        else:
            assert_never(event)

    def _on_network(self, event: NetworkEvent) -> None:
        """Networks, datagrams and links."""
        match event:
            case InterfacesSeen():
                _on_interfaces(self._parts, event)
            case DatagramHeard():
                self._on_datagram(event)
            case LinkOpened():
                self._on_link_opened(event)
            case DialFailed():
                self._on_dial_failed(event)
            case MessageHeard():
                self._on_message(event)
            case LinkClosed():
                self._on_link_closed(event)
            case PathStalled():
                self._parts.narrow_paths.on_stalled(event)
            case TrustSeen():
                self._parts.trust_troubles.on_seen(event)
            case IntroductionHeard() | IntroductionAnswered():
                self._on_introduction(event)
            case _:
                assert_never(event)

    def _on_folder(self, event: FolderEvent) -> None:
        """What stands below Shared/; whoever asked for a look or a reading knows its order."""
        own_folder, replica_check = self._parts.own_folder, self._parts.replica_check
        match event:
            case PathsTouched():
                own_folder.on_touched(event)
                replica_check.on_touched(event)
                self._parts.strays.on_touched(event)
            case WatchDrained():
                self._parts.flushing.on_drained(event)
            case WatchesRefused() | RestlessSeen():
                own_folder.on_watcher(event)
            case MountsSeen():
                _on_mounts(self._parts, event)
            case TreeSeen():
                own_folder.on_tree(event)
                if own_folder.covered.take_news():
                    self._parts.announcing.on_places_changed()
                replica_check.on_tree(event)
            case FilesHashed():
                own_folder.on_hashed(event)
                replica_check.on_hashed(event)
                self._parts.scrub.on_hashed(event)
            case ShareSeen():
                own_folder.on_share(event)
                self._parts.announcing.on_share()
                self._parts.forgotten_folders.on_share()
                self._parts.strays.on_share(event)
            case TopSeen():
                self._parts.strays.on_top(event)
            case _:
                assert_never(event)

    def _on_transfer(self, event: TransferEvent) -> None:
        """What members ask for on bulk links, and how those links come to be."""
        match event:
            case RequestHeard():
                self._parts.link_troubles.on_served(event.peer)
                self._parts.answers.on_request(event)
            case BulkSearch():
                self._parts.bulk_calls.on_search(event)
            case CallEnded():
                self._parts.bulk_calls.on_call_ended(event)
            case _:
                self._on_fetched(event)

    def _on_fetched(self, event: FetchEvent) -> None:
        """What was fetched from members."""
        downloads, following = self._parts.downloads, self._parts.following
        match event:
            case ManifestHeard():
                following.on_page(event)
            case FetchHeard():
                following.on_heard(event)
                downloads.on_heard(event)
            case PieceListHeard():
                downloads.on_list(event)
            case PiecesVerified():
                downloads.on_pieces(event)
            case FilesVerified():
                downloads.on_files(event)
            case FetchEnded():  # of a page, or else of content
                if not following.on_ended(event):
                    downloads.on_ended(event)
            case PartsFound():
                downloads.on_parts(event)
            case _:
                assert_never(event)

    def _on_disk(self, event: DiskEvent) -> None:
        """What the disk did, and how full it is."""
        match event:
            case BatchPlaced():
                self._parts.commits.on_placed(event)
            case BatchSettled():
                self._parts.commits.on_settled(event)
            case MadeDurable():
                self._parts.durability.on_made(event)
            case NotDurable():
                self._parts.durability.on_failed(event)
            case LogStuck() | LogMoved():
                self._parts.durability.on_log(event)
            case FolderMoved():
                self._parts.moving_folders.on_moved(event)
            case SpaceSeen():
                self._parts.downloads.on_space(event)
                self._parts.following.on_space(event)
            case DiskSilent():
                self._parts.silent_disk.on_silent(event)
            case _:
                assert_never(event)

    def _on_person(self, event: PersonEvent) -> None:
        """What people want, and what came of it."""
        own_folder, imports = self._parts.own_folder, self._parts.imports
        match event:
            case AddAsked():
                imports.on_add(event, own_folder.top)
            case Imported():  # looked at, too: not every watcher notices links
                self._parts.adopting.on_imported(event)
                self._parts.succession.on_imported(event)
                self._parts.taking.on_imported(event)
                imports.on_imported(event)
                own_folder.on_imported(event.added)
            case FlushAsked():
                self._parts.flushing.on_asked(event)
            case RescanAsked():
                own_folder.scan()
                self._parts.replica_check.scan()
            case DoorAsked(open_s):
                _on_door_asked(self._parts, open_s)
            case LeaveAsked():
                _on_leave_asked(self._parts)
            case _:
                self._parts.acts.handle(event)

    # -- datagrams ---------------------------------------------------------------------------------
    def _on_datagram(self, event: DatagramHeard) -> None:
        """A datagram came, from anybody."""
        if self._node.leaving:
            return
        if not is_sealed(event.data):
            self._parts.questions.on_clear(event.data, event.source)
            return
        opened = self._parts.sealed_datagrams.open(event.data)
        if opened is not None:
            self._hear_sealed(*opened, event)
            return
        if not _is_hint(self._parts, event):
            _on_unread(self._parts, event)

    def _hear_sealed(self, device: DeviceId, message: SealedMessage, event: DatagramHeard) -> None:
        """A member said something by datagram."""
        self._parts.circle.on_heard(device, message)
        self._parts.link_troubles.on_heard(device)
        if isinstance(message, Beacon):
            self._parts.discovery.on_beacon(device, message, event.source, event.way)
            self._parts.circle.on_digest(device, message.digest)
        else:
            self._members.hear_probe(device, message, event.source)

    # -- links -------------------------------------------------------------------------------------
    def _on_dial_failed(self, event: DialFailed) -> None:
        """A dial came to nothing: one of the pairings, or else of discovery."""
        if not self._node.leaving and not self._parts.pairings.on_dial_failed(event):
            self._parts.discovery.on_dial_failed(event)

    def _on_link_opened(self, event: LinkOpened) -> None:
        """A link is ready: a stranger's goes to the pairings, a member's to discovery."""
        if self._node.leaving:
            self._node.do(Drop(event.link, "leaving"))
        elif event.kind is LinkKind.PAIRING or event.peer is None:
            self._parts.pairings.on_link_opened(event)
        elif event.peer == self._node.me:
            self._parts.own_calls.on_link_opened(event)
        else:
            self._parts.discovery.on_link_opened(event, event.peer)

    def _on_link_closed(self, event: LinkClosed) -> None:
        """A link is gone: one of the pairings, or else a member's."""
        if not event.clean and event.reason.partition(":")[0] in _BREACHES:
            self.counters["links that brought no messages"] += 1
        if self._parts.own_calls.on_closed(event.link):
            return
        if not self._parts.pairings.on_link_closed(event.link, event):
            self._parts.discovery.on_link_closed(event)

    def _on_introduction(self, event: IntroductionHeard | IntroductionAnswered) -> None:
        """Somebody unknown knocked, and shows why it is a member; or says why we are none."""
        if not self._node.leaving:
            self._parts.discovery.on_introduction(event)
        elif isinstance(event, IntroductionHeard):
            self._node.do(AnswerIntroduction(event.knock, accepted=False))

    # -- messages ----------------------------------------------------------------------------------
    def _on_message(self, event: MessageHeard) -> None:
        """A message came on a link."""
        link, message = event.link, event.message
        if self._node.leaving or isinstance(message, Bye):
            return
        if isinstance(message, Unknown):
            self.counters["messages unknown"] += 1
        elif self._parts.pairings.on_message(link, message):
            return
        if self._parts.discovery.rivals.on_message(link, message):
            return
        device = self._node.link_owner.get(link)
        if device is None:
            self._parts.own_calls.on_message(link, message)
            return
        self._parts.circle.on_heard(device, message)
        self._parts.link_troubles.on_said(device)
        if isinstance(message, ControlMessage):
            self._members.hear(device, message)
        elif not isinstance(message, Unknown):
            self.counters[f"unexpected {type(message).__name__}"] += 1


def _on_door_asked(parts: Wiring, open_s: float | None) -> None:
    """The person opens the door, and wants to know who is near, or closes it."""
    if not parts.node.leaving:
        parts.admission_policy.on_door_asked(open_s)
        if parts.admission_policy.is_open:
            parts.questions.ask_around()


def _on_mounts(parts: Wiring, event: MountsSeen) -> None:
    """Something was mounted below FOLDER, or is no more."""
    changed = parts.node.mounts.on_seen(event)
    parts.own_folder.covered.on_mounts(changed)
    parts.replica_check.on_mounts(changed)
    parts.receiving.setbacks.hurry_below(changed)


def _on_leave_asked(parts: Wiring) -> None:
    """A person wants this device to end: whoever waits for something of it hears that first."""
    parts.joining.on_leaving()
    parts.pairings.on_leaving()
    parts.adopting.on_leaving()
    parts.taking.on_leaving()
    parts.farewell.on_leave_asked()


def _is_hint(parts: Wiring, event: DatagramHeard) -> bool:
    """Say whether a datagram is good for a dial, and for nothing else, and have it dialled."""
    if (hinted := parts.sealed_datagrams.hint(event.data)) is not None:
        parts.discovery.on_beacon(*hinted, event.source, HINT)
        return True
    if (called := parts.sealed_datagrams.own_call(event.data)) is not None:
        parts.own_calls.on_call(Address(event.source.host, called.port))
        return True
    return False


def _on_unread(parts: Wiring, event: DatagramHeard) -> None:
    """A sealed datagram came that nobody here can read, or may."""
    parts.removed_callers.on_unread(event.data, event.source)
    parts.node.counters["datagrams refused"] += 1
    if parts.sealed_datagrams.is_foreign(event.data):
        parts.admission_policy.on_foreign()
        parts.questions.on_foreign(event.source, len(event.data))


def _on_interfaces(parts: Wiring, event: InterfacesSeen) -> None:
    """Our networks are these now."""
    if not parts.node.leaving:
        parts.circle.on_addresses(parts.discovery.on_interfaces(event))
