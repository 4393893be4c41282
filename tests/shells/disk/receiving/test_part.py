"""One part file: begun, taken up, written and marked; what is refused and what is left behind.

Strategy: a played lender closes a part when it is given back; a restart is a second `take_up` on
the same folder, lost data is bytes overwritten behind its back.
"""

from __future__ import annotations

import errno
import os

import pytest

from potluck.shells.disk.fsops import Share, remove_file, set_crash_hook
from potluck.shells.disk.receiving.part import (
    Part,
    begin,
    content_in_map,
    content_in_part,
    take_up,
)
from potluck.shells.disk.receiving.part_map import map_name, part_name
from tests.shells.files import PIECE, content_of, data_of, open_descriptors

DATA = data_of(3 * PIECE + 100)
CONTENT = content_of(DATA)
SMALL = data_of(5000)
ZEROS = data_of(PIECE) + bytes(2 * PIECE) + data_of(PIECE, 3)


class Lender:
    """Closes what is given back."""

    def give_back(self, part: Part) -> None:
        part.close_files()


@pytest.fixture
def tmp_fd(tmp_path):
    with Share(str(tmp_path)) as share:
        before = open_descriptors()
        yield share.tmp_fd
        assert open_descriptors() == before


@pytest.fixture
def hook():
    yield set_crash_hook
    set_crash_hook(None)


def begun(tmp_fd, content=CONTENT):
    return begin(Lender(), tmp_fd, content)


def again(tmp_fd, content=CONTENT, known=None):
    part = take_up(Lender(), tmp_fd, content, known)
    assert part is not None
    return part


def piece_of(data, piece):
    return memoryview(data)[piece * PIECE : (piece + 1) * PIECE]


def write(part, data, *pieces):
    for piece in pieces:
        part.write(piece, piece_of(data, piece))
    part.mark(pieces)


def bytes_in(tmp_fd, name):
    descriptor = os.open(name, os.O_RDONLY, dir_fd=tmp_fd)
    with os.fdopen(descriptor, "rb") as file:
        return file.read()


def overwrite(tmp_fd, name, offset, data=b"spoilt"):
    descriptor = os.open(name, os.O_RDWR, dir_fd=tmp_fd)
    os.pwrite(descriptor, data, offset)
    os.close(descriptor)


def test_a_part_says_what_it_has_and_no_byte_of_it(tmp_fd):
    with begun(tmp_fd) as part:
        write(part, DATA, 2)
        root = CONTENT.root.hex()[:8]
        assert repr(part) == f"Part({root}, 1 of 4 pieces, open, 1 references)"
        part.retire()
        assert "retired" in repr(part)


def test_pieces_are_written_where_they_belong(tmp_fd):
    with begun(tmp_fd) as part:
        write(part, DATA, 3, 0)
        assert part.have().missing() == [1, 2]
        write(part, DATA, 1, 2)
        assert part.have().complete
    assert bytes_in(tmp_fd, part_name(CONTENT.root)) == DATA


def test_a_piece_of_the_wrong_length_is_a_value_error(tmp_fd):
    with begun(tmp_fd) as part, pytest.raises(ValueError, match=r"piece 0 has 262144 bytes, not 5"):
        part.write(0, b"short")


def test_what_is_here_or_retired_is_not_written_again(tmp_fd):
    with begun(tmp_fd) as part:
        write(part, DATA, 0)
        part.write(0, bytes(PIECE))
        part.retire()
        write(part, DATA, 1)
        assert part.have().missing() == [1, 2, 3]
    held = bytes_in(tmp_fd, part_name(CONTENT.root))
    assert held == DATA[:PIECE] + bytes(len(DATA) - PIECE)


def test_pieces_of_zeros_are_here_from_the_start_as_holes(tmp_fd):
    content = content_of(ZEROS)
    with begun(tmp_fd, content) as part:
        assert part.have().missing() == [0, 3]
        part.write(1, bytes(PIECE))
        write(part, ZEROS, 0, 3)
    assert bytes_in(tmp_fd, part_name(content.root)) == ZEROS
    found = os.stat(part_name(content.root), dir_fd=tmp_fd)
    assert found.st_blocks * 512 < len(ZEROS)


def test_what_was_marked_is_taken_up_and_hashed_again_unless_it_is_known(tmp_fd):
    with begun(tmp_fd) as part:
        write(part, DATA, 0, 2)
        known = part.have()
    overwrite(tmp_fd, part_name(CONTENT.root), 2 * PIECE)
    with again(tmp_fd, known=known) as part:
        assert part.have().missing() == [1, 3]
    with again(tmp_fd) as part:
        assert part.have().missing() == [1, 2, 3]


