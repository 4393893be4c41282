"""Copied entries: a folder page by page, each entry with what `info` says of it."""

from __future__ import annotations

import pytest

from potluck.core.content.facts import ManifestName
from potluck.core.wire.catalogue import Holding
from potluck.engine.events import ShareSeen
from potluck.engine.views import asked_path, copied_entries
from potluck.engine.views.copied_entries import CopiedEntries
from potluck.engine.views.path_values import CopiedEntry
from potluck.engine.views.values import FolderPage
from tests.engine.views.faces import hanging, shared
from tests.engine.wire import Box, Wire, ring
from tests.fakes.disk import path_of


def copied(box: Box, path: str, after: str = "") -> FolderPage:
    return box.engine.copied(path, after, box.wire.now)


def counts(box: Box, path: str) -> dict[str, tuple[int, int, str]]:
    """What is told of each entry, all pages together; of parts the first."""
    found: dict[str, tuple[int, int, str]] = {}
    after: str | None = ""
    while after is not None:
        page = copied(box, path, after)
        assert page.known
        for one in page.entries:
            assert isinstance(one, CopiedEntry)
            found.setdefault(one.name, (one.on, one.devices, one.alone))
        after = page.next
    return found


@pytest.fixture
def folders() -> tuple[Wire, Box, Box]:
    """The first shares two folders of ten files, and a file; the second has all of it."""
    wire, (ann, ben) = ring(2)
    for top in ("d", "e"):
        ann.tree.folders.add(path_of(f"d1/{top}"))
        for number in range(10):
            ann.write(f"{top}/{number}", b"%05d" % number)
    ann.write("x", b"x")
    assert wire.run(10.0, lambda: len(ben.disk) == 21)
    wire.run(3.0)
    return wire, ann, ben


@pytest.mark.parametrize("rows", [1, 3, 7, 100])
def test_each_entry_has_what_info_says_of_it(
    folders: tuple[Wire, Box, Box], monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    monkeypatch.setattr(copied_entries, "COPIED_ROWS", rows)
    _, ann, ben = folders
    everywhere = (2, 2, "")
    for box in (ann, ben):
        assert counts(box, "d1") == dict.fromkeys(("d", "e", "x"), everywhere)
        assert counts(box, "") == {"d1": everywhere, "d2": (0, 0, "")}, "which shares nothing"
        assert counts(box, "d1/d") == dict.fromkeys(map(str, range(10)), everywhere)
        for name, (on, devices, _) in counts(box, "d1").items():
            said = box.engine.info(f"d1/{name}", box.wire.now)
            assert (on, devices) == (said.on, said.devices)
    walk = CopiedEntries(ann.engine.wiring.viewer.listing, ann.engine.wiring.explaining)
    assert repr(walk) == "<CopiedEntries of <Explaining d1>>"


def test_a_file_is_the_only_entry_and_nothing_is_none() -> None:
    _, ann, _ = shared()
    assert copied(ann, "d1/0").entries == [
        CopiedEntry("0", "file", 1, 0, 5, 1, on=2, devices=2, alone="")
    ]
    for path in ("d1/nothing", "nobody", "nobody/x", "d1/0/x", "d1/../0"):
        assert copied(ann, path) == FolderPage([], None, known=False)


def test_what_nobody_else_is_known_to_have_is_marked() -> None:
    wire, ann, ben, _ = hanging()
    assert counts(ann, "d1") == {"0": (2, 2, ""), "more": (1, 2, "known")}
    assert counts(ben, "d1")["more"] == (1, 2, ""), "its owner has it"
    ben.crash()
    wire.run(5.0)
    assert counts(ann, "d1") == {"0": (1, 2, "known"), "more": (1, 2, "known")}, "never an old word"


def test_what_everybody_else_said_to_lack_is_only_here() -> None:
    _, ann, ben = shared()
    name = ManifestName.own(ann.me)
    head = ann.index.manifests.head(name)
    assert head is not None
    ann.engine.node.peer(ben.me).kept[name] = Holding(*name, head.generation, head.seq, 1, 0, 5)
    assert counts(ann, "d1") == {"0": (1, 2, "only")}
    ann.hear(ShareSeen(present=False, reason="missing"))
    assert counts(ann, "d1") == {"0": (0, 2, "")}


def test_of_a_folder_that_is_too_large_nothing_is_said(
    folders: tuple[Wire, Box, Box], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asked_path, "ROWS_MAX", 5)
    assert counts(folders[1], "d1") == {"d": (0, 0, ""), "e": (0, 0, ""), "x": (2, 2, "")}
