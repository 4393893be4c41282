"""Bulk messages: pages of manifests, piece lists and content, as asked and answered.

Strategy: strictly request, then response. Raw bytes follow PIECE and FILES_HEADER outside of any
frame, so content is never copied through the decoder. The lengths announced there are bounded like
every other field. Limits: form only. Who may send what and when stands in the message catalogue of
docs/protocol.md §10.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from potluck.core import limits
from potluck.core.wire.records import (
    Counter,
    DeletedPath,
    FileRecord,
    Folder,
    Head,
    Id,
    PieceNumber,
    PieceSize,
    Size,
    Wire,
)


# -- manifests -------------------------------------------------------------------------------------
class ManifestAsk(Wire, frozen=True, tag="manifest"):
    """Changes of one manifest after change number `since` (MANIFEST)."""

    owner: Id
    folder: Folder
    since: Counter
    generation: Counter


class ManifestPage(Wire, frozen=True, tag="manifest_page"):
    """Changes in the order of their numbers; the last page carries the head they add up to."""

    owner: Id
    folder: Folder
    records: Annotated[list[FileRecord], Meta(max_length=limits.PAGE_RECORDS)]
    deleted: Annotated[list[DeletedPath], Meta(max_length=limits.PAGE_RECORDS)]
    upto: Counter
    floor: Counter
    head: Head | None


# -- content ---------------------------------------------------------------------------------------
class PiecesAsk(Wire, frozen=True, tag="pieces"):
    """The piece list of a root, from piece `first` on (PIECES)."""

    root: Id
    first: PieceNumber = 0


class PiecesPage(Wire, frozen=True, tag="pieces_page"):
    """Part of a piece list: joined 32-byte hashes from piece `first` on."""

    root: Id
    size: Size
    piece_size: PieceSize
    first: PieceNumber
    hashes: Annotated[bytes, Meta(max_length=limits.PIECE_HASHES_BYTES)]


class FileAsk(Wire, frozen=True, tag="file"):
    """Pieces of one content, by number (FILE)."""

    root: Id
    pieces: Annotated[list[PieceNumber], Meta(max_length=limits.LIST_ITEMS)]


class PieceHeader(Wire, frozen=True, tag="piece"):
    """`length` raw bytes follow this frame: that piece of the content asked for."""

    piece: PieceNumber
    length: Annotated[int, Meta(ge=0, le=limits.PIECE_MAX_BYTES)]


class FilesAsk(Wire, frozen=True, tag="files"):
    """Many small contents in one answer (FILES)."""

    roots: Annotated[list[Id], Meta(max_length=limits.PACK_FILES)]


class FilesHeader(Wire, frozen=True, tag="files_header"):
    """The contents asked for follow this frame raw, in the order asked; -1: one I do not have."""

    lengths: Annotated[
        list[Annotated[int, Meta(ge=-1, le=limits.PIECE_MAX_BYTES)]],
        Meta(max_length=limits.PACK_FILES),
    ]


class Done(Wire, frozen=True, tag="done"):
    """The answer is complete."""


class Gone(Wire, frozen=True, tag="gone"):
    """I do not have that (any more)."""


class Busy(Wire, frozen=True, tag="busy"):
    """Ask again later, or somebody else."""
