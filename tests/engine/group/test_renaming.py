"""Renaming: who may call whom how, what becomes of taken names, and `up --name` on a home."""

from __future__ import annotations

from typing import Any

import pytest

from potluck.core import limits
from potluck.core.errors import NotFound, Refused, UsageError
from potluck.core.group.labels import LABEL_RULE
from potluck.core.group.roster import Roster
from potluck.core.group.statements import (
    Regroup,
    Relabel,
    Remove,
    sign_act,
    sign_removal,
)
from potluck.core.keys.identity import short_id
from potluck.engine.effects import MarkShare, Tell
from potluck.engine.group.membership import Membership
from potluck.engine.group.named_devices import NO_STEWARD
from potluck.engine.group.renaming import GIVEN, RENAME, Renaming
from potluck.engine.index import Index
from potluck.engine.node import Node
from tests.engine.builders import flush, group, key, node
from tests.engine.listeners import Heard


class Room:
    """One device of a group that device 1 founded."""

    def __init__(self, me: int = 1, index: Index | None = None, **others: Any) -> None:
        self.node: Node = node(me, index=index, **others)
        if index is None:
            self.node.index.roster.replace(group(1, 2, 3).records())
        self.membership = Membership(self.node, Heard())
        self.membership.start()
        self.renaming = Renaming(self.node, self.membership)

    @property
    def roster(self) -> Roster:
        assert self.node.roster is not None
        return self.node.roster

    def labels(self) -> list[str]:
        return sorted(entry.label for entry in self.roster.members.values())


def test_a_device_calls_itself_otherwise_and_its_own_folder_follows() -> None:
    room = Room(2)
    assert repr(room.renaming) == "<Renaming 'd2'>"
    flush(room.node)
    said = room.renaming.rename_device("", "anna")
    assert said == "This device is called anna now; its folder follows on every device."
    assert room.labels() == ["anna", "d1", "d3"]
    marks = [effect for effect in flush(room.node) if isinstance(effect, MarkShare)]
    assert marks == [MarkShare(room.roster.group, "anna", "d2")]
    assert room.renaming.rename_device("", "anna") == "anna is called so already."
    again = Room(2, room.node.index)
    assert again.node.own_label == "anna"


def test_the_last_word_counts_also_over_what_others_said() -> None:
    room = Room(1)
    room.renaming.rename_device("d2", "anna")
    room.renaming.rename_device("anna", "anne")
    room.renaming.rename_device(short_id(key(2).device)[:6], "ann")
    assert room.node.label_of(key(2).device) == "ann"
    assert room.node.former.of(key(2).device) == "d2"


def test_only_a_steward_renames_others() -> None:
    room = Room(2)
    with pytest.raises(Refused) as refused:
        room.renaming.rename_device("d3", "cleo")
    assert refused.value.what == "Only a steward, or d3 itself, can rename d3."
    assert refused.value.cause == "this device is none; steward is d1"
    with pytest.raises(Refused):
        room.renaming.rename_group("Office")
    assert room.labels() == ["d1", "d2", "d3"]


def test_a_label_that_somebody_has_or_had_gets_a_number() -> None:
    room = Room(1)
    said = room.renaming.rename_device("d2", "d3")
    shown = f"d2 ({short_id(key(2).device)})"
    assert said == f"{shown} is called d3-2 now: another device is, or was, d3."
    room.renaming.rename_device("d3", "cleo")
    assert "is called d3-3 now" in room.renaming.rename_device("", "d3")
    assert "is called d3 now" in room.renaming.rename_device("cleo", "d3"), "its own of before"


def test_a_name_that_looks_like_another_devices_is_given_and_that_is_said() -> None:
    room = Room(2)
    room.renaming.rename_device("", "anna")
    third = Room(1, room.node.index)
    said = third.renaming.rename_device("", "аnna")  # a Cyrillic а
    assert said == (
        "This device is called аnna now; its folder follows on every device. "
        "That name only looks like anna, another device's."
    )
    assert third.labels() == ["anna", "d3", "аnna"]
    assert "looks like" not in third.renaming.rename_device("", "аnne"), "nor like its own"


def test_letters_may_change_their_case() -> None:
    room = Room(1)
    assert "is called D2 now" in room.renaming.rename_device("d2", "D2")


