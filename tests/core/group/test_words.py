"""Words: any other byte of a transcript gives other words, and all words are equally frequent."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from potluck.core.group.word_list import WORDS
from potluck.core.group.words import WORDS_SHOWN, is_conversation_name, name_of, three_words

SAMPLES = 4096


def test_the_words_of_a_transcript_never_change() -> None:
    assert three_words(bytes(32)) == three_words(bytes(32)) == FIRST
    assert name_of(bytes(32)) == FIRST_NAME


@given(st.binary(min_size=32, max_size=32), st.integers(0, 31), st.integers(1, 255))
def test_any_changed_byte_changes_the_words(said: bytes, at: int, by: int) -> None:
    other = said[:at] + bytes([said[at] ^ by]) + said[at + 1 :]
    assert three_words(said) != three_words(other)
    assert set(three_words(said)) <= set(WORDS)
    assert len(three_words(said)) == WORDS_SHOWN
    assert len(name_of(said)) == 8
    assert is_conversation_name(name_of(said))


def test_what_is_no_name_of_a_conversation() -> None:
    for odd in ("", "bert", "0" * 7, "0" * 9, "0000000G", "ABCDEF01", "٠" * 8):
        assert not is_conversation_name(odd)


def test_every_word_comes_in_every_place_about_equally_often() -> None:
    seen = [three_words(number.to_bytes(32, "big")) for number in range(SAMPLES)]
    assert len(set(seen)) == SAMPLES
    for place in range(WORDS_SHOWN):
        halves = Counter(words[place] < WORDS[len(WORDS) // 2] for words in seen)
        assert abs(halves[True] - SAMPLES / 2) < 6 * (SAMPLES / 4) ** 0.5
        assert len({words[place] for words in seen}) > 0.8 * len(WORDS)


FIRST = ("original", "deal", "know")
FIRST_NAME = "41e1b5ad"
