"""Damaged files: noted, told, wanted, and how it ends; also across restarts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from potluck.core.content.facts import Amount, Spot, Stat
from potluck.engine.effects import Tell
from potluck.engine.node import Node
from potluck.engine.own.damaged_files import DamagedFiles
from potluck.engine.troubles import TroubleKind
from tests.engine.builders import group, key, node, taken
from tests.engine.index.builders import place, record

ROOT, OTHER = b"r" * 32, b"s" * 32
STAT = Stat(5, 1_000_000_001, 1_000_000_003, 7, executable=False)
COARSE = replace(STAT, ctime_ns=2_000_000_000)


class Home:
    """A device with three files."""

    def __init__(self, before: Home | None = None) -> None:
        self.node: Node = node(1, index=before.node.index if before else None)
        self.node.roster = group(1, 2)
        if before is None:
            rows = [place(record(name, text="alpha")) for name in ("a", "d/b", "d/c")]
            self.node.index.places.put(self.node.own_manifest, rows)
        self.changed: list[bytes] = []
        self.files = DamagedFiles(self.node, self)
        self.files.start()

    def on_damaged_changed(self, spot: Spot) -> None:
        assert spot.manifest == self.node.own_manifest
        self.changed.append(spot.path)

    def spot(self, path: bytes) -> Spot:
        return Spot(self.node.own_manifest, path)

    def reasons(self) -> dict[str, tuple[str, str]]:
        known = self.node.troubles.of(TroubleKind.DAMAGED)
        return {one.subject: (one.reason, one.command) for one in known}


@pytest.fixture
def home() -> Home:
    return Home()


def test_a_damaged_file_is_told_once_and_wanted(home: Home) -> None:
    assert (home.changed, home.files.amount) == ([], Amount(0, 0, 0))
    home.files.note(b"a", ROOT, STAT)
    home.files.note(b"a", ROOT, STAT)
    assert [tell.text for tell in taken(home.node, Tell)] == [
        "damaged on this disk, not shared: d1/a"
    ]
    assert home.changed == [b"a"]
    assert (b"a" in home.files, b"d/b" in home.files) == (True, False)
    assert (home.files.root_of(b"a"), home.files.root_of(b"d/b")) == (ROOT, b"")
    assert home.files.amount == Amount(1, 0, 5)
    assert repr(home.files) == "<DamagedFiles: 1>"
    ((reason, command),) = home.reasons().values()
    assert "no program wrote them" in reason
    assert not command
    of_others = Spot(home.node.own_manifest._replace(owner=key(2).device), b"a")
    spots = [home.spot(b"a"), home.spot(b"d/b"), of_others]
    assert [home.files.heals(spot) for spot in spots] == [True, False, False]


def test_where_dates_are_coarse_a_person_decides(home: Home) -> None:
    home.files.note(b"a", ROOT, COARSE)
    assert not home.files.heals(home.spot(b"a"))
    assert home.files.root_of(b"a") == b"", "saved again it is an edit"
    ((reason, command),) = home.reasons().values()
    assert "too coarse" in reason
    assert command.startswith("touch ")
    assert command.endswith("/Shared/d1/a")


def test_other_bytes_are_news(home: Home) -> None:
    home.files.note(b"a", ROOT, STAT)
    home.files.note(b"a", OTHER, STAT)
    assert (home.changed, home.files.root_of(b"a")) == ([b"a", b"a"], OTHER)


def test_it_ends_with_the_path_or_the_folder_it_is_in(home: Home) -> None:
    for path in (b"a", b"d/b", b"d/c"):
        home.files.note(path, ROOT, STAT)
    home.changed.clear()
    asked = [b"", b"d", b"d/b", b"e"]
    assert [home.files.has_below(path) for path in asked] == [True, True, True, False]
    home.files.end([b"nothing"])
    home.files.on_whole(Spot(home.node.own_manifest._replace(owner=key(2).device), b"a"))
    assert home.changed == []
    home.files.end([b"d"])
    assert (sorted(home.changed), sorted(home.reasons())) == ([b"d/b", b"d/c"], ["d1/a"])
    home.files.on_whole(home.spot(b"a"))
    assert (home.reasons(), home.files.amount.files) == ({}, 0)
    home.files.end([b"a"])


def test_the_next_run_knows_what_stands_still(home: Home) -> None:
    home.files.note(b"a", ROOT, STAT)
    home.files.note(b"d/b", OTHER, COARSE)
    home.node.index.places.remove(home.node.own_manifest, [b"d/c"])
    home.files.note(b"d/c", OTHER, STAT)
    again = Home(home)
    assert again.changed == [b"a", b"d/b"]
    assert sorted(again.reasons()) == ["d1/a", "d1/d/b"]
    assert not taken(again.node, Tell)
    assert (again.files.root_of(b"a"), again.files.heals(again.spot(b"d/b"))) == (ROOT, False)
    again.files.end([b"a", b"d"])
    assert Home(home).changed == []
