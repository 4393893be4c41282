"""Starting anew: the program in the place of itself, with the rights that it had before it ran.

Strategy: a process that gave up rights (shells/state/landlock.py) keeps that through execve(2), but
each thread has given up its own. So one thread is started before that, does nothing but wait, and
makes the one call when everything else is taken down. Process, terminal, words and environment stay
what they were at the start, so whoever supervises it sees no other process.

Guarantees: nothing that a peer or a person sends reaches that thread: it can do this one thing. A
door that was opened for a time is not opened again. Limits: Linux lets any thread do this;
elsewhere the call comes from a process that gave up nothing, which is as good. Where the
interpreter is not known by name it cannot be done, and `possible` says so.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Sequence
from typing import Final

STARTS_ANEW: Final = -1  # in the place of an exit code: FOLDER is back
STARTS_MENDED: Final = -2  # and: the index was damaged, and a new one lies there
_OPEN: Final = "--open"
_REPAIR: Final = "--repair"  # said once: a folder that is away later is waited for
_FOR_GOOD: Final = "--open=always"  # what a person wants at every start


class NewStart:
    """The thread that can put the program in the place of itself."""

    def __init__(self) -> None:
        """Remember how this process was started; `stand_by` comes before rights are given up."""
        self._words: Final = words_again(sys.executable, sys.orig_argv)
        self._environ: Final = dict(os.environ)  # before who supervises us is taken out of it
        self._wanted: Final = threading.Event()
        self._failed: OSError | None = None
        self._thread: Final = threading.Thread(target=self._run, name="new-start", daemon=True)

    def __repr__(self) -> str:
        """Show whether it can be done; never the words."""
        return f"<NewStart: possible={self.possible}>"

    @property
    def possible(self) -> bool:
        """Whether it is known what to start."""
        return bool(self._words)

    def stand_by(self) -> None:
        """Start the thread."""
        self._thread.start()

    def go(self) -> OSError | None:
        """Start anew: returns only if that failed, and why."""
        sys.stdout.flush()
        sys.stderr.flush()
        self._wanted.set()
        self._thread.join()
        return self._failed

    def _run(self) -> None:
        self._wanted.wait()
        try:
            os.execve(self._words[0], self._words, self._environ)  # noqa: S606 - our own words
        except OSError as error:
            self._failed = error


def words_again(program: str, words: Sequence[str]) -> list[str]:
    """Return what a process was started with, without a door that was open for a time and without
    `--repair`; [] if what runs it is not known by its whole path.
    """
    if not os.path.isabs(program) or len(words) < 2:
        return []
    return [program, *(each for each in words[1:] if each == _FOR_GOOD or not _is_once(each))]


def _is_once(word: str) -> bool:
    return word in {_OPEN, _REPAIR} or word.startswith(f"{_OPEN}=")
