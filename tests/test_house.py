"""The architecture checks itself: each law of docs/architecture.md that a program can see is one
test here.

Strategy: the laws are functions in `house.py`. The first half runs each over the project, the
second feeds each a snippet that breaks it: a law that cannot fail protects nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests import house

Law = Callable[[str, str], list[str]]


def python_files(*folders: Path) -> list[Path]:
    return sorted(path for folder in folders for path in folder.rglob("*.py"))


def break_the_law(law: Law, paths: list[Path]) -> str:
    """All problems a law finds in the files, one a line, under the law's own sentence."""
    found: list[str] = []
    for path in paths:
        found += law(path.relative_to(house.ROOT).as_posix(), path.read_text(encoding="utf-8"))
    return "\n".join([(law.__doc__ or "").strip(), *found]) if found else ""


SOURCES = python_files(house.PACKAGE)
OUTSIDE_SHELLS = [path for path in SOURCES if "shells" not in path.relative_to(house.PACKAGE).parts]
PURE_TESTS = python_files(*(house.TESTS / name for name in ("core", "engine", "sim", "laws")))
FACTS = [
    path
    for name in ("events", "effects")
    if (path := house.PACKAGE / "engine" / f"{name}.py").exists()
]
LOCK_FILES = sorted((house.ROOT / "requirements").glob("*.lock"))

OVER_THE_PROJECT: list[tuple[Law, list[Path]]] = [
    (house.long_lines, SOURCES),
    (house.long_modules, SOURCES),
    (house.big_classes, SOURCES),
    (house.long_functions, [*SOURCES, house.ROOT / "pot.py"]),
    (house.many_arguments, SOURCES),
    (house.short_docstrings, SOURCES),
    (house.locks, OUTSIDE_SHELLS),
    (house.sleeps, PURE_TESTS),
    (house.places, LOCK_FILES),
    (house.unfinished, SOURCES),
    (house.broad_excepts, SOURCES),
    (house.idle_hooks, SOURCES),
    (house.crowded_conditions, SOURCES),
    (house.undescribed_fields, FACTS),
    (house.transition_tables, SOURCES),
]


@pytest.mark.parametrize(
    ("law", "paths"), OVER_THE_PROJECT, ids=[law.__name__ for law, _ in OVER_THE_PROJECT]
)
def test_law_holds(law: Law, paths: list[Path]) -> None:
    problems = break_the_law(law, paths)
    assert not problems, problems


def test_every_module_has_its_own_test_file() -> None:
    modules = [path.relative_to(house.PACKAGE) for path in SOURCES]
    tests = {path.relative_to(house.TESTS) for path in python_files(house.TESTS)}
    problems = house.untested_modules(modules, tests)
    assert not problems, "\n".join(problems)


def test_both_lock_files_are_there() -> None:
    assert [path.name for path in LOCK_FILES] == ["dev.lock", "guided.lock", "runtime.lock"]


MACHINE = """
class LampState(Enum):
    A = auto()
    B = auto()
class LampInput(Enum):
    GO = auto()
"""
TABLE = "T: dict[tuple[LampState, LampInput], LampState] = "
ROWS = "{(LampState.A, LampInput.GO): LampState.B}"


def body(lines: int) -> str:
    return "    x = 1\n" * lines


