"""The walk against a real tree: order, pages, what is refused, what cannot be read, what is
missing.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from potluck.core import limits
from potluck.core.content.facts import Finding, ReadFault, Stat
from potluck.core.content.name_limits import CaseFolding, NameLimits
from potluck.core.content.paths import NOT_UTF_8, SafePath, parse_wire_path
from potluck.engine.effects import Look, Scan
from potluck.engine.events import NameRefused, OrderId, PathSeen, TreeSeen
from potluck.shells.disk import scanner
from potluck.shells.disk.fsops import Share, enter, stat_at
from potluck.shells.disk.scanner import look_at, scan

ORDER = OrderId(7)
ME = parse_wire_path(b"me")


def at(path: str) -> SafePath:
    return parse_wire_path(path.encode())


def scanned(share: Share, *tops: SafePath) -> list[TreeSeen]:
    return list(scan(share, Scan(ORDER, tops or (ME,))))


def looked(share: Share, *paths: str) -> list[TreeSeen]:
    return list(look_at(share, Look(ORDER, tuple(at(path) for path in paths))))


def findings(pages: list[TreeSeen]) -> dict[str, Finding]:
    return {str(seen.path): seen.finding for page in pages for seen in page.seen}


def refused(pages: list[TreeSeen]) -> set[NameRefused]:
    return {one for page in pages for one in page.refused}


def closed(pages: list[TreeSeen]) -> list[str]:
    return [str(each.path) for page in pages for each in page.unreadable]


def unsearchable(
    real: Callable[[int, str], os.stat_result | None], *names: str
) -> Callable[[int, str], os.stat_result | None]:
    """Have the stat of these names fail, as it does in a folder without its x bit."""

    def guarded(folder: int, name: str) -> os.stat_result | None:
        if name in names:
            raise PermissionError(13, "Permission denied")
        return real(folder, name)

    return guarded


def deny(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Make folders unreadable, also for root, who may run these tests."""

    def guarded(folder: int, name: str, *, create: bool = False, mode: int = 0o755) -> int:
        if name in names:
            raise PermissionError(13, "Permission denied")
        return enter(folder, name, create=create, mode=mode)

    monkeypatch.setattr(scanner, "enter", guarded)
    monkeypatch.setattr("potluck.shells.disk.fsops.enter", guarded)


# -- scanning --------------------------------------------------------------------------------------
def test_an_empty_top_is_seen_and_complete(share: Share) -> None:
    assert scanned(share) == [
        TreeSeen(ORDER, (PathSeen(ME, Finding.FOLDER, None),), (), last=True, complete=True)
    ]


def test_a_file_is_seen_with_its_stat(share: Share, own: Path) -> None:
    (own / "run.sh").write_bytes(b"12345")
    (own / "run.sh").chmod(0o755)
    os.utime(own / "run.sh", ns=(1, 1_234_567_890_123_456_789))
    found = (own / "run.sh").stat()
    stat = Stat(5, 1_234_567_890_123_456_789, found.st_ctime_ns, found.st_ino, executable=True)
    assert scanned(share)[0].seen[1] == PathSeen(at("me/run.sh"), Finding.FILE, stat)


def test_parents_come_before_children_and_everything_comes_once(share: Share, own: Path) -> None:
    for folder in ("a/b/c", "a-b", "d"):
        (own / folder).mkdir(parents=True)
        (own / folder / "file").touch()
    paths = [seen.path for page in scanned(share) for seen in page.seen]
    assert len(paths) == len(set(paths)) == 1 + 5 + 3
    for number, path in enumerate(paths[1:], 1):
        assert path.parent in paths[:number]


def test_pages_are_bounded_and_only_the_last_one_is_last(share: Share, own: Path) -> None:
    for number in range(2 * limits.PAGE_RECORDS + 5):
        (own / f"{number}").touch()
    pages = scanned(share)
    assert [page.last for page in pages] == [False, False, True]
    assert [len(page.seen) for page in pages] == [1000, 1000, 6]
    assert pages[-1].complete


