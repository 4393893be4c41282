"""Founding: whether a device without company starts a group, joins one, or waits for a person.

Strategy. Every device starts with a group of its own, of which it is the only member. That group is
*provisional*: it dissolves into any other group the device may join. That takes a yes on both
sides: an open door says yes by itself, a closed one asks its person. A newcomer listens for two
beacon bursts first; then

    1. where both doors are open goes before where people have to be asked,
    2. a group that has company already goes before any lonely one,
    3. among equals the one with the lower tag stays, the others come to it.

An open lonely device admits others without asking only while these rules do not send it through
another open door itself. So of many open devices that start in the same instant just one admits,
and one group is the result. Where people are asked they decide: a device may be asked and ask at
the same time, and whichever pair of yeses is complete first counts; who has said yes to one group
(`committed`) lets nobody in until that came to something. A group with two members never dissolves.
After two seconds alone the group is kept; where another one is near that cannot be asked, or was
asked in vain, the device waits and says what it found. Of the members of a group that answer, one
whose door is open goes before the others, and who was asked in vain behind them. A group where a
person said no is not asked again by itself; where nobody answered, after a pause; then the next one
is asked. An open door needs nobody's answer: that people were silent before is no pause for it.
Tags and members cost a stranger nothing, so hosts take turns (asking_turns.py): rules 2 and 3
choose among those that were not asked in vain lately, and what a person names is asked next.

The table `FOUNDING` says what can follow what. A group that is kept may still be left for a better
one, so asking has two states: what the device falls back to after a no is what it was before. A
wait for a person ends with the silence of the others. Groups are known by their *tag*, a hash of
the id, which is all that a stranger hears of a closed door.

Guarantees: pure; a device asks one group at a time; two groups with members never merge by
themselves. Limits: the rules assume that lonely devices hear each other; those that do not may
found two groups; both are shown.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum, auto

from blake3 import blake3

from potluck.core import limits
from potluck.core.group.asking_turns import ASK_RETRY_S, AskingTurns, GroupTag
from potluck.core.hosts import host_of
from potluck.core.keys.identity import GroupId
from potluck.core.sender_bounds import SenderBounds
from potluck.core.transitions import follow
from potluck.core.wire.catalogue import Address, Offer

OFFER_LIFE_S = 6.0  # a lonely device asks the groups it knows again every few seconds
SILENT_REST_S = 120.0  # nobody answered there: the people may be back after a coffee
BUSY_REST_S = 3.0  # too many ask there; whoever asks too often is not shown


def tag_of(group: GroupId) -> GroupTag:
    """Return what strangers may know a group by."""
    return GroupTag(blake3(group, derive_key_context="potluck group tag v1").digest())


class FoundingState(Enum):
    """What a device without company has decided."""

    UNDECIDED = auto()  # it listens: nothing is decided yet
    ASKING = auto()  # it asks another group to let it in, and has not kept its own
    WAITING = auto()  # somebody's group is near, and a person has to say what to do
    KEPT = auto()  # the provisional group is a group
    KEPT_ASKING = auto()  # the group is kept, and a better one is asked all the same


class FoundingInput(Enum):
    """What can happen to the decision."""

    ASK = auto()  # there is a better group that can be asked
    REFUSED = auto()  # it said no, or nothing
    KEEP = auto()  # alone for long enough
    WAIT = auto()  # not alone, and nobody to ask just now
    SILENCE = auto()  # nothing is heard of the other groups any more
    OPENED = auto()  # the person has opened the own door, or wants a group that was near


FOUNDING: dict[tuple[FoundingState, FoundingInput], FoundingState] = {
    (FoundingState.UNDECIDED, FoundingInput.ASK): FoundingState.ASKING,
    (FoundingState.UNDECIDED, FoundingInput.KEEP): FoundingState.KEPT,
    (FoundingState.UNDECIDED, FoundingInput.WAIT): FoundingState.WAITING,
    (FoundingState.ASKING, FoundingInput.REFUSED): FoundingState.UNDECIDED,
    (FoundingState.WAITING, FoundingInput.ASK): FoundingState.ASKING,
    (FoundingState.WAITING, FoundingInput.SILENCE): FoundingState.UNDECIDED,
    (FoundingState.WAITING, FoundingInput.OPENED): FoundingState.UNDECIDED,
    (FoundingState.KEPT, FoundingInput.ASK): FoundingState.KEPT_ASKING,
    (FoundingState.KEPT_ASKING, FoundingInput.REFUSED): FoundingState.KEPT,
}
"""What a lonely device decides; company ends the machine, whatever state it is in."""


@dataclass(frozen=True, slots=True)
class FoundGroup:
    """Another group that was heard of."""

    tag: GroupTag
    name: str  # "" while its door is closed and it was not asked
    label: str  # of the device that answered; "" as the name
    address: Address
    members: int
    open: bool
    heard_s: float
    cookie: bytes = b""  # shows that group's device that we receive what it sends us
    by_code: bool = False  # it is asked because of a code that was typed


def found_group(offer: Offer, host: str, now: float) -> FoundGroup:
    """Return what an offer from that host says."""
    return FoundGroup(
        tag=GroupTag(offer.tag),
        name=offer.name,
        label=offer.label,
        address=Address(host, offer.port),
        members=offer.members,
        open=offer.open,
        heard_s=now,
        cookie=offer.cookie,
    )


@dataclass(frozen=True, slots=True)
class AskToJoin:
    """Open the pairing door of that group."""

    found: FoundGroup


@dataclass(frozen=True, slots=True)
class KeepGroup:
    """The provisional group is a group now."""


@dataclass(frozen=True, slots=True)
class WaitForPerson:
    """Somebody's group is near, and there is nothing to do about it without a person."""


