"""Decisions: each fact about a spot, and what follows from it.

Strategy: a real node and index; a table of facts would hide why each one matters, so each has a
short test.
"""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from potluck.core.content.facts import ManifestName, Source, Spot
from potluck.core.content.loss_window import Loss
from potluck.core.content.name_limits import PLAIN_NAMES, CaseFolding, NameLimits
from potluck.core.content.paths import not_portable, parse_wire_path
from potluck.core.content.pieces import PieceList, Root
from potluck.core.wire.catalogue import FileRecord, Folder
from potluck.engine.events import Placed, Placement
from potluck.engine.others.decisions import Choice, Decisions
from potluck.engine.others.held_replicas import HeldReplicas
from potluck.engine.others.holds import Holds
from potluck.engine.others.setbacks import Setbacks
from tests.engine import builders
from tests.engine.index.builders import folder, piece_list, place, receive, record, root_of
from tests.engine.listeners import Heard

ANNA, BERT = builders.key(2).device, builders.key(3).device
ANNAS = ManifestName.own(ANNA)
A = Spot(ANNAS, b"a")


class Facts:
    """Decisions, and all they decide by."""

    def __init__(self, names: NameLimits = PLAIN_NAMES) -> None:
        self.node = builders.node(1, names=names)
        self.node.roster = builders.group(1, 2, 3)
        self.holds = Holds(self.node, Heard())
        self.setbacks = Setbacks(self.node)
        self.parts: dict[Root, PieceList] = {}
        self.hidden: set[Spot] = set()
        self.alone: set[Spot] = set()
        self.damaged: set[Spot] = set()
        self.held = HeldReplicas(self.node)
        facts = (self.holds, self.setbacks, self.parts, self.held, self)
        self.decisions = Decisions(self.node, *facts)

    def is_hidden(self, spot: Spot) -> bool:
        return spot in self.hidden

    def is_left_alone(self, spot: Spot) -> bool:
        return spot in self.alone

    def is_damaged(self, spot: Spot) -> bool:
        return spot in self.damaged

    def shares(self, *records: FileRecord) -> None:
        receive(self.node.index, list(records), 9, ANNA)

    def stands(self, *records: FileRecord, owner=ANNA, where: Folder = Folder.OWN) -> None:
        self.node.index.places.put(ManifestName(owner, where), [place(each) for each in records])

    def failed(self, spot: Spot, source: Spot) -> None:
        path = parse_wire_path(b"d2/" + spot.path)
        self.setbacks.note(
            [(spot, Placed(path, None, Placement.SOURCE_GONE, None, "", ""), source)]
        )

    def source(self, of: FileRecord) -> tuple[Source, str]:
        choice = self.decisions.choose(Spot(ANNAS, of.path), of, None)
        if choice.ready is None:
            return Source.PART, "fetched"
        return choice.ready.item.source, str(choice.ready.item.local or "")


@pytest.fixture
def facts() -> Facts:
    return Facts()


def test_what_is_right_needs_nothing(facts: Facts) -> None:
    assert facts.decisions.choose(A, record("a"), place(record("a"))) == Choice()
    assert facts.decisions.choose(A, None, None) == Choice()


def test_a_content_that_is_nowhere_is_waited_for(facts: Facts) -> None:
    assert facts.decisions.choose(A, record("a"), None) == Choice(waits=True)


def test_a_content_in_a_part_file_is_placed_and_still_waited_for(facts: Facts) -> None:
    facts.parts[root_of("a")] = content = PieceList(root_of("a"), 1, 262_144, b"")
    choice = facts.decisions.choose(A, record("a", executable=True), place(record("a", text="old")))
    assert choice.waits
    assert choice.ready is not None
    item = choice.ready.item
    assert (item.source, item.content, item.mtime_ns, item.executable) == (
        Source.PART,
        content,
        5,
        True,
    )
    assert (item.expected_root, item.expected and item.expected.size) == (root_of("old"), 3)
    assert not choice.ready.over_folder


