"""Removals: who is a steward, who was put out, and which statements stand nevertheless.

Strategy: a pure function of the appointments and removals in a roster, whatever their order.
Stewards are walked through by rank: the founder, whom it appointed, whom these appointed; within a
generation by the hash of the appointment. What a steward says of those behind it is in force. A
steward that is removed by one before it keeps only what *every* removal of it accepts, so nothing
that it signs later, or an accomplice holds back, counts: it has to be among the hashes that were
accepted. Then the other direction: a steward may remove one before it (a stolen founder), unless
that one, or another before it, has put it out without accepting just this. So of two that remove
each other the one nearer to the founder stands. If somebody falls so, its other statements are
judged as above and the walk begins anew, now without them; of all such removals those of the first
signer by rank are taken, and so on, one signer at a time. A device may always put itself out. Whom
it let in stands until a steward's removal says which: otherwise who leaves could put out all of
them. What it says *as a steward* counts from then on only if its goodbye names it, and every one of
them if it says several: so with its key nothing more is decided, whoever has that.

Guarantees: pure and independent of order (proof: the walk is over a set, in a total order; each
turn adds removals for good, so there are at most as many turns as removals). What is not about who
is out has nothing judged again, and no removal is put together twice. Nobody but a
steward or a device itself removes it (proof: only the acts of those the walk meets are read, and it
meets the founder and whom those it met appointed). A removed device has no admission that brings it
back, since only its id is asked for. What a removal accepts is fixed by its digest: as long as
parts of it are lacking all stands, so that with more parts there are fewer statements in force,
never more. What is void changes nothing, except appointments and removals by whoever was ever
appointed: these are never forgotten (`ever`), so forgetting the rest changes no outcome. Another
removal of the same device only makes more void. The number of removed devices is the epoch; a
removal stops being in force in two cases only: the steward that signed it was put out by another
that did not accept it, or left with a goodbye that does not name it, until another accepts it.
Limits: who has the key of a steward that left can so take back what that one had decided, by one
more goodbye, until another steward has said what stands (engine/group/leavers.py). A hostile
steward can remove everybody behind it until one before it puts it out. Of three that remove each
other in a circle all but one may be out.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from potluck.core.group.statements import Appoint, Forget, LastHead, Remove, RosterAct, whole
from potluck.core.keys.identity import DeviceId


@dataclass(frozen=True, slots=True)
class SignedAct:
    """Something that a device signed, other than an admission."""

    by: DeviceId
    act: RosterAct
    about: DeviceId  # whom it appoints, removes or names; the signer itself if nobody


@dataclass(slots=True)
class Removal:
    """What one steward says of a removed device: all parts that are there."""

    by: DeviceId
    device: DeviceId
    whole: bytes
    accepted: set[bytes] = field(default_factory=set)
    heads: list[LastHead] = field(default_factory=list)
    keys: dict[bytes, list[bytes]] = field(default_factory=dict)  # by id: those it supersedes
    complete: bool = False  # whether all parts are there

    def __repr__(self) -> str:
        return f"<Removal, {len(self.accepted)} statements stand>"

    @property
    def name(self) -> tuple[bytes, bytes, bytes]:
        """What tells it from others."""
        return self.by, self.device, self.whole


@dataclass(slots=True)
class GroupStanding:
    """What follows from the appointments and removals of a roster."""

    founder: DeviceId
    ranks: dict[DeviceId, int] = field(default_factory=dict)  # who was a steward; the first is 0
    removals: dict[DeviceId, list[Removal]] = field(default_factory=dict)  # by stewards
    left: set[DeviceId] = field(default_factory=set)  # by their own word
    # of those, which of their statements all of their goodbyes name that are whole
    goodbyes: dict[DeviceId, set[bytes]] = field(default_factory=dict)
    # who was ever appointed, whatever counts of it, and by whom; the founder by itself
    ever: dict[DeviceId, DeviceId] = field(default_factory=dict)
    upward: list[Removal] = field(default_factory=list)  # of stewards by others behind them
    # of how many removals of a device it is known what all accept; None: everything stands
    _common: dict[DeviceId, tuple[int, set[bytes] | None]] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"<Standing: {len(self.stewards)} stewards, {self.epoch} removed>"

    @property
    def stewards(self) -> list[DeviceId]:
        """Who may remove others, the nearest to the founder first."""
        return [device for device in self.ranks if not self.is_removed(device)]

    @property
    def epoch(self) -> int:
        """How many devices are removed."""
        return len(self.removals.keys() | self.left)

    def is_removed(self, device: DeviceId) -> bool:
        """Say whether a device was put out, or has left for good."""
        return device in self.removals or device in self.left

    def stands(self, known: bytes, by: DeviceId) -> bool:
        """Say whether a statement of this signer counts: it does unless a removal says not."""
        if by not in self.removals:
            return True
        common = self._accepted_by_all(by)
        return common is None or known in common

    def _accepted_by_all(self, device: DeviceId) -> set[bytes] | None:
        """Return what every removal of a device accepts; None: all, while parts of each lack."""
        removals = self.removals[device]
        count, common = self._common.get(device, (0, None))
        for removal in removals[count:]:
            if removal.complete:
                common = removal.accepted if common is None else common & removal.accepted
        self._common[device] = len(removals), common
        return common

    def has_word(self, known: bytes, by: DeviceId) -> bool:
        """Say whether this is a steward's word that counts."""
        return by in self.ranks and self.stands(known, by) and self.is_in_time(known, by)

    def is_in_time(self, known: bytes, by: DeviceId) -> bool:
        """Say whether a steward said that before it left; what others accept of it, it did."""
        named = self.goodbyes.get(by)
        return named is None or known in named or self._is_settled(by)

    def _is_settled(self, device: DeviceId) -> bool:
        """Say whether it is known what a removal of a device accepts."""
        return device in self.removals and self._accepted_by_all(device) is not None

    def is_needed(self, known: bytes, said: SignedAct) -> bool:
        """Say whether an act has a place in the roster, in force or not."""
        if isinstance(said.act, Appoint | Remove) and said.by in self.ever:
            return True
        return self.stands(known, said.by)

    def last_head(self, device: DeviceId) -> LastHead | None:
        """Return the head at which a removed device's folder stays, if a steward named one."""
        removals = sorted(self.removals.get(device, ()), key=lambda r: (self._rank(r.by), r.whole))
        return next((head for removal in removals for head in removal.heads), None)

    @property
    def keys(self) -> list[bytes]:
        """The ids of the group keys that no removal in force supersedes; empty: the first one."""
        chosen: dict[bytes, list[bytes]] = {}
        for removals in self.removals.values():
            for removal in removals:
                chosen.update(removal.keys)
        over = {old for olds in chosen.values() for old in olds}
        return sorted(chosen.keys() - over)

    def _rank(self, device: DeviceId) -> int:
        return self.ranks.get(device, len(self.ranks))