@pytest.mark.parametrize(
    ("name", "step"),
    [
        ("a/b", "use “a-b”"),
        ("", RENAME),
        ("Everyone", RENAME),
        ("ä" * 33, f"use “{'ä' * 32}”"),
        ("con", RENAME),
        ("nul.txt", RENAME),
        ("a:b", "use “a-b”"),
        ("-x", "use “x”"),
        ("trailing ", "use “trailing”"),
    ],
)
def test_what_no_device_is_to_be_called_is_refused(name: str, step: str) -> None:
    room = Room(1)
    with pytest.raises(UsageError) as refused:
        room.renaming.rename_device("", name)
    assert (refused.value.cause, refused.value.fix) == (LABEL_RULE, step)
    assert room.labels() == ["d1", "d2", "d3"]


@pytest.mark.parametrize(
    ("name", "why"),
    [("a/b", "slash"), ("", "empty"), ("Everyone", "everybody writes"), ("ä" * 33, "64 bytes")],
)
def test_what_no_group_can_be_called_is_refused(name: str, why: str) -> None:
    with pytest.raises(UsageError) as refused:
        Room(1).renaming.rename_group(name)
    assert why in refused.value.cause


def test_a_device_has_the_number_it_had_and_no_higher_one() -> None:
    room = Room(2)
    assert "is called d3-2 now" in room.renaming.rename_device("", "d3")
    said = room.renaming.rename_device("", "d3")
    assert said == "This device is called d3-2 still: another device is, or was, d3."
    room.renaming.rename_device("", "anna")
    assert "is called d3-2 now" in room.renaming.rename_device("", "d3")
    assert room.labels() == ["d1", "d3", "d3-2"]


def test_a_name_of_64_bytes_is_kept_whole() -> None:
    room = Room(1)
    room.renaming.rename_device("d2", "x" * limits.LABEL_BYTES)
    assert room.node.label_of(key(2).device) == "x" * limits.LABEL_BYTES


def test_who_is_not_there_is_not_found() -> None:
    room = Room(1)
    for name in ("nobody", "zz", short_id(key(2).device)[:3]):
        with pytest.raises(NotFound) as missing:
            room.renaming.rename_device(name, "cleo")
        assert missing.value.cause == "the devices are d1, d2 and d3"


def test_what_fits_two_devices_is_not_guessed() -> None:
    room = Room(1)
    room.renaming.rename_device("d3", short_id(key(2).device)[:4])
    with pytest.raises(UsageError) as refused:
        room.renaming.rename_device(short_id(key(2).device)[:4].lower(), "cleo")
    assert "d2 (" in refused.value.cause


def test_the_group_is_called_as_a_steward_said_last() -> None:
    room = Room(1)
    assert room.renaming.rename_group("Office") == "The group is called Office now."
    assert room.renaming.rename_group("Home") == "The group is called Home now."
    assert room.renaming.rename_group("Home") == "The group is called Home already."
    assert Room(1, room.node.index).roster.name == "Home"


def test_no_word_of_a_member_keeps_a_steward_from_renaming_the_group() -> None:
    room = Room(1)
    jam = Regroup(room.roster.group, "jam", limits.SEQ_MAX)
    room.membership.add_records([sign_act(key(number), jam) for number in (1, 2)])
    for name in ("Office", "Flat"):
        assert room.renaming.rename_group(name) == f"The group is called {name} now."


@pytest.mark.parametrize("number", [1000, limits.RELABEL_OWN_MAX, limits.SEQ_MAX])
def test_a_steward_renames_a_device_however_far_that_counted(number: int) -> None:
    room = Room(1)
    word = Relabel(room.roster.group, key(2).device, "max", number)
    room.membership.add_records([sign_act(key(2), word)])
    for name in ("kind0", "kind1", "kind2", "kind3"):
        assert f"is called {name} now; its" in room.renaming.rename_device(
            room.node.label_of(key(2).device), name
        )
        assert room.node.label_of(key(2).device) == name


def test_who_counted_as_far_as_it_can_is_told_what_is_so() -> None:
    room = Room(2)
    words = [
        Relabel(room.roster.group, key(2).device, "max", limits.RELABEL_OWN_MAX),
        Relabel(room.roster.group, key(2).device, "desk", limits.RELABEL_OWN_MAX),
    ]
    room.membership.add_records([sign_act(key(2), words[0]), sign_act(key(1), words[1])])
    before = room.roster.digest
    flush(room.node)
    for name in ("anna", "anne"):
        with pytest.raises(Refused) as refused:
            room.renaming.rename_device("", name)
        assert refused.value.what == "This device is still called desk."
        assert refused.value.cause.startswith("another word about its name counts before this one")
    assert (room.roster.digest, flush(room.node)) == (before, []), "what is refused signs nothing"
    again = Room(2, room.node.index, label="anna", named=True)
    assert started(again) == "desk"
    assert again.roster.digest == before
    (said,) = [each.text for each in flush(again.node) if isinstance(each, Tell)]
    assert said.startswith("this device is still called desk: another word about its name counts")


