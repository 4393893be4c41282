"""The laws of the house that need to see more than one file: names, packages, docs, commands.

Strategy: as in `house.py`, nothing is imported, and each law is a function from texts to problems.
It takes all modules at once, as a map from a path in the project to its source, so that a law can
be fed a small bad house as well as the real one. `test_whole_house.py` does both.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

Sources = Mapping[str, str]
PACKAGE = "src/potluck/"
# Names that may stand in several modules, each with its reason.
SHARED_NAMES = {
    "main": "where a program begins is called so everywhere",
}
ERRORS = f"{PACKAGE}core/errors.py"
COMMANDS = f"{PACKAGE}faces/cli/commands.py"
# Where a text advises a command: in back quotes, after `try:`, `next:` or another colon.
ADVICE = re.compile(r"(?:`|: +)potluck ([a-z]+(?:-[a-z]+)*)\b")
FIX = re.compile(r"^potluck ([a-z]+(?:-[a-z]+)*)\b")
IN_A_SENTENCE = re.compile(r"(?:: |\bwith |\bthen )([a-z]+(?:-[a-z]+)*)\b(?! -)")
NOT_AT_A_SHELL_HERE = re.compile(r"(?:steward|there|other device|behind it|at its prompt): ")
PLANNED = "(planned)"
TREE_ROW = re.compile(r"^( *)([\w./-]+(?:, [\w./-]+)*)(?: +(.*))?$")


# -- names -----------------------------------------------------------------------------------------
def public_names(source: str) -> Iterator[tuple[int, str]]:
    """Every public name that a module makes, with its line; what it imports is not its own.

    The names of classes count though they are private: tracebacks and reprs show them.
    """
    for node in ast.parse(source).body:
        targets: list[ast.expr] = []
        if isinstance(node, ast.ClassDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            targets = [ast.Name(node.name)]
        elif isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, ast.AnnAssign):
            targets = [node.target]
        for target in targets:
            names = target.elts if isinstance(target, ast.Tuple) else [target]
            for name in names:
                if isinstance(name, ast.Name) and not name.id.startswith("_"):
                    yield node.lineno, name.id


def names_that_stand_twice(sources: Sources) -> list[str]:
    """The name of a class, or a public one of a function, alias or constant, stands once."""
    where: dict[str, list[str]] = defaultdict(list)
    for path, source in sources.items():
        for line, name in public_names(source):
            if name not in SHARED_NAMES:
                where[name].append(f"{path}:{line}")
    return [
        f"{places[0]}: {name} stands again in {', '.join(places[1:])}: "
        "one of them means something else, and gets a name that says so"
        for name, places in where.items()
        if len({place.partition(":")[0] for place in places}) > 1
    ]


def classes_renamed_by_imports(sources: Sources) -> list[str]:
    """A class of ours keeps its name wherever it is imported."""
    found = []
    for path, source in sources.items():
        for node in ast.walk(ast.parse(source)):
            if not isinstance(node, ast.ImportFrom):
                continue
            if not (node.module or "").startswith("potluck"):
                continue
            found += [
                f"{path}:{node.lineno}: {alias.name} is called {alias.asname} here: "
                "say what it is called, or call it better where it is made"
                for alias in node.names
                if alias.name[0].isupper() and alias.asname not in {None, alias.name}
            ]
    return found


# -- packages --------------------------------------------------------------------------------------
def packages_that_say_nothing(sources: Sources) -> list[str]:
    """The docstring of a package says what lives there, and what does not."""
    found = []
    for path, source in sources.items():
        said = " ".join((ast.get_docstring(ast.parse(source)) or "").split())
        if len(said) and "Here lives" in said and "Not here:" in said:
            continue
        found.append(f"{path}:1: say `Here lives: …` and `Not here: …` in three lines")
    return found


# -- the file tree in docs/architecture.md ---------------------------------------------------------
def tree_of(page: str) -> dict[str, str]:
    """The file tree on a page: path -> what is said of it. It is the first block that begins so.

    A row is `name  what it is`, indented by two columns a level; a name that ends with / is a
    folder, several names of one row are parted by commas.
    """
    block = page.partition("```\npot.py")[2].partition("```")[0]
    found: dict[str, str] = {}
    folders: list[str] = []
    for row in f"pot.py{block}".splitlines():
        match = TREE_ROW.match(row)
        if match is None:
            continue
        depth = len(match[1]) // 2
        for name in match[2].split(", "):
            path = "".join(folders[:depth]) + name
            found[path] = (match[3] or "").strip()
            if name.endswith("/"):
                folders[depth:] = [name]
    return found


def tree_that_is_not_true(page: str, modules: set[str], path: str) -> list[str]:
    """The tree on a page names every module, says something of each, and names nothing else.

    What is not there yet may be named when it says so: `(planned)`.
    """
    named = {
        name: said
        for name, said in tree_of(page).items()
        if name.startswith(PACKAGE) and name.endswith(".py")
    }
    planned = {name for name, said in named.items() if PLANNED in said}
    found = [f"{path}: does not name {name}" for name in sorted(modules - named.keys())]
    found += [
        f"{path}: names {name}, which is not there: take it out, or say {PLANNED}"
        for name in sorted(named.keys() - modules - planned)
    ]
    found += [
        f"{path}: calls {name} planned, and it is there" for name in sorted(planned & modules)
    ]
    found += [f"{path}: says nothing of {name}" for name, said in named.items() if not said]
    return found


# -- commands --------------------------------------------------------------------------------------
def commands(source: str) -> set[str]:
    """The commands of the program, as the table COMMANDS says."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "COMMANDS":
            assert isinstance(node.value, ast.Dict)
            return {str(key.value) for key in node.value.keys if isinstance(key, ast.Constant)}
    return set()


