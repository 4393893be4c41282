"""Fuzzing by hand: `python3 pot.py fuzz [--minutes N] [--seed N] [--only TARGET]…`.

Strategy: a campaign (tests/fuzz/campaign.py) with a seed of its own each time, unless one is given.
Guarantees: exit code 0 only if nothing was found; what was found is in tests/fuzz/corpus, where the
tests will try it first from then on.
"""

from __future__ import annotations

import argparse
import secrets
import sys

from tests.fuzz.campaign import run
from tests.fuzz.decoders import TARGETS


def main(arguments: list[str]) -> int:
    """Fuzz for as long as is asked; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python3 pot.py fuzz", description=(__doc__ or "").split(":", 1)[0]
    )
    parser.add_argument("--minutes", type=float, default=1.0, help="how long (1)")
    parser.add_argument("--seed", type=int, default=None, help="to repeat a campaign")
    parser.add_argument("--only", action="append", choices=sorted(TARGETS), help="these decoders")
    chosen = parser.parse_args(arguments)
    seed = secrets.randbits(32) if chosen.seed is None else chosen.seed
    print(f"seed {seed}", flush=True)
    names = chosen.only or list(TARGETS)
    campaign = run([TARGETS[name] for name in names], 60 * chosen.minutes, seed)
    for finding in campaign.findings:
        print(finding)
    print(campaign)
    return 1 if campaign.findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
