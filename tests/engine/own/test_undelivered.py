"""What goes before anybody else said to have it is told; what was delivered, or only moved, is not.

Strategy: a real `Publishing` tells what is new, over a real index.
"""

from __future__ import annotations

import pytest

from potluck.core.content.facts import NOTHING, Amount, ManifestName
from potluck.core.content.pieces import Root
from potluck.core.wire.catalogue import Folder, Gap, Holding
from potluck.engine.effects import Tell
from potluck.engine.events import LinkId
from potluck.engine.node import Node
from potluck.engine.own import publishing, undelivered
from potluck.engine.own.ignore_file import SAID
from potluck.engine.own.undelivered import REMOVED_SHOWN_S, TOLD_AFTER_S, Undelivered, _Gone
from potluck.engine.troubles import Trouble, TroubleKind
from tests.engine.builders import group, key, taken
from tests.engine.own.test_publishing import Publisher
from tests.engine.views.faces import shared


class Device:
    """A device that shares files, and what it says of those that go."""

    def __init__(self, over: Node | None = None, run: int = 1) -> None:
        self.files = Publisher(over, run)
        self.node = self.files.node
        self.undelivered = Undelivered(self.node)
        self.undelivered.start()

    def share(self, **texts: str) -> None:
        for path, text in texts.items():
            self.files.put(path, text)
        self.publish()

    def publish(self) -> None:
        self.files.tick()
        self.undelivered.on_published()
        self.undelivered.on_shared(self.files.changes())

    def drop(self, *paths: str) -> None:
        self.files.drop(*paths)
        self.publish()

    def kept(
        self,
        seq: int,
        generation: int = 1,
        missing: int = 0,
        folder: Folder = Folder.OWN,
        gaps: tuple[Gap, ...] = (),
    ) -> None:
        own = (self.node.me, folder, generation, seq)
        self.undelivered.on_kept([Holding(*own, missing, 0, 0, gaps=gaps)])

    def told(self) -> list[tuple[str, str]]:
        """What is said, once it was gathered for long enough."""
        self.node.now += TOLD_AFTER_S
        self.undelivered.on_tick()
        return [
            (one.level, one.text) for one in taken(self.node, Tell) if one.code == "undelivered"
        ]

    def seq_of(self, path: str) -> int:
        """The number of the change that shared a path."""
        found = self.node.index.manifests.get(self.node.own_manifest, path.encode())
        assert found is not None
        return found.seq

    def lost(self) -> list[Trouble]:
        """What the register has of it."""
        return self.node.troubles.of(TroubleKind.LOST)


HAD = "before any other device said that it had"
ONE = ". Have it back, as far as a device has it after all? If so, type: restore d1/"
SEVERAL = ". Have them back, as far as a device has one of them after all? If so, type: undo"


def test_a_file_that_goes_before_anybody_had_it_is_told() -> None:
    device = Device()
    device.share(a="text")
    assert device.undelivered.deadline() is None
    device.drop("a")
    due_s = device.undelivered.deadline()
    assert due_s == device.node.now + TOLD_AFTER_S
    device.undelivered.on_tick()
    assert device.undelivered.deadline() == due_s, "gathered for a moment"
    assert device.told() == [("warning", f"d1/a was removed here {HAD} it{ONE}a")]
    assert device.undelivered.deadline() == device.node.now + REMOVED_SHOWN_S
    assert device.told() == []


def test_several_are_one_line() -> None:
    device = Device()
    device.share(a="1", b="2", c="3", d="4", e="5")
    device.drop("a", "b")
    device.drop("c", "d", "e")
    ((_, text),) = device.told()
    assert text == f"d1/a, d1/b, d1/c and 2 more were removed here {HAD} them{SEVERAL}"


def test_what_somebody_had_goes_in_silence() -> None:
    device = Device()
    device.share(a="text")
    device.kept(1)
    device.drop("a")
    assert device.told() == []
    assert repr(device.undelivered) == "<Undelivered: 0 files above 1>"


@pytest.mark.parametrize(
    "said",
    [
        {"seq": 1, "missing": 1},  # it lacks something
        {"seq": 1, "generation": 2},  # of another generation
        {"seq": 99},  # of a list that there never was
        {"seq": 0},
        {"seq": 1, "folder": Folder.EVERYONE},
    ],
)
def test_what_nobody_said_to_have_is_not_delivered(said: dict[str, int]) -> None:
    device = Device()
    device.share(a="text")
    device.kept(**said)  # type: ignore[arg-type]
    device.drop("a")
    assert len(device.told()) == 1


