"""Older replicas: what an older copy of FOLDER lacks of others comes again, removed by nobody."""

from __future__ import annotations

import pytest

from potluck.core import limits
from potluck.engine.others.first_looks import FirstLooks
from potluck.engine.others.older_replicas import OlderReplicas
from potluck.engine.own.older_copy import OLDER_OTHERS
from tests.engine.receiver import ANNAS
from tests.engine.replicas import Home, home_with_files

SECOND_S = limits.SECOND_LOOK_S + 1.0


@pytest.fixture
def home() -> Home:
    """ANNA shares a, b and f/c, of which a is not in the older copy that FOLDER is."""
    made = home_with_files()
    made.node.index.meta.set(OLDER_OTHERS, b"1")
    made.remove("d2/a")
    made.replica_check.restart()
    return made


def unwanted(home: Home) -> list[bytes]:
    return home.node.index.unwanted.first(ANNAS, 9999)


def is_noted(home: Home) -> bool:
    return home.node.index.meta.get(OLDER_OTHERS) is not None


def test_what_it_lacks_is_brought_back_and_nobody_is_said_to_have_removed_it(home: Home) -> None:
    home.run(SECOND_S)
    assert home.stands() == {"a", "b", "f", "f/c"}
    assert (unwanted(home), [one.code for one in home.told]) == ([], ["files_missing"])


def test_it_is_known_until_the_second_look_whatever_ends_before(home: Home) -> None:
    home.run(5.0)
    assert (is_noted(home), home.lacking()) == (True, 0), "a second look is due"
    home.replica_check.restart()  # as after a new start
    home.run(SECOND_S)
    assert (unwanted(home), home.stands()) == ([], {"a", "b", "f", "f/c"})


def test_what_is_removed_after_that_is_removed(home: Home) -> None:
    home.run(SECOND_S)
    home.rescan()
    assert not is_noted(home)
    home.remove("d2/b")
    home.touch("d2/b", until_s=SECOND_S)
    assert unwanted(home) == [b"b"]


def test_it_is_over_when_every_folder_was_seen(home: Home) -> None:
    node = home.node
    looks = FirstLooks(node)
    older = OlderReplicas(node, looks)
    older.on_judged()
    assert (older.has(ANNAS), repr(older)) == (True, "<OlderReplicas True>")
    looks.on_scanned(ANNAS)
    looks.on_settled()
    assert not older.has(ANNAS), "what is missing later went since"
    older.on_judged()
    looks.restart()
    assert (older.has(ANNAS), is_noted(home)) == (False, False)
    older.on_judged()
