"""The command `verify`: all that is on this device is read again, to see whether it is still whole.

Strategy: one request begins it, then the state is looked at until it has ended; at a prompt it is
only begun, and its end is told there. Guarantees: what is said comes from the potluck that runs; it
goes on if this command is ended. Limits: where one is being done already, that one is waited for.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any, Final

import click

from potluck.core.errors import DiskTrouble, NotRunning
from potluck.faces.cli.acts import json_option
from potluck.faces.cli.client import Client, client_of
from potluck.faces.cli.output import at_prompt, command, say, say_json
from potluck.faces.cli.typed_paths import below_shared
from potluck.faces.text import shown

_LOOK_S: Final = 0.3
"""Between two looks whether it has ended."""


@click.command("verify")
@click.argument("path", default="", metavar="[PATH]")
@json_option
@click.pass_obj
def verify_files(shared: dict[str, Any], path: str, as_json: bool) -> int:
    """Read all that is here again, or PATH, and say what the disk has damaged of it.

    PATH is as `ls` shows it, absolute, or as it is called where you are. Exits with 0 if everything
    is as it should be, 8 if something is not.
    """
    client = client_of(shared["home"])
    folder = client.state(fresh=False)["folder"] if path else ""
    below = below_shared(path, folder, Path.cwd()) if path else ""
    text = client.act("verify", {"path": below})
    if at_prompt():
        say(shown(text), "What comes of it is told here.")
        return 0
    if sys.stderr.isatty():
        click.echo(shown(text), err=True)
    found = _ended(client)
    if as_json or shared["json"]:
        say_json(found)
    else:
        say(*_lines(found))
    if found["damaged_count"] or found["unreadable_count"]:
        return DiskTrouble.exit_code
    return 0


def _ended(client: Client) -> dict[str, Any]:
    """Wait until it has ended and return what was found."""
    while True:
        found: dict[str, Any] | None = client.state()["verify"]
        if found is None:
            raise NotRunning(
                "It is not known what was found.", "potluck was started anew", command("verify")
            )
        if not found["running"]:
            return found
        time.sleep(_LOOK_S)


def _lines(found: dict[str, Any]) -> list[str]:
    """Return what is printed: a sentence, then each file that is not whole."""
    lines = [shown(found["text"]) + "."]
    for kind, word in (("damaged", "damaged"), ("unreadable", "could not be read")):
        names, count = found[kind], found[f"{kind}_count"]
        lines += [f"  {word}: {shown(name)}" for name in names]
        if count > len(names):
            lines.append(f"  {word}: {count - len(names):,} more")
    if found["damaged_count"]:
        lines.append(f"Whole ones come from devices that have them; see {command('why')}")
    return lines
