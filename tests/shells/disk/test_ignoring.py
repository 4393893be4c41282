"""What a walk leaves out, with real files: when the file is read, how, and what that does to looks
and scans.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from potluck.core.content.facts import Finding
from potluck.core.content.ignore_rules import IGNORE_MAX_BYTES
from potluck.core.content.paths import SafePath, parse_wire_path
from potluck.engine.effects import Look, Scan
from potluck.engine.events import OrderId, TreeSeen
from potluck.engine.folder_facts import IgnoreFileSeen
from potluck.shells.disk.fsops import Share
from potluck.shells.disk.ignoring import Ignoring
from potluck.shells.disk.scanner import look_at, scan

ORDER = OrderId(7)
ME = parse_wire_path(b"me")


def at(path: str) -> SafePath:
    return parse_wire_path(path.encode())


def says(own: Path, text: str) -> tuple[bytes, ...]:
    (own / ".potluckignore").write_text(text)
    return (text.encode(),)


def make(own: Path, *paths: str) -> None:
    for path in paths:
        (own / path).parent.mkdir(parents=True, exist_ok=True)
        if path.endswith("/"):
            (own / path).mkdir(exist_ok=True)
        else:
            (own / path).write_text(path)


def scanned(share: Share, *rules: bytes) -> list[TreeSeen]:
    return list(scan(share, Scan(ORDER, (ME,), rules=rules)))


def looked(share: Share, rules: tuple[bytes, ...], *paths: str) -> list[TreeSeen]:
    return list(look_at(share, Look(ORDER, tuple(map(at, paths)), rules=rules)))


def seen(pages: list[TreeSeen]) -> list[str]:
    return [str(each.path).removeprefix("me/") for page in pages for each in page.seen[:]]


def left_out(pages: list[TreeSeen]) -> list[str]:
    return sorted(str(path) for page in pages for path in page.ignored)


def test_without_a_file_a_walk_says_nothing_of_it(share: Share, own: Path) -> None:
    make(own, "a")
    (page,) = scanned(share)
    assert (page.ignore_file, page.ignored, page.complete) == (None, (), True)


def test_a_scan_leaves_out_what_the_rules_ignore_and_does_not_go_into_it(
    share: Share, own: Path
) -> None:
    make(own, "a", "a.tmp", "build/x/y", "src/build/z", "src/keep.tmp", "Build", "two words/q")
    os.mkfifo(own / "pipe.tmp")
    rules = says(own, "*.tmp\n!keep.tmp\nbuild/\ntwo words/**\n")

    pages = scanned(share, *rules)

    assert sorted(seen(pages)) == [
        ".potluckignore", "Build", "a", "me", "src", "src/keep.tmp", "two words",
    ]  # fmt: skip
    assert left_out(pages) == [
        "me/a.tmp", "me/build", "me/pipe.tmp", "me/src/build", "me/two words/q",
    ]  # fmt: skip
    assert pages[0].ignore_file == IgnoreFileSeen(rules[0])
    assert all(page.ignore_file is None for page in pages[1:])
    assert pages[-1].complete
    assert not any(page.refused for page in pages), "a pipe that is left out is no news"


def test_a_name_that_would_be_refused_is_left_out_in_silence(share: Share, own: Path) -> None:
    for name in (b"\xff.tmp", b"a\nb.tmp", b"back\\slash.tmp", b"\xff.txt"):
        with open(os.path.join(os.fsencode(own), name), "wb"):
            pass
    pages = scanned(share, *says(own, "*.tmp\n"))
    assert [one.name for page in pages for one in page.refused] == ["\\xff.txt"]
    assert left_out(pages) == []


def test_a_look_gives_no_answer_for_what_is_left_out_or_lies_below_it(
    share: Share, own: Path
) -> None:
    make(own, "a.tmp", "build/x/y", "b", "deep/build/z")
    rules = says(own, "*.tmp\nbuild/\n")

    pages = looked(
        share, rules, "me/a.tmp", "me/build/x/y", "me/build", "me/b", "me/gone", "me/gone.tmp"
    )

    assert sorted(seen(pages)) == ["b", "gone", "gone.tmp"]
    assert left_out(pages) == ["me/a.tmp", "me/build", "me/build"]
    gone = [each for page in pages for each in page.seen if each.finding is Finding.MISSING]
    assert [str(each.path) for each in gone] == ["me/gone", "me/gone.tmp"]
    assert seen(looked(share, rules, "me/deep")) == ["deep"]
    assert left_out(looked(share, rules, "me/deep/build/z")) == ["me/deep/build"]


def test_what_the_file_says_new_is_told_and_nothing_is_looked_at(share: Share, own: Path) -> None:
    make(own, "a", "a.tmp")
    (new,) = says(own, "*.tmp\n")
    for rules in ((), (b"",), (b"*.old\n",), (b"*.old\n", new)):
        (page,) = scanned(share, *rules)
        assert page == TreeSeen(
            ORDER, (), (), last=True, complete=False, ignore_file=IgnoreFileSeen(new)
        )
    (own / ".potluckignore").unlink()
    (page,) = looked(share, (new,), "me/a")
    assert (page.seen, page.ignore_file) == ((), IgnoreFileSeen(b""))


def test_each_of_several_texts_counts(share: Share, own: Path) -> None:
    make(own, "a", "a.new", "a.old")
    (new,) = says(own, "*.new\n!a.old\n")
    assert left_out(scanned(share, new, b"*.old\n")) == ["me/a.new", "me/a.old"]


def test_lines_that_are_not_understood_are_told_by_number(share: Share, own: Path) -> None:
    (own / ".potluckignore").write_bytes(text := b"*.tmp\n\xff\n!\n")
    ignoring = Ignoring(share, ME, (text,))
    faults = ("line 2: not UTF-8", "line 3: a pattern without a name")
    assert (ignoring.seen, ignoring.changed) == (IgnoreFileSeen(text, faults), False)
    assert repr(ignoring) == "<Ignoring changed=False 1 rules>"


def as_link(file: Path) -> str:
    (file.parent / "elsewhere").write_text("*\n")
    file.symlink_to("elsewhere")
    return "it is a symbolic link"


def as_folder(file: Path) -> str:
    file.mkdir()
    return "it is a folder"


def as_pipe(file: Path) -> str:
    os.mkfifo(file)
    return "it is a named pipe"


def as_too_large(file: Path) -> str:
    file.write_text("#" * (IGNORE_MAX_BYTES + 1))
    return "it is larger than 64 KiB"


@pytest.mark.parametrize("odd", [as_link, as_folder, as_pipe, as_too_large])
def test_while_it_cannot_be_read_the_rules_before_count(share: Share, own: Path, odd) -> None:
    make(own, "a", "a.tmp")
    why = odd(own / ".potluckignore")
    pages = scanned(share, b"*.tmp\n")
    assert left_out(pages) == ["me/a.tmp"]
    assert "a" in seen(pages)
    assert pages[0].ignore_file == IgnoreFileSeen(None, (why,))


def test_one_that_may_not_be_read_changes_nothing(
    share: Share, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(folder: int, name: str) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("potluck.shells.disk.ignoring.open_regular", refuses)
    make(own, "a.tmp")
    pages = scanned(share, b"*.tmp\n")
    assert left_out(pages) == ["me/a.tmp"]
    assert pages[0].ignore_file == IgnoreFileSeen(None, ("Permission denied",))


def test_without_the_own_folder_nobody_says_that_there_are_no_rules(
    share: Share, own: Path
) -> None:
    shutil.rmtree(own)
    (page,) = looked(share, (b"*\n",), "me/a")
    assert page.ignore_file == IgnoreFileSeen(None, ("No such file or directory",))


def test_one_of_exactly_the_largest_size_is_read(share: Share, own: Path) -> None:
    text = b"#" * (IGNORE_MAX_BYTES - 2) + b"\n*"
    (own / ".potluckignore").write_bytes(text)
    assert Ignoring(share, ME, (text,)).seen == IgnoreFileSeen(text)


def test_in_somebody_elses_folder_nothing_is_left_out(share: Share, own: Path) -> None:
    make(own, "a.tmp")
    says(own, "*\n")
    (page,) = scan(share, Scan(ORDER, (ME,), own=False))
    assert (page.ignore_file, page.ignored) == (None, ())
    assert sorted(seen([page])) == [".potluckignore", "a.tmp", "me"]
