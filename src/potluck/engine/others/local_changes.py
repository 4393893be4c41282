"""Local changes: what is done on this device to other people's files, told once, by name.

Strategy: whoever finds a change notes it (engine/others/replica_files.py and its neighbours);
whoever places what its owner wants there says what became of it. Both are gathered for a moment and
become one line for each kind of change and owner, with the first names and the count of the others.
A file that went and one that came with the same inode are one rename.

Guarantees: every change is told within `PATIENCE_S`, once; where the owner's version is not back by
then the line says so. Where a local version went is always told, now or when it goes. Our own
placing is never noted. Limits: who changed it, a person or a program, is not known, so it is not
said. Nothing is remembered across restarts: what still lies there is told again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from potluck.core.content.facts import ManifestName, PlaceRow, Spot, Stat
from potluck.core.wording import set_off
from potluck.engine.events import Placement
from potluck.engine.node import Node
from potluck.engine.others.arrivals import Arrivals
from potluck.engine.others.group_commit import SpotOutcome
from potluck.engine.others.skipping import is_skipped
from potluck.engine.others.strange_files import Strange, StrangeFiles

GATHER_S = 0.5  # what belongs together has come by then
PATIENCE_S = 1.0  # … and by then people want to know, whatever is still on its way
NAMES_MAX = 3  # named in one line; of the others the number


class ChangeKind(Enum):
    """What was done to a file; the order is that in which it is told."""

    MOVED = "renamed"
    DELETED = "deleted"
    EDITED = "edited"
    REPLACED = "replaced"
    DAMAGED = "damaged by the disk"
    DRESSED = "given other times or rights"
    DROPPED = "changed, and dropped by its owner"
    RETURNED = "back, but dropped by its owner"
    ASIDE = "in the way"
    ADDED = "added"


class FileKey(NamedTuple):
    """How a file is known again under another name."""

    inode: int
    size: int


@dataclass(slots=True)
class LocalChange:
    """One change and what became of it."""

    kind: ChangeKind
    since_s: float
    key: FileKey | None = None  # of the file that went or came
    aside: str = ""  # where the local version went
    back: bool = False  # what its owner wants stands there
    came: Spot | None = None  # of a rename: where to


class LocalChanges:
    """What was done here to other people's files and not told yet."""

    def __init__(self, node: Node) -> None:
        """Know of nothing."""
        self._node = node
        self.arrivals = Arrivals()
        self._open: dict[Spot, LocalChange] = {}
        self.strange = StrangeFiles(node)
        self._tell_s: float | None = None

    def __repr__(self) -> str:
        """Return how much there is to tell, and how much is none of its owner's."""
        return f"<LocalChanges {len(self._open)} to tell, {self.strange!r}>"

    # -- what was found ----------------------------------------------------------------------------
    def on_edited(self, spot: Spot) -> None:
        """Another content stands where a file is known."""
        self._note(spot, LocalChange(ChangeKind.EDITED, self._node.now))

    def on_damaged(self, spot: Spot) -> None:
        """The disk has other bytes of a file than it was given."""
        self._note(spot, LocalChange(ChangeKind.DAMAGED, self._node.now))

    def on_replaced(self, spot: Spot) -> None:
        """Something that is no file, or no folder, stands where one is known."""
        self._note(spot, LocalChange(ChangeKind.REPLACED, self._node.now))

    def on_dressed(self, spot: Spot) -> None:
        """A file has another time, or another x bit, than its owner gave it."""
        self._note(spot, LocalChange(ChangeKind.DRESSED, self._node.now))

    def on_deleted(self, spot: Spot, row: PlaceRow) -> None:
        """Nothing stands where something is known."""
        key = FileKey(row.inode, row.size) if row.inode else None
        self._note(spot, LocalChange(ChangeKind.DELETED, self._node.now, key))

    def on_added(self, spot: Spot, stat: Stat | None, *, plain: bool = True) -> None:
        """Something stands where its owner has nothing; `plain`: a file or a folder."""
        self.arrivals.note(spot, stat)
        if not self.strange.note(spot, Strange(stat is not None, plain)):
            return
        key = FileKey(stat.inode, stat.size) if stat is not None else None
        self._note(spot, LocalChange(ChangeKind.ADDED, self._node.now, key))

    def on_returned(self, spot: Spot) -> None:
        """A file that had gone is back, and its owner has dropped it meanwhile."""
        self._note(spot, LocalChange(ChangeKind.RETURNED, self._node.now))

    def on_not_there(self, spot: Spot) -> None:
        """Nothing stands where nothing is known: a stray has gone."""
        self.arrivals.forget(spot)
        self.strange.forget_all(spot)
        change = self._open.get(spot)
        if change is not None and change.kind is ChangeKind.ADDED:
            del self._open[spot]

    def keep_strays(self, name: ManifestName, seen: set[bytes]) -> None:
        """A scan saw all that stands in a folder: strays it did not see have gone."""
        self.arrivals.keep(name, seen)
        self.strange.keep(name, seen)

    def on_committed(self, done: Iterable[SpotOutcome]) -> None:
        """A group commit is over: what its owners want stands there, and local versions went."""
        for each in done:
            spot, aside = each.ready.spot, each.placed.put_aside
            self.arrivals.forget(spot)
            self.strange.forget(spot)
            change = self._open.get(spot)
            if change is None and aside:
                change = LocalChange(ChangeKind.ASIDE, self._node.now)
                self._note(spot, change)
            if change is not None:
                change.aside = aside or change.aside
                change.back = each.well
                if aside and each.placed.placement is Placement.REMOVED:
                    change.kind = ChangeKind.DROPPED

    def _note(self, spot: Spot, change: LocalChange) -> None:
        known = self._open.get(spot)
        if known is not None and not known.back:
            change.since_s, change.aside = known.since_s, known.aside
        self._open[spot] = change
        if self._tell_s is None:
            self._tell_s = self._node.now + GATHER_S

    # -- time --------------------------------------------------------------------------------------
    def deadline(self) -> float | None:
        """Return when `on_tick` must be called next."""
        return self._tell_s

    def on_tick(self) -> None:
        """Tell what was gathered; what is not put right yet a little later."""
        now = self._node.now
        if self._tell_s is None or now < self._tell_s:
            return
        self._join_moves()
        due = {spot: change for spot, change in self._open.items() if _is_ripe(change, now)}
        for spot in due:
            del self._open[spot]
        waiting = [change.since_s + PATIENCE_S for change in self._open.values()]
        self._tell_s = min(waiting, default=None)
        for text in _texts(self._node, due):
            self._node.tell(text.code, text.text, level="warning", subject=text.subject)

    def _join_moves(self) -> None:
        """A file that went and one that came with the same inode are one rename."""
        came = {
            change.key: spot
            for spot, change in self._open.items()
            if change.kind is ChangeKind.ADDED and change.key is not None
        }
        for change in self._open.values():
            if change.kind is ChangeKind.DELETED and change.key in came:
                change.kind, change.came = ChangeKind.MOVED, came.pop(change.key)
        for change in list(self._open.values()):
            if change.came is not None:
                self._open.pop(change.came, None)


