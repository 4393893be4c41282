"""Part files: opened by many, found again after a restart, never believed too much.

Strategy: a restart is a second `PartFiles` on the same folder; a crash is a hook that raises in the
middle; lost data is bytes overwritten behind its back.
"""

from __future__ import annotations

import errno
import os
import threading

import pytest

from potluck.core.content.pieces import Bitfield
from potluck.engine.events import PartFound
from potluck.shells.disk.fsops import Share, set_crash_hook
from potluck.shells.disk.receiving.part_files import PartFiles
from potluck.shells.disk.receiving.part_map import map_name, part_name
from tests.shells.files import PIECE, content_of, data_of, open_descriptors, receive, temporary

DATA = data_of(3 * PIECE + 100)
CONTENT = content_of(DATA)
SMALL = data_of(5000)
ZEROS = data_of(PIECE) + bytes(2 * PIECE) + data_of(PIECE, 3)


@pytest.fixture
def share(tmp_path):
    with Share(str(tmp_path)) as share:
        yield share


@pytest.fixture
def part_files(share):
    return PartFiles(share)


@pytest.fixture
def hook():
    yield set_crash_hook
    set_crash_hook(None)


def piece_of(data, piece):
    return memoryview(data)[piece * PIECE : (piece + 1) * PIECE]


def content_in_tmp(share, content):
    descriptor = os.open(part_name(content.root), os.O_RDONLY, dir_fd=share.tmp_fd)
    try:
        return os.read(descriptor, content.size_bytes + 1)
    finally:
        os.close(descriptor)


def spoil(share, name, offset, data=b"spoilt"):
    descriptor = os.open(name, os.O_RDWR, dir_fd=share.tmp_fd)
    os.pwrite(descriptor, data, offset)
    os.close(descriptor)


def test_pieces_in_any_order_make_the_file(share, part_files):
    before = open_descriptors()
    with part_files.open(CONTENT) as part:
        assert part.have().missing() == [0, 1, 2, 3]
        for piece in (3, 0, 2, 1):
            assert not part.have().complete
            part.write(piece, piece_of(DATA, piece))
            part.mark([piece])
        part.mark([1, 2])
        assert part.have().complete
    assert content_in_tmp(share, CONTENT) == DATA
    assert os.stat(part_name(CONTENT.root), dir_fd=share.tmp_fd).st_mode & 0o777 == 0o600
    assert part_files.seal(CONTENT)
    assert open_descriptors() == before


def test_one_part_per_root_however_often_opened(part_files):
    first, second = part_files.open(CONTENT), part_files.open(CONTENT)
    assert first is second
    assert repr(part_files) == "PartFiles(1 open, 0 verified)"
    first.close()
    second.write(0, piece_of(DATA, 0))
    second.mark([0])
    second.close()
    with part_files.open(CONTENT) as third:
        assert third is not first
        assert third.have().missing() == [1, 2, 3]


def test_a_piece_of_the_wrong_length_is_a_value_error(part_files):
    with part_files.open(CONTENT) as part, pytest.raises(ValueError, match="262144 bytes"):
        part.write(0, b"short")
    with pytest.raises(ValueError, match="whole piece"):
        part_files.write_whole(CONTENT, DATA)


def test_pieces_already_here_are_not_written_again(share, part_files):
    with part_files.open(CONTENT) as part:
        part.write(0, piece_of(DATA, 0))
        part.mark([0])
        part.write(0, memoryview(bytes(PIECE)))
    assert content_in_tmp(share, CONTENT)[:PIECE] == DATA[:PIECE]


def test_a_restart_finds_what_was_marked(share, part_files):
    with part_files.open(CONTENT) as part:
        for piece in (0, 1, 2):
            part.write(piece, piece_of(DATA, piece))
        part.mark([0, 2])
    again = PartFiles(share)
    have = Bitfield(4)
    have.add(0)
    have.add(2)
    assert again.found() == (PartFound(CONTENT, have.to_bytes()),)
    with again.open(CONTENT) as part:
        assert part.have().missing() == [1, 3]
        for piece in (1, 3):
            part.write(piece, piece_of(DATA, piece))
        part.mark([1, 3])
    assert again.seal(CONTENT)
    assert content_in_tmp(share, CONTENT) == DATA


def test_what_a_power_cut_lost_is_cleared(share, part_files):
    receive(part_files, DATA)
    spoil(share, part_name(CONTENT.root), PIECE + 9)
    again = PartFiles(share)
    (found,) = again.found()
    assert Bitfield(4, found.have).missing() == [1]
    assert not again.seal(CONTENT)
    (found,) = PartFiles(share).found()
    assert Bitfield(4, found.have).missing() == [1]


def test_without_found_a_part_of_an_earlier_run_is_verified_when_opened(share, part_files):
    receive(part_files, DATA)
    spoil(share, part_name(CONTENT.root), 9)
    again = PartFiles(share)
    assert not again.seal(CONTENT)
    with again.open(CONTENT) as part:
        assert part.have().missing() == [0]


