"""Endings: what a head of the own folder ends is remembered, and what went in one go counts as one.

Strategy: before a head is written, the records whose content it ends are kept in the index, by path
and content (engine/index/former_files.py). Those of heads that follow each other closely have one
number, so that a person can have all of them back together.

Guarantees: nothing is remembered that no head said. Limits: a start begins a new number, and so
does what goes on for long; programs that write all the time make everything near it one.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from potluck.core.wire.catalogue import FileRecord, Kind
from potluck.engine.node import Node

ENDINGS_PAUSE_S: Final = 30.0  # without any ending: what goes then is another matter
ENDINGS_LONGEST_S: Final = 600.0  # of what counts as one


class Endings:
    """Remembers what heads end."""

    def __init__(self, node: Node) -> None:
        """Begin a new number with the first ending."""
        self._node = node
        self._burst = 0  # 0: none in this run yet
        self._began_s = self._last_s = 0.0

    def __repr__(self) -> str:
        """Return the number of the last go."""
        return f"<Endings {self._burst}>"

    def note(self, records: Sequence[FileRecord], gone: Collection[bytes]) -> None:
        """The next head says these, and that those are gone."""
        ended = [(one.path, _content(one)) for one in records]
        ended += [(path, b"") for path in gone]
        now, former = self._node.now, self._node.index.former
        paused, long = (
            now >= self._last_s + ENDINGS_PAUSE_S,
            now >= self._began_s + ENDINGS_LONGEST_S,
        )
        fresh = not self._burst or paused or long
        number = former.burst(self._node.own_manifest) + 1 if fresh else self._burst
        if not former.note_ended(self._node.own_manifest, ended, number):
            return
        self._burst, self._last_s = number, now
        if fresh:
            self._began_s = now


def _content(record: FileRecord) -> bytes:
    """Return what is to be compared: the content of a file, nothing of a folder."""
    return record.root if record.kind is Kind.FILE else b""
