"""What the full tier plays for R6: 2,000 runs, no two of them equal, every 20th twice."""

from __future__ import annotations

from tests.figures import GOALS, PARTS
from tests.sim import test_seeds, test_seeds_of_disks, test_seeds_of_lives, test_truth
from tests.sim.seeds import EACH, OF_LIVES, OF_TRUTH, TWICE, Drawn, of_truth, plan

WANTED = 2000


def every_run() -> list[list[Drawn]]:
    """The parts of the figure, as the four files have them in the full tier."""
    return [
        plan(test_seeds.PROFILES, 0, EACH),
        plan(test_seeds_of_disks.PROFILES, 10_000, EACH),
        plan(test_seeds_of_lives.PROFILES, 20_000, OF_LIVES),
        of_truth(test_truth.PROFILES, 2000, OF_TRUTH // len(test_truth.PROFILES)),
    ]


def test_they_are_two_thousand_and_no_two_are_equal():
    runs = [run for part in every_run() for run in part]
    assert len(runs) >= WANTED
    assert len({(run.seed, run.profile) for run in runs}) == len(runs)
    assert f"{WANTED:,} seeds" in GOALS["R6"]


def test_every_twentieth_is_played_twice():
    for part in every_run():
        assert sum(run.twice for run in part) == len(part) // TWICE
        assert all(run.twice == (place % TWICE == TWICE - 1) for place, run in enumerate(part))


def test_the_figure_has_as_many_parts_as_write_it_down():
    assert PARTS["R6"] == len(every_run())
    assert len(every_run()[-1]) == OF_TRUTH
