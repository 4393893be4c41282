"""The roster: who belongs to the group, and how everybody is called.

Strategy: merging two rosters is the union of two sets of statements (core/group/statements.py), and
pure rules judge the set. A statement whose signer is not (yet) known as a member waits and is
judged again when the set grows. Of several admissions of one device the one nearest to the founder
counts, then that of the member that ranks first, then the smaller hash, so chains never close to a
circle; a rank follows from the ranks of those before, down to the hashes of what the founder
signed, so nobody improves the rank of a newcomer by trying many records. Who wishes for a label
that one of a better rank has gets its own short id behind it. Statements of a newer version's kinds
are kept and handed on unread.

**What is in force.** Rules over a set alone cannot keep a name: whoever signs "Y is called laptop"
today can sign the same bytes as last year, and of X and Y, both let in as `laptop` by members that
did not know of each other, no rule that looks at the set alone can leave the name to whichever was
first, as the set is the same. Hence a memory: `settle` puts in force what is derived now. From then
on a member keeps its admission, keys and label here, and a newcomer whose wish is taken is the one
that gets its id behind it. The memory is the order of `records()`: first what came into force, in
that order, then the rest. Whoever keeps the records in this order gets the same roster back by
`replay`, and so does a newcomer from the member that let it in.

Only the founder, who is the steward of the group, changes what is in force: its own admission of a
device counts before any other's, with the label it says, unless another device has that here. A
label that a device once had here is nobody else's here, so no folder passes from one to another.

Guarantees: unsettled, the members follow from the set alone. Settled, no statements but the
founder's change the admission, keys or label of a member, in whatever order they come (proof: of a
settled device `_open` keeps the founder's admissions alone, and `_derive` starts from a copy of the
rest). Nobody is a member without an unbroken chain of signatures from the founder; labels are
distinct by collision key; group id = BLAKE3 of the genesis body. No member fills the roster
(core/group/lines.py), and what waits for its signer is bounded for each sender
(core/group/waiting.py); beyond these bounds what came first stays, since any rule over the set
would let a member put out those it let in earlier, by letting in more.
Limits: two devices that learned of two admissions in different order may each call another one
`laptop`, until the founder (later: a rename) says otherwise. The group key stands in the genesis
body: whoever holds the roster can read the group's datagrams, and only members hold it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import assert_never

from blake3 import blake3

from potluck.core import limits
from potluck.core.content.paths import collision_key, why_unsafe
from potluck.core.errors import Malformed
from potluck.core.group.lines import Allotment, are_apart
from potluck.core.group.statements import (
    FORBIDDEN_LABELS,
    Admit,
    Genesis,
    MemberEntry,
    entry_of,
    group_id,
    is_signed,
    read_statement,
    record_hash,
)
from potluck.core.group.waiting import WaitingStatements
from potluck.core.keys.identity import DeviceId, short_id, verify
from potluck.core.wire.catalogue import RosterRecord, Unknown

RECORDS_MAX = 1200  # room for an office of 500 beside all that the line of one member can hold
FOUNDERS_ROOM = 300  # more that only the founder's own word may take, whoever filled the rest
_SUFFIX_BYTES = 5  # behind a label that somebody has already: -2 to -9999


class Roster:
    """One group's statements and the members that follow from them."""

    def __init__(self, genesis: RosterRecord) -> None:
        """Begin with the genesis record; raises Malformed unless its founder signed it."""
        said = read_statement(genesis)
        if not isinstance(said, Genesis):
            raise Malformed("a roster begins with a genesis record")
        founder = entry_of(said, genesis)
        if (
            founder is None
            or founder.device != genesis.by
            or not is_signed(genesis, founder.public_key)
        ):
            raise Malformed("the genesis record is not signed by its founder")
        self.group = group_id(genesis)
        self.name = said.name
        self.group_key = said.key
        self._founder = founder
        self._members = {founder.device: founder}
        self._records = {record_hash(genesis): genesis}
        self._signed: Counter[DeviceId] = Counter()  # how many of the records are of whom
        self._waiting = WaitingStatements()
        self.void = 0  # members' statements that came and say nothing possible
        # what is in force: entries, who has which label by its key, by which records it came
        self._settled = {founder.device: founder}
        self._names = {collision_key(founder.label): founder.device}
        self._history = [record_hash(genesis)]
        self._open: dict[bytes, MemberEntry] = {}  # admissions that may change who is a member

    @classmethod
    def replay(cls, records: Sequence[RosterRecord]) -> Roster:
        """Return the roster with these `records()`, the genesis first; raises Malformed.

        What is in force there is in force here. Whoever kept the records has judged how many.
        """
        genesis, *others = records
        roster = cls(genesis)
        for record in others:
            roster._unite([record], None)
            roster.settle()
        return roster

    def __repr__(self) -> str:
        members, records = len(self._members), len(self._records)
        return f"<Roster {self.name!r}: {members} members, {records} records, {self.void} void>"

    # -- reading -----------------------------------------------------------------------------------
    @property
    def members(self) -> dict[DeviceId, MemberEntry]:
        """The members by device id; labels are distinct by collision key."""
        return self._members

    @property
    def founder(self) -> DeviceId:
        """The device that made the group."""
        return self._founder.device

    def records(self) -> list[RosterRecord]:
        """Return every statement that stands: the genesis, what came into force, the rest."""
        return self.since(frozenset())

    def since(self, known: frozenset[bytes]) -> list[RosterRecord]:
        """Return the statements whose hashes are not among those, in the same order."""
        order = dict.fromkeys([*self._history, *self._records])
        return [self._records[each] for each in order if each not in known]

    @property
    def hashes(self) -> frozenset[bytes]:
        """The hashes of every statement that stands."""
        return frozenset(self._records)

    @property
    def digest(self) -> bytes:
        """32 bytes that differ when two rosters differ."""
        return blake3(b"".join(sorted(self._records))).digest()

    def chain(self, device: DeviceId) -> list[RosterRecord]:
        """Return the admissions that lead from the founder to `device`, the founder's act first."""
        chain: list[RosterRecord] = []
        entry = self._members.get(device)
        while entry is not None and entry.device != self.founder:
            chain.append(entry.record)
            entry = self._members.get(entry.admitted_by)
        return chain[::-1]

    def verify(self, device: DeviceId, purpose: bytes, data: bytes, signature: bytes) -> bool:
        """Say whether a signature is a member's; it is not if the device is no member."""
        entry = self._members.get(device)
        return entry is not None and verify(entry.public_key, purpose, data, signature)

    def are_apart(self, one: DeviceId, other: DeviceId) -> bool:
        """Say whether two members cannot be one member and its inventions."""
        return are_apart(one, other, self._members, self.founder)

    def free_label(self, wish: str) -> str:
        """Return `wish`, with -2, -3 … if a member has it; an unsafe wish becomes `device`.

        A wish is kept whole if it is free; one that leaves no room for the number is cut for it.
        """
        labels = {collision_key(entry.label) for entry in self._members.values()}
        taken = FORBIDDEN_LABELS | self._names.keys() | labels
        fits = len(wish.encode()) <= limits.LABEL_BYTES
        label = base = wish if fits and not why_unsafe(wish) else "device"
        number = 1
        while collision_key(label) in taken:
            number += 1
            room = limits.LABEL_BYTES - _SUFFIX_BYTES
            short = base.encode()[:room].decode(errors="ignore").rstrip(" .")
            label = f"{short}-{number}"
        return label

    # -- growing -----------------------------------------------------------------------------------
    def add(self, records: Iterable[RosterRecord], sender: bytes = b"") -> list[MemberEntry]:
        """Unite with other statements; return the members that are new. Bad ones are left out.

        `sender` is the device that showed them, empty for whoever has no name yet.
        """
        before = set(self._members)
        self._unite(records, Allotment(self._members, self.founder, self._signed), sender)
        return [entry for device, entry in self._members.items() if device not in before]

    def settle(self) -> None:
        """Put in force what is derived now: admissions, keys and labels stay as they are."""
        for device, entry in self._members.items():
            if self._settled.get(device) is not entry:
                self._settled[device] = entry
                self._names[collision_key(entry.label)] = device
                self._history.append(record_hash(entry.record))
        self._open = {h: entry for h, entry in self._open.items() if self._is_word(h, entry)}

    def _unite(
        self, records: Iterable[RosterRecord], allotment: Allotment | None, sender: bytes = b""
    ) -> None:
        count = len(self._open)
        for record in records:
            known = record_hash(record)
            if known in self._records:
                continue
            if record.by in self._members:
                self._judge(known, record, allotment)
            else:
                self._waiting.add(known, record, sender)
        while ready := self._waiting.take(self._members):
            for known, record in ready:
                self._judge(known, record, allotment)
        if len(self._open) > count:
            self._derive()

    def _judge(self, known: bytes, record: RosterRecord, allotment: Allotment | None) -> None:
        """Take a member's statement into the set, if it is signed and says something possible."""
        signer = self._members[DeviceId(record.by)]
        most = RECORDS_MAX + (FOUNDERS_ROOM if signer.device == self.founder else 0)
        if len(self._records) >= most or not is_signed(record, signer.public_key):
            return
        try:
            said = read_statement(record)
        except Malformed:
            self.void += 1
            return
        entry = None
        match said:
            case Admit():
                entry = entry_of(said, record)
                self.void += entry is None
                if entry is None or said.group != self.group:
                    return
            case Unknown():
                pass
            case Genesis():
                return  # a group has one
            case _:
                assert_never(said)
        if allotment is not None and not allotment.take(signer.device):
            return
        self._records[known] = record
        self._signed[signer.device] += 1
        if entry is None:
            return
        if entry.device not in self._settled or self._is_word(known, entry):
            self._open[known] = entry
        # enough to judge those it admits; _derive has the last word
        self._members.setdefault(entry.device, entry)

    def _is_word(self, known: bytes, entry: MemberEntry) -> bool:
        """Say whether an admission of a settled member is the founder's word, which counts."""
        settled = self._settled[entry.device]
        if entry.admitted_by != self.founder or entry.device == self.founder:
            return False
        return settled.admitted_by != self.founder or known < record_hash(settled.record)

    def _derive(self) -> None:
        """Find the members anew: first what is in force, then what the founder says of it, then
        the others, by generations from the founder, each in the order of ranks.
        """
        members, names = dict(self._settled), dict(self._names)
        by_signer: dict[DeviceId, list[MemberEntry]] = {}
        words: dict[DeviceId, MemberEntry] = {}
        for _, entry in sorted(self._open.items()):
            if entry.device in self._settled:
                words.setdefault(entry.device, entry)
            else:
                by_signer.setdefault(entry.admitted_by, []).append(entry)
        for device, settled in self._settled.items():
            if device in words:
                members[device] = _reworded(words[device], settled, names)
        generations = _generations(members, self.founder)
        for number, generation in enumerate(generations, 1):
            for entry in (entry for parent in generation for entry in by_signer.get(parent, ())):
                if entry.device not in members:
                    members[entry.device] = _named(entry, names)
                    _append(generations, number, entry.device)
        self._members = members


def _named(entry: MemberEntry, names: dict[str, DeviceId]) -> MemberEntry:
    """Give a device the label it wishes for; if another has it, with its short id behind."""
    label = entry.wish
    while names.setdefault(collision_key(label), entry.device) != entry.device:
        label = f"{label}-{short_id(entry.device)}"
    return replace(entry, label=label)


def _reworded(word: MemberEntry, settled: MemberEntry, names: dict[str, DeviceId]) -> MemberEntry:
    """Return a member by the founder's word; its label changes only with the wish."""
    if word.wish == settled.wish:
        return replace(word, label=settled.label)
    return _named(word, names)


def _generations(members: dict[DeviceId, MemberEntry], founder: DeviceId) -> list[list[DeviceId]]:
    """Return the members by their distance from the founder, each generation in its order."""
    numbers = {founder: 0}
    generations = [[founder]]
    for device, entry in members.items():  # whoever admitted somebody came into force before it
        if device != founder:
            numbers[device] = numbers[entry.admitted_by] + 1
            _append(generations, numbers[device], device)
    return generations


def _append(generations: list[list[DeviceId]], number: int, device: DeviceId) -> None:
    if number == len(generations):
        generations.append([])
    generations[number].append(device)
