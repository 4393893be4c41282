"""What tests of commands share: a potluck that answers what the test says, and a way to ask it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from potluck.faces.cli.main import run_command
from tests.faces.fakes import FakeSource, running

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def source(tmp_path: Path) -> Iterator[FakeSource]:
    """A potluck that runs on the home of this test."""
    with running(tmp_path, FakeSource()) as served:
        yield served


@pytest.fixture
def potluck(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Call:
    """Run a command on that home; returns its exit code and what it printed, and said as error."""

    def call(*words: str) -> tuple[int, str, str]:
        code = run_command(["--home", str(tmp_path), *words])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return call
