"""Joiners: the words and pictures that need them, and the places where they would only hide."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core.content.joiners import JOINERS, ZWJ, ZWNJ, joiner_means_something

NEEDED = [
    "👨\u200d👩\u200d👧",  # a family
    "❤\ufe0f\u200d🔥",  # a heart on fire, its first part with a variation selector
    "👩🏽\u200d🚀",  # a skin tone before the joiner
    "🙂\u200d↔\ufe0f",
    "🐦\u200d⬛",
    "می\u200cخواهم",  # Persian
    "خانه\u200cها",
    "کر\u200dد",
    "क्\u200dष",  # Devanagari, beside a virama
    "क्\u200cष",
    "ර\u0dca\u200dය",  # Sinhala
    "র\u200d্য",  # Bengali, before the virama
    "ᠠ\u200dᠡ",  # Mongolian
]
USELESS = [
    "", "\u200d", "\u200c", "\u200d👧", "👧\u200d", "a\u200db", "a\u200cb", "é\u200dé", "1\u200d2",
    "👨\u200d\u200d👩", "👨\u200d\u200c👩", "می\u200c\u200cخ", "👨\u200c👩", "👨\u200da",
    "a\u200d👨",
    "می\u200ca", "a\u200cخ", "می\u200c", "\u200cمی", "م\u200cक", "क\u200dष", "क\u200cष", "क्\u200d",
    "क्\u200da", "क्\u200dষ", "ا\u200c١", "١\u200cا", "ا\u200c،", "а\u200dа", "\ufe0f\u200d👧",
    "a\ufe0f\u200d👧", "👧\u200d\ufe0f", "👨\u200d🏽", "日\u200d本", "م\ufe0f\u200cخ", "!\u200d👧",
]  # fmt: skip


def verdicts(text: str) -> set[bool]:
    return {
        joiner_means_something(text, at) for at, letter in enumerate(text) if letter in {ZWJ, ZWNJ}
    }


@pytest.mark.parametrize("text", NEEDED)
def test_where_it_says_something(text: str) -> None:
    assert verdicts(text) == {True}


@pytest.mark.parametrize("text", USELESS)
def test_where_it_only_hides(text: str) -> None:
    assert True not in verdicts(text)


@given(st.text(), st.sampled_from([ZWJ, ZWNJ]), st.text())
def test_never_beside_ascii_or_latin_at_an_end_or_doubled(
    before: str, joiner: str, after: str
) -> None:
    if joiner_means_something(before + joiner + after, len(before)):
        assert before[-1] > "\u024f"
        assert after[0] > "\u024f"
        assert {before[-1], after[0]}.isdisjoint(JOINERS)
