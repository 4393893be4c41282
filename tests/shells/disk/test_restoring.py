"""Restoring: a version comes back whole, over nothing, and what stood there can be had back."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from potluck.core.content.facts import Hindrance
from potluck.core.content.known_versions import KnownVersion
from potluck.core.content.paths import parse_wire_path
from potluck.engine.effects import Import
from potluck.engine.events import Imported, OrderId
from potluck.engine.own.restored import (
    NOT_AS_IT_CAME,
    NOT_IN_TRASH,
    RESTORE,
    STANDS_ALL,
    TOO_FEW,
)
from potluck.shells.disk import keeping
from potluck.shells.disk import restoring as module
from potluck.shells.disk.content_check import copy_content
from potluck.shells.disk.fsops import Share, set_crash_hook, stat_at
from potluck.shells.disk.restoring import restore_paths
from tests.engine.index.builders import root_of
from tests.shells.files import aside, open_descriptors, shared, trash, write

ORDER = OrderId(5)
ME = parse_wire_path(b"me")
TIME_NS = 1_600_000_000_123_456_789


@pytest.fixture
def share(tmp_path: Path) -> Iterator[Share]:
    with Share(str(tmp_path / "Potluck")) as share:
        yield share
    set_crash_hook(None)


def put(share: Share, text: str, data: bytes) -> Path:
    """Put a version into the trash."""
    path = Path(share.folder, ".potluck", "trash", text)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    path.chmod(0o444)
    os.utime(path, ns=(TIME_NS, TIME_NS))
    return path


def restored(share: Share, *texts: str, known: Sequence[KnownVersion] = ()) -> Imported:
    """Restore, and see that nothing is left over: no descriptor, and nothing in tmp/."""
    before = open_descriptors()
    done = restore_paths(share, Import(ORDER, texts, RESTORE, ME, known=tuple(known)))
    assert open_descriptors() == before
    assert os.listdir(share.tmp_fd) == []
    return done


def came(path: str, text: str, *, mtime_ns: int = TIME_NS, kept: bool = True) -> KnownVersion:
    """That is remembered to have come into the trash."""
    return KnownVersion(path, len(text), mtime_ns, root_of(text), 0, kept)


@pytest.mark.parametrize("same_time", [True, False])
@pytest.mark.parametrize("whose", ["ann", "me"])
def test_a_version_whose_bytes_changed_in_the_trash_is_not_restored(
    share: Share, whose: str, same_time: bool
) -> None:
    kept = put(share, f"day-000000-replaced/{whose}/d/a~2", b"bad")
    put(share, f"day-000000-deleted/{whose}/d/b", b"whole")
    if not same_time:
        os.utime(kept)
    known = [came(f"{whose}/d/a", "old"), came(f"{whose}/d/b", "whole")]
    done = restored(share, f"{whose}/d/a", known=known)
    assert done.failed == ((f"{whose}/d/a", NOT_AS_IT_CAME),)
    assert (done.added, done.changed) == ((), (str(kept),))
    assert shared(share) == {}
    assert os.listdir(share.shared_fd) == []
    done = restored(share, f"{whose}/d/", known=known)  # the others of a folder come
    assert done.failed == ((f"{whose}/d/a", NOT_AS_IT_CAME),)
    assert list(shared(share).values()) == [b"whole"]


def test_a_version_that_is_as_it_came_is_restored_and_so_is_what_nothing_is_known_of(
    share: Share,
) -> None:
    put(share, "day-000000-replaced/ann/a", b"old")
    os.utime(put(share, "day-000001-replaced/ann/a", b"two"))
    known = [came("ann/a", "old"), came("ann/b", "els"), came("ann/a", "new", kept=False)]
    for text in ("ann/a@2", "ann/a"):
        assert restored(share, text, known=known).failed == ()
    assert set(shared(share).values()) == {b"old", b"two"}


def test_a_restore_that_fails_leaves_no_folder_and_what_came_in_it_stays(
    share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(share, "day-000000-deleted/ann/d/e/a", b"old")
    put(share, "day-000000-deleted/ann/d/e/b", b"old")
    write(share, "me/mine", b"mine")

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "full")

    with monkeypatch.context() as patch:
        patch.setattr(module, "copy_content", full)
        assert len(restored(share, "ann/d/").failed) == 2
    with monkeypatch.context() as patch:
        patch.setattr(os, "link", full)
        assert len(restored(share, "ann/d/").failed) == 2
    assert os.listdir(os.path.join(share.folder, "Shared/me")) == ["mine"]

    def saves(*_: Any, **__: Any) -> None:
        write(share, "me/Restored from ann/d/saved", b"saved")
        full()

    with monkeypatch.context() as patch:
        patch.setattr(os, "link", saves)
        assert restored(share, "ann/d/e/a").failed
    assert os.listdir(os.path.join(share.folder, "Shared/me/Restored from ann/d")) == ["saved"]


def test_where_a_folder_cannot_be_made_none_of_its_parents_is_left(
    share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(share, "day-000000-deleted/ann/d/e/a", b"old")
    real = os.mkdir

    def mkdir(name: str, *args: Any, **folders: Any) -> None:
        if name == "e":
            raise OSError(errno.ENOSPC, "full")
        real(name, *args, **folders)

    monkeypatch.setattr(os, "mkdir", mkdir)
    assert restored(share, "ann/d/e/a").failed
    assert os.listdir(share.shared_fd) == []


def test_what_is_mine_comes_back_to_its_place(share: Share) -> None:
    kept = put(share, "day-000001-deleted/me/docs/a.txt", b"old")
    done = restored(share, "me/docs/a.txt")
    when = os.stat(kept).st_mtime_ns
    assert done == Imported(ORDER, ("docs/a.txt",), (), versions=((3, when),))
    assert shared(share) == {"me/docs/a.txt": b"old"}
    came = Path(share.folder, "Shared/me/docs/a.txt")
    assert (came.stat().st_mtime_ns, came.stat().st_mode & 0o777) == (TIME_NS, 0o644)
    assert came.stat().st_ino != kept.stat().st_ino  # a change there must not reach the trash
    assert kept.read_bytes() == b"old"


def test_what_stands_there_goes_to_the_trash_and_can_be_had_back(share: Share) -> None:
    put(share, "day-000000-deleted/me/a", b"old").chmod(0o555)
    write(share, "me/a", b"mine")
    assert restored(share, "me/a").kept == ("a",)
    assert shared(share) == {"me/a": b"old"}
    assert os.access(os.path.join(share.folder, "Shared/me/a"), os.X_OK)
    assert trash(share) == {"day-000000-deleted/me/a": b"old",
                            "day-000000-replaced/me/a": b"mine"}  # fmt: skip
    done = restored(share, "me/a@1")
    assert (done.added, done.kept) == (("a",), ("a",))
    assert shared(share) == {"me/a": b"mine"}
    assert aside(share) == {}


def test_the_same_content_is_not_brought_back_once_more(share: Share) -> None:
    put(share, "day-000000-deleted/me/a", b"old")
    put(share, "day-000000-deleted/ann/a", b"old")
    write(share, "me/a", b"old")
    assert restored(share, "me/a").already == (("me/a", "me/a"),)
    assert restored(share, "ann/a").added == ("Restored from ann/a",)
    assert restored(share, "ann/a").already == (("ann/a", "me/Restored from ann/a"),)
    assert len(trash(share)) == 2


def test_a_number_says_which_version(share: Share) -> None:
    put(share, "day-000000-replaced/me/a", b"one")
    put(share, "day-000001-replaced/me/a", b"two")
    assert restored(share, "me/a@2").added == ("a",)
    assert shared(share) == {"me/a": b"one"}
    for number in (0, 3):
        assert restored(share, f"me/a@{number}").failed == ((f"me/a@{number}", TOO_FEW),)


def test_what_is_somebody_elses_comes_into_my_folder(share: Share) -> None:
    put(share, "day-000000-deleted/ann/docs/a.txt", b"old")
    write(share, "me/Restored from ann/docs/a.txt", b"another")
    write(share, "ann/docs/a.txt", b"new")
    done = restored(share, "ann/docs/a.txt")
    name = "Restored from ann/docs/a (2).txt"
    assert (done.added, done.instead) == ((name,), ((name, "ann/docs/a.txt"),))
    assert shared(share) == {
        f"me/{name}": b"old",
        "me/Restored from ann/docs/a.txt": b"another",
        "ann/docs/a.txt": b"new",
    }


def test_of_a_folder_what_is_missing_comes_back(share: Share) -> None:
    put(share, "day-000000-replaced/me/docs/a", b"older")
    put(share, "day-000001-deleted/me/docs/a", b"a")
    put(share, "day-000001-deleted/me/docs/deep/b", b"b")
    put(share, "day-000001-replaced/me/docs/stands", b"old")
    put(share, "day-000001-deleted/me/docsx", b"no")
    write(share, "me/docs/stands", b"new")
    for text in ("me/docs/", "me/docs"):
        assert set(restored(share, text).added or ("docs/a", "docs/deep/b")) == {
            "docs/a",
            "docs/deep/b",
        }
    assert shared(share) == {"me/docs/a": b"a", "me/docs/deep/b": b"b", "me/docs/stands": b"new"}
    assert restored(share, "me/docs/").failed == (("me/docs/", STANDS_ALL),)
    put(share, "day-000001-deleted/ann/x", b"x")
    assert restored(share, "ann/").added == ("Restored from ann/x",)


@pytest.mark.parametrize("text", ["me/nope", "me/a/", "nobody/", "me/d@2"])
def test_what_is_not_there_is_not_restored(share: Share, text: str) -> None:
    put(share, "day-000000-deleted/me/a", b"a")
    put(share, "day-000000-deleted/me/d/x", b"x")
    assert restored(share, text).failed == ((text, NOT_IN_TRASH),)
    assert shared(share) == {}


@pytest.mark.parametrize("text", ["../me/a", "me/../../x", "", "me/\x1b"])
def test_what_is_no_path_leads_nowhere(share: Share, text: str) -> None:
    ((_, reason),) = restored(share, text).failed
    assert reason
    assert shared(share) == {}


def test_links_and_pipes_in_the_trash_are_no_versions(share: Share, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    top = put(share, "day-000000-deleted/me/real", b"real").parent
    (top / "a").symlink_to(secret)
    os.mkfifo(top / "b")
    (top / "c").mkdir()
    assert [reason for _, reason in restored(share, "me/a", "me/b", "me/c").failed] == [
        NOT_IN_TRASH
    ] * 3
    assert shared(share) == {}


@pytest.mark.parametrize("what", ["link", "folder", "pipe"])
def test_what_is_no_file_is_not_moved_away(share: Share, tmp_path: Path, what: str) -> None:
    put(share, "day-000000-deleted/me/a", b"old")
    place = Path(share.folder, "Shared/me/a")
    place.parent.mkdir()
    if what == "link":
        place.symlink_to(tmp_path)
    elif what == "folder":
        place.mkdir()
    else:
        os.mkfifo(place)
    ((path, reason),) = restored(share, "me/a").failed
    assert path == "me/a"
    assert "stands there" in reason
    assert len(trash(share)) == 1
    assert os.path.lexists(place)


def test_a_link_in_the_way_is_not_followed(share: Share, tmp_path: Path) -> None:
    put(share, "day-000000-deleted/me/docs/a", b"old")
    (tmp_path / "outside").mkdir()
    Path(share.folder, "Shared/me").mkdir()
    Path(share.folder, "Shared/me/docs").symlink_to(tmp_path / "outside")
    assert restored(share, "me/docs/a").failed == (("me/docs/a", "symbolic link"),)
    assert restored(share, "me/docs/").failed == (("me/docs/a", "symbolic link"),)
    assert list((tmp_path / "outside").iterdir()) == []


def at(step: str, act: Callable[[], None], times: int = 1) -> None:
    """Do that at a step, so many times."""
    left = [times]

    def hook(name: str) -> None:
        if name == step and left[0]:
            left[0] -= 1
            act()

    set_crash_hook(hook)


def test_what_appears_at_the_last_moment_is_not_overwritten(share: Share) -> None:
    put(share, "day-000000-deleted/me/a", b"old")
    at("before_restore", lambda: write(share, "me/a", b"new"))
    assert restored(share, "me/a").kept == ("a",)
    assert shared(share) == {"me/a": b"old"}
    assert trash(share)["day-000000-replaced/me/a"] == b"new"


class Killed(Exception):
    """The process ends here."""


STEPS = ("before_restore", "before_link", "after_link", "after_kept", "after_exchange")


@pytest.mark.parametrize("step", STEPS)
def test_a_crash_at_any_moment_leaves_one_of_both_in_its_place(share: Share, step: str) -> None:
    put(share, "day-000000-deleted/me/a", b"old")
    write(share, "me/a", b"mine")

    def end() -> None:
        raise Killed

    at(step, end)
    with pytest.raises(Killed):
        restored(share, "me/a")
    stands = shared(share)["me/a"]
    assert stands == (b"old" if step == "after_exchange" else b"mine")
    assert {b"old", b"mine"} <= {stands, *trash(share).values()}
    set_crash_hook(None)
    number = 2 if b"mine" in trash(share).values() else 1
    assert not restored(share, f"me/a@{number}").failed
    assert shared(share) == {"me/a": b"old"}
    assert sorted(map(bytes, filter(None, trash(share).values()))) == [b"mine", b"old"]


@pytest.mark.parametrize("exchanges", [True, False])
def test_what_is_saved_at_the_last_moment_is_kept(
    share: Share, monkeypatch: pytest.MonkeyPatch, exchanges: bool
) -> None:
    put(share, "day-000000-deleted/me/a", b"old")
    write(share, "me/a", b"mine")
    if not exchanges:
        monkeypatch.setattr(module, "change_places", lambda *_: False)

    def save() -> None:
        Path(share.folder, "Shared", "me", "a").unlink()
        write(share, "me/a", b"saved")

    at("after_kept", save)
    assert restored(share, "me/a").kept == ("a",)
    assert shared(share) == {"me/a": b"old"}
    kept = {*trash(share).values(), *aside(share).values()}
    assert kept == {b"mine", b"saved", b"old"}


def test_what_cannot_be_kept_at_the_last_moment_stands_there_again(
    share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(share, "day-000000-deleted/me/a", b"old")
    write(share, "me/a", b"mine")
    at("after_kept", lambda: write(share, "me/a", b"saved since"))

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(keeping, "rename_to_free", full)
    ((path, _),) = restored(share, "me/a").failed
    assert path == "me/a"
    assert shared(share) == {"me/a": b"saved since"}


def test_a_program_that_puts_it_there_again_and_again_wins(
    share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(share, "day-000000-deleted/me/a", b"old")
    number = iter(range(100))
    write(share, "me/a", b"first")
    monkeypatch.setattr(module, "change_places", lambda *_: False)
    at("after_moved_away", lambda: write(share, "me/a", b"again %d" % next(number)), 99)
    ((_, reason),) = restored(share, "me/a").failed
    assert "again and again" in reason
    assert (shared(share)["me/a"] or b"").startswith(b"again")
    assert b"first" in trash(share).values()


def test_what_goes_at_the_last_moment_is_no_trouble(
    share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(share, "day-000000-deleted/me/a", b"old")
    write(share, "me/a", b"mine")
    real = stat_at

    def gone(folder: int, name: str) -> os.stat_result | None:
        os.unlink(name, dir_fd=folder)
        return real(folder, name)

    monkeypatch.setattr(module, "stat_at", gone)
    assert restored(share, "me/a").kept == ()
    assert shared(share) == {"me/a": b"old"}


def test_a_version_that_changes_while_it_is_copied_is_not_restored(
    share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = put(share, "day-000000-deleted/me/a", b"old")
    real = copy_content

    def copy(source: int, target: int) -> None:
        real(source, target)
        kept.chmod(0o644)
        kept.write_bytes(b"changed")

    monkeypatch.setattr(module, "copy_content", copy)
    ((_, reason),) = restored(share, "me/a").failed
    assert "changed" in reason
    assert shared(share) == {}


def test_where_there_are_no_links_it_comes_all_the_same(
    share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(share, "day-000000-deleted/me/a", b"old")
    put(share, "day-000000-deleted/me/b", b"old")
    write(share, "me/b", b"mine")

    def no_links(*_: Any, **__: Any) -> None:
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", no_links)
    assert restored(share, "me/a", "me/b").added == ("a", "b")
    assert shared(share) == {"me/a": b"old", "me/b": b"old"}
    assert trash(share)["day-000000-replaced/me/b"] == b"mine"


def test_where_there_are_no_links_what_appears_at_the_last_moment_stays(
    share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(share, "day-000000-deleted/ann/a", b"old")

    def no_links(*_: Any, **__: Any) -> None:
        write(share, "me/Restored from ann/a", b"mine")
        raise OSError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", no_links)
    assert restored(share, "ann/a").added == ("Restored from ann/a (2)",)
    assert shared(share)["me/Restored from ann/a"] == b"mine"


def test_on_another_disk_in_the_own_folder_nothing_is_left_behind(
    share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(share, "day-000000-deleted/me/disk/a", b"old")

    def another_disk(*_: Any, **__: Any) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    for call in ("link", "rename"):
        monkeypatch.setattr(os, call, another_disk)
    monkeypatch.setattr(module, "rename_to_free", another_disk, raising=False)
    assert restored(share, "me/disk/a").failed == (("me/disk/a", str(Hindrance.OTHER_DISK)),)
    assert shared(share) == {}  # no empty file, which would be shared


def test_a_disk_that_is_full_says_so_and_what_stood_there_stays(
    share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(share, "day-000000-deleted/me/a", b"old")
    write(share, "me/a", b"mine")

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(module, "copy_content", full)
    assert restored(share, "me/a").failed == (("me/a", str(Hindrance.SPACE)),)
    assert shared(share) == {"me/a": b"mine"}


def test_a_link_that_fails_after_the_move_says_where_what_stood_there_is(
    share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(share, "day-000000-deleted/me/a", b"old")
    write(share, "me/a", b"mine")
    real, tried = os.link, []

    def link(*names: Any, **folders: Any) -> None:
        tried.append(names)
        if len(tried) > 2:
            raise OSError(errno.EIO, "broken")
        real(*names, **folders)

    monkeypatch.setattr(os, "link", link)
    monkeypatch.setattr(module, "change_places", lambda *_: False)
    ((path, reason),) = restored(share, "me/a").failed
    assert (path, reason) == ("me/a", "what stood there is in the trash, and: input/output error")
    assert trash(share)["day-000000-replaced/me/a"] == b"mine"


@pytest.mark.parametrize("place", ["trash/day-000000-replaced/me", "Shared/me"])
def test_what_is_not_durable_is_told(
    share: Share, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    put(share, "day-000000-deleted/me/a", b"old")
    write(share, "me/a", b"mine")
    real = os.fsync

    def fsync(descriptor: int) -> None:
        if os.readlink(f"/proc/self/fd/{descriptor}").endswith(place):
            raise OSError(errno.EIO, "broken")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    assert "input/output error" in str(restored(share, "me/a").failed)