def test_who_lacks_something_else_had_the_rest() -> None:
    device = Device()
    device.share(a="text", b="other", c="third")
    lacks = device.seq_of("b")
    device.kept(3, missing=1, gaps=(Gap(lacks, lacks),))
    assert repr(device.undelivered) == f"<Undelivered: 1 files above {lacks - 1}>"
    device.drop("a", "c")
    assert device.told() == []
    device.drop("b")
    assert "d1/b was removed here" in device.told()[0][1]
    assert len(device.lost()) == 1
    device.kept(3, missing=1, gaps=(Gap(lacks, lacks),))
    assert len(device.lost()) == 1, "it says that it has not got that very file"
    device.kept(3, missing=1, gaps=(Gap(99, 99),))
    assert device.lost() == []


def test_what_is_left_out_of_what_is_shared_was_not_removed() -> None:
    device = Device()
    device.share(**{"a.tmp": "text", "b": "text of b"})
    device.node.index.meta.set(SAID, b"*.tmp\n")
    device.drop("a.tmp", "b")
    assert [text for _, text in device.told()] == [f"d1/b was removed here {HAD} it{ONE}b"]


def test_what_lacks_of_a_list_that_there_never_was_delivers_nothing() -> None:
    device = Device()
    device.share(a="text")
    device.kept(99, missing=1, gaps=(Gap(98, 98),))
    device.drop("a")
    assert len(device.told()) == 1


def test_while_others_hold_what_was_lost_here_their_words_count_nothing() -> None:
    device = Device()
    device.share(a="text")
    device.node.unmerged = True
    device.kept(1)
    device.drop("a")
    assert len(device.told()) == 1


def test_what_is_said_of_the_folders_of_others_counts_nothing() -> None:
    device = Device()
    device.share(a="text")
    device.undelivered.on_kept([Holding(*ManifestName.own(key(2).device), 1, 1, 0, 0, 0)])
    device.drop("a")
    assert len(device.told()) == 1


def test_a_word_before_the_first_list_counts_nothing() -> None:
    device = Device()
    device.kept(1)
    assert repr(device.undelivered) == "<Undelivered: 0 files above 0>"


def test_a_replaced_version_is_told_once_for_each_path(monkeypatch: pytest.MonkeyPatch) -> None:
    device = Device()
    words = "replaced here before any other device had the version of before"
    for text, told in [("one", []), ("two", [("info", f"d1/a was {words}")]), ("three", [])]:
        device.share(a=text)
        assert device.told() == told
    monkeypatch.setattr(undelivered, "OPEN_MAX", 1)
    device.share(b="one")
    device.share(b="two")
    assert device.told() == [("info", f"d1/b was {words}")]
    device.share(a="four")
    assert device.told() == [], "forgotten: only so many are remembered"


def test_a_file_that_is_moved_touched_or_empty_is_not_lost() -> None:
    device = Device()
    device.share(a="text", empty="")
    device.files.put("a", "text", mtime_ns=5)
    device.publish()
    device.files.put("b", "text")
    device.files.drop("a")
    device.publish()
    device.drop("empty")
    assert device.told() == []
    device.drop("b")
    assert len(device.told()) == 1, "under its new name it is still had by nobody"


def test_a_rename_in_two_steps_is_one() -> None:
    device = Device()
    device.share(a="text")
    device.drop("a")
    device.share(b="text")
    assert device.told() == []


def test_what_was_delivered_under_another_name_is_delivered() -> None:
    device = Device()
    device.share(a="text")
    device.kept(1)
    device.files.put("b", "text")
    device.files.drop("a")
    device.publish()
    device.drop("b")
    assert device.told() == []


def test_folders_are_no_content() -> None:
    device = Device()
    device.files.folder("d")
    device.publish()
    device.drop("d")
    assert device.told() == []


def test_who_is_alone_is_told_nothing() -> None:
    device = Device()
    for roster in (group(1), None):
        device.share(a="text")
        device.node.roster = roster
        device.drop("a")
        assert device.told() == []


def test_a_restart_forgets_neither_what_is_open_nor_what_was_delivered() -> None:
    device = Device()
    device.share(a="1")
    device.kept(1)
    device.share(b="2")
    again = Undelivered(device.node)
    again.start()
    assert repr(again) == "<Undelivered: 1 files above 1>"


def test_how_much_nobody_said_to_have_is_known_over_a_restart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    device = Device()
    assert device.undelivered.amount == NOTHING
    device.share(a="1", b="22")
    assert device.undelivered.amount == Amount(2, 0, 3)
    device.kept(2)
    assert device.undelivered.amount == NOTHING
    device.share(c="333")
    again = Undelivered(device.node)
    again.start()
    assert (again.amount, again.is_full) == (Amount(1, 0, 3), False)
    monkeypatch.setattr(undelivered, "OPEN_MAX", 1)
    assert again.is_full, "perhaps some were forgotten"


