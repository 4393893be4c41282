"""What the file system of FOLDER makes of names: which of them are one there, which it cannot hold.

Strategy: a value, found out once when FOLDER is opened (shells/disk/name_probe.py). Names whose
`key` is equal are taken to be one name there. Where a file system folds more than ASCII its own
table is not known, so the key is the widest one: full case folding of Unicode.

Guarantees: names that such a file system takes for one have equal keys, as far as what was tried
tells. Limits: of names with equal keys that it would tell apart (`STRASSE` and `Straße` on exFAT)
only one is held there.
"""

from __future__ import annotations

import string
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from unicodedata import normalize

from potluck.core.content.paths import why_not_portable

_ASCII_LOWER: Final = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


class CaseFolding(StrEnum):
    """Which letters are one, whatever their case."""

    NONE = "none"
    ASCII = "ASCII"  # A to Z
    ALL = "all"


@dataclass(frozen=True, slots=True)
class NameLimits:
    """What a file system makes of names; by default it takes them as they are."""

    case: CaseFolding = CaseFolding.NONE
    form: bool = False  # letters that are composed and decomposed (NFC, NFD) are one
    refused: frozenset[str] = frozenset()  # of `why_not_portable`: what it cannot hold

    @property
    def folds(self) -> bool:
        """Whether two names may be one."""
        return self.form or self.case is not CaseFolding.NONE

    @property
    def plain(self) -> bool:
        """Whether every name is held as it is."""
        return not (self.folds or self.refused)

    def key(self, name: str) -> str:
        """Return what is equal for names that are one there."""
        if self.form:
            name = normalize("NFD", name)
        if self.case is CaseFolding.ASCII:
            name = name.translate(_ASCII_LOWER)
        elif self.case is CaseFolding.ALL:
            name = name.casefold()
        return normalize("NFC", name) if self.form else name

    def why_refused(self, name: str) -> str:
        """Return why a name cannot be held, "" if it can."""
        if not self.refused:
            return ""
        return next((why for why in why_not_portable(name) if why in self.refused), "")


PLAIN_NAMES: Final = NameLimits()
"""What Linux's own file systems make of names: nothing."""
