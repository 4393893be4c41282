"""The command `confirm`: deletes that are held were meant.

Strategy: one request; what is held, and what follows, is known to the potluck that runs. Whoever
types it was told before how much it is (`status`), so nobody is asked once more. Guarantees:
nothing is let go but what was held. Limits: of others all goes that is held, not single files.
"""

from __future__ import annotations

from typing import Any

import click

from potluck.core.errors import UsageError
from potluck.faces.cli.acts import json_option
from potluck.faces.cli.client import client_of
from potluck.faces.cli.output import command, say, say_json, sentence
from potluck.faces.text import shown


@click.command()
@click.argument("name", metavar="[NAME|PATH]", required=False)
@json_option
@click.pass_obj
def confirm(shared: dict[str, Any], name: str | None, as_json: bool) -> None:
    """Let deletes go that are held because they were many: mine, or those of NAME.

    What I confirm of NAME counts for all other devices, too: once is enough. A path of my own
    folder lets go what is held there, or no longer waits for it to come back.
    """
    if name == "":
        raise UsageError("No device is named.", "the name is empty", command("confirm"))
    text = client_of(shared["home"]).act("confirm", {"name": name or ""})
    if as_json or shared["json"]:
        say_json({"text": text})
    else:
        say(sentence(shown(text)))
