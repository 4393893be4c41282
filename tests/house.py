"""The laws of the house as functions: each takes source text and returns what breaks the law, in
words.

Strategy: everything is read with `ast`, nothing is imported, so a law can be fed a bad snippet as
well as the real tree. `test_house.py` runs each law over the project and proves that each can fail.
A problem reads `path:line: what is wrong, and what to do`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "potluck"
TESTS = ROOT / "tests"

LINE_COLUMNS = 100
MODULE_LINES = 400
CLASS_LINES = 250
CLASS_METHODS = 20
FUNCTION_LINES = 50
ARGUMENTS = 6
DOCSTRING_LINES = 3
LOCKS = {"Lock", "RLock", "Condition"}
BROAD = {"Exception", "BaseException"}
PARDON = re.compile(r"#\s*house:\s*\S+")
UNFINISHED = re.compile(r"\b(TODO|FIXME)\b")

Function = ast.FunctionDef | ast.AsyncFunctionDef


def length(node: ast.stmt) -> int:
    """How many lines a definition takes, docstring included, decorators not."""
    return (node.end_lineno or node.lineno) - node.lineno + 1


def words(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every name the code uses, with its line: variables, attributes, and what imports bring in."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.lineno, node.id
        elif isinstance(node, ast.Attribute):
            yield node.lineno, node.attr
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from ((node.lineno, alias.name.rpartition(".")[2]) for alias in node.names)


def long_modules(path: str, source: str) -> list[str]:
    """A module has at most 400 lines."""
    count = len(source.splitlines())
    return [f"{path}:1: {count} lines, at most {MODULE_LINES}: split it by theme"] * (
        count > MODULE_LINES
    )


def long_lines(path: str, source: str) -> list[str]:
    """A line has at most 100 columns, with what is said in it to the tools."""
    return [
        f"{path}:{number}: {len(line)} columns, at most {LINE_COLUMNS}: one thought a line"
        for number, line in enumerate(source.splitlines(), 1)
        if len(line) > LINE_COLUMNS
    ]


def big_classes(path: str, source: str) -> list[str]:
    """A class has at most 250 lines and 20 methods."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.ClassDef):
            continue
        methods = sum(isinstance(item, Function) for item in node.body)
        if length(node) > CLASS_LINES or methods > CLASS_METHODS:
            found.append(
                f"{path}:{node.lineno}: class {node.name} has {length(node)} lines "
                f"and {methods} methods, at most {CLASS_LINES} and {CLASS_METHODS}: "
                "find the second thing it does"
            )
    return found


def long_functions(path: str, source: str) -> list[str]:
    """A function has at most 50 lines."""
    return [
        f"{path}:{node.lineno}: {node.name} has {length(node)} lines, "
        f"at most {FUNCTION_LINES}: split it"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, Function) and length(node) > FUNCTION_LINES
    ]


