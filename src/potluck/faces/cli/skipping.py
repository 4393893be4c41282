"""The commands `skip`, `keep` and `get`: what of other people's folders is not wanted here.

Strategy: one request each; what the patterns mean, and how much they are about, is known to the
potluck that runs. Guarantees: nothing that stands here goes by any of them. Limits: patterns are
typed in quotes in a shell, which would look for files otherwise.
"""

from __future__ import annotations

from typing import Any

import click

from potluck.faces.cli.acts import json_option
from potluck.faces.cli.client import client_of
from potluck.faces.cli.output import say, say_json
from potluck.faces.text import shown


@click.command()
@click.argument("patterns", nargs=-1, metavar="[PATTERN…]")
@json_option
@click.pass_obj
def skip(shared: dict[str, Any], patterns: tuple[str, ...], as_json: bool) -> None:
    """Do not fetch what others share as PATTERN; without one: say what is skipped.

    A PATTERN is like a line of a .gitignore: `anna/videos/` is a folder of anna's, `*.iso` such
    files of everybody. What is here already stays until it is deleted here.
    """
    _act(shared, "skip", patterns, as_json)


@click.command()
@click.argument("patterns", nargs=-1, metavar="[PATTERN…]")
@json_option
@click.pass_obj
def keep(shared: dict[str, Any], patterns: tuple[str, ...], as_json: bool) -> None:
    """Fetch what others share as PATTERN though an earlier pattern is skipped.

    The last word counts: after `skip "anna/*"` and `keep anna/docs` only docs comes of anna's. What
    is kept may be in a folder that is skipped. To keep it no more: skip the same PATTERN.
    """
    _act(shared, "keep", patterns, as_json)


@click.command()
@click.argument("patterns", nargs=-1, required=True, metavar="PATTERN|PATH…")
@json_option
@click.pass_obj
def get(shared: dict[str, Any], patterns: tuple[str, ...], as_json: bool) -> None:
    """Fetch again what is skipped here: a PATTERN counts no more, or a PATH is wanted after all.

    What was removed here of another device's folder is fetched again by its PATH, too, or by that
    of a folder that it is in.
    """
    _act(shared, "get", patterns, as_json)


def _act(shared: dict[str, Any], name: str, patterns: tuple[str, ...], as_json: bool) -> None:
    text = client_of(shared["home"]).act(name, {"patterns": patterns})
    if as_json or shared["json"]:
        say_json({"text": text})
    else:
        say(*map(shown, text.splitlines()))
