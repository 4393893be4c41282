"""The limits of names: which are one where, by example, and that plain ones change nothing."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core.content.name_limits import CaseFolding, NameLimits
from potluck.core.content.paths import not_portable, why_not_portable

COMPOSED, DECOMPOSED = "caf\u00e9", "cafe\u0301"
names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
ALL = NameLimits(CaseFolding.ALL)
ASCII = NameLimits(CaseFolding.ASCII)
FORM = NameLimits(form=True)
APPLE = NameLimits(CaseFolding.ALL, form=True)


@pytest.mark.parametrize(
    ("limits", "one", "other", "equal"),
    [
        (NameLimits(), "Foo", "foo", False),
        (ASCII, "Foo", "fOO", True),
        (ASCII, "Ä", "ä", False),
        (ALL, "ÄRGER", "ärger", True),
        (ALL, "STRASSE", "Straße", True),
        (ALL, COMPOSED, DECOMPOSED, False),
        (FORM, COMPOSED, DECOMPOSED, True),
        (FORM, "Foo", "foo", False),
        (APPLE, COMPOSED.upper(), DECOMPOSED, True),
        (APPLE, "a", "b", False),
    ],
)
def test_which_names_are_one(limits: NameLimits, one: str, other: str, equal: bool) -> None:
    assert (limits.key(one) == limits.key(other)) is equal


def test_what_folds_says_so() -> None:
    assert [each.folds for each in (NameLimits(), ASCII, ALL, FORM)] == [False, True, True, True]
    assert NameLimits().plain
    assert not ALL.plain
    refusing = NameLimits(refused=frozenset(why_not_portable("a:")))
    assert not refusing.plain
    assert not refusing.folds


def test_a_name_is_refused_for_what_the_disk_cannot_hold_and_nothing_else() -> None:
    colon = not_portable("a:b")
    limits = NameLimits(refused=frozenset({colon}))
    assert limits.why_refused("a:b") == colon
    assert limits.why_refused("aux") == ""
    assert NameLimits().why_refused("a:b") == ""
    dot = NameLimits(refused=frozenset(why_not_portable("a.")))
    assert dot.why_refused("a:b.") == not_portable("a.")  # not only the first reason counts


@given(names)
def test_plain_limits_take_every_name_as_it_is(name: str) -> None:
    assert NameLimits().key(name) == name


@given(names)
def test_a_name_in_another_case_or_form_has_the_same_key(name: str) -> None:
    for form in ("NFC", "NFD"):
        assert APPLE.key(unicodedata.normalize(form, name)) == APPLE.key(name)
    assert ASCII.key(name.lower() if name.isascii() else name) == ASCII.key(name)
