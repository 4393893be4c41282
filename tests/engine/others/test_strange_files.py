"""What stands in other people's folders and is not theirs: how the register has it, and when not.

Strategy: what is there is noted by hand; that looks and scans note it is tried over a wire.
"""

from __future__ import annotations

import pytest

from potluck.core.content.facts import ManifestName, Spot
from potluck.engine.events import PathsTouched, ShareSeen
from potluck.engine.others.strange_files import STRANGERS_MAX, Strange, StrangeFiles
from potluck.engine.troubles import Trouble, TroubleKind
from tests.engine import builders
from tests.engine.index.builders import folder, place, receive, record
from tests.engine.views.faces import shared, shown, why
from tests.engine.wire import Box
from tests.fakes.disk import path_of

ANNAS = ManifestName.own(builders.key(2).device)
BERTS = ManifestName.own(builders.key(3).device)
FILE = Strange(is_file=True, plain=True)
FOLDER = Strange(is_file=False, plain=True)
LINK = Strange(is_file=False, plain=False)


class Desk:
    """What one node knows of the folders of two others."""

    def __init__(self) -> None:
        self.node = builders.node(1)
        self.node.roster = builders.group(1, 2, 3)
        self.files = StrangeFiles(self.node)

    def note(self, kind: Strange, *paths: str, name: ManifestName = ANNAS) -> None:
        for path in paths:
            self.files.note(Spot(name, path.encode()), kind)

    def told(self) -> list[Trouble]:
        self.files.settle()
        return self.node.troubles.of(TroubleKind.STRANGE)

    def texts(self) -> list[str]:
        return [f"{one.subject}: {one.reason}" for one in self.told()]


@pytest.fixture
def desk() -> Desk:
    return Desk()


MOVED = "; what is moved to the own folder is shared"


def test_the_first_files_are_named_and_moved_by_one_line(desk: Desk) -> None:
    assert desk.told() == []
    desk.note(FILE, "a")
    (one,) = desk.told()
    assert one.reason == f"1 file stands in its folder here that it does not share: d2/a{MOVED}"
    assert (one.subject, one.wrong) == ("d2", False)
    assert one.command == "mv -n /Shared/d2/a /Shared/d1/"
    desk.note(FILE, "b c", "d", "e")
    (one,) = desk.told()
    names = f"d2/a, “d2/b c”, d2/d and 1 more{MOVED}"
    assert one.reason == f"4 files stand in its folder here that it does not share: {names}"
    assert one.command == "mv -n /Shared/d2/a '/Shared/d2/b c' /Shared/d2/d /Shared/d1/"
    assert repr(desk.files) == "<StrangeFiles: 4>"


def test_a_folder_is_moved_whole_and_its_files_are_counted(desk: Desk) -> None:
    desk.note(FOLDER, "new", "new/in")
    here = "in its folder here that it does not share"
    assert desk.texts() == [f"d2: 1 folder stands {here}: d2/new{MOVED}"]
    desk.note(FILE, "new/in/a", "new.txt")
    (one,) = desk.told()
    assert one.reason == f"2 files stand {here}: d2/new.txt and d2/new/in/a{MOVED}"
    assert one.command == "mv -n /Shared/d2/new /Shared/d2/new.txt /Shared/d1/"


def test_a_folder_with_nothing_of_its_owner_is_moved_whole(desk: Desk) -> None:
    receive(desk.node.index, [folder("d"), folder("gone")], 1, ANNAS.owner)
    desk.note(FILE, "d/new/in/a", "d/new/b", "d/c", "kept/a", "stays/a", "x")
    desk.node.index.places.put(ANNAS, [place(folder("kept")), place(record("stays/in/b"))])
    whole = " ".join(f"/Shared/d2/{path}" for path in ("d/c", "d/new", "kept/a"))
    assert desk.told()[0].command == f"mv -n {whole} /Shared/d1/"
    desk.files.keep(ANNAS, {b"stays/a", b"x"})
    assert desk.told()[0].command == "mv -n /Shared/d2/stays/a /Shared/d2/x /Shared/d1/"


def test_a_link_is_not_moved(desk: Desk) -> None:
    desk.note(LINK, "lnk")
    (one,) = desk.told()
    assert one.reason == "1 file stands in its folder here that it does not share: d2/lnk"
    assert one.command == "ls -la /Shared/d2/lnk"
    assert desk.files.command_for(Spot(ANNAS, b"lnk")) == ""
    desk.note(FILE, "b")
    (one,) = desk.told()
    assert one.reason == f"1 file stands in its folder here that it does not share: d2/b{MOVED}"
    assert desk.files.command_for(Spot(ANNAS, b"b")) == one.command
    assert desk.files.command_for(Spot(ANNAS, b"c")) == ""


def test_what_has_gone_is_not_told_any_more(desk: Desk) -> None:
    desk.note(FILE, "a", "b")
    desk.note(FILE, "x", name=BERTS)
    assert len(desk.told()) == 2
    desk.files.forget(Spot(ANNAS, b"a"))
    desk.files.forget(Spot(ANNAS, b"never"))
    desk.files.keep(BERTS, set())
    (one,) = desk.told()
    assert one.command == "mv -n /Shared/d2/b /Shared/d1/"
    desk.files.keep(ANNAS, set())
    assert desk.told() == []


def test_what_its_owner_shares_by_now_is_its_own(desk: Desk) -> None:
    desk.note(FILE, "a", "b", "c")
    receive(desk.node.index, [record("a")], 1, ANNAS.owner)
    desk.node.index.places.put(ANNAS, [place(record("b"))])
    desk.files.keep(ANNAS, {b"a", b"b", b"c"})
    (one,) = desk.told()
    assert one.command == "mv -n /Shared/d2/c /Shared/d1/"


