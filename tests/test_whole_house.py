"""The laws that need to see the whole house: each over the project, and each proven to fail."""

from __future__ import annotations

import pytest

from tests import house, whole_house
from tests.whole_house import Sources

SOURCES = {
    path.relative_to(house.ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in sorted(house.PACKAGE.rglob("*.py"))
}
MODULES = {path for path in SOURCES if not path.endswith("__init__.py")}
TOP = "src/potluck/__init__.py"  # it says what the program is; its packages say what lives where


# -- over the project ------------------------------------------------------------------------------
def test_every_public_name_stands_once() -> None:
    problems = whole_house.names_that_stand_twice(SOURCES)
    assert not problems, "\n".join(problems)


def test_a_class_keeps_its_name_wherever_it_is_imported() -> None:
    assert whole_house.classes_renamed_by_imports(SOURCES) == []


def test_every_package_says_what_lives_there_and_what_does_not() -> None:
    packages = {p: text for p, text in whole_house.package_sources(SOURCES).items() if p != TOP}
    assert len(packages) > 20
    assert whole_house.packages_that_say_nothing(packages) == []


def test_the_file_tree_in_the_docs_is_the_one_that_is_there() -> None:
    page = (house.ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    problems = whole_house.tree_that_is_not_true(page, MODULES, "docs/architecture.md")
    assert not problems, "\n".join(problems)


def test_every_command_that_is_advised_exists() -> None:
    problems = whole_house.commands_that_do_not_exist(SOURCES)
    assert not problems, "\n".join(problems)


def test_every_command_in_a_sentence_names_the_program() -> None:
    problems = whole_house.commands_without_the_program(SOURCES)
    assert not problems, "\n".join(problems)


# -- each can fail ---------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "sources",
    [
        {"a.py": "class Thing: ...", "b.py": "class Thing: ..."},
        {"a.py": "class _Part: ...", "b.py": "class _Part: ..."},
        {"a.py": "def look(): ...", "b.py": "async def look(): ..."},
        {"a.py": "LOOK_S = 1.0", "b.py": "LOOK_S: Final = 2.0"},
        {"a.py": "Name: TypeAlias = str", "b.py": "class Name: ..."},
        {"a.py": "FULL, EMPTY = 1, 2", "b.py": "EMPTY = 3"},
    ],
)
def test_a_name_that_stands_twice_is_found(sources: Sources) -> None:
    (problem,) = whole_house.names_that_stand_twice(sources)
    assert problem.startswith("a.py:1: ")
    assert "b.py:1" in problem


@pytest.mark.parametrize(
    "sources",
    [
        {"a.py": "class Thing: ...", "b.py": "from a import Thing"},
        {"a.py": "def _look(): ...", "b.py": "def _look(): ..."},
        {"a.py": "def main(): ...", "b.py": "def main(): ..."},
        {"a.py": "class A:\n    def on_tick(self): ...", "b.py": "def on_tick(): ..."},
        {"a.py": "x = 1\nx = 2"},
    ],
)
def test_a_name_that_stands_once_is_not(sources: Sources) -> None:
    assert whole_house.names_that_stand_twice(sources) == []


def test_a_class_renamed_by_an_import_is_found() -> None:
    renamed = {"a.py": "from potluck.core.x import Thing as Other"}
    (problem,) = whole_house.classes_renamed_by_imports(renamed)
    assert problem.startswith("a.py:1: Thing is called Other here: ")
    fine = "from potluck.core.x import Thing, look as glance\nfrom os import PathLike as P\n"
    assert whole_house.classes_renamed_by_imports({"a.py": fine}) == []


def test_a_package_that_does_not_say_what_lives_there_is_found() -> None:
    said = '"""Ring: who is next to whom.\n\nHere lives: x. Not here: y.\n"""\n'
    for text in ("", '"""Ring."""', said.replace("Here lives", "Law"), said.replace("Not", "Nor")):
        (problem,) = whole_house.packages_that_say_nothing({"a/__init__.py": text})
        assert problem.startswith("a/__init__.py:1: ")
    assert whole_house.packages_that_say_nothing({"a/__init__.py": said}) == []


PAGE = """
Words.

```
pot.py                the bootstrap
src/potluck/
  core/               pure
    ring/
      beliefs.py      what is believed
      kademlia.py     routing (planned)
    errors.py, limits.py   errors and numbers
  daemon.py           the root
tests/
  world.py
```
"""
THERE = {
    "src/potluck/core/ring/beliefs.py",
    "src/potluck/core/errors.py",
    "src/potluck/core/limits.py",
    "src/potluck/daemon.py",
}


def test_the_tree_is_read_as_paths() -> None:
    tree = whole_house.tree_of(PAGE)
    assert tree["src/potluck/core/ring/beliefs.py"] == "what is believed"
    assert tree["src/potluck/core/limits.py"] == "errors and numbers"
    assert tree["tests/world.py"] == ""
    assert whole_house.tree_that_is_not_true(PAGE, THERE, "page") == []


@pytest.mark.parametrize(
    ("page", "modules", "problem"),
    [
        (PAGE, THERE | {"src/potluck/new.py"}, "page: does not name src/potluck/new.py"),
        (PAGE, THERE - {"src/potluck/daemon.py"}, "page: names src/potluck/daemon.py, which"),
        (
            PAGE,
            THERE | {"src/potluck/core/ring/kademlia.py"},
            "page: calls src/potluck/core/ring/kademlia.py planned, and it is there",
        ),
        (PAGE.replace("the root", ""), THERE, "page: says nothing of src/potluck/daemon.py"),
        ("no tree at all", {"src/potluck/new.py"}, "page: does not name src/potluck/new.py"),
    ],
)
def test_a_tree_that_is_not_true_is_found(page: str, modules: set[str], problem: str) -> None:
    (found,) = whole_house.tree_that_is_not_true(page, modules, "page")
    assert found.startswith(problem)


TABLES = {
    whole_house.COMMANDS: 'COMMANDS: dict[str, str] = {"up": "…", "ls": "…"}',
    whole_house.ERRORS: "class Refused(Exception): ...",
}


@pytest.mark.parametrize(
    "source",
    [
        '"""As `potluck doctor` says."""',
        'x = "look at the disk: potluck doctor"',
        'x = "leaving\\n  try:      potluck doctor now"',
        'Refused("no", "why", "potluck doctor")',
        'Refused("no", "why", f"potluck doctor {x}")',
        'fix = f"potluck doctor --port {x}"',
        'cause, fix = "why", "potluck doctor"',
        'x = command("doctor --all")',
    ],
)
def test_advice_to_run_what_is_no_command_is_found(source: str) -> None:
    (problem,) = whole_house.commands_that_do_not_exist({**TABLES, "a.py": source})
    assert problem.startswith("a.py:1: advises `potluck doctor`")


@pytest.mark.parametrize(
    "source",
    [
        'Refused("no", "why", "start it again with up")',
        'Refused("no", "why", f"do it once more: ls {x}")',
        'Reply(1, fix=f"start it, then: up {x}")',
        'fix = "first this\\nthen up"',
    ],
)
def test_a_command_in_a_sentence_without_the_program_is_found(source: str) -> None:
    (problem,) = whole_house.commands_without_the_program({**TABLES, "a.py": source})
    assert problem.startswith("a.py:1: advises ")


@pytest.mark.parametrize(
    "source",
    [
        'Refused("no", "why", "start it again: potluck up")',
        'Refused("no", "why", "up\\nls")',
        'Refused("no", "why", "on another steward: ls")',
        'Refused("no", "why", f"move it away: ls -ld {x}")',
        'x = "then up"',
    ],
)
def test_a_command_that_names_the_program_or_is_a_line_is_not(source: str) -> None:
    assert whole_house.commands_without_the_program({**TABLES, "a.py": source}) == []


@pytest.mark.parametrize(
    "source",
    [
        '"""As `potluck ls` says."""',
        'Refused("potluck has ended", "potluck did", "potluck up --port 0")',
        'x = "potluck says hello: up"',
        'x = b"potluck doctor"',
        'x = command("up")',
    ],
)
def test_other_words_are_no_advice(source: str) -> None:
    assert whole_house.commands_that_do_not_exist({**TABLES, "a.py": source}) == []
