"""Group names: what was said when a group was asked, bounded."""

from __future__ import annotations

from dataclasses import replace

from potluck.core import limits
from potluck.core.group.asking_turns import GroupTag
from potluck.core.group.founding import FoundGroup
from potluck.engine.group.group_names import GroupNames
from tests.engine.builders import address


def found(number: int, name: str = "") -> FoundGroup:
    tag = GroupTag(number.to_bytes(32, "big"))
    return FoundGroup(tag, name, "", address(9), 1, open=bool(name), heard_s=0.0)


def test_a_group_is_called_as_it_said_last_or_as_its_open_door_says() -> None:
    names = GroupNames()
    assert names.of(found(1)) == ("", "")
    assert names.of(found(1, "Open")) == ("Open", "")
    names.note(found(1), "Home", "d9")
    assert names.of(found(1)) == ("Home", "d9")
    names.note(found(1), "House", "d9")
    assert names.of(found(1)) == ("House", "d9")


def test_a_label_is_told_of_the_address_where_it_was_said_and_of_no_other() -> None:
    names = GroupNames()
    names.note(found(1), "Home", "anna")
    elsewhere = replace(found(1), address=address(8))
    assert names.of(elsewhere) == ("Home", "")
    assert names.of(replace(elsewhere, label="bert")) == ("Home", "bert"), "its open door says so"


def test_made_up_groups_are_bounded() -> None:
    names = GroupNames()
    for number in range(2 * limits.OFFERS):
        names.note(found(number), "x", "y")
    assert repr(names) == f"<GroupNames {limits.OFFERS}>"
    assert names.of(found(0)) == ("", "")
