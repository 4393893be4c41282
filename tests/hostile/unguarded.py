"""potluck with one of its guards taken off, to show that what the guard keeps out does harm.

Strategy: `python -m tests.hostile.unguarded NAME …` is `potluck …` after one change in this
process; nothing in the program itself knows of it.
"""

from __future__ import annotations

import sys

from potluck.__main__ import main
from potluck.core.group.lines import Allotment
from potluck.core.group.roster import Roster


def names() -> None:
    """Nothing known is put in force."""
    setattr(Roster, "settle", lambda _roster: None)  # noqa: B010 - mypy knows the attribute


def lines() -> None:
    """A member may sign as much as a roster holds."""
    setattr(Allotment, "take", lambda _allotment, _signer: True)  # noqa: B010 - the same


GUARDS = {"names": names, "lines": lines}

if __name__ == "__main__":
    GUARDS[sys.argv.pop(1)]()
    main()