def many_arguments(path: str, source: str) -> list[str]:
    """A function has at most 6 arguments; self and cls are not counted."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, Function):
            continue
        names = [a.arg for a in (*node.args.posonlyargs, *node.args.args)]
        own = names[:1] in (["self"], ["cls"])
        extra = sum(argument is not None for argument in (node.args.vararg, node.args.kwarg))
        count = len(names) - own + len(node.args.kwonlyargs) + extra
        if count > ARGUMENTS:
            found.append(
                f"{path}:{node.lineno}: {node.name} takes {count} arguments, at most {ARGUMENTS}: "
                "some of them are one thing, give it a frozen dataclass"
            )
    return found


def short_docstrings(path: str, source: str) -> list[str]:
    """A module opens with a docstring of at least 3 lines that says its strategy."""
    docstring = ast.get_docstring(ast.parse(source)) or ""
    if len(docstring.splitlines()) >= DOCSTRING_LINES:
        return []
    needs = f"needs at least {DOCSTRING_LINES} lines: what it is, its strategy"
    return [f"{path}:1: the module's docstring {needs}"]


def untested_modules(modules: list[Path], tests: set[Path]) -> list[str]:
    """Every module has its own test file: core/ring.py -> tests/core/test_ring.py."""
    return [
        f"src/potluck/{module}: has no tests/{module.parent / f'test_{module.name}'}"
        for module in modules
        if module.stem not in {"__init__", "__main__"}
        and module.parent / f"test_{module.name}" not in tests
    ]


def locks(path: str, source: str) -> list[str]:
    """Lock, RLock and Condition are named only in shells/."""
    return [
        f"{path}:{line}: names {word}: only shells hold locks; send a fact through a queue instead"
        for line, word in words(ast.parse(source))
        if word in LOCKS
    ]


def sleeps(path: str, source: str) -> list[str]:
    """Tests of pure code never sleep."""
    return [
        f"{path}:{line}: sleeps: time is an argument here, pass a later `now`"
        for line, word in words(ast.parse(source))
        if word == "sleep"
    ]


def places(path: str, text: str) -> list[str]:
    """A lock file names no place to fetch from."""
    return [
        f"{path}:{number}: contains a URL: run requirements/relock.py"
        for number, line in enumerate(text.splitlines(), 1)
        if "://" in line
    ]


def unfinished(path: str, source: str) -> list[str]:
    """Nothing in src says that it is not done."""
    found = [
        f"{path}:{number}: says {match[1]}: do it, or write it down as an issue"
        for number, line in enumerate(source.splitlines(), 1)
        if (match := UNFINISHED.search(line))
    ]
    found += [
        f"{path}:{line}: names NotImplementedError: use a Protocol, or implement it"
        for line, word in words(ast.parse(source))
        if word == "NotImplementedError"
    ]
    return found


def broad_excepts(path: str, source: str) -> list[str]:
    """No bare or broad except, unless its line gives a reason: `# house: reason`."""
    lines = source.splitlines()
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.ExceptHandler) or PARDON.search(lines[node.lineno - 1]):
            continue
        caught = {word for _, word in words(node.type)} if node.type else BROAD
        if caught & BROAD:
            found.append(
                f"{path}:{node.lineno}: catches everything: "
                "name the errors, or give a `# house: reason`"
            )
    return found


def idle_hooks(path: str, source: str) -> list[str]:
    """No attribute is a call that does nothing until somebody else sets it."""
    found = []
    for function in ast.walk(ast.parse(source)):
        if not isinstance(function, Function):
            continue
        given = {node.arg for node in ast.walk(function.args) if isinstance(node, ast.arg)}
        for node in ast.walk(function):
            if not isinstance(node, ast.AnnAssign) or not isinstance(node.target, ast.Attribute):
                continue
            if "Callable" not in ast.unparse(node.annotation):
                continue
            made_here = isinstance(node.value, ast.Lambda)
            stranger = isinstance(node.value, ast.Name) and node.value.id not in given
            if made_here or stranger:
                found.append(
                    f"{path}:{node.lineno}: {ast.unparse(node.target)} is a hook: "
                    "give the part what it tells, as a Protocol, when it is made"
                )
    return found


def parts_of(statement: ast.stmt) -> Iterator[ast.AST]:
    """Everything in a statement that is not in a statement inside it."""
    waiting = [node for node in ast.iter_child_nodes(statement) if not isinstance(node, ast.stmt)]
    while waiting:
        node = waiting.pop()
        yield node
        inside = ast.iter_child_nodes(node)
        waiting += [each for each in inside if not isinstance(each, ast.stmt)]


def crowded_conditions(path: str, source: str) -> list[str]:
    """A statement holds at most one conditional expression."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.stmt):
            continue
        count = sum(isinstance(part, ast.IfExp) for part in parts_of(node))
        if count > 1:
            found.append(
                f"{path}:{node.lineno}: {count} conditional expressions in one statement: "
                "one thought a line"
            )
    return found