def test_folders_empty_files_and_removals_need_no_source(facts: Facts) -> None:
    ready = facts.decisions.choose(A, folder("a"), place(record("a"))).ready
    assert ready is not None
    assert (ready.item.source, ready.item.content, ready.item.expected_root) == (
        Source.FOLDER,
        None,
        root_of("a"),
    )
    ready = facts.decisions.choose(A, record("a", text=""), None).ready
    assert ready is not None
    assert (ready.item.source, ready.item.expected) == (Source.EMPTY, None)
    ready = facts.decisions.choose(A, None, place(folder("a"))).ready
    assert ready is not None
    assert (ready.item.source, ready.item.expected, ready.over_folder) == (Source.NONE, None, False)


def test_a_file_over_a_folder_says_so(facts: Facts) -> None:
    ready = facts.decisions.choose(A, record("a", text=""), place(folder("a"))).ready
    assert ready is not None
    assert ready.over_folder


def test_time_and_mode_are_touched_in_place(facts: Facts) -> None:
    ready = facts.decisions.choose(A, record("a", mtime_ns=9), place(record("a"))).ready
    assert ready is not None
    assert (ready.item.source, ready.item.local, ready.source) == (Source.LOCAL, ready.item.path, A)


def test_a_file_that_stays_is_copied_and_one_that_goes_is_moved(facts: Facts) -> None:
    facts.shares(record("stays", text="x"), record("new", text="x"))
    facts.stands(record("stays", text="x"))
    assert facts.source(record("new", text="x")) == (Source.LOCAL, "d2/stays")
    facts.stands(record("goes", text="x"), owner=BERT)
    assert facts.source(record("new", text="x")) == (Source.LOCAL, "d2/stays")  # remembered
    facts.decisions.look_again()
    assert facts.source(record("new", text="x")) == (Source.MOVED, "d3/goes")


def test_own_files_and_held_files_never_leave(facts: Facts) -> None:
    assert not facts.decisions.leaves(Spot(facts.node.own_manifest, b"mine"))
    assert facts.decisions.leaves(A)
    facts.holds.hold(ANNAS, [b"a"])
    assert not facts.decisions.leaves(A)
    assert facts.decisions.choose(A, None, place(record("a"))) == Choice()


def test_what_an_owner_lost_too_much_of_at_once_is_neither_removed_nor_replaced(
    facts: Facts,
) -> None:
    old = record("a")
    facts.held.hold(ANNAS, 1, [Loss(b"a", old.size, old.root, replaced=False)])
    assert not facts.decisions.leaves(A)
    for wanted in (None, record("a", text="x"), folder("a")):
        assert facts.decisions.choose(A, wanted, place(old)) == Choice()
    assert facts.decisions.choose(A, old, place(old)) == Choice(), "as it is wanted"
    assert facts.decisions.leaves(A)


def test_what_is_hidden_is_neither_changed_nor_a_source(facts: Facts) -> None:
    facts.shares(record("new", text="x"))
    facts.stands(record("a", text="x"))
    facts.hidden = {A}
    assert not facts.decisions.leaves(A)
    for wanted in (None, record("a", text="y"), record("a", mtime_ns=9)):
        assert facts.decisions.choose(A, wanted, place(record("a", text="x"))) == Choice(
            hidden=True
        )
    assert facts.decisions.choose(A, record("a"), None) == Choice(waits=True), "nothing is hidden"
    assert facts.source(record("new", text="x")) == (Source.PART, "fetched")


def test_what_is_no_source(facts: Facts) -> None:
    facts.stands(record("new/in", text="x"), replace(record("long", text="x"), size=2))
    facts.stands(record("e", text="x"), where=Folder.EVERYONE)
    facts.stands(record("was a member's", text="x"), owner=builders.key(9).device)
    assert facts.source(record("new", text="x")) == (Source.PART, "fetched")


def test_a_source_that_failed_is_not_offered_again(facts: Facts) -> None:
    facts.stands(record("old", text="x"))
    facts.failed(Spot(ANNAS, b"new"), Spot(ANNAS, b"old"))
    assert facts.source(record("new", text="x")) == (Source.PART, "fetched")
    assert facts.source(record("other", text="x")) == (Source.MOVED, "d2/old")


def test_a_spot_that_is_not_what_was_thought_is_replaced(facts: Facts) -> None:
    facts.failed(A, A)
    assert facts.decisions.choose(A, record("a", mtime_ns=9), place(record("a"))) == Choice(
        waits=True
    )


