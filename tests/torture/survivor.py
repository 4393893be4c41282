"""A real device that is killed and comes back, again and again, and what is found of it when it is
down.

Strategy: each life prints into a file of its own; a device that is down is looked at by its files
alone. The index is checked on a copy, as the next life will find it: the database with its log.
Guarantees: a life that ended without having been told so is a fault, whatever its exit code; a
crash point (`POTLUCK_CRASHPOINT`) counts as a kill. Limits: the breakers are off, for these owners
delete all the time and mean it; SIGKILL keeps what was written and not
synced; what a loss of power drops is for the simulation (R2).
"""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
from pathlib import Path

from tests.devices import Device

INDEX = "potluck.sqlite"
TRACEBACK = "Traceback (most recent call last)"


class Fault(AssertionError):
    """Something that must never be."""


class Survivor(Device):
    """One of a group that is being tortured."""

    program: tuple[str, ...] = ("tests.hostile.unguarded", "losses", "--")

    def __init__(self, home: Path, label: str, discovery_port: int) -> None:
        """Prepare it below `home`."""
        super().__init__(home, label)
        self.discovery_port = discovery_port
        self.lives = 0
        self.crashes_at = ""  # the step at which this life ends by itself

    def __repr__(self) -> str:
        return f"Survivor({self.label}, life {self.lives})"

    def live(self, crashes_at: str = "") -> None:
        """Start it; what the life before said is kept."""
        if self.lives:
            (self.home / "output").rename(self.home / f"output.{self.lives}")
        self.lives += 1
        self.crashes_at = crashes_at
        self.environment = {"POTLUCK_CRASHPOINT": crashes_at} if crashes_at else {}
        self.start(self.discovery_port)

    def check_alive(self) -> bool:
        """Whether it runs; a Fault if it ended and nobody wanted that."""
        code = self.process.poll()
        if code is not None and not (self.crashes_at and code == -signal.SIGKILL):
            raise Fault(f"{self.label} ended by itself with {code}\n{self.said()[-3000:]}")
        return code is None

    def kill(self) -> None:
        """End it as a crash does."""
        if self.check_alive():
            self.process.kill()
        self.process.wait()

    def check_index(self, copies: Path) -> None:
        """The index of a device that is down, on a copy: a Fault if it is damaged."""
        copies.mkdir(exist_ok=True)
        for name in (INDEX, f"{INDEX}-wal"):
            (copies / name).unlink(missing_ok=True)
            if (self.home / name).exists():
                shutil.copyfile(self.home / name, copies / name)
        if not (copies / INDEX).exists():
            return  # killed before there was one
        with sqlite3.connect(copies / INDEX) as index:
            found = index.execute("PRAGMA integrity_check").fetchall()
        index.close()
        if found != [("ok",)]:
            raise Fault(f"the index of {self.label} is damaged: {found[:5]}")

    def check_words(self) -> None:
        """A Fault if this life printed a traceback."""
        if TRACEBACK in self.said():
            raise Fault(f"{self.label} said\n{self.said()[-4000:]}")

    def left_over(self) -> list[str]:
        """What lies in the folder for what is being received."""
        return sorted(os.listdir(self.folder / ".potluck" / "tmp"))

    def put_aside(self) -> list[str]:
        """What was put aside; nobody touched anybody's copy, so there must be nothing."""
        top = self.folder / "Put aside"
        return sorted(str(path.relative_to(top)) for path in top.rglob("*"))
