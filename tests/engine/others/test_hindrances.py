"""Hindrances: every reason is a sentence, and what is advised names the right place."""

from __future__ import annotations

import pytest

from potluck.core.content.facts import Hindrance
from potluck.core.content.paths import parse_wire_path
from potluck.engine.events import Placed, Placement
from potluck.engine.others.hindrances import command_at, command_of, remedy, sentence_of, why


def failed(detail: str, placement: Placement = Placement.FAILED) -> Placed:
    return Placed(parse_wire_path(b"anna/my notes"), None, placement, None, "", detail)


@pytest.mark.parametrize("hindrance", Hindrance)
def test_every_hindrance_is_a_sentence(hindrance: Hindrance) -> None:
    sentence = why(failed(str(hindrance)))
    assert sentence == sentence_of(str(hindrance))
    assert sentence != str(hindrance)


@pytest.mark.parametrize("hindrance", Hindrance)
def test_what_is_advised_can_be_typed_as_it_is(hindrance: Hindrance) -> None:
    command = command_of(str(hindrance), "/pot luck", "anna/my notes")
    programs = ["", "df", "quota", "stat", "lsattr", "findmnt", "ulimit", "dmesg"]
    assert command.partition(" ")[0] in programs
    assert "," not in command
    assert " then " not in command


def test_inodes_are_called_inodes_and_space_is_called_space() -> None:
    assert "inodes" in sentence_of(Hindrance.INODES)
    assert "inodes" not in sentence_of(Hindrance.SPACE)
    assert command_of(Hindrance.INODES, "/pot luck") == "df -i '/pot luck'"
    assert command_of(Hindrance.SPACE, "/potluck") == "df -h /potluck"


def test_what_the_disk_says_in_its_own_words_is_passed_on() -> None:
    assert why(failed("Stale file handle")) == "Stale file handle"
    assert remedy(failed("Stale file handle"), "/pot") == ""


def test_a_command_names_the_file_or_its_folder() -> None:
    assert remedy(failed(Hindrance.DENIED), "/pot") == "stat /pot/Shared/anna"
    assert remedy(failed(Hindrance.IMMUTABLE), "/pot") == (
        "lsattr -d '/pot/Shared/anna/my notes' /pot/Shared/anna"
    )
    assert remedy(failed(Hindrance.NAME_LONG), "/pot") == ""
    assert remedy(failed(Hindrance.MOUNTED), "/pot") == "findmnt '/pot/Shared/anna/my notes'"


def test_what_is_in_the_way_is_to_be_looked_at() -> None:
    blocked = failed("the folder there holds x", Placement.BLOCKED)
    assert remedy(blocked, "/pot") == "ls -lA '/pot/Shared/anna/my notes'"
    assert remedy(failed(Hindrance.IO, Placement.BLOCKED), "/pot") == "dmesg | tail"


def test_of_a_file_elsewhere_its_own_folder_is_named() -> None:
    assert command_at(Hindrance.SPACE, "/my home/index") == "df -h '/my home'"
    assert command_at(Hindrance.DENIED, "/home/index") == "stat /home"
    assert command_at("Stale file handle", "/home/index") == ""
