"""Bulk messages: lengths that are announced before raw bytes are bounded like everything else."""

from __future__ import annotations

import pytest

from potluck.core import limits
from potluck.core.errors import Malformed
from potluck.core.wire.bulk import (
    FileAsk,
    FilesAsk,
    FilesHeader,
    ManifestPage,
    PieceHeader,
    PiecesAsk,
    PiecesPage,
)
from potluck.core.wire.catalogue import BULK_REPLY, BULK_REQUEST, Folder, encode

ROOT = bytes(32)


def test_requests_and_replies_survive_the_wire() -> None:
    for request in (PiecesAsk(ROOT), FileAsk(ROOT, [1, 2]), FilesAsk([ROOT])):
        assert BULK_REQUEST.decode(encode(request)) == request
    page = ManifestPage(ROOT, Folder.OWN, [], [], 1, 0, None)
    for reply in (page, PieceHeader(0, limits.PIECE_MAX_BYTES), FilesHeader([-1])):
        assert BULK_REPLY.decode(encode(reply)) == reply


def test_the_longest_page_of_hashes_fits_a_frame() -> None:
    hashes = bytes(limits.PAGE_FRAME_BYTES - 256)
    page = PiecesPage(
        ROOT, limits.FILE_MAX_BYTES, limits.PIECE_MAX_BYTES, limits.PIECES_MAX, hashes
    )
    assert len(encode(page)) <= limits.PAGE_FRAME_BYTES


@pytest.mark.parametrize(
    "reply",
    [
        PieceHeader(0, limits.PIECE_MAX_BYTES + 1),
        PieceHeader(-1, 0),
        FilesHeader([-2]),
        FilesHeader([0] * 257),
    ],
)
def test_a_reply_beyond_its_bounds_is_malformed(reply: object) -> None:
    with pytest.raises(Malformed):
        BULK_REPLY.decode(encode(reply))


@pytest.mark.parametrize(
    "request_", [FilesAsk([ROOT] * 257), FileAsk(ROOT, [0] * 4097), PiecesAsk(ROOT, -1)]
)
def test_a_request_beyond_its_bounds_is_malformed(request_: object) -> None:
    with pytest.raises(Malformed):
        BULK_REQUEST.decode(encode(request_))
