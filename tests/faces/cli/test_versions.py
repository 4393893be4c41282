"""`trash`, `history`, `restore`: what is in the trash, in lines that no name can forge."""

from __future__ import annotations

import json
from typing import Any

import pytest

from potluck.core.errors import NotFound
from potluck.engine.person_acts import UndoAsked
from potluck.faces.cli.versions import ROWS, ROWS_JSON, history_lines, trash_lines
from tests.faces.cli.conftest import Call
from tests.faces.fakes import FakeSource


def version(path: str, number: int = 1, why: str = "deleted", size: int = 1200) -> dict[str, Any]:
    return {"path": path, "number": number, "size": size, "came_s": 0.0, "days": 2, "why": why}


def found(*versions: dict[str, Any], **others: Any) -> dict[str, Any]:
    size = sum(one["size"] for one in versions)
    usual = {"more": 0, "size": size, "others": 0, "complete": True, "where": "/F/.potluck/trash"}
    nowhere = {"elsewhere": [], "elsewhere_more": 0, "remembered": True}
    return {"versions": list(versions), **usual, **nowhere, **others}


def before(path: str, number: int) -> dict[str, Any]:
    """What was shared before, and the others may have."""
    return {"path": path, "number": number, "size": 3, "modified_s": 0.0}


def test_the_trash_is_listed_with_when_why_and_how_large(source: FakeSource, potluck: Call) -> None:
    source.versions.found = found(version("ann/a.txt"), version("ann/b", 2, "replaced"), more=5)
    code, out, _ = potluck("trash")
    lines = out.splitlines()
    assert code == 0
    assert lines[0].split()[2:] == ["deleted", "1.2", "KB", "ann/a.txt@1"]
    assert lines[1].split()[2:] == ["replaced", "1.2", "KB", "ann/b@2"]
    assert lines[2] == "  … and 5 more"
    assert lines[3] == "7 versions, 2.4 KB. The times are those of this computer's clock."
    assert lines[4].endswith("restore PATH@N")
    assert source.versions.asked == [("trash", "", ROWS)]


def test_when_a_version_came_is_not_made_up_where_the_disk_does_not_say(
    source: FakeSource, potluck: Call
) -> None:
    source.versions.found = found({**version("ann/a.txt"), "came_s": None})
    assert potluck("trash")[1].splitlines()[0].split()[:4] == ["time", "not", "known", "deleted"]


def test_an_empty_trash_says_so_and_nothing_of_a_path_is_not_found(
    source: FakeSource, potluck: Call
) -> None:
    assert potluck("trash")[:2] == (0, "Nothing is in the trash here.\n")
    assert potluck("history")[:2] == (0, "Nothing is in the trash here.\n")
    for command in ("trash", "history"):
        assert potluck(command, "ann/nope", "--json")[0] == 7
        code, _, error = potluck(command, "Shared/ann/nope")
        assert code == 7
        assert "No version of “ann/nope” is here." in error
        assert error.splitlines()[-1].endswith(" ls")


def test_json_is_what_the_trash_says(source: FakeSource, potluck: Call) -> None:
    source.versions.found = found(version("ann/a\x1b[2J"))
    code, out, _ = potluck("trash", "ann", "--json")
    assert (code, json.loads(out)["data"]) == (0, source.versions.found)
    assert source.versions.asked == [("trash", "ann", ROWS_JSON)]
    _, out, _ = potluck("--json", "history", "ann")
    assert json.loads(out)["data"] == {"now": None, **source.versions.found}
    _, out, _ = potluck("--json", "restore", "ann/a")
    assert json.loads(out)["data"] == {"text": "restored me/a.txt"}


def test_no_name_forges_a_line() -> None:
    lines = trash_lines(found(version("ann/a\x1b[2J\n\u202eb")))
    assert "ann/a\\x1b[2J\\x0a\\u202eb@1" in lines[0]


