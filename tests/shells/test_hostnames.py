"""Names of peers: what is known, what is not, and a name service that does not answer."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from typing import Any

import pytest  # noqa: TC002 - its fixtures are read at run time

from potluck.core.messages import Address
from potluck.shells.hostnames import resolve


def with_answers(monkeypatch: pytest.MonkeyPatch, answer: Callable[[str], str]) -> None:
    def getaddrinfo(host: str, port: int, family: int, kind: int) -> list[Any]:
        assert (family, kind) == (socket.AF_INET, socket.SOCK_STREAM)
        return [(family, kind, 6, "", (answer(host), port)), (family, kind, 6, "", ("9.9.9.9", port))]

    monkeypatch.setattr("potluck.shells.hostnames.socket.getaddrinfo", getaddrinfo)


def test_addresses_need_no_name_service() -> None:
    assert resolve([("127.0.0.1", 7685), ("127.0.0.1", 1), ("127.0.0.1", 7685)]) == (
        [Address("127.0.0.1", 7685), Address("127.0.0.1", 1)],
        [],
    )


def test_none_were_given() -> None:
    assert resolve([]) == ([], [])


def test_what_nobody_knows_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(host: str) -> str:
        if host == "nas":
            return "10.0.0.9"
        raise socket.gaierror(-2, "Name or service not known")

    with_answers(monkeypatch, answer)
    assert resolve([("nsa", 1), ("nas", 2)]) == ([Address("10.0.0.9", 2)], ["nsa"])


def test_a_name_that_no_name_can_be_is_said() -> None:
    assert resolve([("x" * 70, 1), ("fe80::1", 2)]) == ([], ["x" * 70, "fe80::1"])


def test_a_name_service_that_does_not_answer_holds_nobody_up(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()

    def answer(host: str) -> str:
        if host == "slow":
            over.wait(30)
        return "10.0.0.1"

    with_answers(monkeypatch, answer)
    try:
        assert resolve([("slow", 1), ("quick", 2)], wait_s=0.2) == ([Address("10.0.0.1", 2)], ["slow"])
    finally:
        over.set()
