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
    assert kept.contents.get(several.root) is not None
    assert kept.contents.get(Root(bytes(32))) is None
    kept.close()


def test_one_piece_needs_no_list() -> None:
    kept = index()
    kept.contents.put(piece_list(1))
    assert kept.contents.get(piece_list(1).root) is None
    kept.close()


def test_what_no_file_has_is_forgotten() -> None:
    kept = index()
    standing, shared, unused = (piece_list(2, seed) for seed in range(3))
    for pieces in (standing, shared, unused):
        kept.contents.put(pieces)
    big = msgspec.structs.replace(record("a"), root=standing.root, size=standing.size_bytes)
    kept.places.put(BERTS, [place(big)])
    kept.manifests.put(ANNAS, [msgspec.structs.replace(big, root=shared.root)])
    assert kept.contents.forget_unused(b"", 100) == b""
    assert kept.contents.get(standing.root) is not None
    assert kept.contents.get(shared.root) is None
    assert kept.contents.get(unused.root) is None
    kept.close()


def test_the_list_of_what_may_come_back_stays() -> None:
    kept = index()
    pieces = piece_list(2)
    kept.contents.put(pieces)
    big = msgspec.structs.replace(record("a"), root=pieces.root, size=pieces.size_bytes)
    kept.places.put(BERTS, [place(big)])
    kept.former.note_kept(BERTS, [(b"a", b"")], "ben")
    kept.places.remove(BERTS, [b"a"])
    kept.contents.forget_unused(b"", 100)
    assert kept.contents.get(pieces.root) is not None
    kept.close()


def test_lists_are_looked_at_in_slices_in_the_order_of_their_roots() -> None:
    kept = index()
    lists = sorted((piece_list(2, seed) for seed in range(5)), key=lambda pieces: pieces.root)
    for pieces in lists:
        kept.contents.put(pieces)
    roots, after = [pieces.root for pieces in lists], b""
    left = []
    for _ in range(3):
        after = kept.contents.forget_unused(after, 2)
        left.append((after, [root for root in roots if kept.contents.get(root)]))
    assert left == [(roots[1], roots[2:]), (roots[3], roots[4:]), (b"", [])]
    kept.close()
