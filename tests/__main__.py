"""Runs the tests, what fails soonest first: `python3 pot.py test [--full | --release | --nightly]
[pytest arguments]`.

Strategy: stages, cheapest first, side by side (tests/lanes.py), since most stages wait more than
they compute; the first stage that fails ends the run. What a stage prints is shown whole when it
ends. On a slow machine the full tier leaves out the last of very many drawn runs (`VOLUME_S`), and
says how many; on a very slow one whole stages that had not begun (`LAST_BEGINS_S`), and names them,
for else the run would be ended from outside. A stage whose folder holds no test is left out.
Everything runs in its own process, so that no stage can leave something behind for the next. With
paths or options for pytest only pytest runs, on exactly that. Beyond the default tier the figures
that tests have measured (tests/figures.py) come before the end. The last line sums up every stage:
`N passed, N failed, N skipped`.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO

from tests.figures import VARIABLE, table
from tests.hostile.parts import unmeasured
from tests.lanes import Kind, Stage, can_be_apart, command, next_of
from tests.own_coverage import outcomes

TESTS = Path(__file__).resolve().parent
ROOT = TESTS.parent
NO_TESTS_COLLECTED = 5
PYTEST = ("-m", "pytest", "-q", "--no-header")
LOOK_S = 0.05  # between two looks at the stages
VOLUME_S = 3_300.0  # of the full tier: after that no more of many drawn runs begin
LAST_BEGINS_S = 4_500.0  # of the full tier: that is to be over after 90 min, however slow it is
ALONE_S = 900.0  # so much earlier begins what is alone: the measured attacks take 27 min
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
PURE = Stage("core + engine", ("-m", "tests.own_coverage", *PYTEST[2:]), kind="alone")
PURE_PLAIN = replace(PURE, arguments=(*PURE.arguments, "--plain"))  # for the default tier
MUTANTS = Stage("mutants", ("-m", "tests.mutate"), tests=False, kind="alone")
# Top-level test files that start whole programs; the others there are the laws of the house.
PROGRAMS = {
    "tests/test_backups.py",
    "tests/test_daemon.py",
    "tests/test_ending_devices.py",
    "tests/test_damaged_index.py",
    "tests/test_folding_disk.py",
    "tests/test_ignoring.py",
    "tests/test_older_folder.py",
    "tests/test_pot.py",
    "tests/test_renewing.py",
    "tests/test_service.py",
    "tests/test_trash_of_two.py",
    "tests/test_unwanted_devices.py",
    "tests/test_why_devices.py",
}
# Folders of more than one stage, and the files of each: no process has all of a long folder to
# itself while nothing else is left. What no part names is in the stage that has the name of its
# folder. What measures how fast an honest pair is has the machine to itself, and nothing else has.
PARTS: Mapping[str, Mapping[str, Collection[str]]] = {
    "sim": {
        "sim, seeds": {"test_seeds.py"},
        "sim, truth": {"test_truth.py"},
        "sim, disks": {"test_seeds_of_disks.py"},
        "sim, lives": {"test_seeds_of_lives.py"},
        "sim, lies": {"test_liars.py", "test_removals.py"},
    },
    "lan": {"lan, losses": {"test_lost_folders.py", "test_mounts.py", "test_stale_disks.py"}},
    "torture": {"torture, kills": {"test_kills.py"}},
    "hostile": {"hostile, guards": unmeasured()},
}
# Stages of folders that do not compute; what measures how fast an honest pair is beside a hostile
# member is alone.
KINDS: Mapping[str, Kind] = {
    **dict.fromkeys(("programs", "faces", "lan", "lan, losses"), "waits"),
    **dict.fromkeys(("torture", "torture, kills", "hostile, guards"), "waits"),
    "hostile": "alone",
}
# Real devices on this machine's own network, mostly with an open door.
MEET = {"programs", "hostile", "hostile, guards", "torture", "torture, kills", "faces"}
# What is cheap comes first, then of each kind what takes long, so that all end at about one time.
ORDER = (
    *("lint", "format", "layers", "house"),
    *("types", "config", "contract"),  # beside the house: what comes next has all to itself
    "core + engine",
    *("lan", "hostile, guards", "programs", "lan, losses", "torture, kills", "torture", "faces"),
    # first the drawn runs that make one figure (R6), as long as there is time for many
    *(
        "sim, seeds",
        "sim, disks",
        "sim, lives",
        "sim, truth",
        "sim, lies",
        "sim",
        "laws",
        "fuzz",
        "shells",
    ),
    *("browser", "interop"),
    *("hostile", "bench", "mutants"),
)
FULL = {"torture", "torture, kills", "hostile", "hostile, guards", "interop"}  # from there on
ONLY = {"release": {"bench"}, "nightly": {"mutants"}}


def test_files(folder: Path) -> list[str]:
    """The test files below a folder, relative to the root."""
    return sorted(path.relative_to(ROOT).as_posix() for path in folder.rglob("test_*.py"))


def folder_stage(name: str, *tests: str) -> Stage:
    """The stage of this name, and of the kind that the name has, that runs these tests."""
    kind = KINDS.get(name, "computes")
    return Stage(name, (*PYTEST, *tests), kind=kind, meets=name in MEET)


def folder_stages(folder: str) -> list[Stage]:
    """The stages of a folder of tests: each of its test files is in one of them."""
    top = f"tests/{folder}"
    if folder not in PARTS:
        return [folder_stage(folder, top)] if test_files(ROOT / top) else []
    parts = {part: {f"{top}/{name}" for name in names} for part, names in PARTS[folder].items()}
    rest = set(test_files(ROOT / top)).difference(*parts.values())
    return [folder_stage(name, *sorted(files)) for name, files in {folder: rest, **parts}.items()]


def stages(tier: str) -> list[Stage]:
    """The stages of a tier, in order, without those that hold no test."""
    top = sorted(path.relative_to(ROOT).as_posix() for path in TESTS.glob("test_*.py"))
    found = [
        *TOOLS,
        Stage("house", (*PYTEST, *(name for name in top if name not in PROGRAMS))),
        TYPES,
        PURE_PLAIN if tier == "default" else PURE,
        folder_stage("programs", *(name for name in top if name in PROGRAMS)),
        MUTANTS,
        *(stage for name in ORDER for stage in folder_stages(name)),
    ]
    absent = (FULL if tier == "default" else set()).union(
        *(names for only, names in ONLY.items() if only != tier)
    )
    wanted = [stage for stage in found if stage.name not in absent]
    return sorted(wanted, key=lambda stage: ORDER.index(stage.name))


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
            command([sys.executable, *stage.arguments]),
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


def is_late(stage: Stage, until_s: float) -> bool:
    """Whether a stage may not begin any more."""
    return time.monotonic() >= until_s - (ALONE_S if stage.kind == "alone" else 0.0)


def run_all(plan: Sequence[Stage], totals: Counter[str], until_s: float = math.inf) -> bool:
    """Run the stages in order, side by side, until one fails; whether all passed.

    After `until_s`, monotonic, none begins any more: those are said to be not run.
    """
    waiting, running = list(plan), list[Running]()
    passed = True
    try:
        while passed and (waiting or running):
            if late := [stage for stage in waiting if is_late(stage, until_s)]:
                names = ", ".join(stage.name for stage in late)
                print(f"── NOT RUN, since too little time of the tier is left: {names}", flush=True)
                waiting = [stage for stage in waiting if stage not in late]
            while stage := next_of(waiting, [one.stage for one in running], apart=can_be_apart()):
                waiting.remove(stage)
                running.append(Running(stage))
            for one in [one for one in running if one.process.poll() is not None]:
                running.remove(one)
                passed &= one.ended(totals)
            time.sleep(LOOK_S)
    finally:
        for one in running:
            one.stop()
    return passed


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
    if chosen.tier == "full" and not for_pytest:
        os.environ["POTLUCK_VOLUME_UNTIL"] = str(time.time() + VOLUME_S)
    totals: Counter[str] = Counter()
    started = time.monotonic()
    plan = stages(chosen.tier)
    with measured(chosen.tier) as figures:
        until_s = started + LAST_BEGINS_S if chosen.tier == "full" else math.inf
        passed = run_pytest(for_pytest, totals) if for_pytest else run_all(plan, totals, until_s)
        print("\n".join(["", *table(figures), ""]) if figures else "", end="")
    print(f"── {chosen.tier} tier, {time.monotonic() - started:.0f} s")
    print(
        f"{totals['passed']} passed, {totals['failed']} failed, {totals['skipped']} skipped",
        flush=True,
    )
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
