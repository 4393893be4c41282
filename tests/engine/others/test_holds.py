"""Held paths: kept until shared again or let go, across restarts; told as long as they stand."""

from __future__ import annotations

from potluck.core.content.facts import Amount, ManifestName, Spot
from potluck.core.wire.catalogue import FileRecord, Folder, encode
from potluck.engine.effects import Tell
from potluck.engine.node import Node
from potluck.engine.others.holds import Holds, confirm_left
from potluck.engine.troubles import Trouble, TroubleKind
from tests.engine import builders
from tests.engine.builders import taken
from tests.engine.index.builders import folder, place, record
from tests.engine.listeners import Heard
from tests.engine.receiver import ANNA, ANNAS, BERT

BERTS = ManifestName.own(BERT)
KEY = f"held {ANNA.hex()}"
A = Spot(ANNAS, b"a")


class Kept:
    """A node, what it holds, and what the register says."""

    def __init__(self, node: Node | None = None) -> None:
        self.node = node or builders.node(1)
        self.node.roster = builders.group(1, 2, 3)
        self.heard = list[Spot]()  # what is to be decided anew
        self.holds = Holds(self.node, Heard(look_again=self.heard.append))

    def stand(self, *records: FileRecord, name: ManifestName = ANNAS) -> list[bytes]:
        """These stand here; their paths."""
        self.node.index.places.put(name, list(map(place, records)))
        return [each.path for each in records]

    @property
    def known(self) -> list[Trouble]:
        """What the register says."""
        return self.node.troubles.of(TroubleKind.LEFT_BEHIND)

    def again(self) -> Kept:
        """The next start on the same index."""
        later = Kept(builders.node(1, index=self.node.index))
        later.holds.start()
        return later


def test_what_is_held_is_held_for_its_owner_only() -> None:
    kept = Kept()
    assert kept.holds.hold(ANNAS, [b"a", b"b"]) == 2
    assert kept.holds.hold(ANNAS, [b"b", b"c"]) == 1
    assert kept.holds.has(A)
    assert not kept.holds.has(Spot(BERTS, b"a"))


def test_a_restart_forgets_nothing_and_a_release_lasts() -> None:
    kept = Kept()
    kept.holds.hold(ANNAS, [b"a", b"b"])
    kept.again().holds.release(ANNAS, [b"a", b"other"])
    later = kept.again().holds
    assert (later.has(A), later.has(Spot(ANNAS, b"b"))) == (False, True)
    later.release(ANNAS, [b"b"])
    assert kept.node.index.meta.get(KEY) is None, "nothing is left of it"


def test_nothing_is_written_where_nothing_changes() -> None:
    kept = Kept()
    assert kept.holds.hold(ANNAS, []) == 0
    kept.holds.release(ANNAS, [b"a"])
    assert kept.node.index.meta.get(KEY) is None
    assert taken(kept.node, Tell) == []


def test_each_of_an_owners_manifests_has_its_own() -> None:
    kept, common = Kept(), ManifestName(ANNA, Folder.EVERYONE)
    kept.holds.hold(ANNAS, [b"a"])
    kept.holds.hold(common, [b"b"])
    later = kept.again().holds
    assert [later.has(Spot(common, path)) for path in (b"a", b"b")] == [False, True]
    assert [later.has(Spot(ANNAS, path)) for path in (b"a", b"b")] == [True, False]


def test_what_an_earlier_version_held_is_still_held() -> None:
    kept = Kept()
    kept.node.index.meta.set(KEY, encode([b"a"]))
    assert kept.again().holds.has(A)


def test_it_says_how_many_there_are() -> None:
    kept = Kept()
    kept.holds.hold(ANNAS, [b"a", b"b"])
    assert repr(kept.holds) == "<Holds: 2 paths of 1 manifests>"


# -- what people are told --------------------------------------------------------------------------
def test_what_stands_is_in_the_register_with_what_lets_it_go() -> None:
    kept = Kept()
    paths = kept.stand(record("f/a", text="12"), record("b"), folder("f"), record("c"))
    kept.holds.hold(ANNAS, paths)
    (one,) = kept.known
    assert (one.subject, one.command, one.wrong) == ("d2", "confirm d2/", False)
    assert one.reason == (
        "it came back without 3 files and 1 folder (4 B), which therefore stay here: d2/b, d2/c,"
        " d2/f/a and 1 more; d2 shares them again where they are copied into its folder there; if"
        " nobody needs them, confirm that"
    )
    assert kept.again().known == kept.known
    assert kept.holds.amount(ANNAS) == Amount(3, 1, 4)


