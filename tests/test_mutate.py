"""The mutation run itself: what it draws, and that it tells a noticed fault from another."""

from __future__ import annotations

import ast
import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

import pytest

from tests.mutants import Mutant, mutants
from tests.mutate import EQUIVALENT, PATIENCE_S, UNMEASURED_S, Module, Trials, draw
from tests.own_coverage import PACKAGE, modules


def module(name: str = "core/ring/seats.py") -> Module:
    return Module(PACKAGE / name)


def as_it_is(_tried: Module) -> None:
    return None


def a_return_lost(tried: Module) -> Mutant:
    return next(mutant for mutant in tried.found if mutant.said().startswith("return"))


def another_docstring(tried: Module) -> Mutant:
    text = ast.Expr(ast.Constant("Another text."))
    return Mutant(1, tried.tree.body[0], tried.tree, "body", 0, text)


def a_loop_without_end(tried: Module) -> Mutant:
    tried.limit_s = 2.0
    forever = ast.parse("while True:\n    pass").body[0]
    return Mutant(1, tried.tree.body[1], tried.tree, "body", 1, forever)


def broken_as_it_is(tried: Module) -> None:
    tried.tree.body.append(ast.parse("raise RuntimeError('as it is')").body[0])


def trial(fault: Callable[[Module], Mutant | None]) -> tuple[int, list[str], list[str], float]:
    tried = module()
    trials = Trials(1)
    trials.go([(tried, fault(tried))])
    return trials.tried, trials.survivors, trials.broken, tried.limit_s


def elsewhere(
    fault: Callable[[Module], Mutant | None],
) -> tuple[int, list[str], list[str], float]:
    """A trial in a process that does not run pytest: one cannot fork from the middle of it."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as processes:
        return processes.submit(trial, fault).result()


def test_the_same_seed_draws_the_same_mutants_and_another_seed_others():
    found = [module(), module("core/ring/members.py")]
    first = [(m.name, mutant.said()) for m, mutant in draw(found, 20, 1)]
    assert len(first) == 20
    assert [(m.name, mutant.said()) for m, mutant in draw(found, 20, 1)] == first
    assert [(m.name, mutant.said()) for m, mutant in draw(found, 20, 2)] != first
    every = len(found[0].found) + len(found[1].found)
    assert len(draw(found, 10**6, 1)) == every


def test_a_module_that_passes_as_it_is_sets_the_time_for_its_mutants():
    tried, _, broken, limit_s = elsewhere(as_it_is)
    assert (tried, broken) == (0, [])
    assert limit_s > PATIENCE_S
    assert limit_s != UNMEASURED_S


def test_a_fault_that_the_tests_notice_is_killed():
    tried, survivors, _, _ = elsewhere(a_return_lost)
    assert (tried, survivors) == (1, [])


def test_a_fault_that_no_test_notices_survives_and_is_shown_with_its_place():
    _, (shown,), _, _ = elsewhere(another_docstring)
    assert shown.startswith("src/potluck/core/ring/seats.py:1: ")


def test_a_mutant_that_hangs_is_killed_by_the_clock():
    tried, survivors, _, _ = elsewhere(a_loop_without_end)
    assert (tried, survivors) == (1, [])


def test_a_module_whose_tests_fail_as_it_is_is_no_ground_for_a_figure():
    _, _, (said,), _ = elsewhere(broken_as_it_is)
    assert "tests/core/ring/test_seats.py fails as it is" in said
    assert "RuntimeError: as it is" in said


def test_every_mutant_called_equivalent_exists_and_has_a_reason():
    lines = EQUIVALENT.read_text(encoding="utf-8").splitlines()
    listed = {line for line in lines if line and not line.startswith("#")}
    every = set()
    for name in {line.partition(":")[0] for line in listed}:
        path = PACKAGE / name
        assert path in modules(), f"{name} is not a module of core or engine"
        tree = ast.parse(path.read_text(encoding="utf-8"))
        every |= {f"{name}: {mutant.said()}" for mutant in mutants(tree)}
    assert listed <= every, listed - every
    for before, line in zip(["", *lines], lines, strict=False):
        assert not line or line.startswith("#") or before, f"{line}: says no reason above it"


@pytest.mark.full
@pytest.mark.parametrize("path", modules(), ids=lambda path: path.stem)
def test_every_mutant_compiles(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for mutant in mutants(tree):
        mutant.code(tree, str(path))
