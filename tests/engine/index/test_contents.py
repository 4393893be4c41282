"""Piece lists: kept for contents of several pieces, as long as a record or a place names them."""

from __future__ import annotations

import msgspec

from potluck.core.content.pieces import Root
from tests.engine.index.builders import ANNAS, BERTS, index, piece_list, place, record


def test_lists_of_several_pieces_come_back() -> None:
    kept = index()
    several = piece_list(3)
    kept.contents.put(several)
    kept.contents.put(several)
    assert kept.contents.get(several.root) == several
    assert kept.contents.has(several.root)
    assert kept.contents.get(Root(bytes(32))) is None
    kept.close()


def test_one_piece_needs_no_list() -> None:
    kept = index()
    kept.contents.put(piece_list(1))
    assert not kept.contents.has(piece_list(1).root)
    kept.close()


def test_what_nothing_names_is_forgotten() -> None:
    kept = index()
    wanted, standing, unused = (piece_list(2, seed) for seed in range(3))
    for pieces in (wanted, standing, unused):
        kept.contents.put(pieces)
    one = record("a")
    big = msgspec.structs.replace(one, root=wanted.root, size=wanted.size_bytes)
    kept.manifests.put(ANNAS, [big])
    kept.places.put(BERTS, [place(msgspec.structs.replace(big, root=standing.root))])
    assert kept.contents.forget_unused() == 1
    assert kept.contents.has(wanted.root)
    assert kept.contents.has(standing.root)
    assert not kept.contents.has(unused.root)
    kept.close()
