"""Endings: what a head of the own folder ends is remembered, and what went in one go counts as one.

Strategy: before a head is written, the records whose content it ends are kept in the index, by path
and content (engine/index/former_files.py). Those of heads that follow each other closely have one
number, so that a person can have all of them back together. Where some of a go was told and some is
held (engine/own/owners_breaker.py), the index knows the number of what was told, also after a
start; what is confirmed of the rest gets the same one.

Guarantees: nothing is remembered that no head said. Limits: a start begins a new number, and so
does what goes on for long; programs that write all the time make everything near it one.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import Final

from potluck.core.wire.catalogue import FileRecord, Kind
from potluck.engine.node import Node

ENDINGS_PAUSE_S: Final = 30.0  # without any ending: what goes then is another matter
ENDINGS_LONGEST_S: Final = 600.0  # of what counts as one
_HELD_GO: Final = "go of what is held"  # in the index: its number
_NUMBER_BYTES: Final = 8


class Endings:
    """Remembers what heads end."""

    def __init__(self, node: Node) -> None:
        """Begin a new number with the first ending."""
        self._node = node
        self._burst = 0  # 0: none in this run yet
        self._began_s = self._last_s = 0.0
        self._held_s = -math.inf  # when something was held last

    def __repr__(self) -> str:
        """Return the number of the last go."""
        return f"<Endings {self._burst}>"

    def note(self, records: Sequence[FileRecord], gone: Collection[bytes]) -> None:
        """The next head says these, and that those are gone."""
        ended = [(one.path, _content(one)) for one in records]
        ended += [(path, b"") for path in gone]
        now, former, fresh = self._node.now, self._node.index.former, not self._goes_on
        number = former.burst(self._node.own_manifest) + 1 if fresh else self._burst
        if not former.note_ended(self._node.own_manifest, ended, number):
            return
        self._burst, self._last_s = number, now
        if fresh:
            self._began_s = now
        if now < self._held_s + ENDINGS_PAUSE_S:
            self._note_held_go(number)

    def on_held(self, before: int, more: int) -> None:
        """So many paths were held, and so many went now that are held, too, and not told."""
        if not before:  # what was held earlier is over, and its go with it
            self._node.index.meta.remove(_HELD_GO)
        if more <= 0:
            return
        self._held_s = self._node.now
        if self._goes_on:
            self._note_held_go(self._burst)

    def on_confirmed(self, paths: Collection[bytes]) -> None:
        """The next head ends these, which are held: they went with what was told of their go."""
        go, last = self.held_go, self._node.index.former.burst(self._node.own_manifest)
        if paths and go and go == last:
            self._burst = go
            self._began_s = self._last_s = self._node.now

    @property
    def held_go(self) -> int:
        """The number of what was told, and went together with what is held; 0: nothing was."""
        kept = self._node.index.meta.get(_HELD_GO)
        return int.from_bytes(kept) if kept is not None else 0

    @property
    def _goes_on(self) -> bool:
        """Whether what ends now belongs to what ended last."""
        now = self._node.now
        paused, long = (
            now >= self._last_s + ENDINGS_PAUSE_S,
            now >= self._began_s + ENDINGS_LONGEST_S,
        )
        return bool(self._burst) and not paused and not long

    def _note_held_go(self, number: int) -> None:
        self._node.index.meta.set(_HELD_GO, number.to_bytes(_NUMBER_BYTES))


def _content(record: FileRecord) -> bytes:
    """Return what is to be compared: the content of a file, nothing of a folder."""
    return record.root if record.kind is Kind.FILE else b""
