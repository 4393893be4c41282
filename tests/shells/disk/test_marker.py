"""The marker: which share this folder is, whether it still is that one, and the own folder.

Strategy: real files in a temporary folder; another file system is played by one exchanged look.
"""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys

import pytest

from potluck.engine.effects import MarkShare, MoveFolder
from potluck.engine.events import FolderMoved, OrderId, ShareSeen, UnwrittenMarker
from potluck.shells.disk import fsops
from potluck.shells.disk import marker as module
from potluck.shells.disk.fsops import Share, set_crash_hook
from potluck.shells.disk.marker import MARKER_BYTES, Marker, ShareMarker, Whose
from tests.shells.files import open_descriptors, path, shared, write

GROUP, DEVICE, SHARE = b"g" * 32, b"d" * 32, b"s" * 16


@pytest.fixture
def share(tmp_path):
    with Share(str(tmp_path / "Potluck")) as share:
        yield share


def of(share, number):
    return ShareMarker(share, Whose(DEVICE, number))


@pytest.fixture
def marker(share):
    return of(share, SHARE)


def test_the_marker_comes_back_and_is_replaced(share, marker):
    assert marker.read() is None
    of(share, b"x" * 16).write(GROUP)
    marker.write(GROUP)
    assert marker.read() == Marker(GROUP, DEVICE, SHARE)
    assert os.listdir(share.tmp_fd) == []


def test_the_marker_of_a_folder_is_read_by_its_name_and_nothing_is_made(share, marker, tmp_path):
    marker.write(GROUP)
    assert module.marker_in(share.folder) == Marker(GROUP, DEVICE, SHARE)
    with open(os.path.join(share.folder, ".potluck", "marker"), "wb") as file:
        file.write(b"{")
    empty = tmp_path / "nothing of potluck"
    empty.mkdir()
    for folder in (share.folder, str(empty), str(empty / "none")):
        assert module.marker_in(folder) is None
    assert os.listdir(empty) == []


def test_marker_states(share, marker, monkeypatch):
    name = os.path.join(share.folder, ".potluck", "marker")
    assert marker.state().reason == "missing"
    marker.write(GROUP)
    assert marker.state(path("ann")).present
    assert of(share, b"another").state().reason == "another share"
    for broken in (b"{", b"{}", b"[]", b'{"group": 1}', b"\xff", b"[" * MARKER_BYTES):
        with open(name, "wb") as file:
            file.write(broken)
        assert marker.state().reason == "unreadable", broken
    os.unlink(name)
    os.symlink("/etc/passwd", name)
    assert marker.state().reason == "unreadable"


def test_without_descriptors_it_says_so_and_what_to_do(share, marker, monkeypatch):
    marker.write(GROUP)

    def none_left(*_args, **_more):
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as patch:
        patch.setattr("potluck.shells.disk.marker.enter", none_left)
        seen, glanced = marker.state(), marker.glance()
    assert glanced is None, "nothing of the share is known by that"
    assert not seen.present
    assert seen.reason == ("unreadable: potluck has no file descriptors left; try: ulimit -n 65536")


@pytest.mark.parametrize("number", [errno.EIO, errno.ESTALE, errno.ENOTCONN])
def test_a_disk_that_fails_is_said_to_fail(share, marker, monkeypatch, number):
    marker.write(GROUP)
    failing = ShareSeen(present=False, reason=f"failing: {os.strerror(number)}")

    def fail(*_args, **_more):
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(module, "enter", fail)
        assert marker.state() == marker.glance() == failing
        patch.setattr(module, "open_top", fail)
        assert marker.state() == marker.glance() == failing
        assert not marker.is_back()
    assert marker.state().present


def test_handles_that_stay_stale_are_not_the_share_that_stands_there(share, marker, monkeypatch):
    marker.write(GROUP)
    real = os.fstat

    def stale(descriptor):
        if descriptor == share.shared_fd:
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))
        return real(descriptor)

    assert not marker.is_back()
    monkeypatch.setattr(os, "fstat", stale)
    assert marker.state() == marker.glance() == ShareSeen(present=False, reason="back")
    assert marker.is_back(), "a new start takes hold of it"


def test_an_own_folder_on_another_disk_is_offline(share, marker, monkeypatch):
    marker.write(GROUP)
    os.mkdir(os.path.join(share.folder, "Shared", "ann"))
    assert marker.state(path("ann")).present
    real = fsops.stat_at

    def elsewhere(folder, name):
        found = real(folder, name)
        if name != "ann" or found is None:
            return found
        return os.stat_result((*found[:2], found.st_dev + 1, *found[3:]))

    monkeypatch.setattr(module, "stat_at", elsewhere)
    assert marker.state(path("ann")).reason == "other file system"


