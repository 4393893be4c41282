"""Request list: the requests that stand on this device's screen, and what they are called.

Strategy: one row for each conversation, under the member that talks to the newcomer (None: this
device) and the conversation's id. A row is given its name when it comes; the notice that asks the
person is written here, and the one that says why it is over, which is remembered by host for
whoever looks later. Guarantees: no two rows have one name at a time, nor do two devices one after
the other before people had time to see it, while one that asks again keeps its name; a name can be
typed, is set off as on every screen, and none looks like an id but the id of that row itself; what
members told is bounded by member and in all. Limits: rows only; who answers what is requests.py's
business. Whose request it is that a member tells of, and which group it is that is asked, is what
they say: a yes that goes by a name alone may meet another one, so faces answer by the id.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from potluck.core import limits
from potluck.core.errors import NotFound, UsageError
from potluck.core.group.founding import FoundGroup
from potluck.core.group.look_alikes import who_it_is_not, why_numbered
from potluck.core.group.words import is_conversation_name
from potluck.core.keys.identity import DeviceId
from potluck.core.wording import set_off, typable
from potluck.engine.events import LinkId
from potluck.engine.group.request_ends import ENDED_THERE, Yeses
from potluck.engine.group.told_bounds import RequestKey, ToldBounds
from potluck.engine.node import Node, legible

NAME_RESTS_S = 120.0  # a name that a person may be about to type is nobody else's for so long
UNKNOWN_WHOSE: frozenset[bytes] = frozenset()  # it is not known whose a name is
_NUMBERED = re.compile(r"-[2-9][0-9]{0,3}\Z")


class Side(StrEnum):
    """Which side of the door this device is on."""

    MEMBER = "member"
    JOINER = "joiner"


@dataclass(slots=True)
class Request:
    """One conversation, as people see it; what strangers named is legible."""

    id: str
    side: Side
    name: str  # to answer by
    label: str
    group: str
    host: str
    words: tuple[str, ...]
    until_s: float
    link: LinkId | None = None  # of the conversation; None: another member talks
    teller: DeviceId | None = None  # that member
    device: DeviceId | None = None  # the newcomer, if we talk to it
    whose: frozenset[bytes] = UNKNOWN_WHOSE  # the newcomer, or group and member asked
    replaces: DeviceId | None = None  # the removed device whose place a person here gave to it
    open: bool = False  # the door here is: nobody is asked
    here: bool = False  # this side has said yes
    there: bool = False  # the other side has
    devices: int = 1  # in the group that is asked, as its offer said; any of them shows the words
    over: str = ""  # why it is over

    @property
    def question(self) -> str:
        """What a person here is asked, in one sentence."""
        if self.side is Side.JOINER:
            return f"{self.group} can let this device in: compare the words with {self.label}"
        return f"{self.shown_name} asks to join: compare the words"

    @property
    def standing(self) -> str:
        """What is waited for while nobody here has to answer, in one sentence."""
        said = "this side said yes" if self.here else "the door here says yes"
        other = self.group if self.side is Side.JOINER else self.shown_name
        if self.there:
            return f"{said}, and so did the side of {other}: what follows is under way"
        return f"{said}, and the side of {other} has to say it, too"

    @property
    def shown_name(self) -> str:
        """What the other side is called: a newcomer as it is answered, which no member is."""
        is_id = self.name == self.id
        return self.label if is_id or self.side is Side.JOINER else self.name

    def is_of(self, key: RequestKey, whose: frozenset[bytes]) -> bool:
        """Say whether it is that conversation, or another one of the same device or group."""
        return (self.teller, self.id) == key or not self.whose.isdisjoint(whose)

    @property
    def needed(self) -> bool:
        """Whether somebody here has to answer."""
        return not (self.open or self.here)


class LastEnd(NamedTuple):
    """What became of the last request between this device and a host."""

    side: Side  # JOINER: this device had asked there
    why: str
    whose: frozenset[bytes] = UNKNOWN_WHOSE  # the group and member asked


class RequestList:
    """The rows."""

    def __init__(self, node: Node) -> None:
        """Nobody asks."""
        self._node = node
        self._rows: dict[RequestKey, Request] = {}
        self._told = ToldBounds()
        self.ends: dict[str, LastEnd] = {}  # by host, until one of them asks again
        self._freed: dict[str, tuple[Request, float]] = {}  # names, whose, when they were

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._rows)

    def __repr__(self) -> str:
        """Say how many there are, and how many of these others told of."""
        return f"<RequestList {len(self)}, told={len(self._told)}>"

    @property
    def rows(self) -> list[Request]:
        """All of them: those of this device before what members told, then the oldest first."""
        return sorted(self._rows.values(), key=lambda one: one.teller is not None)

    @property
    def group(self) -> str:
        """The name of the own group."""
        return legible(self._node.roster.name) if self._node.roster is not None else ""

    def becomes(self, request: Request) -> str:
        """Return the label a newcomer would have here, if that is another than its row's name."""
        roster = self._node.roster
        if roster is None or request.side is Side.JOINER:
            return ""
        label = legible(roster.free_label(request.label, request.device))
        return "" if label == request.name else label

    def get(self, teller: DeviceId | None, request: str) -> Request | None:
        """Return the row of that conversation."""
        return self._rows.get((teller, request))

    def of(self, link: LinkId) -> Request | None:
        """Return the row of a conversation of this device."""
        return next((one for one in self.rows if one.link == link), None)

    def between(self, found: FoundGroup, near: Sequence[FoundGroup]) -> Request | None:
        """Return the request that stands between this device and a group, whoever asked.

        Of which group a newcomer is, is not said: it counts where its host has no other (`near`).
        """
        host = found.address.host
        ours = [one for one in self.rows if one.teller is None]
        is_only = sum(one.address.host == host for one in near) == 1
        came = [one for one in ours if one.side is Side.MEMBER and one.host == host]
        fits = [one for one in ours if one.side is Side.JOINER and found.tag in one.whose]
        return next(iter(fits or (came if is_only and len(came) == 1 else [])), None)

    def find(self, name: str) -> Request:
        """Return what is called so, or the only one; raises NotFound or UsageError."""
        rows = self.rows
        if not rows:
            raise NotFound("Nobody asks to join.", "the request is over, or never came", "status")
        ours = [one for one in rows if one.teller is None]
        fits = [one for one in rows if one.name == name]
        fits = fits or [one for one in ours if one.id == name]  # ids are what members say they are
        fits = fits or [one for one in rows if one.id == name]
        if not name:
            fits = [one for one in rows if one.needed] or rows
        names = " or ".join(one.name for one in (fits or rows))
        if len(fits) > 1:
            why = f"it is not clear whom you mean: {names}"
            raise UsageError("Several ask to join.", why, "pending")
        if not fits:
            raise NotFound(
                f"Nobody called {name} asks to join.",
                f"it is over, or never came; who asks: {names}",
                "pending",
            )
        return fits[0]

    def name_for(self, wish: str, key: RequestKey, whose: frozenset[bytes] = UNKNOWN_WHOSE) -> str:
        """Return what a request is answered by: as wished if that can be typed and is free.

        A third of one name is NAME-3. What another request was called a moment ago, or is known by,
        is not free: a person may be about to type it. It is to the same conversation, and to the
        device or group (`whose`) that it was before: what is typed means the same one then.
        """
        named = legible(wish) == wish and bool(wish.strip()) and not is_conversation_name(wish)
        now, stem = self._node.now, _NUMBERED.sub("", wish) if named else key[1]
        self._freed = {n: (w, s) for n, (w, s) in self._freed.items() if now - s < NAME_RESTS_S}
        taken = {one.name for one in self.rows} | {one.id for one in self.rows}
        taken |= {n for n, (was, _) in self._freed.items() if not was.is_of(key, whose)}
        tries = range(2, len(taken) + 3)
        names = [wish if named else key[1], *(f"{stem}-{number}" for number in tries)]
        return next(name for name in names if name not in taken)

    def may_tell(self, teller: DeviceId, request: str) -> bool:
        """Say whether a member may tell of that new request; else it is counted."""
        counters = self._node.counters
        if self.get(None, request) is not None:
            counters["requests told that are ours"] += 1
            return False
        if not self._told.is_new_allowed(teller, self._node.now):
            counters["requests told too often"] += 1
            return False
        return True

    def add(self, request: Request) -> None:
        """Show a request, and have the person here asked unless the door is open."""
        key = (request.teller, request.id)
        gone = None if request.teller is None else self._told.note(key, request.teller)
        if gone is not None:
            self.end(gone, "", quiet=True)
        self._rows[key] = request
        if request.teller is None:
            self.ends = {
                host: end
                for host, end in self.ends.items()
                if host != request.host and end.whose.isdisjoint(request.whose)
            }
        if not request.open:
            self._ask(request)

    def end(self, key: RequestKey, why: str, *, quiet: bool = False) -> None:
        """That request is over; `quiet`: what follows from it is told by itself."""
        request = self._rows.pop(key, None)
        self._told.forget(key)
        if request is None:
            return
        self._freed[request.name] = request, self._node.now
        request.over = why or "it is over"
        if not quiet:
            which = "to" if request.side is Side.JOINER else "of"
            text = f"the request {which} {set_off(request.name)} is over: {request.over}"
            self._node.tell("request_over", text, subject=_subject(self._node, request))

    def note_end(self, request: Request) -> None:
        """Remember for later what became of a request of this device's own conversations.

        Of one that ended with potluck there nothing is to be said: it begins anew.
        """
        if request.over == ENDED_THERE:
            return
        self._keep_end(request.host, LastEnd(request.side, request.over, request.whose))

    def note_unasked(self, host: str, why: str, *, wanted: bool = False) -> None:
        """A group at that host could not be asked; `wanted`: a person named it, and hears why."""
        self._keep_end(host, LastEnd(Side.JOINER, why))
        if wanted:
            self._node.tell("unasked", f"{host} could not be asked: {why}", subject=host)

    def _keep_end(self, host: str, end: LastEnd) -> None:
        self.ends[host] = end
        while len(self.ends) > limits.OFFERS:
            del self.ends[next(iter(self.ends))]

    def last_end(self, host: str, group: bytes) -> LastEnd | None:
        """Return what became of the last request there: at that host, or at another of a group."""
        ends = reversed(self.ends.values())
        return self.ends.get(host) or next((end for end in ends if group in end.whose), None)

    def _itself(self, request: Request) -> str:
        """Return what a newcomer calls itself and who it is not, where its name does not say it."""
        if request.side is Side.JOINER:
            return ""
        roster, label, name = self._node.roster, request.label, request.shown_name
        entries = [] if roster is None else roster.members.values()
        members = [legible(one.label) for one in entries if one.device not in request.whose]
        asks = [one for one in self.rows if one is not request and one.side is Side.MEMBER]
        others = [one.label for one in asks if one.whose.isdisjoint(request.whose)]
        apart = who_it_is_not(label, members, others)
        if name == label and not apart:
            return ""
        would = self.becomes(request)
        called = f" and would be called {set_off(would)}" if would else ""
        why = why_numbered(label, name, would)
        after = f" ({why})" if why else ""
        after = f", {apart}" if apart else after
        if name == label and not called:
            return f", {apart},"
        return f", a machine that calls itself {set_off(label)}{called}{after},"

    def _ask(self, request: Request) -> None:
        """Tell the person here, and the log, what there is to answer."""
        words, command = " ".join(request.words), f"approve {typable(request.name, request.id)}"
        name, label = set_off(request.shown_name), set_off(request.label)
        who = f"{name} ({request.host}){self._itself(request)} asks to join “{request.group}”"
        screen = f"the screen of the machine that asks, {name}, shows"
        if request.side is Side.JOINER:
            screen = f"{label}'s screen shows"
            who = f"“{request.group}” can let this device in: {label} ({request.host})"
        if request.devices > 1:
            screen = f"{label}'s screen, or that of any other device there, shows"
        text = f"{who}. Words: {words}. If {screen} the same words, say yes here: {command}"
        subject = _subject(self._node, request)
        self._node.tell("request", text, level="warning", subject=subject, command=command)


def yeses_of(request: Request | None) -> Yeses:
    """Return which sides of a conversation have said yes."""
    return Yeses() if request is None else Yeses(request.here, request.there)


def _subject(node: Node, request: Request) -> str:
    """Return whom its notices are about: what a member tells is charged to that member."""
    return request.name if request.teller is None else node.label_of(request.teller)
