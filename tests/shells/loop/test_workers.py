"""Bounded threads: how many, in which order, and what happens after close or a job that raises.

Strategy: jobs meet at barriers and events, so each test knows which threads exist; nothing waits a
fixed time.
"""

import threading
from functools import partial

import pytest

from potluck.shells.loop.workers import Workers
from tests.shells.peers import WAIT_S, until


@pytest.fixture
def pool():
    workers = Workers("test", 2)
    yield workers
    assert workers.close(WAIT_S)


def test_never_more_threads_than_allowed_and_all_jobs_run(pool):
    names, gate, lock = [], threading.Event(), threading.Lock()

    def job():
        with lock:
            names.append(threading.current_thread().name)
        gate.wait(WAIT_S)

    for _ in range(6):
        assert pool.submit(job)
    until(lambda: len(names) == 2)
    gate.set()
    until(lambda: len(names) == 6)
    assert set(names) == {"test-1", "test-2"}


def test_an_idle_thread_is_used_before_another_one_starts(pool):
    names = []
    for round_number in range(4):
        pool.submit(lambda: names.append(threading.current_thread().name))
        until(lambda: len(names) == round_number + 1 and pool._idle == 1)  # noqa: B023
    assert set(names) == {"test-1"}


def test_jobs_of_a_pool_of_one_keep_their_order():
    order: list[int] = []
    workers = Workers("one", 1)
    for number in range(50):
        workers.submit(partial(order.append, number))
    until(lambda: len(order) == 50)
    assert order == list(range(50))
    assert workers.close(WAIT_S)


def test_after_close_nothing_starts_and_what_waited_is_dropped():
    workers, gate, ran = Workers("closing", 1), threading.Event(), []
    begun = threading.Event()

    def job():
        begun.set()
        gate.wait(WAIT_S)

    workers.submit(job)
    assert begun.wait(WAIT_S)
    workers.submit(lambda: ran.append("dropped"))
    assert not workers.close(0)  # the first job still runs
    gate.set()
    assert workers.close(WAIT_S)
    assert not workers.submit(lambda: ran.append("late"))
    assert ran == []


def test_a_job_that_raises_ends_its_thread_loudly_and_the_next_job_still_runs(monkeypatch):
    said, ran, workers = [], threading.Event(), Workers("raising", 1)
    monkeypatch.setattr(threading, "excepthook", lambda args: said.append(args.exc_value))

    def fail():
        raise ZeroDivisionError

    workers.submit(fail)
    workers.submit(ran.set)
    assert ran.wait(WAIT_S)
    assert isinstance(until(lambda: said)[0], ZeroDivisionError)
    assert workers.close(WAIT_S)
