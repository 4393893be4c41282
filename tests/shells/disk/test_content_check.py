"""Copying and checking content: holes stay holes, every shortcut may fail, a file that shrinks is
noticed.

Strategy: the three ways of copying are forced by making the kernel's calls fail as other kernels
would.
"""

from __future__ import annotations

import errno
import fcntl
import os
from dataclasses import replace

import pytest

from potluck.shells.disk import content_check
from potluck.shells.disk.content_check import (
    content_matches,
    copy_content,
    is_hole,
    piece_matches,
    root_of,
)
from tests.shells.files import PIECE, content_of, data_of

DATA = data_of(PIECE) + bytes(2 * PIECE) + data_of(1000, 2)


@pytest.fixture
def files(tmp_path):
    opened = []

    def make(name, data=b"", size=None):
        descriptor = os.open(tmp_path / name, os.O_RDWR | os.O_CREAT, 0o600)
        opened.append(descriptor)
        for offset in range(0, len(data), 4096):
            if any(data[offset : offset + 4096]):
                os.pwrite(descriptor, data[offset : offset + 4096], offset)
        os.ftruncate(descriptor, len(data) if size is None else size)
        return descriptor

    yield make
    for descriptor in opened:
        os.close(descriptor)


def refuse(number):
    def call(*_args, **_kwargs):
        raise OSError(number, os.strerror(number))

    return call


def whole(descriptor):
    return os.pread(descriptor, os.fstat(descriptor).st_size, 0)


def test_content_matches_itself_and_nothing_else(files):
    source = files("source", DATA)
    content = content_of(DATA)
    assert content_matches(source, content)
    assert root_of(source, PIECE) == (content.root, content.hashes)
    os.pwrite(source, b"\0", 5)
    assert not piece_matches(source, content, 0)
    assert piece_matches(source, content, 1)
    assert not content_matches(source, content)
    os.ftruncate(source, len(DATA) - 1)
    assert not content_matches(source, content)
    assert not piece_matches(source, content, 3)


def test_a_content_of_one_piece_matches_without_its_list(files):
    source = files("source", DATA[:1000])
    content = replace(content_of(DATA[:1000]), hashes=b"")
    assert content_matches(source, content)
    os.pwrite(source, b"\0", 5)
    assert not content_matches(source, content)
    assert not content_matches(files("big", DATA), replace(content_of(DATA), hashes=b""))


def test_a_file_that_shrinks_while_it_is_read_has_no_root(files, monkeypatch):
    source = files("source", DATA)
    monkeypatch.setattr(os, "pread", lambda *_args: b"")
    assert root_of(source, PIECE) is None


def test_short_reads_are_continued(files, monkeypatch):
    source = files("source", DATA[:10_000])
    real = os.pread
    monkeypatch.setattr(os, "pread", lambda fd, length, offset: real(fd, min(length, 999), offset))
    assert content_matches(source, content_of(DATA[:10_000]))


@pytest.mark.parametrize("way", ["reflink", "kernel", "kernel says nothing", "by hand"])
def test_every_way_of_copying_keeps_bytes_and_holes(files, monkeypatch, way):
    source, target = files("source", DATA), files("target")
    if way != "reflink":
        monkeypatch.setattr(fcntl, "ioctl", refuse(errno.EXDEV))
    if way == "kernel says nothing":
        monkeypatch.setattr(os, "copy_file_range", lambda *_args: 0)
    if way == "by hand":
        monkeypatch.setattr(os, "copy_file_range", refuse(errno.ENOSYS))
    copy_content(source, target)
    assert whole(target) == DATA
    assert is_hole(target, PIECE, 2 * PIECE)
    assert not is_hole(target, 0, PIECE)
    assert os.fstat(target).st_blocks * 512 < len(DATA)


def test_a_reflink_that_works_is_all_there_is_to_do(files, monkeypatch):
    source, target = files("source", DATA), files("target")
    monkeypatch.setattr(fcntl, "ioctl", lambda *_args: 0)
    monkeypatch.setattr(content_check, "_copy_range", refuse(errno.EIO))
    copy_content(source, target)


def test_a_file_that_ends_in_a_hole_or_is_one(files):
    for name, data in (("tail", b"x" * 4096 + bytes(PIECE)), ("all", bytes(PIECE)), ("empty", b"")):
        source, target = files(f"{name}.source", data), files(f"{name}.target")
        copy_content(source, target)
        assert whole(target) == data
    assert is_hole(files("all.source", bytes(PIECE)), 0, PIECE)


@pytest.mark.parametrize("call", ["ioctl", "copy_file_range", "lseek"])
def test_real_trouble_is_not_taken_for_a_missing_shortcut(files, monkeypatch, call):
    source, target = files("source", DATA), files("target")
    monkeypatch.setattr(fcntl if call == "ioctl" else os, call, refuse(errno.EIO))
    with pytest.raises(OSError, match="Input/output"):
        copy_content(source, target)


def test_a_source_that_shrinks_ends_the_copy(files, monkeypatch):
    source, target = files("source", DATA), files("target")
    monkeypatch.setattr(os, "copy_file_range", lambda *_args: 0)
    monkeypatch.setattr(os, "pread", lambda *_args: b"")
    copy_content(source, target)
    monkeypatch.undo()
    assert not content_matches(target, content_of(DATA))


def test_is_hole_hands_trouble_on(files, monkeypatch):
    monkeypatch.setattr(os, "lseek", refuse(errno.EIO))
    with pytest.raises(OSError, match="Input/output"):
        is_hole(files("x"), 0, 1)
