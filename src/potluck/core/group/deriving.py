"""Deriving: the members and their labels, from what is in force and what the statements say.

Strategy: one pure step. It begins with what is in force (core/group/roster.py says why there is
such a memory), without those whose admission a removal has made void, and all they let in. Then the
founder's words about the rest count, then the other admissions, by generations from the founder,
each in the order of ranks. Last come successions and new labels, those of replaced devices first:
a successor is called what the old one was called last. A removed device keeps its place in this
tree, because chains of others may lead through it; that it is no member any more is for the reader
to ask (core/group/removals.py).

Guarantees: pure; the order in which statements came does not matter. A label that one device had
goes to nobody else, whatever became of that device, unless it was removed and another succeeds it.
Nobody but a steward or the device itself gives a device in force another label; of several such
words the highest number counts, so a device that counts as far as it can binds only itself. Of a
device that is out the words count that its removal, or its own goodbye, names: who hears of both at
once calls it as all others do. A device whose admission is void, and that a standing member let in
as well, has the label it had, unless the founder's word is another.
A device succeeds a removed one by a steward's word alone, which counts in any order: whoever lets a
newcomer in could be its accomplice, so what it says of whom that one replaces is nobody's word. The
first succession that came into force stays. Limits: labels depend on what came into force first
here, as everything about names does; to `succeed` gives nobody a removed device's rights, only its
place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from potluck.core import limits
from potluck.core.content.paths import collision_key
from potluck.core.group.numbered_words import NumberedWord, last_word
from potluck.core.group.removals import GroupStanding, SignedAct
from potluck.core.group.statements import (
    Appoint,
    MemberEntry,
    Relabel,
    Remove,
    Succeed,
    record_hash,
)
from potluck.core.keys.identity import DeviceId, short_id


@dataclass(slots=True)
class InForce:
    """What a roster believes of devices."""

    entries: dict[DeviceId, MemberEntry]  # members and removed ones: whoever was let in before
    names: dict[str, DeviceId]  # who has, or had, which label, by its collision key
    gone: dict[DeviceId, MemberEntry] = field(default_factory=dict)  # whose admission became void
    relabelled: dict[DeviceId, tuple[int, bytes]] = field(default_factory=dict)  # by which word
    successors: dict[DeviceId, DeviceId] = field(default_factory=dict)  # of removed devices
    by: dict[DeviceId, bytes] = field(default_factory=dict)  # by which word a device succeeds one

    def __repr__(self) -> str:
        return f"<InForce {len(self.entries)} devices, {len(self.gone)} gone>"

    def copy(self) -> InForce:
        """Return one that changes by itself."""
        return InForce(
            dict(self.entries),
            dict(self.names),
            dict(self.gone),
            dict(self.relabelled),
            dict(self.successors),
            dict(self.by),
        )


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that is said, and what of it stands."""

    standing: GroupStanding
    open: Mapping[bytes, MemberEntry]  # admissions that may change who is a member
    every: Mapping[bytes, MemberEntry]  # all admissions
    acts: Mapping[bytes, SignedAct]


def derive(settled: InForce, evidence: Evidence) -> InForce:
    """Return what follows for whoever has settled that, and knows this."""
    now, standing = settled.copy(), evidence.standing
    now.entries = _rooted(settled.entries, standing)
    now.gone |= {d: entry for d, entry in settled.entries.items() if d not in now.entries}
    by_signer: dict[DeviceId, list[MemberEntry]] = {}
    founders: dict[DeviceId, MemberEntry] = {}
    for known, entry in sorted((evidence.every if now.gone else evidence.open).items()):
        if not standing.stands(known, entry.admitted_by):
            continue
        if entry.device not in now.entries:
            by_signer.setdefault(entry.admitted_by, []).append(entry)
        elif is_word(known, entry, now.entries[entry.device], standing.founder):
            founders.setdefault(entry.device, entry)
    for device, word in founders.items():
        now.entries[device] = _reworded(word, now.entries[device], now.names)
    generations = _generations(now.entries, standing.founder)
    for number, generation in enumerate(generations, 1):
        for entry in (entry for parent in generation for entry in by_signer.get(parent, ())):
            if entry.device not in now.entries:
                now.entries[entry.device] = _rejoined(entry, now, standing.founder)
                _append(generations, number, entry.device)
    words, replaced = _label_words(evidence), _replaced(evidence.acts)
    # what an old device was called last is what its successor is called
    _relabel(now, words, [device for device in now.entries if device in replaced])
    _unseat(now, evidence)
    _succeed(now, evidence)
    _relabel(now, words, [device for device in now.entries if device not in replaced])
    return now


def is_word(known: bytes, entry: MemberEntry, settled: MemberEntry, founder: DeviceId) -> bool:
    """Say whether an admission of a member in force is the founder's word, which counts."""
    if entry.admitted_by != founder or entry.device == founder:
        return False
    return settled.admitted_by != founder or known < record_hash(settled.record)


def _rooted(
    entries: Mapping[DeviceId, MemberEntry], standing: GroupStanding
) -> dict[DeviceId, MemberEntry]:
    """Return those to whom admissions that stand still lead from the founder, in their order."""
    if not standing.removals:
        return dict(entries)
    rooted = {standing.founder: entries[standing.founder]}
    for device, entry in entries.items():  # whoever admitted somebody came into force before it
        by = entry.admitted_by
        if by in rooted and (
            by not in standing.removals or standing.stands(record_hash(entry.record), by)
        ):
            rooted[device] = entry
    return rooted


