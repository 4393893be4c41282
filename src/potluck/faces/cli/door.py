"""The commands `open` and `close`: the door of a potluck that runs already.

Strategy: one request each, with the same warning as `up --open`, since it is the same thing. At the
prompt the view tells what the door does, as it does when somebody types this elsewhere, a moment
before or after; so there the command says that the door is open, and then only what the view does
not say. Guarantees: nothing is said before the order was carried out, and that it was comes first;
the door is as it is said to be when the command returns; if that is not known, or it is not as it
was wanted, the command says so and fails. Limits: how long it stays open counts from now, whatever
was asked before.
"""

from __future__ import annotations

import re
import shutil
from typing import Any

import click

from potluck.config.values import OpenTime, parse_open
from potluck.core.errors import Refused
from potluck.faces.advice import Advice
from potluck.faces.cli.acts import json_option
from potluck.faces.cli.client import client_of
from potluck.faces.cli.layout import is_shut
from potluck.faces.cli.output import at_prompt, command, is_terminal, say, say_json, styled
from potluck.faces.text import duration, wrapped

BELOW_NOTHING = re.compile(r"-\d[\d.]*")
TRUST = "Do this only on a network you trust."


class MinutesCommand(click.Command):
    """A command whose number may be one below nothing, which then is no option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Leave numbers to whoever knows what they mean."""
        numbers = [word for word in args if BELOW_NOTHING.fullmatch(word)]
        others = [word for word in args if word not in numbers]
        return super().parse_args(ctx, [*others, "--", *numbers] if numbers else args)


@click.command("open", cls=MinutesCommand)
@click.argument("minutes", default="", metavar="[MIN]")
@json_option
@click.pass_obj
def open_door(shared: dict[str, Any], minutes: str, as_json: bool) -> None:
    """Admit anyone for MIN minutes (60), or `always` until the end.

    Meanwhile this device joins any open group, unless it is in a group with others.
    """
    open_s = parse_open(minutes, alone="open")
    always = open_s == "always"
    wanted = {"open": True, "minutes": None if always else _minutes(open_s)}
    door = client_of(shared["home"]).post("/api/v1/door", wanted)
    if not door["open"]:
        raise Refused(
            "The door is closed.", "somebody closed it, or its time is over", command("open")
        )
    if as_json or shared["json"]:
        say_json(door)
    elif at_prompt():
        say(f"The door is open {_how_long(open_s)}.", TRUST)
    else:
        say(*door_banner(open_s))


@click.command("close")
@json_option
@click.pass_obj
def close_door(shared: dict[str, Any], as_json: bool) -> None:
    """Close the door: nobody comes in unasked; a closed one: nobody can ask this device either."""
    client = client_of(shared["home"])
    before = client.state(fresh=False)
    door = client.post("/api/v1/door", {"open": False})
    if door["open"]:
        raise Refused("The door is open.", "somebody opened it at the same time", command("close"))
    was_closed = not (before["door"]["open"] or before["age_s"])
    if as_json or shared["json"]:
        say_json(door)
    elif door.get("shut") and was_closed and is_shut(before):
        say("The door was shut already.", _until_open())
    elif door.get("shut") and not at_prompt():
        say("The door here is shut: nobody can ask this device.", _until_open(), *_others(before))
    elif was_closed and not door.get("shut"):
        say("The door was closed already.")
    elif not at_prompt():
        say("The door is closed: nobody is admitted without asking any more.")


def _until_open() -> str:
    return Advice("  until: ", command("open"))


def _others(state: dict[str, Any]) -> list[str]:
    """Return that other members have doors of their own, if there are any."""
    alone = all(one["me"] for one in state["devices"])
    return [] if alone else ["Who asks another device of the group is shown here all the same."]


def door_banner(open_s: OpenTime) -> list[str]:
    """Return the warning that belongs to an open door."""
    text = (
        f"OPEN {_how_long(open_s)}: anyone on this network may join and gets every file; "
        "this device joins any open group unless it is in a group with others."
    )
    width = shutil.get_terminal_size().columns if is_terminal() else len(text)
    return [styled(line, "yellow") for line in [*wrapped(text, width, "  "), TRUST]]


def _how_long(open_s: OpenTime) -> str:
    always = open_s == "always"
    return "until it is closed" if always else f"for {duration(_minutes(open_s) * 60)}"


def _minutes(open_s: OpenTime) -> float:
    return open_s / 60 if isinstance(open_s, float | int) else 0.0
