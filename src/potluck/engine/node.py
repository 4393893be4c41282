"""The node: what all parts of the engine share, and how they speak.

Strategy: the engine's parts are small objects over one `Node`. A part never calls another part's
insides; what it did it says to the listener it was made with, and engine/wiring.py says who that
is. Effects are appended in the order in which they must happen.

Guarantees: `when_durable` holds effects back until everything the index held at that moment is on
the disk, so nobody is told anything that a power cut could take back. Link state lives here and
only here, and so does the book of addresses (engine/ring/discovery.py writes it). Limits: no
decisions; this is state and plumbing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from potluck.core.chance import Chance
from potluck.core.content.facts import Amount, ManifestName
from potluck.core.content.joiners import JOINERS, joiner_means_something
from potluck.core.content.name_limits import PLAIN_NAMES, NameLimits
from potluck.core.content.verification import Verification
from potluck.core.group.key_ring import KeyRing
from potluck.core.group.roster import Roster
from potluck.core.keys.identity import DeviceId, DeviceKey, short_id
from potluck.core.ring.address_book import AddressBook
from potluck.core.ring.reach import Reach
from potluck.core.wire.catalogue import Address, Holding, Message
from potluck.engine.effects import Effect, MakeDurable, Send, Tell
from potluck.engine.events import LinkId, OrderId
from potluck.engine.former_labels import FormerLabels
from potluck.engine.index import Index
from potluck.engine.layout import Layout
from potluck.engine.mount_points import MountPoints
from potluck.engine.notice_board import NoticeBoard
from potluck.engine.troubles import Trouble, Troubles
from potluck.engine.withheld import WithheldOwners

ORDER_BITS = 20  # a million orders a run before the numbers of two runs could meet
RUN_PART_BYTES = 4  # of the run's random instance: the upper part of every order's number


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """What a person (or the default) decided; the engine never changes it."""

    label: str  # wished label of this device
    port: int  # TCP port this node really listens on
    open_s: float | None  # None: the door is closed; seconds it stays open, math.inf: always
    peers: tuple[Address, ...] = ()  # addresses given by hand
    sweep: bool = True  # whether the own subnet may be swept
    folder: str = ""  # shown to people only
    names: NameLimits = PLAIN_NAMES  # what its file system makes of names
    keeps_x: bool = True  # whether it keeps x bits: else what is seen of them is not so
    group_name: str = "Home"  # name of a group this device founds
    # what stands in Shared/ and is named after this host, but no label may be; as people read it
    unfit: frozenset[str] = frozenset()
    named: bool = False  # a person chose that label, it is not made from the host's name
    attended: bool = False  # a person sits at this device's prompt and can answer questions
    headless: bool = False  # a person reads its log and can answer from a shell
    older_copy: bool = False  # FOLDER does not go on from what the index knows


@dataclass(slots=True)
class Peer:
    """Another device of the group, as far as this run knows it."""

    device: DeviceId
    link: LinkId | None = None
    dialled: bool = False  # whether we dialled the link that stands
    # where its link comes from; port 0 until we know where it listens
    address: Address | None = None
    instance: bytes = b""
    # (generation, seq) it announced
    heads: dict[ManifestName, tuple[int, int]] = field(default_factory=dict)
    kept: dict[ManifestName, Holding] = field(default_factory=dict)  # said over the last link
    held: dict[ManifestName, Amount] = field(default_factory=dict)  # the same: kept as it was there
    spoke_s: float | None = None  # when it said so last
    gone_s: float | None = None  # when its last link ended
    most_lacking_bytes: int = 0  # it ever said since it last lacked nothing
    came_s: float | None = None  # when it said last that something came there

    @property
    def lacking_bytes(self) -> int:
        """How much it said last that it lacks, but for what it skips; 0 also if it said nothing."""
        said = self.kept.values()
        return sum(max(one.missing_bytes - one.skipped_bytes, 0) for one in said)


@dataclass(frozen=True, slots=True)
class Mark:
    """What waited for the disk when a transaction began."""

    held: dict[int, int]  # how many effects, by barrier
    barrier: int


class Node:
    """State that several parts of the engine need, and the effects of the call under way."""

    def __init__(
        self,
        settings: EngineSettings,
        key: DeviceKey,
        index: Index,
        chance: Chance,
        instance: bytes,
    ) -> None:
        """Know ourselves and nobody else."""
        self.settings, self.key, self.index = settings, key, index
        self.chance, self.instance = chance, instance
        self.me = key.device
        self.own_manifest = ManifestName.own(self.me)
        self.roster: Roster | None = None
        self.former = FormerLabels(index.meta)
        self.group_keys = KeyRing()
        self.layout = Layout(self)
        self.peers: dict[DeviceId, Peer] = {}
        self.link_owner: dict[LinkId, DeviceId] = {}
        self.address_book = AddressBook(self.me, chance, sweep=settings.sweep, port=settings.port)
        self.reach = Reach()
        self.firewall = ""  # the one that was seen on this machine
        self.tools: tuple[str, ...] = ()  # as in InterfacesSeen
        self.leaving = False
        # while the marker is missing nothing is placed and nothing removed
        self.share_present = True
        self.cloned = False  # another machine runs with this identity: nothing is published
        self.unmerged = False  # others hold a state of the own folder that is not known here
        self.withheld = WithheldOwners(index.meta)
        # while a folder of somebody else gets another name nothing is placed or looked at
        self.moving = False
        self.mounts = MountPoints()
        self.verification: Verification | None = None  # the last that a person wanted
        self.now = 0.0
        self.notices = NoticeBoard(self)
        self.troubles = Troubles()
        self.counters: Counter[str] = Counter()  # what was refused, unknown, unexpected, or wrong
        self._effects: list[Effect] = []
        # batch numbers outlive a run, so runs do not overlap
        self._orders = int.from_bytes(instance[:RUN_PART_BYTES], "big") << ORDER_BITS
        self._held: dict[int, tuple[Effect, ...]] = {}
        self._barrier = 0
        self._asked_barrier = 0

    def __repr__(self) -> str:
        """Say who this is, whom it is linked to and what waits for the disk."""
        linked, waits = len(self.linked()), sum(map(len, self._held.values()))
        return f"<Node {self.own_label!r}, linked={linked}, waits={waits}, leaving={self.leaving}>"

    # -- effects -----------------------------------------------------------------------------------
    def do(self, *effects: Effect) -> None:
        """Ask the world for something."""
        self._effects += effects

    @property
    def quiet(self) -> bool:
        """Whether nothing is asked for that was not taken yet."""
        return not self._effects

    def take(self) -> list[Effect]:
        """Return what was asked in this call, and begin anew."""
        if self._barrier > self._asked_barrier:
            self._asked_barrier = self._barrier
            self._effects.append(MakeDurable(self._barrier))
        effects, self._effects = self._effects, []
        return effects

    def mark(self) -> Mark:
        """Remember what waits for the disk so far."""
        held = {n: len(effects) for n, effects in self._held.items()} if self._held else {}
        return Mark(held, self._barrier)

    def undo(self, mark: Mark) -> None:
        """Forget what was to wait for the disk since `mark`: the index was rolled back.

        What was asked for directly stays: it does not depend on the index, and the parts count on
        an answer. So does what is on the disk by now.
        """
        self._held = {
            n: effects[: mark.held[n]] for n, effects in self._held.items() if n in mark.held
        }
        self._barrier = mark.barrier

    def when_durable(self, effects: Iterable[Effect]) -> None:
        """Ask for these once everything the index holds now is on the disk."""
        if self._barrier == self._asked_barrier:
            self._barrier += 1
        self._held[self._barrier] = (*self._held.get(self._barrier, ()), *effects)

    def when_settled(self, *effects: Effect) -> None:
        """Ask for these now, or after whatever waits for the disk already."""
        if self._held:
            newest = max(self._held)
            self._held[newest] = (*self._held[newest], *effects)
        else:
            self.do(*effects)

    def on_synced(self, barrier: int) -> None:
        """Everything up to that barrier is on the disk."""
        for number in sorted(number for number in self._held if number <= barrier):
            self.do(*self._held.pop(number))

    def number(self) -> OrderId:
        """Return a number for an order, a dial or a batch; never twice."""
        self._orders += 1
        return OrderId(self._orders)

    # -- speaking ----------------------------------------------------------------------------------
    def say(self, device: DeviceId, message: Message) -> bool:
        """Send a message over the control link to a device, if there is one."""
        peer = self.peers.get(device)
        if peer is None or peer.link is None:
            return False
        self.do(Send(peer.link, message))
        return True

    def say_when_durable(self, device: DeviceId, message: Message) -> None:
        """Send a message as soon as everything the index holds now is on the disk."""
        peer = self.peers.get(device)
        if peer is not None and peer.link is not None:
            self.when_durable([Send(peer.link, message)])

    def addresses_of(self, device: DeviceId) -> tuple[Address, ...]:
        """Return where a device may be reached, best first."""
        peer = self.peers.get(device)
        every = [peer.address] if peer is not None and peer.address is not None else []
        every += [*self.sighted_at(device), *self.index.addresses.of(device)]
        return tuple(dict.fromkeys(address for address in every if address.port))

    def sighted_at(self, device: DeviceId) -> list[Address]:
        """Return where a device was seen, or said to be, and may be dialled, best first."""
        book = self.address_book
        sighting = book.known.get(device)
        every = sighting.addresses if sighting is not None else []
        return [address for address in every if book.own.may_dial(device, address)]

    def linked(self) -> list[DeviceId]:
        """Return the devices with a control link, in a fixed order."""
        return sorted(device for device, peer in self.peers.items() if peer.link is not None)

    def peer(self, device: DeviceId) -> Peer:
        """Return what is known of a device in this run."""
        return self.peers.setdefault(device, Peer(device))

    def tell(
        self, code: str, text: str, *, level: str = "info", subject: str = "", command: str = ""
    ) -> None:
        """Tell the person something, or count it (engine/notice_board.py).

        `command`: what the text ends in.
        """
        tell = Tell(code, legible(text), level, subject, legible(command))
        self.notices.put(tell, self.own_label)

    # -- names -------------------------------------------------------------------------------------
    def label_of(self, device: DeviceId) -> str:
        """Return the label of a device that is or was a member, or a stranger's short id."""
        entry = self.roster.entry_of(device) if self.roster else None
        return entry.label if entry else short_id(device)

    @property
    def own_label(self) -> str:
        """The label this device has in its group."""
        entry = self.roster.entry_of(self.me) if self.roster else None
        return entry.label if entry else self.settings.label


