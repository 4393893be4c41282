"""Flushing: everything that was done to folders before a moment is known, or heard of.

Strategy: "is everything here?" cannot be answered by what was heard so far, since what was written
a moment ago may not be announced yet. So whoever has to know asks: every member that is here, and
itself. Each of them drains its watcher (what happened to the folders before is told by then), lets
the own folder come to rest, looks at what was touched in other people's, says what it holds of
those and answers with its head. A watcher that does not see everything is no proof, so there the
own folder is scanned instead.

Guarantees: an answer speaks of everything that was closed in the folder before the question came;
one drain is under way at a time, whoever asks how often, and between two scans is a pause as long
as the first one took, so questions cost a bounded part of a device's time, and who asks all the
time delays nobody else's answer by more than that. A question ends: with all answers, or after a
while with the names of those who did not answer; whoever goes on asking takes it up where it ended,
so an answer that takes long counts all the same. Who left, or is gone by what the ring believes, is
waited for no more: a frozen process keeps its links. Limits: a file that somebody still writes is
not waited for; whose share is offline answers at once, of what it shared before; who is not linked
is not asked; where watches are short, what was done to somebody else's files here a moment ago is
not known.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import FlushAsk, Flushed
from potluck.core.wording import listed
from potluck.engine.effects import DrainWatch, Reply
from potluck.engine.events import FlushAsked, OrderId, WatchDrained
from potluck.engine.node import Node
from potluck.engine.others.announcing import Announcing
from potluck.engine.others.following import Following
from potluck.engine.others.replica_hints import CatchUp
from potluck.engine.own.own_folder import OwnFolder
from potluck.engine.ring.circle import Circle

FLUSH_PATIENCE_S = 8.0  # a question ends after this at the latest: the local API answers within ten
TAKEN_UP_S = 5.0  # after it ended: whoever goes on asking does so at once
SCAN_PAUSE_S = 10.0  # at least, between two scans that questions cause where watches are short
MYSELF = "this device"


@dataclass(slots=True)
class FlushQuestion:
    """A person's question under way, or one that ended and may be taken up."""

    command: int | None  # who waits for the reply; None: nobody at the moment
    asked_s: float
    until_s: float
    silent: set[DeviceId] = field(default_factory=set)  # who has not answered yet, us among them


