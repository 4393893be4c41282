"""Time as tests with real programs count it: a second on half a processor is half a second.

Strategy: what is promised (“a ring within 2 s”) is promised for a machine that does nothing else.
So a promise is not checked against the clock on the wall, but against one that goes as slowly as
the machine is shared: a thread asks the kernel, again and again, how many processes want to run,
and a stretch of time counts as the share that each of them gets. A look that comes late was late
because we were not let run (a stopped process, a virtual machine that slept): only the beginning of
that stretch counts. POTLUCK_PATIENCE=2 lets it go at half the pace besides.

Guarantees: on a machine with a free processor it is the clock on the wall, a look behind at most;
however long we are stopped, that costs a tenth of a second. Limits: how busy a disk is, is not
seen; a call that holds the interpreter's lock for long counts as if we had been stopped; without
/proc/stat only stops are seen.
"""

from __future__ import annotations

import os
import threading
import time
from types import TracebackType
from typing import Self

LOOK_S = 0.02  # between two looks
LATE_S = 0.1  # of a stretch between two looks counts at most; five looks, for a coarse scheduler
PATIENCE = float(os.environ.get("POTLUCK_PATIENCE", "1"))
STILL_S = 10.0  # so long any process may stand still where patience is needed
NAME = "fair time"


def share() -> float:
    """How much of a processor each process that wants to run gets now: 1.0 when one is free."""
    try:
        with open("/proc/stat", encoding="ascii") as file:
            (line,) = [line for line in file if line.startswith("procs_running")]
    except OSError:
        return 1.0
    return min(1.0, (os.cpu_count() or 1) / max(1, int(line.split()[1])))


def at_least(seconds: float) -> float:
    """What is promised; where patience is needed, no less than one process may stand still.

    How long another process was stopped is not seen here: only our own stops are left out.
    """
    return seconds if PATIENCE <= 1 else max(seconds, STILL_S)


def other_threads() -> list[threading.Thread]:
    """All threads of this process but those that look at a clock."""
    return [thread for thread in threading.enumerate() if thread.name != NAME]


class FairTime:
    """A clock that goes from the beginning of a block to its end: `with FairTime() as clock`."""

    def __init__(self) -> None:
        self._spent_s = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, name=NAME, daemon=True)

    def __repr__(self) -> str:
        return f"FairTime({self._spent_s:.2f} s)"

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

    def spent(self) -> float:
        """How many seconds we had in the block, so far or as a whole."""
        return self._spent_s

    def _look(self) -> None:
        seen_s, over = time.monotonic(), False
        while not over:
            over = self._over.wait(LOOK_S)
            now_s = time.monotonic()
            self._spent_s += min(now_s - seen_s, LATE_S) * share() / PATIENCE
            seen_s = now_s
