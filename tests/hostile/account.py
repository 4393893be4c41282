"""The account of behaviours.py, as docs/protocol.md §9 shows it and as pytest finds its tests:
`python -m tests.hostile.account` writes the page.

Strategy: rows go between two marks of the page, everything else there is left alone. What is
collected is asked of pytest in a process of its own, since the tier that is running leaves tests
out. Guarantee: nothing is run. Limits: a test without parameters in its id stands for all of them.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Collection, Iterable
from functools import cache
from pathlib import Path
from typing import Final

from tests.hostile.behaviour import Behaviour
from tests.hostile.behaviours import BEHAVIOURS

ROOT: Final = Path(__file__).resolve().parents[2]
PAGE: Final = ROOT / "docs" / "protocol.md"
BEGIN: Final = "<!-- written by: python -m tests.hostile.account -->\n"
END: Final = "<!-- the end of what is written -->\n"
SHORT: Final = "hostile/"  # what most ids begin with


def proved(
    behaviours: Iterable[Behaviour], tests: Collection[str], proofs: Collection[str]
) -> list[Behaviour]:
    """Those of which both tests are among the collected ones, the second one as a proof."""
    return [one for one in behaviours if one.test in tests and one.proof in proofs]


@cache
def collected(marks: str = "") -> frozenset[str]:
    """The ids below tests/ of all tests that the table is about, or of those with these marks.

    Each also without its parameters.
    """
    files = {
        each.partition("::")[0] for one in BEHAVIOURS for each in (one.test, one.proof) if each
    }
    words = ["--collect-only", "-q", "--no-header", "-p", "no:cacheprovider"]
    words += ["-m", marks or "proof or not proof", *(f"tests/{file}" for file in sorted(files))]
    run = subprocess.run(
        [sys.executable, "-m", "pytest", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    ids = {
        line.removeprefix("tests/") for line in run.stdout.splitlines() if line.startswith("tests/")
    }
    return frozenset(ids | {each.partition("[")[0] for each in ids})


def page_of(text: str) -> str:
    """The page with the table of today."""
    before, _, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    assert end, f"{PAGE.name} has no room for the table: {BEGIN}{END}"
    return before + BEGIN + "\n".join(rows()) + "\n" + END + after


def rows() -> list[str]:
    """The table."""
    head = [
        "| who | behaviour | it does no harm | without its guard it does |",
        "|---|---|---|---|",
    ]
    return head + [_row(one) for one in BEHAVIOURS]


def _row(one: Behaviour) -> str:
    what = f"{one.what} ({one.finding})" if one.finding else one.what
    said = [f"`{one.proof.removeprefix(SHORT)}`"] if one.proof else ["–"]
    if one.remark:
        said.append(one.remark)
    return f"| {one.who} | {what} | `{one.test.removeprefix(SHORT)}` | {'; '.join(said)} |"


if __name__ == "__main__":
    PAGE.write_text(page_of(PAGE.read_text("utf-8")), encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)}: {len(BEHAVIOURS)} behaviours")
