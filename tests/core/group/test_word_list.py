"""The word list is what its essay says, and the one that every version shows."""

from __future__ import annotations

from hashlib import sha256

from potluck.core.group.word_list import WORDS


def test_words_are_told_apart_by_their_first_four_letters() -> None:
    assert len(WORDS) == len({word[:4] for word in WORDS}) == 2048
    assert list(WORDS) == sorted(WORDS)
    assert all(3 <= len(word) <= 8 and word.isascii() and word.islower() for word in WORDS)


def test_the_list_is_the_one_of_the_protocol() -> None:
    told = sha256("\n".join(WORDS).encode()).hexdigest()
    assert told == "187db04a869dd9bc7be80d21a86497d692c0db6abd3aa8cb6be5d618ff757fae"
