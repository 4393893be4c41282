"""Numbered words: the greatest counts, unless it is too far above the others."""

from __future__ import annotations

from itertools import permutations

from potluck.core import limits
from potluck.core.group.numbered_words import (
    NumberedWord,
    NumberedWords,
    last_word,
    last_word_about_group,
    next_number,
)
from potluck.core.group.removals import SignedAct, judge
from potluck.core.group.statements import Regroup
from tests.core.fakes import key

STEP = limits.WORD_STEP


def word(number: int, name: str = "x", *, by_steward: bool = True) -> NumberedWord:
    return NumberedWord(number, by_steward, name.encode(), name)


def test_the_greatest_word_counts_in_any_order() -> None:
    words = [word(2, "b"), word(2, "a"), word(2, "own", by_steward=False), word(1)]
    for each in permutations(words):
        assert last_word(each) == word(2, "b")
    assert last_word([]) is None


def test_a_word_too_far_above_the_others_says_nothing() -> None:
    far, bridge = word(2 * STEP), word(STEP)
    assert last_word([word(limits.SEQ_MAX), word(1)]) == word(1)
    assert last_word([far]) is None
    assert last_word([far, bridge]) == far
    assert last_word([word(STEP + 7)], reach=7) == word(STEP + 7)
    words = NumberedWords()
    words.add(far)
    assert repr(words) == "<NumberedWords up to 0, 1 too far>"


def test_the_next_number_always_counts() -> None:
    said: list[NumberedWord] = [word(limits.SEQ_MAX, "liar")]
    for name in "abc":
        said.append(word(next_number(last_word(said)), name))
        last = last_word(said)
        assert last is not None
        assert last.name == name
    assert next_number(None) == 1
    assert next_number(word(limits.SEQ_MAX)) == limits.SEQ_MAX


def test_only_a_stewards_words_are_about_the_group() -> None:
    desk, ann = key(1).device, key(2).device
    acts = {
        bytes([number]) * 32: SignedAct(by, Regroup(b"g" * 32, name, number), by)
        for by, name, number in ((desk, "Flat", 1), (ann, "Stolen", 2))
    }
    word = last_word_about_group(judge(desk, acts), acts)
    assert word == NumberedWord(1, by_steward=True, known=bytes([1]) * 32, name="Flat")
    assert last_word_about_group(judge(ann, {}), {}) is None
