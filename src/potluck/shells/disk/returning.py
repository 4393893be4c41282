"""Returning: sees that FOLDER stands there again, where what is held open is not that any more.

Strategy: a thread of its own asks the marker every second, so nothing else waits for a disk that
hangs. What it sees it says once; the daemon then starts anew, since only a new start can take hold
of the folder (docs/decisions/010-landlock.md).

Guarantees: nothing is said of a folder of another share, nor of one that cannot be written to, as a
disk is that was mounted read-only after a fault: it would end a device that serves the others.
Limits: what was back and went again before it is taken hold of is found out by the start.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from typing import Final

from potluck.shells.disk.marker import ShareMarker

RETURN_LOOK_S: Final = 1.0  # between two looks; promised are two seconds
RETURN_CLOSE_S: Final = 0.5  # a thread that hangs in a disk holds nobody up


class ReturnWatch:
    """Looks every second whether the folder is back."""

    def __init__(self, marker: ShareMarker, folder: str, on_back: Callable[[], object]) -> None:
        """Call `on_back` once, from a thread of its own."""
        self._marker: Final = marker
        self._folder: Final = folder
        self._on_back: Final = on_back
        self._closed: Final = threading.Event()
        self._thread: Final = threading.Thread(target=self._run, name="return", daemon=True)

    def __repr__(self) -> str:
        """Show whether it looks."""
        return f"<ReturnWatch: looking={self._thread.is_alive()}>"

    def start(self) -> None:
        """Look from now on."""
        self._thread.start()

    def close(self) -> None:
        """Look no more."""
        self._closed.set()
        self._thread.join(RETURN_CLOSE_S)

    def _run(self) -> None:
        while not self._closed.wait(RETURN_LOOK_S):
            if self._marker.is_back() and os.access(self._folder, os.W_OK | os.X_OK):
                self._on_back()
                return
