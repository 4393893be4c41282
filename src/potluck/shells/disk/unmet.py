"""Unmet: which files of a list a walk has not come across yet, and whether any is in a folder.

Strategy: a count for each folder above each of them, so that a question costs as much as one path
is deep. Guarantees: nothing of the disk is touched. Limits: paths are compared as text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator


class Unmet:
    """The files of a list that were not met yet."""

    def __init__(self, paths: Iterable[str]) -> None:
        """None of these was."""
        self._paths = set(paths)
        self._below = Counter(each for path in self._paths for each in _folders_of(path))

    def __repr__(self) -> str:
        """Return how many there are."""
        return f"<Unmet: {len(self._paths)}>"

    def __iter__(self) -> Iterator[str]:
        """Yield them, in order."""
        return iter(sorted(self._paths))

    def meet(self, path: str) -> None:
        """This one was come across, if it is of the list."""
        if path in self._paths:
            self._paths.remove(path)
            self._below.subtract(_folders_of(path))

    def has_below(self, folder: str) -> bool:
        """Say whether any of them is in a folder, however deep."""
        return self._below[folder] > 0


def _folders_of(path: str) -> list[str]:
    parts = path.split("/")[:-1]
    return ["/".join(parts[: at + 1]) or "/" for at in range(len(parts))]
