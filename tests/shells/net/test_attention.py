"""Who is heard of a crowd of strangers, in seconds made up here; the kernel is the real one."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from potluck.shells.net import attention as attention_module
from potluck.shells.net.attention import (
    CROWD_S,
    FOLLOW_S,
    HOSTS_COUNTED,
    MUTE_S,
    Attention,
    Budget,
    Crowd,
)
from potluck.shells.net.packet_filters import MUTED_NETWORKS_MAX

HERE, LOUD, QUIET = "127.0.0.1", "127.0.0.5", "127.0.0.6"
BUDGET = Budget(all_burst=10, all_per_s=2, host_burst=3, host_per_s=0.5)
WAIT_S = 20.0


@pytest.fixture
def ear() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((HERE, 0))
        sock.settimeout(WAIT_S)
        yield sock


@pytest.fixture
def attention(ear: socket.socket) -> Attention:
    return Attention(ear, BUDGET, 0.0)


def comes(ear: socket.socket, *said: tuple[str, bytes]) -> bytes:
    """What comes first of what is sent from these addresses."""
    for host, data in said:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.bind((host, 0))
            sock.sendto(data, ear.getsockname())
    return ear.recv(99)


def crowded(attention: Attention, now: float) -> None:
    """Make a crowd of one loud host."""
    while attention.hears(LOUD, now):
        pass
    assert not attention.hears(LOUD, now)


def test_while_there_is_room_for_all_nobody_is_too_loud(attention: Attention) -> None:
    assert [attention.hears(LOUD, 0.0) for _ in range(11)] == [True] * 10 + [False]
    assert [attention.hears(QUIET, 0.5) for _ in range(2)] == [True, False], "2 a second of all"


def test_in_a_crowd_the_loud_are_refused_and_others_heard(attention: Attention) -> None:
    crowded(attention, 0.0)
    now = CROWD_S - 1.0  # so that there is room for all again, and the loud one has its tokens
    assert [attention.hears(LOUD, now) for _ in range(4)] == [True, True, True, False]
    assert [attention.hears(QUIET, now) for _ in range(4)] == [True, True, True, False]
    assert attention.hears(HERE, now)


def test_after_the_crowd_one_may_be_loud_again(attention: Attention) -> None:
    crowded(attention, 0.0)
    assert all(attention.hears(LOUD, CROWD_S + 10.0) for _ in range(10))


def test_hosts_of_one_ipv6_network_are_one_host(attention: Attention) -> None:
    for number in range(12):
        attention.hears(f"2001:db8::{number}", 0.0)
    now = CROWD_S - 1.0
    heard = [attention.hears(f"2001:db8::{number}", now) for number in range(20, 24)]
    assert heard == [True, True, True, False]
    assert attention.hears("2001:db8:0:1::1", now)


def test_a_flood_over_ipv6_takes_nothing_of_who_comes_over_ipv4(attention: Attention) -> None:
    for _ in range(12):
        attention.hears(LOUD, 0.0)
    for network in range(2 * HOSTS_COUNTED):
        for _ in range(4):
            attention.hears(f"2001:db8:{network >> 8:x}:{network & 255:x}::1", 0.0)
    assert not attention.hears(LOUD, 0.1), "it is loud still"
    assert attention.hears(QUIET, 1.0), "there are tokens for all"
    assert LOUD in attention._over_ipv4.muted(1.0)
    assert len(attention._over_ipv6.muted(1.0)) <= MUTED_NETWORKS_MAX


def test_the_kernel_mutes_a_whole_ipv6_network_but_none_that_is_known() -> None:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as ear6:
        try:
            ear6.bind(("::1", 0))
        except OSError:
            pytest.skip("this system has no IPv6")
        ear6.settimeout(0.0)
        attention = Attention(ear6, BUDGET, 0.0)
        for number in range(1, 20):
            attention.hears(f"::{number}", 0.0)
        attention.on_tick(1.0)
        ear6.sendto(b"noise", ear6.getsockname())
        with pytest.raises(BlockingIOError):
            ear6.recv(9)
        attention.on_tick(2.0, lambda: {"::5"})
        ear6.sendto(b"x", ear6.getsockname())
        assert ear6.recv(9) == b"x"


def test_the_kernel_drops_for_a_while_what_the_loud_send(
    attention: Attention, ear: socket.socket
) -> None:
    crowded(attention, 0.0)
    attention.on_tick(FOLLOW_S / 2)
    assert comes(ear, (LOUD, b"not told yet")) == b"not told yet"
    attention.on_tick(FOLLOW_S)
    attention.on_tick(FOLLOW_S * 2)  # nothing new
    assert comes(ear, (LOUD, b"noise"), (QUIET, b"x")) == b"x"
    attention.on_tick(MUTE_S)
    assert comes(ear, (LOUD, b"heard again")) == b"heard again"
    assert repr(attention).count(" 0 muted") == 2


def test_where_nobody_is_muted_the_kernel_is_told_nothing(attention: Attention) -> None:
    attention.on_tick(1.0, lambda: pytest.fail("nobody is asked for"))


def test_nobody_is_muted_whom_the_caller_knows_or_whose_words_it_spares(
    attention: Attention, ear: socket.socket
) -> None:
    crowded(attention, 0.0)
    attention.on_tick(1.0, spared=[b"markmark"])
    assert comes(ear, (LOUD, b"noise"), (LOUD, b"markmark!")) == b"markmark!"
    attention.on_tick(2.0, lambda: {LOUD})
    assert comes(ear, (LOUD, b"a member's host")) == b"a member's host"


def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attention_module, "HOSTS_COUNTED", 5)
    crowd = Crowd(BUDGET, 0.0, muted_max=4)
    for _ in range(5):
        for number in range(5):
            crowd.hears(f"10.0.0.{number}", 0.0)
    assert repr(crowd) == "<Crowd: 5 hosts, 4 muted>"
    crowd.hears("10.0.0.9", 0.0)
    assert repr(crowd) == "<Crowd: 5 hosts, 4 muted>"


def test_who_was_muted_longest_ago_makes_room_for_others() -> None:
    crowd = Crowd(BUDGET, 0.0, muted_max=2)
    for host in ("10.0.0.1", "10.0.0.2", "10.0.0.1", "10.0.0.3"):
        for _ in range(50):
            crowd.hears(host, 0.0)
    assert crowd.muted(0.0) == ["10.0.0.1", "10.0.0.3"], "the first was loud again"
