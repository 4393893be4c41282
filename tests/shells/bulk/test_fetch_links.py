"""Fetch links: kept for the next order of a member, and for nobody who is none.

Strategy: socket pairs stand for links. How orders use them is tested with whole nodes in
test_fetching.py.
"""

import socket
import threading
import time
from types import SimpleNamespace
from typing import Any, cast

import pytest

from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import LinkKind
from potluck.shells.bulk.fetch_links import IdleLinks, UsedLinks
from potluck.shells.links.stream import Stream
from tests.devices import WAIT_S, until

BEN, CLEO = DeviceId(b"ben"), DeviceId(b"cleo")


@pytest.fixture
def link():
    made: list[socket.socket] = []

    def make():
        ours, theirs = socket.socketpair()
        made.extend((ours, theirs))
        return Stream(cast("Any", ours)), theirs

    yield make
    for sock in made:
        sock.close()


def idle_links(*members):
    return IdleLinks(cast("Any", SimpleNamespace(book=set(members))))


def test_the_links_of_whoever_is_removed_are_closed_at_once(link):
    idle, links = idle_links(BEN, CLEO), [link() for _ in range(3)]
    for (stream, _), key in zip(
        links, [(BEN, LinkKind.BULK), (BEN, LinkKind.NEWS), (CLEO, LinkKind.NEWS)], strict=True
    ):
        idle.put(key, stream)
    idle.cut_off({BEN})
    assert [stream.sock.fileno() < 0 for stream, _ in links] == [True, True, False]
    assert repr(idle) == "<IdleLinks: 1 of 1 kinds, closed=False>"


def test_a_link_with_whoever_is_none_of_us_is_not_kept(link):
    idle, (stream, _) = idle_links(CLEO), link()
    idle.put((BEN, LinkKind.BULK), stream)
    assert stream.sock.fileno() < 0
    assert idle.deadline() is None


def test_a_link_in_use_ends_under_the_hands_of_its_thread_which_closes_it(link):
    used, (stream, theirs), (other, _) = UsedLinks(), link(), link()
    with used.hold(BEN, stream), used.hold(CLEO, other):
        used.cut_off({BEN})
        assert theirs.recv(1) == b""
        assert stream.sock.fileno() >= 0
        assert repr(used) == "<UsedLinks: 2>"
        with pytest.raises(EOFError):
            stream.receive_into(memoryview(bytearray(1)))
        with pytest.raises(TimeoutError):
            other.receive_into(memoryview(bytearray(1)), 0.0)
    assert repr(used) == "<UsedLinks: 0>"


def test_whoever_waits_for_a_link_hears_at_once_that_there_is_one(link):
    idle, (stream, _), key = idle_links(BEN), link(), (BEN, LinkKind.NEWS)
    came, begun_s = [], time.monotonic()
    waiter = threading.Thread(target=lambda: came.append(idle.wait(key, WAIT_S)))
    waiter.start()
    until(lambda: idle._lock._waiters)
    idle.put(key, stream)
    waiter.join()
    assert came == [True]
    assert time.monotonic() - begun_s < WAIT_S / 2
