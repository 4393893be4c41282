"""The error tree: three parts, a sentence and an exit code for each class that reaches a shell.

The docstring of the module is the manual, so the drawn tree must be the real one.
"""

from __future__ import annotations

import re

import pytest

from potluck.core import errors
from potluck.core.errors import (
    FrameTooLong,
    Malformed,
    NotRunning,
    PotluckError,
    ProtocolError,
    WrongContent,
)

CLASSES = [
    value
    for value in vars(errors).values()
    if isinstance(value, type) and issubclass(value, PotluckError)
]


def test_an_error_says_what_failed_why_and_what_to_do() -> None:
    error = PotluckError("cannot write", "the disk is full", "potluck trash --empty")
    assert (
        str(error)
        == "cannot write\n  probably: the disk is full\n  try:      potluck trash --empty"
    )


def test_without_cause_and_fix_only_the_first_line_is_said() -> None:
    assert str(PotluckError("cannot write")) == "cannot write"


@pytest.mark.parametrize("kind", CLASSES)
def test_the_docstring_is_the_sentence(kind: type[PotluckError]) -> None:
    assert str(kind()) == (kind.__doc__ or "").strip()
    assert str(kind()).endswith(".") or kind.code == "unsafe_path"


def test_of_a_long_docstring_the_first_line_is_the_sentence() -> None:
    class Lost(PotluckError):
        """It is lost.

        Nobody knows where.
        """

    assert str(Lost()) == "It is lost."


def test_exit_codes_differ_where_they_are_not_inherited() -> None:
    own = [kind.exit_code for kind in CLASSES if "exit_code" in vars(kind)]
    assert sorted(own) == [1, 2, 3, 4, 5, 6, 7, 8, 11]
    assert NotRunning.exit_code == 3
    assert len({kind.code for kind in CLASSES}) == len(CLASSES)


def test_bad_bytes_are_always_the_other_sides_fault() -> None:
    assert all(issubclass(kind, ProtocolError) for kind in (FrameTooLong, Malformed, WrongContent))


def test_the_drawn_tree_is_the_real_one() -> None:
    drawn = re.findall(r"(\w+) +exit (\d+)", errors.__doc__ or "")
    assert {name: int(code) for name, code in drawn} == {
        kind.__name__: kind.exit_code for kind in CLASSES if "exit_code" in vars(kind)
    }
    assert all(kind.__name__ in (errors.__doc__ or "") for kind in CLASSES)
