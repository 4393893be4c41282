"""Watching: who is probed when, and when nobody is there.

Strategy (SWIM with two additions). Every half second one probe, alternating between `next` in the
ring and another member in shuffled order, so a crash meets a probe within a second whatever N is.
No answer within max(100 ms, 4 x RTT): the same node is asked again over the other path, and up to
three others are asked to ask it; no answer within twice that again: unreachable. The first try goes
by datagram (it is lost independently of everything else), the second also over the control link, so
a network that blocks UDP is no reason to die. Whatever is heard from a node answers every probe to
it.

The observer may be the sick one: all time-outs stretch by this node's own tick lateness (Lifeguard,
arXiv 1707.00788), between x1 and x8; after a long pause open probes are dropped instead of judged.

Guarantees: every open probe has a time-out; one probe per period; a node that answers within its
time-out is never reported. Limits: it only *reports*; suspicion and death are for core/beliefs.py
to decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from potluck.core import limits
from potluck.core.keys.identity import DeviceId


@dataclass(frozen=True, slots=True)
class Probe:
    """Ask that node whether it is there, by datagram, and over the control link too if this is the
    second try.
    """

    to: DeviceId
    sequence: int
    again: bool


@dataclass(frozen=True, slots=True)
class AskHelper:
    """Ask `to` to probe `target`."""

    to: DeviceId
    sequence: int
    target: DeviceId


@dataclass(frozen=True, slots=True)
class Answered:
    """A node that `to` asked us to probe has answered."""

    to: DeviceId
    sequence: int
    target: DeviceId


@dataclass(frozen=True, slots=True)
class Unreachable:
    """Nobody could reach that node."""

    device: DeviceId


@dataclass(slots=True)
class _Open:
    target: DeviceId
    sent_s: float
    deadline_s: float
    again: bool
    asker: DeviceId | None = None
    asked: int = 0


ProbingAction = Probe | AskHelper | Answered | Unreachable


class Probing:
    """One node's failure detector."""

    def __init__(self, me: DeviceId) -> None:
        """Watch nobody yet."""
        self.me = me
        self.lateness = 1.0
        self._open: dict[int, _Open] = {}
        self._round_trip_s: dict[DeviceId, float] = {}
        self._sequence = 0
        self._next_s = 0.0
        self._ticked_s: float | None = None
        self._order: list[DeviceId] = []
        self._turn = 0

    def deadline(self) -> float:
        """Return when `on_tick` must be called next."""
        return min([self._next_s, *(probe.deadline_s for probe in self._open.values())])

    def on_tick(self, ring: Sequence[DeviceId], now: float, shuffle: float) -> list[ProbingAction]:
        """Judge what is overdue and send the next probe; `shuffle` in [0, 1) picks the start of a
        new round.
        """
        self._measure_lateness(now)
        actions: list[ProbingAction] = []
        for sequence in [number for number, probe in self._open.items() if probe.deadline_s <= now]:
            actions += self._overdue(sequence, ring, now)
        if now >= self._next_s:
            self._next_s = now + limits.PROBE_S
            target = self._choose(ring, shuffle)
            if target is not None:
                actions.append(self._probe(target, now))
        return actions

    def on_heard(self, device: DeviceId, now: float) -> list[ProbingAction]:  # noqa: ARG002 - every fact carries its time
        """Anything at all came from that node: it answers every open probe to it."""
        actions: list[ProbingAction] = []
        for sequence in [number for number, probe in self._open.items() if probe.target == device]:
            probe = self._open.pop(sequence)
            if probe.asker is not None:
                actions.append(Answered(probe.asker, probe.asked, device))
        return actions

    def on_answer(self, device: DeviceId, sequence: int, now: float) -> list[ProbingAction]:
        """That node answered probe number `sequence`."""
        probe = self._open.get(sequence)
        if probe is not None and probe.target == device and not probe.again:
            before = self._round_trip_s.get(device, now - probe.sent_s)
            # RFC 6298's gain
            self._round_trip_s[device] = before + ((now - probe.sent_s) - before) / 8
        return self.on_heard(device, now)

    def on_probe_asked(
        self, asker: DeviceId, sequence: int, target: DeviceId, now: float
    ) -> list[ProbingAction]:
        """Somebody cannot reach `target` and asks us to try."""
        if target == self.me or len(self._open) >= limits.PROBES_OPEN:
            return []
        action = self._probe(target, now)
        opened = self._open[action.sequence]
        opened.asker, opened.asked = asker, sequence
        return [action]

    def on_helper_answer(self, target: DeviceId, now: float) -> list[ProbingAction]:
        """A helper reached `target`."""
        return self.on_heard(target, now)

    def forget(self, device: DeviceId) -> None:
        """That node is no longer of the ring."""
        self._open = {
            number: probe for number, probe in self._open.items() if probe.target != device
        }
        self._round_trip_s.pop(device, None)

    def _measure_lateness(self, now: float) -> None:
        """Stretch by how late this tick comes, relax slowly; drop what a long pause has made
        meaningless.
        """
        due = min([self._next_s, *(probe.deadline_s for probe in self._open.values())])
        # called for another reason: this says nothing about lateness
        if self._ticked_s is not None and now < due:
            return
        late_s = now - due if self._ticked_s is not None else 0.0
        if self._ticked_s is None:
            self._next_s = now
        self._ticked_s = now
        if late_s > 4 * limits.PROBE_S:
            self._open.clear()
        target = min(limits.LATENESS_MAX, 1.0 + late_s / limits.PROBE_TIMEOUT_MIN_S)
        self.lateness = (
            target if target > self.lateness else self.lateness + (target - self.lateness) * 0.1
        )

    def _timeout_s(self, device: DeviceId) -> float:
        adaptive = 4 * self._round_trip_s.get(device, limits.PROBE_TIMEOUT_S / 4)
        bounded = min(max(limits.PROBE_TIMEOUT_MIN_S, adaptive), 4 * limits.PROBE_TIMEOUT_S)
        return bounded * self.lateness

    def _probe(self, target: DeviceId, now: float) -> Probe:
        self._sequence += 1
        self._open[self._sequence] = _Open(target, now, now + self._timeout_s(target), again=False)
        return Probe(target, self._sequence, again=False)

    def _overdue(self, sequence: int, ring: Sequence[DeviceId], now: float) -> list[ProbingAction]:
        probe = self._open.get(sequence)
        if probe is None:  # another probe to the same node was judged in this very tick
            return []
        if probe.asker is not None or probe.target not in ring:
            del self._open[sequence]
            return []
        if probe.again:
            self.forget(probe.target)
            return [Unreachable(probe.target)]
        probe.again = True
        probe.deadline_s = now + 2 * self._timeout_s(probe.target)
        others = [device for device in ring if device not in (self.me, probe.target)]
        start = sequence % max(len(others), 1)
        helpers = (others[start:] + others[:start])[: limits.PROBE_HELPERS]
        asks = [AskHelper(helper, sequence, probe.target) for helper in helpers]
        return [Probe(probe.target, sequence, again=True), *asks]

    def _choose(self, ring: Sequence[DeviceId], shuffle: float) -> DeviceId | None:
        """Return `next` at even turns, at odd ones the next of all the others in a rotated order."""
        if self.me not in ring or len(ring) < 2:
            return None
        self._turn += 1
        if self._turn % 2:
            return ring[(ring.index(self.me) + 1) % len(ring)]
        self._order = [device for device in self._order if device in ring]
        if not self._order:
            others = [device for device in ring if device != self.me]
            start = int(shuffle * len(others))
            self._order = others[start:] + others[:start]
        return self._order.pop()
