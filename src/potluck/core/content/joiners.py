"""Joiners: where in a name the two invisible letters ZWNJ and ZWJ say something.

Strategy: both are invisible, and hide a difference between two names wherever they mean nothing. In
three places they mean something: ZWJ makes one picture of several emoji; in scripts whose letters
join (Arabic with Persian and Urdu, Syriac, Mongolian …) either says how the letters beside it are
written; in the scripts of India and their kin either does so beside a virama. So a joiner is
allowed between two characters of one such kind, and nowhere else.

Guarantees: never at either end of a name, never doubled, never beside anything of ASCII or Latin, a
digit or a sign. Limits: no table of every ligature: a joiner that changes nothing on this screen
may stand between two emoji, or two Arabic letters; such twins are shown as they are, as look-alike
letters are. Words that end in a joiner (the old Malayalam chillu) are refused.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from typing import Final

ZWNJ: Final = "\u200c"
ZWJ: Final = "\u200d"
JOINERS: Final = frozenset({ZWNJ, ZWJ})

_VARIATION: Final = "\ufe0f"  # asks for the picture of the character before it
_VIRAMA: Final = 9  # the combining class of all viramas

_JOINED, _INDIC, _EMOJI = "joined", "Indic", "emoji"
# first and last character, and what a joiner between two of them is for; ascending
_RANGES: Final = (
    (0x0600, 0x06FF, _JOINED, "Arabic"),
    (0x0700, 0x074F, _JOINED, "Syriac"),
    (0x0750, 0x077F, _JOINED, "Arabic"),
    (0x07C0, 0x07FF, _JOINED, "N'Ko"),
    (0x0840, 0x085F, _JOINED, "Mandaic"),
    (0x0860, 0x086F, _JOINED, "Syriac"),
    (0x0870, 0x08FF, _JOINED, "Arabic"),
    (0x0900, 0x097F, _INDIC, "Devanagari"),
    (0x0980, 0x09FF, _INDIC, "Bengali"),
    (0x0A00, 0x0A7F, _INDIC, "Gurmukhi"),
    (0x0A80, 0x0AFF, _INDIC, "Gujarati"),
    (0x0B00, 0x0B7F, _INDIC, "Oriya"),
    (0x0B80, 0x0BFF, _INDIC, "Tamil"),
    (0x0C00, 0x0C7F, _INDIC, "Telugu"),
    (0x0C80, 0x0CFF, _INDIC, "Kannada"),
    (0x0D00, 0x0D7F, _INDIC, "Malayalam"),
    (0x0D80, 0x0DFF, _INDIC, "Sinhala"),
    (0x1000, 0x109F, _INDIC, "Myanmar"),
    (0x1780, 0x17FF, _INDIC, "Khmer"),
    (0x1820, 0x18AA, _JOINED, "Mongolian"),
    (0x2190, 0x21FF, _EMOJI, "emoji"),
    (0x2300, 0x23FF, _EMOJI, "emoji"),
    (0x2600, 0x27BF, _EMOJI, "emoji"),
    (0x2B00, 0x2BFF, _EMOJI, "emoji"),
    (0x1E900, 0x1E95F, _JOINED, "Adlam"),
    (0x1F000, 0x1FAFF, _EMOJI, "emoji"),
)
_FIRSTS: Final = [first for first, *_ in _RANGES]
_SKIN_TONES: Final = range(0x1F3FB, 0x1F400)


def joiner_means_something(text: str, at: int) -> bool:
    """Say whether the joiner at a position of a text stands where it says something."""
    if not 0 < at < len(text) - 1:
        return False
    before, after = text[at - 1], text[at + 1]
    if before == _VARIATION and at > 1:
        before = text[at - 2]
    kind, script = _kind_of(before)
    if text[at - 1] == _VARIATION and kind != _EMOJI:
        return False
    if kind == "" or (kind, script) != _kind_of(after):
        return False
    if kind == _EMOJI:
        return text[at] == ZWJ and ord(after) not in _SKIN_TONES
    if not (_is_letter(before) and _is_letter(after)):
        return False
    beside_virama = _VIRAMA in {unicodedata.combining(before), unicodedata.combining(after)}
    return kind == _JOINED or beside_virama


def _kind_of(letter: str) -> tuple[str, str]:
    """Return what a joiner beside a character would be for, and the character's script."""
    code = ord(letter)
    place = bisect_right(_FIRSTS, code) - 1
    if place < 0:
        return "", ""
    _first, last, kind, script = _RANGES[place]
    return (kind, script) if code <= last else ("", "")


def _is_letter(letter: str) -> bool:
    return unicodedata.category(letter)[0] in "LM"