class StandingJudge:
    """Judges the sets of acts that one roster has, one after another."""

    def __init__(self, founder: DeviceId) -> None:
        """Nothing is judged yet."""
        self._founder = founder
        self._heard: frozenset[bytes] | None = None  # the acts that were judged last
        self._standing = GroupStanding(founder)
        self._made: dict[tuple[bytes, ...], Removal] = {}  # by the acts that are its parts

    def __repr__(self) -> str:
        return f"<StandingJudge: {self._standing!r}>"

    def judge(self, acts: Mapping[bytes, SignedAct]) -> GroupStanding:
        """Return what follows from these acts, by their hashes."""
        heard = {h: each for h, each in acts.items() if isinstance(each.act, Appoint | Remove)}
        if self._heard != heard.keys():
            self._standing = self._judge(heard)
            self._heard = frozenset(heard)
        return self._standing

    def _judge(self, acts: Mapping[bytes, SignedAct]) -> GroupStanding:
        said: dict[DeviceId, dict[bytes, SignedAct]] = {}
        goodbyes: dict[DeviceId, dict[bytes, SignedAct]] = {}
        for known, each in sorted(acts.items()):
            if isinstance(each.act, Remove) and each.about == each.by:
                goodbyes.setdefault(each.by, {})[known] = each
            else:
                said.setdefault(each.by, {})[known] = each
        self._made = {h: made for h, made in self._made.items() if acts.keys() >= set(h)}
        named = {device: _named(acts) for device, acts in goodbyes.items()}
        in_time = {device: words for device, words in named.items() if words is not None}
        fallen: list[Removal] = []
        names = set[tuple[bytes, bytes, bytes]]()
        while True:
            standing = self._walk(said, GroupStanding(self._founder, goodbyes=in_time), fallen)
            fresh = [removal for removal in standing.upward if removal.name not in names]
            if not fresh:
                standing.left = set(goodbyes)
                standing.ever = _ever(self._founder, said)
                return standing
            fresh = [removal for removal in fresh if removal.by == fresh[0].by]
            fallen += fresh
            names.update(removal.name for removal in fresh)

    def _walk(
        self,
        said: Mapping[DeviceId, Mapping[bytes, SignedAct]],
        standing: GroupStanding,
        fallen: Iterable[Removal],
    ) -> GroupStanding:
        """Go through the stewards by rank, with what is known of those that fell."""
        for removal in fallen:
            standing.removals.setdefault(removal.device, []).append(removal)
        ahead = [(0, b"", self._founder)]
        while ahead:
            distance, _, steward = heapq.heappop(ahead)
            if steward in standing.ranks:
                continue
            standing.ranks[steward] = len(standing.ranks)
            every = said.get(steward, {}).items()
            mine = {known: each for known, each in every if standing.has_word(known, steward)}
            for known, each in mine.items():
                if isinstance(each.act, Appoint):
                    heapq.heappush(ahead, (distance + 1, known, each.about))
            for parts in _removals(mine):
                removal = self._made[parts] = self._made.get(parts) or _removal(parts, mine)
                if removal.device in standing.ranks:
                    standing.upward.append(removal)
                else:
                    standing.removals.setdefault(removal.device, []).append(removal)
        return standing


