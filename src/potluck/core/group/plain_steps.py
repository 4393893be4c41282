"""Plain steps: what one more statement changes of what is in force, where that is easily said.

Strategy: a roster that was kept is played again statement by statement, since their order is its
memory (core/group/roster.py). To derive everything anew for each costs the square of how many there
are. But most of them are plain: a device that nobody spoke of before is let in by one that is in
force; a device is called otherwise; something is said that changes nobody's place. These are put in
force here, one at a time, and the rest is left to the whole derivation.

Guarantees: a plain step puts in force exactly what the derivation would have (tests/laws holds the
two against each other), or nothing is changed and `take` says no. Limits: an instance knows what
was true when it was made; after each other step there must be a new one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from potluck.core import limits
from potluck.core.group.deriving import InForce, claimed, is_word, label_word
from potluck.core.group.numbered_words import NumberedWords
from potluck.core.group.removals import GroupStanding, SignedAct
from potluck.core.group.statement_set import StatementSet
from potluck.core.group.statements import (
    Appoint,
    MemberEntry,
    Relabel,
    Remove,
    Succeed,
    record_hash,
)
from potluck.core.keys.identity import DeviceId, GroupId
from potluck.core.wire.catalogue import RosterRecord


class StepsBase(NamedTuple):
    """From where plain steps go on."""

    force: InForce
    kept: StatementSet
    standing: GroupStanding
    publics: dict[DeviceId, bytes]  # of whoever may sign
    group: GroupId


class PlainSteps:
    """Puts plain statements in force."""

    def __init__(self, base: StepsBase) -> None:
        """Go on from there; all that it names is changed."""
        self._base, kept = base, base.kept
        self._force, self._kept, self._standing = base.force, kept, base.standing
        self._about = {said.about for said in kept.acts.values()}
        self._named = {entry.device for entry in kept.entries.values()}
        self._words: dict[DeviceId, NumberedWords] | None = None

    def __repr__(self) -> str:
        return f"<PlainSteps from {self._force!r}>"

    def take(self, record: RosterRecord) -> list[bytes] | None:
        """Take a statement; return by which ones something came into force, None: it is not plain.

        What is not plain is not taken.
        """
        known, public = record_hash(record), self._base.publics.get(DeviceId(record.by))
        if known in self._kept.records:
            return []
        if public is None:
            return None
        statement = self._kept.read(record, public, self._base.group)
        if statement is None:
            return []
        fresh: list[bytes] | None = []  # as it is of a later version
        if statement.entry is not None:
            fresh = self._admit(known, statement.entry)
        elif statement.said is not None:
            fresh = self._say(known, statement.said)
        if fresh is not None:
            self._kept.put(known, statement)
        return fresh

    def _admit(self, known: bytes, entry: MemberEntry) -> list[bytes] | None:
        force, device, by = self._force, entry.device, entry.admitted_by
        settled = force.entries.get(device)
        if settled is not None:
            more = is_word(known, entry, settled, self._standing.founder)
            return None if more else []
        spoken_of = self._about, self._named, force.gone, self._standing.ever
        stands = by in force.entries and self._standing.stands(known, by)
        is_new = not any(device in each for each in spoken_of) and not self._kept.signed[device]
        if not stands or not is_new:
            return None
        force.entries[device] = replace(entry, label=claimed(entry.wish, device, force.names))
        self._base.publics[device] = entry.public_key
        self._named.add(device)
        return [known]

    def _say(self, known: bytes, said: SignedAct) -> list[bytes] | None:
        if isinstance(said.act, Appoint | Remove | Succeed):
            return None
        fresh = []
        if isinstance(said.act, Relabel):
            fresh = self._relabel(known, said)
        self._about.add(said.about)
        return fresh

    def _relabel(self, known: bytes, said: SignedAct) -> list[bytes]:
        force, device = self._force, said.about
        if self._words is None:
            self._words = {}
            for word_known, each in self._kept.acts.items():
                self._note(word_known, each)
        self._note(known, said)
        words, entry = self._words.get(device), force.entries.get(device)
        last = words.last if words is not None else None
        if entry is None or last is None:
            return []
        if (last.number, last.known) == force.relabelled.get(device):
            return []
        force.relabelled[device] = last.number, last.known
        force.entries[device] = replace(entry, label=claimed(last.name, device, force.names))
        return [last.known]

    def _note(self, known: bytes, said: SignedAct) -> None:
        word = label_word(known, said, self._standing, self._kept.acts)
        if word is not None and self._words is not None:
            fresh = NumberedWords(limits.RELABEL_OWN_MAX)
            self._words.setdefault(said.about, fresh).add(word)
