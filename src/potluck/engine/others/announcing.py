"""Announcing: telling the others which manifests are held here, and finding out what was missed.

Strategy: a head goes to everybody when it is new: an own one to all links, another's only to those
who cannot have it from its owner. Lost pushes are found by the digest of all heads in every probe:
who differs is asked, at first at once and then ever less often, and everyone asks *last* every ten
seconds, as the seed does. What stands on this disk of each manifest (KEPT) is told whole when a
link opens, and what changed of it at most once a second, or at once when nothing is lacking any
more: somebody may be waiting to switch off. What of it has no room on this disk is told with it, so
that who waits for it knows why, and taken back when there is room. So is what stays here as it was
though its owner took it away, until a person confirms that. While something of the own folder seems
to be gone, and is looked for once more, what was said of that is taken back. When the share goes
offline all that was said is taken back at once, of the own manifest too, and said again when it is
back.

Guarantees: nobody is told a head before the index that it describes is on the disk; equal digests
cost nothing. Limits: telling only; what is heard is followed by engine/others/following.py. That
the share is offline is said when it is noticed; of an empty manifest nothing can be taken back.
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Protocol, TypeVar

from blake3 import blake3

from potluck.core import limits
from potluck.core.content.facts import NOTHING, Amount, ManifestName
from potluck.core.content.last_words import at_most
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import (
    Gap,
    Head,
    Heads,
    HeadsAsk,
    HeldBack,
    Holding,
    Kept,
    encode,
)
from potluck.engine.node import Node, Peer
from potluck.engine.others.following import Following
from potluck.engine.others.frozen_heads import is_frozen
from potluck.engine.others.head_sizes import HeadSizes

DIGEST_PATIENCE_S = 0.2  # a difference shorter than this is a push under way
# between two questions about one difference; doubled each time, up to limits.HEADS_ASK_S
ASK_AGAIN_S = 1.0
KEPT_SOON_S = 0.2  # between two tellings of which the later says that nothing is lacking any more
HEADS_DIGEST_BYTES = 8  # of the digest of all heads: it only finds differences, it proves nothing


T = TypeVar("T")


@dataclass(slots=True)
class Difference:
    """Another node's digest of heads goes on differing from ours."""

    ask_s: float  # when to ask (again)
    wait_s: float = ASK_AGAIN_S  # how long to wait after that


class Neighbour(Protocol):
    """Whoever knows the node that is asked now and then (engine/ring/circle.py)."""

    def last(self) -> DeviceId:
        """Return the node before us in the ring; ourselves in a ring of one."""


class PartlyHere(Protocol):
    """Whoever knows the contents on their way (engine/others/progress.py)."""

    @property
    def fetching(self) -> bool:
        """Whether anything is on its way."""

    def unsettled(self) -> Container[ManifestName]:
        """Return the folders in which something is still to be put in place, or taken away."""

    @property
    def doubted(self) -> bool:
        """Whether what is here of the own folder is not known: something of it is looked for."""

    def lacking(self) -> Mapping[ManifestName, Amount]:
        """Return what this disk lacks of each manifest that is held."""

    def skipped(self) -> Mapping[ManifestName, Amount]:
        """Return what of that is not wanted here."""

    def gaps(self) -> Mapping[ManifestName, tuple[Gap, ...]]:
        """Return what it is, by the numbers of changes, where that is known and is little."""

    @property
    def room_mark(self) -> object:
        """What changes whenever `no_room` may."""

    def no_room(self) -> Mapping[ManifestName, Amount]:
        """Return what of it is not begun, since this disk has no room for it."""

    def held_back(self) -> Mapping[ManifestName, Amount]:
        """Return what stays here as it was until a person confirms what its owner did."""


