r"""potluck's side of the lab: one driver, so that it is measured beside its rivals in one run.

The lab is a simulated LAN (a network namespace a host) with one driver class a system and scenarios
for all of them. It looks for further drivers in the files that LAB_DRIVERS names:

    LAB_DRIVERS=bench/lab_driver.py python3 -m lab.run --scenarios S1,S2 \\
        --drivers potluck,syncthing-tuned,rsync,tls13

Strategy: one daemon a host as a person would start it, `up FOLDER --open=always --headless`,
nothing tuned. What host 0 shares lies in its owner folder; every receiver is looked at in *its*
copy of that owner's folder. Limits: needs a checkout whose `.venv` exists (`python3 pot.py version`
makes it).
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from lab.drivers.base import Driver, first_line, wait

PROJECT = Path(__file__).resolve().parent.parent
PYTHON = PROJECT / ".venv" / "bin" / "python"
OWNER = "h0"


class Potluck(Driver):
    """Every host is a device of one open group."""

    name, scenarios, auto, crypto = "potluck", "S1 S2 S3 S4 S5 S6 S7", True, "TLS 1.3"

    @classmethod
    def version(cls):
        """Say which potluck this is."""
        return first_line(str(PYTHON), str(PROJECT / "pot.py"), "version")

    def share(self, i, *parts):
        """Return the path of something host 0 shares, as host `i` has it."""
        return self.path(i, "folder", "Shared", OWNER, *parts)

    def setup(self):
        """Start all daemons; return when they are one ring and know host 0's folder."""
        for i in range(self.lan.n):
            self.start(i)
        hosts = range(self.lan.n)
        wait(
            lambda: all(self.state(i).get("node", {}).get("of") == self.lan.n for i in hosts),
            90,
            0.1,
            "one ring",
        )
        wait(
            lambda: all(Path(self.share(i)).is_dir() for i in hosts),
            30,
            0.1,
            "the owner's folder everywhere",
        )

    def start(self, i):
        """Start one daemon."""
        words = ["up", self.path(i, "folder"), "--open=always", "--headless", "--name", f"h{i}"]
        self.spawn(
            i,
            [PYTHON, "-m", "potluck", "--home", self.path(i, "home"), *words],
            env=self.surroundings(i),
        )

    def restart(self, i, item):
        """Host `i`'s daemon was killed; start it again."""
        self.start(i)

    def surroundings(self, i):
        """Return the environment of host `i`'s processes."""
        return self.env(i, PYTHONPATH=str(PROJECT / "src"))

    def state(self, i):
        """Return what `potluck status --json` says on host `i`; {} while it is not up."""
        words = [str(PYTHON), "-m", "potluck", "--home", self.path(i, "home"), "status", "--json"]
        asked = subprocess.run(
            words, capture_output=True, text=True, env=self.surroundings(i), check=False
        )
        try:
            return json.loads(asked.stdout).get("data") or {}
        except ValueError:
            return {}
