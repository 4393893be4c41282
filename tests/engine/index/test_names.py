"""Manifests by number: one number for each, memory that never says more than the file."""

from __future__ import annotations

import pytest

from potluck.core.content.facts import ManifestName
from potluck.core.wire.catalogue import Folder
from potluck.engine.index.database import Database
from potluck.engine.index.names import Names
from tests.engine.index.builders import ANNA, ANNAS, BERTS


@pytest.fixture
def database():
    made = Database(":memory:")
    yield made
    made.close()


def test_each_manifest_has_one_number(database) -> None:
    names = Names(database)
    assert names.find(ANNAS) is None
    anna, bert, everyone = (
        names.make(ANNAS),
        names.make(BERTS),
        names.make(ManifestName(ANNA, Folder.EVERYONE)),
    )
    assert len({anna.number, bert.number, everyone.number}) == 3
    assert Names(database).find(ANNAS) == anna, "what is in memory is what was written"
    assert names.make(ANNAS) is anna
    assert names.find(BERTS) is bert


def test_what_is_noted_is_written_through(database) -> None:
    names = Names(database)
    named = names.make(ANNAS)
    names.mark_received(named)
    names.mark_received(named)
    names.set_totals(named, 3, 1, 2**70)  # more bytes than SQLite can count
    assert Names(database).find(ANNAS) == named
    assert named.received
    assert (named.count, named.folders, named.total_bytes) == (3, 1, 2**70)


def test_a_rollback_leaves_no_memory(database) -> None:
    names = Names(database)
    database.run("BEGIN")
    names.make(ANNAS)
    database.run("ROLLBACK")
    names.forget_memory()
    assert names.find(ANNAS) is None


def test_it_says_how_many_are_in_memory(database) -> None:
    names = Names(database)
    assert repr(names) == "<Names: 0 in memory>"
    names.make(ANNAS)
    assert repr(names) == "<Names: 1 in memory>"
