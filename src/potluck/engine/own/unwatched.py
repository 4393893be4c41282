"""Unwatched folders: what the system gives no watches for is scanned often instead.

Strategy: the watcher names the outermost folders it could get no watch for, and which setting of
the system is too small. That is told once, with the line that raises it, and stays in the register
until all folders are watched. Meanwhile those folders, and only those, are scanned every ten
seconds.

Guarantees: scanning them costs at most a twentieth of the time, however many there are: the next
scan waits for twenty times as long as the last one took. Limits: other people's folders are counted
and told, and looked at by engine/others.
"""

from __future__ import annotations

from potluck.core.content.paths import SafePath
from potluck.engine.events import WatchesRefused
from potluck.engine.node import Node
from potluck.engine.troubles import Trouble, TroubleKind

UNWATCHED_SCAN_S = 10.0  # between two scans of them: a change there is found soon, if not at once
REST = 20  # a scan is followed by so many times its own length without one
SETTING_MIN = 524_288  # what distributions that raised it chose; a watch costs about 1 KiB


class UnwatchedFolders:
    """Folders without watches."""

    def __init__(self, node: Node) -> None:
        """Take everything for watched until the watcher says otherwise."""
        self._node = node
        self._folders: tuple[SafePath, ...] = ()
        self._next_s = 0.0
        self._scanning = False

    def __repr__(self) -> str:
        """Return how many there are."""
        return f"<UnwatchedFolders: {len(self._folders)}>"

    def on_refused(self, event: WatchesRefused) -> None:
        """The system refused watches for these folders, or for none any more."""
        node, kind = self._node, TroubleKind.UNWATCHED
        before, self._folders = self._folders, event.folders
        if not event.folders:
            node.troubles.clear_kind(kind)
            if before:
                node.tell("watched", "all folders are watched again: changes are seen at once")
            return
        if not before:
            self._next_s = node.now
        reason, command = _reason(len(event.folders)), _command(event)
        subject = event.setting or "this system"
        if not before:
            text = f"{reason}; try: {command}" if command else reason
            node.tell("unwatched", text, level="warning", subject=subject, command=command)
        node.troubles.note(Trouble(kind, subject, reason, command, node.now, None))

    def deadline(self) -> float | None:
        """Return when they are to be scanned."""
        return self._next_s if self._folders else None

    def due(self, top: SafePath) -> list[SafePath]:
        """Return those of the own folder `top` if they are to be scanned now."""
        if self._node.now < self._next_s:
            return []
        self._next_s = self._node.now + UNWATCHED_SCAN_S
        parts = [path for path in self._folders if path.starts_with(top)]
        self._scanning = bool(parts)
        return parts

    def on_scanned(self, took_s: float) -> None:
        """A scan ended that took so long; it counts if it was one of these folders."""
        if self._scanning:
            self._next_s = max(self._next_s, self._node.now + REST * took_s)
        self._scanning = False


def _reason(count: int) -> str:
    parts = "1 folder is" if count == 1 else f"{count} folders are"
    every = f"every {UNWATCHED_SCAN_S:.0f} s or more"
    return f"{parts} not watched: changes there are found by a scan {every}"


def _command(event: WatchesRefused) -> str:
    if not event.setting:
        return ""
    return f"sudo sysctl {event.setting}={max(SETTING_MIN, 2 * event.value)}"
