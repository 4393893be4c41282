"""One-line sabotages of what keeps files from being lost, and the test that notices each.

Strategy: a sabotage is a text of one module of the program that stands there exactly once, what
takes its place, and one test. It is tried on a copy of `src`: there that test must fail, and on an
untouched copy all of them pass. Guarantees: no file of the checkout is touched; a text that is no
longer there is a failure. Limits: some lines that matter most, chosen by hand; `tests/mutate.py`
draws from all of them.

By hand: `python -m tests.sabotage [words of a name]`.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PATIENCE_S = 240.0
FAILED = 1  # what pytest returns if a test failed, and nothing else was wrong


@dataclass(frozen=True, slots=True)
class Sabotage:
    """One line that is another one."""

    name: str
    module: str  # below src/potluck/engine
    text: str
    instead: str
    test: str  # below tests

    def __str__(self) -> str:
        """As in the name of a test."""
        return self.name


SABOTAGES = [
    Sabotage(
        "commit order: place before the intent is durable",
        "others/commits.py",
        "self._node.when_durable([Place(number, items, own)])",
        "self._node.do(Place(number, items, own))",
        "engine/others/test_commits.py::test_nothing_is_placed_before_its_intent_is_on_the_disk",
    ),
    Sabotage(
        "commit order: the intent goes and no row is written",
        "others/commits.py",
        "        self._record(done)\n        forget_lost",
        "        forget_lost",
        "engine/others/test_commits.py::test_what_stands_is_written_down_and_the_intent_goes",
    ),
    Sabotage(
        "commit order: what goes does not wait for what needs it",
        "others/commits.py",
        "bool(self._lasts) and not deciding and self._node.now >= self._remove_s",
        "bool(self._lasts)",
        "engine/others/test_commits.py::test_removals_wait_for_what_may_still_need_them",
    ),
    Sabotage(
        "intents: none is written",
        "others/commits.py",
        "self._node.index.intents.open(number, items)",
        "pass",
        "engine/others/test_commits.py::test_nothing_is_placed_before_its_intent_is_on_the_disk",
    ),
    Sabotage(
        "intents: one that nobody looked at counts as settled",
        "others/unsettled.py",
        "if not event.looked and event.batch in self._batches:",
        "if False:",
        "engine/others/test_unsettled.py::test_on_a_share_that_is_away_they_wait_until_it_is_back",
    ),
    Sabotage(
        "breakers: nothing is a mass",
        "../core/content/breakers.py",
        "if lost.files <= MASS_FILES:",
        "if lost.files >= 0:",
        "core/content/test_breakers.py::"
        "test_much_is_more_than_20_files_and_more_than_a_quarter_of_files_or_bytes",
    ),
    Sabotage(
        "breakers: the owner's holds nothing",
        "own/owners_breaker.py",
        "            self.held.hold(taken | held)",
        "            self.held.hold(taken)",
        "engine/own/test_owners_breaker.py::"
        "test_a_wiped_folder_is_held_and_told_and_everything_else_goes_on",
    ),
    Sabotage(
        "breakers: the receiver's holds nothing",
        "others/loss_breaker.py",
        "self.held.hold(name, head.seq, lost.values())",
        "pass",
        "engine/others/test_loss_breaker.py::test_many_deletes_at_once_are_held_and_told_once",
    ),
    Sabotage(
        "breakers: a confirm covers what came later",
        "../core/content/loss_confirms.py",
        "return one_line and origin.change <= confirmed.seq",
        "return one_line",
        "core/content/test_loss_confirms.py::"
        "test_what_was_lost_up_to_that_head_is_covered_and_nothing_later",
    ),
    Sabotage(
        "reconcile: damage is an edit, and is shared",
        "../core/content/reconcile.py",
        "return Verdict.DAMAGE if known else Verdict.EDIT",
        "return Verdict.EDIT",
        "core/content/test_reconcile.py::test_another_content_under_the_same_stat_is_damage",
    ),
    Sabotage(
        "reconcile: the old content goes before the new one is here",
        "../core/content/reconcile.py",
        "return Decision(Act.PLACE, source) if source else Decision(Act.FETCH)",
        "return Decision(Act.PLACE, source) if source else Decision(Act.REMOVE)",
        "core/content/test_reconcile.py::test_the_disk_follows_the_manifest",
    ),
    Sabotage(
        "reconcile: whole seconds prove a rename",
        "../core/content/reconcile.py",
        " and stat.mtime_ns % _SECOND_NS != 0",
        "",
        "core/content/test_reconcile.py::test_whole_seconds_come_from_archives_and_prove_nothing",
    ),
    Sabotage(
        "generations: every newer head is followed",
        "others/forked_heads.py",
        "return continues(head, held) or is_decision(head.generation, held.generation)",
        "return True",
        "engine/others/test_forked_heads.py::test_what_is_followed_and_what_is_a_fork",
    ),
    Sabotage(
        "generations: a run does not name the one before it",
        "own/lineage.py",
        "        self._add([run_end(head)])\n",
        "        pass\n",
        "engine/own/test_lineage.py::test_ended_runs_are_known_and_named_the_newest_first",
    ),
    Sabotage(
        "generations: a merged state is not named",
        "own/lineage.py",
        "self._add([run_end(head), *head.continues])",
        "pass",
        "engine/own/test_lineage.py::test_a_lost_state_is_had_once_it_was_merged_over_restarts",
    ),
]


def copied(folder: Path) -> Path:
    """Return a copy of the sources."""
    return Path(shutil.copytree(ROOT / "src", folder / "src"))


def sabotaged(source: Path, sabotage: Sabotage) -> Path:
    """Build a sabotage into a copy; return the module."""
    module = (source / "potluck" / "engine" / sabotage.module).resolve()
    text = module.read_text("utf-8")
    found = text.count(sabotage.text)
    assert found == 1, f"{sabotage.name}: its text is {found} times in {sabotage.module}"
    module.write_text(text.replace(sabotage.text, sabotage.instead), "utf-8")
    return module


def run(source: Path, *tests: str) -> subprocess.CompletedProcess[str]:
    """Run some tests over a copy of the sources."""
    tried = [f"tests/{test}" for test in dict.fromkeys(tests)]
    options = ["-q", "-x", "--no-header", "-p", "no:cacheprovider", "-o", f"pythonpath={source} ."]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *options, *tried],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def main(words: list[str]) -> int:
    """Try those whose names have all the words; return the exit code."""
    missed = 0
    for sabotage in SABOTAGES:
        if not all(word in sabotage.name for word in words):
            continue
        with tempfile.TemporaryDirectory(prefix="potluck-sabotage-") as folder:
            source = copied(Path(folder))
            sabotaged(source, sabotage)
            noticed = run(source, sabotage.test).returncode == FAILED
        missed += not noticed
        print(f"{'noticed' if noticed else 'MISSED'}: {sabotage.name}", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
