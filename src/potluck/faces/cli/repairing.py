"""The command `repair`: files of this device that only the others have come back.

Strategy: one request; what is held, and from whom it comes, is known to the potluck that runs. It
answers at once with how much will come; `status` shows the rest. Guarantees: nothing that stands in
the own folder is touched (engine/bringing_back.py). Limits: all that is held, not single files.
"""

from __future__ import annotations

from typing import Any

import click

from potluck.faces.cli.acts import json_option
from potluck.faces.cli.client import client_of
from potluck.faces.cli.output import say, say_json, sentence
from potluck.faces.text import shown


@click.command()
@json_option
@click.pass_obj
def repair(shared: dict[str, Any], as_json: bool) -> None:
    """Bring back the files of mine that are not here any more, and are with the others."""
    text = client_of(shared["home"]).act("repair", {})
    if as_json or shared["json"]:
        say_json({"text": text})
    else:
        say(sentence(shown(text)))