class Announcing:
    """Says what is held here, and asks what is held elsewhere."""

    def __init__(
        self, node: Node, following: Following, neighbour: Neighbour, progress: PartlyHere
    ) -> None:
        """Hold what the index holds; `following` knows who told of strangers."""
        self._node, self._following, self._neighbour = node, following, neighbour
        self._progress = progress
        self._differences: dict[DeviceId, Difference] = {}
        self._ask_last_s = -math.inf
        self._kept_s = -math.inf  # when what stands here may be told next
        self._kept_due = False
        self._complete = False  # nothing is lacking, and that is news
        self._told: dict[ManifestName, Holding] = {}  # to everybody who is linked
        self._held_told: dict[ManifestName, HeldBack] = {}  # the same, of what is held back here
        self._room_told = progress.room_mark  # of what had no room when that was told last
        self._doubt_told = False  # whether what was said last was of an own folder in doubt
        self._share_told = True  # whether what was said last was of a share that is there
        self._head_sizes = HeadSizes(node)
        self.digest = _digest(self._node.index.manifests.heads())

    def __repr__(self) -> str:
        """Return our digest, and how many differ from it."""
        return f"<Announcing {self.digest.hex()}, {len(self._differences)} differ>"

    # -- telling -----------------------------------------------------------------------------------
    def on_linked(self, device: DeviceId) -> None:
        """A control link to a member is open: say what we hold."""
        self._differences.pop(device, None)
        peer = self._node.peer(device)
        peer.kept.clear()  # it may have begun anew
        peer.held.clear()
        peer.spoke_s = None
        self._tell_heads(device)
        holdings = self._holdings()
        self._tell_kept([device], holdings, self._held_told)  # what is news is told to all
        for name, word in list(self._told.items()):
            if holdings.get(name) != word:
                del self._told[name]  # not known to everybody any more: told when it is due
                self._kept_due = True
        if len(holdings) < len(self._node.index.manifests.heads()):
            self._kept_due = True

    def on_published(self, head: Head) -> None:
        """Our own manifest has a new head: once it is on the disk everybody hears it."""
        self.digest = _digest(self._node.index.manifests.heads())
        self._head_sizes.note(head)
        if self._node.linked() and self._node.own_manifest not in self._told:
            self._kept_due = True  # that we have what we announce is said once
        for device in self._node.linked():
            self._node.say_when_durable(device, Heads([head]))

    def on_applied(self, head: Head) -> None:
        """Another manifest is held up to this head: hand it on, unless its owner can."""
        node, name = self._node, ManifestName.of(head)
        self.digest = _digest(self._node.index.manifests.heads())
        self._head_sizes.note(head)
        self._on_changed()
        if name.owner in node.linked():
            return
        for device in node.linked():
            if node.peers[device].heads.get(name, (0, 0)) < (head.generation, head.seq):
                node.say_when_durable(device, Heads([head]))

    def on_places_changed(self) -> None:
        """More (or less) stands on this disk: tell the others, at most once a second."""
        self._on_changed()

    def on_share(self) -> None:
        """The marker was checked: what an offline share holds counts for nobody."""
        if self._node.share_present is not self._share_told:
            self._share_told = self._node.share_present
            self._kept_due, self._kept_s = True, self._node.now

    # -- asking ------------------------------------------------------------------------------------
    def on_heads_ask(self, device: DeviceId, ask: HeadsAsk) -> None:
        """A member wants to know what we hold."""
        if ask.digest != self.digest:
            self._tell_heads(device)

    def on_digest(self, device: DeviceId, digest: bytes) -> None:
        """A probe told the digest of another node's heads; ask if it goes on differing."""
        now = self._node.now
        if digest == self.digest:
            self._differences.pop(device, None)
            return
        difference = self._differences.setdefault(device, Difference(now + DIGEST_PATIENCE_S))
        if now >= difference.ask_s:
            self._node.say(device, HeadsAsk(self.digest))
            difference.ask_s = now + difference.wait_s
            difference.wait_s = min(2 * difference.wait_s, limits.HEADS_ASK_S)

    def on_members(self) -> None:
        """The roster grew: ask those again who told heads of owners that were no members then."""
        for device in self._following.strangers():
            self._node.say(device, HeadsAsk(self.digest))

    def on_kept(
        self, device: DeviceId, holdings: Sequence[Holding], held: Sequence[HeldBack] = ()
    ) -> int:
        """A member told what stands on its disk; return how much came there since it did last."""
        peer, came_bytes = self._node.peer(device), 0
        if holdings or not held:  # else it said nothing of what it has
            peer.spoke_s = self._node.now
        _note_held(peer, held)
        for holding in holdings:
            name = ManifestName.of(holding)
            before = peer.kept.get(name)
            if before is not None or len(peer.kept) < limits.LIST_ITEMS:
                peer.kept[name] = holding
            if before is not None:
                came_bytes += self._head_sizes.came_bytes(before, holding)
        peer.came_s = self._node.now if came_bytes else peer.came_s
        lacking = peer.lacking_bytes
        peer.most_lacking_bytes = max(peer.most_lacking_bytes, lacking) if lacking else 0
        return came_bytes

    def recover(self) -> None:
        """The index failed for a while, so less may be held than was thought: ask everybody."""
        self.digest = _digest(self._node.index.manifests.heads())
        self._on_changed()
        for device in self._node.linked():
            self._node.say(device, HeadsAsk(self.digest))

    # -- time --------------------------------------------------------------------------------------
    def deadline(self) -> float:
        """Return when `on_tick` must be called next."""
        return min(self._ask_last_s, self._tell_s)

    def on_tick(self) -> None:
        """Ask last, tell what we keep."""
        node = self._node
        if node.now >= self._ask_last_s:
            self._ask_last_s = node.now + limits.HEADS_ASK_S
            node.say(self._neighbour.last(), HeadsAsk(self.digest))
        if node.now >= self._tell_s:
            self.tell_changed()

    @property
    def _tell_s(self) -> float:
        """When it is told next what stands here, has no room, or is held: it may be news by now.

        Sooner if nothing is lacking any more; never if all of it is told.
        """
        progress = self._progress
        news = progress.room_mark != self._room_told or _held_back(progress) != self._held_told
        news = news or progress.doubted is not self._doubt_told
        if not (self._kept_due or progress.fetching or news):
            return math.inf
        return self._kept_s - limits.KEPT_S + KEPT_SOON_S if self._complete else self._kept_s

    def _on_changed(self) -> None:
        """What stands here changed: it is to be told."""
        self._kept_due = True
        index = self._node.index
        names = map(ManifestName.of, index.manifests.heads())
        self._complete = all(
            index.needs.missing(name) == index.needs.skipped(name) for name in names
        )

    # -- summing up --------------------------------------------------------------------------------
    def tell_changed(self) -> None:
        """Tell everybody what stands here, as far as it is not what was told last.

        When that is due, or somebody is about to be answered what is here by now.
        """
        node = self._node
        self._kept_due, self._complete = False, False
        self._room_told, self._doubt_told = self._progress.room_mark, self._progress.doubted
        self._kept_s = node.now + limits.KEPT_S
        holdings, unsettled = self._holdings(), self._progress.unsettled()
        changed = {n: one for n, one in holdings.items() if self._told.get(n) != one}
        self._told |= changed
        held, before = _held_back(self._progress), self._held_told
        news = {name: one for name, one in held.items() if before.get(name) != one}
        news |= {name: HeldBack(*name, 0, 0) for name in before if name not in held}
        self._held_told = held
        self._tell_kept(node.linked(), changed, news)
        self._kept_due = len(holdings) < len(node.index.manifests.heads()) or any(
            _lacks(one) and not one.gaps for name, one in holdings.items() if name in unsettled
        )

    def _tell_heads(self, device: DeviceId) -> None:
        for heads in _chunks(self._node.index.manifests.heads()):
            self._node.say_when_durable(device, Heads(heads))

    def _tell_kept(
        self,
        devices: Sequence[DeviceId],
        holdings: Mapping[ManifestName, Holding],
        held: Mapping[ManifestName, HeldBack],
    ) -> None:
        words = (word for _, word in sorted(held.items()))
        chunks = (_chunks(list(holdings.values())), _chunks(list(words)))
        for some, kept_back in zip_longest(*chunks, fillvalue=()):
            for device in devices:
                self._node.say(device, Kept(list(some), list(kept_back)))

    def _holdings(self) -> dict[ManifestName, Holding]:
        """Return how much of each manifest stands on this disk.

        Nothing is said yet of one that lacks nothing and is still being changed, or was not looked
        at since the start: what its owner deleted may stand here, and what is known may be gone.
        Of a folder with two states under one number no word counts: it is said to stand at none; so
        is the own one in doubt.
        """
        lacking, unsettled = self._progress.lacking(), self._progress.unsettled()
        skipped, no_room = self._progress.skipped(), self._progress.no_room()
        gaps = self._progress.gaps()
        found = dict[ManifestName, Holding]()
        for head in self._node.index.manifests.heads():
            name = ManifestName.of(head)
            files, folders, size_bytes = lacking[name]
            doubted = name == self._node.own_manifest and self._progress.doubted
            if doubted or is_frozen(self._node, name):
                found[name] = Holding(*name, 0, 0, 0, 0)  # what was said of it before is taken back
            elif files or folders or name not in unsettled:
                said = (head.generation, head.seq, files, size_bytes, folders)
                skips = at_most(skipped.get(name, NOTHING), lacking[name])
                parts = (skips.files, skips.size_bytes, skips.folders)
                short = at_most(no_room.get(name, NOTHING), lacking[name].less(skips))
                room, which = (short.files, short.size_bytes), gaps.get(name, ())
                found[name] = Holding(*name, *said, *parts, *room, which, head.instance)
        return found