def judge(founder: DeviceId, acts: Mapping[bytes, SignedAct]) -> GroupStanding:
    """Return what follows from these acts, by their hashes."""
    return StandingJudge(founder).judge(acts)


def forgotten(standing: GroupStanding, acts: Mapping[bytes, SignedAct]) -> frozenset[DeviceId]:
    """Return the removed devices whose folder is to go, by a steward's word."""
    return frozenset(
        said.about
        for known, said in acts.items()
        if isinstance(said.act, Forget)
        and standing.is_removed(said.about)
        and standing.has_word(known, said.by)
    )


def _removals(said: Mapping[bytes, SignedAct]) -> list[tuple[bytes, ...]]:
    """Return of which acts each removal consists that a steward has signed."""
    found: dict[tuple[bytes, bytes], list[bytes]] = {}
    for known, each in said.items():
        if isinstance(each.act, Remove):
            found.setdefault((each.about, each.act.whole), []).append(known)
    return [tuple(parts) for parts in found.values()]


def _removal(parts: Iterable[bytes], said: Mapping[bytes, SignedAct]) -> Removal:
    """Return what a steward says of one that it removed, parts put together."""
    acts = [(said[known], said[known].act) for known in parts]
    removal = Removal(acts[0][0].by, acts[0][0].about, b"")
    for _, act in acts:
        assert isinstance(act, Remove), "nothing else is a part"
        removal.whole = act.whole
        removal.accepted.update(act.accepted)
        if act.head is not None:
            removal.heads.append(act.head)
        if act.key:
            removal.keys[act.key] = act.over
    removal.complete = whole(removal.accepted) == removal.whole
    return removal


def _named(goodbyes: Mapping[bytes, SignedAct]) -> set[bytes] | None:
    """Return what all goodbyes of a device name that are whole; None if none is."""
    every = [_removal(parts, goodbyes) for parts in _removals(goodbyes)]
    words = [goodbye.accepted for goodbye in every if goodbye.complete]
    return set.intersection(*words) if words else None


def _ever(
    founder: DeviceId, said: Mapping[DeviceId, Mapping[bytes, SignedAct]]
) -> dict[DeviceId, DeviceId]:
    """Return the founder and whoever was appointed, whatever was said of whom since."""
    ever, ahead = {founder: founder}, [founder]
    for steward in ahead:
        for each in said.get(steward, {}).values():
            if isinstance(each.act, Appoint) and each.about not in ever:
                ever[each.about] = steward
                ahead.append(each.about)
    return ever
