"""The roster: who belongs to the group, and how everybody is called.

Strategy: merging two rosters is the union of two sets of statements (core/group/statements.py), and
pure rules judge the set. A statement whose signer is not (yet) known waits and is judged again when
the set grows. Of several admissions of one device the one nearest to the founder counts, then that
of the member that ranks first, then the smaller hash, so chains never close to a circle; a rank
follows from the ranks of those before, down to the hashes of what the founder signed, so nobody
improves the rank of a newcomer by trying many records. Who was removed, and which statements of
removed devices stand, core/group/removals.py finds out; who is a member and how it is called,
core/group/deriving.py. Statements of a newer version's kinds are kept and handed on unread.

**What is in force.** Rules over a set alone cannot keep a name: whoever signs "Y is called laptop"
today can sign the same bytes as last year, and of X and Y, both let in as `laptop` by members that
did not know of each other, no rule that looks at the set alone can leave the name to whichever was
first, as the set is the same. Hence a memory: `settle` puts in force what is derived now. From then
on a member keeps its admission, keys and label here, and a newcomer whose wish is taken is the one
that gets its id behind it. The memory is the order of `kept()`: first what came into force, in that
order, then the rest. Whoever keeps the records in this order gets the same roster back by `replay`,
and so does a newcomer from the member that let it in.

Removals need no memory and have none. What they make void is dropped when it settles, so a removed
hostile line's room is free again; what was in force stays in `kept()` for the names' sake, which
this device alone remembers: a label that a device once had here is nobody else's here, so no folder
passes from one to another. (A restart gives back the same members and names; which of several
admissions led to a device that came back may differ.) Of what is in force, only stewards change
labels, the founder's own admission of a device counts before any other's, and a device may change
its own label.

Guarantees: unsettled, the members follow from the set alone; who is removed always does. Settled,
no statements but the stewards' and its own change the keys or label of a member, in whatever order
they come (proof: `_open` keeps the founder's admissions alone of a settled device, `derive` starts
from a copy of the rest). A removed device is no member, whoever admits it. Nobody is a member
without an unbroken chain of signatures that stand, from the founder; labels are distinct by
collision key; group id = BLAKE3 of the genesis body. No member and no steward fills the roster
(core/group/lines.py), and what waits for its signer is bounded for each sender
(core/group/waiting.py); beyond these bounds what came first stays, since any rule over the set
would let a member put out those it let in earlier, by letting in more.
Limits: two devices that learned of two admissions in different order may each call another one
`laptop`, until a steward says otherwise. The first group key stands in the genesis body: whoever
holds the roster can read what was sealed before the first removal.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from blake3 import blake3

from potluck.core.content.paths import collision_key
from potluck.core.errors import Malformed
from potluck.core.group.deriving import Evidence, InForce, derive, history, is_word
from potluck.core.group.known_devices import KnownDevices
from potluck.core.group.numbered_words import last_word_about_group
from potluck.core.group.plain_steps import PlainSteps, StepsBase
from potluck.core.group.removals import SignedAct, StandingJudge, forgotten, judge
from potluck.core.group.statement_set import RosterRoom, SignedStatement, StatementSet
from potluck.core.group.statements import (
    Genesis,
    MemberEntry,
    entry_of,
    group_id,
    is_signed,
    read_statement,
    record_hash,
)
from potluck.core.group.waiting import WaitingStatements
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import RosterRecord

GHOSTS_MAX = 1200  # void statements that are remembered for the names they gave: a whole roster


class Roster(KnownDevices):
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
        self.group_key = said.key  # the first
        self.founder = founder.device
        self._first_name = said.name
        self._set = StatementSet(genesis)
        self._waiting = WaitingStatements()
        self._standing_judge = StandingJudge(founder.device)
        # what is in force, by which records it came, and those of them that are void now
        label = collision_key(founder.label)
        self._settled = InForce({founder.device: founder}, {label: founder.device})
        self._history = {record_hash(genesis): None}
        self._ghosts: dict[bytes, SignedStatement] = {}
        self._open: dict[bytes, MemberEntry] = {}  # admissions that may change who is a member
        self._derive()

    @classmethod
    def replay(cls, records: Sequence[RosterRecord], steps: int | None = None) -> Roster:
        """Return the roster with these `kept()` records, the genesis first; raises Malformed.

        What is in force there is in force here. Whoever kept the records has judged how many.
        `steps`: for so many that are not plain, one by one; what is behind these is judged at once,
        as if it had come in one message. None: for all.
        """
        genesis, *others = records
        roster = cls(genesis)

        def plain_steps() -> PlainSteps:
            kept, publics = roster._set, roster._publics
            return PlainSteps(
                StepsBase(roster._settled, kept, roster.standing, publics, roster.group)
            )

        plain = plain_steps()
        for at, record in enumerate(others):
            fresh = plain.take(record)
            roster._history |= dict.fromkeys(fresh or ())
            leads = bool(fresh) and roster._waiting.is_ready(roster._publics)
            if fresh is not None and not leads:
                continue
            roster.force = roster._settled.copy()
            if steps == 0:
                roster._unite(others[at:], bounded=False)
                break
            steps = None if steps is None else steps - 1
            roster._unite([record], bounded=False)
            roster._put_in_force()
            plain = plain_steps()
        roster._derive()
        roster.settle()  # and only now drops what is void: a later record may let it stand
        return roster

    def __repr__(self) -> str:
        members, records = len(self.members), len(self._set.records)
        return f"<Roster {self.name!r}: {members} members, {records} records, {self.void} void>"

    # -- reading -----------------------------------------------------------------------------------
    @property
    def name(self) -> str:
        """How the group is called: as a steward said last, or as it was founded."""
        return self.name_word.name if self.name_word is not None else self._first_name

    @property
    def void(self) -> int:
        """How many statements of members came that count for nothing."""
        return self._set.void

    @property
    def acts(self) -> dict[bytes, SignedAct]:
        """Every act that stands, by its hash; whether its signer may say so is another matter."""
        acts, standing = self._set.acts, self.standing
        return {known: said for known, said in acts.items() if standing.stands(known, said.by)}

    def members_with(self, said: SignedAct) -> set[DeviceId]:
        """Return who would be a member if somebody said that as well; nothing changes."""
        acts = self._set.acts | {bytes(len(self.group)): said}
        standing = judge(self.founder, acts)
        evidence = Evidence(standing, self._open, self._set.entries, acts)
        entries = derive(self._settled, evidence).entries
        return {device for device in entries if not standing.is_removed(device)}

    def records(self) -> list[RosterRecord]:
        """Return every statement that stands: the genesis, what came into force, the rest."""
        return self.since(frozenset())

    def since(self, known: frozenset[bytes]) -> list[RosterRecord]:
        """Return the statements whose hashes are not among those, in the same order."""
        records = self._set.records
        order = dict.fromkeys([*self._history, *records])
        return [records[each] for each in order if each in self.hashes and each not in known]

    def kept(self) -> list[RosterRecord]:
        """Return what `replay` makes the same roster of: `records()`, and what gave names here."""
        ghosts = {known: ghost.record for known, ghost in self._ghosts.items()}
        every = ghosts | self._set.records
        return [every[each] for each in dict.fromkeys([*self._history, *self._set.records])]

    @property
    def digest(self) -> bytes:
        """32 bytes that differ when two rosters differ."""
        return blake3(b"".join(sorted(self.hashes))).digest()

    # -- growing -----------------------------------------------------------------------------------
    def add(self, records: Iterable[RosterRecord], sender: bytes = b"") -> list[MemberEntry]:
        """Unite with other statements; return the members that are new. Bad ones are left out.

        `sender` is the device that showed them, empty for whoever has no name yet.
        """
        before = set(self.members)
        self._unite(records, sender, bounded=True)
        return [entry for device, entry in self.members.items() if device not in before]

    def settle(self) -> None:
        """Put in force what is derived now: admissions, keys and labels stay as they are."""
        self._revive()
        self._put_in_force()
        for known in self._set.void_in(self.force.entries, self.standing):
            gone = self._set.drop(known)
            if known in self._history:
                self._ghosts[known] = gone
        while len(self._ghosts) > GHOSTS_MAX:
            oldest = next(iter(self._ghosts))
            del self._ghosts[oldest], self._history[oldest]

    def _revive(self) -> None:
        """Take back what was void once and would stand now: somebody's removal was undone."""
        standing, tree = self.standing, self.force.entries
        ready = [
            (known, ghost)
            for known, ghost in self._ghosts.items()
            if ghost.record.by in tree and ghost.may_stand(known, standing)
        ]
        for known, ghost in ready:
            self._take(known, ghost)
        if ready:
            self._derive()

    def _put_in_force(self) -> None:
        fresh = history(self._settled, self.force, self._set.acts)
        self._history |= dict.fromkeys(known for known in fresh if known in self.hashes)
        self._settled = self.force.copy()
        self._open = {h: entry for h, entry in self._open.items() if self._is_open(h, entry)}

    def _unite(
        self, records: Iterable[RosterRecord], sender: bytes = b"", *, bounded: bool
    ) -> None:
        count = len(self._set.records)
        room = RosterRoom(self._set, self.force.entries, self.standing) if bounded else None
        for record in records:
            known = record_hash(record)
            if known in self._set.records:
                continue
            if record.by in self._publics:
                self._judge(known, record, room)
            else:
                self._waiting.add(known, record, sender)
        while True:
            while ready := self._waiting.take(self._publics):
                for known, record in ready:
                    self._judge(known, record, room)
            if len(self._set.records) == count:
                return
            self._derive()
            count = len(self._set.records)
            room = RosterRoom(self._set, self.force.entries, self.standing) if bounded else None

    def _judge(self, known: bytes, record: RosterRecord, room: RosterRoom | None) -> None:
        """Take a statement into the set; `_derive` has the last word on what it makes."""
        statement = self._set.read(record, self._publics[DeviceId(record.by)], self.group)
        if statement is None:
            return
        if room is not None and not statement.may_stand(known, self.standing):
            self._set.void += 1
            return
        if room is None or room.take(statement):
            self._take(known, statement)

    def _take(self, known: bytes, statement: SignedStatement) -> None:
        self._set.put(known, statement)
        self._ghosts.pop(known, None)
        entry = statement.entry
        if entry is not None and self._is_open(known, entry):
            self._open[known] = entry
        if entry is not None and entry.admitted_by in self.force.entries:
            # enough to judge those it admits
            self.force.entries.setdefault(entry.device, entry)
            self._publics.setdefault(entry.device, entry.public_key)

    def _is_open(self, known: bytes, entry: MemberEntry) -> bool:
        """Say whether an admission may change who is a member, or whose word that one is."""
        settled = self._settled.entries.get(entry.device)
        return settled is None or is_word(known, entry, settled, self.founder)

    def _derive(self) -> None:
        """Find anew what follows from the set and from what is in force."""
        held = self._set
        self.standing = standing = self._standing_judge.judge(held.acts)
        evidence = Evidence(standing, self._open, held.entries, held.acts)
        self.force = force = derive(self._settled, evidence)
        self.name_word = last_word_about_group(standing, held.acts)
        removed, self.forgotten = standing.is_removed, forgotten(standing, held.acts)
        self.members = {d: entry for d, entry in force.entries.items() if not removed(d)}
        self.hashes = held.standing_in(force.entries, standing)  # of every statement that stands
        self._publics = {d: entry.public_key for d, entry in force.entries.items()}
        self._publics |= {d: held.vouched[d] for d in standing.ever if d in held.vouched}