class Telling(NamedTuple):
    """One line for people."""

    code: str
    text: str
    subject: str


def _is_ripe(change: LocalChange, now: float) -> bool:
    """Say whether a change can be told: it is put right, or people have waited long enough."""
    settled = change.back or change.kind is ChangeKind.ADDED
    return settled or now >= change.since_s + PATIENCE_S


def _texts(node: Node, changes: dict[Spot, LocalChange]) -> Iterator[Telling]:
    """Return what to say: one line for each kind, owner and outcome."""
    groups: dict[tuple[str, int, bool, bool], dict[Spot, LocalChange]] = {}
    order = list(ChangeKind)
    for spot, change in sorted(changes.items(), key=lambda item: item[0]):
        skipped = not change.back and is_skipped(node, spot)
        label = node.label_of(spot.manifest.owner)
        key = label, order.index(change.kind), not change.back, skipped
        groups.setdefault(key, {})[spot] = change
    for (label, number, _, skipped), group in sorted(groups.items(), key=lambda item: item[0]):
        kind = order[number]
        named = _without_folders(group)
        names = [_name(node, spot, change) for spot, change in named.items()]
        frozen = any(_is_frozen(node, spot) for spot in named)
        text = _SAYINGS[kind](_Group(label, names, list(named.values()), skipped, frozen))
        yield Telling(_CODES[kind], text, str(node.layout.path_of(next(iter(named)))))


def _is_frozen(node: Node, spot: Spot) -> bool:
    return node.roster is not None and node.roster.is_frozen(spot.manifest.owner)


def _name(node: Node, spot: Spot, change: LocalChange) -> str:
    name = set_off(str(node.layout.path_of(spot)))
    if change.came is None:
        return name
    return f"{name} → {set_off(str(node.layout.path_of(change.came)))}"


def _without_folders(group: dict[Spot, LocalChange]) -> dict[Spot, LocalChange]:
    """Return a group without the folders of others in it, which need no naming."""
    folders = {above for spot in group for above in spot.above()}
    return {spot: change for spot, change in group.items() if spot not in folders}


