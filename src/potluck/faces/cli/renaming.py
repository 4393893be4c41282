"""The command `rename`: another name for this device, for another one, or for the group.

Strategy: one request each; what is possible, and who may do it, is judged by the potluck that runs,
so that it is the same at the prompt, at a shell and over the local API. Limits: it needs a running
potluck; one that is not running is renamed by `up --name`.
"""

from __future__ import annotations

from typing import Any

import click

from potluck.core.errors import UsageError
from potluck.faces.cli.acts import json_option
from potluck.faces.cli.client import client_of
from potluck.faces.cli.output import command, say, say_json

WHAT = ("device", "group")


@click.command()
@click.argument("what", metavar="device|group")
@click.argument("names", nargs=-1, required=True, metavar="[OLD] NEW")
@json_option
@click.pass_obj
def rename(shared: dict[str, Any], what: str, names: tuple[str, ...], as_json: bool) -> None:
    """Give this device (or OLD) another name, or the group: its folder follows everywhere."""
    most = {"device": 2, "group": 1}.get(what, 0)
    if len(names) > most:
        raise UsageError(
            "It is not clear what is to be renamed.",
            "a name with spaces needs quotes" if most else f"{what} is neither of {listed_what()}",
            command("rename device NEW"),
        )
    if "" in names:
        raise UsageError(
            "A name is empty.", "nothing stands between its quotes", command(f"rename {what} NEW")
        )
    client = client_of(shared["home"])
    if what == "group":
        text = client.act("rename-group", {"name": names[0]})
    else:
        text = client.act("rename-device", {"old": "".join(names[:-1]), "new": names[-1]})
    if as_json or shared["json"]:
        say_json({"text": text})
    else:
        say(text)


def listed_what() -> str:
    """Return what can be renamed."""
    return " and ".join(WHAT)
