"""Share: descriptors only, no link followed, and trouble told in three parts.

Strategy: real files in a temporary folder; what needs another file system or no permission is done
by exchanging the one system call in question.
"""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
from types import SimpleNamespace

import pytest

from potluck.core.content.facts import Finding, Hindrance
from potluck.core.errors import DiskTrouble, UnsafePath
from potluck.engine.events import SpaceSeen
from potluck.shells.disk import fsops
from potluck.shells.disk.fsops import (
    Share,
    crashpoint,
    enter,
    make_file,
    open_regular,
    plainly,
    reason_at,
    reason_of,
    remove_file,
    set_crash_hook,
    write_all,
)
from tests.shells.files import open_descriptors, path, write


@pytest.fixture
def share(tmp_path):
    with Share(str(tmp_path / "Potluck")) as share:
        yield share


@pytest.fixture
def outside(tmp_path):
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret").write_bytes(b"secret")
    return folder


def shared(share, text=""):
    return os.path.join(share.folder, "Shared", text)


def test_it_makes_its_folders_and_leaves_no_descriptor_open(tmp_path):
    before = open_descriptors()
    with Share(str(tmp_path / "new" / "Potluck")) as share:
        assert sorted(os.listdir(share.folder)) == [".potluck", "Shared"]
        assert sorted(os.listdir(os.path.join(share.folder, ".potluck"))) == ["tmp", "trash"]
        assert os.stat(os.path.join(share.folder, ".potluck")).st_mode & 0o777 == 0o700
        assert os.listdir(share.tmp_fd) == []
        assert repr(share) == f"Share({share.folder!r}, 5 descriptors)"
    assert repr(share).endswith(", 0 descriptors)")
    assert open_descriptors() == before


def test_files_folders_and_nothing(share):
    write(share, "ann/a.txt", b"hello", 0o755)
    seen = share.stat(path("ann/a.txt"))
    assert seen.finding is Finding.FILE
    assert seen.stat is not None
    assert (seen.stat.size, seen.stat.executable) == (5, True)
    assert share.stat(path("ann")).finding is Finding.FOLDER
    for missing in ("ann/b", "bob", "bob/c/d", "ann/a.txt/x"):
        assert share.stat(path(missing)).finding is Finding.MISSING
    descriptor = share.open_file(path("ann/a.txt"))
    assert os.read(descriptor, 9) == b"hello"
    assert share.stat_fd(descriptor) == seen.stat
    os.close(descriptor)


def test_open_folder_makes_folders_only_when_asked(share):
    with pytest.raises(FileNotFoundError):
        share.open_folder(path("ann/deep/er"))
    os.close(share.open_folder(path("ann/deep/er"), create=True))
    assert os.path.isdir(shared(share, "ann/deep/er"))
    top = share.open_folder(None)
    assert os.listdir(top) == ["ann"]
    os.close(top)


@pytest.mark.parametrize("call", ["open_folder", "open_file", "stat"])
def test_a_str_is_a_type_error(share, call):
    with pytest.raises(TypeError, match="SafePath"):
        getattr(share, call)("../../etc/passwd")


def test_links_are_never_followed(share, outside):
    before = open_descriptors()
    os.mkdir(shared(share, "ann"))
    os.symlink(outside, shared(share, "ann/folder"))
    os.symlink(outside / "secret", shared(share, "ann/file"))
    for call in (share.open_file, share.stat):
        for text in ("ann/folder/secret", "ann/file"):
            with pytest.raises(UnsafePath) as refused:
                call(path(text))
            assert refused.value.cause == "symbolic link"
    with pytest.raises(UnsafePath):
        share.open_folder(path("ann/folder"), create=True)
    assert open_descriptors() == before


def test_special_files_are_refused_and_never_wait(share):
    os.mkdir(shared(share, "ann"))
    os.mkfifo(shared(share, "ann/pipe"))
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(shared(share, "ann/socket"))
    for name, kind in (("pipe", "named pipe"), ("socket", "socket or device")):
        with pytest.raises(UnsafePath) as refused:
            share.open_file(path(f"ann/{name}"))
        assert refused.value.cause == kind
        with pytest.raises(UnsafePath):
            share.stat(path(f"ann/{name}"))
    with pytest.raises(UnsafePath) as refused:
        share.open_file(path("ann"))
    assert refused.value.cause == "folder"


def test_enter_survives_a_folder_made_by_somebody_else_meanwhile(share, monkeypatch):
    real = os.mkdir

    def made_first(name, mode, *, dir_fd):
        real(name, mode, dir_fd=dir_fd)
        real(name, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "mkdir", made_first)
    os.close(enter(share.shared_fd, "both", create=True))


def test_space(share):
    space = share.space()
    assert 0 < space.free_bytes <= space.total_bytes
    assert space.home_free_bytes is None


def test_space_of_the_index_is_that_of_the_home(tmp_path):
    with Share(str(tmp_path / "folder"), str(tmp_path)) as share:
        space = share.space()
    assert (space.home_total_bytes, space.home_free_bytes is None) == (space.total_bytes, False)


def test_own_places_are_known_under_any_name(share):
    assert share.is_own_place(os.stat(share.folder))
    assert share.is_own_place(os.stat(shared(share)))
    assert not share.is_own_place(os.stat(os.path.dirname(share.folder)))


