"""The part files of the disk are what a fetch needs."""

from __future__ import annotations

from pathlib import Path

from potluck.core import limits
from potluck.shells.bulk.holding import HoldsParts, HoldsPieces
from potluck.shells.disk.fsops import Share
from potluck.shells.disk.receiving.part_files import PartFiles
from tests.shells.peers import content_named

DATA = bytes(range(256)) * (2 * limits.PIECE_MIN_BYTES // 256)


def test_pieces_that_one_run_wrote_are_held_for_the_next(tmp_path: Path) -> None:
    content = content_named(DATA)
    with Share(str(tmp_path)) as share:
        for had in ([], [1]):
            parts: HoldsParts = PartFiles(share)
            part: HoldsPieces = parts.open(content)
            have = part.have()
            assert [piece for piece in range(content.count) if piece in have] == had
            part.write(1, memoryview(DATA)[limits.PIECE_MIN_BYTES :])
            part.mark((1,))
            part.close()
