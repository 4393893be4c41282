"""The mutation run: does each module's own test file notice when the module is wrong?

Strategy: mutants are drawn by a seed over all modules of core and engine. Each is tried in a
process of its own, forked from one that has loaded the tools and nothing of potluck: there the
import of the module yields the mutant, and pytest runs the module's own test file until the first
failure. A mutant whose tests do not end is killed by the clock, and counts as noticed.

Guarantees: no file of the checkout is touched. One seed, sample and commit try the same mutants.
Limits: a mutant may be equivalent, no test could notice it. Such ones are listed with their reasons
in `equivalent_mutants.txt` and never drawn.

Run it as `python -m tests.mutate [--sample N] [--seed N] [--module core/ring/ring.py …] [-j N]`.
"""

from __future__ import annotations

import argparse
import ast
import datetime
import importlib
import importlib.abc
import importlib.machinery
import os
import random
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, ModuleType

from tests.mutants import Mutant, mutants
from tests.own_coverage import PACKAGE, ROOT, modules, own_test

EQUIVALENT = Path(__file__).with_name("equivalent_mutants.txt")
LEAST_KILLED = 0.95
# Imported before the first fork, so that no mutant pays for it; nothing of potluck is among them.
TOOLS = [
    "hypothesis",
    "_hypothesis_pytestplugin",
    "msgspec",
    "blake3",
    "sqlite3",
    "pytest",
    "cryptography.x509",
    "cryptography.hazmat.primitives.asymmetric.ed25519",
]
# The last one: the tools are loaded before pytest could rewrite their asserts, which nobody needs.
PYTEST = [
    "-x",
    "-q",
    "--no-header",
    "-p",
    "no:cacheprovider",
    "--timeout=0",
    "-W",
    "ignore::pytest.PytestAssertRewriteWarning",
]
# A mutant may take this much longer than the module as it is before it counts as hanging: a busy
# machine is slow now and then, a loop without end is slow always.
PATIENCE, PATIENCE_S = 8.0, 5.0
MEMORY_BYTES = 4 << 30  # a mutant that eats memory is stopped before the machine is
UNMEASURED_S = 60.0  # for the run that says how long it takes
PROGRESS = 50  # mutants between two lines that say how far it is


@dataclass
class Module:
    """One module, its tree and its mutants."""

    path: Path
    tree: ast.Module = field(init=False)
    found: list[Mutant] = field(init=False)
    limit_s: float = UNMEASURED_S  # for one run of its tests

    def __post_init__(self) -> None:
        self.tree = ast.parse(self.path.read_text(encoding="utf-8"))
        known = equivalents()
        self.found = [m for m in mutants(self.tree) if f"{self.name}: {m.said()}" not in known]

    @property
    def name(self) -> str:
        """Its path in the package, `core/ring/ring.py`."""
        return self.path.relative_to(PACKAGE).as_posix()

    @property
    def dotted(self) -> str:
        """Its name for an import."""
        return ".".join(("potluck", *self.path.relative_to(PACKAGE).with_suffix("").parts))

    def code(self, mutant: Mutant | None) -> CodeType:
        """The module compiled, with a fault or without."""
        if mutant is not None:
            return mutant.code(self.tree, str(self.path))
        return compile(self.tree, str(self.path), "exec", dont_inherit=True)


def equivalents() -> set[str]:
    """The mutants that no test can notice: `core/x.py: before → after`; their reasons left off."""
    lines = EQUIVALENT.read_text(encoding="utf-8").splitlines()
    return {line.strip() for line in lines if "→" in line and not line.startswith("#")}


class Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Gives the mutant to whoever imports its module."""

    def __init__(self, module: Module, code: CodeType) -> None:
        self.module, self.code = module, code

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        """As importlib asks for it."""
        if fullname != self.module.dotted:
            return None
        return importlib.machinery.ModuleSpec(fullname, self, origin=str(self.module.path))

    def exec_module(self, module: ModuleType) -> None:
        """As importlib asks for it."""
        module.__file__ = str(self.module.path)
        exec(self.code, module.__dict__)


def in_child(module: Module, program: CodeType, folder: Path) -> None:
    """Run the module's own tests on a mutant; ends this process with pytest's exit code."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    said = os.open(folder / "said", os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    os.dup2(said, 1)
    os.dup2(said, 2)
    sys.stdout = sys.stderr = os.fdopen(said, "w")
    code = 3
    try:
        sys.meta_path.insert(0, Finder(module, program))
        test = own_test(module.path)
        code = int(
            importlib.import_module("pytest").main([*PYTEST, f"--basetemp={folder / 'tmp'}", test])
        )
    except BaseException:  # noqa: BLE001  (whatever it is, the process ends here and says it)
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code)