def test_refused_names_fill_pages_too(
    share: Share, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "PAGE_RECORDS", 10)
    for number in range(25):
        (own / f"bad\n{number}").touch()
    assert [len(page.seen) + len(page.refused) for page in scanned(share)] == [10, 10, 6]


def test_several_tops_are_walked(share: Share, own: Path) -> None:
    (own.parent / "you").mkdir()
    (own.parent / "you/file").touch()
    (own.parent / "third").mkdir()
    assert findings(scanned(share, ME, at("you"))) == {
        "me": Finding.FOLDER,
        "you": Finding.FOLDER,
        "you/file": Finding.FILE,
    }


def test_a_top_that_is_not_there_is_missing(share: Share) -> None:
    pages = scanned(share, at("nobody"))
    assert findings(pages) == {"nobody": Finding.MISSING}
    assert pages[-1].complete


@pytest.mark.parametrize(
    ("name", "shown", "reason"),
    [
        (b"two\nlines", r"two\x0alines", "control character"),
        (b"\x1b[31mred", r"\x1b[31mred", "control character"),
        (b"back\\slash", r"back\slash", "backslash"),
        ("txt\u202egpj.exe".encode(), r"txt\u202egpj.exe", "bidi control"),
        ("zero\u200bwidth".encode(), r"zero\u200bwidth", "zero-width character"),
        (b"latin-\xe9", r"latin-\xe9", NOT_UTF_8),
        (b".Potluck", ".Potluck", "reserved name"),
    ],
)
def test_an_unsafe_name_is_reported_escaped(
    share: Share, own: Path, name: bytes, shown: str, reason: str
) -> None:
    with open(os.fsencode(own) + b"/" + name, "wb"):
        pass
    pages = scanned(share)
    assert refused(pages) == {NameRefused(ME, shown, reason)}
    assert findings(pages) == {"me": Finding.FOLDER}
    assert pages[-1].complete


def test_an_unsafe_folder_is_not_entered(share: Share, own: Path) -> None:
    (own / "bad\x07").mkdir()
    (own / "bad\x07/file").touch()
    pages = scanned(share)
    assert findings(pages) == {"me": Finding.FOLDER}
    assert len(refused(pages)) == 1


