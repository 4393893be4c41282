"""Bounded threads: how many, in which order, and that every job is run or told that it will not be.

Strategy: jobs meet at barriers and events, so each test knows which threads exist; nothing waits a
fixed time.
"""

import sys
import threading
from functools import partial

import pytest

from potluck.shells.loop.workers import Workers, all_gone, close_pools
from tests.shells.peers import WAIT_S, until


class Job:
    """A job made of a function; it notes what became of it."""

    def __init__(self, work, *words):
        self.work = partial(work, *words)
        self.fate = []

    def run(self):
        self.fate.append("run")
        self.work()

    def dropped(self):
        self.fate.append("dropped")


@pytest.fixture
def pool():
    workers = Workers("test", 2)
    yield workers
    assert workers.close(WAIT_S)


def test_never_more_threads_than_allowed_and_all_jobs_run(pool):
    names, gate, lock = [], threading.Event(), threading.Lock()

    def work():
        with lock:
            names.append(threading.current_thread().name)
        gate.wait(WAIT_S)

    jobs = [Job(work) for _ in range(6)]
    for job in jobs:
        pool.submit(job)
    until(lambda: len(names) == 2)
    assert repr(pool) == "<Workers test: 2/2 threads, 0 idle, 4 waiting, closed=False>"
    gate.set()
    until(lambda: len(names) == 6)
    assert set(names) == {"test-1", "test-2"}
    assert [job.fate for job in jobs] == [["run"]] * 6


def test_an_idle_thread_is_used_before_another_one_starts(pool):
    names = []
    for round_number in range(4):
        pool.submit(Job(lambda: names.append(threading.current_thread().name)))
        until(lambda: len(names) == round_number + 1 and pool._idle == 1)  # noqa: B023
    assert set(names) == {"test-1"}


def test_a_thread_that_stands_by_is_there_before_work_is(pool):
    before = set(threading.enumerate())
    for _ in range(3):
        pool.stand_by()
    started = set(threading.enumerate()) - before
    assert {thread.name for thread in started} == {"test-1", "test-2"}
    names = []
    until(lambda: pool._idle == 2)
    pool.submit(Job(lambda: names.append(threading.current_thread())))
    until(lambda: names)
    assert set(names) <= started
    pool.close()
    pool.stand_by()
    assert pool.close(WAIT_S)


def test_where_no_thread_can_be_started_a_job_waits_until_one_can(pool, monkeypatch, caplog):
    def refuse(_thread):
        raise RuntimeError("can't start new thread")

    first, second = Job(lambda: None), Job(lambda: None)
    with monkeypatch.context() as full:
        full.setattr(threading.Thread, "start", refuse)
        pool.submit(first)
        assert repr(pool) == "<Workers test: 0/2 threads, 0 idle, 1 waiting, closed=False>"
    assert "test-1: can't start new thread; 1 jobs wait" in caplog.text
    pool.submit(second)
    until(lambda: first.fate == second.fate == ["run"])


def test_a_job_of_any_pool_has_the_start_of_a_thread_tried_again(pool, monkeypatch, caplog):
    start, other, full = threading.Thread.start, Workers("other", 1), True

    def refuse(thread):
        if full and thread.name.startswith("test"):
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    waiting, gone = Job(lambda: None), Workers("test-gone", 1)
    pool.submit(waiting)
    gone.submit(Job(lambda: None))
    assert gone.close()
    for _ in range(3):
        other.submit(Job(lambda: None))
    assert caplog.text.count("can't start new thread; 1 jobs wait") == 2, "once for each pool"
    full = False
    other.submit(Job(lambda: None))
    until(lambda: waiting.fate == ["run"])
    assert other.close(WAIT_S)
    assert gone.close(WAIT_S)


def test_jobs_of_a_pool_of_one_keep_their_order():
    order: list[int] = []
    workers = Workers("one", 1)
    for number in range(50):
        workers.submit(Job(order.append, number))
    until(lambda: len(order) == 50)
    assert order == list(range(50))
    assert workers.close(WAIT_S)


def test_after_close_nothing_starts_and_what_waited_is_told_that_it_is_dropped():
    workers, gate, begun = Workers("closing", 1), threading.Event(), threading.Event()

    def work():
        begun.set()
        gate.wait(WAIT_S)

    first, waiting, late = Job(work), Job(work), Job(work)
    workers.submit(first)
    assert begun.wait(WAIT_S)
    workers.submit(waiting)
    assert not workers.close(0)  # the first job still runs
    assert waiting.fate == ["dropped"]
    gate.set()
    assert workers.close(WAIT_S)
    workers.submit(late)
    assert late.fate == ["dropped"]
    assert (first.fate, waiting.fate) == (["run"], ["dropped"])


@pytest.mark.parametrize("error", [ZeroDivisionError, SystemExit, KeyboardInterrupt])
def test_a_job_that_raises_is_told_loudly_and_its_thread_does_the_next_one(monkeypatch, error):
    said, threads, ran, workers = [], set(), threading.Event(), Workers("raising", 1)
    monkeypatch.setattr(threading, "excepthook", lambda args: said.append(args.exc_value))

    def fail():
        threads.add(threading.current_thread())
        raise error

    def work():
        threads.add(threading.current_thread())
        ran.set()

    workers.submit(Job(fail))
    workers.submit(Job(work))
    assert ran.wait(WAIT_S)
    told = until(lambda: said)[0]
    assert isinstance(told.__cause__ if error is SystemExit else told, error)
    assert len(threads) == 1, "a new one might not have its rights"
    assert workers.close(WAIT_S)


def test_a_job_that_wants_to_exit_is_told_by_the_hook_that_python_has(monkeypatch, capsys):
    monkeypatch.setattr(threading, "excepthook", threading.__excepthook__)
    workers, ran = Workers("exiting", 1), threading.Event()
    workers.submit(Job(sys.exit, 3))
    workers.submit(Job(ran.set))
    assert ran.wait(WAIT_S)
    said = capsys.readouterr().err
    assert "SystemExit: 3" in said
    assert "RuntimeError: a job wanted to end the program" in said
    assert workers.close(WAIT_S)


def test_pools_are_all_told_to_stop_before_any_is_waited_for():
    asked = []

    class Pool:
        def __init__(self, name):
            self.name = name

        def close(self, wait_s):
            asked.append((self.name, wait_s > 0))
            return True

    close_pools([(Pool("dials"), 1.0), (Pool("fetches"), 2.0), (Pool("disk"), 2.0)])
    assert [name for name, _ in asked] == ["dials", "fetches", "disk"] * 2
    assert [waits for _, waits in asked] == [False] * 3 + [True] * 3


def test_several_pools_are_gone_when_each_is():
    gate, begun = threading.Event(), threading.Event()
    busy, idle = Workers("busy", 1), Workers("idle", 1)

    def wait():
        begun.set()
        gate.wait(WAIT_S)

    busy.submit(Job(wait))
    assert begun.wait(WAIT_S)
    assert not all_gone([busy, idle], 0.0)
    gate.set()
    assert all_gone([busy, idle], WAIT_S)
