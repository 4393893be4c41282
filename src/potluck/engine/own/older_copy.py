"""The older copy: the own folder came from a backup or a snapshot, and the index did not.

Strategy: FOLDER carries a stamp that the index knows (core/content/stamps.py). Where it is not the
one that the index left there, the shell says so at the start. Then, until all of the folder was
looked through once, what it lacks is held (engine/own/held_paths.py), however little it is, and a
file that has a content which was shared at its path before is kept from being shared
(engine/own/older_files.py). So both stay with the others as they were, and are lacking here, until
a person says `repair` or `confirm`. What is neither is new, and is shared like anything else. What
another disk put in the place of files, as far as it is doubted (engine/own/disk_doubts.py), is kept
from being shared in the same way, whatever its content was before.

Guarantees: that it is so is known across restarts, and in the index before the folder gets another
stamp, until all was seen, with nothing that could not be read; it is told at the start, in `status`
and when it is over. Limits: a content that is not known to have been shared at its path is an edit,
and the version before goes to the trash of the others; so is a folder where a file was. What the
life that was lost deleted is here again and is shared. A copy is known by its stamp alone, and
while potluck runs nobody looks at that.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import partial
from itertools import count
from typing import Final, Protocol

from msgspec import structs

from potluck.core.content.facts import NOTHING, Amount, Spot
from potluck.core.content.merging import beside
from potluck.core.content.paths import SafePath
from potluck.core.wire.catalogue import FileRecord, Kind
from potluck.core.wording import of_amount, plural, set_off
from potluck.engine.node import Node
from potluck.engine.own.disk_doubts import DiskDoubts
from potluck.engine.own.older_files import OlderFiles, OlderListener
from potluck.engine.own.older_words import (
    OLDER_CHOICE,
    OLDER_LOOKS,
    OLDER_SEEN,
    disk_words,
    keepers_words,
    named_files,
    older_words,
)
from potluck.engine.own.pending_record import PendingRecord
from potluck.engine.troubles import Trouble, TroubleKind

FOLDER_STAMP: Final = "folder stamp"
"""The key under which the index remembers the stamp of FOLDER …"""
OLDER_COPY: Final = "older copy"
"""… and the one under which it says that FOLDER is an older copy, not looked through yet."""
OLDER_OTHERS: Final = "older copy of others"
"""The same of what stands in it of other owners (engine/others/older_replicas.py)."""
_LATER: Final = "later version"  # in the name of a file that is shared beside a folder


class OlderCopyListener(OlderListener, Protocol):
    """Looks at the own folder."""

    def on_came(self, paths: Iterable[SafePath]) -> None:
        """These are to be looked at."""


class OlderCopy:
    """Whether the own folder is an older copy, and what that brought back."""

    def __init__(self, node: Node, listener: OlderCopyListener) -> None:
        """Know of none; `start` says what the shell saw, or an earlier run."""
        self._node, self._listener = node, listener
        self.files = OlderFiles(node, listener)
        self.doubts = DiskDoubts()
        self.found = False  # it is one, and was not looked through yet
        self._scanned = False  # all of it was seen
        self._let_go: set[bytes] = set()  # paths at which a person wants what stands there
        self._again: set[bytes] = set()  # paths of files that had been deleted, or renamed
        self._came = 0  # files exchanged in this run
        self._unsaid = False  # that other files are of one
        self._told = False  # that some came with another disk
        self._keepers = ""  # who keeps own files as they were, as was said last

    def __repr__(self) -> str:
        """Say what is known."""
        return f"<OlderCopy found={self.found} {self.files!r}>"

    def start(self) -> None:
        """Say what was seen before the start."""
        node = self._node
        self.files.start()
        if node.settings.older_copy:
            node.index.meta.set(OLDER_COPY, b"1")
        self.found = node.index.meta.get(OLDER_COPY) is not None
        if self.found:
            node.index.meta.set(OLDER_OTHERS, b"1")
            text = f"{self._shown}: {OLDER_SEEN}; {OLDER_LOOKS}"
            node.tell("older_copy", text, level="warning", subject=node.own_label)
        self._say()

    def recover(self) -> None:
        """The index failed and works again: what was ended meanwhile may be noted there still."""
        self.found |= self._node.index.meta.get(OLDER_COPY) is not None
        self.files.start()
        self._say()

    # -- what is found -----------------------------------------------------------------------------
    def takes(self, path: bytes, root: bytes, size: int) -> bool:
        """Say whether a content that stands at a path is an earlier version, not to be shared."""
        index, name = self._node.index, self._node.own_manifest
        doubted = self.doubts.ends(path)
        shared = index.manifests.get(name, path)
        if shared is None and self.found and index.former.has(name, path, root):
            self._again.add(path)
        if shared is None or shared.kind is not Kind.FILE or shared.root == root:
            return False
        if self.files.root_of(path) == root:
            return True
        if doubted:
            self.doubts.take(path)
        if doubted or self.files.is_of_disk(path):  # what is written there later, too
            return True
        if not self.found or path in self._let_go:
            return False
        return index.former.has(name, path, root) or (not size and shared.size > 0)

    def note(self, path: bytes, root: bytes, *, wanted: bool = False) -> None:
        """An earlier version stands there; `wanted`: it is to be exchanged for what is shared."""
        if wanted and not self.files.returning:
            self._came = 0
        by_disk = self.doubts.has_taken(path) or self.files.is_of_disk(path)
        self._unsaid |= self.files.note(path, root, by_disk=by_disk, wanted=wanted)

    def end(self, paths: Collection[bytes]) -> None:
        """What stands at these paths is shared, or is no earlier version."""
        self._unsaid |= bool(self.files.end(paths))

    def kept(self, gone: Collection[bytes], confirmed: Collection[bytes]) -> list[bytes]:
        """Return what of that which is gone is held: it was lacking in the older copy, or an
        earlier version stood there, whose end says nothing of the one that is shared.
        """
        held = [path for path in gone if path not in confirmed]
        if not self.found:
            held = [path for path in held if path in self.files]
        self._unsaid |= self.files.on_gone(held)
        return held

    def displaced(self, changed: Mapping[bytes, PendingRecord]) -> list[FileRecord]:
        """Return the files of which the older copy has a folder at their path, under paths beside
        it at which they are shared again.
        """
        index, name, back = self._node.index, self._node.own_manifest, dict[bytes, FileRecord]()
        for path, one in changed.items() if self.found else ():
            shared = index.manifests.get(name, path) if one.record.kind is Kind.FOLDER else None
            if shared is None or shared.kind is not Kind.FILE:
                continue
            free = next(
                one
                for one in map(partial(_beside, path), count(1))
                if one not in changed and one not in back and self._is_free(one)
            )
            back[free] = structs.replace(shared, path=free)
        return list(back.values())

    def _is_free(self, path: bytes) -> bool:
        index, name = self._node.index, self._node.own_manifest
        if index.manifests.get(name, path) is not None:
            return False
        return index.places.get(name, path) is None

    def on_scanned(self, *, whole: bool) -> None:
        """All of the folder was looked at, `whole` if nothing was unreadable."""
        self._scanned = whole

    def on_tick(self) -> None:
        """Have `status` say what is new; there may be thousands at once."""
        self._unsaid |= self.files.returning and keepers_words(self._node) != self._keepers
        if self._unsaid and not self.doubts.open:
            self._say()
            text, _ = disk_words(self._node, self.files)
            if text and not self._told:
                text = f"{self._shown}: {text}"
                self._node.tell("another_disk", text, level="warning", subject=self._node.own_label)
            self._told = bool(text)

    def on_looked(self, held: Amount, unread: Iterable[bytes] = ()) -> None:
        """Nothing is open, in doubt or untold: if all was seen it is over, and so much is held.

        `unread`: files that could not be read, or change all the time; if one is shared it is not
        over, for an earlier version may stand there.
        """
        if not self.found or not self._scanned:
            return
        index, name = self._node.index, self._node.own_manifest
        if any(index.manifests.get(name, path) is not None for path in unread):
            return
        self.found = False
        self._node.index.meta.remove(OLDER_COPY)
        self._say()
        kept = list[str]()
        if held != NOTHING:
            kept.append(f"{of_amount(*held)} not in it")
        if earlier := self.files.of(by_disk=False, wanted=False):
            kept.append(f"the later versions of {named_files(earlier)}")
        text = f"{self._shown}, most likely an older copy, was looked through: "
        if kept:
            text += f"{' and '.join(kept)} stay with the others; {OLDER_CHOICE}"
        else:
            text += "nothing that is shared is missing in it"
        if self._again:
            text += (
                f"; {plural(len(self._again), 'file')} deleted or renamed since came back with it"
            )
        self._node.tell("older_copy_seen", text, level="warning", subject=self._node.own_label)

    # -- what a person wants -----------------------------------------------------------------------
    def want(self) -> int:
        """The later versions are to come; return how many."""
        self._came = 0
        count = self.files.want() if self.files else 0
        self._say()
        return count

    def confirm(self, path: bytes = b"") -> list[bytes]:
        """What stands at a path or below it, b"" is all, is to be shared; return at which paths."""
        paths = self.files.at_or_below(path)
        self._let_go.update(paths if self.found else ())
        self._share(paths)
        return paths

    def end_doubts(self, folder: bytes, *, known_again: bool, over: bool = True) -> None:
        """All below a folder was met since a disk came or went there; one that is `known_again` was
        edited elsewhere. Not `over`: all was looked at, and some of it not met.
        """
        if not over:
            self.doubts.look(folder)
        kept = self.doubts.end(folder, known_again=known_again) if over else []
        if kept:
            self._share([path for path in kept if path in self.files])
        self._unsaid |= bool(self.files)  # what leads on may be something else now

    def _share(self, paths: Collection[bytes]) -> None:
        node = self._node
        self.end(paths)
        rows = (node.index.places.get(node.own_manifest, one) for one in paths)
        unread = [
            structs.replace(row, mtime_ns=0, ctime_ns=0, inode=0) for row in rows if row is not None
        ]
        node.index.places.put(node.own_manifest, unread)  # so they are read as edits, also later
        spots = (Spot(node.own_manifest, one) for one in paths)
        self._listener.on_came([node.layout.path_of(spot) for spot in spots])

    def on_exchanged(self, path: bytes, aside: str) -> bool:
        """The version that is shared took the place of what stood there; say whether that was an
        earlier one.
        """
        if path not in self.files:
            return False
        self._came += 1
        self.end([path])
        if not self.files.returning:
            text = f"{self._shown}: {plural(self._came, 'file')} exchanged for what was shared last"
            text += f"; what stood there is in {set_off('Put aside')}" if aside else ""
            self._node.tell("older_copy_over", text, subject=self._node.own_label)
            self._came = 0
        return True

    # -- what a person reads -----------------------------------------------------------------------
    @property
    def _shown(self) -> str:
        return set_off(f"Shared/{self._node.own_label}")

    def _say(self) -> None:
        """Have `status` say it, or nothing of it any more."""
        node, self._unsaid = self._node, False
        node.troubles.clear_kind(TroubleKind.OLDER)
        if not self.found and not self.files:
            return
        self._keepers = keepers_words(node)
        text, command = older_words(node, self.files, found=self.found)
        node.troubles.note(
            Trouble(TroubleKind.OLDER, node.own_label, text, command, node.now, None)
        )


def _beside(path: bytes, number: int) -> bytes:
    """Return a path beside another one, for its later version."""
    words = _LATER if number == 1 else f"{_LATER} {number}"
    return beside(path, path.count(b"/"), words)
