"""Maps: what is written is read, and whatever is torn, foreign or lies is None."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from potluck.core.content.pieces import Bitfield, Root, file_root
from potluck.shells.disk.receiving.part_map import (
    map_name,
    part_name,
    read_map,
    root_in,
    write_bits,
    write_map,
)
from tests.shells.files import PIECE, content_of, data_of

CONTENT = content_of(data_of(9 * PIECE + 5))


@pytest.fixture
def descriptor(tmp_path):
    descriptor = os.open(tmp_path / "map", os.O_RDWR | os.O_CREAT, 0o600)
    yield descriptor
    os.close(descriptor)


def field(*pieces):
    made = Bitfield(CONTENT.count)
    for piece in pieces:
        made.add(piece)
    return made


def test_a_map_comes_back(descriptor):
    write_map(descriptor, CONTENT, field(0))
    write_bits(descriptor, CONTENT, field(0, 9), 9, 9)
    read = read_map(descriptor, CONTENT.root)
    assert read is not None
    assert read[0] == CONTENT
    assert read[1].to_bytes() == field(0, 9).to_bytes()


def test_bits_in_between_are_not_written(descriptor):
    write_map(descriptor, CONTENT, field())
    write_bits(descriptor, CONTENT, field(0, 9), 8, 9)
    read = read_map(descriptor, CONTENT.root)
    assert read is not None
    assert read[1].to_bytes() == field(9).to_bytes()


def test_every_torn_or_changed_header_is_noticed(descriptor):
    write_map(descriptor, CONTENT, field(1))
    whole = os.pread(descriptor, 10_000, 0)
    for length in range(len(whole)):
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, whole[:length], 0)
        assert read_map(descriptor, CONTENT.root) is None, length
    for position in range(len(whole) - 2):
        os.pwrite(descriptor, whole, 0)
        os.pwrite(descriptor, bytes([whole[position] ^ 1]), position)
        assert read_map(descriptor, CONTENT.root) is None, position
    os.pwrite(descriptor, whole + b"x", 0)
    assert read_map(descriptor, CONTENT.root) is None
    os.ftruncate(descriptor, len(whole))
    assert read_map(descriptor, CONTENT.root) is not None
    assert read_map(descriptor, Root(bytes(32))) is None


def test_a_piece_size_outside_the_limits_is_not_believed(descriptor):
    for piece_size in (0, 1, 2**40):
        head = b"potluck map 1\n\0\0" + (0).to_bytes(8, "big") + piece_size.to_bytes(8, "big")
        os.pwrite(descriptor, head, 0)
        assert read_map(descriptor, file_root(0, piece_size, b"")) is None


def test_names_and_roots():
    root = CONTENT.root
    assert root_in(part_name(root)) == root
    for name in (
        map_name(root),
        root.hex(),
        "ab.part",
        "x.part",
        ".part",
        part_name(root).upper(),
        f" {part_name(root)}",
    ):
        assert root_in(name) is None, name


@given(st.text())
def test_any_other_name_is_no_root(name):
    assert root_in(name) is None
