"""Commands that show something of a running potluck: `status`, `peers`, `ring`, `ls`.

Strategy: each asks for one snapshot and lays it out as lines; the layout is a pure function of the
snapshot, so a test needs no daemon and the prompt of `up` shows exactly the same. Guarantees:
nothing here imports rich, the daemon or a cryptographic library; every silence is explained with
what was tried and what to do next. Limits: a snapshot is at most 0.25 s old.
"""

from __future__ import annotations

import sys
import time
from typing import Any

import click

from potluck.core.errors import NotFound
from potluck.faces.cli.acts import json_option
from potluck.faces.cli.client import client_of
from potluck.faces.cli.layout import Words, peer_lines, status_lines
from potluck.faces.cli.output import command, say, say_json
from potluck.faces.cli.tree import listing_lines
from potluck.faces.text import ring_lines, shown

WATCH_S = 1.0
CHECK_CODES = {"in_sync": 0, "trouble": 11}
CHECK_BUSY = 10


@click.command()
@click.option("--watch", is_flag=True, help="Again every second, until Ctrl-C.")
@click.option("--check", is_flag=True, help="Exit 10 while busy, 11 in trouble.")
@json_option
@click.pass_obj
def status(shared: dict[str, Any], watch: bool, check: bool, as_json: bool) -> int:
    """Show this device, its group, and who has what."""
    client = client_of(shared["home"])
    as_json = as_json or shared["json"]
    while True:
        state = client.state()
        if as_json:
            say_json(state)
        else:
            if watch and sys.stdout.isatty():
                sys.stdout.write("\x1b[H\x1b[2J")
            say(*status_lines(state))
        if not watch:
            return CHECK_CODES.get(state["state"], CHECK_BUSY) if check else 0
        time.sleep(WATCH_S)


@click.command()
@json_option
@click.pass_obj
def peers(shared: dict[str, Any], as_json: bool) -> None:
    """Show the devices, where they are, how they were found, and what was tried."""
    state = client_of(shared["home"]).state()
    if as_json or shared["json"]:
        say_json({key: state[key] for key in ("devices", "found", "tried")})
    else:
        say(*peer_lines(state, Words.of_this_run()))


@click.command()
@json_option
@click.pass_obj
def ring(shared: dict[str, Any], as_json: bool) -> None:
    """Draw the circle of nodes, each with its number, its last and its next."""
    state = client_of(shared["home"]).state()
    if as_json or shared["json"]:
        say_json({key: state[key] for key in ("node", "ring")})
    else:
        say(*ring_lines(state["ring"], state["device"]["id"]))


@click.command()
@click.argument("path", default="")
@click.option("-r", "--recursive", is_flag=True, help="Every file below PATH.")
@json_option
@click.pass_obj
def ls(shared: dict[str, Any], path: str, recursive: bool, as_json: bool) -> None:
    """Show what is shared below PATH, and what of it is here."""
    wanted = path.strip("/").removeprefix("Shared/")
    files = [
        entry
        for entry in client_of(shared["home"]).files(wanted)
        if not wanted or entry["path"] == wanted or entry["path"].startswith(wanted + "/")
    ]
    if wanted and not files:
        raise NotFound(
            f"Nothing is shared as “{shown(wanted)}”.",
            "the name was mistyped, or it was deleted",
            command("ls"),
        )
    if as_json or shared["json"]:
        say_json(files)
    else:
        say(*listing_lines(files, wanted, recursive=recursive))