@pytest.mark.parametrize(
    ("number", "cause"),
    [
        (errno.EACCES, "may not write"),
        (errno.EROFS, "read-only"),
        (errno.ENOSPC, "full"),
        (errno.EIO, "Input/output"),
    ],
)
def test_a_folder_that_cannot_be_written_is_disk_trouble_in_three_parts(
    tmp_path, monkeypatch, number, cause
):
    before = open_descriptors()
    real = os.open

    def refuse(name, flags, *args, **kwargs):
        if flags & os.O_CREAT:
            raise OSError(number, os.strerror(number))
        return real(name, flags, *args, **kwargs)

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(DiskTrouble) as trouble:
        Share(str(tmp_path))
    monkeypatch.undo()
    assert cause in trouble.value.cause
    assert str(tmp_path) in trouble.value.what
    assert trouble.value.fix
    assert open_descriptors() == before


def test_a_file_or_a_link_in_the_way_is_disk_trouble(tmp_path, outside):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DiskTrouble, match="cannot be used") as trouble:
        Share(str(tmp_path / "file"))
    assert "in the way" in trouble.value.cause
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / "Shared").symlink_to(outside)
    with pytest.raises(DiskTrouble, match="cannot be used"):
        Share(str(tmp_path / "linked"))


def test_names_that_are_not_utf8_here_are_disk_trouble(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "getfilesystemencoding", lambda: "iso8859-1")
    with pytest.raises(DiskTrouble) as trouble:
        Share(str(tmp_path))
    assert "UTF-8" in trouble.value.cause


def test_short_writes_are_continued(share, monkeypatch):
    real = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda fd, data, offset: real(fd, data[:3], offset))
    descriptor = os.open("x", os.O_RDWR | os.O_CREAT, 0o600, dir_fd=share.tmp_fd)
    write_all(descriptor, b"0123456789", 2)
    assert os.pread(descriptor, 20, 0) == b"\0\x000123456789"
    os.close(descriptor)


def test_reasons_are_short_and_a_full_disk_is_recognisable():
    assert reason_of(OSError(errno.ENOSPC, "No space left")) == fsops.DISK_FULL
    assert reason_of(OSError(errno.ESTALE, "Stale file handle")) == Hindrance.AWAY
    assert reason_of(OSError(errno.ENXIO, "No such device")) == "No such device"
    assert reason_of(OSError("bare")) == "bare"
    assert reason_of(OSError(errno.EIO, "Input/output error")) == Hindrance.IO
    assert reason_of(OSError(errno.EPERM, "Operation not permitted")) == Hindrance.IMMUTABLE
    assert reason_of(OSError(errno.EXDEV, "Invalid cross-device link")) == Hindrance.OTHER_DISK
    assert reason_of(OSError(errno.EBUSY, "Device or resource busy")) == Hindrance.MOUNTED
    assert reason_of(UnsafePath("x", "symbolic link")) == "symbolic link"


@pytest.mark.parametrize(
    ("inodes", "free", "reason"),
    [(400, 0, Hindrance.INODES), (400, 1, Hindrance.SPACE), (0, 0, Hindrance.SPACE)],
)
def test_a_lack_of_inodes_is_told_from_one_of_space(share, monkeypatch, inodes, free, reason):
    seen = SimpleNamespace(f_files=inodes, f_favail=free, f_bavail=5, f_frsize=4096, f_blocks=10)
    monkeypatch.setattr(os, "fstatvfs", lambda _descriptor: seen)
    full = OSError(errno.ENOSPC, "No space left on device")
    assert reason_at(full, share.top_fd) == reason
    assert reason_at(OSError(errno.EIO, "x"), share.top_fd) == Hindrance.IO
    with pytest.raises(OSError, match=str(reason)) as trouble, plainly(share.tmp_fd):
        raise full
    assert trouble.value.errno == errno.ENOSPC
    counted = (free, inodes) if inodes else (None, None)
    assert share.space() == SpaceSeen(5 * 4096, 10 * 4096, *counted)


def test_open_regular_hands_other_errors_on(share):
    with pytest.raises(FileNotFoundError):
        open_regular(share.shared_fd, "nothing")


def test_crashpoints_call_the_hook_and_are_nothing_without():
    names: list[str] = []
    crashpoint("nobody listens")
    set_crash_hook(names.append)
    try:
        crashpoint("here")
    finally:
        set_crash_hook(None)
    assert names == ["here"]


def test_the_environment_names_a_crashpoint_that_kills():
    script = (
        "from potluck.shells.disk.fsops import crashpoint\n"
        "crashpoint('other'); print(1); crashpoint('here'); print(2)"
    )
    environment = {
        **os.environ,
        "POTLUCK_CRASHPOINT": "here",
        "PYTHONUNBUFFERED": "1",
        "PYTHONPATH": "src",
    }
    ended = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, check=False
    )
    assert ended.returncode == -9
    assert ended.stdout == b"1\n"


def test_a_new_file_never_opens_what_is_there_already(share, outside):
    os.symlink(outside / "secret", "taken", dir_fd=share.tmp_fd)
    with pytest.raises(FileExistsError):
        make_file(share.tmp_fd, "taken")
    os.close(make_file(share.tmp_fd, "new"))
    assert os.stat("new", dir_fd=share.tmp_fd).st_mode & 0o777 == 0o600
    for name in ("new", "taken", "taken"):
        remove_file(share.tmp_fd, name)
    assert os.listdir(share.tmp_fd) == []
    assert (outside / "secret").read_bytes() == b"secret"
