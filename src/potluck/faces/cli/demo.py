"""The command `demo`: several real devices on this machine, in a temporary folder, watched from
start to verdict.

Strategy: the play is `potluck.faces.demo.play`; here are its options, its folder, and the promise
that nothing is left behind: a termination signal becomes an exception, so that the same clean-up
runs on every way out. Guarantees: exit 0 only if the trees read from the disks are equal; the
folder is removed unless --keep is given.
"""

from __future__ import annotations

import shutil
import signal
import tempfile
import time
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import click

from potluck.faces.cli.acts import json_option
from potluck.faces.cli.output import say, say_json
from potluck.faces.demo.play import Play, verdict_lines

MOST_DEVICES = 16


@click.command()
@click.option(
    "--devices",
    type=click.IntRange(2, MOST_DEVICES),
    default=3,
    show_default=True,
    metavar="N",
    help="How many.",
)
@click.option("--keep", is_flag=True, help="Keep the temporary folder.")
@json_option
@click.pass_obj
def demo(shared: dict[str, Any], devices: int, keep: bool, as_json: bool) -> int:
    """Watch several real devices on this machine find each other, share files, and end up equal."""
    as_json = as_json or shared["json"]
    begun_s = time.monotonic()
    root = Path(tempfile.mkdtemp(prefix="potluck-demo-"))
    before = {number: signal.signal(number, _ended) for number in (signal.SIGTERM, signal.SIGHUP)}
    play = Play(devices, root, _silent if as_json else say, quiet=as_json)
    try:
        verdict = play.run()
    finally:
        # a second Ctrl-C must not stop the clean-up
        interrupted = signal.signal(signal.SIGINT, signal.SIG_IGN)
        play.end()
        if not keep:
            shutil.rmtree(root, ignore_errors=True)
        for number, handler in (*before.items(), (signal.SIGINT, interrupted)):
            signal.signal(number, handler)
    if as_json:
        say_json(
            {
                **verdict.as_json(),
                "seconds": round(time.monotonic() - begun_s, 1),
                "folder": str(root) if keep else None,
            }
        )
    else:
        say(*verdict_lines(verdict), *([f"Everything is kept in {root}"] if keep else []))
    return 0 if verdict.equal else 1


def _silent(*_lines: str) -> None:
    """Say nothing: the envelope says it all."""


def _ended(number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)
