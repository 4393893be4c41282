"""Commands that show something of a running potluck: `status`, `peers`, `ring`, `ls`, and `wait`.

Strategy: how their lines are written; what they do is in cli/looks.py and cli/waiting.py, which
need no parser. Limits: the plainest lines never come here (cli/plain.py).
"""

from __future__ import annotations

from typing import Any

import click

from potluck.core.errors import UsageError
from potluck.faces.cli.acts import json_option
from potluck.faces.cli.client import client_of
from potluck.faces.cli.looks import show_copies, show_listing, show_peers, show_ring, show_status
from potluck.faces.cli.output import at_prompt
from potluck.faces.cli.waiting import Wish, wait_until


@click.command()
@click.option("--watch", is_flag=True, help="Again every second, until Ctrl-C.")
@click.option("--check", is_flag=True, help="Exit 10 while busy, 11 in trouble.")
@json_option
@click.pass_obj
def status(shared: dict[str, Any], watch: bool, check: bool, as_json: bool) -> int:
    """Show this device, its group, and who has what."""
    if watch and at_prompt():
        raise UsageError("“status --watch” is not for this prompt.", "it never ends", "status")
    as_json = as_json or shared["json"]
    return show_status(client_of(shared["home"]), watch=watch, check=check, as_json=as_json)


@click.command()
@json_option
@click.pass_obj
def peers(shared: dict[str, Any], as_json: bool) -> None:
    """Show the devices, where they are, how they were found, and what was tried."""
    show_peers(client_of(shared["home"]), as_json=as_json or shared["json"])


@click.command()
@json_option
@click.pass_obj
def ring(shared: dict[str, Any], as_json: bool) -> None:
    """Draw the circle of nodes, each with its number, its last and its next."""
    show_ring(client_of(shared["home"]), as_json=as_json or shared["json"])


@click.command()
@click.argument("path", default="")
@click.option("-r", "--recursive", is_flag=True, help="Every file below PATH.")
@click.option("-l", "--copies", is_flag=True, help="On how many devices each entry is known to be.")
@json_option
@click.pass_obj
def ls(shared: dict[str, Any], path: str, recursive: bool, copies: bool, as_json: bool) -> None:
    """Show what is shared below PATH, and what of it is here.

    With --json: every file and folder below PATH, in one envelope, one a line.
    """
    as_json = as_json or shared["json"]
    if copies and recursive:
        raise UsageError("“-l” and “-r” do not go together.", "-l shows one folder", "ls -l PATH")
    if copies:
        show_copies(client_of(shared["home"]), path, as_json=as_json)
        return
    show_listing(client_of(shared["home"]), path, recursive=recursive, as_json=as_json)


@click.command()
@click.option("--synced", is_flag=True, help="Until every file is here (the default).")
@click.option("--delivered", is_flag=True, help="Until all others hold what is here now.")
@click.option(
    "--to",
    "labels",
    multiple=True,
    metavar="NAME",
    help="Until this device holds what is here now; may be given several times.",
)
@click.option(
    "--peers", type=click.IntRange(min=0), metavar="N", help="Until N other devices are online."
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0),
    metavar="S",
    help="Give up after S seconds: exit code 6.",
)
@json_option
@click.pass_obj
def wait(shared: dict[str, Any], /, **typed: Any) -> None:  # noqa: ANN401 - click's own values
    """Block until every file is here, or there, or until enough devices are online."""
    wish = Wish.of(
        synced=typed["synced"],
        delivered=typed["delivered"],
        to=typed["labels"],
        peers=typed["peers"],
    )
    as_json = typed["as_json"] or shared["json"]
    wait_until(client_of(shared["home"]), wish, timeout_s=typed["timeout"], as_json=as_json)
