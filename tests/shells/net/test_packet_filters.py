"""Filters of the real kernel, on sockets of the loopback network.

Strategy: what is dropped leaves no trace, so each time something follows that is not, and is the
first that comes.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from potluck.core import limits
from potluck.shells.net.packet_filters import MARK_BYTES, MUTED_MAX, attach, detach, filter_code

HERE, LOUD, QUIET = "127.0.0.1", "127.0.0.5", "127.0.0.6"
MARK = b"markmark"
WAIT_S = 20.0


@pytest.fixture
def ear() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((HERE, 0))
        sock.settimeout(WAIT_S)
        yield sock


def say(ear: socket.socket, host: str, data: bytes) -> None:
    """Send it from that address."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((host, 0))
        sock.sendto(data, ear.getsockname())


def test_only_who_is_muted_is_not_heard(ear: socket.socket) -> None:
    assert attach(ear, filter_code([LOUD]))
    say(ear, LOUD, b"noise")
    say(ear, QUIET, b"x")
    assert ear.recv(9) == b"x"


def test_what_is_spared_passes_from_anywhere(ear: socket.socket) -> None:
    assert len(MARK) == MARK_BYTES
    assert attach(ear, filter_code([LOUD], [b"othermrk", MARK]))
    say(ear, LOUD, MARK[:-1] + b"?")
    say(ear, LOUD, MARK + bytes(limits.DATAGRAM_BYTES - MARK_BYTES))
    assert ear.recv(2000) == MARK + bytes(limits.DATAGRAM_BYTES - MARK_BYTES)
    say(ear, QUIET, b"neither marked nor muted")
    assert ear.recv(2000) == b"neither marked nor muted"


def test_another_filter_takes_the_place_of_the_first_and_none_lets_all_pass(
    ear: socket.socket,
) -> None:
    assert attach(ear, filter_code([LOUD]))
    assert attach(ear, filter_code([QUIET]))
    say(ear, QUIET, b"noise")
    say(ear, LOUD, b"1")
    assert ear.recv(9) == b"1"
    detach(ear)
    detach(ear)
    say(ear, QUIET, b"2")
    assert ear.recv(9) == b"2"


def test_as_many_as_there_may_be_are_muted(ear: socket.socket) -> None:
    hosts = [f"10.0.{number // 250}.{1 + number % 250}" for number in range(MUTED_MAX - 1)]
    assert attach(ear, filter_code([*hosts, LOUD, QUIET], [MARK] * 9))
    say(ear, LOUD, b"noise")
    say(ear, QUIET, b"one too many")
    assert ear.recv(99) == b"one too many"


def test_what_is_no_ipv4_address_is_not_muted(ear: socket.socket) -> None:
    assert filter_code(["fe80::/64%lo", "a name"]) == filter_code([])
    assert attach(ear, filter_code(["fe80::/64%lo", LOUD]))
    say(ear, LOUD, b"noise")
    say(ear, QUIET, b"x")
    assert ear.recv(9) == b"x"


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6], ids=["IPv4", "both"])
def test_of_who_is_muted_no_connection_arrives(family: int) -> None:
    host = "" if family == socket.AF_INET6 else HERE
    if host == "" and not socket.has_dualstack_ipv6():
        pytest.skip("this system has no IPv6")
    with (
        socket.create_server((host, 0), family=family, dualstack_ipv6=host == "") as listener,
        socket.socket() as loud,
        socket.socket() as quiet,
    ):
        to = (HERE, listener.getsockname()[1])
        listener.settimeout(WAIT_S)
        assert attach(listener, filter_code([LOUD]))
        loud.bind((LOUD, 0))
        loud.settimeout(0.0)
        with pytest.raises(BlockingIOError):
            loud.connect(to)
        quiet.bind((QUIET, 0))
        quiet.connect(to)
        accepted, source = listener.accept()
        assert source[0].endswith(QUIET)
        detach(accepted)
        quiet.sendall(b"x")
        assert accepted.recv(1) == b"x"
        accepted.close()


def test_a_system_without_filters_says_so(ear: socket.socket) -> None:
    ear.close()
    assert not attach(ear, filter_code([LOUD]))
