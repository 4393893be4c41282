"""Look-alikes: what a person may take for one name, and what nobody does."""

from __future__ import annotations

import unicodedata

import pytest

from potluck.core.group.look_alikes import (
    look_alike,
    looks_alike,
    who_it_is_not,
    why_numbered,
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("anna", "anna"),
        ("Anna", "anna"),
        ("аnna", "anna"),  # a Cyrillic а
        ("АNNА", "anna"),
        ("аnnа", "аnna"),
        ("ορa", "opa"),  # Greek
        ("ΑNNA", "anna"),
        ("anna", "ann\uff41"),  # fullwidth
        ("ｎａｓ１", "nas1"),
        ("\U0001d41anna", "anna"),  # mathematical
        ("an\u200bna", "anna"),
        ("an\ufffdna", "anna"),  # a hidden letter, as screens show it
        ("an\ufe0fna", "anna"),
        ("anna\u3164", "anna"),
        ("ϲ", "c"),
        ("ёva", "ëva"),  # Cyrillic, with its two dots
        (unicodedata.normalize("NFD", "käthe"), "KÄTHE"),
        ("nas1", "nasl"),
        ("nas1", "nasI"),
        ("nas0", "nasO"),
        ("іris", "Iris"),
    ],
)
def test_what_looks_alike(one: str, other: str) -> None:
    assert looks_alike(one, other)
    assert looks_alike(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("nas1", "nas"),
        ("nas1", "nas2"),
        ("nas1", "nasi"),
        ("pc1", "PCI"),
        ("nas0", "naso"),
        ("modern", "modem"),
        ("anna", "anna-2"),
        ("anna", "hanna"),
        ("нора", "hopa"),
        ("kathe", "käthe"),
        ("名", "多"),
    ],
)
def test_ordinary_names_do_not(one: str, other: str) -> None:
    assert not looks_alike(one, other)


def test_which_of_several_it_looks_like() -> None:
    assert look_alike("аnna", ["bert", "anna", "Anna"]) == "anna"
    assert look_alike("Anna", ["anna", "Anna"]) == "Anna"
    assert look_alike("cora", ["anna"]) == ""


def test_who_a_newcomer_is_not() -> None:
    assert who_it_is_not("аnna", ["anna"], ["anna"]) == "not the member anna"
    assert who_it_is_not("my nas", [], ["My nas"]) == "not the other machine that asks, “My nas”"
    assert who_it_is_not("cora", ["anna"], ["bert"]) == ""


@pytest.mark.parametrize(
    ("label", "name", "would", "why"),
    [
        ("vm", "vm-2", "", "that name is not free here"),
        ("vm", "vm-3", "vm-2", "that name is not free here"),
        ("vm", "vm-2", "vm", "another one that asks, or asked a moment ago, is called so"),
        ("vm", "vm", "", ""),
        ("vm", "vm-two", "", ""),
        ("vm", "5eed0001", "vm", ""),
    ],
)
def test_why_there_is_a_number_behind_a_name(label: str, name: str, would: str, why: str) -> None:
    assert why_numbered(label, name, would) == why
