"""Runs the tests, what fails soonest first: `python3 pot.py test [--full | --release | --nightly]
[pytest arguments]`.

Strategy: stages, cheapest first, in two lanes side by side, since most stages wait more than they
compute; the first stage that fails ends the run. What a stage prints is shown whole when it ends. A
stage whose folder holds no test is left out. Everything runs in its own process, so that no stage
can leave something behind for the next. With paths or options for pytest only pytest runs, on
exactly that. Beyond the default tier the figures that tests have measured (tests/figures.py) come
before the end. The last line sums up every stage: `N passed, N failed, N skipped`.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from tests.figures import VARIABLE, table
from tests.own_coverage import outcomes

TESTS = Path(__file__).resolve().parent
ROOT = TESTS.parent
NO_TESTS_COLLECTED = 5
PYTEST = ("-m", "pytest", "-q", "--no-header")
LANES = 2
LOOK_S = 0.05  # between two looks at the lanes
GRACE_S = 20.0  # for a stage that is told to end: real daemons leave, namespaces go
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
    alone: bool = False  # True: it fills both lanes by itself


LINT_IMPORTS = (
    "import sys; from importlinter.cli import lint_imports_command as run; "
    "sys.exit(run(['--no-logo']))"
)
TOOLS = [
    Stage("lint", ("-m", "ruff", "check"), tests=False),
    Stage("format", ("-m", "ruff", "format", "--check"), tests=False),
    Stage("layers", ("-c", LINT_IMPORTS), tests=False),
]
TYPES = Stage("types", ("-m", "mypy"), tests=False)
PURE = Stage("core + engine", ("-m", "tests.own_coverage", *PYTEST[2:]), alone=True)
PURE_PLAIN = replace(PURE, arguments=(*PURE.arguments, "--plain"))  # for the default tier
MUTANTS = Stage("mutants", ("-m", "tests.mutate"), tests=False, alone=True)
# Top-level test files that start whole programs; the others there are the laws of the house.
PROGRAMS = {
    "tests/test_backups.py",
    "tests/test_daemon.py",
    "tests/test_damaged_index.py",
    "tests/test_folding_disk.py",
    "tests/test_ignoring.py",
    "tests/test_pot.py",
    "tests/test_renewing.py",
    "tests/test_service.py",
    "tests/test_trash_of_two.py",
    "tests/test_unwanted_devices.py",
    "tests/test_why_devices.py",
}
# Parts of the simulation, the files of each: no process has all of it to itself, while the other
# lane is empty. What no part names is in the first, which begins before the folders.
SIM_PARTS = {
    "sim, truth": {"tests/sim/test_truth.py", "tests/sim/test_seeds_of_disks.py"},
    "sim, lies": {"tests/sim/test_liars.py", "tests/sim/test_removals.py"},
}
# The longest begins early, so that the other lane is not empty at the end.
FOLDERS = ["laws", "config", "fuzz", "lan", "shells", "faces", "contract", "browser"]
LONG = FOLDERS.index("lan") + 1
FOLDERS_FULL = [*FOLDERS[:LONG], "torture", *FOLDERS[LONG:], "hostile", "interop"]
ALONE = {"hostile"}  # it measures how fast an honest pair is beside a hostile member
FOLDERS_RELEASE = ["bench"]
TIERS = {
    "default": FOLDERS,
    "full": FOLDERS_FULL,
    "release": FOLDERS_FULL + FOLDERS_RELEASE,
    "nightly": FOLDERS_FULL,
}


def test_files(folder: Path) -> list[str]:
    """The test files below a folder, relative to the root."""
    return sorted(path.relative_to(ROOT).as_posix() for path in folder.rglob("test_*.py"))


def sim_stages() -> list[Stage]:
    """The parts of the simulation: each of its test files is in one of them."""
    named = set[str]().union(*SIM_PARTS.values())
    rest = set(test_files(TESTS / "sim")) - named
    parts = {"sim": rest, **SIM_PARTS}
    return [Stage(name, (*PYTEST, *sorted(files))) for name, files in parts.items()]


def stages(tier: str) -> list[Stage]:
    """The stages of a tier, in order, without those that hold no test."""
    found, simulation = list(TOOLS), sim_stages()
    top = sorted(path.relative_to(ROOT).as_posix() for path in TESTS.glob("test_*.py"))
    found.append(Stage("house", (*PYTEST, *(name for name in top if name not in PROGRAMS))))
    found += [
        TYPES,  # beside the house: what comes next has both lanes to itself
        PURE_PLAIN if tier == "default" else PURE,
        simulation[0],
    ]
    found.append(Stage("programs", (*PYTEST, *(name for name in top if name in PROGRAMS))))
    for name in TIERS[tier]:
        if test_files(TESTS / name):
            found.append(Stage(name, (*PYTEST, f"tests/{name}"), alone=name in ALONE))
        if name == "lan":
            found += simulation[1:]  # it mostly waits, and they compute
    if tier == "nightly":
        found.append(MUTANTS)
    return found


def hear_signals() -> None:
    """In a stage before it begins: it, and the daemons of its tests, can be asked to leave.

    Whoever started us in the background, or with nohup, had these ignored; children inherit that.
    """
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


class Running:
    """A stage that runs, and what it has printed so far."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.started_s = stage, time.monotonic()
        self.output: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  (closed by `ended`)
        self.process = subprocess.Popen(
            [sys.executable, *stage.arguments],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=self.output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # so that all it started can be ended with it
            preexec_fn=hear_signals,  # noqa: PLW1509 - there is no other thread
        )

    def __repr__(self) -> str:
        return f"Running({self.stage.name}, {self.process.poll()})"

    def ended(self, totals: Counter[str]) -> bool:
        """Show what it printed and add its counts; whether it passed."""
        self.output.seek(0)
        text = self.output.read().decode("utf-8", "replace")
        self.output.close()
        code = self.process.returncode
        return report(self.stage, text, code, time.monotonic() - self.started_s, totals)

    def stop(self) -> None:
        """End it and all that it started, as Ctrl-C does, or by force."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(GRACE_S)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.output.close()


def report(stage: Stage, text: str, code: int, took_s: float, totals: Counter[str]) -> bool:
    """Say how a stage ended, under what it printed; whether it passed."""
    print(f"── {stage.name}\n{text}", end="")
    counts = counted(text) if stage.tests else Counter[str]()
    passed = code == 0 or (stage.tests and code == NO_TESTS_COLLECTED)
    if not passed and not counts["failed"]:
        counts["failed"] = 1  # the tool or the law itself
    totals.update(counts)
    said = "ok" if passed else "FAILED"
    print(f"── {stage.name}: {said}, {took_s:.1f} s", flush=True)
    return passed


def counted(text: str) -> Counter[str]:
    """What pytest counted, by our columns. The last closing line counts: a test may show others."""
    found: Counter[str] = Counter()
    last = next((line for line in reversed(text.splitlines()) if outcomes(line)), "")
    for word, number in outcomes(last).items():
        if word in COLUMN:
            found[COLUMN[word]] += number
    return found


def run_all(plan: Sequence[Stage], totals: Counter[str], lanes: int = LANES) -> bool:
    """Run the stages in order, so many at a time, until one fails; whether all passed."""
    waiting, running = list(plan), list[Running]()
    passed = True
    try:
        while passed and (waiting or running):
            while waiting and fits(waiting[0], running, lanes):
                running.append(Running(waiting.pop(0)))
            for one in [one for one in running if one.process.poll() is not None]:
                running.remove(one)
                passed &= one.ended(totals)
            time.sleep(LOOK_S)
    finally:
        for one in running:
            one.stop()
    return passed


def fits(stage: Stage, running: Sequence[Running], lanes: int) -> bool:
    """Whether a stage may begin beside those that run."""
    if not running:
        return True
    return not stage.alone and not running[0].stage.alone and len(running) < lanes


def run_pytest(arguments: list[str], totals: Counter[str]) -> bool:
    """Run pytest alone, showing what it prints as it comes; whether it passed."""
    command = [sys.executable, *PYTEST[:2], *arguments]
    lines = []
    with subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        preexec_fn=hear_signals,  # noqa: PLW1509 - there is no other thread
    ) as process:
        assert process.stdout is not None
        for raw in process.stdout:
            lines.append(raw.decode("utf-8", "replace"))
            sys.stdout.write(lines[-1])
            sys.stdout.flush()
    counts = counted("".join(lines))
    totals.update(counts)
    passed = process.returncode in {0, NO_TESTS_COLLECTED}
    if not passed and not counts["failed"]:
        totals["failed"] += 1
    return passed


@contextlib.contextmanager
def measured(tier: str) -> Iterator[Path | None]:
    """Where the tests of a tier keep the figures that they measure; None in the default tier."""
    if tier == "default":
        os.environ.pop(VARIABLE, None)
        yield None
        return
    with tempfile.NamedTemporaryFile(prefix="potluck-figures-") as file:
        os.environ[VARIABLE] = file.name
        yield Path(file.name)


def main(arguments: list[str]) -> int:
    """Run the tier that was asked for; the exit code."""
    parser = argparse.ArgumentParser(
        prog="python3 pot.py test", description=(__doc__ or "").split(":")[0]
    )
    tier = parser.add_mutually_exclusive_group()
    tier.add_argument("--full", dest="tier", action="store_const", const="full", default="default")
    tier.add_argument("--release", dest="tier", action="store_const", const="release")
    tier.add_argument("--nightly", dest="tier", action="store_const", const="nightly")
    chosen, for_pytest = parser.parse_known_args(arguments)
    os.environ["POTLUCK_TIER"] = chosen.tier
    totals: Counter[str] = Counter()
    started = time.monotonic()
    plan = stages(chosen.tier)
    with measured(chosen.tier) as figures:
        passed = run_pytest(for_pytest, totals) if for_pytest else run_all(plan, totals)
        print("\n".join(["", *table(figures), ""]) if figures else "", end="")
    print(f"── {chosen.tier} tier, {time.monotonic() - started:.0f} s")
    print(
        f"{totals['passed']} passed, {totals['failed']} failed, {totals['skipped']} skipped",
        flush=True,
    )
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