def test_a_large_content_is_checked_by_its_list(facts: Facts) -> None:
    content = piece_list(2)
    wanted = replace(record("big"), root=content.root, size=content.size_bytes)
    facts.stands(replace(wanted, path=b"old"))
    ready = facts.decisions.choose(Spot(ANNAS, b"big"), wanted, None).ready
    assert ready is not None
    assert ready.item.content == replace_hashes(content)
    facts.node.index.contents.put(content)
    ready = facts.decisions.choose(Spot(ANNAS, b"big"), wanted, None).ready
    assert ready is not None
    assert ready.item.content == content


def replace_hashes(content: PieceList) -> PieceList:
    return PieceList(content.root, content.size_bytes, content.piece_size, b"")


def test_a_large_content_in_a_part_file_is_checked_by_the_list_it_came_with(facts: Facts) -> None:
    facts.parts[piece_list(2).root] = content = piece_list(2)
    wanted = replace(record("big"), root=content.root, size=content.size_bytes)
    ready = facts.decisions.choose(Spot(ANNAS, b"big"), wanted, None).ready
    assert ready is not None
    assert ready.item.content == content


def test_it_says_how_many_contents_were_looked_for(facts: Facts) -> None:
    facts.source(record("new", text="x"))
    assert repr(facts.decisions) == "<Decisions: 1 contents looked for>"


def test_what_is_damaged_is_fetched_though_the_index_says_that_it_stands(facts: Facts) -> None:
    wanted = record("a")
    spot = Spot(ANNAS, wanted.path)
    assert facts.decisions.choose(spot, wanted, place(wanted)) == Choice()
    facts.damaged.add(spot)
    assert facts.decisions.choose(spot, wanted, place(wanted)) == Choice(waits=True)


def test_what_is_to_be_exchanged_is_known_by_its_stat(facts: Facts) -> None:
    wanted = record("a", text="later")
    spot, earlier = Spot(ANNAS, wanted.path), place(record("a", text="earlier"))
    facts.parts[Root(wanted.root)] = piece_list(1)
    ready = facts.decisions.choose(spot, wanted, earlier).ready
    facts.damaged.add(spot)
    exchanged = facts.decisions.choose(spot, wanted, earlier).ready
    assert ready is not None
    assert exchanged is not None
    assert ready.item.expected == exchanged.item.expected is not None
    assert (ready.item.expected_root, exchanged.item.expected_root) == (earlier.root, wanted.root)


def test_what_is_damaged_is_no_source(facts: Facts) -> None:
    wanted = record("a")
    facts.shares(wanted)
    facts.stands(wanted)
    assert facts.source(record("b", text="a")) == (Source.LOCAL, "d2/a")
    facts.damaged.add(Spot(ANNAS, wanted.path))
    facts.decisions.look_again()
    assert facts.source(record("b", text="a")) == (Source.PART, "fetched")


def test_what_is_left_alone_is_not_even_fetched(facts: Facts) -> None:
    a = record("a")
    spot = Spot(facts.node.own_manifest, a.path)
    assert facts.decisions.choose(spot, a, None).waits
    facts.alone.add(spot)
    assert facts.decisions.choose(spot, a, None) == Choice()


# -- a disk that takes some names for one ----------------------------------------------------------
@pytest.fixture
def folding() -> Facts:
    return Facts(NameLimits(CaseFolding.ALL, refused=frozenset({not_portable("a:b")})))


def spot(path: str) -> Spot:
    return Spot(ANNAS, path.encode())


def test_what_is_kept_out_is_not_waited_for_and_what_stands_there_goes(folding: Facts) -> None:
    folding.shares(record("A"), record("a"), record("x:y"))
    choice = folding.decisions.choose(A, record("a"), None)
    assert (choice.waits, choice.ready) == (False, None)
    assert choice.kept_out is not None
    assert choice.kept_out.reason.startswith("it is not placed")
    choice = folding.decisions.choose(A, record("a"), place(record("a")))
    assert choice.kept_out is not None
    assert choice.ready is not None
    assert choice.ready.item.source is Source.NONE
    assert folding.decisions.leaves(A)
    assert not folding.decisions.leaves(spot("A"))
    refused = folding.decisions.choose(spot("x:y"), record("x:y"), None).kept_out
    assert refused is not None
    assert "cannot hold" in refused.reason


