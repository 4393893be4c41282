"""A verification: what a person wanted read again, how far that is, and what was found.

Strategy: counts and the first names, added to as files are read; the sentence about it is made
here, so that a notice and a command say the same. Guarantees: nothing is said to be whole that was
not read. Limits: names beyond the first are only counted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from potluck.core.wording import of_size, plural, set_off

NAMED_MAX: Final = 100
"""Names that are kept of each kind; whoever has more damaged files needs another disk first."""
_SHOWN: Final = 3


@dataclass(slots=True)
class FoundFiles:
    """Files of one kind: how many, and the first names."""

    count: int = 0
    names: list[str] = field(default_factory=list)

    def add(self, name: str) -> None:
        """One more."""
        self.count += 1
        if len(self.names) < NAMED_MAX:
            self.names.append(name)

    def words(self, what: str) -> str:
        """Return "2 damaged: a, b", "" if there are none."""
        if not self.count:
            return ""
        more = self.count - min(len(self.names), _SHOWN)
        rest = f" and {more:,} more" if more else ""
        return f"; {self.count:,} {what}: {', '.join(map(set_off, self.names[:_SHOWN]))}{rest}"


@dataclass(slots=True)
class Verification:
    """One of them."""

    path: str  # below Shared/; "" is everything
    files: int = 0  # that were read to their end
    size_bytes: int = 0  # of these
    skipped: int = 0  # changed meanwhile, or gone
    damaged: FoundFiles = field(default_factory=FoundFiles)
    unreadable: FoundFiles = field(default_factory=FoundFiles)
    running: bool = True

    @property
    def words(self) -> str:
        """What came of it so far, in one sentence."""
        text = f"{plural(self.files, 'file')} read again ({of_size(self.size_bytes)})"
        text += self.damaged.words("damaged") + self.unreadable.words("could not be read")
        if not self.damaged.count and not self.unreadable.count and self.files:
            text += ", each as it should be"
        if self.skipped:
            text += f"; {plural(self.skipped, 'file')} left out that changed meanwhile"
        return text