def test_old_data_where_zeros_belong_is_overwritten(tmp_fd):
    content = content_of(ZEROS)
    begun(tmp_fd, content).close()
    overwrite(tmp_fd, part_name(content.root), PIECE + 5)
    with again(tmp_fd, content) as part:
        assert part.have().missing() == [0, 3]
    assert bytes_in(tmp_fd, part_name(content.root))[PIECE : 3 * PIECE] == bytes(2 * PIECE)


def test_a_part_that_an_interrupted_placing_made_read_only_is_taken_up(tmp_fd):
    begun(tmp_fd).close()
    os.chmod(part_name(CONTENT.root), 0o444, dir_fd=tmp_fd)
    again(tmp_fd).close()
    assert os.stat(part_name(CONTENT.root), dir_fd=tmp_fd).st_mode & 0o777 == 0o600


@pytest.mark.parametrize("gone", [part_name, map_name])
def test_half_of_the_two_files_is_nothing(tmp_fd, gone):
    begun(tmp_fd).close()
    remove_file(tmp_fd, gone(CONTENT.root))
    remove_file(tmp_fd, gone(CONTENT.root))  # a second time: nothing
    assert take_up(Lender(), tmp_fd, CONTENT, None) is None
    assert len(os.listdir(tmp_fd)) == 1


def test_another_content_or_length_under_its_name_is_nothing(tmp_fd):
    begun(tmp_fd).close()
    other = content_of(ZEROS)
    for name in (part_name, map_name):
        os.rename(name(CONTENT.root), name(other.root), src_dir_fd=tmp_fd, dst_dir_fd=tmp_fd)
    assert take_up(Lender(), tmp_fd, other, None) is None
    begun(tmp_fd).close()
    descriptor = os.open(part_name(CONTENT.root), os.O_RDWR, dir_fd=tmp_fd)
    os.ftruncate(descriptor, 5)
    os.close(descriptor)
    assert take_up(Lender(), tmp_fd, CONTENT, None) is None


def test_the_content_of_a_part_is_in_its_map_or_follows_from_its_bytes(tmp_fd):
    begun(tmp_fd).close()
    assert content_in_map(tmp_fd, CONTENT.root) == CONTENT
    assert content_in_part(tmp_fd, CONTENT.root) is None  # more than one piece: they do not say
    small = content_of(SMALL)
    assert content_in_part(tmp_fd, small.root) is None
    assert content_in_map(tmp_fd, small.root) is None
    descriptor = os.open(part_name(small.root), os.O_CREAT | os.O_RDWR, dir_fd=tmp_fd)
    with os.fdopen(descriptor, "wb") as file:
        file.write(SMALL[:-1])
        file.flush()
        assert content_in_part(tmp_fd, small.root) is None
        file.write(SMALL[-1:])
        file.flush()
        assert content_in_part(tmp_fd, small.root) == small
    remove_file(tmp_fd, part_name(CONTENT.root))
    assert content_in_map(tmp_fd, CONTENT.root) is None


@pytest.mark.parametrize("name", ["before_map", "write"])
def test_a_full_disk_at_the_start_leaves_no_descriptor(tmp_fd, hook, monkeypatch, name):
    def fail(*_args):
        raise OSError(errno.ENOSPC, "full")

    before = open_descriptors()
    if name == "write":
        monkeypatch.setattr(os, "pwrite", fail)
    else:
        hook(fail)
    with pytest.raises(OSError, match="full"):
        begun(tmp_fd)
    monkeypatch.undo()
    hook(None)
    assert open_descriptors() == before
    with begun(tmp_fd) as part:
        assert len(part.have()) == 0


@pytest.mark.parametrize(("number", "raises"), [(errno.EOPNOTSUPP, False), (errno.ENOSPC, True)])
def test_space_is_taken_at_once_where_that_is_possible(tmp_fd, monkeypatch, number, raises):
    def refuse(*_args):
        raise OSError(number, "no")

    monkeypatch.setattr(os, "posix_fallocate", refuse)
    if raises:
        with pytest.raises(OSError, match="no"):
            begun(tmp_fd)
    else:
        begun(tmp_fd).close()
    monkeypatch.delattr(os, "posix_fallocate")
    begun(tmp_fd).close()
