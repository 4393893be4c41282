"""Pieces: sizes, roots that name a content and nothing else, and bitfields."""

from __future__ import annotations

import pytest

from potluck.core import limits
from potluck.core.content.pieces import (
    EMPTY_ROOT,
    Bitfield,
    PieceList,
    file_root,
    piece_count,
    piece_hash,
    piece_length,
    piece_size_for,
    zero_hash,
)
from potluck.core.errors import WrongContent
from potluck.core.limits import GIB, KIB, MIB

SMALL = limits.PIECE_MIN_BYTES


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (0, 256 * KIB),
        (512 * MIB, 256 * KIB),
        (512 * MIB + 1, 512 * KIB),
        (1 * GIB, 512 * KIB),
        (32 * GIB, 16 * MIB),
        (limits.FILE_MAX_BYTES, 16 * MIB),
    ],
)
def test_a_piece_is_the_smallest_that_gives_at_most_2048(size: int, expected: int) -> None:
    assert piece_size_for(size) == expected


def test_a_small_file_that_is_new_has_no_size_to_keep() -> None:
    size = limits.PIECES_KEPT_MIN  # of this many pieces, if a piece were a byte
    assert piece_size_for(size) == SMALL


def test_a_changed_file_keeps_its_piece_size_while_that_is_reasonable() -> None:
    assert piece_size_for(1 * GIB, before=256 * KIB) == 256 * KIB  # 4,096 pieces
    assert piece_size_for(1 * GIB, before=1 * MIB) == 1 * MIB  # 1,024 pieces
    assert piece_size_for(limits.PIECES_KEPT_MIN * 16 * MIB, before=16 * MIB) == 16 * MIB
    assert piece_size_for(limits.PIECES_KEPT_MAX * SMALL, before=SMALL) == SMALL
    assert piece_size_for(1 * GIB, before=16 * MIB) == 512 * KIB  # 64 pieces: too few
    assert piece_size_for(4 * GIB, before=256 * KIB) == 2 * MIB  # 16,384 pieces: too many


def test_only_the_last_piece_is_short() -> None:
    size = 2 * SMALL + 5
    assert piece_count(size, SMALL) == 3
    assert [piece_length(size, SMALL, piece) for piece in range(3)] == [SMALL, SMALL, 5]
    assert piece_count(0, SMALL) == 0


def three_pieces() -> PieceList:
    data = [b"a" * SMALL, bytes(SMALL), b"c"]
    hashes = b"".join(piece_hash(piece) for piece in data)
    size = 2 * SMALL + 1
    return PieceList(file_root(size, SMALL, hashes), size, SMALL, hashes)


def test_a_piece_list_knows_its_pieces() -> None:
    content = three_pieces()
    content.check()
    assert content.count == 3
    assert content.length_of(2) == 1
    assert content.hash_of(2) == piece_hash(b"c")
    assert [content.is_zero(piece) for piece in range(3)] == [False, True, False]


@pytest.mark.parametrize("field", ["size", "hashes", "fewer", "root"])
def test_a_list_that_is_not_what_its_root_names_is_refused(field: str) -> None:
    right = three_pieces()
    wrong = {
        "size": PieceList(right.root, right.size_bytes + 1, SMALL, right.hashes),
        "hashes": PieceList(right.root, right.size_bytes, SMALL, right.hashes[::-1]),
        "fewer": PieceList(right.root, right.size_bytes, SMALL, right.hashes[:-32]),
        "root": PieceList(EMPTY_ROOT, right.size_bytes, SMALL, right.hashes),
    }[field]
    with pytest.raises(WrongContent):
        wrong.check()


def test_roots_differ_by_size_and_piece_size() -> None:
    assert len({EMPTY_ROOT, file_root(1, SMALL, b""), file_root(0, 2 * SMALL, b"")}) == 3
    assert len({file_root(1, SMALL, b""), file_root(SMALL, 1, b"")}) == 2
    assert zero_hash(3) == piece_hash(bytes(3)) != zero_hash(4)


def test_a_root_is_the_same_in_every_version() -> None:
    root = file_root(limits.FILE_MAX_BYTES, SMALL, piece_hash(b"a"))
    assert root.hex() == "452a4586aa6dbc698f7ad0a5639fd6395c3d9bf53d3700b1ec5440e8ead29692"


def test_a_bitfield_is_a_set_of_small_numbers() -> None:
    field = Bitfield(10)
    assert field.missing() == list(range(10))
    field.add(0)
    field.add(9)
    field.add(9)
    assert len(field) == 2
    assert 9 in field
    assert 5 not in field
    field.discard(0)
    assert field.missing() == list(range(9))
    for piece in range(9):
        assert not field.complete
        field.add(piece)
    assert field.complete


def test_a_bitfield_survives_storage_and_drops_spare_bits() -> None:
    field = Bitfield(10)
    field.add(3)
    field.add(8)
    assert field.to_bytes() == bytes([0b1000, 0b1])
    assert Bitfield(10, field.to_bytes()).missing() == field.missing()
    assert len(Bitfield(10, b"\xff\xff\xff")) == 10
    assert Bitfield(0).complete
    sizes = {count: len(Bitfield(count).to_bytes()) for count in (0, 1, 8, 9, 72, 73)}
    assert sizes == {0: 0, 1: 1, 8: 1, 9: 2, 72: 9, 73: 10}


def test_a_field_says_how_full_it_is() -> None:
    assert repr(Bitfield(9, b"\x07")) == "<Bitfield 3 of 9>"


def test_zeros_are_found_by_one_search() -> None:
    size = 5 * SMALL + 7
    zero, full = piece_hash(bytes(SMALL)), piece_hash(b"x" * SMALL)
    last = piece_hash(bytes(7))
    beside = full[:5] + zero + full[5:32]  # found, and the hash of no piece
    for hashes in (zero + full + zero + beside + last, full * 5 + last, zero * 5 + full):
        content = PieceList(file_root(size, SMALL, hashes), size, SMALL, hashes)
        zeros = [piece for piece in range(content.count) if content.is_zero(piece)]
        assert list(content.zeros()) == zeros
    assert list(PieceList(EMPTY_ROOT, 0, SMALL, b"").zeros()) == []


def test_a_field_of_millions_costs_no_more_for_each_piece() -> None:
    """One bit is one byte to touch: with a number of millions of bits it was all of them."""
    field = Bitfield(4_000_000)
    for piece in range(0, field.count, 2):
        field.add(piece)
    assert len(field) == field.count // 2
    assert not field.complete
    assert field.count not in field
    field.discard(1)
    assert len(field.missing()) == field.count // 2
