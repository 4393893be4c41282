"""Requests: whom the people here are asked about, on every member's screen at the same time.

Strategy: three kinds. *Here*: somebody asks this device to let it in (doorkeeping.py talks to it).
*There*: this device asks a group to let it in (entering.py). *Told*: a newcomer talks to another
member, which told of it. All have the three words and a name to answer by (request_list.py). What
is asked here is told to every member that is linked, and to those who come; they may answer, and
the one that talks to the newcomer decides: the first yes counts, any no ends it, and when it is
over all are told.

Guarantees: an answer reaches the request it was meant for or none. What members tell lasts no
longer than it can. A link that breaks loses nothing: its requests are told again, and the answer of
whoever is linked counts. Limits: a member is believed what it tells; it could let anybody in
itself.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol, assert_never

from potluck.core import limits
from potluck.core.errors import Refused
from potluck.core.group.admission import Newcomer
from potluck.core.group.words import is_conversation_name, name_of, three_words
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import Message, RequestAnswer, RequestOver, RequestTold
from potluck.core.wording import set_off
from potluck.engine.events import LinkId
from potluck.engine.group.request_bounds import RequestBounds
from potluck.engine.group.request_ends import of_silence, of_teller
from potluck.engine.group.request_list import (
    UNKNOWN_WHOSE,
    Request,
    RequestList,
    Side,
    yeses_of,
)
from potluck.engine.node import Node, legible

WAITS = "others ask as well and it makes room; it comes back by itself, with the same words"


class Asker(NamedTuple):
    """Somebody who asks this device."""

    link: LinkId
    newcomer: Newcomer
    host: str
    transcript: bytes
    until_s: float


class AskedMember(NamedTuple):
    """The member that this device asks."""

    link: LinkId
    group: str
    label: str
    host: str
    transcript: bytes
    until_s: float
    devices: int = 1  # in that group, as its offer said
    whose: frozenset[bytes] = UNKNOWN_WHOSE  # the group, and the member that answers


class RequestsListener(Protocol):
    """Hears what people answer to those that this device talks to."""

    def on_answered(self, link: LinkId, by: str, *, yes: bool) -> None:
        """Somebody, at the device of that label, said yes or no."""


class Requests:
    """All that people here can answer."""

    def __init__(self, node: Node, listener: RequestsListener) -> None:
        """Nobody asks."""
        self._node, self._listener = node, listener
        self.list, self._bounds = RequestList(node), RequestBounds(node.chance)
        self._waiting: dict[LinkId, Request] = {}  # who asks here and is not shown just now

    def __repr__(self) -> str:
        """Say how many there are."""
        return f"<Requests {self.list!r}>"

    # -- conversations of this device --------------------------------------------------------------
    def why_full(self, asker: Asker) -> str:
        """Say why people cannot be asked about that newcomer just now; "" if they can."""
        return self._bounds.why_full(asker.host, asker.newcomer.device, self._node.now)

    def open_here(self, asker: Asker, *, is_open: bool) -> LinkId | None:
        """Somebody asks here; returns an earlier conversation of the same device: it is dead."""
        node, device = self._node, asker.newcomer.device
        wish = node.roster.free_label(asker.newcomer.label) if node.roster is not None else ""
        request = Request(
            id=name_of(asker.transcript),
            side=Side.MEMBER,
            name=wish,
            label=legible(asker.newcomer.label),
            group=self.list.group,
            host=asker.host,
            words=three_words(asker.transcript),
            until_s=asker.until_s,
            link=asker.link,
            device=device,
            whose=frozenset({device}),
            open=is_open,
        )
        if is_open:
            self._show(request)
            return None
        self._waiting[asker.link] = request
        earlier = self._bounds.enter(asker.link, asker.host, device, self._node.now)
        if earlier is None:
            self._take_turns()
        return earlier

    def _show(self, request: Request) -> None:
        """Ask the people here, and of every member that is linked."""
        request.name = self.list.name_for(request.name, (None, request.id), request.whose)
        self.list.add(request)
        self._say_all(_told_of(request, self._node.now))

    def _take_turns(self) -> None:
        """Show those whose turn it is; who makes room for them keeps its conversation."""
        while (turn := self._bounds.take_turn(self._node.now)) is not None:
            hidden = self.list.of(turn.hidden) if turn.hidden is not None else None
            if hidden is not None and hidden.link is not None:
                self._waiting[hidden.link] = hidden
                self.list.end((None, hidden.id), WAITS)
                self._say_all(RequestOver(hidden.id, WAITS))
                hidden.over = ""
            self._show(self._waiting.pop(turn.shown))

    def open_there(self, asked: AskedMember, *, is_open: bool) -> None:
        """This device asks a group; that its door was open when it was found is no yes yet."""
        name = name_of(asked.transcript)
        request = Request(
            id=name,
            side=Side.JOINER,
            name=self.list.name_for(asked.group, (None, name), asked.whose),
            label=legible(asked.label),
            group=legible(asked.group),
            host=asked.host,
            words=three_words(asked.transcript),
            until_s=asked.until_s,
            link=asked.link,
            whose=asked.whose,
            open=is_open,
            devices=asked.devices,
        )
        self.list.add(request)

    def on_said(self, link: LinkId, *, here: bool = False, there: bool = False) -> None:
        """One side of a conversation has said yes."""
        request = self.list.of(link) or self._waiting.get(link)
        if request is None:
            return
        request.here, request.there = request.here or here, request.there or there
        if here:
            self._bounds.keep(link)
        if request.side is Side.MEMBER and link not in self._waiting:
            self._say_all(_told_of(request, self._node.now))

    def talk(self, link: LinkId) -> Request | None:
        """Return the request that is talked about on a link, seen by people or not yet."""
        return self.list.of(link) or self._waiting.get(link)

    @property
    def links(self) -> list[LinkId]:
        """The conversations of this device that people are asked about, or will be."""
        rows = [*self.list.rows, *self._waiting.values()]
        return [one.link for one in rows if one.link is not None]

    def over(
        self, link: LinkId, why: str, *, done: bool = False, here: str = "", kept: bool = True
    ) -> None:
        """A conversation is over; `done`: the newcomer is in, which is told by itself.

        `here`: how that is said on this device's own screen; `kept`: it is the answer to a later
        question what became of it.
        """
        request = self.list.of(link)
        self._waiting.pop(link, None)
        self._bounds.leave(link)
        if request is None:
            return
        self.list.end((None, request.id), here or why, quiet=done or request.open)
        if kept and not done:
            self.list.note_end(request)
        if request.side is Side.MEMBER:
            said = legible(why)[: limits.TEXT_CHARACTERS]
            self._say_all(RequestOver(request.id, said, done))

    # -- what members tell -------------------------------------------------------------------------
    def on_linked(self, device: DeviceId) -> None:
        """A member is linked: it hears what is asked here."""
        for request in self.list.rows:
            if request.side is Side.MEMBER and request.teller is None:
                self._node.say(device, _told_of(request, self._node.now))

    def on_unlinked(self, device: DeviceId) -> None:
        """What a member told cannot be answered any more; it tells it again when it is back."""
        node, by = self._node, set_off(self._node.label_of(device))
        for request in self.list.rows:
            if request.teller == device:
                why = of_teller(by, said_yes=request.here)
                quiet = (
                    request.open or node.leaving
                )  # nobody was asked about it, or is here to read
                self.list.end((device, request.id), why, quiet=quiet)

    def on_message(
        self, device: DeviceId, message: RequestTold | RequestAnswer | RequestOver
    ) -> None:
        """A member says something about a newcomer."""
        match message:
            case RequestTold():
                self._on_told(device, message)
            case RequestAnswer():
                request = self.list.get(None, message.request)
                if request is None or request.link is None or request.side is not Side.MEMBER:
                    self._node.counters["answers to no request"] += 1
                    return
                by = self._node.label_of(device)
                self._listener.on_answered(request.link, by, yes=message.yes)
            case RequestOver(conversation, why, done):
                self.list.end((device, legible(conversation)), legible(why), quiet=done)
            case _:
                assert_never(message)

    def _on_told(self, device: DeviceId, told: RequestTold) -> None:
        """A member told of a newcomer, or what became of it."""
        name, left_s = legible(told.request), min(told.left_s, limits.PAIRING_PERSON_S)
        until_s = self._node.now + left_s
        request = self.list.get(device, name)
        if not is_conversation_name(name):
            self._node.counters["requests told by no id"] += 1
            return
        if request is None:
            whose = frozenset({told.device}) - {b""}
            if not self.list.may_tell(device, name):
                return
            request = Request(
                id=name,
                side=Side.MEMBER,
                name=self.list.name_for(told.name, (device, name), whose),
                label=legible(told.label),
                group=self.list.group,
                host=legible(told.host),
                words=tuple(map(legible, told.words)),
                until_s=until_s,
                teller=device,
                whose=whose,
                open=told.open or told.allowed,
            )
            self.list.add(request)
            request.open = told.open
        request.until_s = min(request.until_s, until_s)
        request.here, request.there = told.allowed, told.wanted

    # -- what people here say ----------------------------------------------------------------------
    def answer(self, name: str, *, yes: bool) -> str:
        """A person here says yes or no; returns what came of it. Raises PotluckError."""
        request = self.list.find(name)
        if yes and not request.needed:
            raise Refused(
                f"{request.name} does not wait for a yes from here.",
                "the door is open, or somebody said yes already",
                "status",
            )
        if request.link is not None:
            self._listener.on_answered(request.link, self._node.own_label, yes=yes)
        else:
            self._pass_on(request, yes=yes)
        if not yes:
            return f"You said no to {request.shown_name}."
        if request.over:
            by_us = f": {self._node.own_label} said yes"
            return f"{request.over.removesuffix(by_us)}."
        if request.there:
            return f"You said yes, and so has {request.shown_name}'s side."
        return f"You said yes; {request.shown_name}'s side has not yet."

    def _pass_on(self, request: Request, *, yes: bool) -> None:
        """Tell the member that talks to the newcomer."""
        teller = request.teller
        assert teller is not None, "else it is our own conversation"
        if not self._node.say(teller, RequestAnswer(request.id, yes=yes)):
            by = self._node.label_of(teller)
            raise Refused("The answer reached nobody.", f"there is no link to {by} now", "peers")
        request.here = yes

    def _say_all(self, message: Message) -> None:
        for device in self._node.linked():
            self._node.say(device, message)

    # -- time --------------------------------------------------------------------------------------
    def deadline(self) -> float | None:
        """Return when `on_tick` must be called next: for what others told; ours end elsewhere."""
        times = [one.until_s for one in self.list.rows if one.teller is not None]
        turn_s = self._bounds.deadline()
        return min(
            [*times, *([] if turn_s is None else [max(turn_s, self._node.now)])], default=None
        )

    def on_tick(self) -> None:
        """What others told and never ended is over; it is the turn of who waits."""
        self._take_turns()
        for request in self.list.rows:
            if request.teller is not None and request.until_s <= self._node.now:
                why = of_silence(yeses_of(request))
                self.list.end((request.teller, request.id), why)


def _told_of(request: Request, now: float) -> RequestTold:
    left_s = int(max(request.until_s - now, 0.0))
    return RequestTold(
        request=request.id,
        label=request.label[: limits.LABEL_BYTES],
        name=request.name[: limits.LABEL_BYTES],
        host=request.host,
        words=list(request.words),
        left_s=min(left_s, limits.PAIRING_PERSON_S),
        open=request.open,
        wanted=request.there,
        allowed=request.here,
        device=request.device or b"",
    )
