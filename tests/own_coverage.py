"""Law 10: every module of core and engine is covered, line and branch, by its own test file alone.

Strategy: as many pytest runs at a time as there are processors, each with a share of the test
files; there are more shares than processors, since nobody knows before how long each of them takes.
All modules are imported first, and what runs then is kept, since that part is the same whoever
imports them. Then, while the tests of `tests/core/ring/test_ring.py` and their fixtures run,
coverage looks at `core/ring/ring.py` and nothing else: with what the import ran it must be
complete.

Run it as `python -m tests.own_coverage [--plain] [pytest options]`. With `--plain` the same tests
run without anybody looking, which takes less than half the time: the default tier does so.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import coverage
import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "potluck"
LAYERS = ("core", "engine")
SHARE = "POTLUCK_COVERAGE_SHARE"  # in the environment of a process that judges: `0/2` and so on
CLOSING = re.compile(r"^=* ?((?:\d+ [a-z]+(?:, )?)+|no tests ran) in [\d.]+s")
SHARES_EACH = 4  # so many for each processor
PLAIN = "--plain"
WIRE, WIRE_WEIGHT = "tests.engine.wire", 8  # a line of such a file takes about so much longer
COUNT = re.compile(r"(\d+) (passed|failed|errors?|skipped|xfailed|xpassed|deselected)")


class OwnLook:
    """Lets coverage look only at the module whose own test file is at work, while one of its tests
    or fixtures runs. Looking at everything takes three times as long.
    """

    def __init__(self) -> None:
        self.looked: dict[Path, coverage.Coverage] = {}  # by module: what its own test file ran
        self.own: Path | None = None  # the module whose test file is at work
        self.look: Any = None  # what looks at it

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """A test and its fixtures run, of this file or of another one."""
        own = tested_by(item.path)
        if own != self.own:
            self.end()
            self._begin(own)
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self) -> Iterator[None]:
        """A fixture is made."""
        return (yield from self._looking())

    @pytest.hookimpl(wrapper=True)
    def pytest_pyfunc_call(self) -> Iterator[None]:
        """The test itself."""
        return (yield from self._looking())

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self) -> Iterator[None]:
        """What a fixture does after its test."""
        return (yield from self._looking())

    def end(self) -> None:
        """No test of that file comes any more."""
        if self.own is not None:
            self.looked[self.own].stop()
        self.own = self.look = None

    def _begin(self, own: Path | None) -> None:
        if own is None:
            return
        looked = self.looked.get(own) or looking_at("run:include", [own])
        looked.start()
        self.looked[own], self.own, self.look = looked, own, sys.gettrace()
        sys.settrace(None)

    def _looking(self) -> Iterator[None]:
        sys.settrace(self.look)
        try:
            return (yield)
        finally:
            sys.settrace(None)


def looking_at(option: str, what: Sequence[Path]) -> coverage.Coverage:
    """Return a coverage that looks at these, keeps nothing on disk, and is not begun."""
    cov = coverage.Coverage(data_file=None, branch=True)
    cov.set_option("run:source", None)
    cov.set_option(option, [str(path) for path in what])
    cov.set_option("run:core", "ctrace")  # the one that `sys.settrace` can rest
    # of a module that only defines things the import ran all
    cov.set_option("run:disable_warnings", ["no-data-collected"])
    return cov


def imported() -> coverage.CoverageData:
    """Import all modules, and return what ran: the part that is the same whoever imports them."""
    cov = looking_at("run:source", [PACKAGE / layer for layer in LAYERS])
    sys.path.insert(0, str(PACKAGE.parent))
    cov.start()
    for module in modules():
        dotted = ".".join(("potluck", *module.relative_to(PACKAGE).with_suffix("").parts))
        importlib.import_module(dotted)
    cov.stop()
    return cov.get_data()


def modules() -> list[Path]:
    """Every module the law is about."""
    found = (path for layer in LAYERS for path in (PACKAGE / layer).rglob("*.py"))
    return sorted(path for path in found if path.name != "__init__.py")


def own_test(module: Path) -> str:
    """The test file of a module, relative to the root: core/ring.py -> tests/core/test_ring.py."""
    inner = module.relative_to(PACKAGE)
    return (Path("tests") / inner.with_name(f"test_{inner.name}")).as_posix()


def tested_by(test: Path) -> Path | None:
    """The module of a test file, as far as there is one: tests/core/test_ring.py -> core/ring.py"""
    if not test.is_relative_to(ROOT / "tests") or not test.name.startswith("test_"):
        return None
    inner = test.relative_to(ROOT / "tests")
    module = PACKAGE / inner.with_name(inner.name.removeprefix("test_"))
    return module if inner.parts[0] in LAYERS and module.exists() else None


def gaps(cov: coverage.Coverage, module: Path, at_import: coverage.CoverageData) -> str:
    """What the module's own test file leaves uncovered, in words; empty when nothing."""
    arcs = at_import.arcs(str(module)) or []
    cov.get_data().add_arcs({str(module): arcs})
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        cov.json_report(morfs=[str(module)], outfile=str(report))
        (facts,) = json.loads(report.read_text(encoding="utf-8"))["files"].values()
    lines = ", ".join(str(line) for line in facts["missing_lines"])
    branches = ", ".join(
        f"{start}→{'exit' if end < 0 else end}"
        for start, end in facts["missing_branches"]
        if start not in facts["missing_lines"]
    )
    parts = {"lines": lines, "branches": branches}
    return "; ".join(f"{what} {numbers}" for what, numbers in parts.items() if numbers)


