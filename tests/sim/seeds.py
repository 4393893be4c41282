"""The drawn runs of R6: which they are, and what is kept of them for the table of figures.

Strategy: a plan is a list of runs; each is a seed, a number of hosts, a profile and how long faults
come. Small worlds and short schedules cost a fraction of big ones, so most runs are those; every
thirty-second has four to six hosts and the whole time. The runs by which the law of truth is tried
(test_truth.py) are bigger: two to five hosts and the whole time; the oracle is the same, so they
are of R6 as well. Every `TWICE`-th is played twice. Guarantees: the same oracle after every event
of every run, whatever its size; a run that failed is in the figure with the line that plays it
again. Limits: a `Tally` knows the runs of one process; the full tier plays three plans, and those
of the law, which are 2,000 seeds together, as far as the time of the tier reaches.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests import figures
from tests.sim import scenarios
from tests.sim.faults import SECONDS
from tests.sim.scenarios import Outcome
from tests.sim.world import World

OF_TRUTH = 200  # runs of the law of truth in the full tier
OF_LIVES = 400  # … and of backups that are put back, and machines that are copied
EACH = 700  # … and of each of the two other plans: 2,000 in all
FEW = 30  # … and in the default tier
TWICE = 20  # every so many runs one is played a second time
SIZES = (*[2, 2, 3, 2] * 7, 2, 2, 3, 0)  # hosts, in turn; 0 stands for one of the big ones
BIG = (4, 5, 6)
SHORT_S = 7.0  # faults come for so long in a small world


@dataclass(frozen=True, slots=True)
class Drawn:
    """One run, and whether it is played twice."""

    seed: int
    nodes: int
    profile: str
    seconds: float
    twice: bool

    def __str__(self) -> str:
        """As in the name of a test."""
        return f"{self.profile}-{self.seed}-{self.nodes}"

    @property
    def replay(self) -> str:
        """The line that plays it again."""
        return scenarios.command(self.seed, self.nodes, self.profile, self.seconds)


def plan(profiles: Sequence[str], first: int, count: int) -> list[Drawn]:
    """Return so many runs, the profiles in turn, with seeds from `first` on."""
    runs = []
    for number in range(count):
        turn, profile = number // len(profiles), profiles[number % len(profiles)]
        nodes = SIZES[turn % len(SIZES)]
        seconds = SHORT_S if nodes else SECONDS
        nodes = nodes or BIG[turn // len(SIZES) % len(BIG)]
        runs.append(Drawn(first + turn, nodes, profile, seconds, number % TWICE == TWICE - 1))
    return runs


def of_truth(profiles: Sequence[str], first: int, seeds: int) -> list[Drawn]:
    """Return the runs of the law of truth: so many seeds from `first` on, of every profile."""
    both = [(seed, profile) for profile in profiles for seed in range(first, first + seeds)]
    return [
        Drawn(seed, 2 + seed % 4, profile, SECONDS, number % TWICE == TWICE - 1)
        for number, (seed, profile) in enumerate(both)
    ]


@dataclass
class Tally:
    """What was played in this process."""

    wanted: int
    outcomes: list[Outcome] = field(default_factory=list)
    twice: int = 0
    failed: list[str] = field(default_factory=list)

    def play(self, drawn: Drawn, look: Callable[[World], object] = str) -> None:
        """Play one, twice if it says so, and look at its world in the end.

        Raises what is wrong, with the line that repeats it.
        """
        self.failed.append(drawn.replay)  # until it is known better
        outcome = self._once(drawn, look)
        if drawn.twice:
            assert self._once(drawn, look) == outcome, f"another trace: {drawn.replay}"
            self.twice += 1
        self.failed.pop()
        self.outcomes.append(outcome)

    def _once(self, drawn: Drawn, look: Callable[[World], object]) -> Outcome:
        world = scenarios.built(drawn.seed, drawn.nodes, drawn.profile)
        outcome = scenarios.play_in(world, drawn.profile, drawn.seconds)
        look(world)
        return outcome

    def record(self, what: str) -> None:
        """Keep it for the table of figures."""
        runs, events = len(self.outcomes), sum(one.events for one in self.outcomes)
        claims = sum(one.claims for one in self.outcomes)
        said = (
            f"{what}: {runs:,} seeds well, {events:,} events, {claims:,} claims compared with "
            f"disks, {self.twice} played twice with equal traces, {len(self.failed)} failed"
        )
        if not self.failed and runs < self.wanted:
            said += f", {self.wanted - runs:,} left out: the machine was too slow"
        again = "".join(f"\n    {line}" for line in self.failed[:20])
        figures.record("R6", said + again, held=runs >= self.wanted and not self.failed)
