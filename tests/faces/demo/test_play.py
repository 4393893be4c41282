"""The play: its acts over puppets that answer what the test says; real devices play in
tests/faces/cli/test_demo.py.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from potluck.core.errors import TimedOut
from potluck.faces.demo import play as play_module
from potluck.faces.demo import show
from potluck.faces.demo.files import Item
from potluck.faces.demo.play import DemoVerdict, Play, verdict_lines
from potluck.faces.demo.trees import read_tree
from tests.faces.fakes import alone, device, entry, state


class Puppet:
    """A device and its client in one, with a folder on the disk."""

    def __init__(self, label: str, root: Path, **changes: Any) -> None:
        self.label = label
        self.shared = root / label / "Shared"
        (self.shared / "a").mkdir(parents=True)
        self.client = self
        self.listed: list[dict[str, Any]] = []
        self.current = state(device={"id": label, "label": label}) | changes

    def check(self) -> None:
        pass

    def newest(self) -> dict[str, Any]:
        return self.current

    def files(self) -> list[dict[str, Any]]:
        return self.listed


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def play(tmp_path: Path, said: list[str], monkeypatch: pytest.MonkeyPatch) -> Play:
    monkeypatch.setattr(play_module, "RING_S", 0.0)
    made = Play(2, tmp_path, lambda *lines: said.extend(lines), quiet=True)
    made._devices = [Puppet("a", tmp_path), Puppet("b", tmp_path)]  # type: ignore[list-item]
    return made


def test_one_ring_is_one_digest_one_group_and_every_link(play: Play) -> None:
    assert play._one_ring(play._states())
    node = state()["node"] | {"digest": "other"}
    for broken in (
        state(node=node),
        state(group={"id": "other", "name": "x"}),
        state(ring=[]),
        state(devices=[device(address="")]),
        alone(),
    ):
        assert not play._one_ring([state(), broken])


def test_meeting_is_told_once_for_each_pair(play: Play, said: list[str]) -> None:
    met: set[tuple[str, str]] = set()
    for _ in range(2):
        play._tell_met(play._states(), met, 0.0)
    seen = [line for line in said if "sees laptop at 192.168.1.23:7685 (beacon)" in line]
    assert len(seen) == len(said) == 2
    play._tell_met([state(devices=[device(address=""), device(online=False)])], met, 0.0)
    assert len(said) == 2


def test_devices_that_do_not_meet_are_an_error_that_says_what_each_sees(play: Play) -> None:
    play._devices[1].current = alone(device={"id": "b", "label": "b"})  # type: ignore[attr-defined]
    with pytest.raises(TimedOut) as caught:
        play._meet()
    assert caught.value.cause == "a sees 2 nodes; b sees 1 nodes"


def test_who_is_behind(play: Play) -> None:
    first, second = play._devices
    first.listed = [entry("a/x", 5), entry("a", kind="folder")]  # type: ignore[attr-defined]
    second.listed = [entry("a/x", 5, here=False)]  # type: ignore[attr-defined]
    assert play._behind({"a/x": 5}) == "b differs in 1"
    second.listed = [entry("a/x", 6)]  # type: ignore[attr-defined]
    assert play._behind({"a/x": 5}) == "b differs in 2"
    second.listed = first.listed  # type: ignore[attr-defined]
    assert play._behind({"a/x": 5}) == ""
    picture = show.bars(quiet=True)
    assert play._drawn(picture, [Item("x", "a", {"a/x": 5})], {"a/x": 5}) == ""
    assert play._drawn(picture, [], {"a/y": 5}) == "a, b not complete"


def test_not_arriving_in_time_is_remembered_with_reasons(play: Play) -> None:
    assert play._until(lambda: "", 0.0)
    paused = {"state": "paused", "reason": "disk full"}
    play._devices[1].current |= paused  # type: ignore[attr-defined]
    assert not play._until(lambda: "b not complete", 0.0)
    verdict = play._compare({})
    assert not verdict.equal
    assert verdict.problems == [
        "not everything arrived in time: b not complete after 0 s (a: in_sync; b: paused disk full)"
    ]


def test_equal_empty_trees_are_not_enough(play: Play) -> None:
    assert play._compare({}).equal
    verdict = play._compare({"a/x": 5})
    assert (verdict.equal, verdict.problems) == (False, ["a: a/x is missing or has another size"])


def test_one_flipped_byte_is_found(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    for puppet in play._devices:
        (puppet.shared / "a" / "x").write_bytes(b"12345")
        os.utime(puppet.shared / "a" / "x", ns=(1, 1))
    assert play._compare({"a/x": 5}).equal
    monkeypatch.setenv(play_module.CORRUPT, "1")
    verdict = play._compare({"a/x": 5})
    assert verdict.problems == ["b: a/x: another content than a’s"]
    assert [line for line in verdict_lines(verdict) if "DIFFERENT" in line or "NOT equal" in line]
    assert verdict.as_json()["equal"] is False


def test_the_verdict_in_words(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"1")
    tree = read_tree(tmp_path)
    lines = verdict_lines(DemoVerdict(equal=True, trees={"a": tree, "b": tree}, problems=[]))
    assert lines[1].split()[:3] == ["a", "1", "1"]
    assert lines[-1] == "All 2 trees are equal: names, bytes, times and executable bits."
    many = verdict_lines(
        DemoVerdict(equal=False, trees={"a": tree}, problems=[str(number) for number in range(13)])
    )
    assert many[-1] == "  … and 3 more"
