"""Who is heard of a crowd of strangers, in seconds made up here; the kernel is the real one."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from potluck.shells.net import attention as attention_module
from potluck.shells.net.attention import CROWD_S, FOLLOW_S, MUTE_S, Attention, Budget

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
    crowded(attention, 0.0)
    heard = [attention.hears(f"2001:db8::{number}", CROWD_S - 1.0) for number in range(4)]
    assert heard == [True, True, True, False]


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
    assert "0 muted" in repr(attention)


def test_nobody_is_muted_whom_the_caller_knows_or_whose_words_it_spares(
    attention: Attention, ear: socket.socket
) -> None:
    crowded(attention, 0.0)
    attention.on_tick(1.0, spared=[b"markmark"])
    assert comes(ear, (LOUD, b"noise"), (LOUD, b"markmark!")) == b"markmark!"
    attention.on_tick(2.0, lambda: {LOUD})
    assert comes(ear, (LOUD, b"a member's host")) == b"a member's host"


def test_what_is_remembered_is_bounded(
    attention: Attention, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attention_module, "HOSTS_COUNTED", 5)
    monkeypatch.setattr(attention_module, "MUTED_MAX", 4)
    for _ in range(5):
        for number in range(5):
            attention.hears(f"10.0.0.{number}", 0.0)
    assert "5 hosts, 4 muted" in repr(attention)
    attention.hears("10.0.0.9", 0.0)
    assert "5 hosts, 4 muted" in repr(attention)


def test_who_was_muted_longest_ago_makes_room_for_others(
    attention: Attention, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attention_module, "MUTED_MAX", 2)
    for host in ("10.0.0.1", "10.0.0.2", "10.0.0.1", "10.0.0.3"):
        for _ in range(50):
            attention.hears(host, 0.0)
    assert list(attention._muted) == ["10.0.0.1", "10.0.0.3"], "the first was loud again"
