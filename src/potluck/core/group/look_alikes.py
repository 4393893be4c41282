"""Look-alikes: two names that a person may take for one, though their letters differ.

Strategy: a short form of the skeletons of Unicode Technical Standard 39 (Unicode Security
Mechanisms, section 4, "Confusable Detection"): what takes no room is left out, letters of Cyrillic
and Greek become the Latin ones whose shape they have, compatibility forms (fullwidth, mathematical
letters and the like) what they stand for. Two names whose skeletons are one look alike, with the
case of their letters folded; or, letter for letter, with l, I and 1, and O and 0, taken for one.
Guarantees: pure; equal names, and those that differ by case or normal form, look alike; no name is
refused for it: it is said, with who a newcomer is not, and a person decides. Limits: Latin beside
Cyrillic and Greek only, and of these only letters whose shape is the same in most typefaces;
nothing that looks like two letters (rn and m), since ordinary names meet there (modern, modem).
Whose a name is by right, only words that are compared can tell.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from potluck.core.wording import set_off

_SHAPES: Final = {
    # Cyrillic
    "А": "A", "В": "B", "Е": "E", "К": "K", "М": "M", "Н": "H", "О": "O", "Р": "P", "С": "C",
    "Т": "T", "У": "Y", "Х": "X", "Ѕ": "S", "І": "I", "Ј": "J", "Ԛ": "Q", "Ԝ": "W", "Ү": "Y",
    "Ӏ": "I", "а": "a", "е": "e", "к": "k", "о": "o", "р": "p", "с": "c", "у": "y", "х": "x",
    "ѕ": "s", "і": "i", "ј": "j", "ԁ": "d", "һ": "h", "ԛ": "q", "ԝ": "w", "ү": "y", "ӏ": "l",
    # Greek
    "Α": "A", "Β": "B", "Ε": "E", "Ζ": "Z", "Η": "H", "Ι": "I", "Κ": "K", "Μ": "M", "Ν": "N",
    "Ο": "O", "Ρ": "P", "Τ": "T", "Υ": "Y", "Χ": "X", "Ϲ": "C", "Ϳ": "J", "α": "a", "γ": "y",
    "ι": "i", "κ": "k", "ν": "v", "ο": "o", "ρ": "p", "σ": "o", "υ": "u", "ϲ": "c", "ϳ": "j",
    # Latin letters of other alphabets
    "ı": "i", "ȷ": "j", "ɑ": "a", "ɡ": "g",
}  # fmt: skip
_NUMBER = re.compile(r"-[2-9][0-9]{0,3}")
_SHAPED: Final = str.maketrans(_SHAPES)
_ALIKE: Final = str.maketrans({"1": "l", "I": "l", "|": "l", "0": "O"})
# nothing is seen of them: fillers, joiners, selectors; \ufffd stands where a hidden letter stood
_UNSEEN: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0\ufffd") | {
    chr(code) for code in (*range(0x180B, 0x1810), *range(0xFE00, 0xFE10))
}


def looks_alike(one: str, other: str) -> bool:
    """Say whether a person may take two names for one; so they are if they are equal."""
    return any(
        mine == theirs for mine, theirs in zip(_skeletons(one), _skeletons(other), strict=True)
    )


def look_alike(name: str, names: Iterable[str]) -> str:
    """Return which of these names looks like that one, an equal one first; "" if none does."""
    found = [each for each in names if looks_alike(name, each)]
    return name if name in found else next(iter(found), "")


def who_it_is_not(label: str, members: Iterable[str], others: Iterable[str]) -> str:
    """Return the clause about a member, or another newcomer, that is called so or alike; or ""."""
    member = look_alike(label, members)
    if member:
        return f"not the member {set_off(member)}"
    other = look_alike(label, others)
    return f"not the other machine that asks, {set_off(other)}" if other else ""


def why_numbered(label: str, name: str, would: str) -> str:
    """Return why a newcomer is not answered by what it calls itself but by that with a number.

    `would`: the label it would have, if that is another one than its name.
    """
    if not name.startswith(label) or not _NUMBER.fullmatch(name[len(label) :]):
        return ""
    if would == label:
        return "another one that asks, or asked a moment ago, is called so"
    return "that name is not free here"


@lru_cache(maxsize=4096)  # screens that show names ask it again and again
def _skeletons(name: str) -> tuple[str, str]:
    """Return a name in the Latin letters that it looks like: case folded, and letter for letter."""
    seen = "".join(letter for letter in name if not _is_unseen(letter)).translate(_SHAPED)
    shaped = unicodedata.normalize("NFKD", seen).translate(_SHAPED)
    return unicodedata.normalize("NFKD", shaped.casefold()), shaped.translate(_ALIKE)


def _is_unseen(letter: str) -> bool:
    return letter in _UNSEEN or unicodedata.category(letter) == "Cf"
