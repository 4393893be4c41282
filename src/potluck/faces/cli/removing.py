"""The commands `remove`, `forget`, `adopt`, `leave` and `admin`: who belongs to the group no more,
who decides it, and what becomes of what it shared.

Strategy: before anything that cannot be taken back the person is told what follows, in the words of
the running potluck, and asked at a terminal; at the prompt and in scripts `--yes` has to be typed.
What nobody but who goes is known to have is named, as the most that it may be, also to who is sure.
Guarantees: without a yes nothing is done. Limits: what is cut off where is told by the view, not
here.
"""

from __future__ import annotations

from typing import Any

import click

from potluck.core.content.paths import collision_key
from potluck.core.errors import NotFound, PotluckError, Refused, UsageError
from potluck.core.wording import typable
from potluck.faces.cli.acts import json_option
from potluck.faces.cli.client import Client, client_of
from potluck.faces.cli.layout import fate_words, short
from potluck.faces.cli.leaving import only_here_lines
from potluck.faces.cli.output import at_prompt, command, is_terminal, say, say_json, sentence
from potluck.faces.text import lacking_words, shown

YES = "--yes"
TYPED = {"keep-here": "clone keep-here", "new-identity": "clone new-identity"}
"""Acts of other commands (faces/cli/cloning.py) that are not typed as they are called."""
_LOST = "nobody gets any of that then"


@click.command()
@click.argument("name", metavar="NAME")
@click.option("--all", "everybody", is_flag=True, help="Those that it let in as well.")
@click.option("--forget", is_flag=True, help="Its folder goes to the trash, on every device.")
@click.option(YES, "sure", is_flag=True, help="Do not ask.")
@json_option
@click.pass_obj
def remove(
    shared: dict[str, Any], name: str, everybody: bool, forget: bool, sure: bool, as_json: bool
) -> None:
    """Put a device out of the group, for good: it is cut off at once and keeps what it has."""
    body = {"name": name, "everybody": everybody, "forget": forget}
    ask_and_do(shared, "remove", body, "Remove {}?", sure=sure, as_json=as_json)


@click.command("forget")
@click.argument("name", metavar="NAME")
@click.option(YES, "sure", is_flag=True, help="Do not ask.")
@json_option
@click.pass_obj
def forget_folder(shared: dict[str, Any], name: str, sure: bool, as_json: bool) -> None:
    """Have the folder of a removed device go to the trash, on every device."""
    ask_and_do(
        shared, "forget", {"name": name}, "Forget the folder of {}?", sure=sure, as_json=as_json
    )


@click.command()
@click.argument("name", metavar="NAME")
@json_option
@click.pass_obj
def adopt(shared: dict[str, Any], name: str, as_json: bool) -> None:
    """Make the folder of a removed device part of my own; nothing is sent over the network."""
    text = client_of(shared["home"]).act("adopt", {"name": name})
    _tell(shared, text, as_json=as_json)


@click.command("leave")
@click.option(YES, "sure", is_flag=True, help="Do not ask.")
@json_option
@click.pass_obj
def leave_group(shared: dict[str, Any], sure: bool, as_json: bool) -> None:
    """Leave the group for good: all files stay, and potluck ends (`down` only ends it)."""
    ask_and_do(shared, "leave", {}, "Leave for good?", sure=sure, as_json=as_json)


@click.command()
@click.argument("what", metavar="add", type=click.Choice(["add"]))
@click.argument("name", metavar="NAME")
@json_option
@click.pass_obj
def admin(shared: dict[str, Any], what: str, name: str, as_json: bool) -> None:
    """Make a device a steward, which may remove others: `admin add NAME`."""
    del what  # there is one thing that it does
    text = client_of(shared["home"]).act("appoint", {"name": name})
    _tell(shared, text, as_json=as_json)


def ask_and_do(
    shared: dict[str, Any], act: str, body: dict[str, Any], question: str, **said: bool
) -> None:
    """Have that act done, if somebody says yes; raises PotluckError."""
    if body.get("name") == "":
        raise UsageError("No device is named.", "the name is empty", command(f"{act} NAME"))
    client, as_json = client_of(shared["home"]), said["as_json"] or shared["json"]
    try:
        if said["sure"] and not as_json:
            say(*_only_there(client, act, body))
        if said["sure"] or _agrees(client, act, body, question, as_json=as_json):
            _tell(shared, client.act(act, body), as_json=as_json)
    except NotFound as error:
        if act != "remove":
            raise
        raise _why_not_found(error, client, body["name"]) from error


