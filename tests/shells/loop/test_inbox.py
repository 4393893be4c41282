"""The inbox: order, waking, and that nothing posted is lost or waits."""

from __future__ import annotations

import selectors
import threading
from collections.abc import Iterator

import pytest

from potluck.shells.loop.inbox import Inbox


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
            inbox.post(number)

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
        inbox.post(number)
    taken = []
    for _ in range(3):
        assert turn(selector) == 1
        taken.append(inbox.take(2))
    assert taken == [[0, 1], [2, 3], [4]]


def test_posting_never_waits_and_loses_nothing_however_many_there_are(
    selector: selectors.BaseSelector, inbox: Inbox
) -> None:
    for number in range(20_000):  # many more than the pipe has room for bytes
        inbox.post(number)
    taken: list[object] = []
    while len(taken) < 20_000:
        assert turn(selector) == 1
        taken += inbox.take(256)
    assert taken == list(range(20_000))


def test_after_the_end_posting_does_no_harm(selector: selectors.BaseSelector) -> None:
    inbox = Inbox(selector)
    inbox.close()
    inbox.post("late")
    assert inbox.take(9) == ["late"]
    assert not selector.get_map()