def test_what_is_in_the_way_under_another_spelling_is_waited_for(folding: Facts) -> None:
    folding.shares(record("a"))
    folding.stands(record("A"))
    choice = folding.decisions.choose(A, record("a"), None)
    assert choice.kept_out is not None
    assert "waits until d2/A" in choice.kept_out.reason
    assert folding.decisions.choose(A, record("a"), place(record("a"))) == Choice()


def test_what_has_the_content_and_is_in_the_way_itself_is_moved(folding: Facts) -> None:
    folding.shares(record("a", text="x"))
    folding.stands(record("A", text="x"))
    assert folding.source(record("a", text="x")) == (Source.MOVED, "d2/A")


def test_a_folder_that_nobody_wants_becomes_the_one_of_another_spelling(folding: Facts) -> None:
    folding.shares(folder("a"))
    folding.stands(folder("A"), record("A/in"))
    choice = folding.decisions.choose(A, folder("a"), None)
    assert choice.ready is not None
    assert (choice.ready.item.source, str(choice.ready.item.local)) == (Source.FOLDER, "d2/A")
    assert choice.ready.source == spot("A")


@pytest.mark.parametrize("why", ["wanted", "below", "lost", "held", "file"])
def test_a_folder_that_has_to_stay_is_waited_for(folding: Facts, why: str) -> None:
    wanted = "x/a" if why == "below" else "a"
    folding.shares(folder(wanted), *([folder("A")] if why == "wanted" else []))
    stands = record("A") if why == "file" else folder("X" if why == "below" else "A")
    folding.stands(stands, *([record("A/in")] if why in {"lost", "held"} else []))
    if why == "lost":
        folding.held.hold(ANNAS, 1, [Loss(b"A/in", 1, b"root", replaced=False)])
    elif why == "held":
        folding.holds.hold(ANNAS, [b"A/in"])
    choice = folding.decisions.choose(spot(wanted), folder(wanted), None)
    assert choice.kept_out is not None
    assert choice.ready is None


def trashed(facts: Facts, path: str, of: FileRecord, owner=ANNA) -> None:
    """An earlier version of a path came into the trash here."""
    name = ManifestName.own(owner)
    facts.node.index.places.put(name, [place(replace(of, path=path.encode()))])
    facts.node.index.former.note_kept(name, [(path.encode(), b"")], "d2 before")
    facts.node.index.places.remove(name, [path.encode()])


def test_what_only_the_trash_here_has_of_its_owner_is_copied_from_there(facts: Facts) -> None:
    trashed(facts, "docs/a", record("a"))
    assert facts.source(record("a")) == (Source.KEPT, "d2 before/docs/a")
    ready = facts.decisions.choose(A, record("a"), None).ready
    assert ready is not None
    assert ready.source is None
    facts.stands(record("b", text="a"))
    facts.decisions.look_again()
    assert facts.source(record("a"))[0] is Source.MOVED, "what stands is known better"


def test_what_another_owner_threw_away_is_not_given_to_this_one(facts: Facts) -> None:
    trashed(facts, "a", record("a"), BERT)
    assert facts.source(record("a")) == (Source.PART, "fetched")


def test_own_files_do_not_come_from_the_own_trash(facts: Facts) -> None:
    own = facts.node.own_manifest
    trashed(facts, "a", record("a"), own.owner)
    assert facts.decisions.choose(Spot(own, b"a"), record("a"), None) == Choice(waits=True)


def test_an_earlier_version_of_many_pieces_comes_if_they_are_known(facts: Facts) -> None:
    pieces = piece_list(3)
    size, root = pieces.size_bytes, pieces.root
    large = replace(record("a"), size=size, piece_size=pieces.piece_size, root=root)
    trashed(facts, "a", large)
    assert facts.source(large) == (Source.PART, "fetched"), "it could not be compared"
    facts.node.index.contents.put(pieces)
    assert facts.source(large) == (Source.KEPT, "d2 before/a")
