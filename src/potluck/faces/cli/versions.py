"""The commands `trash`, `history`, `restore` and `undo`: earlier versions, and having them back.

Strategy: one request each; what is shown is what lies in the trash of this device, the newest
first, with the number by which `restore` knows it. Guarantees: names from the disk are printed as
`shown` makes them; a list that was cut says how many more there are, and one that is not of all
says so. Limits: when something came is by the computer's clock, and said so; what other devices
hold in their trash is not known here: of my own folder it is said what they may hold.
"""

from __future__ import annotations

import time
from itertools import islice
from typing import Any

import click

from potluck.core.errors import NotFound
from potluck.faces.cli.acts import json_option
from potluck.faces.cli.client import Client, client_of
from potluck.faces.cli.looks import api_path
from potluck.faces.cli.output import command, say, say_json, sentence
from potluck.faces.text import count, shown, size, table

ROWS = 20  # for people; --json has up to ROWS_JSON
ROWS_JSON = 1000
_NOTHING = "Nothing is in the trash here."


@click.command("trash")
@click.argument("path", default="")
@json_option
@click.pass_obj
def show_trash(shared: dict[str, Any], path: str, as_json: bool) -> None:
    """Show what was replaced or deleted and is still kept here, the newest first."""
    client = client_of(shared["home"])
    as_json = as_json or shared["json"]
    wanted = api_path(path)
    found = client.versions(wanted, ROWS_JSON if as_json else ROWS)
    if not found["versions"] and wanted:
        raise _nothing_of(wanted)
    if as_json:
        say_json(found)
    else:
        say(*trash_lines(found))


@click.command("history")
@click.argument("path", default="")
@json_option
@click.pass_obj
def show_history(shared: dict[str, Any], path: str, as_json: bool) -> None:
    """Show the versions of PATH: what stands now, those in the trash here, those I shared before.

    The last are of my own folder only: the other devices may have them in their trash. Of a folder,
    and without PATH: what was replaced or deleted there last.
    """
    client = client_of(shared["home"])
    as_json = as_json or shared["json"]
    wanted = api_path(path)
    found = client.history(wanted, ROWS_JSON if as_json else ROWS)
    now = _standing(client, wanted)
    if now is None and not found["versions"] and not found["elsewhere"] and wanted:
        raise _nothing_of(wanted)
    if as_json:
        say_json({"now": now, **found})
    else:
        say(*history_lines(wanted, now, found))


@click.command("restore")
@click.argument("path", metavar="PATH[@N]")
@json_option
@click.pass_obj
def restore_version(shared: dict[str, Any], path: str, as_json: bool) -> None:
    """Bring a version back from the trash: the newest, or the one numbered N.

    A file of my own folder comes back to its place, and what stands there goes to the trash. One of
    somebody else's comes into my folder, below “Restored from NAME”. PATH/ brings back what is
    missing below a folder. What the trash here has not of mine comes out of that of the others.
    """
    result = client_of(shared["home"]).post("/api/v1/restore", {"path": path})
    if as_json or shared["json"]:
        say_json(result)
    else:
        say(*map(sentence, map(shown, result["text"].splitlines())))


@click.command()
@json_option
@click.pass_obj
def undo(shared: dict[str, Any], as_json: bool) -> None:
    """Have back what I deleted or replaced last in one go, out of the trash of the others.

    Where many were replaced, what took their place goes to Put aside. Whatever else is in the way
    of a file keeps its place, and the file comes beside it.
    """
    text = client_of(shared["home"]).act("undo", {})
    if as_json or shared["json"]:
        say_json({"text": text})
    else:
        say(*map(sentence, map(shown, text.splitlines())))


def trash_lines(found: dict[str, Any]) -> list[str]:
    """Return the lines of `trash`."""
    if not found["versions"]:
        return [_NOTHING, *_doubts(found)]
    whole = f"{count(len(found['versions']) + found['more'], 'version')}, {size(found['size'])}."
    return [
        *_rows(found),
        f"{whole} The times are those of this computer's clock.",
        *_doubts(found),
        f"To have one back: {command('restore PATH@N')}",
    ]


def history_lines(path: str, now: dict[str, Any] | None, found: dict[str, Any]) -> list[str]:
    """Return the lines of `history`."""
    lines = []
    if now is not None and now["kind"] == "file":
        here = "" if now["here"] else ", which is not here"
        lines.append(f"now: {shown(now['path'])} ({size(now['size'])}){here}")
    elif path and any(one["path"] == path for one in (*found["versions"], *found["elsewhere"])):
        lines.append(f"now: nothing stands as {shown(path)}")
    elsewhere = _elsewhere_lines(found)
    if found["versions"]:
        return [*lines, *trash_lines(found), *elsewhere]
    if elsewhere:
        return [*lines, *_doubts(found), *elsewhere]
    if lines:
        return [*lines, "The trash here holds no earlier version of it.", *_doubts(found)]
    return trash_lines(found)


def _rows(found: dict[str, Any]) -> list[str]:
    rows = [
        [
            _minute(one["came_s"]),
            one["why"] or "kept",
            size(one["size"]),
            f"{shown(one['path'])}@{one['number']}",
        ]
        for one in found["versions"]
    ]
    more = [f"  … and {found['more']:,} more"] if found["more"] else []
    return [*table(rows), *more]


def _minute(seconds: float | None) -> str:
    if seconds is None:
        return "time not known"
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))


def _elsewhere_lines(found: dict[str, Any]) -> list[str]:
    """Return what I shared before and the others may still have, a line each."""
    rows = [
        [
            _minute(one["modified_s"]),
            size(one["size"]),
            f"{shown(one['path'])}@{one['number']}",
        ]
        for one in found["elsewhere"]
    ]
    if not rows:
        return []
    rest, least = found["elsewhere_more"], "" if found["remembered"] else " at least"
    return [
        "Shared before; perhaps in the trash of devices that ever had it (dates are the files'):",
        *table(rows),
        *([f"  … and {rest:,} more{least}"] if rest or least else []),
        f"To have one back from them, if one still has it: {command('restore PATH@N')}",
    ]


def _doubts(found: dict[str, Any]) -> list[str]:
    """Return what is not known, a line each."""
    lines = []
    if found["others"]:
        what = count(found["others"], "thing")
        lines.append(
            f"Besides {what} not known as a version of a file: look into {shown(found['where'])}"
        )
    if not found["complete"]:
        lines.append(
            "Not all of the trash was looked at, since it is very large or a part of it cannot be"
            " read: numbers may be others."
        )
    return lines


def _standing(client: Client, path: str) -> dict[str, Any] | None:
    """Return what stands at a path now, None if nothing is shared there."""
    if not path:
        return None
    first = next(islice(client.files(path), 1), None)
    return first if first is not None and first["path"] == path else None


def _nothing_of(path: str) -> NotFound:
    return NotFound(
        f"No version of “{shown(path)}” is here.",
        "the name was mistyped, it never changed, or the trash let go of it",
        f"{command('trash')}\nwhat is shared now: {command('ls')}",
    )