def test_the_history_of_a_file_begins_with_what_stands_now(
    source: FakeSource, potluck: Call
) -> None:
    source.listed = [
        {"path": "ann/a", "kind": "file", "size": 3, "owner": "ann", "here": True, "root": ""}
    ]
    source.versions.found = found(version("ann/a", 1), version("ann/a", 2))
    lines = potluck("history", "ann/a")[1].splitlines()
    assert lines[0] == "now: ann/a (3 B)"
    assert [line.split()[-1] for line in lines[1:3]] == ["ann/a@1", "ann/a@2"]
    source.versions.found = found()
    assert potluck("history", "ann/a")[1].splitlines() == [
        "now: ann/a (3 B)",
        "The trash here holds no earlier version of it.",
    ]


def test_the_history_says_what_is_gone_and_what_is_not_here_yet() -> None:
    now = {"path": "ann/a", "kind": "file", "size": 3, "here": False}
    assert history_lines("ann/a", now, found())[0] == "now: ann/a (3 B), which is not here"
    gone = history_lines("ann/a", None, found(version("ann/a")))
    assert gone[0] == "now: nothing stands as ann/a"
    folder = {"path": "ann", "kind": "folder", "size": 0, "here": True}
    assert history_lines("ann", folder, found(version("ann/a")))[0].endswith("ann/a@1")


def test_what_the_others_may_have_follows_under_its_own_numbers(
    source: FakeSource, potluck: Call
) -> None:
    elsewhere = [before("me/a", 1), before("me/a", 2)]
    source.versions.found = found(elsewhere=elsewhere, elsewhere_more=3)
    code, out, _ = potluck("history", "me/a")
    lines = out.splitlines()
    assert (code, lines[0]) == (0, "now: nothing stands as me/a")
    assert lines[1].startswith("Shared before; perhaps in the trash of devices that ever had it")
    assert [line.split()[-1] for line in lines[2:4]] == ["me/a@1", "me/a@2"]
    assert lines[4] == "  … and 3 more"
    assert lines[5].startswith("To have one back from them, if one still has it: ")
    both = history_lines("", None, found(version("me/b"), elsewhere=elsewhere, remembered=False))
    assert both[0].endswith("me/b@1")
    assert both[-2] == "  … and 0 more at least"


def test_undo_says_what_follows(source: FakeSource, potluck: Call) -> None:
    source.acted = "5 files come.\nme/a as me/b"
    assert potluck("undo")[:2] == (0, "5 files come.\nme/a as me/b\n")
    assert json.loads(potluck("undo", "--json")[1])["data"] == {"text": source.acted}
    assert source.asked[-1] == UndoAsked(0)


def test_what_is_not_known_is_said() -> None:
    lines = trash_lines(found(version("ann/a", why=""), others=2, complete=False))
    assert lines[0].split()[2] == "kept"
    assert "Besides 2 things not known as a version of a file: look into /F/.potluck/trash" in lines
    said = (
        "Not all of the trash was looked at, since it is very large or a part of it cannot be read"
    )
    assert f"{said}: numbers may be others." in lines
    assert len(trash_lines(found(others=1))) == 2


def test_what_was_restored_is_said(source: FakeSource, potluck: Call) -> None:
    assert potluck("restore", "me/a.txt@2")[:2] == (0, "restored me/a.txt\n")
    assert source.versions.asked == [("restore", "me/a.txt@2")]
    source.versions.restored = NotFound("not restored: me/a", "why", "trash")
    code, _, error = potluck("restore", "me/a")
    assert code == 7
    assert error.splitlines()[-1].endswith(" trash")


@pytest.mark.parametrize("words", [("restore",), ("restore", "a", "b"), ("trash", "a", "b")])
def test_what_cannot_be_meant_is_a_usage_error(
    source: FakeSource, potluck: Call, words: tuple[str, ...]
) -> None:
    assert potluck(*words)[0] == 2
    assert source.versions.asked == []
