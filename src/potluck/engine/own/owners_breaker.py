"""The owner's breaker: so many deletes at once are told to nobody before a person says so.

Strategy: whatever the next head would say is looked at first. Files that would end, or be cut off
to nothing, while their content is at no other path of the own folder, are lost; if they are too
many (core/content/breakers.py) they are held, with the folders that they are in, and so is a file
that took the place of such a folder. One whose content stands only where something else is shared,
and is kept from being shared there (engine/own/older_files.py), is held in any case: it was moved,
and nobody is told where to. Everything else is said. What came into being within the hour
(fresh_files.py) counts only with what went within ten seconds. Many deletes wait until nothing is
being looked at and no more came for two seconds, so that one `rm -rf` is judged as one; so does any
while something is kept from being shared, until what may have been moved there is read.

Guarantees: what is held is never said by itself, but for a file whose content came to another path
since, and which nobody wants brought back; a person reads of it once, and in `status` until it is
over. Limits: what was deleted within the hour before the limit was reached has been said, 20 files
or a quarter at most; what takes more than ten seconds to be read at its new place is deleted; what
has another content, not none, is an edit, and so is a folder in the place of a file; the hour
begins anew with each start.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from typing import Final

from potluck.core.content.breakers import LOSS_BURST_S, MASS_FILES, RecentLosses, is_mass
from potluck.core.content.facts import NOTHING, Amount, PlaceRow
from potluck.core.wire.catalogue import FileRecord, Kind
from potluck.core.wording import set_off
from potluck.engine.node import Node
from potluck.engine.own.fresh_files import FreshFiles
from potluck.engine.own.held_paths import HeldPaths
from potluck.engine.own.held_words import Waits, held_reason
from potluck.engine.own.in_the_way import files_in_the_way, kept_out_by
from potluck.engine.own.left_out import RuledOut
from potluck.engine.own.pending_record import PendingRecord, is_emptied
from potluck.engine.troubles import Trouble, TroubleKind

DELETES_QUIET_S: Final = 2.0
"""Many deletes are judged when no more came for so long …"""
GATHER_MAX_S: Final = 10.0
"""… but after this time in any case."""
_ROOTS_AT_ONCE: Final = 256
_COUNT_S: Final = 1.0  # between two counts of what is held …
_COUNTED_IN_1_S: Final = 10_000  # … and a second more for so many: 100,000 take 0.5 s

Ending = Mapping[bytes, FileRecord | PlaceRow | None]
"""What ends, by path, and what the last head says of it."""


class OwnersBreaker:
    """Says which changes of the own folder are not to be told before a person says so."""

    def __init__(self, node: Node) -> None:
        """Hold nothing; `start` says what an earlier run held."""
        self._node = node
        self.held = HeldPaths(node)
        self._hour, self._burst = RecentLosses(), RecentLosses(LOSS_BURST_S)
        self.fresh = FreshFiles(node)
        self.in_the_way = set[bytes]()  # what keeps out what is held, as far as it is known
        self._emptied = set[bytes]()  # an empty file stands there, where a held one was cut off
        # by a disk whose folder is gone, or to where something else is shared: nobody deleted these
        self.taken_along = set[bytes]()
        self.meant = set[bytes]()  # what stands at these, be it nothing, a person wants shared
        self.hiding = False  # what goes may be where another disk hides what is mine
        self._gathers = False  # deletes wait to be judged
        self._dropped_s = self._gathering_s = -GATHER_MAX_S  # the last of them, and the first
        self._counted = NOTHING  # how much `status` says is held
        self._count_s = 0.0
        self._outdated = False  # what the others have of it may be more, or less, by now
        self._untold = False  # that anything is
        self._subject = ""  # under which name it says so
        self._returning: Collection[bytes] = ()  # what of it a person wants brought back
        # how much that is, whether it is all that is held, and what is in the way
        self._says = 0, False, 0

    def __repr__(self) -> str:
        """Return what is held."""
        return f"<OwnersBreaker {self.held!r}>"

    def start(self) -> None:
        """Hold what an earlier run did."""
        self.held.start()
        self._note()

    # -- time --------------------------------------------------------------------------------------
    def on_dropped(self) -> None:
        """Something is gone."""
        if not self._gathers:
            self._gathers, self._gathering_s = True, self._node.now
        self._dropped_s = self._node.now

    def on_looking(self) -> None:
        """Something is being looked at: perhaps more is gone."""
        if self._gathers:
            self._dropped_s = self._node.now

    def gathers_until_s(self, gone: int, changed: int) -> float:
        """Return until when more deletes may be awaited, if these are many."""
        few = gone - changed <= MASS_FILES  # or most of them have another name now
        if few and not self.hiding:
            return self._node.now
        return min(self._dropped_s + DELETES_QUIET_S, self._gathering_s + GATHER_MAX_S)

    def deadline(self) -> float | None:
        """Return when `on_tick` must be called next."""
        return self._due_s if self._outdated or self.held.amount != self._counted else None

    def on_tick(self) -> bool:
        """Have `status` say how much is held; return whether that is another amount now."""
        changed = self.held.amount != self._counted
        if not (changed or self._outdated) or self._node.now < self._due_s:
            return False
        self._note()
        return changed

    def on_others(self) -> None:
        """Another device said what it has, came or went: perhaps other words are true now."""
        self._outdated = bool(self.held)

    @property
    def _due_s(self) -> float:
        """When it is counted next: that anything is held, or nothing any more, is said at once."""
        at_once = self._counted == NOTHING or not self.held
        return self._node.now if at_once else self._count_s

    # -- what is said ------------------------------------------------------------------------------
    def moved(self, changed: Mapping[bytes, PendingRecord]) -> list[bytes]:
        """Return what of that which is held has its content at a path that is shared anew, and the
        folders in which nothing is held then. Each such path ends one: others may have that
        content, too. What a person wants brought back is not moved.
        """
        if not self.held:
            return []
        came = Counter(
            one.record.root for path, one in changed.items() if self._is_other(path, one)
        )
        moved = list[bytes]()
        for one in self.held.records():
            if came[one.root] and one.path not in self._returning:
                came[one.root] -= 1
                moved.append(one.path)
        self.held.release(moved)
        if moved:
            emptied = [one.path for one in self.held.records() if one.kind is Kind.FOLDER]
            emptied = [path for path in emptied if not self.held.has_below(path)]
            emptied = [path for path in emptied if path not in self._returning]
            self.held.release(emptied)
            moved += emptied
        return moved

    def _is_other(self, path: bytes, change: PendingRecord) -> bool:
        """Say whether a content comes to a path that had another one, and is not held itself."""
        before, after = change.before, change.record
        news = before is None or before.root != after.root
        return bool(after.size) and news and path not in self.held

    def sift(self, gone: Ending, changed: Mapping[bytes, PendingRecord]) -> set[bytes]:
        """Return the paths of which nothing is to be said."""
        held, self._gathers = self.held, False
        lost = self._lost(gone, changed)
        if lost:
            self._judge(lost)
        knew = set(self.in_the_way)
        for known in (self.taken_along, self.meant, self.in_the_way):
            known.difference_update(gone, changed)
        self.fresh.on_told(gone, changed, held)
        if not held:
            return set()
        folders = {path for path, before in gone.items() if _is_folder(before)}
        blocked = {path for path, one in changed.items() if one.record.kind is Kind.FILE}
        inner = {path for path in folders | blocked if held.has_below(path)}
        held.hold(inner)
        emptied = {path for path, one in changed.items() if path in held and is_emptied(one)}
        self._emptied = (self._emptied.difference(gone, changed)) | emptied
        self.in_the_way |= files_in_the_way(held, changed.items())
        self._outdated |= self.in_the_way != knew
        kept_back = inner | emptied | {path for path in gone if path in held}
        if kept_back:
            held.write()
        return kept_back

    def _judge(self, lost: Mapping[bytes, FileRecord | PlaceRow]) -> None:
        """Hold these if they are too many, and what went with a disk in any case."""
        taken = {path for path, one in lost.items() if one.size and path in self.taken_along}
        lost = {path: one for path, one in lost.items() if path not in taken}
        old = self.fresh.old(lost)
        held = self._too_many(self._hour, old) | self._too_many(self._burst, lost)
        if taken or held:
            self._untold |= not self.held
            self.held.hold(taken | held)
        if held:
            return
        self._hour.note(_amount_of(old), self._node.now)
        self._burst.note(_amount_of(lost), self._node.now)

    def _too_many(
        self, recent: RecentLosses, lost: Mapping[bytes, FileRecord | PlaceRow]
    ) -> set[bytes]:
        """Return the paths of these if they are too many, together with what went before."""
        node, before, amount = self._node, recent.total(self._node.now), _amount_of(lost)
        shared = node.index.manifests.amount(node.own_manifest)
        known = Amount.total([shared.less(self.held.amount), before])
        is_much = lost and is_mass(Amount.total([before, amount]), known)
        return set(lost) if is_much else set()

    def _lost(
        self, gone: Ending, changed: Mapping[bytes, PendingRecord]
    ) -> dict[bytes, FileRecord | PlaceRow]:
        """Return the files that would end, or be cut off, and whose content is nowhere else."""
        lost = dict[bytes, FileRecord | PlaceRow]()
        for path, before in gone.items():
            if before is not None and before.kind is Kind.FILE:
                lost[path] = before
        for path, one in changed.items():
            if one.before is not None and is_emptied(one):
                lost[path] = one.before
        known = (self.held, self.held.confirmed, self.meant)  # a person knows of these
        lost = {
            path: one for path, one in lost.items() if not any(path in those for those in known)
        }
        roots = {one.record.root for one in changed.values()}
        lost = {path: one for path, one in lost.items() if one.root not in roots}
        roots = {one.root for one in lost.values() if one.size}
        shared, unshared = self._standing(roots, gone, changed)
        lost = {path: one for path, one in lost.items() if one.root not in shared}
        self.taken_along.update(path for path, one in lost.items() if one.root in unshared)
        return lost

    def _standing(
        self, roots: Collection[bytes], gone: Ending, changed: Mapping[bytes, PendingRecord]
    ) -> tuple[set[bytes], set[bytes]]:
        """Return which of these contents stand at another path of the own folder, and are shared
        there, or are not, since something else is.
        """
        index, name, every = self._node.index, self._node.own_manifest, sorted(roots)
        shared, unshared = set[bytes](), set[bytes]()
        for at in range(0, len(every), _ROOTS_AT_ONCE):
            for root, path, _ in index.places.with_roots(name, every[at : at + _ROOTS_AT_ONCE]):
                if path not in gone and path not in changed:
                    record = index.manifests.get(name, path)
                    is_told = record is not None and record.root == root
                    (shared if is_told else unshared).add(root)
        return shared, unshared

    # -- what a person reads -----------------------------------------------------------------------
    @property
    def unwanted(self) -> bool:
        """Whether something is held that nobody wants back yet, and that could come."""
        left_out = RuledOut(self._node)  # what is shows nothing here, whatever comes
        waits = [one for one in self.held.records() if one.path not in self._returning]
        kept_out = kept_out_by(waits, self.in_the_way)
        return any(one.path not in kept_out and not left_out.has(one) for one in waits)

    def say_returning(self, paths: Collection[bytes]) -> None:
        """These are being brought back, of what is held, or none; `status` says so, and what is in
        the way.
        """
        self._returning = paths
        says = len(paths), len(paths) >= len(self.held), len(self.in_the_way)
        before, self._says = self._says, says
        if (says[0] > 0, *says[1:]) != (before[0] > 0, *before[1:]):
            self._note()
        self._outdated |= bool(self.held) and says != before

    def _note(self) -> None:
        """Have `status` say what is held, or nothing of it any more."""
        node = self._node
        self._counted = self.held.amount
        self._count_s = node.now + _COUNT_S + len(self.held) // _COUNTED_IN_1_S
        self._outdated = False
        if not self.held or self._subject != node.own_label:
            node.troubles.clear(TroubleKind.HELD, self._subject)
        self._subject = node.own_label
        if self.held:
            self.in_the_way = {path for path in self.in_the_way if path in self.held}
            waits = Waits(self._returning, self._emptied, self.in_the_way)
            reason, then = held_reason(node, self.held, waits)
            trouble = Trouble(TroubleKind.HELD, self._subject, reason, then, node.now, None)
            node.troubles.note(trouble)
            if self._untold:
                text = f"{set_off(self._subject)}: {reason}"
                node.tell("own_deletes_held", text, level="warning", subject=self._subject)
        self._untold = False


def _amount_of(lost: Mapping[bytes, FileRecord | PlaceRow]) -> Amount:
    return Amount(len(lost), 0, sum(one.size for one in lost.values()))


def _is_folder(before: FileRecord | PlaceRow | None) -> bool:
    return before is not None and before.kind is Kind.FOLDER
