"""A campaign: as many mutants as fit in a time, over every decoder in turn.

Strategy: each target has its own source of inputs, from one seed; the slow ones get as much time as
the fast ones, in short turns. An input that makes a decoder raise what it must not is written into
the corpus, under the name of what it raised, and the campaign goes on. Guarantees: the seed and the
time are all there is to choose; the exit is told by the findings. Limits: own mutation, blind to
coverage (no atheris: it is not among the pinned packages); one process.
"""

from __future__ import annotations

import hashlib
import resource
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.fuzz.decoders import CORPUS, Target, check
from tests.fuzz.mutation import inputs

TURN_S = 0.25  # of one target, then the next


@dataclass(slots=True)
class Campaign:
    """What was tried and found."""

    counts: Counter[str] = field(default_factory=Counter)  # inputs by target
    taken: int = 0  # of these, not refused
    findings: list[str] = field(default_factory=list)
    grown_bytes: int = 0  # of the largest memory this process had

    def __str__(self) -> str:
        """Say it in one line."""
        total, kinds = self.counts.total(), len(self.counts)
        grown = self.grown_bytes // 2**20
        return (
            f"S1: {total:,} inputs of {kinds} decoders, {self.taken:,} taken, "
            f"{len(self.findings)} uncaught, memory grew by {grown} MiB"
        )


def run(targets: Iterable[Target], seconds: float, seed: int, corpus: Path = CORPUS) -> Campaign:
    """Try for so long; what is found is kept in the corpus."""
    campaign, end_s = Campaign(), time.monotonic() + seconds
    sources = [
        (target, inputs(target.seeds, Random(f"{seed} {target.name}"))) for target in targets
    ]
    warm_bytes = 0
    while time.monotonic() < end_s:
        for target, source in sources:
            turn_s = min(time.monotonic() + TURN_S, end_s)
            while time.monotonic() < turn_s:
                _try(campaign, target, next(source), corpus)
        warm_bytes = warm_bytes or _most_memory_bytes()
    campaign.grown_bytes = _most_memory_bytes() - warm_bytes
    return campaign


def _try(campaign: Campaign, target: Target, data: bytes, corpus: Path) -> None:
    campaign.counts[target.name] += 1
    try:
        campaign.taken += check(target, data)
    except Exception as error:  # noqa: BLE001 # house: whatever it is, that is the finding
        folder = corpus / target.name.replace(" ", "-")
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{type(error).__name__}-{hashlib.sha256(data).hexdigest()[:8]}"
        (folder / name).write_bytes(data)
        campaign.findings.append(f"{target.name}: {type(error).__name__} ({folder / name})")


def _most_memory_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