@dataclass(frozen=True, slots=True)
class StopAsking:
    """What people have not answered yet is not needed: a group near by is joined without them."""


FoundingAction = AskToJoin | KeepGroup | WaitForPerson | StopAsking


class Founding:
    """The decision of one lonely device; done with as soon as it has company."""

    def __init__(
        self, own_tag: GroupTag, now: float, *, open_door: bool, kept: bool, asks: bool = False
    ) -> None:
        """Start listening.

        `kept`: the own group is of an earlier run. `asks`: a person can be asked here, so that
        groups are asked although the own door is closed.
        """
        self.own_tag = own_tag
        self.committed = False  # this side has said yes to the group that is asked
        self._by_itself = False  # the group that is asked is joined without people
        self._asked: GroupTag | None = None  # which that is, or was last
        self.state = FoundingState.KEPT if kept else FoundingState.UNDECIDED
        self.found: dict[GroupTag, FoundGroup] = {}
        self._offers = SenderBounds[GroupTag](limits.OFFERS_PER_HOST, limits.OFFERS)
        self._open_door, self._asks = open_door, asks
        self._started_s = now
        self._foreign = False  # a sealed datagram of another group was heard
        self.turns = AskingTurns()
        self._wanted: GroupTag | None = None  # what the person named, until it is asked
        # where people were asked last, and nobody answered
        self._unanswered: frozenset[GroupTag] = frozenset()

    def __repr__(self) -> str:
        door = "open" if self._open_door else "closed"
        return f"<Founding {self.state.name}, door {door}, {len(self.found)} groups near>"

    @property
    def waiting(self) -> bool:
        """Whether a person has to decide."""
        return self.state is FoundingState.WAITING

    @property
    def asking(self) -> bool:
        """Whether another group is being asked."""
        return self.state in {FoundingState.ASKING, FoundingState.KEPT_ASKING}

    # -- facts -------------------------------------------------------------------------------------
    def on_offer(self, offer: Offer, host: str, now: float) -> None:
        """Somebody answered our question."""
        tag = GroupTag(offer.tag)
        if tag == self.own_tag:
            return
        self._fresh(now)
        known = self.found.get(tag)
        if known is not None and known.address.host != host:
            # several speak for one group: whoever was not asked in vain lately is believed, and of
            # such one whose door is open
            theirs = self.turns.in_vain_s(host_of(host)), not offer.open
            if (self.turns.in_vain_s(_host(known)), not known.open) <= theirs:
                return
            self._offers.forget(tag)
        gone = self._offers.note(tag, host_of(host))
        if gone is not None:
            del self.found[gone]
        self.found[tag] = found_group(offer, host, now)

    def on_foreign(self) -> None:
        """A datagram was heard that another group sealed."""
        self._foreign = True

    def on_silence(self) -> None:
        """Nothing is heard of other groups any more: there is nothing to wait for."""
        if self.waiting:
            self._foreign = False
            self._fire(FoundingInput.SILENCE)

    def on_door_opened(self) -> None:
        """The person has opened the own door: a better group is joined, or asked, once more."""
        self._open_door = True
        self.turns.clear()
        if self.waiting:
            self._fire(FoundingInput.OPENED)

    def on_door_closed(self, *, asks: bool = False) -> None:
        """The own door is closed now: nothing is joined without a person any more."""
        self._open_door, self._asks = False, asks

    def on_wanted(self, tag: GroupTag, host: str) -> list[FoundingAction]:
        """The person wants that group there, whatever was said before, instead of another one."""
        self._asks = True
        self.turns.on_wanted(tag, host_of(host))
        if self.waiting:
            self._fire(FoundingInput.OPENED)
        if self.asking and (self.committed or self._asked == tag):
            return []
        self._wanted = tag
        if not self.asking:
            return []
        self._fire(FoundingInput.REFUSED)
        return [StopAsking()]

    def on_refused(
        self, wish: FoundGroup | None, now: float, *, rest_s: float = ASK_RETRY_S
    ) -> None:
        """The group that was asked said no, or nothing: it is left alone for so long.

        It is the better group still: to admit others meanwhile would make a second one beside it.
        None: nobody said no, but the person here wants something else.
        """
        self._fire(FoundingInput.REFUSED)
        self.committed = False
        if wish is not None:
            silent = rest_s == SILENT_REST_S and not self._by_itself
            self._unanswered = (self._unanswered - {wish.tag}) & self.found.keys()
            self._unanswered |= {wish.tag} if silent else set()
            answered = rest_s >= SILENT_REST_S
            self.turns.on_in_vain(wish.tag, _host(wish), now, rest_s, answered=answered)

    # -- reading -----------------------------------------------------------------------------------
    def better(self, now: float) -> FoundGroup | None:
        """Return the group to be in instead of the own one, if one is joined without people."""
        return self._open_choice(self._fresh(now))

    def may_admit(self, now: float, *, asked: bool = False) -> bool:
        """Say whether a lonely device may let others in: it has listened and stays where it is.

        `asked`: a person here said so, or the other side's has to.
        """
        elsewhere = self.committed or (self.asking and self._by_itself)
        if asked or elsewhere:
            return not elsewhere
        return now >= self._started_s + limits.LISTEN_S and self.better(now) is None

    def rests_until_s(self, found: FoundGroup) -> float:
        """Return when a group may be asked, after it said no or nothing."""
        if self._open_door and found.open and found.tag in self._unanswered:
            return -math.inf  # nobody has to answer by now
        return self.turns.rests_until_s(found.tag, _host(found))

    # -- time --------------------------------------------------------------------------------------
    def deadline(self) -> float | None:
        """Return when `on_tick` must be called next."""
        times: list[float] = []
        if self.state is FoundingState.UNDECIDED:
            times.append(self._started_s + limits.FOUND_S)
        if not self.asking:
            following = self._next(list(self.found.values()), -math.inf)
            if following is not None:
                times.append(max(self._started_s + limits.LISTEN_S, following[0]))
        return min(times, default=None)

    def on_tick(self, now: float) -> list[FoundingAction]:
        """Decide what can be decided now."""
        if not self.asking and now >= self._started_s + limits.LISTEN_S:
            following = self._next(self._fresh(now), now)
            if following is not None and following[0] <= now:
                self._fire(FoundingInput.ASK)
                self._by_itself = self._open_door and following[1].open
                self._asked, self._wanted = following[1].tag, None
                self.turns.on_asked(_host(following[1]), now)
                return [AskToJoin(following[1])]
        if self.asking and not (self.committed or self._by_itself) and self.better(now):
            self._fire(FoundingInput.REFUSED)
            return [StopAsking()]
        if self.state is not FoundingState.UNDECIDED or now < self._started_s + limits.FOUND_S:
            return []
        if not self._open_door and (self._fresh(now) or self._foreign):
            self._fire(FoundingInput.WAIT)
            return [WaitForPerson()]
        self._fire(FoundingInput.KEEP)
        return [KeepGroup()]

    # -- insides -----------------------------------------------------------------------------------
    def _fire(self, happened: FoundingInput) -> None:
        self.state = follow(FOUNDING, self.state, happened)

    def _next(self, near: list[FoundGroup], now: float) -> tuple[float, FoundGroup] | None:
        """Return the group to ask next, rule 1, and from when on it may be asked; None: nobody."""
        wish = next((found for found in near if found.tag == self._wanted), None)
        if wish is not None:
            return self.rests_until_s(wish), wish
        wish = self._open_choice(near)
        if wish is not None:  # also while it rests: nobody goes to a second one meanwhile
            return self.rests_until_s(wish), wish
        if not (self._open_door or self._asks):
            return None
        rested = [found for found in near if self.rests_until_s(found) <= now]
        wish = _in_turn(rested, self.own_tag, self.turns)
        if wish is not None:
            return self.rests_until_s(wish), wish
        later = [found for found in near if now < self.rests_until_s(found) < math.inf]
        fits = [found for found in later if _best([found], self.own_tag)]
        times = [(self.rests_until_s(found), found) for found in fits]
        return min(times, key=lambda pair: pair[0], default=None)

    def _open_choice(self, near: Iterable[FoundGroup]) -> FoundGroup | None:
        """Return the best group that is joined without asking anybody."""
        if not self._open_door:
            return None
        doors = [found for found in near if found.open and self.rests_until_s(found) < math.inf]
        # who was asked in vain for long is no reason to wait, nor is another door of that host
        doors = [found for found in doors if not self.turns.is_tired_of(_host(found))]
        return _best(doors, self.own_tag)

    def _fresh(self, now: float) -> list[FoundGroup]:
        """Forget the groups that were not heard of lately; return the others."""
        for tag, found in list(self.found.items()):
            if now - found.heard_s > OFFER_LIFE_S:
                del self.found[tag]
                self._offers.forget(tag)
        return list(self.found.values())


