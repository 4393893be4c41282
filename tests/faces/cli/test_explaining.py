"""`why` and `info`: what they ask, what they print, and how they end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from potluck.engine.views.path_values import CopyView, InfoView, ReasonView, WhyView
from potluck.faces.cli.explaining import info_lines, why_lines
from tests.faces.cli.conftest import Call
from tests.faces.fakes import FakeSource, state


def why(*reasons: ReasonView, **others: Any) -> dict[str, Any]:
    kinds: dict[str, Any] = {
        "path": "ann/a",
        "known": True,
        "in_sync": not any(one.open for one in reasons),
        "state": "busy" if any(one.open for one in reasons) else "in_sync",
        "text": "" if any(one.open for one in reasons) else "it stands here",
        "reasons": list(reasons),
        "more": 0,
    }
    shown: dict[str, Any] = msgspec.to_builtins(WhyView(**{**kinds, **others}))
    return shown


def reason(text: str = "ann is away", **others: Any) -> ReasonView:
    kinds: dict[str, Any] = {
        "kind": "owner_away",
        "path": "ann/a",
        "more": 0,
        "text": text,
        "since_s": None,
        "next_s": None,
        "command": "",
        "open": True,
    }
    return ReasonView(**{**kinds, **others})


def info(**others: Any) -> dict[str, Any]:
    copies = [
        CopyView("ben", "all", "", ""),
        CopyView("cat", "lacks", "", "it lacks everything there"),
        CopyView("dan", "unknown", "", "it has not said yet"),
        CopyView("eve", "away", "all", "away; by its last word it had it"),
    ]
    kinds: dict[str, Any] = {
        "path": "ann/a",
        "known": True,
        "kind": "file",
        "owner": "ann",
        "files": 1,
        "size": 5,
        "mtime_ns": 10**18,
        "root": "0123456789abcdef",
        "here": True,
        "copies": copies,
        "on": 2,
        "devices": 5,
        "safe": True,
        "safe_why": "ben has it now, by what was said last",
    }
    shown: dict[str, Any] = msgspec.to_builtins(InfoView(**{**kinds, **others}))
    return shown


@pytest.mark.parametrize(("word", "code"), [("in_sync", 0), ("busy", 10), ("trouble", 11)])
def test_why_ends_as_a_check_does(potluck: Call, source: FakeSource, word: str, code: int) -> None:
    one = [] if word == "in_sync" else [reason()]
    source.explained = why(*one, state=word)
    ended, said, _ = potluck("why")
    assert ended == code
    assert said
    assert source.asked == [("why", "")]
    ended, said, _ = potluck("why", "--json")
    assert (ended, json.loads(said)["data"]["state"]) == (code, word)


def test_a_typed_path_becomes_one_of_the_share(
    potluck: Call, source: FakeSource, tmp_path: Path
) -> None:
    source.current = state(folder=str(tmp_path))
    source.explained = why()
    potluck("why", str(tmp_path / "Shared/ann/ü b"))
    source.explained = info()
    potluck("info", "Shared/ann/a")
    assert source.asked == [("why", "ann/ü b"), ("info", "ann/a")]


@pytest.mark.parametrize(
    ("name", "read"), [("bad\udcff", "bad\\xff"), ("bad\nname", "bad\\x0aname")]
)
def test_a_name_that_cannot_be_shared_is_asked_about_as_people_read_it(
    potluck: Call, source: FakeSource, tmp_path: Path, name: str, read: str
) -> None:
    source.current = state(folder=str(tmp_path))
    (tmp_path / "Shared/ann").mkdir(parents=True)
    (tmp_path / "Shared/ann" / name).touch()
    source.explained = info(known=False, unshared="it cannot be shared (not valid UTF-8)")
    said = potluck("info", f"ann/{name}")[2]
    assert source.asked == [("info", f"ann/{read}")]
    assert f"“ann/{read}” is not shared." in said
    assert potluck("info", f"ann/{read}")[2] == said, "as it is shown it is the same"
    for other in (f"ann/other{read}", f"ann/gone/{read}", "ann/other"):
        assert "Nothing is known of" in potluck("info", other)[2]


def test_what_is_not_known_is_not_found(potluck: Call, source: FakeSource) -> None:
    source.explained = why(known=False)
    code, _, said = potluck("why", "nowhere")
    assert code == 7
    assert "Nothing is known of “nowhere”" in said
    assert ".potluckignore leaves out" in said


def test_why_a_thing_is_not_shared_is_said_where_something_stands(
    potluck: Call, source: FakeSource, tmp_path: Path
) -> None:
    source.current = state(folder=str(tmp_path))
    (tmp_path / "Shared/ann").mkdir(parents=True)
    link = tmp_path / "Shared/ann/a link"
    words = "it is a symbolic link: only files and folders are shared"
    for question, unknown in (
        ("why", why(known=False, unshared=words)),
        ("info", info(known=False, unshared=words)),
    ):
        source.explained = unknown
        assert "Nothing is known of" in potluck(question, "ann/a link")[2], "nothing stands there"
        link.symlink_to("nowhere")
        code, _, said = potluck(question, str(link))
        source.explained = {**unknown, "unshared_command": "mv -n a b/"}
        assert "next: mv -n a b/" in potluck(question, str(link))[2]
        link.unlink()
        assert code == 7
        assert "“ann/a link” is not shared." in said
        assert words in said
        assert f"ls -la '{link}'" in said


def test_a_reason_has_since_when_it_lasts_and_when_it_is_tried_again() -> None:
    lines = why_lines(
        why(
            reason("in the way", since_s=300.0, next_s=12.0, command="ls -la x", more=3),
            reason("stopped", path="", command="status"),
            reason("nas is away", open=False),
            more=2,
        )
    )
    assert lines == [
        "ann/a and 3 more: in the way (for 5 min, tried again in 12 s)",
        "  next: ls -la x",
        "everything: stopped",
        f"  next: {lines[3].removeprefix('  next: ')}",
        "note: ann/a: nas is away",
        "… and 2 more reasons",
    ]
    assert lines[3].endswith(" status")


def test_what_is_in_sync_says_what_that_means() -> None:
    assert why_lines(why()) == ["ann/a: in sync; it stands here."]
    assert why_lines(why(path=""))[0].startswith("Everything: in sync")


def test_info_says_who_has_it_and_who_is_not_known_to(potluck: Call, source: FakeSource) -> None:
    source.explained = info()
    code, said, _ = potluck("info", "ann/a")
    assert code == 0
    lines = said.splitlines()
    assert lines[0] == "ann/a"
    assert lines[1].startswith("  file of ann, 5 B, changed 2001-09-0")
    assert lines[2:] == [
        "  content 0123456789abcdef",
        "  here: yes",
        "  on 2 of 5 devices: this one and ben",
        "  not there: cat (it lacks everything there)",
        "  not known: dan (it has not said yet)",
        "  not known: eve (away; by its last word it had it)",
        "  safe to remove here: yes, because ben has it now, by what was said last",
        "  what is removed here is not fetched again until `get`, but very much at once is",
    ]
    code, said, _ = potluck("info", "ann/a", "--json")
    assert json.loads(said)["data"] == source.explained


def test_what_was_removed_here_says_how_to_have_it() -> None:
    last = info_lines(info(here=False, skipped=True, removed=True))[-1]
    assert last.startswith("  it was removed here, and is not fetched again; to have it: ")
    assert last.endswith(" get ann/a")
    said = info_lines(info(here=False, skipped=True))[-1]
    assert said == "  what is removed here is not brought back: it is skipped"


def test_a_folder_of_mine_of_which_nothing_is_here() -> None:
    folder = {"kind": "folder", "mtime_ns": None, "root": "", "here": False, "mine": True}
    nobody = {"copies": [], "on": 0, "devices": 1, "safe": False, "safe_why": "not all of it is"}
    lines = info_lines(info(**folder, **nobody, files=3, counted=False))
    assert lines[1] == "  folder mine, 5 B in 3 files or more"
    assert lines[2].startswith("  here: not all; see ")
    for stands, words in ((True, "not as it is shared"), (False, "no"), (None, "not known now")):
        assert info_lines(info(here=False, stands=stands))[3].startswith(f"  here: {words}; see ")
    untold = "it was removed here, not told yet: the newest"
    for here, stands, words in ((True, True, "yes"), (False, False, "no")):
        line = info_lines(info(here=here, stands=stands, untold=untold))[3]
        assert line == f"  here: {words}; {untold}"
    assert lines[3:] == [
        "  on 0 of 1 device",
        "  safe to remove here: no, because not all of it is",
        "  what is removed here goes on the others too, there to the trash",
    ]


@pytest.mark.parametrize("at_ns", [10**30, -(10**30), 0])
def test_any_date_is_shown(at_ns: int) -> None:
    assert "changed" in info_lines({**info(), "mtime_ns": at_ns})[1]
