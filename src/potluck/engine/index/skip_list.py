"""The skip list: which patterns and paths a person named of what this device does not want.

Strategy: two small lists in one value of `meta`: patterns, each for one owner's folder or for all,
and paths that are wanted all the same. The rules of each manifest are made of them when they are
asked for, and kept in memory.

Guarantees: after a rollback the memory is made anew. Limits: the own folder is never skipped;
whoever changes the list has the needs judged anew (needs.py).
"""

from __future__ import annotations

from typing import Final, NamedTuple

from msgspec.msgpack import Decoder

from potluck.core.content.facts import ManifestName
from potluck.core.content.skip_rules import SkipRules, skip_rules
from potluck.core.wire.catalogue import encode
from potluck.engine.index.group import Meta

_KEY: Final = "skipped here"


class SkipEntry(NamedTuple):
    """A pattern, or a path, of one owner's folder; of all of them if `owner` is empty."""

    owner: bytes
    text: str


_Stored = tuple[list[SkipEntry], list[SkipEntry]]
_STORED: Final = Decoder(_Stored)


class SkipList:
    """What a person named."""

    def __init__(self, meta: Meta) -> None:
        """Keep it there."""
        self._meta = meta
        self._undone = meta.undone
        self._stored: _Stored | None = None
        self._rules: dict[ManifestName, SkipRules] = {}

    def __repr__(self) -> str:
        """Return of how many manifests the rules are in memory."""
        return f"<SkipList: rules of {len(self._rules)} manifests>"

    @property
    def patterns(self) -> list[SkipEntry]:
        """What is skipped, in the order in which it was named."""
        return list(self._lists[0])

    @property
    def wanted(self) -> list[SkipEntry]:
        """Paths that are wanted all the same."""
        return list(self._lists[1])

    def set(self, patterns: list[SkipEntry], wanted: list[SkipEntry]) -> None:
        """Have these count from now on, and in later runs."""
        self._stored = (list(patterns), list(wanted))
        self._rules.clear()
        self._meta.set(_KEY, encode(self._stored))

    def rules_of(self, name: ManifestName) -> SkipRules:
        """Return what is skipped of a manifest."""
        patterns, wanted = self._lists
        known = self._rules.get(name)
        if known is None:
            here = {b"", name.owner}
            known = skip_rules(
                [one.text for one in patterns if one.owner in here],
                [one.text for one in wanted if one.owner in here],
            )
            self._rules[name] = known
        return known

    @property
    def _lists(self) -> _Stored:
        if self._stored is None or self._undone != self._meta.undone:
            self._undone = self._meta.undone
            stored = self._meta.get(_KEY)
            self._stored = _STORED.decode(stored) if stored is not None else ([], [])
            self._rules.clear()
        return self._stored