def test_the_first_ones_are_seen_not_to_be_shared_by_now_before_they_are_told(desk: Desk) -> None:
    desk.note(FILE, "a", "b")
    receive(desk.node.index, [record("a")], 1, ANNAS.owner)
    (one,) = desk.told()
    assert one.command == "mv -n /Shared/d2/b /Shared/d1/"


def test_only_so_many_are_remembered(desk: Desk) -> None:
    desk.note(FILE, *(f"{number:04}" for number in range(STRANGERS_MAX + 1)))
    assert desk.texts()[0].startswith("d2: 1,000 files or more stand in its folder here")
    desk.files.keep(ANNAS, {f"{number:04}".encode() for number in range(STRANGERS_MAX)})
    for gone in (b"0001", b"none", b"nor this"):
        desk.files.forget_all(Spot(ANNAS, gone))
    assert desk.texts()[0].startswith("d2: 999 files or more stand in its folder here")
    desk.files.keep(ANNAS, {b"0002", b"0003"})
    desk.files.keep(ANNAS, {b"0002"})
    assert desk.texts()[0].startswith("d2: 1 file stands in its folder here")


def test_what_is_in_doubt_is_told_once_it_was_looked_at(desk: Desk) -> None:
    desk.note(FILE, "a")
    assert len(desk.told()) == 1
    desk.files.doubt()
    assert desk.node.troubles.of(TroubleKind.STRANGE) == []
    desk.note(FILE, "b")
    assert desk.told() == []
    desk.files.keep(ANNAS, {b"b"})
    (one,) = desk.told()
    assert one.command == "mv -n /Shared/d2/b /Shared/d1/"


def test_a_device_is_called_as_it_is_called_now(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.note(FILE, "a")
    assert [one.subject for one in desk.told()] == ["d2"]
    monkeypatch.setattr(type(desk.node), "label_of", lambda *_: "anna")
    assert [one.subject for one in desk.told()] == ["anna"]


def test_who_has_no_folder_here_any_more_is_not_told_of(desk: Desk) -> None:
    desk.note(FILE, "a")
    assert len(desk.told()) == 1
    desk.node.roster = builders.group(1, 3)
    desk.note(FILE, "b")
    assert desk.told() == []
    assert repr(desk.files) == "<StrangeFiles: 0>"


# -- over a wire -----------------------------------------------------------------------------------
def strange_in(box: Box) -> list[dict[str, str]]:
    return [one for one in shown(box)["troubles"] if one["kind"] == "strange"]


def put(box: Box, *names: str) -> None:
    """Put files into the folder of another, as a person does."""
    paths = tuple(map(path_of, names))
    for path in paths:
        box.disk[path] = b"mine"
    box.hear(PathsTouched(paths, overflow=False))


def test_what_is_put_into_anothers_folder_stands_in_the_state_until_it_has_gone() -> None:
    wire, ann, ben = shared()
    path = path_of("d1/mine")
    put(ben, "d1/mine")
    wire.run(3.0)
    (one,) = strange_in(ben)
    assert (one["subject"], one["command"]) == ("d1", "mv -n /Shared/d1/mine /Shared/d2/")
    assert one["reason"].startswith("1 file stands in its folder here")
    assert shown(ben)["state"] == "in_sync", "nothing waits for it"
    assert [(note.path, note.open) for note in why(ben).reasons] == [("d1", False)]
    assert strange_in(ann) == []
    del ben.disk[path]
    ben.hear(PathsTouched((path,), overflow=False))
    wire.run(3.0)
    assert strange_in(ben) == []


def test_what_was_in_a_folder_that_has_gone_has_gone_with_it() -> None:
    wire, _, ben = shared()
    inside, beside = path_of("d1/new/in/mine"), path_of("d1/new2")
    ben.disk[inside] = ben.disk[beside] = b"mine"
    ben.hear(PathsTouched((path_of("d1/new"), beside), overflow=False))
    wire.run(3.0)
    assert strange_in(ben)[0]["reason"].startswith("2 files stand")
    del ben.disk[inside]
    for gone in ("d1/new/in", "d1/new"):
        ben.tree.remove_folder(path_of(gone))
    ben.hear(PathsTouched((path_of("d1/new"),), overflow=False))
    wire.run(3.0)
    (one,) = strange_in(ben)
    assert one["command"] == "mv -n /Shared/d1/new2 /Shared/d2/"


def test_what_its_owner_shares_afterwards_is_no_stranger() -> None:
    wire, ann, ben = shared()
    for name, text in (("same", b"12345"), ("other", b"123456")):
        ben.disk[path_of(f"d1/{name}")] = text
    ben.hear(PathsTouched((path_of("d1/same"), path_of("d1/other")), overflow=False))
    wire.run(3.0)
    assert strange_in(ben)[0]["reason"].startswith("2 files")
    ann.write("same", b"12345")
    ann.write("other", b"54321")
    wire.run(10.0)
    assert strange_in(ben) == []


def test_after_the_share_was_away_it_is_told_when_it_was_seen() -> None:
    wire, _, ben = shared()
    put(ben, "d1/mine")
    wire.run(3.0)
    ben.hear(ShareSeen(present=False, reason="missing"))
    wire.run(0.1)
    assert strange_in(ben) == []
    ben.hear(ShareSeen(present=True, reason=""))
    wire.run(10.0)
    assert len(strange_in(ben)) == 1
