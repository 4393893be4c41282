"""Watching, with hand-fed time: who is probed, when somebody is unreachable, and when only the
observer is slow.
"""

from __future__ import annotations

from potluck.core import limits
from potluck.core.ring.probing import Answered, AskHelper, Probe, Probing, Unreachable
from tests.core.fakes import ANN, BEN, CLEO, DORA, EMIL, Member

A, B, C, D, E = (member.device for member in (ANN, BEN, CLEO, DORA, EMIL))


def targets(
    watching: Probing, ring: list[bytes], ticks: int, *, answer: bool = True
) -> list[bytes]:
    """Whom `ticks` probes go to, all answered at once."""
    found = []
    for _ in range(ticks):
        now = watching.deadline()
        for action in watching.on_tick(ring, now, 0.0):  # type: ignore[arg-type]
            assert isinstance(action, Probe)
            found.append(action.to)
            watching.on_answer(action.to, action.sequence, now + 0.001)
    return found  # type: ignore[return-value]


def first_probe(watching: Probing, ring: list[bytes], now: float) -> Probe:
    (probe,) = watching.on_tick(ring, now, 0.0)  # type: ignore[arg-type]
    assert isinstance(probe, Probe)
    return probe


def test_every_other_probe_goes_to_the_next_and_the_rest_in_turn_to_all() -> None:
    found = targets(Probing(A), [A, B, C, D], 8)
    assert found[::2] == [B] * 4
    assert sorted(found[1::2][:3]) == [B, C, D]


def test_the_next_of_the_last_is_node_0() -> None:
    assert targets(Probing(D), [A, B, C, D], 1) == [A]


def test_the_start_of_a_round_is_chance() -> None:
    first = []
    for shuffle in (0.0, 0.4, 0.8):
        watching = Probing(A)
        watching.on_tick([A, B, C, D], 0.0, shuffle)
        first.append(watching.on_tick([A, B, C, D], 0.5, shuffle)[-1].to)  # type: ignore[union-attr]
    assert sorted(first) == [B, C, D]


def test_nobody_is_probed_in_a_ring_of_one_or_outside_of_it() -> None:
    watching = Probing(A)
    assert watching.on_tick([A], 0.0, 0.0) == []
    assert watching.on_tick([B, C], 0.5, 0.0) == []
    assert watching.on_tick([A, B], 0.6, 0.0) == []  # one probe per period, whoever comes


def test_who_left_the_ring_is_left_out_of_the_round() -> None:
    watching = Probing(A)
    targets(watching, [A, B, C, D], 2)
    assert D not in targets(watching, [A, B, C], 6)


def test_silence_is_asked_again_with_helpers_and_then_reported() -> None:
    watching = Probing(A)
    probe = first_probe(watching, [A, B, C, D, E], 10.0)
    assert probe == Probe(B, 1, again=False)
    assert watching.deadline() == 10.0 + limits.PROBE_TIMEOUT_S
    again = watching.on_tick([A, B, C, D, E], 10.15, 0.0)
    assert again[0] == Probe(B, 1, again=True)
    assert sorted(again[1:], key=str) == sorted([AskHelper(to, 1, B) for to in (C, D, E)], key=str)
    assert watching.on_tick([A, B, C, D, E], 10.44, 0.0) == []
    assert watching.on_tick([A, B, C, D, E], 10.451, 0.0) == [Unreachable(B)]


def test_at_most_three_help_and_they_take_turns() -> None:
    ring = [A, B, C, D, E, *(Member(f"more {n}").device for n in range(3))]
    helpers = set()
    watching = Probing(A)
    now = 0.0
    for _ in range(12):
        now = watching.deadline()
        asked = [
            action.to
            for action in watching.on_tick(ring, now, 0.5)
            if isinstance(action, AskHelper)
        ]
        assert len(asked) in {0, limits.PROBE_HELPERS}
        helpers.update(asked)
    assert len(helpers) > limits.PROBE_HELPERS


def test_two_probes_overdue_in_one_tick_report_once() -> None:
    watching = Probing(A)
    watching.lateness = 8.0
    reported = []
    for step in range(40):
        reported += [
            a for a in watching.on_tick([A, B], step * 0.5, 0.0) if isinstance(a, Unreachable)
        ]
        watching.lateness = 8.0
    assert Unreachable(B) in reported