def test_torn_maps_foreign_files_and_leftovers_are_removed(share, part_files):
    receive(part_files, DATA)
    other = receive(part_files, data_of(2 * PIECE, 9))
    third = receive(part_files, data_of(2 * PIECE, 10))
    spoil(share, map_name(CONTENT.root), 20)
    os.unlink(map_name(other.root), dir_fd=share.tmp_fd)
    os.truncate(os.path.join(share.folder, ".potluck/tmp", part_name(third.root)), 5)
    for name in ("7.0.copy", "import.1", "ab.part", "lonely.map", map_name(content_of(b"x").root)):
        os.close(os.open(name, os.O_CREAT, 0o600, dir_fd=share.tmp_fd))
    os.symlink("/etc/passwd", part_name(content_of(b"y").root), dir_fd=share.tmp_fd)
    os.symlink("/etc/passwd", part_name(content_of(b"z").root), dir_fd=share.tmp_fd)
    os.symlink("/etc/passwd", map_name(content_of(b"z").root), dir_fd=share.tmp_fd)
    assert PartFiles(share).found() == ()
    assert temporary(share) == []


def test_whole_small_files_need_no_map(share, part_files):
    content = receive(part_files, SMALL)
    assert temporary(share) == [part_name(content.root)]
    assert part_files.seal(content)
    receive(part_files, SMALL)
    again = PartFiles(share)
    assert not again.seal(content)
    assert again.found() == (PartFound(content, b"\x01"),)
    assert again.seal(content)


def test_half_a_small_file_is_dropped(share, part_files):
    content = receive(part_files, SMALL)
    spoil(share, part_name(content.root), 0)
    assert PartFiles(share).found() == ()
    assert temporary(share) == []


def test_a_small_file_that_was_begun_in_pieces_is_written_over(share, part_files):
    content = content_of(SMALL)
    with part_files.open(content) as part:
        part_files.write_whole(content, SMALL)
        part.write(0, SMALL)  # a straggler, on a file that is no longer there
        part.mark([0])
    assert part_files.seal(content)
    assert content_in_tmp(share, content) == SMALL


def test_a_crash_in_a_whole_write_leaves_nothing_believed(share, part_files, hook):
    def fail(name):
        if name == "before_write_whole":
            raise OSError(errno.ENOSPC, "full")

    hook(fail)
    content = content_of(SMALL)
    with pytest.raises(OSError, match="full"):
        part_files.write_whole(content, SMALL)
    assert not part_files.seal(content)
    hook(None)
    part_files.write_whole(content, SMALL)
    assert part_files.seal(content)


def test_two_workers_with_one_small_file_write_it_once(share, part_files, hook):
    content = content_of(SMALL)
    inside, go_on = threading.Event(), threading.Event()
    calls = []

    def wait(name):
        if name == "before_write_whole":
            calls.append(name)
            inside.set()
            assert go_on.wait(10)

    hook(wait)
    first = threading.Thread(target=part_files.write_whole, args=(content, SMALL))
    second = threading.Thread(target=part_files.write_whole, args=(content, SMALL))
    first.start()
    assert inside.wait(10)
    second.start()
    go_on.set()
    first.join(10)
    second.join(10)
    assert calls == ["before_write_whole"]
    assert part_files.seal(content)


def test_a_content_of_zeros_only_is_complete_without_being_asked_for(share, part_files):
    content = content_of(bytes(3 * PIECE))
    assert part_files.seal(content)
    assert content_in_tmp(share, content) == bytes(3 * PIECE)
    assert not part_files.seal(CONTENT)


def test_a_part_with_another_content_under_its_name_is_begun_anew(share, part_files):
    receive(part_files, DATA)
    os.truncate(os.path.join(share.folder, ".potluck/tmp", part_name(CONTENT.root)), 5)
    with PartFiles(share).open(CONTENT) as part:
        assert len(part.have()) == 0


def test_a_part_that_an_interrupted_placing_made_read_only_is_taken_up(share, part_files):
    receive(part_files, DATA)
    os.chmod(part_name(CONTENT.root), 0o444, dir_fd=share.tmp_fd)
    again = PartFiles(share)
    assert len(again.found()) == 1
    assert os.stat(part_name(CONTENT.root), dir_fd=share.tmp_fd).st_mode & 0o777 == 0o600


def test_drop_removes_even_what_is_open(share, part_files):
    with part_files.open(CONTENT) as part:
        part_files.drop((CONTENT.root, content_of(b"never seen").root))
        assert temporary(share) == []
        part.write(0, piece_of(DATA, 0))
        part.mark([0])
        with part_files.open(CONTENT) as fresh:
            assert fresh is not part
            assert len(fresh.have()) == 0


def test_a_sealed_part_cannot_be_written_any_more(share, part_files):
    with part_files.open(CONTENT) as part:
        for piece in range(3):
            part.write(piece, piece_of(DATA, piece))
        part.mark(range(3))
        assert not part_files.seal(CONTENT)
        part.write(3, piece_of(DATA, 3))
        part.mark([3])
        assert part_files.seal(CONTENT)
        before = os.stat(part_name(CONTENT.root), dir_fd=share.tmp_fd).st_mtime_ns
        part.write(3, piece_of(DATA, 3))
    assert os.stat(part_name(CONTENT.root), dir_fd=share.tmp_fd).st_mtime_ns == before
    assert part_files.seal(CONTENT)
    part_files.placed(CONTENT.root)
    assert not part_files.seal(CONTENT)


def test_threads_that_write_one_part_make_one_file(share, part_files):
    data = data_of(16 * PIECE)
    content = content_of(data)

    def work(mine):
        with part_files.open(content) as part:
            for piece in mine:
                part.write(piece, piece_of(data, piece))
                part.mark([piece])

    threads = [threading.Thread(target=work, args=(range(n, 16, 2),)) for n in (0, 1, 0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert part_files.seal(content)
    assert content_in_tmp(share, content) == data