@pytest.mark.parametrize("what", ["symbolic link", "file"])
def test_another_thing_in_the_place_of_the_own_folder_is_no_delete(share, marker, what):
    marker.write(GROUP)
    own = os.path.join(share.folder, "Shared", "ann")
    if what == "file":
        write(share, "ann", b"file")
    else:
        os.mkdir(share.folder + ".elsewhere")
        os.symlink(share.folder + ".elsewhere", own)
    seen = marker.state(path("ann/a"), path("ann/b"))
    assert seen.reason == f"there, but Shared/ann is a {what}: put the folder itself there"
    assert not seen.present
    assert marker.state(path("ben")).present, "what is nobody's or somebody else's"
    os.unlink(own)
    assert marker.state(path("ann")).present, "a folder that is not there is a delete"


def test_a_folder_that_was_exchanged_is_offline(share, marker):
    marker.write(GROUP)
    os.rename(share.folder, share.folder + ".away")
    assert marker.state().present is False
    assert marker.state() == marker.glance() == ShareSeen(present=False, reason="gone")
    os.mkdir(share.folder)
    empty = ShareSeen(present=False, reason="another folder")
    assert marker.state() == marker.glance() == empty
    os.rmdir(share.folder)
    with open(share.folder, "wb"):
        assert marker.state().reason == "gone", "a file is no folder"


def test_a_disk_that_is_back_as_another_one_is_known_again(share, marker, monkeypatch):
    marker.write(GROUP)
    before = open_descriptors()
    shutil.copytree(share.folder, share.folder + ".again")
    os.rename(share.folder, share.folder + ".away")
    assert marker.state().reason == "gone", "nothing stands there"
    os.rename(share.folder + ".again", share.folder)
    assert (marker.state().present, marker.state().reason) == (False, "back")
    assert marker.glance() == ShareSeen(present=False, reason="back")
    monkeypatch.setattr(marker, "_state", _gone)
    assert marker.state() == marker.glance() == ShareSeen(present=False, reason="back")
    monkeypatch.undo()
    for number in (b"x" * 16, SHARE):
        other = ShareMarker(share, Whose(b"e" * 32, number))
        assert other.state().reason != "back", "it is another share, or another device's"
    with open(os.path.join(share.folder, ".potluck", "marker"), "wb") as file:
        file.write(b"{")
    assert marker.state().reason == "other file system"
    assert open_descriptors() == before


def test_a_disk_that_was_mounted_anew_is_not_what_is_held_open(share, marker, monkeypatch):
    marker.write(GROUP)
    before = open_descriptors()
    monkeypatch.setattr(module, "mount_of", lambda descriptor: descriptor == share.top_fd)
    assert marker.state() == marker.glance() == ShareSeen(present=False, reason="back")
    assert marker.is_back(), "only a new start sees what is mounted in it now"
    assert open_descriptors() == before


@pytest.mark.parametrize("error", [FileNotFoundError, PermissionError, OSError(errno.EMFILE, "")])
def test_where_nobody_says_what_a_mount_is_it_is_the_same_one(share, marker, monkeypatch, error):
    marker.write(GROUP)
    real = os.open

    def without_proc(name, *words, **more):
        if str(name).startswith("/proc/"):
            raise error
        return real(name, *words, **more)

    monkeypatch.setattr(os, "open", without_proc)
    assert (marker.state().present, marker.is_back()) == (True, False)