def test_files() -> list[Path]:
    """Every test file of core and engine."""
    return [path for layer in LAYERS for path in (ROOT / "tests" / layer).rglob("test_*.py")]


def weight(path: Path) -> int:
    """How long a test file takes, about: its size tells, and whether it plays whole engines."""
    text = path.read_text(encoding="utf-8")
    return len(text) * (WIRE_WEIGHT if WIRE in text else 1)


def shares(count: int) -> list[list[Path]]:
    """The test files in so many shares of about the same weight."""
    found: list[list[Path]] = [[] for _ in range(count)]
    weights = [0] * count
    for heavy, path in sorted((-weight(path), path) for path in test_files()):
        lightest = weights.index(min(weights))
        found[lightest].append(path)
        weights[lightest] -= heavy
    return found


def run(share: list[Path], arguments: list[str], *plugins: object) -> int:
    """Run these test files in this process; the exit code."""
    return int(pytest.main([*map(str, sorted(share)), *arguments], plugins=list(plugins)))


def judge(share: list[Path], arguments: list[str]) -> int:
    """Run these test files under coverage and judge the modules they are for; the exit code."""
    at_import, look = imported(), OwnLook()
    code = run(share, arguments, look)
    look.end()
    if code != pytest.ExitCode.OK:
        return code
    found = dict[str, str]()
    for module in modules():
        if ROOT / own_test(module) in share:
            cov = look.looked.get(module) or looking_at("run:include", [module])
            if text := gaps(cov, module, at_import):
                found[own_test(module)] = text
    for test, text in found.items():
        print(f"{test} does not cover its module alone: {text}")
    return 1 if found else 0


def one_share(number: int, count: int, arguments: list[str]) -> tuple[int, str]:
    """Run one of so many shares in a process of its own; its exit code, and what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.own_coverage", *arguments],
        cwd=ROOT,
        env={**os.environ, SHARE: f"{number}/{count}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return done.returncode, done.stdout.decode("utf-8", "replace")


def main(arguments: list[str]) -> int:
    """Run the tests of core and engine in several processes, each judging its share."""
    started = time.monotonic()
    named = [argument for argument in arguments if not argument.startswith("-")]
    if named:
        print(f"law 10 is about every test file of core and engine; leave off: {' '.join(named)}")
        return 2
    processors = os.cpu_count() or 1
    count = processors * SHARES_EACH
    with ThreadPoolExecutor(processors) as pool:
        ended = list(pool.map(lambda number: one_share(number, count, arguments), range(count)))
    codes, texts = zip(*ended, strict=True)
    print("".join(texts), end="")
    counts = sum(map(outcomes, texts), Counter[str]())
    if any(codes):
        print("law 10: a test failed, or a module is not covered by its own test file")
    elif PLAIN in arguments:
        print("law 10: not looked at; python3 pot.py test --full does")
    else:
        print(f"law 10: each of {len(modules())} modules is covered 100 % by its own test file")
    said = ", ".join(f"{number} {word}" for word, number in counts.items())
    print(f"{said or 'no tests ran'} in {time.monotonic() - started:.2f}s")
    return max(codes)


def outcomes(text: str) -> Counter[str]:
    """What pytest counted in its closing lines: passed, failed, …"""
    found: Counter[str] = Counter()
    for line in text.splitlines():
        if closing := CLOSING.match(line):
            found.update({word: int(number) for number, word in COUNT.findall(closing[1])})
    return found


if __name__ == "__main__":
    if SHARE in os.environ:
        number, _, count = os.environ[SHARE].partition("/")
        share = shares(int(count))[int(number)]
        options = [option for option in sys.argv[1:] if option != PLAIN]
        sys.exit(run(share, options) if PLAIN in sys.argv else judge(share, options))
    sys.exit(main(sys.argv[1:]))
