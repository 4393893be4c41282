"""The account of hostile behaviours is true: each test that it names is there, each proof is marked
as one, and the page shows what the table says. What the proofs take off is there, too.
"""

from __future__ import annotations

import ast
import inspect
from types import FunctionType
from typing import Any

import pytest

from potluck.core import limits
from tests.figures import record
from tests.hostile import unguarded
from tests.hostile.account import PAGE, collected, page_of, proved, rows
from tests.hostile.behaviour import Behaviour
from tests.hostile.behaviours import BEHAVIOURS, FINDINGS
from tests.hostile.unguarded_members import put

ENOUGH = 30  # S4 in docs/figures.md


def counted() -> list[Behaviour]:
    return proved(BEHAVIOURS, collected(), collected("proof"))


def test_each_test_that_is_named_is_there_and_each_proof_is_one() -> None:
    tests, proofs = collected(), collected("proof")
    assert [one.test for one in BEHAVIOURS if one.test not in tests] == []
    assert [one.test for one in BEHAVIOURS if one.test in proofs] == []
    assert [one.proof for one in BEHAVIOURS if one.proof and one.proof not in proofs] == []


def test_who_has_no_proof_says_why() -> None:
    assert [one.what for one in BEHAVIOURS if not one.proof and not one.remark] == []
    names = [one.what for one in BEHAVIOURS]
    assert len(set(names)) == len(names)
    proofs = [one.proof for one in BEHAVIOURS if one.proof]
    assert len(set(proofs)) == len(proofs), "one proof counts once"


def test_enough_of_them_have_both_and_all_that_was_found_is_among_them() -> None:
    both = counted()
    assert len(both) >= ENOUGH
    assert {one.finding for one in both if one.finding} == FINDINGS


def targets(guard: FunctionType) -> tuple[set[str], list[str]]:
    """What a guard is to be put in the place of, and what it names that is not there."""
    scope = guard.__globals__
    tree = ast.parse(inspect.getsource(guard))
    named = {
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and root_of(node) in scope
    }
    every, replaced = {ast.unparse(node) for node in named}, set[str]()
    for node in ast.walk(tree):
        match node:
            case ast.Call(ast.Name("put" | "_replace"), [owner, ast.Constant(str(name)), _]):
                replaced.add(f"{ast.unparse(owner)}.{name}")
            case ast.Call(ast.Name("setattr"), [_, ast.Attribute(target, "__name__"), _]):
                replaced.add(ast.unparse(target))
            case ast.Subscript(ast.Call(ast.Name("vars"), [owner]), ast.Constant(str(name))):
                replaced.add(f"{ast.unparse(owner)}.{name}")
            case _:
                pass
    return replaced, [each for each in sorted(every | replaced) if not is_there(each, scope)]


def root_of(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def is_there(dotted: str, scope: dict[str, Any]) -> bool:
    first, *rest = dotted.split(".")
    found = scope.get(first)
    for name in rest:
        if not hasattr(found, name):
            return False
        found = getattr(found, name)
    return first in scope


@pytest.mark.parametrize("name", unguarded.GUARDS)
def test_what_a_proof_takes_off_is_there(name: str) -> None:
    guard = unguarded.GUARDS[name]
    assert isinstance(guard, FunctionType)
    replaced, lacking = targets(guard)
    assert replaced, "it is seen what that guard takes off"
    assert lacking == []


def gone() -> None:
    put(limits, "NO_SUCH_LIMIT", 1)
    vars(limits)["KNOCK_S"] = 1
    setattr(limits, limits.ANSWERS_PER_S.no_such_part.__name__, 1)  # type: ignore[attr-defined]


def test_a_guard_that_is_gone_is_seen() -> None:
    assert isinstance(gone, FunctionType)
    replaced, lacking = targets(gone)
    assert "limits.KNOCK_S" in replaced
    lost = {"limits.NO_SUCH_LIMIT", "limits.ANSWERS_PER_S.no_such_part"}
    assert lost <= set(lacking)
    assert "limits.KNOCK_S" not in lacking


def test_the_page_shows_the_table() -> None:
    text = PAGE.read_text("utf-8")
    assert text == page_of(text), "run: python -m tests.hostile.account"
    assert len(rows()) == len(BEHAVIOURS) + 2


def test_what_is_not_there_does_not_count() -> None:
    one = Behaviour("member", "sings", "a.py::test_it", "a.py::test_off")
    assert proved([one], {"a.py::test_it"}, {"a.py::test_off"}) == [one]
    assert proved([one], set(), {"a.py::test_off"}) == []
    assert proved([one], {"a.py::test_it", "a.py::test_off"}, set()) == []
    assert proved([one._replace(proof="")], {"a.py::test_it"}, {"a.py::test_off"}) == []


@pytest.mark.full
def test_how_many_there_are_is_written_down() -> None:
    count = len(counted())
    said = f"{count} behaviours of protocol.md §9 have a test and a proof"
    record("S4", said, held=count >= ENOUGH)
    assert count >= ENOUGH