def test_only_the_words_of_stewards_count_for_the_number_of_a_group_name() -> None:
    room = Room(1)
    word = Regroup(room.roster.group, "Mine", limits.SEQ_MAX)
    room.membership.add_records([sign_act(key(2), word)])
    assert room.renaming.rename_group("Office") == "The group is called Office now."
    assert room.roster.name == "Office"


def test_a_group_name_that_would_not_count_is_refused_and_not_signed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    room = Room(1)
    assert room.renaming.rename_group("Last") == "The group is called Last now."
    monkeypatch.setattr(Roster, "would_count", lambda _self, _record: False)  # it has no room
    before = room.roster.digest
    with pytest.raises(Refused) as refused:
        room.renaming.rename_group("Office")
    assert refused.value.what == "The group is still called Last."
    assert refused.value.fix == "on another steward: rename group NAME"
    assert room.roster.digest == before


def test_where_there_is_no_steward_that_is_said() -> None:
    room = Room(2)
    said = Remove(room.roster.group, key(1).device, [], b"", None, b"", [])
    room.membership.add_records(sign_removal(key(1), said, room.roster.signed_by(key(1).device)))
    assert room.roster.standing.stewards == []
    with pytest.raises(Refused) as refused:
        room.renaming.rename_group("Office")
    assert refused.value.cause == NO_STEWARD


# -- up --name -------------------------------------------------------------------------------------
def started(room: Room) -> str:
    room.renaming.start()
    return room.node.own_label


def test_another_name_at_the_start_renames_once() -> None:
    room = Room(2, label="d2", named=True)
    assert started(room) == "d2"
    room = Room(2, room.node.index, label="anna", named=True)
    assert started(room) == "anna"
    room.renaming.rename_device("", "anne")
    room = Room(2, room.node.index, label="anna", named=True)
    assert started(room) == "anne", "a service that always says the same takes no name back"
    (said,) = [each.text for each in flush(room.node) if isinstance(each, Tell)]
    assert said.startswith("this device was renamed anne since --name anna was first given;")
    assert said.endswith("rename device anna")
    room = Room(2, room.node.index, label="ann", named=True)
    assert started(room) == "ann"


def test_a_name_at_the_start_that_somebody_has_is_said_once_and_only_as_it_is() -> None:
    room = Room(2, label="d3", named=True)
    assert started(room) == "d3-2"
    said = [each.text for each in flush(room.node) if isinstance(each, Tell)]
    assert len(said) == 2
    assert said[0].startswith("this device was d2 and is called d3-2 from now on; the place")
    assert said[1] == "this device is called d3-2: another device is, or was, d3"
    room = Room(2, room.node.index, label="d3", named=True)
    assert started(room) == "d3-2"
    assert [each for each in flush(room.node) if isinstance(each, Tell)] == []


def test_a_name_made_from_that_of_the_host_renames_nothing() -> None:
    room = Room(2, label="host")
    assert started(room) == "d2"
    assert room.node.index.meta.get(GIVEN) is None


def test_a_wish_that_was_not_granted_is_no_other_name() -> None:
    room = Room(2, label="d2", named=True)
    room.renaming.rename_device("", "anna")
    assert started(room) == "anna"


def test_a_name_at_the_start_that_somebody_has_changes_nothing_where_its_number_is_had() -> None:
    room = Room(2, label="d2", named=True)
    started(room)
    room.renaming.rename_device("", "d3")
    room = Room(2, room.node.index, label="d3", named=True)
    before = room.roster.digest
    assert started(room) == "d3-2"
    assert room.roster.digest == before, "nothing is signed"
    (said,) = [each.text for each in flush(room.node) if isinstance(each, Tell)]
    assert said == "this device is called d3-2: another device is, or was, d3"


def test_a_name_is_put_together_as_keyboards_write_it() -> None:
    room = Room(1)
    room.renaming.rename_device("", "A\u030angstrom")
    assert "\u00c5ngstrom" in room.labels()
