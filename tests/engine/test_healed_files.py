"""Healed files: an exchange in the own folder is told, and nothing else is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from potluck.core.content.facts import Spot, Stat
from potluck.engine.effects import Tell
from potluck.engine.events import Placement
from potluck.engine.healed_files import HealedFiles
from potluck.engine.own.damaged_files import DamagedFiles
from potluck.engine.own.older_copy import OlderCopy
from tests.engine.builders import group, key, node, taken
from tests.engine.index.builders import place, record
from tests.engine.listeners import Heard
from tests.engine.test_bringing_back import Home

STAT = Stat(1, 1, 1, 1, executable=False)
ASIDE = "Put aside/d1/a (d1, 2026-01-01 12.00.00)"
WHOLE = "d1/a is whole again, as the other devices have it"


@pytest.mark.parametrize(
    ("case", "told"),
    [
        ("exchanged", f"{WHOLE}; the damaged one is in “{ASIDE}”"),
        ("settled", WHOLE),
        ("blocked", ""),
        ("came back", ""),
        ("of others", ""),
    ],
)  # fmt: skip
def test_only_an_exchange_is_told(case: str, told: str) -> None:
    here = node(1)
    here.roster = group(1, 2)
    here.index.places.put(here.own_manifest, [place(record("a"))])
    damaged = DamagedFiles(here, Heard())
    damaged.note(b"a", b"r" * 32, STAT)
    taken(here, Tell)
    placement = Placement.BLOCKED if case == "blocked" else Placement.PLACED
    done = Home().done(b"a", placement)
    item = replace(done.ready.item, expected=None if case == "came back" else STAT)
    spot = Spot(here.own_manifest, b"a")
    if case == "of others":
        spot = Spot(here.own_manifest._replace(owner=key(2).device), b"a")
    placed = replace(done.placed, put_aside="" if case == "settled" else ASIDE)
    part = HealedFiles(here, damaged, OlderCopy(here, Heard()))
    part.on_committed(
        [replace(done, ready=replace(done.ready, spot=spot, item=item), placed=placed)]
    )
    assert [tell.text for tell in taken(here, Tell)] == ([told] if told else [])
    assert (b"a" in damaged) is (not told)
    assert "DamagedFiles" in repr(part)


def test_an_earlier_version_that_was_exchanged_is_told_as_that() -> None:
    here = node(1)
    here.roster = group(1, 2)
    here.index.places.put(here.own_manifest, [place(record("a"))])
    damaged, older = DamagedFiles(here, Heard()), OlderCopy(here, Heard())
    older.note(b"a", b"r" * 32)
    done = Home().done(b"a", Placement.PLACED)
    item = replace(done.ready.item, expected=STAT)
    ready = replace(done.ready, spot=Spot(here.own_manifest, b"a"), item=item)
    HealedFiles(here, damaged, older).on_committed([replace(done, ready=ready)])
    assert [tell.code for tell in taken(here, Tell)] == ["older_copy_over"]
    assert b"a" not in older.files
