"""A campaign: as many mutants as fit in a time, over every decoder in turn.

Strategy: each target has its own source of inputs, from one seed; the slow ones get as much time as
the fast ones, in short turns. An input that makes a decoder raise what it must not is written into
the corpus, under the name of what it raised, and the campaign goes on. Guarantees: the seed and the
time are all there is to choose, and how many inputs are enough; the exit is told by the findings.
Several processes make one campaign, each from a seed of its own. Limits: own mutation, blind to
coverage; tests/fuzz/guided.py looks at it.
"""

from __future__ import annotations

import hashlib
import math
import multiprocessing
import resource
import shlex
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.fuzz.decoders import CORPUS, TARGETS, Target, check
from tests.fuzz.mutation import inputs

TURN_S = 0.25  # of one target, then the next


@dataclass(slots=True)
class Campaign:
    """What was tried and found."""

    counts: Counter[str] = field(default_factory=Counter)  # inputs by target
    taken: int = 0  # of these, not refused
    findings: list[str] = field(default_factory=list)
    grown_bytes: int = 0  # of the largest memory a process had

    def add(self, other: Campaign) -> None:
        """Count also what another one tried and found."""
        self.counts += other.counts
        self.taken += other.taken
        self.findings += other.findings
        self.grown_bytes = max(self.grown_bytes, other.grown_bytes)

    def __str__(self) -> str:
        """Say it in one line."""
        total, kinds = self.counts.total(), len(self.counts)
        grown = self.grown_bytes // 2**20
        return (
            f"S1: {total:,} inputs of {kinds} decoders, {self.taken:,} taken, "
            f"{len(self.findings)} uncaught, memory grew by {grown} MiB"
        )


def run(
    targets: Iterable[Target],
    seconds: float,
    seed: int,
    corpus: Path = CORPUS,
    enough: float = math.inf,
) -> Campaign:
    """Try for so long, or until that is enough; what is found is kept in the corpus."""
    campaign, end_s = Campaign(), time.monotonic() + seconds
    sources = [
        (target, inputs(target.seeds, Random(f"{seed} {target.name}"))) for target in targets
    ]
    warm_bytes = 0
    while time.monotonic() < end_s and campaign.counts.total() < enough:
        for target, source in sources:
            turn_s = min(time.monotonic() + TURN_S, end_s)
            while time.monotonic() < turn_s:
                _try(campaign, target, next(source), corpus)
        warm_bytes = warm_bytes or _most_memory_bytes()
    campaign.grown_bytes = _most_memory_bytes() - warm_bytes
    return campaign


def run_side_by_side(
    names: Sequence[str], seconds: float, seeds: Sequence[int], corpus: Path, enough: int
) -> Campaign:
    """Run as many campaigns as there are seeds at once, which have `enough` together; their sum."""
    spawn = multiprocessing.get_context("spawn")  # a fork would begin with our memory and threads
    with ProcessPoolExecutor(len(seeds), mp_context=spawn) as pool:
        each = math.ceil(enough / len(seeds))
        running = [pool.submit(_run_named, names, seconds, seed, corpus, each) for seed in seeds]
        whole = Campaign()
        for one in running:
            whole.add(one.result())
    return whole


def _run_named(
    names: Sequence[str], seconds: float, seed: int, corpus: Path, enough: int
) -> Campaign:
    return run([TARGETS[name] for name in names], seconds, seed, corpus, enough)


def _try(campaign: Campaign, target: Target, data: bytes, corpus: Path) -> None:
    campaign.counts[target.name] += 1
    try:
        campaign.taken += check(target, data)
    except Exception as error:  # noqa: BLE001 # house: whatever it is, that is the finding
        campaign.findings.append(keep(corpus, target.name, data, error))


def folder_of(corpus: Path, name: str) -> Path:
    """Return the folder for the inputs of a target; it is made."""
    folder = corpus / name.replace(" ", "-")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def keep(corpus: Path, name: str, data: bytes, error: Exception) -> str:
    """Keep what did harm in the corpus; return what is said of it, and how it is played again."""
    kind = type(error).__name__
    path = folder_of(corpus, name) / f"{kind}-{hashlib.sha256(data).hexdigest()[:8]}"
    path.write_bytes(data)
    return f"{name}: {kind}\n  {replay_line(name, path)}"


def replay_line(name: str, path: Path) -> str:
    """Return the command that plays one input again."""
    return (
        f"again: python3 pot.py fuzz --only {shlex.quote(name)} --replay {shlex.quote(str(path))}"
    )


def _most_memory_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
