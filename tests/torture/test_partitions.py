"""Five devices whose network is cut and healed, again and again: in the end all trees are equal
(R5).

Strategy: five hosts in network namespaces, a person who never rests at each; a schedule cuts the
hosts into two or three parts, pulls the cable of one, or breaks the way between single hosts, in
steps drawn from a seed, and then all heals. Who works rests just before that, so what is measured
is how long it takes from the healing until every tree has the same names, sizes, x bits and dates;
then every byte is compared with what the writers hold to be the truth.

Limits: the schedules of a run share their devices. A seed fixes the schedule, not the timing.
"""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Callable
from itertools import combinations

import pytest

from tests.fair_time import FairTime
from tests.figures import record
from tests.lan.conftest import devices, hosts  # noqa: F401  (fixtures)
from tests.lan.potluck import Potluck, wait_for, wait_ring
from tests.torture.trees import contents, difference, outline
from tests.torture.writer import Writer

pytestmark = [pytest.mark.full, pytest.mark.lan, pytest.mark.slow, pytest.mark.timeout(3600)]
DEVICES = 5
RUNS, SCHEDULES = 2, 5  # 10 in all; each run has its devices
STEPS = (1, 3)  # of a schedule
STEP_S = (0.5, 8.0)  # short ones nobody notices; after the long ones there are several rings
HEALED_S = 10.0  # R5
PATIENCE_S = 90.0
RING_S = 30.0


class Cuts:
    """The network, and who is cut off from whom."""

    def __init__(self, nodes: list[Potluck], chance: random.Random) -> None:
        self.hosts, self.nodes, self.chance = nodes[0].hosts, nodes, chance
        self.pulled: set[int] = set()

    def cut(self) -> str:
        """Do one thing to the network; what it was."""
        return self.chance.choice((self._parts, self._parts, self._pull, self._ways))()

    def heal(self) -> None:
        self.hosts.heal()
        for i in self.pulled:
            self.hosts.cable(i, up=True)
        self.pulled.clear()

    def _parts(self) -> str:
        side = [self.chance.randrange(self.chance.choice((2, 3))) for _ in self.nodes]
        for i, j in combinations(range(DEVICES), 2):
            if side[i] != side[j]:
                self.hosts.drop_all(i, j)
        return f"parts {side}"

    def _pull(self) -> str:
        i = self.chance.randrange(DEVICES)
        self.hosts.cable(i, up=False)
        self.pulled.add(i)
        return f"cable of {self.nodes[i].label}"

    def _ways(self) -> str:
        pairs = self.chance.sample(list(combinations(range(DEVICES), 2)), 3)
        for i, j in pairs:
            self.hosts.drop_all(i, j)
        return f"ways {pairs}"


def unequal(nodes: list[Potluck]) -> str:
    """How the trees differ from the first one, at a glance."""
    first, *others = (outline(node.shared) for node in nodes)
    return "; ".join(found for other in others if (found := difference(first, other)))


def played(nodes: list[Potluck], writers: list[Writer], cuts: Cuts) -> tuple[float, bool, str]:
    """One schedule; how long the trees took after it, whether they differed, and what was cut."""
    for writer in writers:
        writer.work()
    time.sleep(cuts.chance.uniform(*STEP_S))
    done = []
    for _ in range(cuts.chance.randint(*STEPS)):
        done.append(cuts.cut())
        time.sleep(cuts.chance.uniform(*STEP_S))
    for writer in writers:
        writer.rest()
    differed = bool(unequal(nodes))
    cuts.heal()
    with FairTime() as clock:
        while found := unequal(nodes):
            said = [(node.label, node.status().get("reason")) for node in nodes]
            assert clock.spent() < PATIENCE_S, f"{done}\n{said}\n{found}"
            time.sleep(0.1)
    for node in nodes:
        for writer in writers:
            assert not difference(writer.files, contents(node.shared / writer.own.name)), done
        assert not (node.folder / "Put aside").exists(), done
        assert not node.part_files()
    return clock.spent(), differed, ", ".join(done)


@pytest.mark.parametrize("number", range(RUNS))
def test_after_every_healing_all_trees_are_equal(
    number: int,
    devices: Callable[[int], list[Potluck]],  # noqa: F811
) -> None:
    seed = secrets.randbits(31)
    print(f"seed {seed}")
    nodes = devices(DEVICES)
    for node in nodes:
        # these people delete all the time and mean it: the breakers would ask
        node.program = ("tests.hostile.unguarded", "losses", "--")
        node.start()
    wait_ring(nodes, RING_S)
    wait_for(lambda: all(node.own.is_dir() for node in nodes), RING_S, nodes)
    writers = [Writer(node.own, node.home / "staging", f"{seed} {node.label}") for node in nodes]
    cuts = Cuts(nodes, random.Random(seed))
    took_s, apart = [], 0
    try:
        for played_before in range(SCHEDULES):
            spent_s, differed, cut = played(nodes, writers, cuts)
            print(f"schedule {played_before}: equal {spent_s:.1f} s after the healing; {cut}")
            took_s.append(spent_s)
            apart += differed
    finally:
        for writer in writers:
            writer.end()
    assert apart > SCHEDULES // 2, "the cuts did not keep them apart, so this proves little"
    late = sum(spent_s > HEALED_S for spent_s in took_s)
    said = f"{SCHEDULES} schedules ({apart} with trees that differed then), seed {seed}"
    words = f"{said}: equal at most {max(took_s):.1f} s of the machine after healing"
    record("R5", f"{words}, {late} of them later than {HEALED_S:.0f} s", held=not late)
