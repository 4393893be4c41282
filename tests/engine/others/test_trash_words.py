"""Where what goes is said to go."""

from __future__ import annotations

from potluck.core.content.facts import Amount
from potluck.engine.others.disk_room import SPACE
from potluck.engine.others.trash_words import goes_to_trash
from potluck.engine.troubles import Trouble, TroubleKind
from tests.engine import builders


def test_files_go_to_the_trash_for_some_days_unless_room_lacks() -> None:
    node = builders.node(1)
    trash = f"{node.settings.folder}/.potluck/trash"
    aside = " (what was edited here: to “Put aside”)"
    goes = f"1 file (5 B) goes to {trash}"
    assert goes_to_trash(node, Amount(1, 0, 5)) == f"{goes}, for 30 days{aside}"
    assert goes_to_trash(node, Amount(2, 1, 5)).startswith("2 files and 1 folder (5 B) go to ")
    node.troubles.note(Trouble(TroubleKind.DISK, SPACE, "full", "", 0.0, None))
    assert goes_to_trash(node, Amount(1, 0, 5)) == f"{goes}{aside}"


def test_folders_alone_go() -> None:
    node = builders.node(1)
    assert goes_to_trash(node, Amount(0, 1, 0)) == "1 folder goes"
    assert goes_to_trash(node, Amount(0, 2, 0)) == "2 folders go"
