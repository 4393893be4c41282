"""Cycles: when Python looks for objects that only hold each other, which stops every thread.

Strategy: what was made a moment ago is looked through as ever; that is thousands of objects, and a
few milliseconds. All objects of the program are hundreds of thousands while many files come, and to
look through them takes 0.1 to 0.35 s in which nobody is answered. Python does it whenever there are
a quarter more of them than the last time: 25 times, 4.6 s in all, while 150,000 files are taken in
(decisions/009). Nearly all that dies there is freed without it, since hardly anything old is a
cycle. So here it is not done by itself, but as a chore, every hour, and without what the program
is made of: modules and functions live as long as it does. Connections that were broken off are the
exception: each leaves a cycle, 13 KiB for a stream of events, so ten thousand of them are 130 MiB.
So a minute in which much became old ends with such a look, too, whether it is cycles or files.

Guarantees: a cycle that lived long is freed within an hour, and within a minute if there are so
many that it matters. A potluck that is idle is looked through every hour only. Limits: it is a
setting of the whole process; Python 3.14 has one without such pauses, where this changes little.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Final

AGES: Final = 1_000_000_000
"""Times that younger objects were looked through, before all are: a thousand years."""

MANY: Final = 50
"""Times that what had become old was looked through, after which a look at all is worth its pause:
so many come of 2,600 broken streams of events (35 MiB; 0.1 s for 1,000), or of 25,000 new files."""


def leave_old_objects_alone() -> Callable[[], None]:
    """Look through young objects only from now on; returns how to undo that."""
    before = gc.get_threshold()
    gc.set_threshold(before[0], before[1], AGES)
    gc.freeze()  # what is here now is never looked through again

    def undo() -> None:
        gc.unfreeze()
        gc.set_threshold(*before)

    return undo


def free_old_cycles() -> None:
    """Look through all objects once that were made since the start."""
    gc.collect()


def free_many_cycles() -> None:
    """Do so if much has become old since the last time."""
    if gc.get_count()[2] >= MANY:
        free_old_cycles()
