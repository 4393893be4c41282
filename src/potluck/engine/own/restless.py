"""Restless files of the own folder: those that are not shared because they do not hold still.

Strategy: two parties know of such files. The watcher names those that are written to without pause
and are not to be read while they are; whoever reads files knows those that changed each time.
Either stays in the register until the file was read, or rests, or is gone; that a file is still
written is a fact and hinders nobody, that it cannot be read is trouble.

Guarantees: a file is told once, and only after it was tried for half a minute; one that is written
to without pause and can be read all the same is no trouble. Limits: what of such a file is
consistent is decided by who reads it (shells/disk/hashing.py).
"""

from __future__ import annotations

from collections.abc import Iterable

from potluck.core.content.paths import SafePath
from potluck.core.wording import set_off
from potluck.engine.node import Node
from potluck.engine.own.reading import Reading
from potluck.engine.troubles import KIND_MAX, Trouble, TroubleKind

TOLD_TRIES = 6  # 1 + 2 + 4 + 8 + 16 seconds were waited between so many

WRITTEN = "it is still being written: shared at the latest when it is closed or rests"
CHANGING = "it changes whenever it is read"


class RestlessFiles:
    """Files that never hold still."""

    def __init__(self, node: Node, reading: Reading) -> None:
        """Know of none; `reading` knows how often each was tried."""
        self._node, self._reading = node, reading
        self._written: set[SafePath] = set()
        self._changing: set[SafePath] = set()

    def __repr__(self) -> str:
        """Return how many there are."""
        written, changing = len(self._written), len(self._changing)
        return f"<RestlessFiles {written=} {changing=}>"

    def on_written(self, files: Iterable[SafePath]) -> None:
        """These, and no others, are written to without pause and too large to be read."""
        before, self._written = self._written, set(files)
        for path in sorted(self._written - before)[:KIND_MAX]:
            self._note(TroubleKind.WRITTEN, path, WRITTEN, None)
        for path in before - self._written:
            self._node.troubles.clear(TroubleKind.WRITTEN, str(path))

    def on_unstable(self, files: Iterable[SafePath]) -> None:
        """These changed while they were read, or could not be read; all others in hand did not."""
        for path in files:
            if self._reading.tries(path) >= TOLD_TRIES and len(self._changing) < KIND_MAX:
                self._changing.add(path)
                self._note(TroubleKind.RESTLESS, path, CHANGING, self._reading.due_s(path))
        self.settle()

    def settle(self) -> None:
        """Files were read, or are gone."""
        for path in [path for path in self._changing if not self._reading.tries(path)]:
            self._changing.discard(path)
            self._node.troubles.clear(TroubleKind.RESTLESS, str(path))

    def clear(self) -> None:
        """The own folder has another name now."""
        for kind in (TroubleKind.WRITTEN, TroubleKind.RESTLESS):
            self._node.troubles.clear_kind(kind)
        self._written, self._changing = set(), set()

    def _note(self, kind: TroubleKind, path: SafePath, reason: str, next_s: float | None) -> None:
        node, subject = self._node, str(path)
        if node.troubles.note(Trouble(kind, subject, reason, "", node.now, next_s)):
            text = f"not shared yet: {set_off(subject)} ({reason})"
            level = "warning" if kind is TroubleKind.RESTLESS else "info"
            node.tell("restless", text, level=level, subject=subject)
