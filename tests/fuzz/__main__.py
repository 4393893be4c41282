"""Fuzzing by hand: `python3 pot.py fuzz [--guided] [--minutes N] [--seed N] [--only TARGET]…`.

Strategy: a campaign (tests/fuzz/campaign.py) with a seed of its own each time, unless one is given;
`--guided` looks at coverage (tests/fuzz/guided.py). `--only TARGET --replay FILE` plays one input
again and shows the traceback. Guarantees: exit code 0 only if nothing was found; what was found is
in tests/fuzz/corpus, where the tests will try it first from then on.
"""

from __future__ import annotations

import argparse
import secrets
import sys
from pathlib import Path

from tests.fuzz.campaign import run
from tests.fuzz.decoders import TARGETS, check
from tests.fuzz.guided import guided_words, run_guided, why_not


def main(arguments: list[str]) -> int:
    """Fuzz for as long as is asked; return the exit code."""
    chosen = _parsed(arguments)
    names = chosen.only or list(TARGETS)
    if chosen.replay is not None:
        taken = check(TARGETS[names[0]], chosen.replay.read_bytes())
        print(f"{names[0]}: {'taken' if taken else 'refused, as it should be'}")
        return 0
    if chosen.guided and (said := why_not()):
        print(said, file=sys.stderr)
        return 1
    seed = secrets.randbits(31) if chosen.seed is None else chosen.seed
    how = "guided by coverage (atheris)" if chosen.guided else "own mutation"
    print(f"seed {seed}, {how}", flush=True)
    if chosen.guided:
        campaign = run_guided(names, 60 * chosen.minutes, seed)
    else:
        campaign = run([TARGETS[name] for name in names], 60 * chosen.minutes, seed)
    for finding in campaign.findings:
        print(finding)
    print(guided_words(campaign) if chosen.guided else campaign)
    return 1 if campaign.findings else 0


def _parsed(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python3 pot.py fuzz", description=(__doc__ or "").split(":", 1)[0]
    )
    parser.add_argument("--minutes", type=float, default=1.0, help="how long (1)")
    parser.add_argument("--seed", type=int, default=None, help="to repeat a campaign")
    parser.add_argument("--only", action="append", choices=sorted(TARGETS), help="these decoders")
    parser.add_argument("--guided", action="store_true", help="look at coverage (atheris)")
    parser.add_argument("--replay", type=Path, default=None, help="one input, of --only TARGET")
    chosen = parser.parse_args(arguments)
    if chosen.replay is not None and len(chosen.only or ()) != 1:
        parser.error("--replay needs --only TARGET, once")
    return chosen


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
