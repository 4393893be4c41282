"""Labels that a person gives: which fit, and what is made of others."""

from __future__ import annotations

import pytest

from potluck.core.group.labels import LABEL_RULE, clean_label, is_fit
from potluck.core.group.statements import is_possible
from potluck.core.limits import LABEL_BYTES

FIT = ("anna", "kitchen pc", "Küche (alt)", "a_b.c-2", "ü" * 32, "Console", "nullo", "con-pc")
UNFIT = {
    "": "",
    "con": "",
    "NUL.txt": "",
    "com1": "",
    "Everyone": "",
    "put ASIDE": "",
    "..": "",
    "a:b": "a-b",
    "a/b": "a-b",
    "-x": "x",
    "--yes": "yes",
    "trailing ": "trailing",
    "trailing.": "trailing",
    " leading": "leading",
    ".potluck": "potluck",
    "a\x07b": "a-b",
    "\u202eabc": "abc",
    "ü" * 33: "ü" * 32,
    " " * LABEL_BYTES + "x": "x",
}


@pytest.mark.parametrize("label", FIT)
def test_a_label_that_fits_is_kept_and_possible(label: str) -> None:
    assert is_fit(label)
    assert clean_label(label) == label
    assert is_possible(label)


@pytest.mark.parametrize(("label", "better"), UNFIT.items())
def test_what_is_made_of_another_one_fits(label: str, better: str) -> None:
    assert not is_fit(label)
    assert clean_label(label) == better
    assert is_fit(better) or not better


def test_the_rule_says_what_counts() -> None:
    for part in ("letters, digits", f"{LABEL_BYTES} bytes", "ends", "Windows", "potluck"):
        assert part in LABEL_RULE