def test_too_deep_is_refused_and_not_entered(
    share: Share, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (own / "1/2/3/4/5").mkdir(parents=True)
    with monkeypatch.context() as patch:
        patch.setattr(limits, "PATH_DEPTH", 3)  # counted below the label
        pages = scanned(share)
    assert refused(pages) == {NameRefused(at("me/1/2/3"), "4", "too deep")}
    assert "me/1/2/3" in findings(pages)


def test_what_is_no_file_is_reported_and_never_opened(
    share: Share, own: Path, tmp_path: Path
) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret/key").touch()
    (own / "link").symlink_to(tmp_path / "secret")
    (own / "dangling").symlink_to("nowhere")
    os.mkfifo(own / "pipe")
    folder = os.open(own, os.O_RDONLY)
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(f"/proc/self/fd/{folder}/door")
    os.close(folder)
    pages = scanned(share)
    assert refused(pages) == {
        NameRefused(ME, "link", "symbolic link", no_file=True),
        NameRefused(ME, "dangling", "symbolic link", no_file=True),
        NameRefused(ME, "pipe", "named pipe", no_file=True),
        NameRefused(ME, "door", "socket", no_file=True),
    }
    assert findings(pages) == {"me": Finding.FOLDER}


def test_a_top_that_is_a_link_is_not_followed(share: Share, own: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/file").touch()
    (own.parent / "evil").symlink_to(tmp_path / "elsewhere")
    assert findings(scanned(share, at("evil"))) == {}
    assert findings(looked(share, "evil/file")) == {"evil/file": Finding.MISSING}


def test_a_folder_that_cannot_be_read_makes_the_walk_incomplete(
    share: Share, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (own / "closed").mkdir()
    (own / "closed/file").touch()
    (own / "open").mkdir()
    (own / "open/file").touch()
    deny(monkeypatch, "closed")
    pages = scanned(share)
    assert findings(pages) == {
        "me": Finding.FOLDER,
        "me/closed": Finding.FOLDER,
        "me/open": Finding.FOLDER,
        "me/open/file": Finding.FILE,
    }
    assert not pages[-1].complete
    assert closed(pages) == ["me/closed"]


def test_what_stops_us_is_named_once_whatever_is_asked_for_below_it(
    share: Share, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (own / "a/closed/deep").mkdir(parents=True)
    (own / "a/file").touch()
    deny(monkeypatch, "closed")
    pages = looked(share, "me/a/closed/deep/x", "me/a/closed/y", "me/a/closed", "me/a/file")
    assert closed(pages) == ["me/a/closed"]
    assert findings(pages) == {"me/a/closed": Finding.FOLDER, "me/a/file": Finding.FILE}


def test_a_folder_that_may_be_listed_and_not_searched_is_what_cannot_be_read(
    share: Share, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (own / "listed/inner").mkdir(parents=True)
    monkeypatch.setattr(scanner, "stat_at", unsearchable(stat_at, "inner"))
    deny(monkeypatch, "inner")
    assert closed(scanned(share)) == ["me/listed"]


def test_a_disk_that_fails_inside_a_folder_blames_nothing_round_it(
    share: Share, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (own / "listed/disk").mkdir(parents=True)

    def stale(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(folder: int, name: str, **more: Any) -> Any:
            if name == "disk":
                raise OSError(errno.ESTALE, "Stale file handle")
            return real(folder, name, **more)

        return call

    monkeypatch.setattr(scanner, "stat_at", stale(stat_at))
    monkeypatch.setattr(scanner, "enter", stale(enter))
    assert closed(scanned(share)) == ["me/listed/disk"]


def test_a_file_that_may_not_be_looked_at_blames_its_folder(
    share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    listing(monkeypatch, PermissionError(13, "Permission denied"))
    pages = scanned(share)
    assert closed(pages) == ["me"]
    assert pages[-1].unreadable[0].fault is ReadFault.PERMISSION


def test_a_look_when_nothing_can_be_opened_blames_the_outermost_folder(
    share: Share, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (own / "a").mkdir()
    opened = share.open_folder

    def out_of_descriptors(path: SafePath | None) -> int:
        if path is not None:
            raise OSError(errno.EMFILE, "Too many open files")
        return opened(None)

    monkeypatch.setattr(share, "open_folder", out_of_descriptors)
    (page,) = looked(share, "me/a/x")
    (only,) = page.unreadable
    assert (only.path, only.fault) == (ME, ReadFault.DESCRIPTORS)


def test_a_file_beyond_every_size_is_refused(
    share: Share, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "FILE_MAX_BYTES", 5)
    (own / "huge").write_bytes(b"123456")
    (own / "large").write_bytes(b"12345")
    assert refused(scanned(share)) == {NameRefused(ME, "huge", "larger than 1 PiB")}


def test_what_was_in_a_folder_that_vanishes_is_not_there(
    share: Share, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (own / "going").mkdir()

    def too_late(folder: int, name: str) -> int:
        if name == "going":
            (own / "going").rmdir()
        return enter(folder, name)

    monkeypatch.setattr(scanner, "enter", too_late)
    (page,) = scanned(share)
    assert (page.complete, page.unreadable) == (True, ())


def test_a_folder_swapped_for_a_link_is_not_followed(
    share: Share, own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (own / "swapped").mkdir()
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret/key").touch()

    def raced(folder: int, name: str) -> int:
        if name == "swapped":
            (own / "swapped").rmdir()
            (own / "swapped").symlink_to(tmp_path / "secret")
        return enter(folder, name)

    monkeypatch.setattr(scanner, "enter", raced)
    pages = scanned(share)
    assert "me/swapped/key" not in findings(pages)
    assert pages[-1].complete


class Entry:
    """A directory entry whose stat fails."""

    name = "file"

    def __init__(self, error: OSError) -> None:
        self._error = error

    def is_dir(self, *, follow_symlinks: bool) -> bool:
        assert not follow_symlinks
        return False

    def stat(self, *, follow_symlinks: bool) -> os.stat_result:
        assert not follow_symlinks
        raise self._error


def listing(monkeypatch: pytest.MonkeyPatch, error: OSError) -> None:
    """Have every folder hold one file whose stat fails."""

    class Listing:
        def __enter__(self) -> Iterator[Entry]:
            return iter([Entry(error)])

        def __exit__(self, *_exc: object) -> None:
            pass

    monkeypatch.setattr(os, "scandir", lambda _descriptor: Listing())


@pytest.mark.parametrize(
    ("error", "complete"),
    [(FileNotFoundError(2, "gone"), True), (OSError(5, "Input/output error"), False)],
)
def test_a_file_gone_since_it_was_listed_is_not_there_but_a_bad_disk_is_no_delete(
    share: Share, monkeypatch: pytest.MonkeyPatch, error: OSError, complete: bool
) -> None:
    listing(monkeypatch, error)
    pages = scanned(share)
    assert findings(pages) == {"me": Finding.FOLDER}
    assert pages[-1].complete is complete


def test_listing_that_fails_makes_the_walk_incomplete(
    share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(_descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "scandir", failing)
    assert not scanned(share)[-1].complete


def test_no_descriptor_is_left_open_even_when_the_walk_is_given_up(share: Share, own: Path) -> None:
    for number in range(1500):
        (own / f"{number}").touch()
    before = len(os.listdir("/proc/self/fd"))
    scanned(share)
    walk = scan(share, Scan(ORDER, (ME,)))
    next(walk)
    walk.close()  # type: ignore[attr-defined]
    assert len(os.listdir("/proc/self/fd")) == before


# -- looking ---------------------------------------------------------------------------------------
def test_a_look_at_a_file_sees_only_that_file(share: Share, own: Path) -> None:
    (own / "one").touch()
    (own / "two").touch()
    pages = looked(share, "me/one")
    assert findings(pages) == {"me/one": Finding.FILE}
    assert len(pages) == 1
    assert pages[0].last
    assert pages[0].complete


def test_a_look_at_a_folder_sees_everything_below_once(share: Share, own: Path) -> None:
    (own / "a/b").mkdir(parents=True)
    (own / "a/b/file").touch()
    (own / "a-b").touch()
    pages = looked(share, "me/a/b/file", "me/a", "me/a-b", "me/a", "me/a/b")
    paths = [str(seen.path) for page in pages for seen in page.seen]
    assert sorted(paths) == ["me/a", "me/a-b", "me/a/b", "me/a/b/file"]


def test_what_is_not_there_is_missing_also_without_its_folder(share: Share, own: Path) -> None:
    (own / "file").touch()
    assert findings(looked(share, "me/gone", "me/no/such/folder", "me/file/below", "no label")) == {
        "me/gone": Finding.MISSING,
        "me/no/such/folder": Finding.MISSING,
        "me/file/below": Finding.MISSING,
        "no label": Finding.MISSING,
    }


def test_a_path_below_a_looked_at_file_is_missing(share: Share, own: Path) -> None:
    (own / "was-folder").touch()
    assert findings(looked(share, "me/was-folder", "me/was-folder/file")) == {
        "me/was-folder": Finding.FILE,
        "me/was-folder/file": Finding.MISSING,
    }


def test_below_an_unreadable_folder_nothing_is_missing(
    share: Share, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (own / "closed").mkdir()
    (own / "file").touch()
    deny(monkeypatch, "closed")
    pages = looked(share, "me/closed/gone", "me/file")
    assert findings(pages) == {"me/file": Finding.FILE}
    assert not pages[-1].complete


def test_a_stat_that_fails_is_not_a_missing_file(
    share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.stat

    def failing(name: str, **how: object) -> os.stat_result:
        if name == "sick":
            raise OSError(5, "Input/output error")
        return real(name, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "stat", failing)
    pages = looked(share, "me/sick")
    assert findings(pages) == {}
    assert not pages[-1].complete


def test_without_shared_itself_nothing_is_missing(
    share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(path: SafePath | None) -> int:
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(share, "open_folder", absent)
    assert looked(share, "me/file") == [TreeSeen(ORDER, (), (), last=True, complete=False)]


def test_a_look_at_a_link_refuses_it(share: Share, own: Path) -> None:
    (own / "link").symlink_to("me")
    pages = looked(share, "me/link")
    assert findings(pages) == {}
    assert refused(pages) == {NameRefused(ME, "link", "symbolic link", no_file=True)}


def test_many_looked_at_paths_come_in_pages(share: Share) -> None:
    paths = [f"me/{number}" for number in range(limits.PAGE_RECORDS + 1)]
    assert [len(page.seen) for page in looked(share, *paths)] == [limits.PAGE_RECORDS, 1]


# -- names left out --------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "name",
    [
        ".~lock.letter.odt#", "~$report.docx", ".notes.txt.swp", ".notes.txt.swx", ".#main.c",
        "main.c~", ".DS_Store", "Thumbs.db", "desktop.ini", "film.part.potluck",
        ".goutputstream-X1", ".nfs0000123",
    ],
)  # fmt: skip
def test_editor_files_are_left_out_silently(share: Share, own: Path, name: str) -> None:
    (own / name).touch()
    pages = [*scanned(share), *looked(share, f"me/{name}", f"me/{name}/below")]
    assert findings(pages) == {"me": Finding.FOLDER, f"me/{name}/below": Finding.MISSING}
    assert refused(pages) == set()
    assert all(page.complete for page in pages)


@pytest.mark.parametrize("name", ["old~", "my.swp", "desktop.ini", ".#x", "x.part.potluck"])
def test_folders_with_the_names_of_editors_files_are_shared(
    share: Share, own: Path, name: str
) -> None:
    (own / name).mkdir()
    (own / name / "thesis.doc").touch()
    inside = {f"me/{name}": Finding.FOLDER, f"me/{name}/thesis.doc": Finding.FILE}
    assert findings(scanned(share)) == {"me": Finding.FOLDER, **inside}
    assert findings(looked(share, f"me/{name}")) == inside
    (own / name / "thesis.doc").unlink()
    (own / name).rmdir()
    assert findings(looked(share, f"me/{name}")) == {f"me/{name}": Finding.MISSING}


# -- a file system that takes some names for one ---------------------------------------------------
def test_what_stands_under_another_spelling_is_not_what_was_asked_for(share, monkeypatch) -> None:
    def found_by_key(folder: int, name: str) -> os.stat_result | None:
        names = (each for each in os.listdir(folder) if each.casefold() == name.casefold())
        return next((stat_at(folder, each) for each in names), None)

    share.names = NameLimits(CaseFolding.ALL)
    monkeypatch.setattr(scanner, "stat_at", found_by_key)
    for folder in ("a", "B/c"):
        os.makedirs(Path(share.folder, "Shared", "me", folder))
    asked = findings(looked(share, "me/A", "me/a", "me/b/c", "me/B/c"))
    missing, there = Finding.MISSING, Finding.FOLDER
    assert asked == {"me/A": missing, "me/a": there, "me/b/c": missing, "me/B/c": there}
