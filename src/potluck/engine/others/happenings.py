"""Happenings: what owners did with their files, told one line per thing, with names.

Strategy: group commits (of others' folders) and new heads (of the own one) say what became of each
path. That is gathered by manifest until it was quiet for a moment, then summed up in a sentence for
each kind of deed: "laptop added movie.bin (1.0 GB)". What was added or changed in a folder of which
more is still to come here waits for it (unfinished_folders.py): a copied folder is one thing, not
one for every three seconds. Of one path only the sum counts: added and changed is added, added and
deleted is nothing. A content that left one path and came to another within one gathering was
renamed; a folder whose files all went to another was renamed itself. What is left out is no delete.

Guarantees: told a second after the last thing at the latest, and every three seconds while things
go on; a folder that comes slowly, and a file that changes again, once a minute. When this device
leaves, what waits is told. "Kept in the trash" is said only of files that this device itself moved
there, with the age at which they go, unless the disk lacks room. What this device lost and brought
back, lets go since its folder is forgotten (forgotten_folders.py tells that), or though it is
shared (local_names.py), is no deed of its owner. Paths are remembered one by one up to a bound,
what is more is counted; long names are cut. Limits: what is gathered is lost when the program is
killed, and so is what is to be brought back. A trash that is too large lets files go sooner: that
is told then. Of new folders only empty ones are told. Beside a file that something keeps from
coming a new one waits a minute while others come. Lines of the own folder do not wait.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from itertools import islice

from potluck.core import limits
from potluck.core.content.facts import ManifestName, SharedChange, Spot
from potluck.core.wire.catalogue import Kind
from potluck.core.wording import of_size, set_off
from potluck.engine.events import Placement
from potluck.engine.node import Node
from potluck.engine.others.disk_room import lacks_room
from potluck.engine.others.group_commit import SpotOutcome
from potluck.engine.others.path_folders import (
    common_folder,
    folders_above,
    topmost,
    without_common_end,
)
from potluck.engine.others.trash_words import TRASH_DAYS
from potluck.engine.others.unfinished_folders import Bringing, UnfinishedFolders
from potluck.engine.own.left_out import RuledOut

QUIET_S = 1.0  # so long nothing, and what was gathered is told: a folder of files is one line
GOING_ON_S = 3.0  # while things go on they are told this often
UNFINISHED_S = 60.0  # so long files wait for their folder: a slow one is a line a minute
SAME_AGAIN_S = 60.0  # a file that is written all the time is one line a minute
PATHS_MAX = 4096  # remembered one by one, of all owners together: 1 MiB; what is more is counted
LOST_MAX = 20_000  # paths to be brought back that are remembered; the oldest are forgotten
FOLDERS_LOOKED_INTO = 50  # new ones of one gathering, whether they are empty
NAMES_SHOWN = 3  # of the files in one line
OUTWEIGHS_BYTES = limits.PIECE_MIN_BYTES  # below it no file is large
NAME_LETTERS = 60  # of one name; the middle of a longer one is left out
KEPT_IN_TRASH, IN_TRASH = f" (kept {TRASH_DAYS} days in the trash)", " (in the trash)"


class Deed(Enum):
    """What an owner can do to a path; the value is the word for it."""

    ADDED = "added"
    CHANGED = "changed"
    DELETED = "deleted"
    LEFT_OUT = "no longer share, as .potluckignore says,"


@dataclass(frozen=True, slots=True)
class Happening:
    """What became of one path."""

    deed: Deed
    kind: Kind
    size: int  # bytes of the file that stands there now; of a deleted one, before
    root: bytes
    trashed: bool = False  # this device keeps the deleted file in its trash


@dataclass(slots=True)
class Lot:
    """Files with which the same was done, summed up."""

    files: int = 0
    size: int = 0
    largest: list[tuple[int, bytes]] = field(default_factory=list)  # size below 0, path: a few
    folder: tuple[bytes, ...] | None = None  # that all of them are in
    trashed: bool = True

    @property
    def names(self) -> list[bytes]:
        """The largest few, of equal ones the first by name."""
        return [path for _, path in self.largest]

    def add(self, path: bytes, happening: Happening) -> None:
        """Count one more."""
        self.files += 1
        self.size += happening.size
        self.trashed &= happening.trashed
        self.largest = sorted([*self.largest, (-happening.size, path)])[:NAMES_SHOWN]
        above = tuple(path.split(b"/")[:-1])
        self.folder = above if self.folder is None else common_folder(self.folder, above)


@dataclass(slots=True)
class Gathering:
    """What one owner did since it was told last."""

    begun_s: float
    last_s: float
    waits_s: float  # since then files wait for the rest of their folder
    paths: dict[bytes, Happening] = field(default_factory=dict)
    more: dict[Deed, Lot] = field(default_factory=dict)  # only counted

    @property
    def due_s(self) -> float:
        """When this is to be told."""
        return min(self.last_s + QUIET_S, self.begun_s + GOING_ON_S)


class Happenings:
    """Gathers what owners did, and tells it."""

    def __init__(self, node: Node, bringing: Bringing) -> None:
        """Know of nothing yet."""
        self._node, self._unfinished = node, UnfinishedFolders(node.index.needs, bringing)
        self._gathered: dict[ManifestName, Gathering] = {}
        self._lost: dict[Spot, None] = {}
        self._said: dict[tuple[ManifestName, str], float] = {}  # when a change was told

    def __repr__(self) -> str:
        """Return how much is gathered."""
        return f"<Happenings {self._paths} paths of {len(self._gathered)}, lost={len(self._lost)}>"

    @property
    def _paths(self) -> int:
        return sum(len(gathering.paths) for gathering in self._gathered.values())

    # -- facts -------------------------------------------------------------------------------------
    def on_committed(self, done: Sequence[SpotOutcome]) -> None:
        """A group commit is over: what its owners wanted stands, or is gone, where it says so."""
        silent = {self._node.me, *(self._node.roster.forgotten if self._node.roster else ())}
        for each in done:
            happening = _happening_of(each)
            if each.ready.spot in self._lost and each.well:
                del self._lost[each.ready.spot]
            elif happening is not None and each.ready.spot.manifest.owner not in silent:
                self._note(each.ready.spot, happening)
                source = each.ready.moved_from
                if source is not None:
                    self._note(source, replace(happening, deed=Deed.DELETED))

    def on_lost(self, name: ManifestName, paths: Iterable[bytes]) -> None:
        """These files of somebody else do not stand here any more, and are to be brought back."""
        for path in paths:
            self._lost[Spot(name, path)] = None
        for spot in list(islice(self._lost, max(0, len(self._lost) - LOST_MAX))):
            del self._lost[spot]

    def on_changed(self, name: ManifestName, paths: Iterable[bytes]) -> None:
        """The owner of these paths changed them: what comes now is its deed."""
        for path in paths if self._lost else ():
            self._lost.pop(Spot(name, path), None)

    def on_shared(self, changes: Iterable[SharedChange]) -> None:
        """This device told the others of these changes of its own."""
        left_out = RuledOut(self._node)
        for change in changes:
            happening = _own_happening(change, left_out)
            if happening is not None:
                self._note(Spot(self._node.own_manifest, change.path), happening)

    def _note(self, spot: Spot, happening: Happening) -> None:
        now, deleted = self._node.now, happening.deed is Deed.DELETED
        if deleted and self._node.index.manifests.get(*spot) is not None:
            return  # this device let it go, and its owner shares it
        gathering = self._gathered.setdefault(spot.manifest, Gathering(now, now, now))
        gathering.last_s = now
        before = gathering.paths.pop(spot.path, None)
        if before is None and self._paths >= PATHS_MAX:
            gathering.more.setdefault(happening.deed, Lot()).add(spot.path, happening)
            return
        after = happening if before is None else _summed(before, happening)
        if after is not None:
            gathering.paths[spot.path] = after

    # -- time --------------------------------------------------------------------------------------
    def deadline(self) -> float | None:
        """Return when `on_tick` must be called next."""
        return min((gathering.due_s for gathering in self._gathered.values()), default=None)

    def on_tick(self) -> None:
        """Tell what has been gathered long enough."""
        due = [name for name, its in self._gathered.items() if its.due_s <= self._node.now]
        for name in sorted(due):
            gathering = self._gathered.pop(name)
            waiting = self._taken_out(name, gathering)
            if waiting.paths:
                self._gathered[name] = waiting
            self._tell(name, gathering)

    def on_leaving(self) -> None:
        """This device leaves: tell what is gathered, whatever is still to come."""
        while self._gathered:
            self._tell(*self._gathered.popitem())

    def _taken_out(self, name: ManifestName, gathering: Gathering) -> Gathering:
        """Take out, and return, what waits for the rest of its folder; what was only counted too.

        Renames and deletes never wait. New folders wait as long as something is to come in them.
        """
        now, paths = self._node.now, gathering.paths
        files = {path: its for path, its in sorted(paths.items()) if its.kind is Kind.FILE}
        renamed = set(_renamed(files).values())
        came = {
            path: its.size
            for path, its in files.items()
            if its.deed is not Deed.DELETED and path not in renamed
        }
        new = {path for path in paths.keys() - files if paths[path].deed is Deed.ADDED}
        waiting = self._unfinished.waiting(name, came, new)
        if now >= gathering.waits_s + UNFINISHED_S:
            waiting &= new
        waits_s = gathering.waits_s if waiting - new else now
        left = Gathering(now, now, waits_s, {path: paths.pop(path) for path in sorted(waiting)})
        for deed in list(gathering.more) if waiting - new else ():
            if deed is not Deed.DELETED:
                left.more[deed] = gathering.more.pop(deed)
        return left

    def _tell(self, name: ManifestName, gathering: Gathering) -> None:
        node, now = self._node, self._node.now
        self._said = {said: at for said, at in self._said.items() if now < at + SAME_AGAIN_S}
        label = node.label_of(name.owner)
        who = "you" if name.owner == node.me else label

        def is_empty(folder: bytes) -> bool:
            return not node.index.manifests.listing(name, folder + b"/", 1)

        kept = IN_TRASH if lacks_room(node) else KEPT_IN_TRASH
        for words in sentences(gathering.paths, gathering.more, is_empty, kept):
            again = (name, words) in self._said
            if words.startswith(Deed.CHANGED.value):
                self._said.setdefault((name, words), now)
            if not again:
                node.tell("happened", f"{who} {words}", subject=label)


# -- what became of a path -------------------------------------------------------------------------
def _happening_of(each: SpotOutcome) -> Happening | None:
    """Return what a group commit made of a spot, None if that is nothing its owner did."""
    item, content = each.ready.item, each.ready.item.content
    if each.placed.placement is Placement.REMOVED:
        return _removal_of(each)
    if not each.stands:
        return None
    if content is None:
        return Happening(Deed.ADDED, Kind.FOLDER, 0, b"")
    if item.expected is None:
        return Happening(Deed.ADDED, Kind.FILE, content.size_bytes, content.root)
    if item.expected_root == content.root:
        return None  # another time or x bit
    return Happening(Deed.CHANGED, Kind.FILE, content.size_bytes, content.root)


def _removal_of(each: SpotOutcome) -> Happening:
    item = each.ready.item
    if item.expected is None:
        return Happening(Deed.DELETED, Kind.FOLDER, 0, b"")
    trashed = not each.placed.put_aside and not each.placed.nothing_there
    root = item.expected_root or b""
    return Happening(Deed.DELETED, Kind.FILE, item.expected.size, root, trashed)


def _own_happening(change: SharedChange, left_out: RuledOut) -> Happening | None:
    """Return what was done to a path of the own folder."""
    before, after = change.before, change.after
    if after is None:
        if before is None:
            return None
        deed = Deed.LEFT_OUT if left_out.has(before) else Deed.DELETED
        return Happening(deed, before.kind, before.size, before.root)
    if before is None or before.kind is not after.kind:
        return Happening(Deed.ADDED, after.kind, after.size, after.root)
    if before.root == after.root:
        return None
    return Happening(Deed.CHANGED, after.kind, after.size, after.root)


def _summed(before: Happening, after: Happening) -> Happening | None:
    """Return what two things one after the other come to."""
    ends = (Deed.DELETED, Deed.LEFT_OUT)
    if after.deed in ends:
        return None if before.deed is Deed.ADDED else after
    if before.deed not in ends:
        return replace(after, deed=before.deed)
    if (before.kind, before.root) == (after.kind, after.root):
        return None
    return replace(after, deed=Deed.CHANGED) if before.kind is after.kind else after


# -- sentences -------------------------------------------------------------------------------------
def sentences(
    paths: Mapping[bytes, Happening],
    more: Mapping[Deed, Lot],
    is_empty: Callable[[bytes], bool],
    kept: str,
) -> list[str]:
    """Return what to say of what one owner did; `is_empty` says it of a folder it shares, `kept`
    of files in the trash how long they stay.
    """
    files = {path: its for path, its in sorted(paths.items()) if its.kind is Kind.FILE}
    renamed = _renamed(files)
    moved = {*renamed, *renamed.values()}
    lots = {deed: replace(lot) for deed, lot in more.items()}
    for path, happening in files.items():
        if path not in moved:
            lots.setdefault(happening.deed, Lot()).add(path, happening)
    said = [_renamed_words(renamed)] if renamed else []
    said += [_lot_words(deed, lots[deed], kept) for deed in Deed if deed in lots]
    above = {folder for path in files for folder in folders_above(path)}
    made, removed = (
        [path for path, its in sorted(paths.items()) if (its.kind, its.deed) == (Kind.FOLDER, deed)]
        for deed in (Deed.ADDED, Deed.DELETED)
    )
    made = [path for path in made if path not in above]
    made = [path for path in made[:FOLDERS_LOOKED_INTO] if is_empty(path)]
    removed = topmost([path for path in removed if path not in above])
    said += [f"added {_counted('folder', made)}"] if made else []
    return said + ([f"deleted {_counted('folder', removed)}"] if removed else [])


def _renamed(files: Mapping[bytes, Happening]) -> dict[bytes, bytes]:
    """Return where each file went whose content left one path and came to another."""
    left: dict[bytes, list[bytes]] = {}
    for path, happening in files.items():
        if happening.deed is Deed.DELETED and happening.size:
            left.setdefault(happening.root, []).append(path)
    went = {}
    for path, happening in files.items():
        if happening.deed is Deed.ADDED and left.get(happening.root):
            went[left[happening.root].pop(0)] = path
    return went


def _renamed_words(renamed: Mapping[bytes, bytes]) -> str:
    pairs = list(renamed.items())
    if len(pairs) == 1:
        return f"renamed {_name(pairs[0][0])} to {_name(pairs[0][1])}"
    folders = {without_common_end(old, new) for old, new in pairs}
    old, new = min(folders)
    if len(folders) == 1 and old and new:
        return f"renamed {_name(old)} to {_name(new)} ({len(pairs):,} files)"
    first = [f"{_name(old)} to {_name(new)}" for old, new in pairs[:NAMES_SHOWN]]
    return f"renamed {len(pairs):,} files: {_with_rest(first, len(pairs))}"


def _lot_words(deed: Deed, lot: Lot, kept: str) -> str:
    amount = f" ({of_size(lot.size)})" if deed is Deed.ADDED else ""
    words = f"{deed.value} {_files_words(lot, amount)}"
    if deed is Deed.DELETED and lot.trashed:
        words += kept
    return words


def _files_words(lot: Lot, amount: str) -> str:
    if lot.files == 1:
        return _name(lot.names[0]) + amount
    words = f"{lot.files:,} files{amount}"
    folder = b"/".join(lot.folder or ())
    if folder:
        words += f" in {_name(folder)}"
    names, skipped = lot.names, len(folder) + 1 if folder else 0
    if folder and lot.files > NAMES_SHOWN:  # the folder says it, but for one that outweighs all
        names = [path for size, path in lot.largest if 2 * -size > lot.size > OUTWEIGHS_BYTES]
    if not names:
        return words
    return f"{words}: {_with_rest([_name(path[skipped:]) for path in names], lot.files)}"


def _counted(noun: str, paths: Sequence[bytes]) -> str:
    if len(paths) == 1:
        return f"{noun} {_name(paths[0])}"
    first = [_name(path) for path in paths[:NAMES_SHOWN]]
    return f"{len(paths):,} {noun}s: {_with_rest(first, len(paths))}"


def _with_rest(first: Sequence[str], every: int) -> str:
    more = every - len(first)
    return ", ".join(first) + (f" and {more:,} more" if more else "")


def _name(path: bytes) -> str:
    """Return a path for people: at most so long, both ends of it, set off from our own words."""
    name = path.decode(errors="replace")
    if len(name) <= NAME_LETTERS:
        return set_off(name)
    head = (NAME_LETTERS - 1) // 2
    return set_off(f"{name[:head]}…{name[head + 1 - NAME_LETTERS :]}")
