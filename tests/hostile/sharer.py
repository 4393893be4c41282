"""A hostile member that shares whatever it likes in a folder of its own.

Strategy: each `share` is one signed head over the whole folder, told on control links; pages and
contents are answered as they are asked for. Limits: small files only, each with its own content;
what a page must be bounded by is up to the test.
"""

from __future__ import annotations

from typing import Any

from potluck.core import limits
from potluck.core.content.pieces import EMPTY_ROOT, file_root, piece_hash
from potluck.core.wire.catalogue import (
    DeletedPath,
    FileRecord,
    FilesAsk,
    FilesHeader,
    Folder,
    Gone,
    Heads,
    Holding,
    Kept,
    Kind,
    ManifestAsk,
    ManifestPage,
)
from potluck.shells.links.stream import Stream
from tests.hostile.daemons import Daemon
from tests.hostile.rogue import Rogue, heads_of


class Sharer:
    """What a rogue shares."""

    def __init__(self, rogue: Rogue, *devices: Daemon) -> None:
        self.rogue, self.links = rogue, [rogue.control(device) for device in devices]
        for device in devices:
            rogue.listen(device)
        self.records: dict[bytes, FileRecord] = {}
        self.deleted: dict[bytes, DeletedPath] = {}
        self.contents: dict[bytes, bytes] = {}  # by root
        self.seq = 0
        self.pages_asked = 0
        rogue.answers = self._answer

    def share(self, files: dict[bytes, bytes | None]) -> None:
        """Share exactly these paths with these contents; None is a folder."""
        for gone in self.records.keys() - files.keys():
            self.seq += 1
            self.deleted[gone] = DeletedPath(gone, self.seq)
            del self.records[gone]
        for path, data in files.items():
            self.seq += 1
            self.deleted.pop(path, None)
            self.records[path] = self._record(path, data)
        own = self.rogue.key.device
        self.head = heads_of(self.rogue.key, list(self.records.values()), self.seq)
        holding = Holding(own, Folder.OWN, 1, self.seq, 0, 0)
        for link in self.links:
            link.say(Heads([self.head]), Kept([holding]))

    def _record(self, path: bytes, data: bytes | None) -> FileRecord:
        if data is None:
            return FileRecord(
                path, Kind.FOLDER, 0, 0, False, limits.PIECE_MIN_BYTES, EMPTY_ROOT, self.seq
            )
        root = file_root(len(data), limits.PIECE_MIN_BYTES, piece_hash(data))
        self.contents[root] = data
        size = limits.PIECE_MIN_BYTES
        return FileRecord(path, Kind.FILE, len(data), 0, False, size, root, self.seq)

    def content(self, root: bytes) -> bytes:
        """What is sent for a root."""
        return self.contents[root]

    def close(self) -> None:
        """Cut the links."""
        for link in self.links:
            link.close()

    def _answer(self, request: Any, stream: Stream) -> None:
        match request:
            case ManifestAsk() if request.owner == self.rogue.key.device:
                self.pages_asked += 1
                stream.send(self._page(request))
            case FilesAsk():
                found = [self.content(root) for root in request.roots]
                stream.send(FilesHeader([len(data) for data in found]))
                stream.send_bytes(b"".join(found))
            case _:
                stream.send(Gone())

    def _page(self, request: ManifestAsk) -> ManifestPage:
        """Everything after what the asker has, in one page."""
        changes = sorted(
            [
                *((one.seq, one) for one in self.records.values()),
                *((one.seq, one) for one in self.deleted.values()),
            ],
            key=lambda each: each[0],
        )
        due = [each for each in changes if each[0] > request.since][: limits.PAGE_RECORDS]
        records = [one for _, one in due if isinstance(one, FileRecord)]
        deleted = [one for _, one in due if isinstance(one, DeletedPath)]
        own = self.rogue.key.device
        if due and due[-1] is not changes[-1]:
            return ManifestPage(own, Folder.OWN, records, deleted, due[-1][0], 0, None)
        return ManifestPage(own, Folder.OWN, records, deleted, self.seq, 0, self.head)
