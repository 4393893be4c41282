"""Bounded threads: a fixed number of workers that take jobs in order.

Strategy: threads start when there is work, unless they are to stand by, and stay; one pool per kind
of work, so that pools never wait for each other (one shared pool deadlocks when every worker waits
for a peer). They are daemons: a worker that waits for a silent peer must not keep the process
alive. A job may own a socket or a place that somebody counts on, so it is an object that can be
told that it will not run.

Guarantees: never more than `count` threads; jobs of one pool start in the order they came; after
`close` nothing starts any more. Of every job submitted exactly one of `run` and `dropped` is
called, once. A job that raises, whatever it is, is told loudly (`threading.excepthook`, which says
nothing of a SystemExit, so that is told as another error), and its thread does the next one: its
rights, which a new thread might not have, are not lost. Where the system has no room for a thread,
jobs wait for those there are, and another start is tried whenever any pool of the program gets a
job: the next one of the same pool may never come, since whoever gives it waits for this one.
Limits: jobs report by themselves; nothing is returned. `dropped` is
called on whatever thread closes or submits, so it must not block.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Sequence
from types import TracebackType
from typing import Final, Protocol

_log = logging.getLogger(__name__)


class Job(Protocol):
    """Something a worker does, once."""

    def run(self) -> None:
        """Do it, on a thread of the pool; may block."""

    def dropped(self) -> None:
        """It will never run: free what it holds, tell whoever waits for it; must not block."""


class Pool(Protocol):
    """Whatever has threads of its own and is closed with the program."""

    def close(self, wait_s: float, /) -> bool:
        """Stop, wait at most so long, say whether all threads are gone."""


_starved: Final[set[Workers]] = set()
"""Pools of this process with jobs for which no thread could be started."""


class Workers:
    """A pool of at most `count` threads named `name-1`, `name-2`, …"""

    def __init__(self, name: str, count: int) -> None:
        """Start no thread before there is work."""
        self.name: Final = name
        self.count: Final = count
        self._jobs: Final[deque[Job]] = deque()
        self._changed: Final = threading.Condition()
        self._threads: Final[set[threading.Thread]] = set()
        self._idle = 0
        self._started = 0
        self._closed = False

    def __repr__(self) -> str:
        """Show how busy the pool is."""
        live = f"{len(self._threads)}/{self.count} threads, {self._idle} idle"
        return f"<Workers {self.name}: {live}, {len(self._jobs)} waiting, closed={self._closed}>"

    def submit(self, job: Job) -> None:
        """Queue a job; after `close` it is dropped at once."""
        for pool in _starved.copy():
            pool.start_again()
        with self._changed:
            if not self._closed:
                self._jobs.append(job)
                if len(self._jobs) > self._idle and len(self._threads) < self.count:
                    self._start()
                else:
                    self._changed.notify()
                return
        job.dropped()

    def stand_by(self) -> None:
        """Start a thread now: it has the rights of the thread that calls this, for ever."""
        with self._changed:
            if not self._closed and len(self._threads) < self.count:
                self._start()

    def start_again(self) -> None:
        """Start a thread for jobs that wait for one, if that goes by now."""
        with self._changed:
            if self._jobs and not self._closed and len(self._threads) < self.count:
                self._start()
            else:
                _starved.discard(self)

    def close(self, wait_s: float = 0.0) -> bool:
        """Drop what has not begun, wait `wait_s` for the rest; say whether all threads are gone."""
        deadline = time.monotonic() + wait_s
        with self._changed:
            self._closed = True
            _starved.discard(self)
            waiting = list(self._jobs)
            self._jobs.clear()
            self._changed.notify_all()
            threads = list(self._threads)
        for job in waiting:
            job.dropped()
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in threads)

    def _start(self) -> None:
        self._started += 1
        thread = threading.Thread(
            target=self._work, name=f"{self.name}-{self._started}", daemon=True
        )
        try:
            thread.start()
        except RuntimeError as error:  # too many threads or processes
            if self not in _starved:  # else it was said
                _log.error("%s: %s; %d jobs wait", thread.name, error, len(self._jobs))
            _starved.add(self)
        else:
            self._threads.add(thread)
            _starved.discard(self)

    def _work(self) -> None:
        try:
            while (job := self._next()) is not None:
                _carry_out(job)
        finally:
            with self._changed:
                self._threads.discard(threading.current_thread())

    def _next(self) -> Job | None:
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


def _carry_out(job: Job) -> None:
    """Do a job; what it raises is told as that of a thread that ends by it."""
    try:
        job.run()
    except SystemExit as error:
        told = RuntimeError("a job wanted to end the program")
        told.__cause__ = error
        _tell(told, error.__traceback__)
    except BaseException as error:  # noqa: BLE001 # house: no job ends the thread of the next one
        _tell(error, error.__traceback__)


def _tell(error: BaseException, trace: TracebackType | None) -> None:
    told = (type(error), error, trace, threading.current_thread())
    threading.excepthook(threading.ExceptHookArgs(told))


def all_gone(pools: Sequence[Pool], wait_s: float) -> bool:
    """Stop several pools within `wait_s` together; say whether all their threads are gone."""
    for pool in pools:
        pool.close(0.0)
    deadline = time.monotonic() + wait_s
    gone = [pool.close(max(0.0, deadline - time.monotonic())) for pool in pools]
    return all(gone)


def close_pools(pools: Sequence[tuple[Pool, float]]) -> None:
    """Stop all pools, then wait for each until so many seconds from now.

    All are told before any is waited for, so the waits overlap.
    """
    begun = time.monotonic()
    for pool, _ in pools:
        pool.close(0.0)
    for pool, wait_s in pools:
        pool.close(max(0.0, begun + wait_s - time.monotonic()))
