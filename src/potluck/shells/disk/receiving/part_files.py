"""Part files: what has been received of contents that are not complete, in `.potluck/tmp/`.

Strategy: one `Part` (part.py) for each root while anybody holds it open; when the last one gives it
back, its files stay and the pieces it has are remembered. A content of one piece needs no map: its
bytes say themselves whether they are all there.

Guarantees: one Part per root however many workers write it; a torn header is noticed (the list must
hash to the root in the file's name) and the part dropped; after a restart every piece that a map
claims is hashed again, since a power cut may keep the map and lose the data. Limits: a whole small
file is durable only once placed.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from typing import Final

from potluck.core.content.pieces import Bitfield, PieceList, Root
from potluck.engine.events import PartFound
from potluck.shells.disk.folder_names import names_in
from potluck.shells.disk.fsops import (
    Share,
    crashpoint,
    make_file,
    plainly,
    remove_file,
    remove_tree,
    write_all,
)
from potluck.shells.disk.receiving.part import (
    Part,
    begin,
    content_in_map,
    content_in_part,
    take_up,
)
from potluck.shells.disk.receiving.part_map import HELD, map_name, part_name, root_in

_ONE_PIECE: Final = b"\x01"
"""The bits of a content of one piece that is here."""


class PartFiles:
    """All part files of one share."""

    def __init__(self, share: Share) -> None:
        """Work in the `tmp/` of `share`."""
        self._tmp_fd = share.tmp_fd
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._open: dict[Root, Part] = {}
        self._known: dict[Root, Bitfield] = {}  # not open, and believed: verified in this run
        self._writing: set[Root] = set()

    def __repr__(self) -> str:
        return f"PartFiles({len(self._open)} open, {len(self._known)} verified)"

    def open(self, content: PieceList) -> Part:
        """Return the Part of a content, made or taken up from an earlier run; raises OSError."""
        with self._lock:
            part = self._open.get(content.root)
            if part is not None:
                part.references += 1
                return part
            known = self._known.get(content.root)
            with plainly(self._tmp_fd):
                part = take_up(self, self._tmp_fd, content, known)
                part = part or begin(self, self._tmp_fd, content)
            self._open[content.root] = part
            self._known.pop(content.root, None)
            return part

    def give_back(self, part: Part) -> None:
        """End one reference to an open Part."""
        with self._lock:
            part.references -= 1
            if part.references:
                return
            if self._open.get(part.content.root) is part:
                del self._open[part.content.root]
                self._known[part.content.root] = part.have()
            part.close_files()

    def write_whole(self, content: PieceList, data: bytes | bytearray | memoryview) -> None:
        """Write the verified bytes of a content of one piece, without a map; raises OSError."""
        if len(data) != content.size_bytes or content.count != 1:
            raise ValueError("not the bytes of one whole piece")
        root = content.root
        with self._changed:
            while root in self._writing:
                self._changed.wait()
            known = self._known.get(root)
            if known is not None and known.complete:
                return
            self._writing.add(root)
        written = False
        try:
            with plainly(self._tmp_fd):
                self._write_new(root, data)
            written = True
        finally:
            with self._changed:
                self._writing.discard(root)
                if written:
                    self._retire(root)
                    self._known[root] = Bitfield(1, _ONE_PIECE)
                self._changed.notify_all()

    def seal(self, content: PieceList) -> bool:
        """Say whether every piece was verified in this run; if so, let nobody write any more.

        A content of zeros only is always complete: nothing of it ever travels.
        """
        known = self._pieces_here(content.root)
        if known is None and _is_zeros(content):
            with self.open(content) as made:  # nobody may have asked for it yet
                known = made.have()
        if known is None or not known.complete:
            return False
        with self._lock:
            self._retire(content.root)
            self._known[content.root] = known
        return True

    def _pieces_here(self, root: Root) -> Bitfield | None:
        with self._lock:
            part = self._open.get(root)
            return part.have() if part is not None else self._known.get(root)

    def found(self) -> tuple[PartFound, ...]:
        """Verify and return what earlier runs left, remove what is of no use; once, at start."""
        found = []
        names = set(names_in(self._tmp_fd))
        for name in sorted(names):
            root = root_in(name)
            if root is None:
                if not _is_used(name, names):  # a folder: of an import that was cut off
                    remove_tree(self._tmp_fd, name)
                continue
            part = self._recover(root, with_map=map_name(root) in names)
            if part is not None:
                found.append(part)
            else:
                self.drop((root,))
        return tuple(found)

    def drop(self, roots: Iterable[Root]) -> None:
        """Remove the part files of these roots; those still open are of no use to their holders."""
        for root in roots:
            with self._lock:
                self._retire(root)
            remove_file(self._tmp_fd, part_name(root))
            remove_file(self._tmp_fd, map_name(root))

    def placed(self, root: Root) -> None:
        """Remove what is left of a part whose file was renamed to its place."""
        with self._lock:
            self._retire(root)
        remove_file(self._tmp_fd, map_name(root))

    # -- on the disk -------------------------------------------------------------------------------
    def _write_new(self, root: Root, data: bytes | bytearray | memoryview) -> None:
        remove_file(self._tmp_fd, part_name(root))
        descriptor = make_file(self._tmp_fd, part_name(root))
        try:
            crashpoint("before_write_whole")
            write_all(descriptor, memoryview(data))
        finally:
            os.close(descriptor)

    def _recover(self, root: Root, *, with_map: bool) -> PartFound | None:
        if with_map:
            content = content_in_map(self._tmp_fd, root)
            if content is None:
                return None
            with self.open(content) as part:
                return PartFound(content, part.have().to_bytes())
        content = content_in_part(self._tmp_fd, root)
        if content is None:
            return None
        with self._lock:
            self._known[root] = Bitfield(1, _ONE_PIECE)
        return PartFound(content, _ONE_PIECE)

    def _retire(self, root: Root) -> None:
        part = self._open.pop(root, None)
        if part is not None:
            part.retire()
        self._known.pop(root, None)


def _is_zeros(content: PieceList) -> bool:
    """Say whether a content is certainly nothing but zeros."""
    return content.count > 0 and all(content.is_zero(piece) for piece in range(content.count))


def _is_used(name: str, names: set[str]) -> bool:
    """Say whether this is held for a batch, or a map whose part file is here too, or held."""
    if name.endswith(HELD):
        return True
    if not name.endswith(".map"):
        return False
    return name.removesuffix(".map") + ".part" in names or any(n.endswith(HELD) for n in names)
