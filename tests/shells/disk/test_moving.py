"""Moving: one rename, whatever is inside, and what stood at the new name is kept.

Strategy: real files in a temporary folder; steps are failed at their crash points.
"""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from potluck.shells.disk.fsops import reason_of, set_crash_hook
from potluck.shells.disk.moving import MOVE_TRIES, move_folder
from tests.shells.files import open_descriptors, path, shared, write


def aside(share):
    top = Path(share.folder) / "Put aside"
    return {str(each.relative_to(top)): each.read_bytes() for each in top.rglob("*.txt")}


@pytest.fixture
def hooked():
    yield set_crash_hook
    set_crash_hook(None)


def test_a_folder_moves_whole_and_open_files_stay_open(share):
    before = open_descriptors()
    write(share, "anna/f/a", b"hers")
    number = os.stat(f"{share.folder}/Shared/anna/f/a").st_ino
    with open(f"{share.folder}/Shared/anna/f/a", "rb") as held:
        assert move_folder(share, path("anna"), path("anne")) == ()
        assert held.read() == b"hers"
    assert shared(share) == {"anne/f/a": b"hers"}
    assert os.stat(f"{share.folder}/Shared/anne/f/a").st_ino == number
    assert open_descriptors() == before


def test_done_twice_the_second_time_changes_nothing(share):
    write(share, "anna/a", b"hers")
    move_folder(share, path("anna"), path("anne"))
    assert move_folder(share, path("anna"), path("anne")) == ()
    assert shared(share) == {"anne/a": b"hers"}


@pytest.mark.parametrize("what", ["file", "link"])
def test_what_is_no_folder_is_not_moved(share, what):
    if what == "file":
        write(share, "anna", b"a person's")
    else:
        os.symlink("/etc", f"{share.folder}/Shared/anna")
    assert move_folder(share, path("anna"), path("anne")) == ()
    assert os.path.lexists(f"{share.folder}/Shared/anna")
    assert not os.path.lexists(f"{share.folder}/Shared/anne")


def test_an_empty_folder_at_the_new_name_is_replaced(share):
    write(share, "anna/a", b"hers")
    os.mkdir(f"{share.folder}/Shared/anne")
    assert move_folder(share, path("anna"), path("anne")) == ()
    assert shared(share) == {"anne/a": b"hers"}
    assert not os.path.exists(f"{share.folder}/Put aside")


def test_a_folder_of_a_person_at_the_new_name_is_put_aside(share):
    write(share, "anna/a", b"hers")
    write(share, "anne/mine.txt", b"mine")
    (where,) = move_folder(share, path("anna"), path("anne"))
    assert shared(share) == {"anne/a": b"hers"}
    assert where.startswith("Put aside/anne/anne (anne, ")
    assert list(aside(share).values()) == [b"mine"]


@pytest.mark.parametrize("what", ["file", "link"])
def test_a_file_or_link_at_the_new_name_is_put_aside(share, what):
    write(share, "anna/a", b"hers")
    if what == "file":
        write(share, "anne", b"a person's")
    else:
        os.symlink("/etc", f"{share.folder}/Shared/anne")
    (where,) = move_folder(share, path("anna"), path("anne"))
    assert (Path(share.folder) / "Shared/anne/a").read_bytes() == b"hers"
    assert os.path.lexists(f"{share.folder}/{where}")
    assert (os.path.islink(f"{share.folder}/{where}")) == (what == "link")


def test_who_makes_a_folder_there_in_the_moment_between_is_put_aside_as_well(share, hooked):
    write(share, "anna/a", b"hers")
    made: list[str] = []

    def make(name):
        if name == "before_move_folder" and len(made) < MOVE_TRIES - 1:
            made.append(name)
            write(share, f"anne/{len(made)}.txt", b"%d" % len(made))

    hooked(make)
    told = move_folder(share, path("anna"), path("anne"))
    assert shared(share) == {"anne/a": b"hers"}
    assert sorted(aside(share).values()) == [b"1", b"2"]
    assert sorted(f"Put aside/{name}".rsplit("/", 1)[0] for name in aside(share)) == sorted(told)


def test_who_makes_one_again_and_again_keeps_it_and_is_told_where_the_others_are(share, hooked):
    write(share, "anna/a", b"hers")
    hooked(lambda name: write(share, "anne/x.txt", b"x") if name == "before_move_folder" else None)
    with pytest.raises(OSError, match="exists") as caught:
        move_folder(share, path("anna"), path("anne"))
    assert shared(share) == {"anna/a": b"hers", "anne/x.txt": b"x"}
    assert len(aside(share)) == MOVE_TRIES - 1
    for name in aside(share):
        assert f"“Put aside/{name.removesuffix('/x.txt')}”" in reason_of(caught.value)


def test_an_error_after_something_went_aside_says_where_it_is(share, monkeypatch):
    write(share, "anna/a", b"hers")
    write(share, "anne/mine.txt", b"mine")
    real, calls = os.rename, []

    def rename(*names, **folders):
        calls.append(names)
        if names[0] == "anna" and len(calls) > 1:
            raise OSError(errno.EBUSY, "busy")
        real(*names, **folders)

    monkeypatch.setattr(os, "rename", rename)
    with pytest.raises(OSError, match="what stood at the new name is in “Put aside/anne/anne"):
        move_folder(share, path("anna"), path("anne"))
    assert list(aside(share).values()) == [b"mine"]


def test_a_thing_that_goes_before_it_is_put_aside_is_no_trouble(share, hooked, monkeypatch):
    write(share, "anna/a", b"hers")
    real, calls = os.rename, []

    def rename(*names, **folders):
        calls.append(names)
        if len(calls) == 1:
            raise OSError(errno.ENOTEMPTY, "not empty")
        real(*names, **folders)

    monkeypatch.setattr(os, "rename", rename)
    assert move_folder(share, path("anna"), path("anne")) == ()
    assert shared(share) == {"anne/a": b"hers"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount")
def test_what_is_mounted_inside_comes_along_and_what_is_a_mount_itself_stays(tmp_path):
    script = f"""
import os
from potluck.core.content.paths import parse_wire_path as path
from potluck.shells.disk.fsops import Share
from potluck.shells.disk.moving import move_folder
share = Share({str(tmp_path)!r})
top = {str(tmp_path)!r} + "/Shared"
os.makedirs(top + "/anna/disk")
os.makedirs(top + "/bert")
assert os.system(f"mount -t tmpfs none {{top}}/anna/disk && echo x > {{top}}/anna/disk/x") == 0
assert os.system(f"mount -t tmpfs none {{top}}/bert") == 0
move_folder(share, path(b"anna"), path(b"anne"))
assert os.listdir(top + "/anne/disk") == ["x"]
try:
    move_folder(share, path(b"bert"), path(b"bertha"))
except OSError as error:
    print("stays", error.errno)
"""
    done = subprocess.run(
        ["unshare", "-m", sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert (done.stdout, done.returncode) == (f"stays {errno.EBUSY}\n", 0), done.stderr
