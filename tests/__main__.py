"""Runs the tests, what fails soonest first: `python3 pot.py test [--full | --release] [pytest
arguments]`.

Strategy: stages, cheapest first; the first one that fails ends the run. A stage whose folder holds
no test is left out. Everything runs in its own process, so that no stage can leave something behind
for the next. With paths or options for pytest only pytest runs, on exactly that. The last line sums
up every stage: `N passed, N failed, N skipped`.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

TESTS = Path(__file__).resolve().parent
ROOT = TESTS.parent
NO_TESTS_COLLECTED = 5
PYTEST = ["-m", "pytest", "-q", "--no-header"]
CLOSING = re.compile(r"^=* ?((?:\d+ [a-z]+(?:, )?)+|no tests ran) in [\d.]+s")
COUNT = re.compile(r"(\d+) (passed|failed|errors?|skipped|xfailed|xpassed)")
# What pytest counts -> where it stands in our closing line.
COLUMN = {
    "passed": "passed",
    "failed": "failed",
    "error": "failed",
    "errors": "failed",
    "skipped": "skipped",
    "xfailed": "skipped",
    "xpassed": "failed",
}


@dataclass(frozen=True)
class Stage:
    """One step of the run."""

    name: str
    arguments: tuple[str, ...]  # for this Python
    tests: bool = True  # False: a tool that counts no tests


LINT_IMPORTS = "import sys; from importlinter.cli import lint_imports_command as run; sys.exit(run(['--no-logo']))"
TOOLS = [
    Stage("lint", ("-m", "ruff", "check"), tests=False),
    Stage("format", ("-m", "ruff", "format", "--check"), tests=False),
    Stage("layers", ("-c", LINT_IMPORTS), tests=False),
    Stage("types", ("-m", "mypy"), tests=False),
]
FOLDERS = ["sim", "laws", "shells", "faces", "contract", "hostile", "lan", "browser"]
FOLDERS_FULL = ["interop", "fuzz"]
FOLDERS_RELEASE = ["bench"]


def test_files(folder: Path) -> list[str]:
    """The test files below a folder, relative to the root."""
    return sorted(path.relative_to(ROOT).as_posix() for path in folder.rglob("test_*.py"))


def stages(tier: str) -> list[Stage]:
    """The stages of a tier, in order, without those that hold no test."""
    found = list(TOOLS)
    top = sorted(path.relative_to(ROOT).as_posix() for path in TESTS.glob("test_*.py"))
    if top:
        found.append(Stage("house", (*PYTEST, *top)))
    if test_files(TESTS / "core") or test_files(TESTS / "engine"):
        found.append(Stage("core + engine", ("-m", "tests.own_coverage", *PYTEST[2:])))
    extra = {"default": [], "full": FOLDERS_FULL, "release": FOLDERS_FULL + FOLDERS_RELEASE}[tier]
    for name in FOLDERS + extra:
        if test_files(TESTS / name):
            found.append(Stage(name, (*PYTEST, f"tests/{name}")))
    return found


def run(stage: Stage, totals: Counter[str]) -> bool:
    """Run one stage, showing what it prints as it comes; add its counts; whether it passed."""
    print(f"── {stage.name}", flush=True)
    started = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, *stage.arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout is not None
    counts: Counter[str] = Counter()
    for raw in process.stdout:
        line = raw.decode("utf-8", "replace")
        sys.stdout.write(line)
        sys.stdout.flush()
        closing = CLOSING.match(line)
        if stage.tests and closing:
            counts = Counter()
            for number, word in COUNT.findall(closing[1]):
                counts[COLUMN[word]] += int(number)
    code = process.wait()
    passed = code == 0 or (stage.tests and code == NO_TESTS_COLLECTED)
    if not passed and not counts["failed"]:
        counts["failed"] = 1  # the tool or the law itself
    totals.update(counts)
    print(
        f"── {stage.name}: {'ok' if passed else 'FAILED'}, {time.monotonic() - started:.1f} s",
        flush=True,
    )
    return passed


def main(arguments: list[str]) -> int:
    """Run the tier that was asked for; the exit code."""
    parser = argparse.ArgumentParser(
        prog="python3 pot.py test", description=(__doc__ or "").split("\n")[0]
    )
    tier = parser.add_mutually_exclusive_group()
    tier.add_argument("--full", dest="tier", action="store_const", const="full", default="default")
    tier.add_argument("--release", dest="tier", action="store_const", const="release")
    chosen, for_pytest = parser.parse_known_args(arguments)
    os.environ["POTLUCK_TIER"] = chosen.tier
    plan = [Stage("pytest", (*PYTEST[:2], *for_pytest))] if for_pytest else stages(chosen.tier)
    totals: Counter[str] = Counter()
    started = time.monotonic()
    passed = True
    for stage in plan:
        passed = run(stage, totals)
        if not passed:
            break
    print(f"── {chosen.tier} tier, {time.monotonic() - started:.0f} s")
    print(
        f"{totals['passed']} passed, {totals['failed']} failed, {totals['skipped']} skipped",
        flush=True,
    )
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
