"""Replay one seed, or try many: `python -m tests.sim --seed 4711 --nodes 5 --profile mixed [--count
100] [--verbose]`.

Strategy: the same `scenarios.play` as the tests. Guarantees: the exit code is 0 only if every seed
is well; a failure prints its replay line, with `--verbose` the schedule and the last events before
it. Limits: one core, one process.
"""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[2] / "src")]

from tests.sim import scenarios, world  # noqa: E402 - the source folder has to be found first
from tests.sim.faults import PROFILES, SECONDS, draw  # noqa: E402
from tests.sim.invariants import Broken  # noqa: E402


def replay(seed: int, nodes: int, profile: str, seconds: float, *, verbose: int) -> bool:
    """Play one seed and print how it went; return whether it is well."""
    worlds: list[world.World] = []
    build = scenarios.built

    def remembered(*args: object) -> world.World:
        worlds.append(build(*args))  # type: ignore[arg-type]
        return worlds[-1]

    scenarios.built = remembered  # type: ignore[assignment]
    started = time.perf_counter()
    try:
        outcome = scenarios.play(seed, nodes, profile, seconds)
    except Broken as broken:
        print(f"seed {seed}: {broken}")
        if broken.__cause__ is not None:
            traceback.print_exception(broken.__cause__, limit=-12)
        if verbose:
            print("schedule:", *draw(seed, nodes, profile, seconds), sep="\n  ")
            print(f"last {verbose} lines:", *worlds[-1].recent[-verbose:], sep="\n  ")
        return False
    finally:
        scenarios.built = build
    print(
        f"seed {seed}: well; {outcome.events} events, {outcome.virtual_s:.0f} virtual s in "
        f"{time.perf_counter() - started:.2f} s; one ring after {outcome.formed_s:.2f} s, "
        f"well {outcome.settled_s:.2f} s after the last fault; trace {outcome.trace[:16]}"
    )
    return True


def main(arguments: list[str]) -> int:
    """Play what the arguments say; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.sim", description=(__doc__ or "").split("\n", 1)[0]
    )
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--nodes", type=int, default=3, help="how many hosts")
    parser.add_argument("--profile", choices=PROFILES, default="mixed", help="what goes wrong")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="how long faults come")
    parser.add_argument("--count", type=int, default=1, help="how many seeds")
    parser.add_argument(
        "--verbose",
        type=int,
        nargs="?",
        const=80,
        default=0,
        help="show the last lines of a failure",
    )
    chosen = parser.parse_args(arguments)
    seeds = range(chosen.seed, chosen.seed + chosen.count)
    failed = [
        seed
        for seed in seeds
        if not replay(seed, chosen.nodes, chosen.profile, chosen.seconds, verbose=chosen.verbose)
    ]
    if chosen.count > 1:
        print(f"{chosen.count - len(failed)} well, {len(failed)} not: {failed[:20]}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
