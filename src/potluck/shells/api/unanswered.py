"""Unanswered: that nobody can ask this potluck, for want of descriptors, said in one line and once.

Strategy: asyncio tells its loop of each connection that could not be accepted, tries again a second
later, and by itself writes a traceback each time, a whole backlog of them. Here the first one
becomes one line of the log; the next line comes only after none failed for a while.

Guarantees: whatever else asyncio tells is shown as before, since it is a fault. Accepting goes on
as soon as there are descriptors. Limits: who asks meanwhile waits, or gives up; that it is over is
not said, since whoever can ask sees it.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import time
from typing import Any, Final

from potluck.core.content.facts import DESCRIPTORS_ADVISED

UNANSWERED_AGAIN_S: Final = 60.0  # so long without a failure: the next one is news again
_WANT: Final = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}

_log = logging.getLogger(__name__)


class Unanswered:
    """Hears what goes wrong in the loop of the local API."""

    def __init__(self) -> None:
        """Know of nothing."""
        self._failed_s: float | None = None

    def __repr__(self) -> str:
        """Show whether anything failed."""
        return f"<Unanswered: failed={self._failed_s is not None}>"

    def on_exception(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Asyncio has something to tell: a handler for `loop.set_exception_handler`."""
        error = context.get("exception")
        if not isinstance(error, OSError) or error.errno not in _WANT or "socket" not in context:
            loop.default_exception_handler(context)
            return
        before_s, now = self._failed_s, time.monotonic()
        self._failed_s = now
        if before_s is None or now - before_s >= UNANSWERED_AGAIN_S:
            what = "`status` and other commands get no answer at the moment"
            why = (error.strerror or str(error)).casefold()
            _log.warning("%s; %s; try: ulimit -n %d", what, why, DESCRIPTORS_ADVISED)
