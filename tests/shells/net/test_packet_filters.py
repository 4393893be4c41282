"""Filters of the real kernel, on sockets of the loopback network.

Strategy: what is dropped leaves no trace, so each time something follows that is not, and is the
first that comes.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

import pytest

from potluck.core import limits
from potluck.shells.net.packet_filters import (
    MARK_BYTES,
    MUTED_MAX,
    MUTED_NETWORKS_MAX,
    SPARED_MAX,
    attach,
    detach,
    filter_code,
)

OLDER_KERNELS_BYTES = 20 * 1024  # net.core.optmem_max before Linux 6.9
SO_MEMINFO, OPTION_MEMORY = 55, 6  # asm-generic/socket.h, linux/sock_diag.h
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


@pytest.fixture
def ear6() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
        try:
            sock.bind(("::1", 0))
        except OSError:
            pytest.skip("this system has no IPv6")
        sock.settimeout(0.0)
        yield sock


def hears_itself(ear6: socket.socket) -> bool:
    """Whether what comes from ::1 passes: on the loopback network it is there at once, or never."""
    ear6.sendto(b"x", ear6.getsockname())
    try:
        return ear6.recv(9) == b"x"
    except BlockingIOError:
        return False


@pytest.mark.parametrize(
    ("muted", "passes"),
    [
        (["::/64"], False),
        (["0:0:0:1::/64", "1::/64", "1:0:0:1::/64", HERE, "0.0.0.0", "0.0.0.1"], True),
        (["0:0:0:1::/64", "1::/64", "::/64", HERE], False),
        ([f"0:0:0:{number:x}::/64" for number in range(1, MUTED_NETWORKS_MAX)] + ["::/64"], False),
        ([f"0:0:0:{number:x}::/64" for number in range(1, MUTED_NETWORKS_MAX + 1)], True),
        (
            [f"10.0.{number // 250}.{number % 250}" for number in range(MUTED_MAX)] + ["::/64"],
            False,
        ),
    ],
)
def test_of_ipv6_a_whole_network_is_muted(
    ear6: socket.socket, muted: list[str], passes: bool
) -> None:
    assert attach(ear6, filter_code(muted))
    assert hears_itself(ear6) == passes


def test_networks_take_no_room_of_addresses(ear: socket.socket) -> None:
    many = [f"1:0:0:{number:x}::/64" for number in range(MUTED_MAX)]
    assert attach(ear, filter_code([*many, LOUD]))
    say(ear, LOUD, b"noise")
    say(ear, QUIET, b"x")
    assert ear.recv(9) == b"x"


def test_the_longest_filter_fits_where_a_kernel_gives_least(ear: socket.socket) -> None:
    hosts = [f"200.0.{number // 250}.{number % 250}" for number in range(MUTED_MAX)]
    hosts += [f"fe80:0:8000:{n + 0x8000:x}::/64" for n in range(MUTED_NETWORKS_MAX)]
    assert attach(ear, filter_code(hosts, [b"\xff" * MARK_BYTES] * SPARED_MAX))
    memory = struct.unpack("9I", ear.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, 36))
    assert 0 < memory[OPTION_MEMORY] < OLDER_KERNELS_BYTES


def test_what_is_no_address_is_not_muted(ear: socket.socket) -> None:
    assert filter_code(["a name", "fe80::1/64", "fe80::/64%lo"]) == filter_code([])
    assert attach(ear, filter_code(["a name", LOUD]))
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
