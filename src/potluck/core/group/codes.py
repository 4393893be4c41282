"""Codes: the three words of an invite, and how often somebody may try to know them.

Strategy: a code is three words drawn from a list of 2,048: 33 bits, which three tries guess with a
chance of one in 2.8 billion. It is a secret and nothing else: nobody is found by it, and nothing
that is derived from it alone is ever sent (code_proofs.py says how it is proved). An `Invite` is
one code in force: a machine with one table (`INVITE`), for one use, a few minutes and
`limits.CODE_TRIES` tries in all. A try counts when it begins, not when it fails, so that it does
not matter from how many addresses, or how many at once, somebody guesses.

Whoever types a code writes it as people do: capitals, spaces, hyphens and commas do not matter, and
the first four letters of a word are enough, since no two words of the list agree in them. A word
that is none is told by its place, never by its letters.

Guarantees: a code shows its words to who asks for them by name (`spoken`, `secret`) and to nobody
by accident: neither its repr nor an error has a letter of it. A code that was used, tried too
often, taken back or is too old never proves anything again. Limits: Python leaves copies of a
text in memory; whoever can read this process's memory can read a code in force.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from potluck.core import limits
from potluck.core.chance import Chance
from potluck.core.errors import UsageError
from potluck.core.transitions import follow

CODE_WORDS: Final = 3  # people say and type three without a slip, and 33 bits are enough for a PAKE
LETTERS_TELL: Final = 4  # of a word that tell it from all others of the list
DRAW_BYTES: Final = 2  # for one word: 65,536 is a multiple of 2,048, so each is equally likely
_WORD = re.compile(r"[^\W\d_]+")
_PLACES = ("first", "second", "third")
_EXAMPLE = "type the three words as they are shown where `invite` was typed"


class Code:
    """Three words that nobody but two people knows."""

    __slots__ = ("_words",)

    def __init__(self, words: Sequence[str]) -> None:
        """Hold these words."""
        self._words = tuple(words)

    def __repr__(self) -> str:
        return "<Code>"

    def spoken(self) -> str:
        """Return the words as they are shown, once, to the person who invites."""
        return "-".join(self._words)

    def secret(self) -> bytes:
        """Return what both sides prove to know."""
        return " ".join(self._words).encode()


class TypedCode:
    """A code as somebody typed it, before it is known whether it can be one."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        """Hold this text."""
        self._text = text

    def __repr__(self) -> str:
        return "<TypedCode>"

    def read(self, words: Sequence[str]) -> Code:
        """Return the code that is meant; raises UsageError."""
        typed = _WORD.findall(self._text[: limits.TEXT_CHARACTERS].casefold())
        if len(typed) != CODE_WORDS:
            raise UsageError(
                "That is not a code.",
                f"a code is three words, and these are {len(typed)}",
                _EXAMPLE,
            )
        known = {word[:LETTERS_TELL]: word for word in words}
        meant = [known.get(word[:LETTERS_TELL], "") for word in typed]
        for place, (word, found) in zip(_PLACES, zip(typed, meant, strict=True), strict=True):
            if not found.startswith(word):
                raise UsageError(
                    f"The {place} word is not one of the words that codes are made of.",
                    "it was mistyped or misheard",
                    _EXAMPLE,
                )
        return Code(meant)


def draw_code(words: Sequence[str], chance: Chance) -> Code:
    """Return a new code; `words` is a list whose length divides 65,536."""
    drawn = (int.from_bytes(chance.bytes(DRAW_BYTES), "big") for _ in range(CODE_WORDS))
    return Code([words[number % len(words)] for number in drawn])


class InviteState(Enum):
    """Where an invite stands."""

    OPEN = auto()  # in force: the next try may begin
    LAST = auto()  # the last try has begun; another may be under way still
    USED = auto()  # somebody proved to know the code
    GUESSED = auto()  # every try was in vain
    EXPIRED = auto()  # its time is over
    WITHDRAWN = auto()  # the person took it back


class InviteInput(Enum):
    """What can happen to an invite."""

    TRY = auto()  # somebody begins to prove that it knows the code
    LAST_TRY = auto()  # the same, and no try is left after this one
    PROVED = auto()  # a try was right
    SPENT = auto()  # the last try that was under way came to nothing
    TIME_OVER = auto()  # it is too old
    TAKE_BACK = auto()  # the person takes it back


INVITE: dict[tuple[InviteState, InviteInput], InviteState] = {
    (InviteState.OPEN, InviteInput.TRY): InviteState.OPEN,
    (InviteState.OPEN, InviteInput.LAST_TRY): InviteState.LAST,
    (InviteState.OPEN, InviteInput.PROVED): InviteState.USED,
    (InviteState.OPEN, InviteInput.TIME_OVER): InviteState.EXPIRED,
    (InviteState.OPEN, InviteInput.TAKE_BACK): InviteState.WITHDRAWN,
    (InviteState.LAST, InviteInput.PROVED): InviteState.USED,
    (InviteState.LAST, InviteInput.SPENT): InviteState.GUESSED,
    (InviteState.LAST, InviteInput.TIME_OVER): InviteState.EXPIRED,
    (InviteState.LAST, InviteInput.TAKE_BACK): InviteState.WITHDRAWN,
}
"""One code in force: one use, few tries, little time; what is over never comes back."""


@dataclass(frozen=True, slots=True)
class InviteOver:
    """An invite is over, for this reason."""

    why: InviteState


class Invite:
    """One code in force."""

    def __init__(self, code: Code, life_s: float, now: float) -> None:
        """Put that code in force for so long."""
        self.code, self.until_s = code, now + life_s
        self.state = InviteState.OPEN
        self.tries_left = limits.CODE_TRIES  # that have not begun
        self._under_way = 0

    def __repr__(self) -> str:
        return f"<Invite {self.state.name}, tries left {self.tries_left}>"

    @property
    def running(self) -> bool:
        """Whether a try that has begun may still prove something."""
        return self.state in {InviteState.OPEN, InviteState.LAST}

    @property
    def takes_tries(self) -> bool:
        """Whether one more try may begin."""
        return self.state is InviteState.OPEN

    # -- facts -------------------------------------------------------------------------------------
    def begin(self, now: float) -> bool:
        """Count a try; returns whether there was one left and it may go on."""
        if not self.takes_tries or now >= self.until_s:
            return False
        self.tries_left -= 1
        self._under_way += 1
        self._fire(InviteInput.TRY if self.tries_left else InviteInput.LAST_TRY)
        return True

    def prove(self, now: float) -> bool:
        """A try that has begun was right; returns whether that is the one use of this code."""
        self._under_way -= 1
        if not self.running or now >= self.until_s:
            return False
        self._fire(InviteInput.PROVED)
        return True

    def on_failed(self) -> list[InviteOver]:
        """A try that has begun was wrong, or nobody went on with it."""
        self._under_way -= 1
        if self.state is not InviteState.LAST or self._under_way:
            return []
        return self._end(InviteInput.SPENT)

    def on_taken_back(self) -> list[InviteOver]:
        """The person takes it back."""
        return self._end(InviteInput.TAKE_BACK) if self.running else []

    # -- time --------------------------------------------------------------------------------------
    def deadline(self) -> float | None:
        """Return when `on_tick` must be called next."""
        return self.until_s if self.running else None

    def on_tick(self, now: float) -> list[InviteOver]:
        """End it when its time is over."""
        if not self.running or now < self.until_s:
            return []
        return self._end(InviteInput.TIME_OVER)

    def _end(self, happened: InviteInput) -> list[InviteOver]:
        self._fire(happened)
        return [InviteOver(self.state)]

    def _fire(self, happened: InviteInput) -> None:
        self.state = follow(INVITE, self.state, happened)
