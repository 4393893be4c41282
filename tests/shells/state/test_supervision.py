"""Supervision: what is said to a socket that systemd would have made, and to nobody."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from potluck.shells.state.supervision import (
    ALIVE,
    READY,
    SIGNS_PER_PERIOD,
    STOPPING,
    Supervision,
    supervision,
)


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(tmp_path / "notify"))
        sock.settimeout(10)
        yield sock


def heard(listener: socket.socket) -> str:
    return listener.recv(1000).decode()


def test_lines_reach_the_socket_that_was_named(listener: socket.socket) -> None:
    environ = {"NOTIFY_SOCKET": listener.getsockname(), "HOME": "/x"}
    supervisor = Supervision(environ, 1)
    assert environ == {"HOME": "/x"}
    supervisor.say(READY)
    supervisor.say(STOPPING, "STATUS=bye")
    assert [heard(listener), heard(listener)] == ["READY=1", "STOPPING=1\nSTATUS=bye"]
    assert repr(supervisor) == "<Supervision: somebody listens, every None s>"


def test_a_name_in_the_abstract_namespace() -> None:
    name = f"potluck-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind("\0" + name)
        sock.settimeout(10)
        Supervision({"NOTIFY_SOCKET": "@" + name}, 1).say(READY)
        assert heard(sock) == READY


@pytest.mark.parametrize("name", ["", "relative", "/does/not/exist", "/" + "x" * 300])
def test_who_cannot_be_reached_hinders_nothing(name: str) -> None:
    Supervision({"NOTIFY_SOCKET": name}, 1).say(READY)


@pytest.mark.parametrize(
    ("environ", "interval_s"),
    [
        ({"WATCHDOG_USEC": "6000000"}, 6 / SIGNS_PER_PERIOD),
        ({"WATCHDOG_USEC": "6000000", "WATCHDOG_PID": "1"}, 6 / SIGNS_PER_PERIOD),
        ({"WATCHDOG_USEC": "6000000", "WATCHDOG_PID": "2"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_signs_of_life_only_for_who_wants_them(
    environ: dict[str, str], interval_s: float | None
) -> None:
    assert Supervision({"NOTIFY_SOCKET": "/run/x", **environ}, 1).interval_s == interval_s
    assert Supervision(environ, 1).interval_s is None


def test_a_sign_of_life_is_given_after_each_answer_until_the_end(listener: socket.socket) -> None:
    environ = {"NOTIFY_SOCKET": listener.getsockname(), "WATCHDOG_USEC": "3000000"}
    waits: list[float | None] = []
    answers = iter([True, False, True])

    def ended(timeout_s: float | None) -> bool:
        waits.append(timeout_s)
        return len(waits) > 3

    Supervision(environ, 1).watch(ended, lambda timeout_s: timeout_s == 3.0 and next(answers))
    assert [heard(listener), heard(listener)] == [ALIVE, ALIVE]
    listener.setblocking(False)
    with pytest.raises(BlockingIOError):
        listener.recv(1000)
    assert waits == [1.0] * 4


def test_without_a_watchdog_it_only_waits_for_the_end() -> None:
    waits: list[float | None] = []

    def ended(timeout_s: float | None) -> bool:
        waits.append(timeout_s)
        return True

    Supervision({}, 1).watch(ended, lambda _: False)
    assert waits == [None]


def test_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", "/run/x")
    monkeypatch.setenv("WATCHDOG_USEC", "3000000")
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    assert supervision().interval_s == 1.0
    assert "NOTIFY_SOCKET" not in os.environ
