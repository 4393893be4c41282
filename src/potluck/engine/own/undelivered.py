"""Undelivered: own files that nobody else is known to have, and the word when one of them goes.

Strategy: every change of the own folder has a number, and who holds the own list up to a number has
had all that stood there then, but for what it says that it lacks (core/content/gaps.py). The
highest number up to which somebody lacks nothing is kept, also over restarts; own files with a
higher one, which nobody said to have, are remembered by path. When the content of such a file goes,
with the file or because the file has another one, and stands nowhere else in the own folder a
moment later, a notice says so: removals always, with the question whether to have it back,
replacements once for each path. The same is said of a removal of what somebody had once, where no
linked device is known to have it now, and one says, or said last, that it lacks it, or lacks some
and not which (it skips it, or it was removed there). What was removed so stands in the register of
troubles, with the way to try to have it back, until it is shared again, or somebody says after all
that it lacked nothing of a list in which the file still was, or for `REMOVED_SHOWN_S` after the
last of such.

Guarantees: nothing is told of a content that a linked device is known to have, nor of a replaced
one that any device ever said to have had, also before the last start, nor while this device is
alone in its group. A file that was only renamed or touched is what it was, but for a start in
between. What the rules leave out was not removed. Limits: what others say of themselves is
believed; of very many undelivered files the oldest are forgotten, and nothing is told of them; a
word about a list from which the file was gone by then proves nothing and ends nothing; of more than
`publishing.LOOKED_UP_MAX` removals in one go nobody asks who lacks them now; what is gathered when
potluck ends is not told, and what was removed before a start stands in no register.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from potluck.core.content.facts import Amount, ManifestName, PlaceRow, SharedChange
from potluck.core.content.gaps import before_gaps, lacking_of
from potluck.core.content.paths import printable
from potluck.core.content.pieces import Root
from potluck.core.wire.catalogue import FileRecord, Holding, Kind
from potluck.core.wording import TO_TYPE, listed, plural, set_off, typable
from potluck.engine.node import Node
from potluck.engine.own.held_elsewhere import held_by_nobody, held_elsewhere
from potluck.engine.own.left_out import RuledOut
from potluck.engine.troubles import Trouble, TroubleKind

OPEN_MAX: Final = 5_000  # paths that are remembered: 1 MiB, and 50 ms at the start
REMOVED_MAX: Final = 100  # removed ones that are shown; each head has them looked up
REMOVED_SHOWN_S: Final = 86_400.0  # a day: so long `status` has what was removed
TOLD_AFTER_S: Final = 2.0  # a rename that is noticed in two steps is over by then
_UNDO: Final = "undo"  # a command of ours
_DELIVERED: Final = "delivered"  # in the index: the highest number that anybody said to have had
_SEQ_BYTES: Final = 8
_UNHEARD: Final = "before any other device said that it had"


class _Open(NamedTuple):
    """A file that nobody else said to have."""

    seq: int  # with which it was shared
    size: int


@dataclass(frozen=True, slots=True)
class _Gone:
    """A content that nobody else said to have, and that went from a path."""

    root: Root
    replaced: bool
    seq: int  # with which it was shared
    last: tuple[int, int]  # generation and number of the last list with it
    lacked: str = ""  # who may have it, where somebody had it once and nobody linked has it now

    def was_had(self, said: Holding) -> bool:
        """Say whether a member has the own list that it was in, and does not lack it."""
        was_in = said.generation == self.last[0] and self.seq <= said.seq <= self.last[1]
        return was_in and not lacking_of(said.gaps, [self.seq])


class Undelivered:
    """What nobody else has, as far as was said."""

    def __init__(self, node: Node) -> None:
        """Know of nothing; `start` continues where the index ends."""
        self._node = node
        self._delivered = 0
        self._open: dict[bytes, _Open] = {}
        self._gone: dict[bytes, _Gone] = {}
        self._told: dict[bytes, None] = {}  # whose replacement was told
        self._due_s: float | None = None
        self._lost: dict[bytes, _Gone] = {}  # what was removed so, the last ones
        self._last = (0, 0)  # generation and number of the own list before what is told now
        self._over_s: float | None = None  # then that is shown no more
        self._shown_as = ""  # by which label it stands in the register

    def __repr__(self) -> str:
        """Return how many there are."""
        return f"<Undelivered: {len(self._open)} files above {self._delivered}>"

    def start(self) -> None:
        """Continue where the index ends."""
        index, name = self._node.index, self._node.own_manifest
        self._last = self._newest()
        stored = index.meta.get(_DELIVERED)
        self._delivered = 0 if stored is None else int.from_bytes(stored)
        records, *_ = index.manifests.page(name, self._delivered, OPEN_MAX)
        files = [one for one in records if one.kind is Kind.FILE]
        self._open = {one.path: _Open(one.seq, one.size) for one in files}

    @property
    def amount(self) -> Amount:
        """How much nobody else ever said to have, as far as it is remembered."""
        return Amount(len(self._open), 0, sum(one.size for one in self._open.values()))

    @property
    def is_full(self) -> bool:
        """Whether there may be more than is remembered."""
        return len(self._open) >= OPEN_MAX

    # -- facts -------------------------------------------------------------------------------------
    def on_kept(self, holdings: Iterable[Holding]) -> None:
        """A member said what it holds: perhaps all of the own list, up to some number."""
        head = self._node.index.manifests.head(self._node.own_manifest)
        if self._node.unmerged:  # it may be of a list that this device lost, under the same number
            return
        for one in holdings:
            mine = ManifestName.of(one) == self._node.own_manifest
            lacks = one.missing_files or one.missing_folders or one.missing_bytes
            if not mine or head is None or one.generation != head.generation:
                continue  # numbers of another generation may be those of a lost life
            if one.gaps or not lacks:
                self._on_had(one)
                if one.seq <= head.seq:
                    self._on_delivered(one)

    def _on_delivered(self, said: Holding) -> None:
        """A member has had all of a list that this device has had, but for some of it perhaps."""
        delivered = before_gaps(said.gaps, said.seq)
        if delivered > self._delivered:
            self._delivered = delivered
            self._node.index.meta.set(_DELIVERED, delivered.to_bytes(_SEQ_BYTES))
        lacks = {*lacking_of(said.gaps, (one.seq for one in self._open.values()))}
        self._open = {
            path: one for path, one in self._open.items() if one.seq > said.seq or one.seq in lacks
        }

    def _on_had(self, said: Holding) -> None:
        """A member has had that own list: what went since was not lost by that."""
        gone, lost = self._gone.items(), self._lost.items()
        self._gone = {path: one for path, one in gone if not one.was_had(said)}
        unknown = {path: one for path, one in lost if not one.was_had(said)}
        if len(unknown) < len(lost):
            self._lost = unknown
            self._show()

    def on_shared(self, changes: Sequence[SharedChange]) -> None:
        """This is what is new in the own list."""
        left_out = RuledOut(self._node)  # what it leaves out stands here still
        ended = list[FileRecord]()  # what somebody had once
        known = {
            change.before.root
            for change in changes
            if change.before is not None and change.path not in self._open
        }
        for path, before, after, record in sorted(changes, key=lambda one: one.path):
            if _is_same(before, after):
                continue
            was = self._open.pop(path, None)
            out = after is None and before is not None and left_out.has(before)
            if was is not None and before is not None and before.size and not out:
                replaced = after is not None
                self._on_gone(path, _Gone(Root(before.root), replaced, was.seq, self._last))
            elif record is not None and record.size and not out:
                ended.append(record)
            if after is not None and after.kind is Kind.FILE and after.root not in known:
                self._note(path)
        if lacked := held_by_nobody(self._node, ended):
            words = held_elsewhere(self._node, lacked).words
            for one in lacked:
                root = Root(one.root)
                self._on_gone(
                    one.path,
                    _Gone(root, replaced=False, seq=one.seq, last=self._last, lacked=words),
                )
        self._last = self._newest()

    def on_published(self) -> None:
        """The own list has a new head: what was removed may be shared again, also by `restore`, or
        under another name.
        """
        manifests, mine = self._node.index.manifests, self._node.own_manifest
        back = [
            path
            for path, one in self._lost.items()
            if manifests.get(mine, path) is not None or self._stands(one.root)
        ]
        for path in back:
            del self._lost[path]
        if back:
            self._show()

    def _newest(self) -> tuple[int, int]:
        head = self._node.index.manifests.head(self._node.own_manifest)
        return (0, 0) if head is None else (head.generation, head.seq)

    def _note(self, path: bytes) -> None:
        """A path has a content that nobody can have had yet."""
        record = self._node.index.manifests.get(self._node.own_manifest, path)
        if record is not None:
            self._open[path] = _Open(record.seq, record.size)
        if len(self._open) > OPEN_MAX:
            del self._open[next(iter(self._open))]

    def _on_gone(self, path: bytes, gone: _Gone) -> None:
        roster = self._node.roster
        if roster is None or len(roster.members) < 2:
            return
        self._gone[path] = gone
        if self._due_s is None:
            self._due_s = self._node.now + TOLD_AFTER_S

    # -- time --------------------------------------------------------------------------------------
    def deadline(self) -> float | None:
        """Return when `on_tick` must be called next."""
        return min((at for at in (self._due_s, self._over_s) if at is not None), default=None)

    def on_tick(self) -> None:
        """Tell what went, if it is still gone; show what was told long ago no more."""
        if self._over_s is not None and self._node.now >= self._over_s:
            self._lost.clear()
            self._show()
        if self._due_s is None or self._node.now < self._due_s:
            return
        gone, self._gone, self._due_s = self._gone, {}, None
        lost = {path: one for path, one in gone.items() if not self._stands(one.root)}
        removed = [path for path, one in lost.items() if not one.replaced]
        replaced = [
            path for path, one in sorted(lost.items()) if one.replaced and path not in self._told
        ]
        self._told |= dict.fromkeys(replaced)
        for path in list(self._told)[:-OPEN_MAX]:
            del self._told[path]
        self._on_lost({path: lost[path] for path in removed})
        unheard = [path for path in removed if not lost[path].lacked]
        self._tell(unheard, f"removed here {_UNHEARD} {_they(unheard)}", "warning")
        for words in sorted({lost[path].lacked for path in removed} - {""}):
            paths = [path for path in removed if lost[path].lacked == words]
            self._tell(paths, f"removed here; {words}", "warning")
        self._tell(
            replaced, "replaced here before any other device had the version of before", "info"
        )

    def _on_lost(self, files: Mapping[bytes, _Gone]) -> None:
        """These were removed."""
        if not files:
            return
        for path, one in files.items():
            self._lost.pop(path, None)
            self._lost[path] = one
        for path in list(self._lost)[:-REMOVED_MAX]:
            del self._lost[path]
        self._over_s = self._node.now + REMOVED_SHOWN_S
        self._show()

    def _show(self) -> None:
        """Have the register say what was removed, the last first."""
        troubles, label = self._node.troubles, self._node.own_label
        if self._shown_as != label or not self._lost:
            troubles.clear(TroubleKind.LOST, self._shown_as)
        if not self._lost:
            self._over_s = None
            return
        self._shown_as = label
        files, last = len(self._lost), [path.decode() for path in reversed(self._lost)]
        were, they = "was" if files == 1 else "were", _they(last)
        ways = {
            "while no linked device was known to have" if one.lacked else _UNHEARD
            for one in self._lost.values()
        }
        names = listed(set_off(printable(f"{label}/{path}")) for path in last)
        more = " or more" if files == REMOVED_MAX else ""
        reason = (
            f"{plural(files, 'file')}{more} {were} removed here {' or '.join(sorted(ways))} {they},"
            f" so whether any has {they} is not known: {names}"
        )
        steps = _restoring(f"{label}/{last[0]}")
        troubles.note(Trouble(TroubleKind.LOST, label, reason, steps, self._node.now, None))

    def _stands(self, root: Root) -> bool:
        """Say whether a content stands in the own folder all the same."""
        mine = self._node.own_manifest
        return any(name == mine for name, _ in self._node.index.places.by_root(root))

    def _tell(self, paths: Sequence[bytes], what: str, level: str) -> None:
        if not paths:
            return
        label, were = self._node.own_label, "was" if len(paths) == 1 else "were"
        names = listed(set_off(printable(f"{label}/{path.decode()}")) for path in sorted(paths))
        if level == "warning":
            what += _question([f"{label}/{path.decode()}" for path in paths])
        self._node.tell("undelivered", f"{names} {were} {what}", level=level, subject=label)


def _question(paths: Sequence[str]) -> str:
    """Return what a person is asked of what was removed: a yes is typed, and means nothing else."""
    one = len(paths) == 1
    has = "a device has it" if one else "a device has one of them"
    step = _restoring(paths[0]) if one else _UNDO
    return f". Have {_they(paths)} back, as far as {has} after all? If so, {TO_TYPE}{step}"


def _they(paths: Sequence[object]) -> str:
    return "it" if len(paths) == 1 else "them"


def _restoring(path: str) -> str:
    """Return what is typed to try to have a path back."""
    typed = typable(path, "")
    return f"restore {typed}" if typed else "history"


def _is_same(before: FileRecord | PlaceRow | None, after: FileRecord | None) -> bool:
    """Say whether a change leaves the content of a path as it was, if it has any."""
    if before is None or after is None:
        return False
    return before.kind is after.kind and before.root == after.root