BAD: list[tuple[Law, str]] = [
    (house.long_lines, "x = 1  # noqa: E501 - " + "y" * 80 + "\n"),
    (house.long_modules, "x = 1\n" * 401),
    (house.big_classes, "class C:\n" + body(250)),
    (house.big_classes, "class C:\n" + "".join(f"    def m{n}(self): ...\n" for n in range(21))),
    (house.long_functions, "def f():\n" + body(50)),
    (house.long_functions, "async def f():\n" + body(50)),
    (house.many_arguments, "def f(a, b, c, d, e, f, g): ..."),
    (house.many_arguments, "def f(self, a, b, c, *, d, e, f, g): ..."),
    (house.many_arguments, "def f(a, b, c, d, e, *f, **g): ..."),
    (house.short_docstrings, "x = 1"),
    (house.short_docstrings, '"""One line."""'),
    (house.locks, "import threading\nx = threading.Lock()"),
    (house.locks, "from threading import RLock as Innocent"),
    (house.locks, "x: Condition"),
    (house.sleeps, "import time\ntime.sleep(1)"),
    (house.sleeps, "from time import sleep"),
    (house.places, "--index-url https" + "://somewhere"),
    (house.unfinished, "x = 1  # TO" + "DO later"),
    (house.unfinished, "# FIX" + "ME"),
    (house.unfinished, "raise NotImplementedError"),
    (house.broad_excepts, "try: ...\nexcept: ..."),
    (house.broad_excepts, "try: ...\nexcept Exception: ..."),
    (house.broad_excepts, "try: ...\nexcept (ValueError, builtins.BaseException): ..."),
    (house.broad_excepts, "try: ...\nexcept Exception:  # house:\n    ..."),
    (house.idle_hooks, "def __init__(self):\n    self.x: Callable[[], None] = _ignore"),
    (house.crowded_conditions, "x = 1 if a else 2 if b else 3"),
    (house.crowded_conditions, "f(a if b else c, lambda: d if e else f)"),
    (house.crowded_conditions, "if x:\n    y = (a if b else c, d if e else f)"),
    (house.idle_hooks, "def __init__(self):\n    self.x: Callable[[], None] = lambda: None"),
    (house.undescribed_fields, "@dataclass(frozen=True)\nclass C:\n    x: int"),
    (house.undescribed_fields, "@dataclass\nclass C:\n    x: int  # metres"),
    (house.undescribed_fields, "@dataclasses.dataclass(frozen=False)\nclass C: ..."),
    (house.transition_tables, MACHINE),
    (house.transition_tables, "class LampState(Enum):\n    A = auto()\n"),
    (house.transition_tables, MACHINE + TABLE + "make()"),
    (house.transition_tables, MACHINE + TABLE + "{**OTHER}"),
    (house.transition_tables, MACHINE + TABLE + ROWS + "\n" + TABLE + ROWS),
    (
        house.transition_tables,
        MACHINE + TABLE + "{(s, LampInput.GO): LampState.B for s in LampState}",
    ),
    (house.transition_tables, MACHINE + TABLE + "{(LampState.A, LampInput.GO): after}"),
    (house.transition_tables, MACHINE + TABLE + "{(LampState.A, LampInput.GO): LampState.A}"),
    (
        house.transition_tables,
        MACHINE + TABLE + ROWS[:-1] + ", (LampState.A, LampInput.GO): LampState.A}",
    ),
]

GOOD: list[tuple[Law, str]] = [
    (house.idle_hooks, "def __init__(self, x):\n    self.x: Callable[[], None] = x"),
    (house.idle_hooks, "def __init__(self):\n    self.x: int = COUNT"),
    (house.crowded_conditions, "def f():\n    x = a if b else c\n    return d if x else e"),
    (house.long_lines, "x = 1  # " + "ü" * 91 + "\n"),
    (house.long_modules, "x = 1\n" * 400),
    (house.big_classes, "class C:\n" + body(249)),
    (house.long_functions, "def f():\n" + body(49)),
    (house.many_arguments, "def f(self, a, b, c, d, e, f): ..."),
    (house.short_docstrings, '"""One.\n\nThree.\n"""'),
    (house.locks, "import threading\nx = threading.Event()"),
    (house.sleeps, "sleepy = 1"),
    (house.places, "blake3==1.0 \\\n    --hash=sha256:00"),
    (house.broad_excepts, "try: ...\nexcept ValueError: ..."),
    (
        house.broad_excepts,
        "try: ...\nexcept Exception:  # house: told to the person, then raised again\n    raise",
    ),
    (
        house.undescribed_fields,
        '@dataclass(frozen=True)\nclass C:\n    x: int\n    """Metres."""\n    y: int  # feet',
    ),
    (house.undescribed_fields, "class C:\n    x: int"),
    (house.transition_tables, MACHINE + TABLE + ROWS),
    (house.transition_tables, "class LampState(Struct):\n    x = 1"),
]


def label(case: tuple[Law, str]) -> str:
    return case[0].__name__


@pytest.mark.parametrize("case", BAD, ids=label)
def test_law_can_fail(case: tuple[Law, str]) -> None:
    law, snippet = case
    problems = law("snippet.py", snippet)
    assert problems
    assert all(problem.startswith("snippet.py:") for problem in problems)


@pytest.mark.parametrize("case", GOOD, ids=label)
def test_law_lets_good_code_pass(case: tuple[Law, str]) -> None:
    law, snippet = case
    assert law("snippet.py", snippet) == []


def test_a_module_without_test_file_is_found() -> None:
    modules = [
        Path("core/ring.py"),
        Path("core/__init__.py"),
        Path("__main__.py"),
        Path("faces/cli/up.py"),
    ]
    tests = {Path("core/test_ring.py"), Path("core/test_up.py")}
    assert house.untested_modules(modules, tests) == [
        "src/potluck/faces/cli/up.py: has no tests/faces/cli/test_up.py"
    ]
