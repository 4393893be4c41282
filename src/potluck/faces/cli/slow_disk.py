"""A slow disk: who waits for one is told what it is waited for.

Strategy: a timer beside what may wait; it writes one line if that is not over in time. Guarantees:
what answers in time writes nothing. Limits: that it is the disk which keeps it waiting is not
proven, so the line says what is looked at and no more.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from potluck.faces.cli.streams import write_or_go_on
from potluck.faces.text import shown

SLOW_S: Final = 5.0
"""After that somebody in front of an empty screen wonders."""


@contextmanager
def said_if_slow(folder: str, after_s: float = SLOW_S) -> Iterator[None]:
    """Write what is looked at if the block takes longer than that."""
    line = (
        f"! {shown(folder)} does not answer yet: its disk is slow, or it hangs; it is waited for.\n"
    )
    timer = threading.Timer(after_s, write_or_go_on, (line,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
