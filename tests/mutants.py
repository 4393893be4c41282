"""Every small fault that can be put into a module, found in its syntax tree.

Strategy: a mutant is one place in the tree and what stands there instead. Mutants are numbered in
the order in which the tree is walked, so that a seed and a commit name the same ones everywhere.
Nothing is written: a mutant is a tree, compiled by the process that tries it.

Guarantees: a mutant differs from the module in one place, and the tree is itself again afterwards.
Limits: texts, annotations, decorators, what a class declares itself to be (`frozen=True`),
`__repr__` and `assert` are left alone: they decide nothing, or a machine checks them already. So is
the value of a named number, and each number in a named tuple, dict or call of a module: that it is
30 and not 31 is a choice, and a test that repeats it tests nothing. A key of such a dict and the
default of a field are no choices. Of `return False` the opposite is tried, and None is not: it is
just as false.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import zip_longest
from types import CodeType
from typing import TypeVar

Node = TypeVar("Node", bound=ast.AST)

# What a comparison becomes: the boundary moved, and the opposite.
COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Pow: ast.Mult,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitOr,
}
# Fields of the tree, calls and functions that hold nothing worth a fault.
FIELDS_LEFT_ALONE = {"annotation", "returns", "decorator_list", "format_spec", "bases"}
CALLS_LEFT_ALONE = {"assert_never", "cast", "NewType", "TypeVar"}
FUNCTIONS_LEFT_ALONE = {"__repr__"}
# What a named value is put together from, beside numbers; other parts of it are code.
VALUES = (ast.Tuple, ast.List, ast.Set, ast.Dict, ast.Call, ast.keyword)
SHOWN = 160  # columns of a fault that is shown


@dataclass(frozen=True)
class Mutant:
    """One fault: where it stands, and what stands there instead."""

    line: int
    statement: ast.stmt  # the smallest statement around it, to show the fault in
    parent: ast.AST
    field: str
    index: int | None  # in the field, where that is a list
    new: ast.AST

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The tree has this fault as long as the block lasts."""
        old = self._swap(self.new)
        try:
            yield
        finally:
            self._swap(old)

    def _swap(self, new: ast.AST) -> ast.AST:
        held = getattr(self.parent, self.field)
        if self.index is None:
            setattr(self.parent, self.field, new)
            old = held
        else:
            old, held[self.index] = held[self.index], new
        assert isinstance(old, ast.AST)
        return old

    def code(self, tree: ast.Module, path: str) -> CodeType:
        """The whole module with this fault, compiled."""
        with self.applied():
            return compile(ast.fix_missing_locations(tree), path, "exec", dont_inherit=True)

    def said(self) -> str:
        """The fault in words, without its line: `what stands there → what the mutant says`."""
        before = ast.unparse(self.statement).splitlines()
        with self.applied():
            held = getattr(self.parent, self.field)
            now = held if self.index is None else held[self.index]
            shown = now if isinstance(now, ast.stmt) else self.statement
            after = ast.unparse(ast.fix_missing_locations(shown)).splitlines()
        pairs = zip_longest(before, after, fillvalue="")
        one, other = next(pair for pair in pairs if pair[0] != pair[1])
        return f"{one.strip()[:SHOWN]} → {other.strip()[:SHOWN]}"


def mutants(tree: ast.Module) -> list[Mutant]:
    """All mutants of a module, in the order of its text."""
    return list(_inside(tree, tree.body[0] if tree.body else ast.Pass(), chosen=False))


def _inside(parent: ast.AST, statement: ast.stmt, *, chosen: bool) -> Iterator[Mutant]:
    """All mutants below a node; `chosen`: it is a named value, and numbers in it are choices."""
    for field, held in ast.iter_fields(parent):
        of_a_class = field == "keywords" and isinstance(parent, ast.ClassDef)
        if field in FIELDS_LEFT_ALONE or of_a_class:
            continue
        children = enumerate(held) if isinstance(held, list) else [(None, held)]
        for index, node in children:
            if not isinstance(node, ast.AST) or _left_alone(node):
                continue
            choice = field != "keys" and (chosen or _is_named(parent, field))
            if choice and isinstance(node, ast.expr) and _is_a_number(node):
                continue
            around = node if isinstance(node, ast.stmt) else statement
            for new in faults(node):
                ast.copy_location(new, node)
                line = getattr(node, "lineno", around.lineno)
                yield Mutant(line, around, parent, field, index, new)
            yield from _inside(node, around, chosen=choice and isinstance(node, VALUES))