class Flushing:
    """Asks, and answers, what is in the folders by now."""

    def __init__(
        self,
        node: Node,
        own_folder: OwnFolder,
        others: tuple[Following, CatchUp, Announcing],
        circle: Circle,
    ) -> None:
        """Ask nobody; `others` know what is heard, what stands here, and who is told of it."""
        self._node, self._own_folder, self._circle = node, own_folder, circle
        self._following, self._catch_up, self._announcing = others
        self._questions: dict[int, FlushQuestion] = {}
        # who asked what is in the own folder, with the number of the question; we are among them
        self._undrained: dict[DeviceId, int] = {}  # they wait for the next drain
        self._draining: dict[DeviceId, int] = {}  # for the one under way
        self._unscanned: dict[DeviceId, int] = {}  # for a scan: the watcher sees too little
        self._drained: dict[DeviceId, int] = {}  # for the own folder to come to rest
        self._order: OrderId | None = None
        self._scan_s = -math.inf  # when a question may cause the next scan
        self._scan_began_s: float | None = None  # one that a question caused is not answered yet

    def __repr__(self) -> str:
        """Return who waits for what."""
        asked = len(self._undrained) + len(self._draining)
        drained = len(self._unscanned) + len(self._drained)
        return f"<Flushing {len(self._questions)} questions, {asked} to drain, {drained} to settle>"

    # -- asking ------------------------------------------------------------------------------------
    def on_asked(self, event: FlushAsked) -> None:
        """A person wants to know that everything put anywhere so far was heard of.

        What was asked since this person first asked says as much, and was answered in part.
        """
        until_s = self._node.now + min(event.patience_s, FLUSH_PATIENCE_S)
        for earlier in self._questions.values():
            if earlier.command is None and earlier.asked_s >= self._node.now - event.waited_s:
                earlier.command, earlier.until_s = event.command, until_s
                return
        node, number = self._node, self._node.number()
        members = node.roster.members if node.roster is not None else {}
        asked = {device for device in node.linked() if device in members}
        self._questions[number] = FlushQuestion(event.command, node.now, until_s, {node.me, *asked})
        self._undrained[node.me] = number
        for device in sorted(asked):
            node.say(device, FlushAsk(number))

    def on_flushed(self, device: DeviceId, message: Flushed) -> None:
        """A member answered: this head holds everything that was in its folder."""
        if message.head is not None:
            self._following.on_heads(device, [message.head])
        self._on_answer(device, message.number)

    # -- answering ---------------------------------------------------------------------------------
    def on_flush_ask(self, device: DeviceId, message: FlushAsk) -> None:
        """A member asks what is in the own folder; of its questions only the last one counts."""
        self._undrained[device] = message.number

    def on_drained(self, event: WatchDrained) -> None:
        """Everything the watcher knew has been told."""
        if event.order != self._order:
            return
        self._order = None
        self._catch_up.begin()
        if event.sees_all or not self._node.share_present:
            self._drained |= self._draining
        else:
            self._unscanned |= self._draining
        self._draining = {}

    # -- time --------------------------------------------------------------------------------------
    def deadline(self) -> float | None:
        """Return when `on_tick` must be called next."""
        times = [question.until_s for question in self._questions.values()]
        if self._undrained and self._order is None:
            times.append(self._node.now)
        if self._unscanned and self._scan_began_s is None:
            times.append(self._scan_s)
        return min(times, default=None)

    def on_tick(self) -> None:
        """Drain, scan where that is no proof, answer, and end what takes too long."""
        now = self._node.now
        if self._undrained and self._order is None:
            self._order = self._node.number()
            self._draining, self._undrained = self._undrained, {}
            self._node.do(DrainWatch(self._order))
        if self._unscanned and self._scan_began_s is None and now >= self._scan_s:
            self._drained |= self._unscanned
            self._unscanned, self._scan_began_s = {}, now
            self._own_folder.scan()
        # an offline share tells no more however long it is looked for; others hear that it is so
        if self._drained and not (self._is_open and self._node.share_present):
            self._answer()
        if self._questions:
            self._hear_who_is_here(now)

    @property
    def _is_open(self) -> bool:
        """Whether something may still be found in a folder here."""
        return bool(self._own_folder.work) or self._catch_up.is_due

    def _hear_who_is_here(self, now: float) -> None:
        """Wait for nobody who is gone, and for nobody too long."""
        here = {device for device in self._node.linked() if not self._circle.gone(device)}
        for number, question in list(self._questions.items()):
            question.silent &= {self._node.me, *here}
            if question.command is None:
                if now >= question.until_s:
                    del self._questions[number]
            elif not question.silent or now >= question.until_s:
                self._end(question)

    def on_leaving(self) -> None:
        """The device leaves: nobody will hear any more."""
        for question in self._questions.values():
            self._end(question)
        self._questions.clear()

    def _answer(self) -> None:
        """All is known: say what is held of others, and the own head, to all who asked."""
        self._announcing.tell_changed()
        head = self._node.index.manifests.head(self._node.own_manifest)
        for device, number in self._drained.items():
            if device == self._node.me:
                self._on_answer(device, number)
            else:
                self._node.say_when_durable(device, Flushed(number, head))
        self._drained = {}
        if self._scan_began_s is not None:
            took_s = self._node.now - self._scan_began_s
            self._scan_s = self._node.now + max(SCAN_PAUSE_S, took_s)
            self._scan_began_s = None

    def _on_answer(self, device: DeviceId, number: int) -> None:
        """A device answered that question, and with it all that were asked before."""
        for earlier, question in self._questions.items():
            if earlier <= number:
                question.silent.discard(device)

    def _end(self, question: FlushQuestion) -> None:
        """Tell the person, with the names of those who are still silent."""
        if question.command is None:
            return
        names = [MYSELF for device in question.silent if device == self._node.me]
        others = sorted(question.silent - {self._node.me})
        names += [self._node.label_of(device) for device in others]
        self._node.do(Reply(question.command, ok=not names, text=listed(names)))
        question.command, question.until_s = None, self._node.now + TAKEN_UP_S