def _host(found: FoundGroup) -> str:
    """Return what counts as the host that speaks for a group."""
    return host_of(found.address.host)


def _in_turn(near: list[FoundGroup], own_tag: GroupTag, turns: AskingTurns) -> FoundGroup | None:
    """Return the best group of the hosts whose turn it is."""
    fits = [found for found in near if _best([found], own_tag)]
    first_s = min((turns.behind_s(_host(found)) for found in fits), default=0.0)
    return _best((found for found in fits if turns.behind_s(_host(found)) == first_s), own_tag)


def left_alone_s(founding: Founding | None, found: FoundGroup, now: float) -> float:
    """Return for how long a group that did not let us in is not asked by itself; inf: for good."""
    return 0.0 if founding is None else max(0.0, founding.rests_until_s(found) - now)


def forget_host(founding: Founding | None, host: str) -> None:
    """Potluck was ended at that host: what it offered is as old as what is forgotten next."""
    near = founding.found if founding is not None else {}
    for tag, found in near.items():
        if found.address.host == host:
            near[tag] = replace(found, heard_s=-math.inf)


def _best(near: Iterable[FoundGroup], own_tag: GroupTag) -> FoundGroup | None:
    """Return the group to be in by rule 2, then rule 3."""
    near = list(near)
    company = [found for found in near if found.members > 1]
    lonely = [found for found in near if found.members == 1 and found.tag < own_tag]
    return min(company or lonely, key=lambda found: found.tag, default=None)
