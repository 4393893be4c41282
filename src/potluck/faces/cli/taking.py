"""The command `take`: a copy of what somebody else shares, in the own folder.

Strategy: one request; what is copied, and as what, is known to the potluck that runs, which answers
when it is there. Guarantees: a path is typed as for `info`. Limits: a long copy is waited for as
long as any act; it goes on after that.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from potluck.faces.cli.acts import json_option
from potluck.faces.cli.client import client_of
from potluck.faces.cli.output import say, say_json
from potluck.faces.cli.typed_paths import below_shared
from potluck.faces.text import shown


@click.command()
@click.argument("path", metavar="PATH")
@click.argument("into", metavar="[TO]", required=False)
@json_option
@click.pass_obj
def take(shared: dict[str, Any], path: str, into: str | None, as_json: bool) -> None:
    """Copy a file or folder that somebody else shares into my folder, so that it is mine, too.

    PATH is as `ls` shows it, absolute, or as it is called where you are. TO is a folder in mine,
    which is made if need be. What stands there is never replaced: a taken name gets another one,
    which is said.
    """
    client = client_of(shared["home"])
    below = below_shared(path, client.state(fresh=False)["folder"], Path.cwd())
    text = client.act("take", {"path": below, "into": into or ""})
    if as_json or shared["json"]:
        say_json({"text": text})
    else:
        say(*map(shown, text.splitlines()))
