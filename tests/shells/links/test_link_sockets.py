"""Link sockets: who floods is not read for a moment, and nothing is lost by that."""

from __future__ import annotations

import selectors
import socket
from collections.abc import Iterator

import pytest

from potluck.core.reading_shares import FREE_S, LOUD_BURST_S, LOUD_SHARE
from potluck.shells.links.link_sockets import LinkSockets

TOO_MUCH_S = LOUD_BURST_S + LOUD_SHARE  # takes a second's rest


class Room:
    """Connections, and a selector that looks at one end of each."""

    def __init__(self, selector: selectors.BaseSelector) -> None:
        self.selector, self.sockets = selector, LinkSockets(selector)
        self.ends: list[socket.socket] = []

    def connect(self, sender: str) -> socket.socket:
        """One of that sender, with something to read on it."""
        near, far = socket.socketpair()
        self.ends += [near, far]
        self.sockets.add(near, sender, lambda mask: [])
        far.send(b"!")
        return near

    def ready(self) -> dict[object, int]:
        """What the selector sees now."""
        return {key.fileobj: mask for key, mask in self.selector.select(0)}


@pytest.fixture
def room() -> Iterator[Room]:
    with selectors.DefaultSelector() as selector:
        made = Room(selector)
        yield made
        for end in made.ends:
            end.close()


READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


def test_who_takes_too_long_is_read_later_and_the_others_now(room: Room) -> None:
    one, other = room.connect("loud"), room.connect("quiet")
    room.sockets.took(other, FREE_S, 5.0)
    room.sockets.took(one, TOO_MUCH_S, 5.0)
    assert room.ready() == {other: READ}
    assert (room.sockets.rests(one), room.sockets.rests(other)) == (True, False)
    assert room.sockets.deadline() == pytest.approx(6.0)
    assert repr(room.sockets).startswith("<LinkSockets: 2, 1 rest, ")
    room.sockets.wake(5.5)
    assert room.ready() == {other: READ}
    room.sockets.wake(6.1)
    assert room.ready() == {one: READ, other: READ}
    assert room.sockets.deadline() is None


def test_what_is_to_be_sent_is_sent_meanwhile(room: Room) -> None:
    one = room.connect("loud")
    room.sockets.watch(one, writes=True)
    assert room.ready() == {one: READ | WRITE}
    room.sockets.took(one, TOO_MUCH_S, 5.0)
    assert room.ready() == {one: WRITE}
    room.sockets.watch(one, writes=False)
    assert room.ready() == {}
    room.sockets.watch(one, writes=False)
    room.sockets.watch(one, writes=True)
    room.sockets.watch(one, writes=True)
    assert room.ready() == {one: WRITE}


def test_a_second_link_of_the_same_member_rests_with_the_first(room: Room) -> None:
    one, other = room.connect("loud"), room.connect("loud")
    room.sockets.took(one, TOO_MUCH_S, 5.0)
    assert room.ready() == {}
    room.sockets.remove(one)
    room.sockets.wake(6.1)
    assert room.ready() == {other: READ}
    room.sockets.remove(other)
    assert not room.selector.get_map()


def test_a_new_link_of_a_member_that_rests_rests_too(room: Room) -> None:
    room.sockets.took(room.connect("loud"), TOO_MUCH_S, 5.0)
    other = room.connect("loud")
    assert room.ready() == {}
    room.sockets.wake(6.1)
    assert room.sockets.rests(other) is False
    later = room.connect("loud")
    assert room.ready().keys() >= {other, later}


def test_what_a_link_that_ended_brought_counts_all_the_same(room: Room) -> None:
    """A member that cut link after link had no share at all."""
    one = room.connect("loud")
    room.sockets.remove(one)
    assert not room.sockets.rests(one)
    room.sockets.took(one, TOO_MUCH_S, 5.0)
    assert room.ready() == {}
    room.connect("loud")
    assert room.ready() == {}, "it rests"
    two = room.connect("another")
    room.sockets.remove(two)
    room.sockets.wake(5.1)
    room.sockets.took(two, TOO_MUCH_S, 5.2)
    three = room.connect("another")
    assert room.ready().keys() == {three}, "that was of another turn"


def test_other_sockets_are_none_of_its_business(room: Room) -> None:
    one = room.connect("quiet")
    room.sockets.took(object(), TOO_MUCH_S, 5.0)
    room.sockets.took(room.ends[1], TOO_MUCH_S, 5.0)
    assert room.ready() == {one: READ}