def error_names(source: str) -> set[str]:
    """The errors of the program, whose third part is the next command."""
    return {node.name for node in ast.parse(source).body if isinstance(node, ast.ClassDef)}


def texts(node: ast.AST) -> Iterator[tuple[int, str]]:
    """Every text below a node; the gaps of an f-string are written as {}."""
    inside = set()
    for part in ast.walk(node):
        if isinstance(part, ast.JoinedStr):
            inside |= set(part.values)
            pieces = [v.value if isinstance(v, ast.Constant) else "{}" for v in part.values]
            yield part.lineno, "".join(map(str, pieces))
        elif isinstance(part, ast.Constant) and isinstance(part.value, str) and part not in inside:
            yield part.lineno, part.value


def fixes(tree: ast.AST, errors: set[str]) -> Iterator[ast.AST]:
    """What is given as the third part of an error, directly or through a variable `fix`."""
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name), args=[_, _, fix]) if name in errors:
                yield fix
            case ast.Assign(targets=[ast.Name(id="fix")], value=fix):
                yield fix
            case ast.keyword(arg="fix", value=fix):
                yield fix
            case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)):
                named = zip(map(ast.unparse, names), values, strict=False)
                yield from (value for name, value in named if name == "fix")
            case _:
                pass


def advice(tree: ast.AST, errors: set[str]) -> Iterator[tuple[int, str]]:
    """Every command that a module tells a person to type, with its line."""
    for line, text in texts(tree):
        yield from ((line, word) for word in ADVICE.findall(text))
    for fix in fixes(tree, errors):
        for line, text in texts(fix):
            yield from ((line, word) for word in FIX.findall(text))
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id="command"), args=[ast.Constant(value=str() as words)]):
                yield from ((node.lineno, word) for word in words.split()[:1])
            case _:
                pass


def commands_that_do_not_exist(sources: Sources) -> list[str]:
    """A command that a person is told to run exists."""
    known, errors = commands(sources[COMMANDS]), error_names(sources[ERRORS])
    return [
        f"{path}:{line}: advises `potluck {word}`, which is no command: name one that is"
        for path, source in sources.items()
        for line, word in sorted(set(advice(ast.parse(source), errors)))
        if word not in known
    ]


def commands_without_the_program(sources: Sources) -> list[str]:
    """A command of ours that stands in a sentence says `potluck`: the faces know it by that.

    Where it is the whole line they know it by its first word. What is typed on another device has
    neither our program nor our home, and what is typed at the prompt neither.
    """
    known, errors = commands(sources[COMMANDS]), error_names(sources[ERRORS])
    return [
        f"{path}:{number}: advises {word} in a sentence: write `potluck {word}`"
        for path, source in sources.items()
        for fix in fixes(ast.parse(source), errors)
        for number, text in texts(fix)
        for line in text.splitlines()
        if not NOT_AT_A_SHELL_HERE.search(line)
        for word in IN_A_SENTENCE.findall(line)
        if word in known and word != "add"  # it is a verb, and what is added has to be named
    ]


def package_sources(sources: Sources) -> dict[str, str]:
    """The `__init__` of every package."""
    return {path: text for path, text in sources.items() if PurePosixPath(path).stem == "__init__"}
