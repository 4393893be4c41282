"""Conditions over folders that change while they are looked at."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conditions import Condition
from tests.devices import until as until_of_devices
from tests.faces.fakes import wait_for
from tests.lan.hosts import wait_until
from tests.shells.peers import until as until_of_shells


def given_up(condition: Callable[[], Any]) -> None:
    wait_until(condition, 0.01)


@pytest.mark.parametrize("waits", [until_of_devices, until_of_shells, wait_for, given_up])
def test_what_vanishes_under_a_look_is_looked_at_again(
    waits: Callable[[Callable[[], Any]], Any], tmp_path: Path
) -> None:
    file = tmp_path / "a"
    file.touch()
    looks = []

    def reads() -> bool:
        """As a walk does: it lists, and another one takes the file away before it is read."""
        looks.append([*tmp_path.iterdir()])
        file.unlink(missing_ok=True)
        return all(path.read_bytes() == b"" for path in looks[-1])

    waits(reads)
    assert looks == [[file], []]


def test_what_is_always_missed_is_said_by_who_gives_up(tmp_path: Path) -> None:
    never = tmp_path / "never"
    with pytest.raises(AssertionError, match=r"^not in time; at the last look: .*never"):
        until_of_devices(never.read_bytes, lambda: "not in time", 0.01)
    with pytest.raises(TimeoutError, match=r"at the last look: .*never"):
        given_up(never.read_bytes)


def test_other_errors_go_through_and_a_later_look_forgets(tmp_path: Path) -> None:
    def asked(answers: list[Exception | bool]) -> Condition:
        def answer() -> bool:
            given = answers.pop(0)
            if isinstance(given, Exception):
                raise given
            return given

        return Condition(answer)

    condition = asked([NotADirectoryError(20, "Not a directory"), False])
    assert condition() is None
    assert "Not a directory" in repr(condition)
    assert condition() is False
    assert condition.missed == ""
    with pytest.raises(PermissionError):
        asked([PermissionError()])()
