"""Law 10: every module of core and engine is covered, line and branch, by its own test file alone.

Strategy: one pytest run for all of them. Coverage keeps a *context* with each line; the plugin
below switches it to the test file whose collection, fixtures or test is running. All modules are
imported first, in the context `import`, since that part is the same whoever imports them. Then
`core/ring.py` must be complete looking only at what ran in the contexts `import` and
`tests/core/test_ring.py`.

Run it as `python -m tests.own_coverage [pytest arguments]`.
"""

from __future__ import annotations

import importlib
import json
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import coverage
import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "potluck"
LAYERS = ("core", "engine")


class ContextSwitch:
    """Tells coverage which test file is at work."""

    def __init__(self, cov: coverage.Coverage) -> None:
        self.cov = cov

    def _enter(self, path: Path) -> None:
        inside = path.is_relative_to(ROOT)
        self.cov.switch_context(path.relative_to(ROOT).as_posix() if inside else "elsewhere")

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self, collector: pytest.Collector) -> Iterator[None]:
        """While a file is collected, what runs is counted as its own."""
        if isinstance(collector, pytest.File):
            self._enter(collector.path)
        result = yield
        self.cov.switch_context("elsewhere")
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """While a test and its fixtures run, what runs is counted as its file's own."""
        self._enter(item.path)
        result = yield
        self.cov.switch_context("elsewhere")
        return result


def modules() -> list[Path]:
    """Every module the law is about."""
    found = (path for layer in LAYERS for path in (PACKAGE / layer).rglob("*.py"))
    return sorted(path for path in found if path.name != "__init__.py")


def own_test(module: Path) -> str:
    """The test file of a module, relative to the root: core/ring.py -> tests/core/test_ring.py."""
    inner = module.relative_to(PACKAGE)
    return (Path("tests") / inner.with_name(f"test_{inner.name}")).as_posix()


def gaps(cov: coverage.Coverage, module: Path) -> str:
    """What the module's own test file leaves uncovered, in words; empty when nothing."""
    contexts = ["^import$", f"^{re.escape(own_test(module))}$"]
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        cov.json_report(morfs=[str(module)], outfile=str(report), contexts=contexts)
        (facts,) = json.loads(report.read_text(encoding="utf-8"))["files"].values()
    lines = ", ".join(str(line) for line in facts["missing_lines"])
    branches = ", ".join(
        f"{start}→{'exit' if end < 0 else end}"
        for start, end in facts["missing_branches"]
        if start not in facts["missing_lines"]
    )
    parts = [f"lines {lines}" if lines else "", f"branches {branches}" if branches else ""]
    return "; ".join(part for part in parts if part)


def main(arguments: list[str]) -> int:
    """Run the tests of core and engine under coverage and judge each module; the exit code."""
    folders = [f"tests/{layer}" for layer in LAYERS if (ROOT / "tests" / layer).is_dir()]
    cov = coverage.Coverage(
        data_file=None, branch=True, source=[str(PACKAGE / layer) for layer in LAYERS]
    )
    # the only one that knows contexts on every Python we support
    cov.set_option("run:core", "ctrace")
    cov.start()
    cov.switch_context("import")
    for module in modules():
        dotted = ".".join(("potluck", *module.relative_to(PACKAGE).with_suffix("").parts))
        importlib.import_module(dotted)
    cov.switch_context("elsewhere")
    code = int(pytest.main([*folders, *arguments], plugins=[ContextSwitch(cov)]))
    cov.stop()
    if code not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        return code
    found = {own_test(module): text for module in modules() if (text := gaps(cov, module))}
    for test, text in found.items():
        print(f"{test} does not cover its module alone: {text}")
    if found:
        print(
            f"law 10: {len(found)} of {len(modules())} modules are not covered by their own test file"
        )
        return 1
    print(f"law 10: each of {len(modules())} modules is covered 100 % by its own test file")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
