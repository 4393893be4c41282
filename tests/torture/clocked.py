"""The program under another wall clock, which a test can set while it runs.

Strategy: `python -m tests.torture.clocked FILE -- ARGUMENT…` puts the time of day that Python tells
ahead, or behind, by the seconds that FILE says at that moment, and runs the program. Guarantees:
monotonic clocks go on as they are, as they do on a machine whose date is set. Limits: what the
kernel and OpenSSL take for the date stays; so a file changed by such a machine is given its date by
the test, and the certificates of devices, which hold from 1970 to 9999, are not tried here.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

SECOND_NS = 10**9
OF_THE_DAY = {
    getattr(time, name)
    for name in ("CLOCK_REALTIME", "CLOCK_REALTIME_COARSE")
    if hasattr(time, name)
}


def shifted(offset: Path) -> None:
    """Have every way to ask for the time of day answer with the offset that stands in a file."""
    tell, tell_ns = time.time, time.time_ns
    get, get_ns = time.clock_gettime, time.clock_gettime_ns
    last = [0]

    def by_s() -> int:
        # empty while it is written
        last[0] = int(offset.read_text() or last[0])
        return last[0]

    replaced: dict[str, Callable[..., float]] = {
        "time": lambda: tell() + by_s(),
        "time_ns": lambda: tell_ns() + by_s() * SECOND_NS,
        "clock_gettime": lambda which: get(which) + by_s() * (which in OF_THE_DAY),
        "clock_gettime_ns": lambda which: (
            get_ns(which) + by_s() * SECOND_NS * (which in OF_THE_DAY)
        ),
    }
    vars(time).update(replaced)


def main() -> None:
    """Set the clock and run the program."""
    shifted(Path(sys.argv[1]))
    sys.argv[1 : sys.argv.index("--") + 1] = []
    from potluck import __main__ as program  # only now: some keep time.time when they are loaded

    program.main()


if __name__ == "__main__":
    main()