def test_any_word_answers_every_probe() -> None:
    watching = Probing(A)
    first_probe(watching, [A, B], 10.0)
    assert watching.on_heard(B, 10.1) == []
    assert watching.deadline() == 10.5


def test_an_answer_measures_the_round_trip_and_sets_the_next_timeout() -> None:
    watching = Probing(A)
    slow = first_probe(watching, [A, B], 10.0)
    watching.on_answer(B, slow.sequence, 10.1)
    assert round(watching._timeout_s(B), 6) == 0.4
    watching._round_trip_s[B] = 0.001
    assert watching._timeout_s(B) == limits.PROBE_TIMEOUT_MIN_S
    watching._round_trip_s[B] = 9.0
    assert watching._timeout_s(B) == 4 * limits.PROBE_TIMEOUT_S


def test_answers_of_others_or_to_a_second_try_measure_nothing() -> None:
    watching = Probing(A)
    probe = first_probe(watching, [A, B, C], 10.0)
    assert watching.on_answer(C, probe.sequence, 10.05) == []
    assert watching.on_answer(B, 99, 10.05) == []
    probe = first_probe(watching, [A, B, C], 10.5)
    watching.on_tick([A, B, C], 10.7, 0.0)
    watching.on_answer(probe.to, probe.sequence, 10.8)
    assert watching._round_trip_s == {}


def test_a_helper_probes_once_and_passes_the_answer_on() -> None:
    watching = Probing(A)
    (probe,) = watching.on_probe_asked(C, 77, B, 10.0)
    assert probe == Probe(B, 1, again=False)
    assert watching.on_answer(B, 1, 10.1) == [Answered(C, 77, B)]
    assert watching.on_probe_asked(C, 78, A, 10.0) == []


def test_a_helper_that_hears_nothing_says_nothing() -> None:
    watching = Probing(A)
    watching.on_tick([A], 10.0, 0.0)
    watching.on_probe_asked(C, 77, B, 10.0)
    assert watching.on_tick([A, B, C], 10.2, 0.0) == []
    assert watching._open == {}


def test_a_helper_takes_on_only_so_much() -> None:
    watching = Probing(A)
    for number in range(limits.PROBES_OPEN):
        assert watching.on_probe_asked(C, number, B, 10.0)
    assert watching.on_probe_asked(C, 999, B, 10.0) == []


def test_a_helpers_answer_ends_the_probe() -> None:
    watching = Probing(A)
    first_probe(watching, [A, B, C], 10.0)
    watching.on_tick([A, B, C], 10.15, 0.0)
    assert watching.on_helper_answer(B, 10.3) == []
    assert watching.on_tick([A, B, C], 10.49, 0.0) == []


def test_who_left_the_ring_meanwhile_is_not_judged() -> None:
    watching = Probing(A)
    first_probe(watching, [A, B, C], 10.0)
    assert watching.on_tick([A, C], 10.2, 0.0) == []
    first_probe(watching, [A, C], 10.5)
    watching.forget(C)
    assert watching._open == {}


def test_a_late_observer_is_patient_and_recovers() -> None:
    watching = Probing(A)
    watching.on_tick([A], 10.0, 0.0)
    watching.on_tick([A], 10.5 + 0.2, 0.0)
    assert 2.9 < watching.lateness < 3.1
    watching.on_tick([A], watching.deadline() + 1.5, 0.0)
    assert watching.lateness == limits.LATENESS_MAX
    for _ in range(60):
        watching.on_tick([A], watching.deadline(), 0.0)
    assert watching.lateness < 1.05


def test_after_a_long_pause_open_probes_are_dropped_instead_of_judged() -> None:
    watching = Probing(A)
    first_probe(watching, [A, B], 10.0)
    actions = watching.on_tick([A, B], 60.0, 0.0)
    assert [type(action) for action in actions] == [Probe]
    assert len(watching._open) == 1


def test_a_tick_before_its_time_says_nothing_about_lateness() -> None:
    watching = Probing(A)
    watching.on_tick([A], 10.0, 0.0)
    for step in range(1, 200):
        watching.on_tick([A], 10.0 + step * 0.001, 0.0)
    assert watching.lateness == 1.0
    watching.on_tick([A], 10.5 + 0.2, 0.0)
    for step in range(1, 200):
        watching.on_tick([A], 10.7 + step * 0.001, 0.0)
    assert watching.lateness > 2.9