def test_what_a_path_lost_before_it_was_noted_is_not_remembered() -> None:
    device = Device()
    device.share(a="text")
    changes = device.files.changes()
    device.drop("a")
    device.told()
    device.undelivered.on_shared(changes)
    assert repr(device.undelivered) == "<Undelivered: 0 files above 0>"


def test_what_was_removed_stands_in_the_register_with_the_way_back() -> None:
    device = Device()
    device.share(a="1", b="2")
    device.drop("a")
    assert device.lost() == [], "it may only have been renamed"
    device.told()
    (one,) = device.lost()
    known = "so whether any has {} is not known"
    assert one.reason == f"1 file was removed here {HAD} it, {known.format('it')}: d1/a"
    assert (one.subject, one.command, one.wrong) == ("d1", "restore d1/a", False)
    device.drop("b")
    device.told()
    (both,) = device.lost()
    assert (
        both.reason
        == f"2 files were removed here {HAD} them, {known.format('them')}: d1/b and d1/a"
    )
    assert both.command == "restore d1/b", "the last first"
    assert both.since_s == one.since_s
    device.share(b="again")
    device.told()
    assert device.lost()[0].command == "restore d1/a"
    device.share(a="1")
    assert device.lost() == []
    assert device.undelivered.deadline() is None


def test_what_was_removed_is_shown_for_a_day_after_the_last() -> None:
    device = Device()
    device.share(a="1", b="2")
    device.drop("a")
    device.told()
    device.node.now += REMOVED_SHOWN_S - TOLD_AFTER_S - 1.0
    device.drop("b")
    device.told()
    device.told()
    assert len(device.lost()) == 1
    device.node.now += REMOVED_SHOWN_S
    device.undelivered.on_tick()
    assert device.lost() == []
    assert device.undelivered.deadline() is None


def test_a_word_that_comes_late_ends_what_it_proves_and_nothing_else() -> None:
    device = Device()
    device.share(a="1")  # change 1
    device.share(b="2")  # change 2
    device.drop("a")  # change 3
    device.drop("b")  # change 4
    device.told()
    for seq, generation, missing in ((4, 1, 0), (2, 1, 1), (2, 2, 0)):
        device.kept(seq, generation, missing)  # of a list without them, not all of it, another one
        assert device.lost()[0].reason.endswith(": d1/b and d1/a")
    device.kept(3)
    assert device.lost()[0].reason.endswith(": d1/a"), "a was gone from that list, b was not"
    device.kept(1)
    assert device.lost() == []
    assert device.undelivered.deadline() is None


def test_a_word_that_comes_a_moment_after_a_file_went_keeps_it_from_being_told() -> None:
    device = Device()
    device.share(a="1")
    device.drop("a")
    device.kept(1)
    assert device.told() == []
    assert device.lost() == []


def test_a_word_about_the_version_before_says_nothing_of_the_one_that_went() -> None:
    device = Device()
    device.share(a="1")
    device.share(a="2")
    device.drop("a")
    device.told()
    device.kept(1)
    assert len(device.lost()) == 1
    device.kept(2)
    assert device.lost() == []


def test_what_was_replaced_is_not_in_the_register() -> None:
    device = Device()
    device.share(a="1")
    device.share(a="2")
    assert len(device.told()) == 1
    assert device.lost() == []


def test_only_so_many_removed_ones_are_shown_and_an_odd_name_is_not_typed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    device = Device()
    device.share(a="1", b="2", **{"d 1": "3"})
    monkeypatch.setattr(undelivered, "REMOVED_MAX", 1)
    device.drop("a", "b", "d 1")
    device.told()
    (one,) = device.lost()
    assert one.reason.startswith("1 file or more was removed here")
    assert one.reason.endswith(": “d1/d 1”")
    assert one.command == "restore 'd1/d 1'"
    monkeypatch.setattr(undelivered, "typable", lambda *_: "")
    device.undelivered._show()
    assert device.lost()[0].command == "history"


