"""Why, as far as it is about this device: which troubles have to do with which path."""

from __future__ import annotations

import pytest

from potluck.core.content.facts import ManifestName
from potluck.engine.events import ShareSeen, UnwrittenMarker
from potluck.engine.troubles import ASIDE, Trouble, TroubleKind
from potluck.engine.views import why_here
from potluck.engine.views.asked_path import asked_path
from potluck.engine.views.neighbourhood import Neighbourhood
from potluck.engine.views.reasons import Reason, ReasonKind
from potluck.engine.views.values import FoundView
from potluck.engine.views.why_here import HERE
from tests.engine.index.builders import place, record
from tests.engine.views.faces import held, parts_of, shared
from tests.engine.wire import Box


def said(box: Box, path: str = "") -> list[Reason]:
    parts = parts_of(box)
    return [one for look in HERE for one in look(parts, asked_path(parts.node, path))]


def note(box: Box, kind: TroubleKind, subject: str) -> None:
    box.engine.node.troubles.note(Trouble(kind, subject, "is wrong", "mend it", 1.0, 9.0))


def test_nothing_is_wrong_at_rest() -> None:
    _, ann, _ = shared()
    assert said(ann) == said(ann, "d1/0") == []


@pytest.mark.parametrize("kind", [one for one in TroubleKind if one is not TroubleKind.BLOCKED])
def test_everything_that_is_wrong_is_told_of_everything(kind: TroubleKind) -> None:
    _, ann, _ = shared()
    note(ann, kind, "d1/0")
    (one,) = said(ann)
    assert (one.kind, one.path, one.text) == (
        ReasonKind.TROUBLE,
        "d1/0",
        "is wrong" if kind in ASIDE else f"{kind.value}: is wrong",
    )
    assert (one.since_s, one.next_s, one.command) == (1.0, 9.0, "mend it")
    assert one.open is (kind not in ASIDE)
    assert one.wrong is (kind not in {*ASIDE, TroubleKind.WRITTEN})


@pytest.mark.parametrize("kind", [one for one in TroubleKind if one in why_here.BY_PATH])
def test_what_is_wrong_with_a_path_concerns_it_and_what_is_below(kind: TroubleKind) -> None:
    _, ann, _ = shared()
    note(ann, kind, "d1/d")
    for path, concerned in {"d1/d": 1, "d1/d/x": 1, "d1": 1, "d1/e": 0, "d1/dd": 0}.items():
        assert len(said(ann, path)) == concerned, path
    assert all(one.open for one in said(ann, "d1/d"))


@pytest.mark.parametrize("kind", [one for one in TroubleKind if one in why_here.BY_DEVICE])
def test_what_is_wrong_with_a_device_concerns_its_folder(kind: TroubleKind) -> None:
    _, ann, _ = shared()
    note(ann, kind, "d2")
    assert len(said(ann, "d2/x")) == 1
    assert said(ann, "d1/x") == said(ann, "nobody/x") == []


def test_what_stops_all_concerns_all_and_the_rest_only_everything() -> None:
    _, ann, _ = shared()
    note(ann, TroubleKind.INDEX, "the index")
    assert len(said(ann, "d2/x")) == 1
    note(ann, TroubleKind.UNWATCHED, "watches")
    assert (len(said(ann, "d2/x")), len(said(ann, "d1/x"))) == (1, 2)
    assert [one.open for one in said(ann, "d1/x")] == [True, False]
    note(ann, TroubleKind.SILENT, "d3/y")
    assert len(said(ann, "d2/x")) == 2
    note(ann, TroubleKind.CODE, "a code")
    assert (len(said(ann, "d1/x")), len(said(ann))) == (3, 4)
    note(ann, TroubleKind.BLOCKED, "d2/x")
    assert len(said(ann)) == 4, "told for the file itself"


def test_a_share_that_is_offline_says_what_to_do() -> None:
    _, ann, _ = shared()
    ann.hear(ShareSeen(present=False, reason="missing"))
    (one,) = said(ann, "d2/x")
    assert (one.kind, one.wrong) == (ReasonKind.OFFLINE, True)
    unwritten = UnwrittenMarker(b"g" * 32, "d1", "", "disk full")
    parts_of(ann).own_folder.share.unwritten = unwritten
    assert said(ann)[0].command.startswith("df -h ")


def test_who_is_in_no_group_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    _, ann, _ = shared()
    ann.engine.node.roster = None
    assert said(ann)[0].text == "this device is in no group yet"
    monkeypatch.setattr(Neighbourhood, "waits", True)
    (one,) = said(ann)
    assert (one.wrong, one.command) == (False, "peers"), "it is a wait, as `status` has it"
    near = [FoundView("Home", "", "10.0.0.9:7685", 1, open=False, ended="it said no")]
    monkeypatch.setattr(Neighbourhood, "found", lambda _: near)
    assert said(ann)[0].text.endswith("; the last request is over: it said no")
    assert said(ann)[0].command == "approve Home"
    near[0] = FoundView("Home", "", "10.0.0.9:7685", 1, open=False, ended="old", bar="removed")
    assert said(ann)[0].wrong, "no conversation can follow"

    class Stands:
        standing = "this side said yes"

    monkeypatch.setattr(Neighbourhood, "unfinished", Stands())
    (one,) = said(ann)
    assert (one.text, one.command, one.wrong) == ("this side said yes", "pending", False)

    class Asked:
        question, name, id = "Is it you?", "bert", "0123abcd"

    monkeypatch.setattr(Neighbourhood, "asked", Asked())
    (one,) = said(ann)
    assert (one.text, one.command, one.wrong) == ("Is it you?", "approve bert", False)


def test_what_is_held_concerns_the_files_that_are() -> None:
    _, ann, ben = held(by_owner=True)
    for path, concerned in {"d1/f/5": 1, "d1/f": 1, "d1": 1, "d1/f/50": 0, "d2": 0}.items():
        assert len(said(ann, path)) == concerned, path
    assert said(ben, "d1/f/5") == []
    _, ann, ben = held(by_owner=False)
    for path, concerned in {"d1/f/5": 1, "d1/f": 1, "d1": 1, "d1/f/50": 0, "d2": 0, "x": 0}.items():
        assert len(said(ben, path)) == concerned, path
    note(ben, TroubleKind.KEPT, "d9")
    assert len(said(ben, "d1")) == 1, "that of another owner"
    _, ann, ben = shared()
    note(ben, TroubleKind.KEPT, ann.label)
    assert said(ben, "d1") == [], "nothing is held any more"


def test_what_an_owner_came_back_without_concerns_the_folders_it_is_in() -> None:
    _, ann, ben = shared()
    name = ManifestName.own(ann.me)
    ben.index.places.put(name, [place(record("f/kept"))])
    parts_of(ben).receiving.holds.hold(name, [b"f/kept"])
    for path, concerned in {"": 1, "d1": 1, "d1/f": 1, "d1/f/kept": 0, "d1/0": 0, "d2": 0}.items():
        assert len(said(ben, path)) == concerned, path
    assert [one.open for one in said(ben)] == [False]


def test_an_older_copy_concerns_the_files_that_are_of_one() -> None:
    _, ann, _ = shared()
    ann.engine.wiring.publishing.older.note(b"0", b"r" * 32)
    ann.engine.wiring.publishing.older.on_tick()
    for path, concerned in {"": 1, "d1": 1, "d1/0": 1, "d1/1": 0, "d2": 0}.items():
        assert (
            len([one for one in said(ann, path) if "earlier content" in one.text]) == concerned
        ), path
