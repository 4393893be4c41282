"""Fixtures of the LAN tests.

Strategy: a LAN costs a tenth of a second a host, so each test builds its own and no test sees
another's leftovers. Where there can be none (no root, no nft), the tests are skipped with the
reason, never passed.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import pytest

from tests.lan import hosts as lan
from tests.lan.potluck import Potluck

LABELS = ("anna", "bert", "cora", "dora", "emil", "fritz", "gerd", "hans")


@pytest.fixture(autouse=True)
def nothing_left_open() -> Iterator[None]:
    """Have a link that nobody closed fail the test that left it, not the one that is running when
    the garbage collector comes by.
    """
    yield
    gc.collect()


@cache
def reason() -> str:
    return lan.unavailable()


@pytest.fixture
def hosts() -> Iterator[Callable[[int], lan.Hosts]]:
    """`hosts(3)` makes three hosts on one network; they end with the test."""
    if reason():
        pytest.skip(reason())
    with ExitStack() as stack:
        yield lambda n: stack.enter_context(lan.Hosts(n))


@pytest.fixture
def devices(hosts: Callable[[int], lan.Hosts], tmp_path: Path) -> Callable[[int], list[Potluck]]:
    """`devices(3)` makes three hosts with a potluck on each that is not started yet."""

    def make(n: int) -> list[Potluck]:
        network = hosts(n)
        return [Potluck(network, i, tmp_path, LABELS[i]) for i in range(n)]

    return make
