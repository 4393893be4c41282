"""Held words: each part of what is held is told with its own count, names and commands."""

from __future__ import annotations

from collections.abc import Collection

from potluck.core.wire.catalogue import FileRecord, Head, Holding
from potluck.engine.events import LinkId
from potluck.engine.node import Node
from potluck.engine.own.held_paths import HeldPaths
from potluck.engine.own.held_words import Waits, held_reason, left_out_text
from potluck.engine.own.ignore_file import SAID
from potluck.engine.troubles import Trouble, TroubleKind
from tests.engine.builders import group, key, node
from tests.engine.index.builders import folder, record

DOCS = [folder("docs"), *(record(f"docs/{number}", text="four") for number in range(5))]


class Holder:
    """A device that holds these."""

    def __init__(self, *records: FileRecord) -> None:
        self.node: Node = node(1)
        self.node.roster = group(1, 2)
        self.node.index.manifests.put(self.node.own_manifest, records)
        self.held = HeldPaths(self.node)
        self.held.hold([one.path for one in records])

    def says(
        self,
        *returning: bytes,
        emptied: Collection[bytes] = (),
        in_the_way: Collection[bytes] = (),
    ) -> tuple[list[str], str]:
        """Return the parts, and the command."""
        text, command = held_reason(
            self.node, self.held, Waits(set(returning), emptied, in_the_way)
        )
        return text.split("; besides, "), command

    def nobody_has_any(self) -> None:
        name, peer = self.node.own_manifest, self.node.peer(key(2).device)
        count = len(self.held)
        self.node.index.manifests.set_head(Head(*name, 1, 99, count, b"r" * 32, b"instance"))
        peer.link, peer.kept[name] = LinkId(5), Holding(*name, 1, 99, count, 99, 9)


def test_who_wants_one_file_back_is_still_told_of_all_the_others() -> None:
    home = Holder(*DOCS, record("once", text="1"), record("p2", text="2"))
    (waits, comes), command = home.says(b"once", b"p2")
    assert waits.startswith(
        "5 files and 1 folder (20 B) that I share: not here (docs/0, docs/1, docs/2 and 2 more);"
    )
    assert waits.endswith("type: repair – if they are to go, type: confirm d1/docs")
    assert comes == (
        "2 files (2 B) that I share: not here (once and p2); brought back as soon as a device that"
        " has them is linked; to give some of them up, type: confirm PATH"
    )
    assert command == "repair"
    home = Holder(*DOCS, record("once", text="1"))
    (waits, comes), command = home.says(b"docs", b"docs/1")
    assert "if they are to go, type: confirm PATH" in waits, "docs are more than that"
    home.nobody_has_any()
    (waits, comes), command = home.says(b"docs", b"docs/1")
    assert comes.endswith("to give that up, type: confirm PATH")
    (waits, comes), command = home.says(b"once")
    assert comes.endswith("to give that up, type: confirm d1/once")


def test_all_that_is_wanted_and_nobody_has_is_given_up_by_its_folder() -> None:
    home = Holder(*DOCS, record("once", text="1"))
    home.nobody_has_any()
    every = [one.path for one in home.held.records()]
    assert home.says(*every)[1] == "confirm d1"
    home = Holder(*DOCS)
    home.nobody_has_any()
    assert home.says(*[one.path for one in DOCS])[1] == "confirm d1/docs"


def test_a_path_at_which_a_disk_hides_something_is_not_named_to_give_up_what_is_held() -> None:
    home = Holder(*DOCS, record("once", text="1"))
    for point, path in (("d1/docs/disk", "PATH"), ("d1", "PATH"), ("d1/doc", "d1/docs")):
        trouble = Trouble(TroubleKind.COVERED, point, "hides", "", 0.0, None)
        home.node.troubles.note(trouble)
        (waits, _), _ = home.says(b"once")
        assert waits.endswith(f"type: confirm {path}"), point
        home.node.troubles.clear(TroubleKind.COVERED, point)


def test_where_only_folders_are_held_they_are_named() -> None:
    (text,), _ = Holder(folder("a"), folder("b")).says()
    assert text.startswith("2 folders that I share: not here (a and b); ")


def test_what_was_cut_off_to_nothing_is_not_said_to_be_away() -> None:
    home = Holder(record("a", text="1"), record("b", text="2"))
    (text,), _ = home.says(emptied={b"a"})
    assert "not here, or cut off to nothing (a and b)" in text
    (text,), _ = home.says(emptied={b"a", b"b"})
    assert "that I share: cut off to nothing here (a and b)" in text


def test_what_something_keeps_out_is_told_apart_with_the_line_that_moves_it() -> None:
    home = Holder(*DOCS, record("once", text="1"))
    (waits, kept_out), command = home.says(in_the_way={b"docs"})
    assert waits.startswith("1 file (1 B) that I share: not here (once);")
    assert kept_out.startswith(
        "5 files and 1 folder (20 B) that I share: not here (docs/0, docs/1, docs/2 and 2 more);"
        " d1/docs stands there: to have that back, give it another name, then type: repair;"
    )
    assert kept_out.endswith("if they are to go, type: confirm d1/docs")
    assert command == "repair", "there is something that can come"
    (kept_out,), command = Holder(*DOCS).says(in_the_way={b"docs", b"docs/1", b"other"})
    assert "d1/docs and d1/docs/1 stand there" in kept_out
    assert command == "mv -nT /Shared/d1/docs /Shared/d1/docs.other"


def test_what_rules_leave_out_is_told_with_the_line_and_without_repair() -> None:
    home = Holder(*DOCS, record("vid/a", text="1"))
    home.node.index.meta.set(SAID, b"/vid/\n")
    (waits, out), command = home.says()
    assert out == (
        "1 file (1 B) that I share: left out (vid/a), as the folder vid is left out by"
        " .potluckignore, line 1: “/vid/”; it is deleted nowhere unasked; to share it again, take"
        " that line out – if the others are to delete it, type: confirm d1/vid/a"
    )
    assert (waits.startswith("5 files and 1 folder"), command) == (True, "repair")
    (comes, out), command = home.says(*(one.path for one in DOCS))
    assert ("brought back" in comes, command) == (True, "peers")
    (comes,), _ = home.says(b"vid/a", *(one.path for one in DOCS))
    assert comes.startswith("6 files"), "it was wanted before the rule was there"
    alone = Holder(record("it's", text="1"))
    alone.node.index.meta.set(SAID, b"it's\n")
    (text,), command = alone.says()
    assert text.endswith("type: confirm")
    assert command == "cat -n /Shared/d1/.potluckignore"
    assert left_out_text(alone.node, list(alone.held.records())) == (
        "1 file (1 B) (it's) – it is left out by .potluckignore, line 1: “it's”; take that line"
        " out to have it shared again"
    )
