"""Each one-line sabotage of commit order, intents, breakers, reconcile and generations is noticed
by the test that docs/reliability.md names for it (tests/sabotage.py).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.sabotage import FAILED, ROOT, SABOTAGES, Sabotage, copied, run, sabotaged

SUBJECTS = {"commit order", "intents", "breakers", "reconcile", "generations"}


def test_there_are_ten_of_every_kind_and_the_document_names_their_tests() -> None:
    assert len({one.name for one in SABOTAGES}) == len(SABOTAGES) >= 10
    assert {one.name.partition(":")[0] for one in SABOTAGES} == SUBJECTS
    page = (ROOT / "docs" / "reliability.md").read_text("utf-8")
    missing = [one.name for one in SABOTAGES if one.test.partition("::")[2] not in page]
    assert not missing


def test_their_lines_are_still_there(tmp_path: Path) -> None:
    for number, sabotage in enumerate(SABOTAGES):
        folder = tmp_path / str(number) / "potluck" / "engine" / sabotage.module
        folder.parent.mkdir(parents=True)
        written = folder.resolve()
        written.parent.mkdir(parents=True, exist_ok=True)
        written.write_bytes((ROOT / "src/potluck/engine" / sabotage.module).read_bytes())
        assert sabotaged(tmp_path / str(number), sabotage) == written


@pytest.mark.full
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_without_sabotage_these_tests_pass(tmp_path: Path) -> None:
    done = run(copied(tmp_path), *(one.test for one in SABOTAGES))
    assert done.returncode == 0, done.stdout[-3000:]


@pytest.mark.full
@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("sabotage", SABOTAGES, ids=str)
def test_a_sabotage_is_noticed(sabotage: Sabotage, tmp_path: Path) -> None:
    source = copied(tmp_path)
    sabotaged(source, sabotage)
    done = run(source, sabotage.test)
    assert done.returncode == FAILED, done.stdout[-3000:]
    assert "failed" in done.stdout
