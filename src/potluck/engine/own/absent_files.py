"""Absent files: what of the own folder is shared and is not here now, whatever the reason.

Strategy: what another disk hides or took along (engine/own/covered.py), what is held
(engine/own/held_paths.py), what is damaged (engine/own/damaged_files.py) and of what an older copy
has an earlier version (engine/own/older_files.py), put together for whoever says what is here.
Beside it stands whether nobody has looked yet, or something seems to be gone and is looked for once
more (engine/own/rounds.py): then what is here is not known.
Guarantees: nothing is changed. Limits: a path that is two of them counts twice; whoever tells of an
amount bounds it.
"""

from __future__ import annotations

from potluck.core.content.facts import Amount
from potluck.engine.own.covered import CoveredFiles
from potluck.engine.own.damaged_files import DamagedFiles
from potluck.engine.own.held_paths import HeldPaths
from potluck.engine.own.older_files import OlderFiles
from potluck.engine.own.rounds import Rounds


class AbsentFiles:
    """What is shared of the own folder and is not here."""

    def __init__(
        self,
        covered: CoveredFiles,
        held: HeldPaths,
        damaged: DamagedFiles,
        older: OlderFiles,
        rounds: Rounds,
    ) -> None:
        """Look at these."""
        self._rounds = rounds
        self._covered, self._held, self._wrong = covered, held, (damaged, older)

    def __repr__(self) -> str:
        """Return how much it is."""
        return f"<AbsentFiles {tuple(self.amount)}>"

    @property
    def amount(self) -> Amount:
        """How much that is."""
        wrong = [files.amount for files in self._wrong]
        return Amount.total([self._covered.amount, self._held.amount, *wrong])

    @property
    def unseen(self) -> bool:
        """Whether nobody looked since the start: what is shared may be gone."""
        return not self._rounds.scanned

    @property
    def doubted(self) -> bool:
        """Whether something seems to be gone, and is looked for once more."""
        return self._rounds.in_doubt

    def __contains__(self, path: object) -> bool:
        """Say whether a path is not here."""
        if path in self._held or path in self._covered:
            return True
        return any(path in files for files in self._wrong)

    def lacks_below(self, path: bytes) -> bool:
        """Say whether a path, or a file below it, is not here; b"" is all of the folder."""
        if any(files.has_below(path) for files in self._wrong):
            return True
        return self._covered.hides_below(path) or self.holds_below(path)

    def holds_below(self, path: bytes) -> bool:
        """Say the same of what is held alone."""
        if not path:
            return len(self._held) > 0
        return path in self._held or self._held.has_below(path)