@pytest.mark.skipif(
    sys.platform != "linux" or os.geteuid() != 0 or not shutil.which("unshare"),
    reason="only root may mount",
)
def test_one_file_system_that_is_mounted_twice_is_known_by_its_mount(tmp_path):
    script = f"""
import os
from potluck.core.content.paths import parse_wire_path as path
from potluck.shells.disk.fsops import Share
from potluck.shells.disk.marker import ShareMarker, Whose
disk, folder = {str(tmp_path / "disk")!r}, {str(tmp_path / "folder")!r}
os.makedirs(disk + "/Shared/ann/usb")
os.mkdir(folder)
mount = f"mount --bind {{disk}} {{folder}}"
assert os.system(mount) == 0
marker = ShareMarker(Share(folder), Whose(b"d" * 32, b"s" * 16))
marker.write(b"g" * 32)
assert os.system(f"mount -t tmpfs none {{folder}}/Shared/ann/usb") == 0
print(marker.state(path(b"ann")).present)
held = os.stat(folder)
assert os.system(f"umount -l {{folder}} && {{mount}}") == 0
assert os.path.samestat(held, os.stat(folder))
print(marker.state(path(b"ann")).reason)
"""
    done = subprocess.run(
        ["unshare", "-m", sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert (done.stdout, done.returncode) == ("True\nback\n", 0), done.stderr


def _gone(_tops):
    raise OSError(errno.EIO, "Input/output error")


def test_a_marker_that_cannot_be_written_leaves_the_old_one(share, marker):
    marker.write(GROUP)

    def fail(name):
        if name == "before_marker_rename":
            raise OSError(errno.EIO, "broken")

    set_crash_hook(fail)
    try:
        with pytest.raises(OSError, match="broken"):
            of(share, b"x" * 16).write(GROUP)
    finally:
        set_crash_hook(None)
    assert marker.state().present


def test_marking_takes_the_former_folder_along_and_puts_aside_what_stands_there(share, marker):
    before = open_descriptors()
    write(share, "me/file", b"mine")
    seen = marker.mark(MarkShare(GROUP, "me-2", former="me"))
    assert seen == ShareSeen(present=True, reason="", label="me-2")
    assert shared(share) == {"me-2/file": b"mine"}
    write(share, "me-3/other", b"here first")
    seen = marker.mark(MarkShare(GROUP, "me-3", former="me-2"))
    assert (seen.present, seen.label) == (True, "me-3")
    (aside,) = seen.aside
    assert aside.startswith("Put aside/me-3/me-3 (me-3, ")
    assert shared(share) == {"me-3/file": b"mine"}
    write(share, "file", b"a file")
    assert not marker.mark(MarkShare(GROUP, "file", former="me-3")).present
    assert shared(share) == {"file": b"a file", "me-3/file": b"mine"}
    assert marker.mark(MarkShare(GROUP, "me-4", former="nobody")).present
    assert open_descriptors() == before


@pytest.mark.parametrize("what", ["symbolic link", "file"])
def test_what_stands_in_the_way_of_the_own_folder_is_told_and_nothing_is_marked(
    share, marker, what
):
    own = os.path.join(share.folder, "Shared", "me")
    if what == "file":
        write(share, "me", b"file")
    else:
        os.symlink(share.folder, own)
    before = open_descriptors()
    why = f"a {what} stands where the own folder must be"
    unwritten = UnwrittenMarker(GROUP, "me", "", why, instead=what)
    blocked = ShareSeen(present=False, reason=f"not written: {why}", unwritten=unwritten)
    assert marker.mark(MarkShare(GROUP, "me", former="")) == blocked
    assert (marker.read(), os.path.lexists(own), open_descriptors()) == (None, True, before)
    os.rename(own, own + ".away")
    assert marker.mark(MarkShare(GROUP, "me", former="")).present


def test_the_folder_of_another_owner_moves_only_while_the_share_is_there(share, marker):
    write(share, "ann/file", b"hers")
    move = MoveFolder(OrderId(1), "ann", "anne")
    assert marker.move_folder(move) == FolderMoved(OrderId(1), "the share is offline")
    assert shared(share) == {"ann/file": b"hers"}
    marker.write(GROUP)
    assert marker.move_folder(move) == FolderMoved(OrderId(1), "")
    assert shared(share) == {"anne/file": b"hers"}


def test_of_nobodys_folders_only_an_empty_one_goes_and_only_while_the_share_is_there(share, marker):
    os.mkdir("ann", dir_fd=share.shared_fd)
    write(share, "bob/file", b"his")
    write(share, "eve", b"a file")
    marker.drop_folder("ann")
    assert "ann" in os.listdir(share.shared_fd), "there is no marker"
    marker.write(GROUP)
    for name in ("ann", "ann", "bob", "eve"):
        marker.drop_folder(name)
    assert sorted(os.listdir(share.shared_fd)) == ["bob", "eve"]
    assert shared(share) == {"bob/file": b"his", "eve": b"a file"}


def test_a_folder_that_the_disk_does_not_let_go_is_an_error(share, marker, monkeypatch):
    marker.write(GROUP)
    os.mkdir("ann", dir_fd=share.shared_fd)

    def refuse(*_args, **_named):
        raise OSError(errno.EROFS, "read-only")

    monkeypatch.setattr(os, "rmdir", refuse)
    with pytest.raises(OSError, match="read-only"):
        marker.drop_folder("ann")


def test_owner_folders_are_made_where_nothing_stands(share, marker):
    write(share, "ann/file", b"here first")
    write(share, "bob", b"a file")
    marker.make_folders(("ann", "bob", "eve"))
    assert sorted(os.listdir(share.shared_fd)) == ["ann", "bob", "eve"]
    assert shared(share) == {"ann/file": b"here first", "bob": b"a file"}
