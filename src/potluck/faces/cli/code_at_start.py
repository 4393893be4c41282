"""A code at the start: a machine without a screen joins by what stands in a file.

Strategy: a thread of its own asks the potluck that just started to join, as the command `join`
would. While nobody answers it asks again, since machines start in any order; a code counts for
minutes only, so it gives up before as long as one does is over; until then the engine says in the
log and in `status` that nobody answers, and that it is tried again
(engine/group/joining_ends.py), so it is told which time is the last. A no is final: tries are few.

Guarantees: one thread, which ends with the process; the file was read before, and the code is
forgotten with the outcome; what came of it is said in three parts. Limits: a code that is of no
group near by is known as such only when nobody answers.
"""

from __future__ import annotations

import threading
import time

from potluck.core.errors import PotluckError, TimedOut
from potluck.core.limits import INVITE_S
from potluck.faces.cli.client import Client
from potluck.faces.cli.output import error_lines
from potluck.faces.cli.streams import write_or_go_on

AGAIN_AFTER_S = 2.0  # between two attempts, each of which looks around for seconds,
ATTEMPT_MAX_S = 9.0  # and never for longer: every act of a face is answered by then


class CodeAtStart:
    """Joins by one code."""

    def __init__(self, client: Client, code: str, *, patience_s: float = INVITE_S) -> None:
        """Do nothing before `start`."""
        self._client, self._code = client, code
        self._patience_s = patience_s

    def __repr__(self) -> str:
        return "<CodeAtStart>"

    def start(self) -> None:
        """Begin; what comes of it is written."""
        threading.Thread(target=self._join, name="join", daemon=True).start()

    def _join(self) -> None:
        until_s = time.monotonic() + self._patience_s
        while True:
            is_last = time.monotonic() + ATTEMPT_MAX_S + AGAIN_AFTER_S >= until_s
            asked = {"code": self._code, "waits": True, "last": is_last}
            try:
                lines = [self._client.act("join", asked)]
            except TimedOut as error:
                if not is_last:
                    time.sleep(AGAIN_AFTER_S)
                    continue
                lines = error_lines(error)
            except PotluckError as error:
                lines = error_lines(error)
            self._code = ""
            write_or_go_on("\n".join([*lines, ""]))
            return
