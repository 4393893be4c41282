"""`rename`: what is asked for, and what it prints."""

from __future__ import annotations

import json

import pytest

from potluck.engine.person_acts import RenameDeviceAsked, RenameGroupAsked
from potluck.faces.cli.renaming import listed_what
from tests.faces.cli.conftest import Call
from tests.faces.fakes import FakeSource


def test_a_device_and_the_group_are_renamed(source: FakeSource, potluck: Call) -> None:
    source.acted = "This device is called anna now."
    assert potluck("rename", "device", "anna") == (0, "This device is called anna now.\n", "")
    potluck("rename", "device", "bert", "bert in the attic")
    potluck("rename", "group", "Home")
    assert source.asked == [
        RenameDeviceAsked(0, "", "anna"),
        RenameDeviceAsked(0, "bert", "bert in the attic"),
        RenameGroupAsked(0, "Home"),
    ]


def test_scripts_get_what_happened(source: FakeSource, potluck: Call) -> None:
    code, printed, _ = potluck("rename", "group", "Home", "--json")
    assert (code, json.loads(printed)["data"]) == (0, {"text": source.acted})


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["device", "bert", "in", "attic"], "quotes"),
        (["group", "our", "home"], "quotes"),
        (["folder", "new"], "neither of device and group"),
    ],
)
def test_what_is_not_clear_is_not_asked(
    source: FakeSource, potluck: Call, words: list[str], why: str
) -> None:
    code, _, said = potluck("rename", *words)
    assert code == 2
    assert why in said
    assert source.asked == []


def test_it_names_what_can_be_renamed() -> None:
    assert listed_what() == "device and group"


@pytest.mark.parametrize("words", [["device", "", "new"], ["device", ""], ["group", ""]])
def test_an_empty_name_means_nobody(source: FakeSource, potluck: Call, words: list[str]) -> None:
    code, _, said = potluck("rename", *words)
    assert code == 2
    assert said.startswith("potluck: A name is empty.")
    assert source.asked == []