def is_frozen_dataclass(node: ast.ClassDef) -> bool | None:
    """Whether a class is a frozen dataclass; None when it is no dataclass at all."""
    for decorator in node.decorator_list:
        call = decorator.func if isinstance(decorator, ast.Call) else decorator
        if "dataclass" not in {word for _, word in words(call)}:
            continue
        keywords = decorator.keywords if isinstance(decorator, ast.Call) else []
        return any(
            k.arg == "frozen" and isinstance(k.value, ast.Constant) and k.value.value is True
            for k in keywords
        )
    return None


def undescribed_fields(path: str, source: str) -> list[str]:
    """Events and effects are frozen; each field has a line beside or above it saying what it is."""
    lines = source.splitlines()
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.ClassDef) or (frozen := is_frozen_dataclass(node)) is None:
            continue
        if not frozen:
            found.append(
                f"{path}:{node.lineno}: {node.name} is not frozen: @dataclass(frozen=True)"
            )
        for field, after in zip(node.body, [*node.body[1:], None], strict=True):
            if not isinstance(field, ast.AnnAssign):
                continue
            said = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
            above = lines[field.lineno - 2].lstrip()
            span = lines[field.lineno - 1 : field.end_lineno]
            if not (said or above.startswith("#") or any("#" in line for line in span)):
                name = ast.unparse(field.target)
                found.append(
                    f"{path}:{field.lineno}: {node.name}.{name} does not say what it is, "
                    "with its unit"
                )
    return found


def enum_members(tree: ast.Module, name: str) -> list[str]:
    """The members of an Enum of this name as the code writes them, `State.START`; empty when there
    is none.
    """
    enums = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name]
    items = [item for node in enums if "Enum" in map(ast.unparse, node.bases) for item in node.body]
    return [
        f"{name}.{ast.unparse(item.targets[0])}" for item in items if isinstance(item, ast.Assign)
    ]


def table_rows(table: ast.AnnAssign) -> list[tuple[str, str]]:
    """The rows of a table as (key, value) in source form; one row that fits nothing if it is not
    written out.
    """
    if not isinstance(table.value, ast.Dict) or None in table.value.keys:
        return [("not literal", "not literal")]
    keys = [key for key in table.value.keys if key is not None]
    return [
        (ast.unparse(key), ast.unparse(value))
        for key, value in zip(keys, table.value.values, strict=True)
    ]


def transition_tables(path: str, source: str) -> list[str]:
    """A state machine is an Enum XState, an Enum XInput, and one literal table of the two that
    names every member.
    """
    tree, found = ast.parse(source), list[str]()
    names = [node.name for node in tree.body if isinstance(node, ast.ClassDef)]
    for name in names:
        if name.endswith("State") and enum_members(tree, name):
            found += transition_table(path, tree, name.removesuffix("State"))
    return found


def transition_table(path: str, tree: ast.Module, machine: str) -> list[str]:
    """What is wrong with the table of one machine, whose enums begin with its name."""
    states, inputs = enum_members(tree, f"{machine}State"), enum_members(tree, f"{machine}Input")
    shape = f"dict[tuple[{machine}State, {machine}Input], {machine}State]"
    annotated = [node for node in tree.body if isinstance(node, ast.AnnAssign)]
    tables = [node for node in annotated if ast.unparse(node.annotation) == shape]
    if len(tables) != 1:
        return [f"{path}:1: {machine}State has {len(tables)} tables: write one {shape}"]
    pairs = {f"({state}, {fact})" for state in states for fact in inputs}
    (table,), found = tables, list[str]()
    rows = table_rows(table)
    if any(key not in pairs or value not in states for key, value in rows):
        found.append(
            f"{path}:{table.lineno}: not literal: write (XState.A, XInput.B): XState.C, row by row"
        )
    if len({key for key, _ in rows}) < len(rows):
        found.append(
            f"{path}:{table.lineno}: a pair stands there twice: one of the two is never read"
        )
    lost = [name for name in states + inputs if not re.search(rf"{re.escape(name)}\b", f"{rows}")]
    return found + [
        f"{path}:1: no table names {name}: add its row, or take it out" for name in lost
    ]
