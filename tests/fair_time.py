"""Time as tests with real programs count it: a second on half a processor is half a second.

Strategy: what is promised (“a ring within 2 s”) is promised for a machine that does nothing else.
So a promise is not checked against the clock on the wall, but against one that goes as slowly as
the machine is shared: how many processes want to run is asked of the kernel, again and again, and a
stretch of time counts as the share that each of them gets. POTLUCK_PATIENCE=2 lets it go at half
the pace besides.

Guarantees: on a machine with a free processor it is the clock on the wall. Limits: how busy a disk
is, is not seen; without /proc/stat nothing is, and the clock on the wall counts.
"""

from __future__ import annotations

import os
import threading
import time
from types import TracebackType
from typing import Self

LOOK_S = 0.02  # between two looks of `measured`
PATIENCE = float(os.environ.get("POTLUCK_PATIENCE", "1"))


def share() -> float:
    """How much of a processor each process that wants to run gets now: 1.0 when one is free."""
    try:
        with open("/proc/stat", encoding="ascii") as file:
            (line,) = [line for line in file if line.startswith("procs_running")]
    except OSError:
        return 1.0
    return min(1.0, (os.cpu_count() or 1) / max(1, int(line.split()[1])))


class FairTime:
    """A clock that begins when it is made; right as far as it is looked at often."""

    def __init__(self) -> None:
        self._seen_s = time.monotonic()
        self._spent_s = 0.0

    def __repr__(self) -> str:
        return f"FairTime({self._spent_s:.2f} s)"

    def spent(self) -> float:
        """How many seconds we had since it was made."""
        now = time.monotonic()
        self._spent_s += (now - self._seen_s) * share() / PATIENCE
        self._seen_s = now
        return self._spent_s


class Measured:
    """The time that a block takes, looked at by a thread of its own: `with Measured() as took`."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="fair time", daemon=True)

    def __repr__(self) -> str:
        return f"Measured({self.seconds:.2f} s)"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        clock = FairTime()
        while not self._over.wait(LOOK_S):
            clock.spent()
        self.seconds = clock.spent()
