"""What a person removes of somebody else's folder stays away, and nothing else ever does.

Strategy: drawn runs of every profile that moves files, in which people also remove files of others
on their own disks. The laws of truth and of reasons hold all the time. When faults are over, what a
device does not want must be what a person removed on it, everything else must have come, and what
is wanted after all comes, too.
"""

from __future__ import annotations

import os
from collections import defaultdict
from random import Random

import pytest

from potluck.core import limits
from potluck.core.content.facts import ManifestName
from potluck.core.content.paths import SafePath
from potluck.engine.engine import Engine
from potluck.engine.person_acts import GetAsked
from tests.fakes.disk import path_of
from tests.sim import scenarios
from tests.sim.faults import Op
from tests.sim.hosts import Host
from tests.sim.why_law import WhyLaw
from tests.sim.world import World

pytestmark = pytest.mark.sim
FULL = os.environ.get("POTLUCK_TIER", "default") != "default"
SEEDS = 2 if FULL else 1
PROFILES = ["files", "mixed", "power", "tamper", "unmounted"]
REMOVALS = 12
REMOVALS_S = 16.0
SETTLED_S = 60.0 + 2 * limits.SECOND_LOOK_S  # what is fought over rests for a minute


class Removals:
    """People who remove files of others in one world, and what came of it."""

    def __init__(self, seed: int, nodes: int, profile: str) -> None:
        self.world = scenarios.built(seed, nodes, profile)
        self.law = WhyLaw(self.world)
        self.removed: dict[int, set[SafePath]] = defaultdict(set)
        self.unwanted = 0
        self._chance = Random(f"{seed} removals")
        judge, faults = self.world.judge, self.world.faults
        settle, schedule = judge.settle, faults.schedule

        def settled(seconds: float, *, trees: bool = True) -> float:
            self.world.run_for(SETTLED_S)
            self._want_all()
            return settle(seconds, trees=trees)

        def with_removals(ops: tuple[Op, ...]) -> None:
            for _ in range(REMOVALS):
                self.world.later(self._chance.uniform(2.0, REMOVALS_S), self._remove)
            schedule(ops)

        judge.settle = settled  # type: ignore[method-assign, assignment]
        faults.schedule = with_removals  # type: ignore[method-assign]
        scenarios.play_in(self.world, profile)

    def _remove(self) -> None:
        """Somebody removes a file, or a folder, of somebody else."""
        host = self._chance.choice(self.world.hosts)
        stands = [*host.disk.files, *host.disk.folders]
        others = sorted(
            path for path in stands if len(path.parts) > 1 and path.parts[0] != host.disk.label
        )
        if host.disk.mounted and others:
            path = self._chance.choice(others)
            gone = {one for one in stands if one == path or one.starts_with(path)}
            self.removed[host.number] |= gone
            self.world.person(host.number, "delete", path)

    def _want_all(self) -> None:
        """Compare what is unwanted with what was removed, and have it back."""
        for host in self.world.hosts:
            if host.process is None or not isinstance(host.process.engine, Engine):
                continue
            paths = unwanted_of(self.world, host)
            self.unwanted += len(paths)
            wrong = sorted(paths - self.removed[host.number])
            if wrong:
                self.world.fail(f"unwanted: {host.label} does not want {list(map(str, wrong))[:5]}")
            there = sorted(path for path in paths if path in host.disk.files)
            if there:
                self.world.fail(f"unwanted: {host.label} has {list(map(str, there))[:5]}")
            if paths:
                host.process.post(GetAsked(1, tuple(str(path) for path in sorted(paths))))


def unwanted_of(world: World, host: Host) -> set[SafePath]:
    engine = host.process.engine if host.process is not None else None
    assert isinstance(engine, Engine)
    node, found = engine.node, set[SafePath]()
    for head in node.index.manifests.heads():
        name = ManifestName.of(head)
        owner = world.judge.host_of(name.owner)
        if owner is not None:
            paths = node.index.unwanted.first(name, -1)
            found |= {path_of(f"{owner.disk.label}/{path.decode()}") for path in paths}
    return found


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("seed", range(4000, 4000 + SEEDS))
def test_only_what_a_person_removed_stays_away_and_it_comes_when_it_is_wanted(
    seed: int, profile: str
) -> None:
    played = Removals(seed, 2 + seed % 3, profile)
    assert any(played.removed.values())


def test_some_of_it_stays_away() -> None:
    assert sum(Removals(seed, 3, "files").unwanted for seed in (4100, 4101)) > 0
