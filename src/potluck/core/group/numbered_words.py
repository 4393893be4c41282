"""Numbered words: which of several signed words about one name counts, and what comes after it.

Strategy: a word has a number, and the greatest counts, then a steward's, then the greater hash. A
number that is too far above all lower ones that count is passed over, so whoever counts as far as
it can has said nothing. Guarantees: pure, and independent of order; nobody uses up the numbers by
one word: `next_number` is always one that counts, as long as fewer than `limits.SEQ_MAX` divided by
the step have been said. Limits: who may say a word is for whoever collects them; of two that say
the same number at the same time one counts.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from potluck.core import limits
from potluck.core.group.removals import GroupStanding, SignedAct
from potluck.core.group.statements import Regroup


class NumberedWord(NamedTuple):
    """What somebody who may says of how something is called; the greatest counts."""

    number: int
    by_steward: bool  # goes before a device's own word of the same number
    known: bytes
    name: str


class NumberedWords:
    """The words about one name: which of them counts."""

    def __init__(self, reach: int = 0) -> None:
        """Nobody said anything; `reach`: from where the first step is measured."""
        self.last: NumberedWord | None = None  # the greatest that is not too far above the rest
        self._reach = reach
        self._far: list[NumberedWord] = []  # a heap

    def __repr__(self) -> str:
        return f"<NumberedWords up to {self._reach}, {len(self._far)} too far>"

    def add(self, word: NumberedWord) -> None:
        """Somebody who may says that."""
        heapq.heappush(self._far, word)
        while self._far and self._far[0].number <= self._reach + limits.WORD_STEP:
            near = heapq.heappop(self._far)
            self._reach = max(self._reach, near.number)
            self.last = near if self.last is None else max(self.last, near)


def last_word(words: Iterable[NumberedWord], reach: int = 0) -> NumberedWord | None:
    """Return the word that counts: the greatest, without those that are too far above the rest.

    `reach`: from where the first step is measured.
    """
    every = NumberedWords(reach)
    for word in words:
        every.add(word)
    return every.last


def last_word_about_group(
    standing: GroupStanding, acts: Mapping[bytes, SignedAct]
) -> NumberedWord | None:
    """Return the steward's word by which the group is called so, if there is one."""
    return last_word(
        NumberedWord(said.act.number, by_steward=True, known=known, name=said.act.name)
        for known, said in acts.items()
        if isinstance(said.act, Regroup) and standing.has_word(known, said.by)
    )


def next_number(last: NumberedWord | None) -> int:
    """Return the number that goes before the word which counts now."""
    return min((last.number if last is not None else 0) + 1, limits.SEQ_MAX)
