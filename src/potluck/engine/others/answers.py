"""Answers: what other members may ask on bulk links, and what they get.

Strategy: the engine decides, the serving worker reads and sends. A request names roots and numbers,
never paths; a root is served only while a file of this share holds it, and the worker hashes the
bytes once more before they leave. Pages of manifests and of piece lists are read from the index
here, in slices that fit a frame.

Guarantees: exactly one answer to each request; nothing that is not in this group's share is ever
read. A manifest's last page carries the head that all pages add up to at that moment, and never one
that is not on the disk yet. Limits: contents that are themselves only partly here are not served
yet.
"""

from __future__ import annotations

from potluck.core import limits
from potluck.core.content.facts import ManifestName, Spot
from potluck.core.content.paths import SafePath
from potluck.core.content.pieces import HASH_BYTES, Root
from potluck.core.keys.identity import DeviceId
from potluck.core.wire.catalogue import (
    Busy,
    FileAsk,
    FilesAsk,
    Gone,
    ManifestAsk,
    ManifestPage,
    PiecesAsk,
    PiecesPage,
    encode,
)
from potluck.engine.effects import Answer, ServeFiles, ServePieces
from potluck.engine.events import RequestHeard
from potluck.engine.node import Node
from potluck.engine.others.uploads import Uploads

HASHES_PER_PAGE = 16384  # 512 KiB of hashes
FEWER = 4  # a page that does not fit a frame is tried with a quarter of its changes


class Answers:
    """Answers requests."""

    def __init__(self, node: Node) -> None:
        """Serve from the node's index."""
        self._node = node
        self.uploads = Uploads(node)
        self.sent_bytes = 0  # of content: what was promised, and came by the other's own word

    def __repr__(self) -> str:
        """Return how much was sent."""
        return f"<Answers: {self.sent_bytes} bytes came>"

    def on_request(self, event: RequestHeard) -> None:
        """Answer one request."""
        node, request = self._node, event.request
        if node.roster is None or event.peer not in node.roster.members or node.leaving:
            node.do(Answer(request, Busy()))
            return
        match event.message:
            case ManifestAsk():
                node.when_settled(Answer(request, self._manifest(event.message)))
            case PiecesAsk(root, first):
                node.do(Answer(request, self._pieces(Root(root), first)))
            case FileAsk() | FilesAsk() if node.moving:
                node.do(Answer(request, Busy()))  # paths are about to be others
            case FileAsk(root, pieces):
                answer = self._file(Root(root), tuple(pieces))
                if isinstance(answer, ServePieces):
                    self._on_promised(event.peer, answer)
                node.do(Answer(request, answer))
            case FilesAsk(roots):
                pack = self._files([Root(root) for root in roots])
                self.uploads.promise(event.peer, sum(size for _, _, size, _ in pack.files))
                node.do(Answer(request, pack))
            case _:
                node.do(Answer(request, Gone()))

    def on_came(self, device: DeviceId, came_bytes: int) -> None:
        """A device said how much came to it, from here or from elsewhere."""
        self.sent_bytes += self.uploads.on_came(device, came_bytes)

    def _manifest(self, ask: ManifestAsk) -> ManifestPage | Gone:
        name, manifests = ManifestName.of(ask), self._node.index.manifests
        head = manifests.head(name)
        if head is None:
            return Gone()
        limit = limits.PAGE_RECORDS
        while True:
            records, deleted, upto, complete = manifests.page(name, ask.since, limit)
            last = head if complete else None
            floor = manifests.floor(name)
            page = ManifestPage(*name, records, deleted, upto, floor, last)
            if len(encode(page)) <= limits.PAGE_FRAME_BYTES:
                return page
            limit //= FEWER  # after two of them what is left fits with the longest paths

    def _pieces(self, root: Root, first: int) -> PiecesPage | Gone:
        content = self._node.index.contents.get(root)
        if content is None or first >= content.count:
            return Gone()
        hashes = content.hashes[first * HASH_BYTES : (first + HASHES_PER_PAGE) * HASH_BYTES]
        return PiecesPage(root, content.size_bytes, content.piece_size, first, hashes)

    def _file(self, root: Root, pieces: tuple[int, ...]) -> ServePieces | Gone:
        content, here = self._node.index.contents.get(root), self._here([root])
        if content is None or root not in here:
            return Gone()
        if any(piece >= content.count for piece in pieces):
            return Gone()
        return ServePieces(here[root][0], content, pieces)

    def _on_promised(self, device: DeviceId, answer: ServePieces) -> None:
        """Pieces of a content are to go to a device."""
        content = answer.content
        size_bytes = sum(content.length_of(piece) for piece in answer.pieces)
        self.uploads.note(device, content.root, answer.path, content.size_bytes, size_bytes)

    def _files(self, roots: list[Root]) -> ServeFiles:
        """Promise small contents, together no more than a pack; what is left out is not here."""
        here, room_bytes = self._here(roots), limits.PACK_BYTES
        files = list[tuple[Root, SafePath | None, int, int]]()
        for root in roots:
            found = here.get(root)
            if found is None or found[1] > room_bytes:
                files.append((root, None, 0, limits.PIECE_MIN_BYTES))
                continue
            files.append((root, *found))
            room_bytes -= found[1]
        return ServeFiles(tuple(files))

    def _here(self, roots: list[Root]) -> dict[Root, tuple[SafePath, int, int]]:
        """Return of each shared content here: path below Shared/, size, piece size."""
        layout, shared = self._node.layout, self._node.index.places.shared(roots)
        return {
            root: (layout.path_of(Spot(file.manifest, file.path)), file.size, file.piece_size)
            for root, file in shared.items()
        }
