"""Wording: what stands in a sentence, read as a person does.

Strategy: examples at the edges of each unit.
"""

from __future__ import annotations

import ast
import re
import shlex
from itertools import pairwise
from pathlib import Path

import pytest

import potluck
from potluck.core.wording import (
    lack_words,
    listed,
    of_amount,
    of_size,
    of_time,
    plural,
    set_off,
    typable,
)

SOURCES = Path(potluck.__file__).parent
BEFORE_A_NAME = re.compile(
    r"(?:^ ?|: )(?:approve|deny|remove|forget|adopt|confirm|admin add|rename device|ls) $"
)


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ([], ""),
        (["a"], "a"),
        (["a", "b"], "a and b"),
        (["a", "b", "c"], "a, b and c"),
        (["a", "b", "c", "d"], "a, b, c and 1 more"),
        (["a", "b", "a"], "a and b"),
    ],
)
def test_names_are_listed_once_and_the_others_counted(names, said):
    assert listed(names) == said


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("a", "a"),
        ("laptop/photos/été.jpg", "laptop/photos/été.jpg"),
        ("it's-me_2~+#@.tar.gz", "it's-me_2~+#@.tar.gz"),
        ("andy", "andy"),
        ("And", "“And”"),
        ("more", "“more”"),
        ("my notes", "“my notes”"),
        ("a\u00a0b", "“a\u00a0b”"),
        ("a (kept 30 days in the trash)", "“a (kept 30 days in the trash)”"),
        ("one,two", "“one,two”"),
        ("a→b", "“a→b”"),
        ("a” (2 GB), “b", r"“a\u201d (2 GB), \u201cb”"),
        ("", "“”"),
    ],
)
def test_a_name_that_could_be_read_as_words_of_ours_is_quoted(name, said):
    assert set_off(name) == said


@pytest.mark.parametrize(
    ("amount", "said"),
    [
        ((0, 0, 0), "0 files"),
        ((1, 0, 0), "1 file"),
        ((2, 1, 1_400_000_000), "2 files and 1 folder (1.4 GB)"),
        ((0, 2, 0), "2 folders"),
    ],
)
def test_files_are_files_and_folders_are_folders(amount, said):
    assert of_amount(*amount) == said


def test_one_is_one_and_thousands_are_parted():
    assert [plural(number, "file") for number in (0, 1, 2, 2000)] == [
        "0 files",
        "1 file",
        "2 files",
        "2,000 files",
    ]


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (999.5, "1.0 KB"),
        (1500, "1.5 KB"),
        (99_940, "99.9 KB"),
        (100_000, "100 KB"),
        (10**18, "1000 PB"),
    ],
)
def test_sizes_have_the_unit_that_reads_best(size, said):
    assert of_size(size) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (89, "89 s"), (90, "2 min"), (3600, "60 min"), (5400, "2 h"), (200_000, "2 days")],
)
def test_times_have_the_unit_that_reads_best(seconds, said):
    assert of_time(seconds) == said


@pytest.mark.parametrize("name", ["anna", "Küche", "a b", "Ana's", "a;b", "$HOME", 'a"b', "x=~"])
def test_a_name_is_one_word_of_a_command(name: str) -> None:
    assert shlex.split(f"remove {typable(name, '')}") == ["remove", name]


@pytest.mark.parametrize("name", ["-x", "--yes", "", "a\u202eb", "a\x1bb", "a\nb"])
def test_what_is_no_name_to_type_is_meant_by_its_id(name: str) -> None:
    assert typable(name, "ABCD-EFGH") == "ABCD-EFGH"


def test_no_name_stands_bare_in_a_command_that_is_advised() -> None:
    """Whoever writes f"remove {label}" forgets that labels have spaces in them."""
    bare, told = [], 0
    for path in [*(SOURCES / "core").rglob("*.py"), *(SOURCES / "engine").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            parts = node.values if isinstance(node, ast.JoinedStr) else []
            for before, after in pairwise(parts):
                text = before.value if isinstance(before, ast.Constant) else ""
                if BEFORE_A_NAME.search(str(text)) and isinstance(after, ast.FormattedValue):
                    told += 1
                    if not ast.unparse(after.value).startswith("typable("):
                        bare.append(f"{path.name}: {ast.unparse(node)}")
    assert not bare
    assert told >= 10, "it finds them"


@pytest.mark.parametrize(
    ("amounts", "words"),
    [
        ([(1, 0, 100)], "lacks 1 file (100 B)"),
        ([(1, 0, 100), (1, 0, 100)], "lack 1 file (100 B)"),
        ([(1, 0, 100), (1, 0, 50)], "lack 1 file (up to 100 B)"),
        ([(1, 0, 100), (2, 0, 50)], "lack up to 2 files (100 B)"),
    ],
)
def test_what_some_lack_is_not_added_up(amounts: list[tuple[int, int, int]], words: str) -> None:
    assert lack_words(amounts) == words
