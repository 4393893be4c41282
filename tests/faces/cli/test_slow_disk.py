"""A slow disk: a line for who waits, and none for who does not."""

from __future__ import annotations

import pytest

from potluck.faces.cli import slow_disk
from potluck.faces.cli.slow_disk import said_if_slow
from tests.devices import until

LINE = "! /mnt/photos does not answer yet: its disk is slow, or it hangs; it is waited for.\n"


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines = list[str]()
    monkeypatch.setattr(slow_disk, "write_or_go_on", lines.append)
    return lines


def test_who_waits_for_long_is_told_for_what(written: list[str]) -> None:
    with said_if_slow("/mnt/photos", 0.01):
        until(lambda: written)
    assert written == [LINE]


def test_what_answers_in_time_says_nothing(written: list[str]) -> None:
    with said_if_slow("/mnt/photos"):
        pass
    assert written == []


def test_what_fails_in_time_says_nothing_of_it(written: list[str]) -> None:
    with pytest.raises(OSError, match="gone"), said_if_slow("/mnt/photos"):
        raise OSError("gone")
    assert written == []
