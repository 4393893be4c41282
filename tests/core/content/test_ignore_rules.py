"""Ignore rules: each case was compared with git, which says what such a file means."""

from __future__ import annotations

import pytest

from potluck.core.content.ignore_rules import (
    STARS_MAX,
    IgnoreFault,
    IgnoreRules,
    deciding_line,
    parse_rules,
)


def shared(text: str, *paths: str) -> list[str]:
    """Return which of these paths a walk would share; a folder ends in a slash."""
    rules = parse_rules(text.encode())
    assert rules.faults == ()
    return [path for path in paths if not left_out(rules, path)]


def left_out(rules: IgnoreRules, path: str) -> bool:
    parts = path.removesuffix("/").split("/")
    for depth, name in enumerate(parts):
        is_folder = depth < len(parts) - 1 or path.endswith("/")
        if rules.ignores("/".join(parts[:depth]), name, is_folder=is_folder):
            return True
    return False


@pytest.mark.parametrize(
    ("text", "ignored", "kept"),
    [
        ("", [], ["a", "a/b"]),
        ("# a\n\n   \n", [], ["a", "# a"]),
        ("*.tmp", ["a.tmp", "x/a.tmp", "x.tmp/a", ".tmp"], ["a.tmp2", "a.TMP", "tmp"]),
        ("build/", ["build/", "x/build/", "build/a"], ["build", "x/build"]),
        ("build", ["build", "build/", "x/build/y"], ["builds", "rebuild", "Build"]),
        ("*.d/", ["a.d/", "x/a.d/y"], ["a.d"]),
        ("/build", ["build", "build/a"], ["x/build"]),
        ("a/b", ["a/b", "a/b/c"], ["x/a/b", "a", "a/bb"]),
        ("a/*", ["a/x", "a/x/y"], ["a/", "a"]),
        ("a/**", ["a/x", "a/x/y"], ["a/", "b/a/x"]),
        ("a/**/**", ["a/x/y"], ["a/"]),
        ("**/a", ["a", "x/y/a"], ["b"]),
        ("**/a*/**/b*", ["a/b", "x/ay/z/bc"], ["b"]),
        ("/**/a", ["a", "x/y/a"], ["b"]),
        ("/**/**", ["a", "x/y/a"], []),
        ("a/**/b", ["a/b", "a/x/y/b"], ["b", "a/"]),
        ("*", ["a", "a/"], []),
        ("*/", ["a/", "x/y"], ["a"]),
        ("/*", ["a", "x/y"], []),
        ("fo*o", ["foo", "foxo"], ["fo", "fo/o"]),
        ("*a*a*b", ["aab", "xayaazb", "abaab"], ["ab", "aabc"]),
        ("*a?c*d", ["abcd", "acabccd"], ["acd"]),
        ("a*/b", ["a/b", "ax/b"], ["b", "a/c"]),
        ("?", ["a", "x/b", "é"], ["ab"]),
        ("[ab]c", ["ac", "bc"], ["cc"]),
        ("x[!a]y", ["xby"], ["xay", "x/y"]),
        ("x***y", ["xy", "xaby"], ["x/y"]),
        ("two words", ["two words"], ["two"]),
        ("blank  ", ["blank"], ["blank  "]),
        ("blank\\  ", ["blank "], ["blank", "blank  "]),
        ("\\#a", ["#a"], ["a"]),
        ("\\!a", ["!a"], ["a"]),
        ("a\r\nb\r\n", ["a", "b"], ["a\r"]),
        ("\ufeffa", ["a"], []),
        ("*.log\n!keep.log", ["a.log"], ["keep.log", "x/keep.log"]),
        ("!keep.log\n*.log", ["keep.log"], []),
        ("a/\n!a/b", ["a/b"], []),  # nothing comes back below a folder that is ignored
        ("/*\n!/a/", ["b", "b/"], ["a/", "a/c"]),
        ("build/\n!src/", ["src/build/"], ["src/", "src/a"]),  # pathspec itself keeps src/build
        ("*\n!!a", ["a"], ["!a"]),
        ("*.a\n!x.a\n*.b\n!x.b", ["y.a", "y.b"], ["x.a", "x.b"]),
        ("*.a\n[x]y\nq/r", ["z.a", "xy", "q/r"], ["q/s"]),
    ],
)
def test_means_what_it_means_to_git(text: str, ignored: list[str], kept: list[str]) -> None:
    assert shared(text, *ignored, *kept) == kept


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        (b"\xff", "not UTF-8"),
        (b"a\x00", "not UTF-8"),
        (b"!", "a pattern without a name"),
        (b"/", "a pattern without a name"),
        (b"a\\", "a backslash at its end"),
        (b"[a", "an open bracket without its end"),
        (b"[z-a]", "a range of letters that runs backwards"),
        (b"[[:alpha:]]", "a class of letters that is not understood"),
        (b"*a" * (STARS_MAX + 1), f"more than {STARS_MAX} stars in a pattern"),
    ],
)
def test_a_line_that_is_not_understood_is_named_and_the_others_count(
    line: bytes, cause: str
) -> None:
    rules = parse_rules(b"a\n" + line + b"\nb")

    assert rules.faults == (IgnoreFault(2, cause),)
    assert [left_out(rules, name) for name in "abc"] == [True, True, False]


def test_a_name_that_is_no_text_is_compared_as_well() -> None:
    assert left_out(parse_rules(b"*.tmp"), "\udcff.tmp")
    assert left_out(parse_rules(b"?.t[m]p"), "\n.tmp")


def test_the_same_text_is_parsed_once() -> None:
    assert parse_rules(b"*.once") is parse_rules(b"*.once")


@pytest.mark.parametrize(
    ("folder", "name", "is_folder", "line"),
    [
        ("", "a.tmp", False, (6, "*.tmp")),
        ("b", "keep.tmp", False, (7, "!keep.tmp")),
        ("b", "x[y", False, (0, "")),
        ("", "build", True, (3, "build/")),
        ("", "build", False, (0, "")),
        ("doc", "x", False, (9, "/doc/?")),
        ("doc", "first", False, (1, "first")),
    ],
)
def test_the_line_that_decides_is_the_last_that_fits(
    folder: str, name: str, is_folder: bool, line: tuple[int, str]
) -> None:
    text = b"\xef\xbb\xbffirst\n# build\nbuild/\n*.tmp\n[\n*.tmp \r\n!keep.tmp\n\n/doc/?\n"
    assert deciding_line(text, folder, name, is_folder=is_folder) == line
    assert parse_rules(text).ignores(folder, name, is_folder=is_folder) is (
        bool(line[0]) and not line[1].startswith("!")
    )
