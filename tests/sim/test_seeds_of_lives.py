"""Drawn schedules in which a machine has more than one life, as in `test_seeds.py`: a backup of its
folder, of its state, or of both is put back, or a second machine runs with its identity; clocks are
set by days and by years meanwhile, and devices crash, leave and are cut off.

A failure prints the line that replays it. `POTLUCK_TIER=full` plays many more.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence

import pytest

from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import HeldBack, Holding
from potluck.engine import counted_words
from potluck.engine.others.announcing import Announcing
from potluck.engine.own.lost_state import LostState
from tests.sim import lives, scenarios
from tests.sim.invariants import Broken
from tests.sim.seeds import FEW, OF_LIVES, SHORT_S, Drawn, Tally, plan

pytestmark = pytest.mark.sim
FULL = os.environ.get("POTLUCK_TIER", "default") != "default"
PROFILES = ("restored", "doubled")
COUNT = OF_LIVES if FULL else FEW
SABOTAGED_SEEDS = 40  # in one of them at least, mostly an early one, it is noticed


@pytest.fixture(scope="module")
def tally() -> Iterator[Tally]:
    """What was played, kept for the table at the end."""
    tally = Tally(OF_LIVES)
    yield tally
    tally.record("backups, copied machines and clocks")


@pytest.mark.volume
@pytest.mark.parametrize("drawn", plan(PROFILES, 20_000, COUNT), ids=str)
def test_a_drawn_run_of_more_than_one_life_ends_well(drawn: Drawn, tally: Tally) -> None:
    tally.play(drawn)


# -- the same oracle over a program that is wrong --------------------------------------------------
def numbers_alone_say_which_list_is_meant(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(counted_words, "is_of_another_run", lambda *_, **__: False)


def a_word_that_does_not_count_is_thrown_away(patch: pytest.MonkeyPatch) -> None:
    hear = Announcing.on_kept

    def hear_what_counts(
        self: Announcing, device: DeviceId, said: Sequence[Holding], held: Sequence[HeldBack] = ()
    ) -> int:
        return hear(self, device, counted_words.counted_words(self._node, said), held)

    patch.setattr(Announcing, "on_kept", hear_what_counts)


def an_older_folder_looks_like_any_other(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(lives, "_note_older", lambda host: None)


def what_a_lost_life_shared_is_not_asked_for(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(LostState, "on_own_head", lambda self, head: None)


@pytest.mark.parametrize(
    ("wrong", "first", "nodes"),
    [
        (numbers_alone_say_which_list_is_meant, 120, 3),
        (a_word_that_does_not_count_is_thrown_away, 50, 2),
        (an_older_folder_looks_like_any_other, 120, 3),
        (what_a_lost_life_shared_is_not_asked_for, 120, 3),
    ],
)
def test_a_life_that_is_taken_for_another_is_noticed(
    wrong: Callable[[pytest.MonkeyPatch], None],
    first: int,
    nodes: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    wrong(monkeypatch)
    with pytest.raises(Broken):
        _play_from(first, nodes)


def _play_from(first: int, nodes: int) -> None:
    for seed in range(first, first + SABOTAGED_SEEDS):
        scenarios.play(seed, nodes, "restored", SHORT_S)
