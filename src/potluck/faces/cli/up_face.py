"""What `up` hears of its daemon directly, and its last words.

Strategy: the view learns everything from the local API; here threads are started when that answers,
and not where nothing starts, and it is remembered why the daemon ends, if it was put out.
Guarantee: what is said last is why it ended, where the files are if that is seen, and, where a new
start is another device, how that is typed; a disk that hangs holds up nobody. Limits: everything
else is told by the view.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from typing import Any, Final

from potluck.config.values import OpenTime
from potluck.faces.advice import Advice
from potluck.faces.cli.door import door_banner
from potluck.faces.cli.output import command
from potluck.faces.cli.streams import write_or_go_on
from potluck.faces.text import shown
from potluck.shells.state.away import seen_instead

_OUT: Final = "removed"  # the code of the notice that this device is in its group no more
_STAY: Final = "; its files stay here"  # what that says next
_LOOK_S: Final = 1.0  # for what is seen of FOLDER in the end


class UpFace:
    """Says that the door is open, starts threads, the view's too, and says how it ended."""

    def __init__(self, starts: Sequence[Callable[[], None]], open_s: OpenTime) -> None:
        """Start these; `open_s`: for how long strangers are let in."""
        self._starts, self._open_s = starts, open_s
        self._out = ""

    def __repr__(self) -> str:
        return f"UpFace({len(self._starts)} to start)"

    def started(self, info: dict[str, Any]) -> None:
        """Say that the door is open, and start what watches."""
        del info
        if self._open_s is not None:
            write_or_go_on("\n".join([*door_banner(self._open_s), ""]))
        for start in self._starts:
            start()

    def told(self, code: str, text: str, level: str, subject: str) -> None:
        """The view reads notices from the local API; here only why it is to end counts."""
        del level, subject
        self._out = text if code == _OUT else self._out

    def state(self, view: dict[str, Any]) -> None:
        """The view reads the state from the local API."""

    def last_words(self, folder: str) -> list[str | Advice]:
        """Return what is said when it has ended."""
        if not self._out:
            return [f"potluck has left; {_files(folder, 'your')}."]
        why = shown(self._out).partition(_STAY)[0]
        return [
            f"potluck has ended: {why}. {_files(folder, 'Your')}.",
            Advice("  to begin anew, as a new device: ", command("up")),
        ]


def _files(folder: str, whose: str) -> str:
    """Say where the files stay, or what is seen of a FOLDER in which nothing of potluck is."""
    seen = list[str]()

    def look() -> None:
        seen.append(_seen(folder))

    thread = threading.Thread(target=look, name="last look", daemon=True)
    thread.start()
    thread.join(_LOOK_S)
    instead = seen[0] if seen else "does not answer"
    return f"{shown(folder)} {instead}" if instead else f"{whose} files stay in {shown(folder)}"


def _seen(folder: str) -> str:
    """Return what is seen instead of a folder with something of potluck in it, else ""."""
    try:
        os.lstat(f"{folder}/.potluck")
    except (FileNotFoundError, NotADirectoryError):
        return seen_instead(folder)
    except OSError as error:
        return f"cannot be read ({error.strerror or error})"
    return ""
