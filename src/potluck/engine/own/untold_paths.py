"""Untold paths: where the own folder is not what its list says, since a change waits to be told.

Strategy: what waits for the next head (engine/own/publishing.py) is compared with what the last one
says. A path that went, or has another content or kind, is not here as it is shared; one with
another date or mode alone is. What stands there now is put in words, with why it was not told, and
beside it stands what is absent for other reasons (engine/own/absent_files.py), for whoever lists
what is here.

Guarantees: nothing is changed; of a share that is offline nothing is said. Limits: what no look has
found yet, or is still being read, does not wait yet. All that waits is looked at for one sum: that
is a few thousand changes at most, and more only while two machines run with this identity.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Protocol

from potluck.core.content.facts import NOTHING, Amount, PlaceRow
from potluck.core.wire.catalogue import FileRecord, Kind
from potluck.core.wording import of_size, plural
from potluck.engine.node import Node
from potluck.engine.own.pending_record import PendingRecord
from potluck.engine.own.publishing import Publishing

FROZEN: Final = "nothing is told to the others while two machines run with this identity"
HELD_THERE: Final = "what is shared there is held, until it is brought back or let go"
SOON: Final = "the newest changes are about to be told to the others"


class AbsentPaths(Protocol):
    """Whoever knows what is shared and not here for other reasons."""

    @property
    def amount(self) -> Amount:
        """How much that is."""

    def __contains__(self, path: object) -> bool:
        """Say whether a path is not here."""


class UntoldPaths:
    """What of the own folder does not stand here as it is shared."""

    def __init__(self, node: Node, publishing: Publishing, absent: AbsentPaths) -> None:
        """Look at what waits, and at what is `absent` anyway."""
        self._node, self._publishing, self._absent = node, publishing, absent

    def __repr__(self) -> str:
        """Return how much it is."""
        return f"<UntoldPaths {tuple(self.amount)}>"

    @property
    def amount(self) -> Amount:
        """How much does not stand here as it is shared."""
        return Amount.total([self._absent.amount, self.waiting])

    @property
    def lacks_any(self) -> bool:
        """Whether anything may not stand here as it is shared."""
        return any(self._publishing.untold) or self._absent.amount != NOTHING

    @property
    def waiting(self) -> Amount:
        """How much of that is for a change that waits, and for nothing else."""
        ended = list(self._ended())
        if self._absent.amount != NOTHING:
            ended = [(path, said) for path, said in ended if path not in self._absent]
        return Amount.total(_amount(said) for _, said in ended)

    def __contains__(self, path: object) -> bool:
        """Say whether a path that is shared does not stand here as it is."""
        changed, gone = self._publishing.untold
        if path in gone or path in self._absent:
            return True
        return isinstance(path, bytes) and path in changed and _is_other(changed[path])

    def lacks_below(self, path: bytes) -> bool:
        """Say whether a change that waits ended what is shared at a path or below; b"" is all."""
        return any(_is_in(one, path) for one, _ in self._ended())

    def words(self, path: bytes) -> str:
        """Return what stands at a path, or what was done below it, and that it was not told."""
        if not self._node.share_present:
            return ""
        kept = self._publishing.kept.get(path)
        if kept is not None:
            return f"{_stands_words(kept)}, not shared: {HELD_THERE}"
        what = self._what(path)
        return f"{what}, not told yet: {self.why}" if what else ""

    @property
    def why(self) -> str:
        """Why what waits was not told to the others yet."""
        return FROZEN if self._node.cloned else SOON

    def _what(self, path: bytes) -> str:
        changed, gone = self._publishing.untold
        if path in gone:
            return "it was removed here"
        if path in changed:
            return _stands_words(changed[path])
        inside = sum(_is_in(one, path) for each in (changed, gone) for one in each)
        return f"{plural(inside, 'path')} in it changed here" if inside else ""

    def _ended(self) -> Iterator[tuple[bytes, FileRecord | PlaceRow]]:
        """Yield each path that is not as it is shared, and what the last head says of it."""
        changed, gone = self._publishing.untold
        said = {path: one.before for path, one in changed.items() if _is_other(one)}
        for path, before in (*said.items(), *gone.items()):
            if before is not None:
                yield path, before


def _is_other(change: PendingRecord) -> bool:
    """Say whether what is shared at a path does not stand there any more."""
    before, now = change.before, change.record
    return before is not None and (before.kind, before.root) != (now.kind, now.root)


def _is_in(path: bytes, folder: bytes) -> bool:
    return not folder or path == folder or path.startswith(folder + b"/")


def _stands_words(change: PendingRecord) -> str:
    before, now = change.before, change.record
    if before is None:
        return "it is new here"
    if before.kind is not now.kind:
        return f"a {now.kind.value} stands here"
    if before.root == now.root:
        return "it has another date here, or may be run or not"
    size = f" ({of_size(now.size)})" if now.kind is Kind.FILE else ""
    return f"another content stands here{size}"


def _amount(said: FileRecord | PlaceRow) -> Amount:
    return Amount(1, 0, said.size) if said.kind is Kind.FILE else Amount(0, 1, 0)