@dataclass(frozen=True, slots=True)
class _Group:
    """Equal changes to files of one owner."""

    label: str
    names: list[str]
    changes: list[LocalChange]
    skipped: bool  # what their owner shares there is not wanted here
    frozen: bool  # that owner is no member any more, and its folder stays as it was

    @property
    def one(self) -> bool:
        return len(self.names) == 1

    @property
    def back(self) -> bool:
        return self.changes[0].back

    @property
    def were(self) -> str:
        """The first names, and "was" or "were"."""
        return f"{names_of(self.names)} {'was' if self.one else 'were'}"

    @property
    def it(self) -> str:
        """The word for them."""
        return "it" if self.one else "them"

    @property
    def aside(self) -> str:
        """Where the local versions are."""
        places = [change.aside for change in self.changes if change.aside]
        if not places:
            return "what stands here is not shared"
        if self.one:
            return f"this version is in {set_off(places[0])}"
        return f"these versions are in {set_off(places[0].rpartition('/')[0])}"

    @property
    def outcome(self) -> str:
        """Whether the owner's version stands there again."""
        if self.back:
            return f"{self.label}'s {'is' if self.one else 'are'} back"
        if self.skipped:
            return f"{self.label}'s {'is' if self.one else 'are'} skipped here, so not fetched"
        return f"{self.label}'s {'comes' if self.one else 'come'} back once fetched"


def _moved(group: _Group) -> str:
    left = "the new name stays" if group.one else "the new names stay"
    return f"renamed here: {names_of(group.names)}; {group.outcome}, {left} here, not shared"


def _deleted(group: _Group) -> str:
    return f"{group.were} deleted here: {group.outcome}"


def _edited(group: _Group) -> str:
    return f"{group.were} edited here: {group.aside}, {group.outcome}"


def _replaced(group: _Group) -> str:
    return f"{group.were} replaced here: {group.aside}, {group.outcome}"


def _damaged(group: _Group) -> str:
    return f"{group.were} damaged on this disk: {group.aside}, {group.outcome}"


def _dressed(group: _Group) -> str:
    state = "they are put right" if group.back else "that is put right soon"
    if group.skipped:
        state = "they stay so, since they are skipped"
    return f"{group.were} given another time or x bit here: {state}"


def _dropped(group: _Group) -> str:
    return f"{group.were} changed here, and {group.label} has dropped {group.it}: {group.aside}"


def _returned(group: _Group) -> str:
    where = "in the trash" if group.back else "to go to the trash"
    they_are = "it is" if group.one else "they are"
    dropped = f"{group.label} has dropped {group.it}"
    return f"{group.were} brought back here, but {dropped}: {they_are} {where}"


def _aside(group: _Group) -> str:
    belong = "belongs" if group.one else "belong"
    return f"something else stood where {names_of(group.names)} {belong}: {group.aside}"


def _added(group: _Group) -> str:
    if group.frozen:  # whose it is nobody knows: the machine that shared the others may be this one
        are, stay = ("is", "it stays") if group.one else ("are", "they stay")
        among = f"{names_of(group.names)} {are} not among what {group.label} shared last"
        return f"{among}: {stay} here and {are} not shared"
    if group.one:
        return f"{group.names[0]} is not {group.label}'s: it stays here and is not shared"
    return f"{names_of(group.names)} are not {group.label}'s: they stay here and are not shared"


_SAYINGS: dict[ChangeKind, Callable[[_Group], str]] = {
    ChangeKind.MOVED: _moved,
    ChangeKind.DELETED: _deleted,
    ChangeKind.EDITED: _edited,
    ChangeKind.REPLACED: _replaced,
    ChangeKind.DAMAGED: _damaged,
    ChangeKind.DRESSED: _dressed,
    ChangeKind.DROPPED: _dropped,
    ChangeKind.RETURNED: _returned,
    ChangeKind.ASIDE: _aside,
    ChangeKind.ADDED: _added,
}
_CODES = {
    ChangeKind.MOVED: "renamed_here",
    ChangeKind.DELETED: "deleted_here",
    ChangeKind.EDITED: "put_aside",
    ChangeKind.REPLACED: "put_aside",
    ChangeKind.DAMAGED: "damage",
    ChangeKind.DRESSED: "dressed_here",
    ChangeKind.DROPPED: "put_aside",
    ChangeKind.RETURNED: "trashed_here",
    ChangeKind.ASIDE: "put_aside",
    ChangeKind.ADDED: "stray_files",
}


def names_of(names: Sequence[str]) -> str:
    """Return the first names, and how many more there are."""
    shown = ", ".join(names[:NAMES_MAX])
    more = len(names) - NAMES_MAX
    return f"{shown} and {more:,} more" if more > 0 else shown
