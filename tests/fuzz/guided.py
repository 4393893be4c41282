"""Fuzzing that looks at coverage (atheris): one decoder after the other, each in its own process.

Strategy: `atheris.Fuzz()` never returns, and only what is imported after atheris can be watched; so
`tests.fuzz.guided_decoder` is a program for one decoder, and this module starts one for each, gives
each the same time, and adds up what they report. The oracle is that of the campaign: a value or a
refusal of the decoder's own. Guarantees: an input that breaks it is in the corpus when this ends,
and its finding ends with the line that plays it again; a process that dies is a finding too.
Limits: atheris is not among the pinned packages (docs/decisions/013-guided-fuzzing.md), so
`why_not` has to be asked first; the time is that of the processor for fuzzing, and each start costs
seconds besides.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.fuzz.campaign import Campaign, replay_line
from tests.fuzz.decoders import CORPUS

DECODERS = "tests.fuzz.decoders"  # the module whose TARGETS are meant
START_S = 120.0  # at most, to load a decoder and end it, on a busy machine
ROOT = Path(__file__).parents[2]
SLOW = 20  # times as long as its seconds of the processor a decoder may take
TAIL_LINES = 12  # of what a process said that died
INSTALL = (
    ".venv/bin/python -m pip install --require-hashes --no-deps --only-binary :all: "
    "-r requirements/guided.lock"
)


def why_not() -> str:
    """Return what to say where atheris is not installed; empty where it is."""
    if importlib.util.find_spec("atheris") is not None:
        return ""
    return (
        "potluck: Guided fuzzing needs atheris, which is not installed.\n"
        "  why:  it has wheels for Linux on x86-64 with glibc only, so no lock asks for it\n"
        f"  next: {INSTALL}\n"
        "        (or without --guided, which needs nothing)"
    )


def run_guided(
    names: Sequence[str],
    seconds: float,
    seed: int,
    corpus: Path = CORPUS,
    decoders: str = DECODERS,
) -> Campaign:
    """Fuzz each of these for its part of the time; the sum of what was tried and found."""
    whole = Campaign()
    for name in names:
        whole.add(_run_one(name, seconds / len(names), seed, corpus, decoders))
    return whole


def guided_words(campaign: Campaign) -> str:
    """Say in one line what was tried."""
    return (
        f"guided: {campaign.counts.total():,} inputs of {len(campaign.counts)} decoders, "
        f"{campaign.taken:,} taken, {len(campaign.findings)} uncaught"
    )


def _run_one(name: str, seconds: float, seed: int, corpus: Path, decoders: str) -> Campaign:
    kept = corpus / name.replace(" ", "-")
    before = set(kept.glob("*"))
    with tempfile.TemporaryDirectory() as work:
        report = Path(work, "report")
        command = [sys.executable, "-P", "-m", "tests.fuzz.guided_decoder", decoders, name]
        command += [str(seconds), str(seed), str(corpus.resolve()), work]
        ended = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            cwd=ROOT,
            timeout=seconds * SLOW + START_S,
            check=False,
        )
        if ended.returncode == 0:
            said = json.loads(report.read_bytes())
            one = Campaign(findings=said["findings"], taken=said["taken"])
            one.counts[name] = said["inputs"]
            return one
    # the process itself died: libFuzzer has put the input beside the others, if it was one
    lines = ended.stdout.decode("utf-8", "replace").splitlines()[-TAIL_LINES:]
    fresh = sorted(set(kept.glob("*")) - before)
    again = [replay_line(name, path) for path in fresh]
    finding = [f"{name}: the process ended with {ended.returncode}", *lines, *again]
    return Campaign(findings=["\n  ".join(finding)])