def test_a_single_file_is_it() -> None:
    kept = Kept()
    kept.holds.hold(ANNAS, kept.stand(record("a")))
    (one,) = kept.known
    assert one.reason == (
        "it came back without 1 file (1 B), which therefore stays here: d2/a; d2 shares it again"
        " where it is copied into its folder there; if nobody needs it, confirm that"
    )
    (told,) = taken(kept.node, Tell)
    assert told.text == (
        "d2 came back without 1 of its files: it is kept here, in Shared/d2; d2 shares it again"
        " where it is copied into its folder there"
    )


def test_what_stands_nowhere_any_more_is_not_told_and_held_if_it_comes_back() -> None:
    kept = Kept()
    kept.holds.hold(ANNAS, kept.stand(record("a")))
    kept.node.index.places.remove(ANNAS, [b"a"])
    kept.holds.see(A, None, None)
    kept.holds.settle()
    assert (kept.holds.has(A), kept.known, kept.again().known) == (True, [], [])
    kept.stand(record("a", text="12"))
    kept.holds.see(A, None, place(record("a", text="12")))
    kept.holds.settle()
    assert len(kept.known) == 1
    assert kept.holds.amount(ANNAS) == Amount(1, 0, 2), "as it is now"


def test_what_is_shared_again_is_over_and_what_stands_stays() -> None:
    kept = Kept()
    kept.holds.hold(ANNAS, kept.stand(record("a"), record("b")))
    kept.holds.see(A, record("a"), place(record("a")))
    assert kept.holds.has(A), "until all of this slice was looked at"
    kept.holds.see(Spot(ANNAS, b"b"), None, place(record("b")))
    kept.holds.see(Spot(ANNAS, b"other"), record("other"), None)
    kept.holds.settle()
    assert (kept.holds.has(A), kept.holds.has(Spot(ANNAS, b"b"))) == (False, True)
    assert kept.holds.amount(ANNAS) == Amount(1, 0, 1)


def test_what_was_being_placed_is_told_when_it_stands() -> None:
    kept = Kept()
    kept.holds.hold(ANNAS, [b"a"])
    assert kept.known == []
    kept.holds.see(A, None, place(record("a")))
    kept.holds.settle()
    assert len(kept.known) == 1


def test_who_has_another_label_is_told_by_it_and_who_has_no_folder_is_not() -> None:
    kept = Kept()
    kept.holds.hold(ANNAS, kept.stand(record("a")))
    kept.holds.hold(BERTS, kept.stand(record("a"), name=BERTS))
    assert [one.subject for one in kept.known] == ["d2", "d3"]
    roster = builders.group(1, 3)
    kept.node.roster = roster
    kept.holds.renew()
    assert [one.subject for one in kept.known] == ["d3"]
    assert kept.holds.has(A), "it stays all the same"


# -- letting go ------------------------------------------------------------------------------------
def test_a_person_lets_go_what_is_at_a_path_or_all_of_it() -> None:
    kept = Kept()
    paths = kept.stand(record("f/a", text="12"), folder("f"), record("f2"), record("b"))
    kept.holds.hold(ANNAS, paths)
    said = kept.holds.let_go(ANNAS, b"f")
    assert said is not None
    assert said.startswith(
        "What d2 came back without is not kept here any longer: 1 file and 1 folder (2 B) go to"
    )
    assert said.endswith(" Another device that keeps some of it says so itself.")
    assert kept.heard == [Spot(ANNAS, b"f"), Spot(ANNAS, b"f/a")]
    assert kept.holds.let_go(ANNAS, b"f") is None
    assert kept.holds.let_go(BERTS) is None
    assert kept.holds.let_go(ANNAS) is not None
    assert (kept.known, kept.again().known) == ([], [])


def test_below_a_path_is_what_is_inside() -> None:
    kept = Kept()
    kept.holds.hold(ANNAS, kept.stand(record("f/a"), record("b")))
    asked = {b"": True, b"f": True, b"f/a": False, b"b": False, b"g": False}
    assert {path: kept.holds.any_below(ANNAS, path) for path in asked} == asked


def test_what_cannot_be_typed_is_not_named() -> None:
    kept = Kept()
    assert confirm_left(kept.node, Spot(ANNAS, b"a b")) == "confirm 'd2/a b'"
    assert confirm_left(kept.node, Spot(ANNAS, b"a\x1bb")) == ""
    assert confirm_left(kept.node, Spot(BERTS, b"")) == "confirm d3/"
