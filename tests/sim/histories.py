"""R2: the power fails at every named step of every short history of two devices, on disks where
un-synced writes vanish.

Strategy: two real engines have two files of the first in common. A history is one to three
operations of the first one's person, each in the same moment as the one before or after the second
has received all. From the last one on, every fact that an engine is told and every step of a group
commit is a point: there the process forks, in the child the machine where it happened loses its
power, all that no sync has sealed, and starts again; then all must be well. What happens before the
last operation is the last part of a shorter history, so each point is tried once. Operations in the
same moment that leave the same files are one history, since an engine looks only afterwards.

Guarantees: the oracle of every drawn run after every event; in the end both trees are the owner's,
each content that ever stood at the second stands or lies in its trash, nothing is put aside, and
no part file is left. Limits: what a person wrote is durable at once; all un-synced work is lost,
not some of it (the drawn runs of profile `power` lose some); one machine at a time, unless
`both`.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import dataclass, field
from itertools import product
from random import Random
from typing import Any

from tests.sim.engines import RealEngines
from tests.sim.invariants import Broken
from tests.sim.network import Policy
from tests.sim.world import World

VERBS = "MEND"  # make, edit, rename, delete
GAPS = ("", "R")  # before another operation: nothing, or all is received
NAMES = "abcde"
NO_POINT = {"on_tick", "DatagramHeard", "RequestHeard"}
"""After these disk and index are as at the point before: what is handed out is only read."""
WELL_S = 90.0
CALM_S = 1.0
OFF_S = 0.3
PIECES = 70_000  # bytes of a file: it comes as pieces, not in a message of several small ones


def histories() -> list[str]:
    """Return every history of at most three operations, `MRE` for a received make, then an edit;
    of those whose last moment leaves the same files, the first.
    """
    found: dict[Any, str] = {}
    for count in (1, 2, 3):
        for verbs in product(VERBS, repeat=count):
            for gaps in product(GAPS, repeat=count - 1):
                text = "".join(gap + verb for gap, verb in zip(("", *gaps), verbs, strict=True))
                key = _left_by(text)
                if key is not None and key not in found:
                    found[key] = text
    return list(found.values())


def _left_by(history: str) -> Any:
    """Return what each moment leaves, by name: which file it is and which content it has; None if
    an operation can do nothing.
    """
    files, made, moments = {"a": (0, 0), "b": (1, 0)}, 2, list[Any]()
    for verb in history:
        free = next(name for name in NAMES if name not in files)
        first = min(files, default="")
        if verb == "R":
            moments.append(sorted(files.items()))
        elif verb == "M":
            files[free], made = (made, 0), made + 1
        elif not first:
            return None
        elif verb == "E":
            files[first] = (files[first][0], 1)
        elif verb == "N":
            files[free] = files.pop(first)
        else:
            del files[first]
    return repr((moments, sorted(files.items())))


@dataclass
class Cut:
    """The powers that fail at the points of one world, each in a child."""

    world: World
    both: bool = False
    only: int | None = None  # the number of the one point to try, without a child
    points: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    child: int | None = None  # the pipe on which a child says how it ended
    cut: bool = False  # a power failed here, or is about to: once in a world
    dark: bool = False  # … and is not back yet

    def begin(self) -> None:
        """From now on all that happens is a point."""
        note, desk = self.world.note, self.world.desk

        def noted(process: Any, verb: str, event: object) -> None:
            note(process, verb, event)
            self.at(process.host.number, verb if event is None else type(event).__name__)

        self.world.note = noted  # type: ignore[method-assign]
        desk.at_step = self.at

    def at(self, number: int, step: str) -> None:
        """A point: fork, and let the power fail in the child."""
        if self.cut or step in NO_POINT:
            return
        self.points.append(f"{self.world.hosts[number].label} {step}")
        if self.only is not None:
            self.cut = self.only == len(self.points) - 1
        else:
            read, write = os.pipe()
            if child := os.fork():
                os.close(write)
                with os.fdopen(read) as said:
                    self.failures += filter(None, [said.read()])
                if os.waitpid(child, 0)[1]:
                    self.failures.append(f"point {len(self.points) - 1}: the child died")
            else:
                self.cut, self.child = True, write
        if self.cut:
            self.dark = True
            for each in range(2) if self.both else [number]:
                self.world.later(0.0, lambda each=each: self._fail(each))  # type: ignore[misc]

    def _fail(self, number: int) -> None:
        """All that is not synced is gone; a moment later the machine is on again."""
        host, faults = self.world.hosts[number], self.world.faults
        process = host.process
        assert process is not None
        for placing in process.placings:
            placing.power_cut(_Least())
        host.index = self.world.factory.restored(host.durable)
        process.placings.clear()
        chance, self.world.chance = self.world.chance, _Least()
        faults.power_cut(number)
        self.world.chance = chance
        self.world.later(OFF_S, lambda: self._again(number))

    def _again(self, number: int) -> None:
        self.world.start(number)
        self.dark = False


class _Least(Random):
    """Chance by which everything that may be lost is lost."""

    def random(self) -> float:
        """The least."""
        return 0.0

    def randint(self, a: int, b: int) -> int:
        """The least."""
        return a

    def randrange(self, start: int, stop: int | None = None, step: int = 1) -> int:
        """The least."""
        return 0 if stop is None else start


class History:
    """One history, played with the power failing at each of its points."""

    def __init__(self, text: str, *, both: bool = False, only: int | None = None) -> None:
        """Two devices have two files of the first in common."""
        self.text = text
        self.world = World(1, RealEngines(), nodes=2, policy=Policy())
        self.world.power_cuts = True
        self.world.replay = f"python -m tests.sim.histories {text}"
        for host in self.world.hosts:
            host.durable = self.world.image_of(host.index)
        self.owner, self.other = (host.disk for host in self.world.hosts)
        self.stood: set[bytes] = set()  # at the second, ever
        self.made = 0
        self.cut = Cut(self.world, both, only)
        self.world.start()
        for name in "ab":
            self._do("write", name, self._content())
        self._received()

    def play(self) -> Cut:
        """Do all that is in it; in a child this never returns."""
        for verb in self.text[:-1]:
            self._act(verb)
        self.cut.begin()
        try:
            self._act(self.text[-1])
            self._received()
            self._judge()
            said = ""
        except Broken as broken:
            if self.cut.child is None:
                raise
            number = len(self.cut.points) - 1
            said = f"{self.text} --point {number}, at {self.cut.points[-1]}: {broken}"
        if self.cut.child is not None:
            os.write(self.cut.child, said[:4000].encode())
            os._exit(0)
        return self.cut

    # -- acts --------------------------------------------------------------------------------------
    def _act(self, verb: str) -> None:
        there = sorted(path.name for path in self.owner.files if path.parts[0] == "ada")
        free = next(name for name in NAMES if name not in there)
        match verb:
            case "R":
                self._received()
            case "M":
                self._do("write", free, self._content())
            case "E":
                self._do("write", there[0], self._content())
            case "N":
                self._do("rename", there[0], free)
            case _:
                self._do("delete", there[0])

    def _do(self, verb: str, *args: Any) -> None:
        self.world.faults.do(0, verb, *args)

    def _content(self) -> bytes:
        self.made += 1
        return bytes([self.made]) * (PIECES + self.made)

    def _received(self) -> None:
        """Wait until the second has all of the first, and both are on."""
        world = self.world

        def well() -> bool:
            return not self.cut.dark and len(world.running()) == 2 and not self._open()

        while True:
            if not world.run_until(well, WELL_S):
                world.fail(f"not well after {WELL_S} s: {self._open()}")
            before = self.cut.cut
            world.run_for(CALM_S)
            if self.cut.cut == before:
                break  # else its power failed meanwhile
        if self._open():
            world.fail(f"it was well, then {self._open()}")
        self._remember()

    def _open(self) -> str:
        return self.world.judge.unsettled()

    # -- what must be ------------------------------------------------------------------------------
    def _remember(self) -> None:
        self.stood |= {file.data for file in self.other.files.values()}

    def _judge(self) -> None:
        """Nothing that stood at the second is lost, and nothing was made of its own accord."""
        kept = {file.data for file in self.other.files.values()}
        kept |= {data for _path, data in self.other.trash}
        if lost := self.stood - kept:
            self.world.fail(f"lost: contents {sorted(data[0] for data in lost)}")
        for disk in (self.owner, self.other):
            if disk.aside:
                self.world.fail(f"put aside on {disk.label}: {disk.aside[0][0]}")
        if self.owner.trash:
            self.world.fail(f"trashed on {self.owner.label}: {self.owner.trash[0][0]}")


def main(arguments: list[str]) -> int:
    """Play some histories by hand, or one point of one; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.sim.histories")
    parser.add_argument("history", nargs="*", help="as MRE: make, receive, edit (also N, D)")
    parser.add_argument("--all", action="store_true", help="every history of three operations")
    parser.add_argument("--both", action="store_true", help="both machines lose their power")
    parser.add_argument("--point", type=int, help="only this one, in this process")
    chosen = parser.parse_args(arguments)
    failures, points = 0, 0
    for text in histories() if chosen.all else chosen.history:
        cut = History(text, both=chosen.both, only=chosen.point).play()
        failures, points = failures + len(cut.failures), points + len(cut.points)
        print(f"{text}: {len(cut.points)} points", *cut.failures, sep="\n    ", flush=True)
    print(f"{points} points, {failures} violations")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