def _held_back(progress: PartlyHere) -> dict[ManifestName, HeldBack]:
    """Return what is held back here, and of which owners something lacks besides."""
    held = progress.held_back()
    if not held:
        return {}
    lacking, words = progress.lacking(), dict[ManifestName, HeldBack]()
    for name, one in held.items():
        size_bytes = min(one.size_bytes, limits.FILE_MAX_BYTES)
        lacks = lacking.get(name, NOTHING) != NOTHING
        words[name] = HeldBack(*name, one.files, size_bytes, lacks=lacks)
    return words


def _lacks(said: Holding) -> bool:
    return bool(said.missing_files or said.missing_folders or said.missing_bytes)


def _note_held(peer: Peer, held: Iterable[HeldBack]) -> None:
    """Remember what a member keeps as it was, for so many owners as it could have any of."""
    for one in held:
        name = ManifestName.of(one)
        if not one.files:
            peer.held.pop(name, None)
        elif name in peer.held or len(peer.held) < limits.LIST_ITEMS:
            peer.held[name] = Amount(one.files, 0, one.size_bytes)
            said = peer.kept.get(name)
            if not one.lacks and said is not None and _lacks(said):
                del peer.kept[name]  # that has come, and it says no more of that folder


def _digest(heads: Iterable[Head]) -> bytes:
    said = sorted(
        (head.owner, head.folder.value, head.generation, head.seq, head.root) for head in heads
    )
    summed = blake3(encode(said), derive_key_context="potluck heads digest v1")
    return summed.digest(length=HEADS_DIGEST_BYTES)


def _chunks(every: Sequence[T]) -> Iterator[list[T]]:
    for at in range(0, len(every), limits.HEADS_CHUNK):
        yield list(every[at : at + limits.HEADS_CHUNK])
