"""Torture by hand: `python3 pot.py torture [--cycles N] [--seed S] [--folder DIR]`.

Strategy: one run (tests/torture/run.py) with a seed of its own each time, unless one is given.
Guarantees: exit code 0 only if nothing was lost; on a fault the line that plays it again is
printed, and the trees are kept. Ctrl-C ends the devices, too.
"""

from __future__ import annotations

import argparse
import secrets
import shutil
import sys
import tempfile
from pathlib import Path

from tests.torture.run import Torture
from tests.torture.survivor import Fault


def main(arguments: list[str]) -> int:
    """Torture for as long as is asked; the exit code."""
    parser = argparse.ArgumentParser(
        prog="python3 pot.py torture", description=(__doc__ or "").split(":", 1)[0]
    )
    parser.add_argument("--cycles", type=int, default=200, help="how many (200)")
    parser.add_argument("--seed", type=int, default=None, help="to repeat a plan")
    parser.add_argument("--folder", type=Path, default=None, help="where; a new one if left out")
    chosen = parser.parse_args(arguments)
    seed = secrets.randbits(31) if chosen.seed is None else chosen.seed
    base = chosen.folder or Path(tempfile.mkdtemp(prefix="potluck-torture-"))
    print(f"seed {seed}, in {base}", flush=True)
    try:
        tally = Torture(base, seed, lambda line: print(line, flush=True)).run(chosen.cycles)
    except Fault as fault:
        print(fault, file=sys.stderr)
        return 1
    print(f"nothing lost: {tally}")
    if chosen.folder is None:
        shutil.rmtree(base)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