def _unseat(now: InForce, evidence: Evidence) -> None:
    """Take back the places that were given by a word that counts no more."""
    for old, new in list(now.successors.items()):
        known = now.by[new]
        said = evidence.acts.get(known)
        if said is not None and evidence.standing.has_word(known, said.by):
            continue
        del now.successors[old], now.by[new]
        kept = now.entries if old in now.entries else now.gone
        heir, former = now.entries.get(new), kept.get(old)
        if heir is None or former is None or new in now.relabelled:
            continue
        now.names[collision_key(heir.label)] = old
        kept[old] = replace(former, label=heir.label)
        now.entries[new] = replace(heir, label=claimed(heir.wish, new, now.names))


def _succeed(now: InForce, evidence: Evidence) -> None:
    """Give removed devices' places to those who succeed them, by a steward's word."""
    standing = evidence.standing
    for known, said in sorted(evidence.acts.items()):
        if not isinstance(said.act, Succeed) or not standing.has_word(known, said.by):
            continue
        old, new = DeviceId(said.act.old), DeviceId(said.act.new)
        entry, former = now.entries.get(new), now.entries.get(old) or now.gone.get(old)
        if entry is None or former is None or old in now.successors or old == new:
            continue
        if not standing.is_removed(old) or new in now.successors.values():
            continue
        now.successors[old], now.by[new] = new, known
        now.names[collision_key(former.label)] = new
        now.entries[new] = replace(entry, label=former.label)
        # should the removal be undone one day there must not be two of that name
        kept = now.entries if old in now.entries else now.gone
        kept[old] = replace(former, label=claimed(former.label, old, now.names))


def _label_words(evidence: Evidence) -> dict[DeviceId, list[NumberedWord]]:
    """Return what those who may say of how devices are called."""
    words: dict[DeviceId, list[NumberedWord]] = {}
    for known, said in evidence.acts.items():
        word = label_word(known, said, evidence.standing, evidence.acts)
        if word is not None:
            words.setdefault(said.about, []).append(word)
    return words


def _replaced(acts: Mapping[bytes, SignedAct]) -> set[bytes]:
    """Return the devices that somebody said another one succeeds."""
    return {said.act.old for said in acts.values() if isinstance(said.act, Succeed)}


def _relabel(
    now: InForce, words: Mapping[DeviceId, list[NumberedWord]], devices: Iterable[DeviceId]
) -> None:
    """Give these devices the labels that they or a steward say."""
    for device in devices:
        last = last_word(words.get(device, ()), limits.RELABEL_OWN_MAX)
        before = now.relabelled.pop(device, None)  # else it is called as by a word that is void now
        if last is None:
            continue
        now.relabelled[device] = last.number, last.known  # the latest stands last
        if now.relabelled[device] != before:
            label = claimed(last.name, device, now.names)
            now.entries[device] = replace(now.entries[device], label=label)


def label_word(
    known: bytes, said: SignedAct, standing: GroupStanding, acts: Mapping[bytes, SignedAct]
) -> NumberedWord | None:
    """Return what an act says of how a device is called, None if its signer may not say it."""
    act, device = said.act, said.about
    if not isinstance(act, Relabel) or not standing.stands(known, said.by):
        return None
    own = said.by == device and _is_own_word(known, device, standing, acts)
    by_steward = standing.has_word(known, said.by)
    if by_steward or (own and act.number <= limits.RELABEL_OWN_MAX):
        return NumberedWord(act.number, by_steward, known, act.label)
    return None


def _is_own_word(
    known: bytes, device: DeviceId, standing: GroupStanding, acts: Mapping[bytes, SignedAct]
) -> bool:
    """Say whether a device may say that: whoever is out has only the words that went with it."""
    if device in standing.removals:
        return all(known in removal.accepted for removal in standing.removals[device])
    if device not in standing.left:
        return True
    goodbyes = (said.act for said in acts.values() if said.by == said.about == device)
    return any(isinstance(act, Remove) and known in act.accepted for act in goodbyes)


def history(before: InForce, now: InForce, acts: Mapping[bytes, SignedAct]) -> Iterator[bytes]:
    """Return the statements by which the one became the other, in an order that does it again.

    Appointments and removals are all returned, also those that the first one knew.
    """
    for device, entry in now.entries.items():
        former = before.entries.get(device)
        if former is None or former.record is not entry.record:
            yield record_hash(entry.record)
    yield from sorted(h for h, said in acts.items() if isinstance(said.act, Appoint | Remove))
    fresh = [
        (device, word[1])
        for device, word in now.relabelled.items()
        if before.relabelled.get(device) != word
    ]
    replaced = _replaced(acts)
    yield from (known for device, known in fresh if device in replaced)
    yield from (known for new, known in now.by.items() if new not in before.by)
    yield from (known for device, known in fresh if device not in replaced)


def claimed(label: str, device: DeviceId, names: dict[str, DeviceId]) -> str:
    """Return the label a device gets for the one it wishes; if another has it, with its id."""
    while names.setdefault(collision_key(label), device) != device:
        label = f"{label}-{short_id(device)}"
    return label


def _rejoined(entry: MemberEntry, now: InForce, founder: DeviceId) -> MemberEntry:
    """Return a new member; one that was here before has its label, unless the founder says else."""
    former = now.gone.pop(entry.device, None)
    if former is None:
        return replace(entry, label=claimed(entry.wish, entry.device, now.names))
    if entry.admitted_by == founder:
        return _reworded(entry, former, now.names)
    return replace(entry, label=former.label)


def _reworded(word: MemberEntry, settled: MemberEntry, names: dict[str, DeviceId]) -> MemberEntry:
    """Return a member by the founder's word; its label changes only with the wish."""
    if word.wish == settled.wish:
        return replace(word, label=settled.label)
    return replace(word, label=claimed(word.wish, word.device, names))


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
