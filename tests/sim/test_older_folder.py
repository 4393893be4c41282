"""The folder alone comes back from a backup, at any moment, and is worked on: nothing that was made
since is deleted or overtaken on any other device, and all of it comes back when a person wants it.

Strategy: drawn lives; what the shell would find out from the stamps is put into the index as it
does. Guarantees: the oracle of the world judges after every event. Limits: one owner, whose
index is whole.
"""

from __future__ import annotations

from functools import partial
from random import Random

import pytest

from potluck.core.content.paths import SafePath
from potluck.engine.own.older_copy import OLDER_COPY
from potluck.engine.person_acts import RepairAsked
from tests.fakes.disk import File, path_of
from tests.sim.faults import Faults
from tests.sim.scenarios import built, form
from tests.sim.world import World

FEW, MANY = 5, 60
SEEDS = [
    pytest.param(seed, marks=[pytest.mark.full] if seed >= FEW else [], id=str(seed))
    for seed in range(MANY)
]
PATHS = ("a", "b", "c", "d/e", "d/f", "g/h", "i")
SYNC_S = 60.0


class Lives:
    """An owner and others, by a seed."""

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)
        self.world: World = built(seed, self.chance.choice((2, 3)), "mixed")
        self.world.hint_loss = 0.0
        self.written = 0
        form(self.world, self.chance)
        self.owner = self.world.hosts[0]

    def path(self, name: str) -> SafePath:
        return path_of(f"{self.owner.label}/{name}")

    def act(self) -> SafePath:
        """The owner does something; return where."""
        path, self.written = self.path(self.chance.choice(PATHS)), self.written + 1
        if path in self.owner.disk.files and self.chance.random() < 0.3:
            self.world.person(0, "delete", path)
        else:
            self.world.person(0, "write", path, b"content %d" % self.written)
        self.world.run_for(self.chance.uniform(0.0, 3.0))
        return path

    def files(self, number: int) -> dict[SafePath, bytes]:
        """What stands of the owner on a host."""
        top, disk = self.path("x").parent, self.world.hosts[number].disk
        assert top is not None
        return {path: one.data for path, one in disk.files.items() if path.starts_with(top)}

    def synced(self) -> bool:
        return all(self.files(host.number) == self.files(0) for host in self.world.running())

    def crash(self, *numbers: int) -> None:
        for number in numbers:
            Faults(self.world).crash(number)

    def put_back(self, files: dict[SafePath, File], folders: set[SafePath]) -> None:
        """The own folder is the older one; the shell has seen that."""
        disk = self.owner.disk
        others = {p: one for p, one in disk.files.items() if p.parts[0] != self.owner.label}
        disk.files.clear()
        disk.files.update({**others, **files})
        disk.folders.clear()
        disk.folders.update(folders)
        index = self.owner.index
        index.begin()
        index.meta.set(OLDER_COPY, b"1")
        index.commit()


@pytest.mark.parametrize("seed", SEEDS)
def test_what_was_made_since_stays_and_comes_back(seed: int) -> None:
    lives = Lives(seed)
    world, chance = lives.world, lives.chance
    for _ in range(chance.randint(3, 10)):
        lives.act()
    assert world.run_until(lives.synced, SYNC_S)
    own = {p: one for p, one in lives.owner.disk.files.items() if p.parts[0] == lives.owner.label}
    folders = set(lives.owner.disk.folders)
    for _ in range(chance.randint(1, 10)):
        lives.act()
    assert world.run_until(lives.synced, SYNC_S)
    since = lives.files(0)
    lives.crash(0)
    others = [host.number for host in world.hosts[1:]]
    if chance.random() < 0.5:
        lives.crash(*others)
    lives.put_back(own, folders)
    world.start(0)
    mine = set[SafePath]()
    for _ in range(chance.randint(0, 4)):
        mine.add(lives.act())
        if chance.random() < 0.3:
            lives.crash(0)
            world.start(0)
    world.start(*others)
    world.run_for(SYNC_S)
    for number in others:
        there = lives.files(number)
        lost = {path for path, data in since.items() if there.get(path) != data} - mine
        assert not lost, f"host {number} lost {lost}"
    assert lives.owner.process is not None
    lives.owner.process.post(RepairAsked(1))
    untouched = {path: data for path, data in since.items() if path not in mine}
    for number in (0, *others):  # what was written and deleted meanwhile nobody may have
        came = partial(lambda number: untouched.items() <= lives.files(number).items(), number)
        assert world.run_until(came, SYNC_S)
