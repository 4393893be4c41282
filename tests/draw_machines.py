"""Draws docs/state-machines.md from the tables of the program's state machines.

Strategy: nothing is listed here. A machine is a table on the top level of a module below src, with
the annotation `dict[tuple[XState, XInput], XState]`, the two enums beside it. Its essay is the
module's docstring, its sentence the string below the table, and what a state or an input means is
the comment beside it: all are read from the source, so the page says what the code says. A test
(tests/test_draw_machines.py) fails when the page is not up to date.

Run it as `python -m tests.draw_machines`; it writes the page.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src"
PAGE = ROOT / "docs" / "state-machines.md"
ANNOTATION = re.compile(r"dict\[tuple\[(\w+State), (\w+Input)\], (\w+State)\]")
MEMBER = re.compile(r"(?:^    # (.+)\n)?^    (\w+) = .+?(?:  # (.+))?$", re.MULTILINE)
HEAD = """# State machines

Drawn from the tables in the source by `python -m tests.draw_machines`; do not edit this page. Each
machine is one table, and what a table does not name may not come: it raises `ProtocolError` and
changes nothing (`core/transitions.py`). A state without an arrow that leaves it is final. The essay
of a machine is the docstring of its module.
"""


@dataclass(frozen=True, slots=True)
class Machine:
    """One table and what the source says about it."""

    name: str
    module: str  # its path below src
    sentence: str
    states: dict[str, str]  # each with its meaning
    inputs: dict[str, str]
    rows: list[tuple[str, str, str]]  # state, input, next state


def members(source: str, enum: ast.ClassDef) -> dict[str, str]:
    """The members of an Enum and the comments beside or above them."""
    lines = source.splitlines()[enum.lineno : enum.end_lineno]
    return {name: above or beside for above, name, beside in MEMBER.findall("\n".join(lines))}


def last_word(dotted: ast.expr | None) -> str:
    """`FoundingState.KEPT` -> `KEPT`."""
    return dotted.attr if isinstance(dotted, ast.Attribute) else "?"


def rows_of(table: ast.Dict) -> list[tuple[str, str, str]]:
    """The rows of a literal table as names; what is not literal is a `?`."""
    rows = []
    for key, value in zip(table.keys, table.values, strict=True):
        pair = key.elts if isinstance(key, ast.Tuple) else [None, None]
        rows.append((last_word(pair[0]), last_word(pair[1]), last_word(value)))
    return rows


def machines_in(module: str, source: str) -> list[Machine]:
    """Every machine of one module."""
    tree = ast.parse(source)
    enums = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    found = []
    for node, after in zip(tree.body, [*tree.body[1:], None], strict=True):
        if not isinstance(node, ast.AnnAssign) or not isinstance(node.value, ast.Dict):
            continue
        match = ANNOTATION.fullmatch(ast.unparse(node.annotation))
        if match is None:
            continue
        sentence = ""
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            sentence = str(after.value.value)
        rows = rows_of(node.value)
        states, inputs = (members(source, enums[match[n]]) for n in (1, 2))
        name = ast.unparse(node.target)
        found.append(Machine(name, module, " ".join(sentence.split()), states, inputs, rows))
    return found


def machines() -> list[Machine]:
    """Every machine of the program, in the order of their modules."""
    found = []
    for path in sorted(SOURCE.rglob("*.py")):
        found += machines_in(path.relative_to(SOURCE).as_posix(), path.read_text(encoding="utf-8"))
    return found


def drawing(machine: Machine) -> list[str]:
    """The picture: one arrow for each pair of states, with all inputs that lead along it."""
    arrows: dict[tuple[str, str], list[str]] = defaultdict(list)
    for state, happened, after in machine.rows:
        arrows[state, after].append(happened)
    reached = {after for state, _, after in machine.rows if state != after}
    first = machine.rows[0][0]
    starts = [state for state in machine.states if state == first or state not in reached]
    return [
        "```mermaid",
        "stateDiagram-v2",
        *(f"    [*] --> {state}" for state in starts),
        *(f"    {here} --> {there}: {', '.join(why)}" for (here, there), why in arrows.items()),
        "```",
    ]


def meanings(title: str, words: dict[str, str]) -> list[str]:
    """A table of names and what they mean."""
    rows = [f"| `{name}` | {said} |" for name, said in words.items()]
    return [f"| {title} | |", "|---|---|", *rows]


def page(found: list[Machine]) -> str:
    """The whole page."""
    parts = [HEAD.rstrip()]
    for machine in found:
        parts += [f"## {machine.name}", f"`{machine.module}` · {machine.sentence}"]
        parts += ["\n".join(drawing(machine))]
        parts += ["\n".join(meanings("state", machine.states))]
        parts += ["\n".join(meanings("input", machine.inputs))]
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(machines()), encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)}: {len(machines())} machines")
