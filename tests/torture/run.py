"""Three devices, three people who never rest, and SIGKILL: nothing may be lost by it (R1).

Strategy: in each cycle one or more devices are killed at a moment drawn from the seed, or end at a
crash point of theirs, and start again; every so many cycles the writers rest and all is left in
peace until every device says `in_sync` and has what the others have. Then the disks are asked, not
the devices: every copy is its owner's folder byte for byte, and the owner's folder is what its
writer holds to be the truth.

Guarantees: what a fault was is raised with the seed and with what the devices said; nothing is
removed here. Limits: a seed fixes the plan, not at which instruction somebody is killed, so a
replay finds a race again only with some luck.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.conditions import Condition
from tests.devices import free_port, one_ring, until
from tests.fair_time import FairTime
from tests.torture.sampler import Sampler
from tests.torture.survivor import Fault, Survivor
from tests.torture.trees import contents, difference, outline
from tests.torture.writer import Writer

LABELS = ("alder", "birch", "cedar")
CYCLES_TO_PEACE = 25
BUSY_S = (0.0, 0.6)  # of a life after it answers, before somebody is chosen to be killed
ANSWERS_S = 10.0  # … if anybody answers so soon; else one is killed while it starts
ANY = 0.15  # of all kills take anybody, also who only starts
DOWN_S = 0.8  # at most, between a kill and the next life
PEACE_S = 90.0  # a delete that a scan found needs a second look after 10 s; the rest is patience
REST_S = 20.0  # until nothing of what was received lies about
CRASHES = 0.2  # of all lives end at a crash point, if they come to it
CRASHPOINTS = (
    *("before_prepare", "after_prepare", "after_sync_files", "before_rename", "after_rename"),
    *("before_sync_folders", "after_sync_folders", "before_map", "before_write_whole"),
    *("before_link", "after_link", "after_compare", "before_mkdir", "after_mkdir"),
    *("before_rmdir", "after_rmdir", "before_keep", "after_keep", "sync_file"),
)


@dataclass
class Tally:
    """What was done, and how it went."""

    cycles: int = 0
    kills: Counter[str] = field(default_factory=Counter)  # by what the killed one said last
    peaces: int = 0
    longest_peace_s: float = 0.0
    samples: int = 0
    changes: int = 0

    def __str__(self) -> str:
        kinds = ", ".join(f"{number} {kind}" for kind, number in self.kills.most_common())
        return (
            f"{self.cycles} cycles, {sum(self.kills.values())} kills ({kinds}), "
            f"{self.changes} changes, {self.samples} samples of copies, {self.peaces} times equal "
            f"byte for byte (longest wait {self.longest_peace_s:.1f} s)"
        )


class Torture:
    """One run in one folder."""

    def __init__(self, base: Path, seed: int, say: Callable[[str], object] = str) -> None:
        """Prepare three devices below `base`; `say` hears how it goes."""
        self.base, self.seed, self._say = base, seed, say
        self.chance = random.Random(seed)
        self.tally = Tally()
        port = free_port()
        self.devices = [Survivor(base / label, label, port) for label in LABELS]
        self.writers = [
            Writer(device.own, device.home / "staging", f"{seed} {device.label}")
            for device in self.devices
        ]
        self._sampler: Sampler | None = None

    def __repr__(self) -> str:
        return f"Torture(seed {self.seed}, {self.tally})"

    def run(self, cycles: int) -> Tally:
        """Play so many cycles; raises a Fault with all that is known of it."""
        try:
            self._begin()
            for number in range(1, cycles + 1):
                self._cycle()
                if number % CYCLES_TO_PEACE == 0 or number == cycles:
                    self._peace()
        except AssertionError as error:
            raise Fault(f"{self._replay(cycles)}\n{error}\n{self._said()}") from error
        finally:
            self._end()
        return self.tally

    # -- acts --------------------------------------------------------------------------------------
    def _begin(self) -> None:
        for device in self.devices:
            device.live()
            device.up()
        until(lambda: one_ring(*self.devices), self._said)
        pairs = [
            (device, writer)
            for device in self.devices
            for writer in self.writers
            if writer.own != device.own
        ]
        self._sampler = Sampler(pairs, self.base / "evidence", random.Random(self.seed))
        for writer in self.writers:
            writer.work()

    def _cycle(self) -> None:
        victims = self._chosen()
        for device in victims:
            self.tally.kills[self._last_word(device)] += 1
            device.kill()
        for device in victims:
            device.check_words()
            device.check_index(self.base / "copies")
        if self.chance.random() < 0.4:
            time.sleep(self.chance.uniform(0, DOWN_S))  # the others go on without
        for device in victims:
            crashes = self.chance.random() < CRASHES
            device.live(self.chance.choice(CRASHPOINTS) if crashes else "")
        self.tally.cycles += 1
        self._look.check()

    def _chosen(self) -> list[Survivor]:
        """Who is killed now: mostly one of those that have come so far as to be busy."""
        begun_s = time.monotonic()
        wanted = 0 if self.chance.random() < ANY else self.chance.choices((1, 2, 3), (14, 4, 2))[0]
        while time.monotonic() - begun_s < ANSWERS_S * wanted and len(self._awake()) < wanted:
            time.sleep(0.03)
        time.sleep(self.chance.uniform(*BUSY_S))
        for device in self.devices:
            device.check_alive()
        awake = self._awake()
        return self.chance.sample(awake if len(awake) >= wanted > 0 else self.devices, wanted or 1)

    def _awake(self) -> list[Survivor]:
        """Those that are part of a ring, or have reached their crash point."""
        return [one for one in self.devices if one.process.poll() is not None or one.of() > 1]

    def _peace(self) -> None:
        """Leave all in peace, and look whether anything is lost."""
        for writer in self.writers:
            writer.rest()
        for device in self.devices:
            if device.crashes_at:
                device.kill()
                device.live()
        took_s = self._wait(self._equal, PEACE_S, self._unequal)
        self.tally.peaces += 1
        self.tally.longest_peace_s = max(self.tally.longest_peace_s, took_s)
        self._check_contents()
        self._wait(
            lambda: not any(device.left_over() for device in self.devices),
            REST_S,
            lambda: f"left over: {[(one.label, one.left_over()) for one in self.devices]}",
        )
        for device in self.devices:
            device.check_words()
            if aside := device.put_aside():
                raise Fault(f"{device.label} put aside {aside}")
        self._look.check()
        self._count()
        self._say(str(self.tally))
        for writer in self.writers:
            writer.work()

    def _end(self) -> None:
        for writer in self.writers:
            writer.end()
        if self._sampler is not None:
            self._sampler.end()
        for device in self.devices:
            if device.lives:
                device.close()

    # -- oracles -----------------------------------------------------------------------------------
    def _equal(self) -> bool:
        for device in self.devices:
            device.check_alive()
        return all(device.settled() for device in self.devices) and not self._outlines()

    def _outlines(self) -> str:
        """How the copies differ from the owners' folders, at a glance."""
        said = []
        for device, writer in self._copies():
            found = difference(
                outline(writer.own), outline(device.folder / "Shared" / writer.own.name)
            )
            said += [f"{device.label}'s copy of {writer.own.name}: {found}"] if found else []
        return "\n".join(said)

    def _check_contents(self) -> None:
        for writer in self.writers:
            if found := difference(writer.files, contents(writer.own)):
                raise Fault(f"{writer.own.name}'s own folder was touched: {found}")
            folders = {name for name, what in outline(writer.own).items() if what == ("folder",)}
            if folders != writer.folders:
                raise Fault(f"{writer.own.name}'s own folders: {folders ^ writer.folders}")
        for device, writer in self._copies():
            copy = device.folder / "Shared" / writer.own.name
            if found := difference(writer.files, contents(copy)):
                raise Fault(f"{device.label}'s copy of {writer.own.name}: {found}")

    def _copies(self) -> list[tuple[Survivor, Writer]]:
        return [
            (device, writer)
            for device in self.devices
            for writer in self.writers
            if writer.own != device.own
        ]

    @property
    def _look(self) -> Sampler:
        assert self._sampler is not None
        return self._sampler

    # -- words -------------------------------------------------------------------------------------
    def _last_word(self, device: Survivor) -> str:
        if device.process.poll() is not None:
            return "at a crash point"
        return str(device.state().get("state") or "while starting")

    def _wait(
        self, condition: Callable[[], bool], seconds: float, said: Callable[[], str]
    ) -> float:
        asked = Condition(condition)
        with FairTime() as clock:
            while not asked():
                if clock.spent() > seconds:
                    raise Fault(f"not within {seconds:.0f} s{asked.missed}\n{said()}")
                time.sleep(0.1)
        return clock.spent()

    def _unequal(self) -> str:
        words = {
            one.label: (one.state().get("state"), one.state().get("reason")) for one in self.devices
        }
        return f"{words}\n{self._outlines() or 'the trees look equal'}"

    def _count(self) -> None:
        self.tally.samples = self._look.samples
        self.tally.changes = sum(writer.done for writer in self.writers)

    def _replay(self, cycles: int) -> str:
        return (
            f"cycle {self.tally.cycles} of {cycles}, trees in {self.base}; to play it again: "
            f"python3 pot.py torture --cycles {cycles} --seed {self.seed}"
        )

    def _said(self) -> str:
        return "\n".join(
            f"--- {one.label}, life {one.lives}: {one.state().get('state')} "
            f"{one.state().get('reason')}\n{one.said()[-1500:]}"
            for one in self.devices
            if one.lives
        )
