"""The picture: what is known of who holds what, gathered from the parts when somebody asks.

Strategy: `core/content/knowledge.py` says what follows from a picture; this module says where each
fact comes from: heads and counts from the index, newer heads from those who follow them, the words
of other devices (KEPT) from their peers, what is open from the own folder, and what a person has to
see to from the register of troubles.

Of an owner that contradicted itself a number may be of either content, and what one says beyond all
bounds is heard and not held: neither folder stands here whole.

Guarantees: nothing is changed, nothing is computed that the index does not keep up to date, but for
what went last of the own folder, once for each head (engine/own/last_change.py). Limits: costs one
look at each manifest and each device; asked for a few times a second.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from potluck.core.content.facts import NOTHING, Amount, ManifestName
from potluck.core.content.knowledge import (
    DeviceKnown,
    Incoming,
    Knowledge,
    ManifestKnown,
    Obstacle,
    OwnWork,
    State,
)
from potluck.core.content.last_words import HeadNumber, LastWord, at_most
from potluck.core.content.only_there import own_only_here
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import Head, Holding
from potluck.core.wording import typable
from potluck.engine.counted_words import counted_word
from potluck.engine.node import Node
from potluck.engine.others.disk_room import SPACE
from potluck.engine.others.following import Following
from potluck.engine.others.frozen_heads import last_head
from potluck.engine.others.hindrances import command_of
from potluck.engine.others.progress import Progress
from potluck.engine.others.pursuit import Pursuit, PursuitState
from potluck.engine.own.own_folder import OwnFolder
from potluck.engine.own.undelivered import Undelivered
from potluck.engine.troubles import Trouble, TroubleKind
from potluck.engine.views.neighbourhood import Neighbourhood


class Picture:
    """Gathers what is known."""

    def __init__(
        self,
        node: Node,
        neighbourhood: Neighbourhood,
        own_folder: OwnFolder,
        following: Following,
        progress: Progress,
        undelivered: Undelivered,
    ) -> None:
        """Look at these parts."""
        self._undelivered = undelivered
        self._node, self._neighbourhood, self._own_folder = node, neighbourhood, own_folder
        self._following, self._progress = following, progress

    def knowledge(self) -> Knowledge:
        """Return the whole picture."""
        return Knowledge(
            me=self._node.me,
            manifests=tuple(self.manifests()),
            devices=tuple(self.devices()),
            own_work=self._own_work(),
            incoming=self._incoming(),
            hindrances=tuple(self._hindrances()),
            doubled=bool(self._node.troubles.count(TroubleKind.CLONE)),
            index_fails=bool(self._node.troubles.count(TroubleKind.INDEX)),
            my_label=self._node.own_label,
            can_undo=self.can_undo,
            untold=self._own_folder.untold.waiting if self._node.cloned else NOTHING,
        )

    @property
    def can_undo(self) -> bool:
        """Whether something is kept elsewhere as it was here, and what went here can come back."""
        mine, peers = self._node.own_manifest, self._node.peers.values()
        return any(mine in one.held for one in peers) and self._own_folder.last_change.can_undo

    def only_here(self, knowledge: Knowledge) -> Amount:
        """Return how much of mine no other device is, or was, known to have, at most.

        By words about all of it, and by those that were said of each file since it is shared.
        """
        now, ever = own_only_here(knowledge), self._undelivered.amount
        return now if self._undelivered.is_full else min(now, ever)

    def manifests(self) -> Iterator[ManifestKnown]:
        """Yield what is known of every manifest that is held, or heard of."""
        lacking, skipped = self._progress.lacking(), self._progress.skipped()
        no_room = self._progress.no_room()
        held = {ManifestName.of(head): head for head in self._node.index.manifests.heads()}
        pursuits = self._following.pursuits
        pursuits = {name: one for name, one in pursuits.items() if name != self._node.own_manifest}
        for name in sorted(held.keys() | pursuits.keys() | _frozen(self._node)):
            pursuit, head = pursuits.get(name), held.get(name)
            heard = _heard(pursuit, head)
            roster = self._node.roster
            last = roster.settled_at(name.owner) if roster is not None else None
            if last is not None:  # also while nobody told of it
                heard = HeadNumber(last.generation, last.seq)
            if heard is not None:
                known = self._manifest(name, heard, head, lacking.get(name, NOTHING))
                skips = skipped.get(name, NOTHING)
                wanted = known.missing.less(at_most(skips, known.missing))
                short = at_most(no_room.get(name, NOTHING), wanted)
                yield replace(known, skipped=skips, no_room=short)

    def devices(self) -> Iterator[DeviceKnown]:
        """Yield what is known of every other member."""
        roster = self._node.roster
        heads = {ManifestName.of(head): head for head in self._node.index.manifests.heads()}
        for device in sorted(roster.members) if roster is not None else ():
            if device != self._node.me:
                yield self._device(device, heads)

    def _own_work(self) -> tuple[OwnWork, ...]:
        """Return what is open about the own folder, what somebody else is doing there included."""
        written = (OwnWork.WRITTEN,) if self._own_folder.written else ()
        unseen = () if self._node.share_present else (OwnWork.UNSEEN,)  # elsewhere, if anywhere
        merging = (OwnWork.MERGING,) if self._node.unmerged else ()
        return (*unseen, *merging, *self._own_folder.work, *written)

    def _manifest(
        self, name: ManifestName, heard: HeadNumber, held: Head | None, missing: Amount
    ) -> ManifestKnown:
        node, number = self._node, None if held is None else number_of(held)
        kept = name in self._progress.held
        whole = node.index.manifests.amount(name)
        pursuit = self._following.pursuits.get(name)
        forked = pursuit is not None and _has_two_states(pursuit)
        if name == node.own_manifest:
            forked = node.unmerged
        known = ManifestKnown(name, heard, number, whole, missing, kept=kept, forked=forked)
        if last_head(node, name) is None:
            return known
        stuck = self._progress.in_vain(name)
        if number != heard:
            stuck = pursuit is None or pursuit.newest is None  # nobody told of that list
        return replace(known, removed=node.layout.name_of(name.owner), stuck=stuck)

    def _device(self, device: DeviceId, heads: Mapping[ManifestName, Head]) -> DeviceKnown:
        node, peer = self._node, self._node.peers.get(device)
        label = node.label_of(device)
        if peer is None:
            return DeviceKnown(device, label, here=False, said={})
        said = {
            name: last_word_of(counted_word(node, holding, heads.get(name)))
            for name, holding in peer.kept.items()
        }
        here, away_s = self._neighbourhood.is_here(device), None
        if peer.link is None and peer.gone_s is not None:
            away_s = node.now - peer.gone_s
        shares = node.index.manifests.amount(ManifestName.own(device))
        known = DeviceKnown(device, label, here, said, away_s, shares, held=dict(peer.held))
        if not known.offline:
            return known
        holds = any(self._has_some(name, said[name]) for name in said if name.owner != device)
        return replace(known, holds_others=holds)

    def _has_some(self, name: ManifestName, word: LastWord) -> bool:
        """Say whether by that word something of a folder, as it is held here, is there."""
        manifests = self._node.index.manifests
        head = manifests.head(name)
        if head is None or number_of(head) != word.number:
            return False
        return word.missing.files < manifests.amount(name).files

    def _incoming(self) -> Incoming:
        """Return what is done about what is lacking here."""
        node, pursuits = self._node, self._following.pursuits
        requests = [pursuit.request for pursuit in pursuits.values()]
        asked = {request.source for request in requests if request is not None}
        sample = self._progress.sample()
        path, here_bytes = ("", 0) if sample is None else (str(sample[0]), sample[1])
        return Incoming(
            senders=tuple(self._progress.senders()),
            asked=tuple(sorted(map(node.label_of, asked))),
            placing=self._progress.placing,
            sample=path,
            sample_bytes=here_bytes,
            absent=Amount.total(self._progress.absent.values()),
            unseen=tuple(sorted(node.label_of(name.owner) for name in self._progress.unseen)),
        )

    def _hindrances(self) -> Iterator[Obstacle]:
        """Yield what a person has to see to, the most important first."""
        if not self._node.share_present:
            share = self._own_folder.share
            why = share.unwritten.why if share.unwritten is not None else ""
            command = command_of(why, self._node.settings.folder) or share.command
            yield Obstacle(State.TROUBLE, share.offline_words, command)
        if self._progress.paused or not self._progress.fetching:  # else what has room arrives
            full = (one for one in self._node.troubles.of(TroubleKind.DISK) if one.subject == SPACE)
            yield from (Obstacle(State.PAUSED, one.reason, one.command) for one in full)
        asked = self._neighbourhood.asked
        if asked is not None:
            yield Obstacle(
                State.WAITING, asked.question, f"approve {typable(asked.name, asked.id)}"
            )
        elif (stands := self._neighbourhood.unfinished) is not None:
            yield Obstacle(State.WAITING, stands.standing, "pending")
        elif self._neighbourhood.waits:
            words, command, wrong = self._neighbourhood.waiting_for()
            yield Obstacle(State.TROUBLE if wrong else State.WAITING, words, command)
        for trouble in self._node.troubles.all():
            if trouble.wrong:
                yield _obstacle(trouble)


def _heard(pursuit: Pursuit | None, held: Head | None) -> HeadNumber | None:
    """Return the newest state of a folder that was heard of, also of one that is not followed."""
    if pursuit is not None and pursuit.state is PursuitState.FROZEN and held is None:
        return HeadNumber(pursuit.frozen_in, 0)
    newest = pursuit.newest if pursuit is not None else None
    if pursuit is not None and pursuit.state is PursuitState.TOO_LARGE:
        newest = pursuit.excess
    newest = newest or held
    return number_of(newest) if newest is not None else None


def _has_two_states(pursuit: Pursuit) -> bool:
    """Say whether a number of that folder may be of either of two states."""
    return bool(pursuit.forked) or pursuit.state is PursuitState.FROZEN


def _frozen(node: Node) -> set[ManifestName]:
    """Return the folders of removed devices that stay."""
    former = node.roster.former if node.roster is not None else {}
    names = map(ManifestName.own, former)
    return {name for name in names if last_head(node, name) is not None}


def number_of(head: Head) -> HeadNumber:
    """Return which state of its manifest a head is."""
    return HeadNumber(head.generation, head.seq)


def last_word_of(holding: Holding) -> LastWord:
    """Return what a device said of one manifest, in the words of core."""
    missing = Amount(holding.missing_files, holding.missing_folders, holding.missing_bytes)
    skipped = Amount(holding.skipped_files, holding.skipped_folders, holding.skipped_bytes)
    no_room = Amount(holding.no_room_files, 0, holding.no_room_bytes)
    number = HeadNumber(holding.generation, holding.seq)
    return LastWord.of(number, missing, skipped, no_room).with_gaps(holding.gaps)


def _obstacle(trouble: Trouble) -> Obstacle:
    return Obstacle(State.TROUBLE, f"{trouble.subject}: {trouble.reason}", trouble.command)
