"""Probing, with hand-fed time: who is probed, who is unreachable, and when the observer is slow."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import pytest

from potluck.core import limits
from potluck.core.errors import ProtocolError
from potluck.core.keys.identity import DeviceId
from potluck.core.ring.probing import (
    PROBING,
    Answered,
    AskHelper,
    Probe,
    ProbeInput,
    ProbeState,
    Probing,
    ProbingAction,
    Unreachable,
)
from tests.core.fakes import ANN, BEN, CLEO, DORA, EMIL, Dice, Member

A, B, C, D, E = (member.device for member in (ANN, BEN, CLEO, DORA, EMIL))


def probing_of(me: DeviceId, *chances: float) -> Probing:
    return Probing(me, Dice(1, *chances))


def tick(probing: Probing, ring: Sequence[DeviceId], now: float) -> list[ProbingAction]:
    probing.on_ring(ring)
    return probing.on_tick(now)


def targets(probing: Probing, ring: list[DeviceId], ticks: int) -> list[DeviceId]:
    """Whom `ticks` probes go to, all answered at once."""
    found = []
    for _ in range(ticks):
        now = probing.deadline()
        for action in tick(probing, ring, now):
            assert isinstance(action, Probe)
            found.append(action.to)
            probing.on_answer(action.to, action.sequence, now + 0.001)
    return found


def first_probe(probing: Probing, ring: list[DeviceId], now: float) -> Probe:
    (probe,) = tick(probing, ring, now)
    assert isinstance(probe, Probe)
    return probe


def test_every_other_probe_goes_to_the_next_and_the_rest_in_turn_to_all() -> None:
    found = targets(probing_of(A), [A, B, C, D], 8)
    assert found[::2] == [B] * 4
    assert sorted(found[1::2][:3]) == [B, C, D]


def test_the_next_of_the_last_is_node_0() -> None:
    assert targets(probing_of(D), [A, B, C, D], 1) == [A]


def test_the_start_of_a_round_is_chance() -> None:
    first = []
    for chance in (0, 1, 2):
        probing = probing_of(A, chance)
        tick(probing, [A, B, C, D], 0.0)
        first.append(tick(probing, [A, B, C, D], 0.5)[-1].to)  # type: ignore[union-attr]
    assert sorted(first) == [B, C, D]


def test_nobody_is_probed_in_a_ring_of_one_or_outside_of_it() -> None:
    probing = probing_of(A)
    assert (probing.deadline(), probing.lateness) == (0.0, 1.0)  # at once, and not late
    assert tick(probing, [A], 0.0) == []
    assert tick(probing, [B, C], 0.5) == []
    assert tick(probing, [A, B], 0.6) == []  # one probe per period, whoever comes


def test_who_left_the_ring_is_left_out_of_the_round() -> None:
    for start in (0, 1, 2):
        probing = probing_of(A, start)
        targets(probing, [A, B, C, D], 2)
        assert D not in targets(probing, [A, B, C], 6)


def test_silence_is_asked_again_with_helpers_and_then_reported() -> None:
    probing = probing_of(A)
    probe = first_probe(probing, [A, B, C, D, E], 10.0)
    assert probe == Probe(B, 1, again=False)
    assert probing.deadline() == 10.0 + limits.PROBE_TIMEOUT_S
    again = tick(probing, [A, B, C, D, E], 10.15)
    assert again[0] == Probe(B, 1, again=True)
    assert sorted(again[1:], key=str) == sorted([AskHelper(to, 1, B) for to in (C, D, E)], key=str)
    assert tick(probing, [A, B, C, D, E], 10.44) == []
    assert tick(probing, [A, B, C, D, E], 10.451) == [Unreachable(B)]


def test_at_most_three_help_and_they_take_turns() -> None:
    ring = [A, B, C, D, E, *(Member(f"more {n}").device for n in range(3))]
    helpers = set()
    probing = probing_of(A)
    now = 0.0
    for _ in range(12):
        now = probing.deadline()
        asked = [action.to for action in tick(probing, ring, now) if isinstance(action, AskHelper)]
        assert len(asked) in {0, limits.PROBE_HELPERS}
        helpers.update(asked)
    assert len(helpers) > limits.PROBE_HELPERS


def test_helpers_for_one_node_take_turns() -> None:
    probing, ring = probing_of(A), [A, B, C, D, E]
    first = []
    for _ in range(12):
        asked = [a for a in tick(probing, ring, probing.deadline()) if isinstance(a, AskHelper)]
        first += [(action.sequence, action.to) for action in asked[:1] if action.target == B]
    assert len({helper for _, helper in first}) > 1
    assert all(helper == (C, D, E)[sequence % 3] for sequence, helper in first)


def test_who_is_unreachable_is_not_probed_on() -> None:
    probing = probing_of(A)
    probing._round_trip_s[B] = 0.001
    first_probe(probing, [A, B], 10.0)
    tick(probing, [A, B], 10.1)
    probing.on_probe_asked(C, 77, B, 10.29)
    assert tick(probing, [A, B], 10.31) == [Unreachable(B)]
    assert (probing._open, probing._round_trip_s) == ({}, {})


def test_two_probes_overdue_in_one_tick_report_once() -> None:
    probing = probing_of(A)
    probing.lateness = 8.0
    reported = []
    for step in range(40):
        reported += [a for a in tick(probing, [A, B], step * 0.5) if isinstance(a, Unreachable)]
        probing.lateness = 8.0
    assert Unreachable(B) in reported


def test_any_word_answers_every_probe() -> None:
    probing = probing_of(A)
    first_probe(probing, [A, B], 10.0)
    assert probing.on_heard(B, 10.1) == []
    assert probing.deadline() == 10.5


def test_an_answer_measures_the_round_trip_and_sets_the_next_timeout() -> None:
    probing = probing_of(A)
    slow = first_probe(probing, [A, B], 10.0)
    probing.on_answer(B, slow.sequence, 10.1)
    assert round(probing._timeout_s(B), 6) == 0.4
    probing._round_trip_s[B] = 0.001
    assert probing._timeout_s(B) == limits.PROBE_TIMEOUT_MIN_S
    probing._round_trip_s[B] = 9.0
    assert probing._timeout_s(B) == 4 * limits.PROBE_TIMEOUT_S


def test_the_round_trip_follows_what_is_measured_slowly() -> None:
    probing = probing_of(A)
    for now, took_s in ((10.0, 0.1), (10.5, 0.15)):
        probe = first_probe(probing, [A, B], now)
        probing.on_answer(B, probe.sequence, now + took_s)
    assert probing._round_trip_s[B] == pytest.approx(0.1 + 0.05 * limits.ROUND_TRIP_GAIN)


def test_answers_of_others_or_to_a_second_try_measure_nothing() -> None:
    probing = probing_of(A)
    probe = first_probe(probing, [A, B, C], 10.0)
    assert probing.on_answer(C, probe.sequence, 10.05) == []
    assert probing.on_answer(B, 99, 10.05) == []
    probe = first_probe(probing, [A, B, C], 10.5)
    tick(probing, [A, B, C], 10.7)
    probing.on_answer(probe.to, probe.sequence, 10.8)
    assert probing._round_trip_s == {}


def test_a_helper_probes_once_and_passes_the_answer_on() -> None:
    probing = probing_of(A)
    (probe,) = probing.on_probe_asked(C, 77, B, 10.0)
    assert probe == Probe(B, 1, again=False)
    assert probing.on_answer(B, 1, 10.1) == [Answered(C, 77, B)]
    assert probing.on_probe_asked(C, 78, A, 10.0) == []


def test_a_helper_that_hears_nothing_says_nothing() -> None:
    probing = probing_of(A)
    tick(probing, [A], 10.0)
    probing.on_probe_asked(C, 77, B, 10.0)
    assert tick(probing, [A, B, C], 10.2) == []
    assert probing._open == {}


def test_a_helper_takes_on_only_so_much() -> None:
    probing = probing_of(A)
    for number in range(limits.PROBES_PER_ASKER):
        assert probing.on_probe_asked(C, number, B, 10.0)
    assert probing.on_probe_asked(C, 999, B, 10.0) == []
    assert probing.on_probe_asked(B, 999, C, 10.0), "others are helped all the same"
    asker = 0
    while len(probing._open) < limits.PROBES_OPEN:
        asker += 1
        probing.on_probe_asked(DeviceId(b"%032d" % (asker // 8)), asker, B, 10.0)
    assert probing.on_probe_asked(D, 999, B, 10.0) == []


def test_a_helpers_answer_ends_the_probe() -> None:
    probing = probing_of(A)
    first_probe(probing, [A, B, C], 10.0)
    tick(probing, [A, B, C], 10.15)
    assert probing.on_helper_answer(B, 10.3) == []
    assert tick(probing, [A, B, C], 10.49) == []


def test_who_left_the_ring_meanwhile_is_not_judged() -> None:
    probing = probing_of(A)
    first_probe(probing, [A, B, C], 10.0)
    assert tick(probing, [A, C], 10.2) == []
    first_probe(probing, [A, C], 10.5)
    probing.forget(C)
    assert probing._open == {}


def test_a_late_observer_is_patient_and_recovers() -> None:
    probing = probing_of(A)
    tick(probing, [A], 10.0)
    tick(probing, [A], 10.5 + 0.2)
    assert 2.9 < probing.lateness < 3.1
    tick(probing, [A], probing.deadline() + 1.5)
    assert probing.lateness == limits.LATENESS_MAX
    for _ in range(60):
        tick(probing, [A], probing.deadline())
    assert probing.lateness < 1.05


def test_after_a_long_pause_open_probes_are_dropped_instead_of_judged() -> None:
    probing = probing_of(A)
    first_probe(probing, [A, B], 10.0)
    actions = tick(probing, [A, B], 60.0)
    assert [type(action) for action in actions] == [Probe]
    assert len(probing._open) == 1


def test_a_tick_before_its_time_says_nothing_about_lateness() -> None:
    probing = probing_of(A)
    tick(probing, [A], 10.0)
    for step in range(1, 200):
        tick(probing, [A], 10.0 + step * 0.001)
    assert probing.lateness == 1.0
    tick(probing, [A], 10.5 + 0.2)
    for step in range(1, 200):
        tick(probing, [A], 10.7 + step * 0.001)
    assert probing.lateness > 2.9


@pytest.mark.parametrize(("state", "happened"), [*product(ProbeState, ProbeInput)])
def test_every_input_in_every_state_of_a_probe_goes_where_the_table_says_or_is_refused(
    state: ProbeState, happened: ProbeInput
) -> None:
    probing = probing_of(A)
    probe = first_probe(probing, [A, B], 10.0)
    opened = probing._open[probe.sequence]
    opened.state = state
    if (state, happened) not in PROBING:
        with pytest.raises(ProtocolError, match=f"{happened.name} may not come"):
            probing._fire(probe.sequence, happened)
        return
    after = PROBING[state, happened]
    assert probing._fire(probe.sequence, happened) is after
    # a probe is kept exactly as long as something can happen to it
    assert (probe.sequence in probing._open) == (after in {state for state, _ in PROBING})


def test_a_probe_for_another_that_left_the_ring_passes_nothing_on() -> None:
    probing = probing_of(A)
    probing.on_probe_asked(C, 77, B, 10.0)
    probing.forget(B)
    assert probing.on_heard(B, 10.1) == []


def test_it_says_how_it_stands() -> None:
    probing = probing_of(A)
    first_probe(probing, [A, B, C], 10.0)
    assert repr(probing) == "<Probing 3 nodes, 1 open probes, lateness 1.0>"
