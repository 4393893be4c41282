"""The faults that are put into modules: which there are, where none is put, and how one reads."""

from __future__ import annotations

import ast

import pytest

from tests.mutants import mutants


def said(source: str) -> list[str]:
    return [mutant.said() for mutant in mutants(ast.parse(source))]


FAULTS = {
    "x = a < b": ["x = a < b → x = a <= b", "x = a < b → x = a >= b"],
    "x = a in b": ["x = a in b → x = a not in b"],
    "x = a < b == c": [
        "x = a < b == c → x = a <= b == c",
        "x = a < b == c → x = a >= b == c",
        "x = a < b == c → x = a < b != c",
    ],
    "x = a and b": ["x = a and b → x = a or b", "x = a and b → x = b", "x = a and b → x = a"],
    "x = a - b": ["x = a - b → x = a + b"],
    "x = not a": ["x = not a → x = a"],
    "x = -a": ["x = -a → x = a"],
    "x = 7": ["x = 7 → x = 8", "x = 7 → x = 6"],
    "x = True": ["x = True → x = False"],
    "x = a if b else c": ["x = a if b else c → x = a if not b else c"],
    "if a:\n    b = c": ["if a: → if not a:"],
    "if not a:\n    b = c": ["if not a: → if a:"],
    "while a:\n    b = c": ["while a: → while not a:"],
    "if a:\n    b()": ["if a: → if not a:", "b() → pass"],
    "def f():\n    return x": ["return x → return None"],
    "def f():\n    yield x": ["yield x → pass"],
    "raise E": ["raise E → pass"],
    "a.b = c": ["a.b = c → pass"],
    "a += b": ["a += b → pass", "a += b → a -= b"],
    "a(b)": ["a(b) → pass"],
    "T = {(A, B): C, 1: D}": [
        "T = {(A, B): C, 1: D} → T = {(A, B): C, 2: D}",
        "T = {(A, B): C, 1: D} → T = {(A, B): C, 0: D}",
    ],
    "X = (a - 1, {b: [2]}[c])": [
        "X = (a - 1, {b: [2]}[c]) → X = (a - 1, {b: [3]}[c])",
        "X = (a - 1, {b: [2]}[c]) → X = (a - 1, {b: [1]}[c])",
    ],
    "X = [a(1) for a in b if a > c]": [
        "X = [a(1) for a in b if a > c] → X = [a(2) for a in b if a > c]",
        "X = [a(1) for a in b if a > c] → X = [a(0) for a in b if a > c]",
        "X = [a(1) for a in b if a > c] → X = [a(1) for a in b if a >= c]",
        "X = [a(1) for a in b if a > c] → X = [a(1) for a in b if a <= c]",
    ],
    "class C:\n    x: float = 0.0": [
        "x: float = 0.0 → x: float = 1.0",
        "x: float = 0.0 → x: float = -1.0",
    ],
    "X = a(True, 1)": ["X = a(True, 1) → X = a(False, 1)"],
    "x = (1, a)": ["x = (1, a) → x = (2, a)", "x = (1, a) → x = (0, a)"],
    "def f():\n    return False": ["return False → return True"],
    "match a:\n    case 2: b": ["case 2: → case 3:", "case 2: → case 1:"],
}

LEFT_ALONE = [
    '"""Text."""',
    "x = 'text'",
    "x = None",
    "def f(a: L[1]) -> L[2]: ...",
    "x: L[1]",
    "@d(1)\ndef f(): ...",
    "class C(S, frozen=True): ...",
    "class C:\n    def __repr__(self):\n        return f(1)",
    "assert a < b",
    "assert_never(a)",
    "if TYPE_CHECKING:\n    a(1)",
    "x = f'{a + 1}'",
    "x = 'a' + b",
    "WAIT_S = 3 * MINUTE_S",
    "WAIT_S: Final = 30",
    "WAITS_S = (0.5, -1, 3 * MINUTE_S)",
    "_BEGAN = a.b(1970, 1, c=(2, B))",
    "SIZES = {A: 1, B: [2, {3}]}",
    "X = Aa | None",
    "X = Aa[int] | b.Cc",
    "def f():\n    return None",
    "def f():\n    return",
]


@pytest.mark.parametrize("source", FAULTS)
def test_each_fault_is_found_once_and_reads_as_it_is(source):
    assert said(source) == FAULTS[source]


@pytest.mark.parametrize("source", LEFT_ALONE)
def test_what_decides_nothing_is_left_alone(source):
    assert said(source) == []


def test_a_fault_is_shown_in_the_smallest_statement_around_it():
    source = "def f(a):\n    if a:\n        b = 1\n        return a + 2\n"
    assert "return a + 2 → return a - 2" in said(source)
    lines = [mutant.line for mutant in mutants(ast.parse(source)) if "a - 2" in mutant.said()]
    assert lines == [4]


def test_the_code_has_the_fault_and_the_tree_is_as_before():
    tree = ast.parse("x = 7\ny = [x > 5]\n")
    before = ast.dump(tree)
    results = []
    for mutant in mutants(tree):
        names: dict[str, object] = {}
        exec(mutant.code(tree, "module.py"), names)
        results.append((names["x"], names["y"]))
    assert results == [
        (8, [True]),
        (6, [True]),
        (7, [True]),
        (7, [False]),
        (7, [True]),
        (7, [True]),
    ]
    assert ast.dump(tree) == before