@dataclass
class Run:
    """One mutant being tried."""

    module: Module
    mutant: Mutant | None
    folder: tempfile.TemporaryDirectory[str]
    started_s: float
    pid: int


class Trials:
    """Tries mutants in several processes, never more than so many at once."""

    def __init__(self, processes: int) -> None:
        self.processes = processes
        self.runs: dict[int, Run] = {}
        self.survivors: list[str] = []
        self.tried = 0
        self.broken: list[str] = []  # modules whose tests fail as they are

    def __repr__(self) -> str:
        return f"Trials({self.tried} tried, {len(self.survivors)} survived, {len(self.runs)} now)"

    def go(self, plan: Iterable[tuple[Module, Mutant | None]]) -> None:
        """Try them all."""
        for module, mutant in plan:
            while len(self.runs) >= self.processes:
                self._wait()
            self._start(module, mutant)
        while self.runs:
            self._wait()

    def _start(self, module: Module, mutant: Mutant | None) -> None:
        code = module.code(mutant)  # here, since one that is no program would count as noticed
        folder = tempfile.TemporaryDirectory(prefix="mutant-")
        sys.stdout.flush()
        pid = os.fork()
        if pid == 0:
            in_child(module, code, Path(folder.name))
        self.runs[pid] = Run(module, mutant, folder, time.monotonic(), pid)

    def _wait(self) -> None:
        """Until one has ended or hung."""
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid:
                self._ended(self.runs.pop(pid), os.waitstatus_to_exitcode(status))
                return
            now = time.monotonic()
            for run in self.runs.values():
                if now - run.started_s > run.module.limit_s:
                    os.kill(run.pid, signal.SIGKILL)
            time.sleep(0.01)

    def _ended(self, run: Run, code: int) -> None:
        took_s = time.monotonic() - run.started_s
        if run.mutant is None:
            run.module.limit_s = PATIENCE_S + PATIENCE * took_s
            if code:
                said = (Path(run.folder.name) / "said").read_text("utf-8", "replace")
                self.broken.append(f"{own_test(run.module.path)} fails as it is:\n{said}")
        else:
            self.tried += 1
            if code == 0:
                place = f"src/potluck/{run.module.name}:{run.mutant.line}"
                self.survivors.append(f"{place}: {run.mutant.said()}")
            if self.tried % PROGRESS == 0:
                print(f"{self.tried} tried, {len(self.survivors)} survived", flush=True)
        run.folder.cleanup()


def draw(found: Sequence[Module], sample: int, seed: int) -> list[tuple[Module, Mutant]]:
    """So many mutants of these modules, drawn by a seed; in the order of the modules."""
    every = [(index, number) for index, m in enumerate(found) for number in range(len(m.found))]
    chosen = sorted(random.Random(seed).sample(every, min(sample, len(every))))
    return [(found[index], found[index].found[number]) for index, number in chosen]


def main(arguments: list[str]) -> int:
    """Try a sample of mutants and print the figure and the survivors; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutate")
    parser.add_argument("--sample", type=int, default=400, help="how many mutants are tried")
    today = datetime.date.today().toordinal()
    parser.add_argument("--seed", type=int, default=today, help="which ones; others each day")
    parser.add_argument("--module", action="append", default=[], help="only these: core/x.py …")
    parser.add_argument("-j", dest="processes", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args(arguments)
    os.chdir(ROOT)
    os.environ["POTLUCK_TIER"] = "default"  # what is measured is what everybody runs
    found = [Module(path) for path in modules()]
    if asked.module:
        found = [m for m in found if m.name in asked.module]
    chosen = draw(found, asked.sample, asked.seed)
    total = sum(len(m.found) for m in found)
    print(
        f"{len(chosen)} of {total} mutants of {len(found)} modules, seed {asked.seed}", flush=True
    )
    with tempfile.TemporaryDirectory(prefix="mutate-") as storage:
        os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = storage
        for name in TOOLS:
            importlib.import_module(name)
        trials = Trials(asked.processes)
        trials.go((m, None) for m in found if any(m is module for module, _ in chosen))
        if trials.broken:
            print("\n".join(trials.broken))
            return 2
        trials.go(chosen)
    print("\n".join(trials.survivors))
    killed = trials.tried - len(trials.survivors)
    share = killed / max(1, trials.tried)
    print(f"mutants: {killed} of {trials.tried} killed by their module's own tests, {share:.1%}")
    return int(share < LEAST_KILLED)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