def _why_not_found(error: NotFound, client: Client, name: str) -> PotluckError:
    """Return why there is no such device in the group, if it was in it."""
    known = client.state(fresh=False).get("former", ())
    former = next((one for one in known if name in {one["label"], one["id"]}), None)
    if former is None:
        return error
    label, typed = shown(former["label"]), typable(former["label"], former["id"])
    return NotFound(
        f"{label} is in the group no more.",
        fate_words(former),
        f"to see who is: {command('peers')}\nto have its folder go: {command(f'forget {typed}')}",
    )


def _agrees(
    client: Client, act: str, body: dict[str, Any], question: str, *, as_json: bool
) -> bool:
    """Say what follows and ask for a yes; raises PotluckError where nobody can be asked."""
    if as_json:
        raise UsageError(
            "With --json nobody can be asked.",
            "nothing was done: somebody has to say yes",
            _sure_line(client, act, body),
        )
    follows = client.act(act, body | {"preview": True}).splitlines()
    lines = [*map(sentence, map(shown, follows)), *_only_there(client, act, body)]
    if at_prompt():
        say(*lines, f"To do it type: {_sure_line(client, act, body)}")
        return False
    if not is_terminal():
        what = "\n".join([*lines, "Nothing was done."])
        raise Refused(what, "nobody can be asked here", _sure_line(client, act, body))
    say(*lines)
    try:
        is_agreed = click.confirm(question.format(_meant(client, act, body)), default=False)
    except UnicodeError:  # a letter of another encoding is no yes
        is_agreed = False
    if not is_agreed:
        say("Nothing was done.")
    return is_agreed


def _only_there(client: Client, act: str, body: dict[str, Any]) -> list[str]:
    """Return what the group may lose sight of, at most: only who goes may have it."""
    if act == "leave":
        lines = only_here_lines(client.newest())
        return [f"{line}: {_LOST}." for line in lines]
    if act != "remove":
        return []
    found = _fitting(client.newest()["devices"], body["name"])
    files = found[0].get("only_files", 0) if len(found) == 1 else 0
    if not files:
        return []
    what, who = lacking_words(files, 0, found[0]["only_bytes"]), shown(found[0]["label"])
    return [f"{who} may have up to {what} that no other device is known to have: {_LOST}."]


def _meant(client: Client, act: str, body: dict[str, Any]) -> str:
    """Return label and id of the device that is meant, not what was typed.

    The running potluck knew which one it is, and has said so. Here all are looked at that it may
    be; if several fit, none of them is named.
    """
    if "name" not in body:
        return ""
    known = client.state(fresh=False)["former" if act == "forget" else "devices"]
    fits = _fitting(known, body["name"])
    return f"{shown(fits[0]['label'])} ({fits[0]['id']})" if len(fits) == 1 else "that device"


def _fitting(known: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    """Return those that a person may mean by a name or the beginning of an id."""
    key, begins = collision_key(name), name.upper().replace("-", "")
    return [
        one
        for one in known
        if collision_key(one["label"]) == key or one["id"].replace("-", "").startswith(begins)
    ]


def _sure_line(client: Client, act: str, body: dict[str, Any]) -> str:
    """Return what is typed to have this done without a question."""
    name = [typable(body["name"], _id_of(client, body["name"]))] if "name" in body else []
    options = {"everybody": "--all", "forget": "--forget"}
    words = [
        TYPED.get(act, act),
        *name,
        *(option for key, option in options.items() if body.get(key)),
        YES,
    ]
    return command(" ".join(words))


def _id_of(client: Client, name: str) -> str:
    """Return the id of a device that bears a name which cannot be typed."""
    state = client.state(fresh=False)
    known = [*state["devices"], *state.get("former", ())]
    return next((short(one["id"]) for one in known if one["label"] == name), "ID")


def _tell(shared: dict[str, Any], text: str, *, as_json: bool) -> None:
    if as_json or shared["json"]:
        say_json({"text": text})
    else:
        say(*map(sentence, map(shown, text.splitlines())))
