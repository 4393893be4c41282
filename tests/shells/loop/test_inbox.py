"""The inbox: order, waking, that nothing posted is lost or waits, and what becomes of latecomers.

Strategy: a selector and nothing else; the items are numbers where only their order matters.
"""

from __future__ import annotations

import selectors
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any, cast

import pytest

from potluck.core.wire.catalogue import Address, LinkKind
from potluck.engine.events import LeaveAsked
from potluck.shells.loop.inbox import Inbox, OpenedLink, Question


@pytest.fixture
def selector() -> Iterator[selectors.BaseSelector]:
    with selectors.DefaultSelector() as one:
        yield one


@pytest.fixture
def inbox(selector: selectors.BaseSelector) -> Iterator[Inbox]:
    one = Inbox(selector)
    yield one
    one.close()


def turn(selector: selectors.BaseSelector, timeout_s: float = 10.0) -> int:
    """One turn of a loop that has nothing but the inbox: how many sockets were ready."""
    ready = selector.select(timeout_s)
    for key, mask in ready:
        assert key.data(mask) == []
    return len(ready)


def test_what_is_posted_wakes_and_comes_in_order(
    selector: selectors.BaseSelector, inbox: Inbox
) -> None:
    def post() -> None:
        for number in range(5):
            inbox.post(cast("Any", number))

    threading.Thread(target=post).start()
    taken: list[object] = []
    while len(taken) < 5:
        assert turn(selector) == 1
        taken += inbox.take(10)
    assert taken == [0, 1, 2, 3, 4]
    while turn(selector, 0):  # bytes of items that came along with the ones before
        assert inbox.take(10) == []


def test_what_does_not_fit_into_a_turn_wakes_again(
    selector: selectors.BaseSelector, inbox: Inbox
) -> None:
    for number in range(5):
        inbox.post(cast("Any", number))
    taken: list[object] = []
    for _ in range(3):
        assert turn(selector) == 1
        taken.append(inbox.take(2))
    assert taken == [[0, 1], [2, 3], [4]]


def test_posting_never_waits_and_loses_nothing_however_many_there_are(
    selector: selectors.BaseSelector, inbox: Inbox
) -> None:
    for number in range(20_000):  # many more than the pipe has room for bytes
        inbox.post(cast("Any", number))
    taken: list[object] = []
    while len(taken) < 20_000:
        assert turn(selector) == 1
        taken += inbox.take(256)
    assert taken == list(range(20_000))


def an_opened_link() -> tuple[OpenedLink, socket.socket]:
    """A link whose socket can be watched, and the other end of it."""
    ours, theirs = socket.socketpair()
    link = OpenedLink(cast("Any", ours), LinkKind.PAIRING, None, Address("10.0.0.1", 1), b"", None)
    return link, theirs


def test_what_nobody_takes_any_more_is_let_go(selector: selectors.BaseSelector) -> None:
    inbox = Inbox(selector)
    early, late = Future[int](), Future[int]()
    (first, one), (second, other) = an_opened_link(), an_opened_link()
    inbox.post(Question(lambda _engine, _now: 1, early))
    inbox.post(first)
    inbox.post(LeaveAsked())
    assert not early.cancelled()  # it may still be taken
    assert first.sock.fileno() >= 0
    inbox.turn_away()
    assert early.cancelled()
    assert first.sock.fileno() < 0
    inbox.post(Question(lambda _engine, _now: 1, late))
    inbox.post(second)
    assert late.cancelled()
    assert second.sock.fileno() < 0
    assert inbox.take(9) == []
    inbox.close()
    one.close()
    other.close()


def test_after_the_end_posting_does_no_harm(selector: selectors.BaseSelector) -> None:
    inbox = Inbox(selector)
    link, other = an_opened_link()
    inbox.post(link)
    inbox.close()
    assert link.sock.fileno() < 0
    inbox.post(LeaveAsked())
    assert inbox.take(9) == []
    assert repr(inbox) == "<Inbox: 0 waiting, 0 looks, deserted=True>"
    assert not selector.get_map()
    other.close()


def test_a_question_is_answered_once_with_the_answer_or_its_error() -> None:
    engine = cast("Any", object())
    good: Future[Any] = Future()
    Question(lambda asked, now: (asked, now > 0), good).settle(engine)
    assert good.result(0) == (engine, True)
    bad: Future[float] = Future()
    Question(lambda _engine, now: now / 0, bad).settle(engine)
    assert isinstance(bad.exception(0), ZeroDivisionError)
    nobody: Future[float] = Future()
    nobody.cancel()
    Question(lambda _engine, now: now / 0, nobody).settle(engine)
    assert nobody.cancelled()


def test_a_look_wakes_and_overtakes_what_waits(
    selector: selectors.BaseSelector, inbox: Inbox
) -> None:
    inbox.post(LeaveAsked())
    answer = inbox.look(lambda engine, _now: str(engine))
    assert turn(selector) == 1
    inbox.answer_looks(cast("Any", "the engine"))
    assert answer.result(0) == "the engine"
    inbox.answer_looks(cast("Any", "nobody asked"))
    assert inbox.take(10) == [LeaveAsked()]


def test_a_look_that_nobody_answers_is_cancelled(inbox: Inbox) -> None:
    early = inbox.look(lambda _engine, _now: "seen")
    inbox.turn_away()
    late = inbox.look(lambda _engine, _now: "seen")
    assert early.cancelled()
    assert late.cancelled()
