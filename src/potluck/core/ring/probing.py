"""Probing: who is asked when whether it is there, and when nobody is.

Strategy (SWIM with two additions). Every half second one probe, alternating between `next` in the
ring and another member in shuffled order, so a crash meets a probe within a second whatever N is.
No answer within max(100 ms, 4 x RTT): the same node is asked again over the other path, and up to
three others are asked to ask it; no answer within twice that again: unreachable. The first try goes
by datagram (it is lost independently of everything else), the second also over the control link, so
a network that blocks UDP is no reason to die. Whatever is heard from a node answers every probe to
it.

Each open probe is a small machine (`PROBING`): one of our own has two tries, one for somebody else
has one and ends without a word.

The observer may be the sick one: all time-outs stretch by this node's own tick lateness (Lifeguard,
arXiv 1707.00788), between x1 and x8; after a long pause open probes are dropped instead of judged.

Guarantees: every open probe has a time-out; one probe per period; a node that answers within its
time-out is never reported. Limits: it only *reports*; suspicion and death are for
core/ring/beliefs.py to decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from potluck.core import limits
from potluck.core.chance import Chance, draw_index
from potluck.core.keys.identity import DeviceId
from potluck.core.transitions import follow


@dataclass(frozen=True, slots=True)
class Probe:
    """Ask that node whether it is there: by datagram, at the second try over the link too."""

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


ProbingAction = Probe | AskHelper | Answered | Unreachable


class ProbeState(Enum):
    """Where one probe stands."""

    ASKED = auto()  # by datagram, for ourselves
    ASKED_AGAIN = auto()  # over the control link too, and up to three others ask as well
    ASKED_FOR_ANOTHER = auto()  # by datagram, for somebody who cannot reach it
    ANSWERED = auto()  # the node is there
    PASSED_ON = auto()  # the node is there, and who asked us is told
    UNREACHABLE = auto()  # nobody could reach it
    DROPPED = auto()  # nothing follows from it


class ProbeInput(Enum):
    """What can happen to an open probe."""

    WORD = auto()  # anything at all was heard from the node
    SILENCE = auto()  # its time-out is over
    DROP = auto()  # the node is not of the ring any more, or this one slept


PROBING: dict[tuple[ProbeState, ProbeInput], ProbeState] = {
    (ProbeState.ASKED, ProbeInput.WORD): ProbeState.ANSWERED,
    (ProbeState.ASKED, ProbeInput.SILENCE): ProbeState.ASKED_AGAIN,
    (ProbeState.ASKED, ProbeInput.DROP): ProbeState.DROPPED,
    (ProbeState.ASKED_AGAIN, ProbeInput.WORD): ProbeState.ANSWERED,
    (ProbeState.ASKED_AGAIN, ProbeInput.SILENCE): ProbeState.UNREACHABLE,
    (ProbeState.ASKED_AGAIN, ProbeInput.DROP): ProbeState.DROPPED,
    (ProbeState.ASKED_FOR_ANOTHER, ProbeInput.WORD): ProbeState.PASSED_ON,
    (ProbeState.ASKED_FOR_ANOTHER, ProbeInput.SILENCE): ProbeState.DROPPED,
    (ProbeState.ASKED_FOR_ANOTHER, ProbeInput.DROP): ProbeState.DROPPED,
}
"""The life of one probe: only those that are asked are kept, the others are over."""
_OPEN = frozenset({ProbeState.ASKED, ProbeState.ASKED_AGAIN, ProbeState.ASKED_FOR_ANOTHER})


@dataclass(slots=True)
class _OpenProbe:
    """A probe that nothing has ended yet."""

    target: DeviceId
    sent_s: float
    deadline_s: float
    state: ProbeState = ProbeState.ASKED
    asker: tuple[DeviceId, int] | None = None  # whoever asked us to ask, and under which number


class Probing:
    """One node's failure detector."""

    def __init__(self, me: DeviceId, chance: Chance) -> None:
        """Probe nobody yet."""
        self.me = me
        self.lateness = 1.0  # stretch of all time-outs, by how late this node's own ticks come
        self._chance = chance
        self._ring: list[DeviceId] = []
        self._open: dict[int, _OpenProbe] = {}
        self._round_trip_s: dict[DeviceId, float] = {}
        self._sequence = 0
        self._next_s = 0.0
        self._ticked_s: float | None = None
        self._order: list[DeviceId] = []  # who is still to come in this round
        self._turn = 0

    def __repr__(self) -> str:
        ring, probes = len(self._ring), len(self._open)
        return f"<Probing {ring} nodes, {probes} open probes, lateness {self.lateness:.1f}>"

    # -- facts -------------------------------------------------------------------------------------
    def on_ring(self, ring: Sequence[DeviceId]) -> None:
        """These nodes, in the order of their numbers, are the ring now."""
        self._ring = list(ring)

    def on_heard(
        self,
        device: DeviceId,
        now: float,  # noqa: ARG002 - every word from outside carries its time
    ) -> list[ProbingAction]:
        """Anything at all came from that node: it answers every open probe to it."""
        actions: list[ProbingAction] = []
        for sequence in self._open_to(device):
            asker = self._open[sequence].asker
            match self._fire(sequence, ProbeInput.WORD), asker:
                case ProbeState.PASSED_ON, (to, number):
                    actions.append(Answered(to, number, device))
                case _:
                    pass  # it was ours
        return actions

    def on_answer(self, device: DeviceId, sequence: int, now: float) -> list[ProbingAction]:
        """That node answered probe number `sequence`."""
        probe = self._open.get(sequence)
        if probe is not None and probe.target == device:
            self._measure_round_trip(probe, now)
        return self.on_heard(device, now)

    def on_probe_asked(
        self, asker: DeviceId, sequence: int, target: DeviceId, now: float
    ) -> list[ProbingAction]:
        """Somebody cannot reach `target` and asks us to try."""
        for_it = [probe for probe in self._open.values() if probe.asker and probe.asker[0] == asker]
        full = len(self._open) >= limits.PROBES_OPEN or len(for_it) >= limits.PROBES_PER_ASKER
        if target == self.me or full:
            return []
        probe = self._probe(target, now)
        opened = self._open[probe.sequence]
        opened.state = ProbeState.ASKED_FOR_ANOTHER
        opened.asker = asker, sequence
        return [probe]

    def on_helper_answer(self, target: DeviceId, now: float) -> list[ProbingAction]:
        """A helper reached `target`."""
        return self.on_heard(target, now)

    def forget(self, device: DeviceId) -> None:
        """That node is no longer of the ring."""
        for sequence in self._open_to(device):
            self._fire(sequence, ProbeInput.DROP)
        self._round_trip_s.pop(device, None)

    # -- time --------------------------------------------------------------------------------------
    def deadline(self) -> float:
        """Return when `on_tick` must be called next."""
        return min([self._next_s, *(probe.deadline_s for probe in self._open.values())])

    def on_tick(self, now: float) -> list[ProbingAction]:
        """Judge what is overdue and send the next probe."""
        self._measure_lateness(now)
        actions: list[ProbingAction] = []
        for sequence in [number for number, probe in self._open.items() if probe.deadline_s <= now]:
            # one to the same node may have been judged in this very tick, and have ended this one
            if sequence in self._open:
                actions += self._overdue(sequence, now)
        if now >= self._next_s:
            self._next_s = now + limits.PROBE_S
            target = self._choose()
            if target is not None:
                actions.append(self._probe(target, now))
        return actions

    def _measure_lateness(self, now: float) -> None:
        """Stretch by how late this tick comes, relax slowly; after a long pause drop all probes."""
        due = self.deadline()
        if self._ticked_s is None:
            late_s, self._next_s = 0.0, now
        elif now < due:  # called for another reason: this says nothing about lateness
            return
        else:
            late_s = now - due
        self._ticked_s = now
        if late_s > limits.PAUSE_S:
            for sequence in list(self._open):
                self._fire(sequence, ProbeInput.DROP)
        target = min(limits.LATENESS_MAX, 1.0 + late_s / limits.PROBE_TIMEOUT_MIN_S)
        if target > self.lateness:
            self.lateness = target
        else:
            self.lateness += (target - self.lateness) * limits.LATENESS_GAIN

    def _measure_round_trip(self, probe: _OpenProbe, now: float) -> None:
        """Smooth the round trip; of an answer to a second try nobody knows which try it answers."""
        if probe.state is ProbeState.ASKED_AGAIN:
            return
        measured_s = now - probe.sent_s
        before_s = self._round_trip_s.get(probe.target, measured_s)
        smoothed_s = before_s + (measured_s - before_s) * limits.ROUND_TRIP_GAIN
        self._round_trip_s[probe.target] = smoothed_s

    def _timeout_s(self, device: DeviceId) -> float:
        first_s = limits.PROBE_TIMEOUT_S / limits.PROBE_ROUND_TRIPS
        adaptive_s = limits.PROBE_ROUND_TRIPS * self._round_trip_s.get(device, first_s)
        bounded_s = min(max(limits.PROBE_TIMEOUT_MIN_S, adaptive_s), limits.PROBE_TIMEOUT_MAX_S)
        return bounded_s * self.lateness

    # -- probes ------------------------------------------------------------------------------------
    def _probe(self, target: DeviceId, now: float) -> Probe:
        self._sequence += 1
        self._open[self._sequence] = _OpenProbe(target, now, now + self._timeout_s(target))
        return Probe(target, self._sequence, again=False)

    def _open_to(self, device: DeviceId) -> list[int]:
        return [number for number, probe in self._open.items() if probe.target == device]

    def _fire(self, sequence: int, happened: ProbeInput) -> ProbeState:
        """Take an open probe one step on; return where it stands, kept or not."""
        probe = self._open[sequence]
        probe.state = follow(PROBING, probe.state, happened)
        if probe.state not in _OPEN:
            del self._open[sequence]
        return probe.state

    def _overdue(self, sequence: int, now: float) -> list[ProbingAction]:
        probe = self._open[sequence]
        gone = probe.target not in self._ring
        match self._fire(sequence, ProbeInput.DROP if gone else ProbeInput.SILENCE):
            case ProbeState.ASKED_AGAIN:
                probe.deadline_s = now + limits.PROBE_AGAIN_TIMEOUTS * self._timeout_s(probe.target)
                again = Probe(probe.target, sequence, again=True)
                return [again, *self._ask_helpers(probe.target, sequence)]
            case ProbeState.UNREACHABLE:
                self.forget(probe.target)
                return [Unreachable(probe.target)]
            case _:
                return []

    def _ask_helpers(self, target: DeviceId, sequence: int) -> list[AskHelper]:
        """Ask up to three others; with the number of the probe the turn goes round."""
        others = [device for device in self._ring if device not in (self.me, target)]
        if not others:
            return []
        start = sequence % len(others)
        helpers = (others[start:] + others[:start])[: limits.PROBE_HELPERS]
        return [AskHelper(helper, sequence, target) for helper in helpers]

    def _choose(self) -> DeviceId | None:
        """Return `next` every other turn, else one of all others, each in its turn."""
        ring = self._ring
        if self.me not in ring or len(ring) < 2:
            return None
        self._turn += 1
        if self._turn % 2:
            return ring[(ring.index(self.me) + 1) % len(ring)]
        self._order = [device for device in self._order if device in ring]
        if not self._order:
            others = [device for device in ring if device != self.me]
            start = draw_index(self._chance, len(others))
            self._order = others[start:] + others[:start]
        return self._order.pop()