def test_it_stands_there_under_the_name_that_the_device_has_now(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    device = Device()
    device.share(a="1", b="2")
    device.drop("a")
    device.told()
    monkeypatch.setattr(Node, "own_label", "anna")
    device.drop("b")
    device.told()
    assert [one.subject for one in device.lost()] == ["anna"]


def test_what_comes_back_under_another_name_is_no_longer_told_as_removed() -> None:
    device = Device()
    device.share(a="1", b="2")
    device.drop("a", "b")
    device.told()
    device.share(pasted="1")
    (one,) = device.lost()
    assert one.reason.endswith(": d1/b")


def test_what_was_restored_is_no_longer_told_as_removed() -> None:
    wire, ann, _ = shared()
    device = ann.engine.wiring.undelivered
    gone = _Gone(Root(bytes(32)), replaced=False, seq=1, last=(0, 0))
    device._lost = {b"0": gone, b"gone": gone}
    ann.write("x", b"1")
    wire.run(3.0)
    assert list(device._lost) == [b"gone"], "a new head, and that path is shared"
    (one,) = ann.engine.node.troubles.of(TroubleKind.LOST)
    assert one.command == "restore d1/gone"


def lacking_device(*lacking: str) -> Device:
    """A device of three that shared a, b and c, which the second has, and lacks these since."""
    device = Device()
    device.node.roster = group(1, 2, 3)
    device.share(a="1", b="2", c="3")
    device.kept(3)
    gaps = tuple(Gap(seq, seq) for seq in sorted(map(device.seq_of, lacking)))
    own = device.node.own_manifest
    peer = device.node.peer(key(2).device)
    peer.link = LinkId(2)
    peer.kept[own] = Holding(*own, 1, 3, len(gaps), len(gaps), 0, gaps=gaps)
    return device


def test_what_those_that_are_linked_lack_by_now_is_told_when_it_goes() -> None:
    device = lacking_device("a", "b")
    device.drop("a", "c")
    nobody = "no other device is known to have any of it (d3 is away)"
    assert device.told() == [("warning", f"d1/a was removed here; {nobody}{ONE}a")]
    (one,) = device.lost()
    assert one.reason == (
        "1 file was removed here while no linked device was known to have it,"
        " so whether any has it is not known: d1/a"
    )
    device.kept(3, missing=1, gaps=(Gap(1, 1),))
    assert device.lost(), "the same, said by another"
    device.kept(3)
    assert not device.lost(), "it had it after all"


def test_who_is_away_may_have_had_it() -> None:
    device = lacking_device("a", "b")
    own = device.node.own_manifest
    device.node.peer(key(3).device).kept[own] = Holding(*own, 1, 3, 0, 0, 0)
    device.drop("a", "b")
    away = "d3 is away, and by its last word had all of it"
    assert device.told() == [("warning", f"d1/a and d1/b were removed here; {away}{SEVERAL}")]


def test_both_kinds_of_what_nobody_has_are_one_line_of_the_register() -> None:
    device = lacking_device("a")
    device.share(new="4")
    device.drop("a", "new")
    assert len(device.told()) == 2
    (one,) = device.lost()
    assert one.reason == (
        "2 files were removed here before any other device said that it had or while no linked"
        " device was known to have them, so whether any has them is not known: d1/a and d1/new"
    )


def test_what_another_has_or_what_only_moved_or_is_empty_goes_in_silence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    device = lacking_device("a")
    own = device.node.own_manifest
    other = device.node.peer(key(3).device)
    other.link = LinkId(3)
    other.kept[own] = Holding(*own, 1, 3, 0, 0, 0)
    device.drop("a")
    assert device.told() == []
    device = lacking_device("a")
    device.share(elsewhere="1")
    device.drop("a")
    assert device.told() == []
    device = lacking_device("a")
    monkeypatch.setattr(publishing, "LOOKED_UP_MAX", 0)
    device.drop("a")
    assert device.told() == [], "of very many nobody asks"


def test_it_is_told_as_well_while_nobody_is_linked_or_who_is_lacks_something() -> None:
    device = lacking_device("a")
    peer = device.node.peer(key(2).device)
    peer.link = None
    device.drop("a", "b")
    nobody = "no other device is known to have any of it (d2 and d3 are away)"
    assert device.told() == [("warning", f"d1/a was removed here; {nobody}{ONE}a")]
    device = lacking_device("a")
    own, peer = device.node.own_manifest, device.node.peer(key(2).device)
    peer.kept[own] = Holding(*own, 1, 3, 3, 3, 0)
    device.drop("b")
    nobody = "no other device is known to have any of it (d3 is away)"
    assert device.told() == [("warning", f"d1/b was removed here; {nobody}{ONE}b")]


def test_what_was_not_here_any_more_and_is_given_up_goes_in_silence() -> None:
    device = lacking_device("a")
    device.files.publishing.share_again([device.files.records["a"]])
    device.files.publishing.confirm(b"a")
    device.publish()
    assert device.told() == []
