"""The command `clone`: which of two machines with one identity is the device.

Strategy: `keep-here` is typed on the machine that is to be the device, `new-identity` on the other
one, in any order, and one of them is enough where the two can hear of each other. Before either the
person is told what follows, and asked, as before `remove`. Guarantees: without a yes nothing is
done. Limits: what two machines can do to each other, and how it is seen, is engine/clones.py.
"""

from __future__ import annotations

from typing import Any

import click

from potluck.faces.cli.acts import json_option
from potluck.faces.cli.removing import YES, ask_and_do

QUESTIONS = {"keep-here": "Keep it here?", "new-identity": "Be a new device?"}


@click.command()
@click.argument("what", metavar="keep-here|new-identity", type=click.Choice(list(QUESTIONS)))
@click.option(YES, "sure", is_flag=True, help="Do not ask.")
@json_option
@click.pass_obj
def clone(shared: dict[str, Any], what: str, sure: bool, as_json: bool) -> None:
    """Say which of two machines with one identity is the device: this one, or the other."""
    ask_and_do(shared, what, {}, QUESTIONS[what], sure=sure, as_json=as_json)
