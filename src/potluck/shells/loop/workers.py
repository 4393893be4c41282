"""Bounded threads: a fixed number of workers that take jobs in order.

Strategy: threads start when there is work and stay; one pool per kind of work, so that pools never
wait for each other (one shared pool deadlocks when every worker waits for a peer). They are
daemons: a worker that waits for a silent peer must not keep the process alive.

Guarantees: never more than `count` threads; jobs of one pool start in the order they came; after
`close` nothing starts any more. A job that raises ends its thread loudly (`threading.excepthook`)
and the next job gets a new one. Limits: jobs report by themselves; nothing is returned.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final


class Workers:
    """A pool of at most `count` threads named `name-1`, `name-2`, …"""

    def __init__(self, name: str, count: int) -> None:
        self.name: Final = name
        self.count: Final = count
        self._jobs: deque[Callable[[], None]] = deque()
        self._changed: Final = threading.Condition()
        self._threads: Final[set[threading.Thread]] = set()
        self._idle = 0
        self._started = 0
        self._closed = False

    def submit(self, job: Callable[[], None]) -> bool:
        """Queue a job; False (and nothing happens) after `close`."""
        with self._changed:
            if self._closed:
                return False
            self._jobs.append(job)
            if len(self._jobs) > self._idle and len(self._threads) < self.count:
                self._start()
            else:
                self._changed.notify()
            return True

    def close(self, wait_s: float = 0.0) -> bool:
        """Drop what has not begun and wait at most `wait_s` for the rest; say whether all threads
        are gone.
        """
        deadline = time.monotonic() + wait_s
        with self._changed:
            self._closed = True
            self._jobs.clear()
            self._changed.notify_all()
            threads = list(self._threads)
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in threads)

    def _start(self) -> None:
        self._started += 1
        thread = threading.Thread(
            target=self._work, name=f"{self.name}-{self._started}", daemon=True
        )
        self._threads.add(thread)
        thread.start()

    def _work(self) -> None:
        try:
            while (job := self._next()) is not None:
                job()
        finally:
            with self._changed:
                self._threads.discard(threading.current_thread())
                if self._jobs and not self._closed:
                    self._start()

    def _next(self) -> Callable[[], None] | None:
        with self._changed:
            self._idle += 1
            try:
                while not self._jobs:
                    if self._closed:
                        return None
                    self._changed.wait()
                return self._jobs.popleft()
            finally:
                self._idle -= 1
