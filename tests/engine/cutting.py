"""Cuts one wire of engine/wiring.py: the same method again, without one of its lines.

Strategy: a wire is a statement of a relay, of `Wiring.start` or of `Wiring.recover`, found in the
source of the module itself, so that a new one is found too. Cut, a call does nothing, a question is
answered as if nothing were the case, and an assignment assigns that. Limits: what a part is given
at construction is no wire here; without it nothing would even begin.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator
from typing import Any

from potluck.engine import group_relay, others_relay, own_relay, wiring

NOTHING = {
    "bool": "False",
    "Beacon": "Beacon(0, 0, b'', 0)",
    "list[SafePath]": "[]",
}  # return type -> nothing is the case
STEPS = {"start", "recover"}  # methods of Wiring whose lines are wires too

Method = tuple[str, ast.FunctionDef]


def wires() -> list[str]:
    """Every wire: class, method, and the line itself."""
    return [_name(owner, method, line) for owner, method in _methods() for line in _lines(method)]


def without(wire: str) -> tuple[type, str, Callable[..., Any]]:
    """The class and the method that a wire is in, and that method without the wire."""
    for owner, method in _methods():
        for number, line in enumerate(method.body):
            if _name(owner, method, line) == wire:
                method.body[number] = _nothing(method, line)
                return getattr(wiring, owner), method.name, _compiled(method)
    raise AssertionError(f"no such wire: {wire}")


def _methods() -> Iterator[Method]:
    relays = (wiring, group_relay, own_relay, others_relay)
    trees = (ast.parse(inspect.getsource(module)) for module in relays)
    for owner in (node for tree in trees for node in tree.body if isinstance(node, ast.ClassDef)):
        for method in (node for node in owner.body if isinstance(node, ast.FunctionDef)):
            told = owner.name.endswith("Relay") and method.name != "__init__"
            if told or method.name in STEPS:
                yield owner.name, method


def _lines(method: ast.FunctionDef) -> list[ast.stmt]:
    """The statements of a method, its docstring left out."""
    return method.body[1:]


def _name(owner: str, method: ast.FunctionDef, line: ast.stmt) -> str:
    said = " ".join(ast.unparse(line).split()).replace("self._parts.", "").replace("self.", "")
    return f"{owner}.{method.name}: {said}"


def _nothing(method: ast.FunctionDef, line: ast.stmt) -> ast.stmt:
    match line:
        case ast.Return():
            assert method.returns is not None
            return ast.Return(ast.parse(NOTHING[ast.unparse(method.returns)], mode="eval").body)
        case ast.Assign(targets):
            return ast.Assign(targets, ast.Constant(False))
        case _:
            return ast.Pass()


def _compiled(method: ast.FunctionDef) -> Callable[..., Any]:
    future = ast.ImportFrom("__future__", [ast.alias("annotations")], 0)
    module = ast.fix_missing_locations(ast.Module([future, method], []))
    scope = {**vars(group_relay), **vars(own_relay), **vars(others_relay), **vars(wiring)}
    exec(compile(module, wiring.__file__, "exec"), scope)
    made: Callable[..., Any] = scope[method.name]
    return made
