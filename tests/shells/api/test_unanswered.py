"""Unanswered: want of descriptors is one line of the log, any other fault is shown in full."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
from collections.abc import Iterator
from typing import Any

import pytest

from potluck.shells.api.unanswered import Unanswered


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    made = asyncio.new_event_loop()
    yield made
    made.close()


def failed(number: int) -> dict[str, Any]:
    """What asyncio tells of a connection that it could not accept."""
    error = OSError(number, os.strerror(number))
    message = "socket.accept() out of system resource"
    return {"message": message, "exception": error, "socket": object()}


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM])
def test_a_whole_backlog_of_failures_is_one_line(
    loop: asyncio.AbstractEventLoop, caplog: pytest.LogCaptureFixture, number: int
) -> None:
    part = Unanswered()
    for _ in range(200):
        part.on_exception(loop, failed(number))
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.exc_info is None
    why = os.strerror(number).casefold()
    told = "`status` and other commands get no answer at the moment"
    assert record.getMessage() == f"{told}; {why}; try: ulimit -n 65536"


def test_it_is_news_again_after_a_while_without_failures(
    loop: asyncio.AbstractEventLoop,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    part, times = Unanswered(), iter([0.0, 50.0, 109.0, 169.0])
    monkeypatch.setattr("potluck.shells.api.unanswered.time.monotonic", lambda: next(times))
    lines = []
    for _ in range(4):
        part.on_exception(loop, failed(errno.EMFILE))
        lines.append(len(caplog.records))
    assert lines == [1, 1, 1, 2]


@pytest.mark.parametrize(
    "context",
    [
        {"message": "a fault", "exception": ValueError("ours")},
        {"message": "a fault", "exception": OSError(errno.EMFILE, "Too many open files")},
        {**failed(errno.EBADF), "message": "a fault"},
        {"message": "a fault"},
    ],
    ids=["no error of the system", "of no socket", "another number", "no error"],
)
def test_any_other_fault_is_shown_in_full(
    loop: asyncio.AbstractEventLoop, caplog: pytest.LogCaptureFixture, context: dict[str, Any]
) -> None:
    Unanswered().on_exception(loop, context)
    (record,) = caplog.records
    assert record.name == "asyncio"
    assert record.getMessage().startswith("a fault")


def test_it_shows_its_state_in_one_line(loop: asyncio.AbstractEventLoop) -> None:
    part = Unanswered()
    assert repr(part) == "<Unanswered: failed=False>"
    part.on_exception(loop, failed(errno.EMFILE))
    assert repr(part) == "<Unanswered: failed=True>"
