"""The last change: what of the own folder went in the last go, as far as it can be taken back.

Strategy: the index remembers what each head ended, and what went in one go has one number
(engine/own/endings.py). Files that were deleted are a change, and so are many that were replaced;
a rename and a few edits are none, and the go before counts. What is shared again as it was needs
nothing, and what the rules of `.potluckignore` leave out now cannot be. Guarantees: nothing is
changed here. Limits: whether another device has any of it nobody knows here; whether there is
anything to take back is looked up once for each own head, so what is renamed counts as gone until
the next one. For that only some goes are looked at, since each costs some questions to the index,
and a view waits for it.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

from potluck.core.wire.catalogue import FileRecord
from potluck.engine.index.former_files import FormerFile
from potluck.engine.node import Node
from potluck.engine.own.damaged_files import DamagedFiles
from potluck.engine.own.endings import Endings
from potluck.engine.own.left_out import RuledOut
from potluck.engine.own.owners_breaker import OwnersBreaker

REPLACED_MANY: Final = 20
"""So many files that were replaced in one go, and none deleted, are a change to take back."""
GOES_LOOKED_AT: Final = 100
"""So many goes of a few edits may follow a change: then nobody is advised to take it back."""
_ROOTS_AT_ONCE: Final = 256


class Change(NamedTuple):
    """What went in one go, and is not shared again."""

    burst: int  # the number of the go
    deleted: list[FormerFile]
    replaced: list[FormerFile]  # none if they were few
    elsewhere: int  # how many files were renamed, as it seems, and not deleted
    left_out: Sequence[FileRecord] = ()  # by the rules: not shared again while they are

    @property
    def lost(self) -> list[FileRecord]:
        """All of it, as it was before that go."""
        return [one.record for one in (*self.deleted, *self.replaced)]


class LastChange:
    """What went last."""

    def __init__(
        self, node: Node, damaged: DamagedFiles, breaker: OwnersBreaker, endings: Endings
    ) -> None:
        """Look at these; nothing is renamed to where the file is `damaged`."""
        self._node, self._damaged = node, damaged
        self._breaker, self._endings = breaker, endings
        self._seen: bytes | None = None  # the own head at which that was looked up …
        self._is_open = False  # … whether any of the last change is not shared again

    def __repr__(self) -> str:
        """Return the number of the last go."""
        return f"<LastChange {self._node.index.former.burst(self._node.own_manifest)}>"

    @property
    def can_undo(self) -> bool:
        """Whether an `undo` would bring anything back."""
        if self._breaker.unwanted:
            return True
        head = self._node.index.manifests.head(self._node.own_manifest)
        seen = head.signature if head is not None else b""
        if seen != self._seen:
            change = self.find(GOES_LOOKED_AT)
            self._seen, self._is_open = seen, change is not None and bool(change.lost)
        return self._is_open

    def find(self, most: int = sys.maxsize) -> Change | None:
        """Return the last change, None if none is known among so many goes, the last ones."""
        name, former = self._node.own_manifest, self._node.index.former
        went = former.last_burst(name)
        while went and most > 0:
            most -= 1
            change = self._change(went)
            if change is not None:
                return change
            went = former.last_burst(name, went[0].burst)
        return None

    def with_held(self) -> Change | None:
        """Return what went in the same go as what is held, and was told, None if nothing did."""
        number = self._endings.held_go
        went = self._node.index.former.last_burst(self._node.own_manifest, number + 1)
        return self._change(went) if went and went[0].burst == number else None

    def _change(self, went: Sequence[FormerFile]) -> Change | None:
        """Return what is to be taken back of a go, None if that is no change.

        What came back since is such a change, too.
        """
        elsewhere = self._elsewhere(went)
        deleted, replaced = _gone_and_replaced(went, elsewhere)
        if len(replaced) < REPLACED_MANY:
            replaced = []
        if not deleted and not replaced:
            return None
        deleted, replaced = ([one for one in some if not one.back] for some in (deleted, replaced))
        left_out = RuledOut(self._node)
        return Change(
            went[0].burst,
            [one for one in deleted if not left_out.has(one.record)],
            [one for one in replaced if not left_out.has(one.record)],
            len(elsewhere),
            left_out.among(one.record for one in (*deleted, *replaced)),
        )

    def _elsewhere(self, went: Sequence[FormerFile]) -> set[bytes]:
        """Return those paths whose file has another one now: its content and its time."""
        places, standing = self._node.index.places, set[tuple[bytes, int]]()
        roots = sorted({one.record.root for one in went if not one.back and one.record.size})
        for at in range(0, len(roots), _ROOTS_AT_ONCE):
            some = roots[at : at + _ROOTS_AT_ONCE]
            found = places.with_roots(self._node.own_manifest, some)
            standing.update((root, time) for root, path, time in found if path not in self._damaged)
        lost = [one.record for one in went if not one.back]
        return {one.path for one in lost if (one.root, one.mtime_ns) in standing}


def _gone_and_replaced(
    went: Sequence[FormerFile], elsewhere: Collection[bytes]
) -> tuple[list[FormerFile], list[FormerFile]]:
    """Return the deleted and the replaced files of a go, as they were before it, by path; without
    those that are `elsewhere` now.
    """
    first, gone = dict[bytes, FormerFile](), set[bytes]()
    for one in went:
        first.setdefault(one.record.path, one)
        if one.gone:
            gone.add(one.record.path)
    lost = [one for path, one in first.items() if path not in elsewhere]
    deleted = [one for one in lost if one.record.path in gone]
    return deleted, [one for one in lost if one.record.path not in gone]