def _left_alone(node: ast.AST) -> bool:
    match node:
        case ast.FunctionDef(name=name):
            return name in FUNCTIONS_LEFT_ALONE
        case ast.Call(func=ast.Name(id=name)):
            return name in CALLS_LEFT_ALONE
        case ast.If(test=ast.Name(id="TYPE_CHECKING")) | ast.Assert() | ast.JoinedStr():
            return True
        case ast.BinOp(op=ast.BitOr()):
            return _names_types(node)
        case _:
            return False


def _is_named(parent: ast.AST, field: str) -> bool:
    """Whether this field is the value of a constant: of a name in capitals."""
    match parent:
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            return name.isupper() and field == "value"
        case _:
            return False


def _names_types(node: ast.expr) -> bool:
    """Whether this is a union of types and not a number: its parts are names in capitals."""
    match node:
        case ast.BinOp(left=left, right=right):
            return _names_types(left) or _names_types(right)
        case ast.Constant(value=None):
            return True
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name[0].isupper() and not name.isupper()
        case ast.Subscript(value=value):
            return _names_types(value)
        case _:
            return False


def _is_a_number(node: ast.expr) -> bool:
    """Whether a value is written with numbers, and names of numbers, alone."""
    written = (ast.Constant, ast.BinOp, ast.UnaryOp, ast.Name, ast.operator, ast.unaryop)
    return all(
        isinstance(part, (*written, ast.expr_context))
        and not (isinstance(part, ast.Constant) and isinstance(part.value, bool))
        for part in ast.walk(node)
    )


def faults(node: ast.AST) -> Iterator[ast.AST]:
    """What may stand in the place of a node."""
    if isinstance(node, ast.stmt):
        yield from statement_faults(node)
    elif isinstance(node, ast.expr):
        yield from expression_faults(node)


def statement_faults(node: ast.stmt) -> Iterator[ast.stmt]:
    """A statement is left out, its condition turned round, its result lost."""
    match node:
        case ast.Expr(value=ast.Call(func=ast.Name(id=name))) if name in CALLS_LEFT_ALONE:
            return
        case ast.Expr(value=ast.Call() | ast.Yield() | ast.YieldFrom()):
            yield ast.Pass()
        case ast.Raise() | ast.Delete() | ast.Continue() | ast.Break():
            yield ast.Pass()
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            yield ast.Pass()
        case ast.AugAssign(op=op):
            yield ast.Pass()
            if type(op) in ARITHMETIC:
                yield _with(node, op=ARITHMETIC[type(op)]())
        case ast.Return(value=ast.Constant(value=None | bool())):
            return
        case ast.Return(value=ast.expr()):
            yield ast.Return(ast.Constant(None))
        case ast.If(test=test) | ast.While(test=test) if not _has_opposite(test):
            yield _with(node, test=ast.UnaryOp(ast.Not(), test))


def expression_faults(node: ast.expr) -> Iterator[ast.expr]:
    """An operator is exchanged, a number is one off, a part of a condition is gone."""
    match node:
        case ast.Compare(ops=ops):
            for index, op in enumerate(ops):
                for other in COMPARISONS[type(op)]:
                    yield _with(node, ops=[*ops[:index], other(), *ops[index + 1 :]])
        case ast.BoolOp(op=op, values=values):
            yield _with(node, op=ast.Or() if isinstance(op, ast.And) else ast.And())
            for index in range(len(values)):
                left = [*values[:index], *values[index + 1 :]]
                yield _with(node, values=left) if len(left) > 1 else copy.copy(left[0])
        case ast.BinOp(op=op, left=left) if type(op) in ARITHMETIC and not _is_text(left):
            yield _with(node, op=ARITHMETIC[type(op)]())
        case ast.UnaryOp(op=ast.Not() | ast.USub() | ast.Invert(), operand=operand):
            yield copy.copy(operand)
        case ast.IfExp(test=test) if not _has_opposite(test):
            yield _with(node, test=ast.UnaryOp(ast.Not(), test))
        case ast.Constant(value=bool() as value):
            yield ast.Constant(not value)
        case ast.Constant(value=int() | float() as value):
            yield ast.Constant(value + 1)
            yield ast.Constant(value - 1)
        case _:
            pass


def _has_opposite(test: ast.expr) -> bool:
    """Whether turning a condition round is already among the faults of the condition itself."""
    if isinstance(test, ast.Compare):
        return len(test.ops) == 1
    return isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (
        isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def _with(node: Node, **changed: object) -> Node:
    """A copy of a node with some fields changed; the children are shared."""
    new = copy.copy(node)
    for field, value in changed.items():
        setattr(new, field, value)
    return new