def stewards_in(node: Node) -> list[DeviceId]:
    """Return the members whose word counts for others, the nearest to the founder first."""
    roster = node.roster
    if roster is None:
        return []
    return [device for device in roster.standing.stewards if device in roster.members]


def tell_trouble(
    node: Node, trouble: Trouble, code: str, *, shown: str = "", level: str = "warning"
) -> None:
    """Have `status` tell a trouble until it is over, and a person once for each of its reasons.

    `shown`: what its subject is called in a sentence, if not as it is.
    """
    if node.troubles.note(trouble):
        text = f"{shown or trouble.subject}: {trouble.reason}"
        if trouble.command:
            text += f"; try: {trouble.command}"
        node.tell(code, text, level=level, subject=trouble.subject, command=trouble.command)


def dialable_at(node: Node, device: DeviceId) -> tuple[Address, ...]:
    """Return where a device may be dialled, best first; nothing if it is to dial us instead."""
    return node.addresses_of(device) if node.reach.dialable(device, node.now) else ()


def legible(text: str) -> str:
    """Return a text, perhaps of strangers, with nothing in it that moves, turns or hides words."""
    if text.isprintable():  # as nearly every one is; what needs a closer look is not
        return text
    return "".join(
        letter if _is_legible(text, at) else "\N{REPLACEMENT CHARACTER}"
        for at, letter in enumerate(text)
    )


def _is_legible(text: str, at: int) -> bool:
    letter = text[at]
    return letter.isprintable() or (letter in JOINERS and joiner_means_something(text, at))
