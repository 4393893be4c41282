"""Held elsewhere: what the others are known to have of own files that are not here.

Strategy: a device says how many files of a list it lacks, and which if they are few. Who lacks none
of a list in which these files stand has them all, and so has who lacks others; who lacks fewer than
these are has some of them at least; of everybody else nothing is known. Folders are counted alone
where there are no files.

Guarantees: nothing is said of a device but what follows from its word about such a list, and of
one that is away it is called its last word. Limits: what a device says of itself is believed; while
another machine runs with this identity, or a lost state is not merged, no word counts.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from itertools import takewhile

from potluck.core.content.gaps import lacking_of
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import FileRecord, Holding, Kind
from potluck.core.wording import listed, set_off
from potluck.engine.counted_words import word_of
from potluck.engine.node import Node, Peer


@dataclass(frozen=True, slots=True)
class HeldElsewhere:
    """What is known of it, in labels of devices."""

    all_on: tuple[str, ...] = ()  # linked, and has all of it
    some_on: str = ""  # linked, and has at least …
    some: int = 0  # … so much of it, the most that is known of one
    all_by_last_word: tuple[str, ...] = ()  # away, and had all of it
    away: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()  # linked, and has not spoken yet of a list that it is in
    others: int = 0  # devices of the group

    @property
    def by_nobody(self) -> bool:
        """Whether every other device is linked and has spoken, and none is known to have any."""
        return not (self.all_on or self.some or self.away or self.silent)

    @property
    def words(self) -> str:
        """All that is known, as a part of a sentence."""
        if self.all_on:
            return f"{listed(self.all_on)} {_verb(self.all_on, 'has', 'have')} all of it"
        if self.some:
            return f"{self.some_on} has some of it, {self.some:,} at least"
        if self.all_by_last_word:
            had = self.all_by_last_word
            last = _verb(had, "is away, and by its last word", "are away, and by their last words")
            return f"{listed(had)} {last} had all of it"
        notes = list[str]()
        if self.away:
            notes.append(f"{listed(self.away)} {_verb(self.away, 'is', 'are')} away")
        if self.silent:
            notes.append(f"{listed(self.silent)} {_verb(self.silent, 'has', 'have')} not said yet")
        if not self.others:
            return "there is no other device in the group that could have it"
        note = f" ({', '.join(notes)})" if notes else ", and all are linked"
        return f"no other device is known to have any of it{note}"


def held_elsewhere(node: Node, records: Collection[FileRecord]) -> HeldElsewhere:
    """Return what the others are known to have of these records of the own list."""
    newest_seq = max((one.seq for one in records), default=0)
    all_on, had, away, silent = list[str](), list[str](), list[str](), list[str]()
    most = (0, "")
    roster = node.roster
    members = roster.members if roster is not None else ()
    others = sorted((set_off(node.label_of(one)), one) for one in members if one != node.me)
    for label, device in others:
        peer = node.peers.get(device)
        said = _word_of(node, device, newest_seq)
        has, is_all = (0, False) if said is None else _has(said, records)
        if peer is None or peer.link is None:
            away.append(label)
            had += [label] if is_all else []
        elif is_all:
            all_on.append(label)
        elif said is None:
            silent.append(label)
        else:
            most = max(most, (has, label))
    some, some_on = most
    found = (tuple(all_on), some_on, some, tuple(had), tuple(away), tuple(silent))
    return HeldElsewhere(*found, others=len(others))


def is_lacked(node: Node) -> bool:
    """Say whether a device says, or said last, that it lacks any file of the own list."""
    words = (peer.kept.get(node.own_manifest) for peer in _others(node))
    return any(said is not None and said.missing_files > 0 for said in words)


def held_by_nobody(node: Node, records: Collection[FileRecord]) -> list[FileRecord]:
    """Return which of these files of the own list no linked device is known to have, where a device
    says, or said last, that it lacks them, or lacks some and does not say which.
    """
    lacked, had = set[int](), set[int]()
    for peer in _others(node):
        said = _word_of(node, peer.device, 0)
        if said is None:
            continue
        seqs = {one.seq for one in records if one.kind is Kind.FILE and one.seq <= said.seq}
        vague = said.missing_files and not said.gaps
        lacks = seqs if vague else {*lacking_of(said.gaps, seqs)}
        lacked |= lacks
        if peer.link is not None:
            had |= seqs - lacks
    return [one for one in records if one.seq in lacked - had]


def common_path(paths: Collection[bytes]) -> bytes:
    """Return the path at or below which all of these are; of a single one itself."""
    parts = [path.split(b"/") for path in paths]
    same = takewhile(lambda pair: pair[0] == pair[1], zip(min(parts), max(parts), strict=False))
    return b"/".join(one for one, _ in same)


def _others(node: Node) -> list[Peer]:
    roster = node.roster
    members = roster.members if roster is not None else ()
    peers = (node.peers.get(one) for one in members if one != node.me)
    return [peer for peer in peers if peer is not None]


def _word_of(node: Node, device: DeviceId, newest_seq: int) -> Holding | None:
    """Return what a device said of a list in which all up to a number stand as they do here."""
    peer, head = node.peers.get(device), node.index.manifests.head(node.own_manifest)
    said = word_of(node, peer, node.own_manifest) if peer is not None else None
    if said is None or head is None or node.cloned or node.unmerged:
        return None
    same = said.generation == head.generation and newest_seq <= said.seq <= head.seq
    return said if same else None


def _has(said: Holding, records: Collection[FileRecord]) -> tuple[int, bool]:
    """Return how many of these a device has at least, and whether that is all."""
    files = sum(one.kind is Kind.FILE for one in records)
    if said.gaps:
        lacks = {*lacking_of(said.gaps, (one.seq for one in records))}
        has = [one.kind is Kind.FILE for one in records if one.seq not in lacks]
        return sum(has) if files else len(has), not lacks
    folders = len(records) - files
    some = max(files - said.missing_files, 0)
    some_folders = max(folders - said.missing_folders, 0)
    every_file = not files or said.missing_files == 0
    every_folder = not folders or said.missing_folders == 0
    return some if files else some_folders, every_file and every_folder


def _verb(labels: Collection[str], one: str, several: str) -> str:
    return one if len(labels) == 1 else several
