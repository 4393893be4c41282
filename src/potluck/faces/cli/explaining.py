"""The commands `why` and `info`: why a path is not in sync, and what is known of one.

Strategy: the local API knows; here a typed path becomes one of the share, and what comes back
becomes a few lines: a reason, since when it lasts and when it is tried again, and what to type
against it on a line of its own. A name that cannot be shared is asked about as it is shown, whether
it was typed so or as it is. Guarantees: the exit code of `why` is that of `status --check` (0 in
sync, 10 busy, 11 trouble), for just that path; that something is not shared is said only if
something stands there. Limits: both show one moment.
"""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from potluck.core.errors import NotFound
from potluck.core.wording import listed, typable
from potluck.faces.cli.acts import json_option
from potluck.faces.cli.client import Client, client_of, in_query, typed_steps
from potluck.faces.cli.looks import CHECK_BUSY, CHECK_CODES
from potluck.faces.cli.output import command, say, say_json, sentence
from potluck.faces.cli.typed_paths import TOP, below_shared
from potluck.faces.text import count, duration, shown, size

NS_PER_S = 10**9
LAST_DATE_S = 253_402_300_799  # the end of the year 9999, beyond which no calendar goes


@click.command("why")
@click.argument("path", default="")
@json_option
@click.pass_obj
def say_why(shared: dict[str, Any], path: str, as_json: bool) -> int:
    """Say why PATH, or anything below it, is not in sync; without PATH: anything at all.

    PATH is as `ls` shows it, absolute, or as it is called where you are. Exits with 0 if it is in
    sync, 10 while something is open, 11 if somebody has to see to it.
    """
    client = client_of(shared["home"])
    answer = _asked(client, "why", path)
    if as_json or shared["json"]:
        say_json(answer)
    else:
        say(*why_lines(answer))
    return CHECK_CODES.get(answer["state"], CHECK_BUSY)


@click.command()
@click.argument("path")
@json_option
@click.pass_obj
def info(shared: dict[str, Any], path: str, as_json: bool) -> None:
    """Show what is known of PATH: whose it is, which devices have it, if it may go here.

    PATH is as `ls` shows it, absolute, or as it is called where you are.
    """
    client = client_of(shared["home"])
    answer = _asked(client, "info", path)
    if as_json or shared["json"]:
        say_json(answer)
    else:
        say(*info_lines(answer))


def _asked(client: Client, question: str, typed: str) -> dict[str, Any]:
    """Ask about a typed path; raises NotFound if nothing is known of it."""
    folder = client.state(fresh=False)["folder"] if typed else ""
    path = below_shared(typed, folder, Path.cwd()) if typed else ""
    answer: dict[str, Any] = client.get(f"/api/v1/{question}?path={in_query(shown(path))}")
    if not answer["known"]:
        place = Path(folder, TOP, path)
        if answer.get("unshared") and _stands(place):
            step = answer.get("unshared_command") or f"ls -la {shlex.quote(str(place))}"
            why = shown(answer["unshared"])
            raise NotFound(f"“{shown(path)}” is not shared.", why, shown(step))
        raise NotFound(
            f"Nothing is known of “{shown(path)}”.",
            "the name was mistyped, it was deleted, or it is not shared (a link, a lock file, what"
            " .potluckignore leaves out)",
            command("ls"),
        )
    return answer


def _stands(place: Path) -> bool:
    """Say whether something stands at a place, or beside it something whose name is shown so."""
    if os.path.lexists(place):
        return True
    if "\\" not in place.name:  # no name that is shown as it is: nothing else is shown so
        return False
    try:
        return any(shown(one.name) == place.name for one in place.parent.iterdir())
    except OSError:
        return False


# -- lines -----------------------------------------------------------------------------------------
def why_lines(answer: dict[str, Any]) -> list[str]:
    """Return the lines of `why`."""
    name = shown(answer["path"]) or "Everything"
    is_open = [one for one in answer["reasons"] if one["open"]]
    notes = [one for one in answer["reasons"] if not one["open"]]
    word = "in sync; " if answer["in_sync"] else ""
    lines = [f"{name}: {word}{answer['text']}."] if answer["text"] else []
    lines += [line for one in is_open for line in _reason_lines(one)]
    lines += [line for one in notes for line in _reason_lines(one, "note: ")]
    if answer["more"]:
        lines.append(f"… and {count(answer['more'], 'more reason')}")
    return lines


def _reason_lines(one: dict[str, Any], before: str = "") -> Iterator[str]:
    """Yield the lines of one reason: path, sentence, since when and when again; what to type."""
    name = shown(one["path"]) or "everything"
    if one["more"]:
        name += f" and {one['more']:,} more"
    times = []
    if one["since_s"] is not None:
        times.append(f"for {duration(one['since_s'])}")
    if one["next_s"] is not None:
        times.append(f"tried again in {duration(one['next_s'])}")
    when = f" ({', '.join(times)})" if times else ""
    yield f"{before}{name}: {sentence(shown(one['text']))}{when}"
    if one["command"]:
        yield f"  next: {typed_steps(one['command'])}"


def info_lines(answer: dict[str, Any]) -> list[str]:
    """Return the lines of `info`."""
    mine = "mine" if answer["mine"] else f"of {shown(answer['owner'])}"
    what = f"{answer['kind']} {mine}, {size(answer['size'])}"
    if answer["kind"] == "folder":
        what += f" in {count(answer['files'], 'file')}"
        what += "" if answer["counted"] else " or more"
    if answer["mtime_ns"] is not None:
        what += f", changed {_date(answer['mtime_ns'] / NS_PER_S)}"
    lines = [shown(answer["path"]), f"  {what}"]
    lines += [f"  content {answer['root']}"] if answer["root"] else []
    lines.append(f"  here: {_here_words(answer)}")
    have = ["this one"] if answer["here"] else []
    have += [shown(one["label"]) for one in answer["copies"] if one["known"] == "all"]
    whom = f": {listed(have)}" if have else ""
    lines.append(f"  on {answer['on']} of {count(answer['devices'], 'device')}{whom}")
    words = {"lacks": "not there", "unknown": "not known", "away": "not known"}
    lines += [
        f"  {words[one['known']]}: {shown(one['label'])} ({shown(one['why'])})"
        for one in answer["copies"]
        if one["known"] != "all"
    ]
    return [*lines, *_safe_lines(answer)]


def _here_words(answer: dict[str, Any]) -> str:
    """Return whether it is here, and what else is known of it."""
    untold = shown(answer.get("untold", ""))  # an earlier version does not tell it
    if answer["here"]:
        return f"yes; {untold}" if untold else "yes"
    lacks = "not all" if answer["kind"] == "folder" else "not as it is shared"
    stands = answer.get("stands", True)  # an earlier version does not tell it
    if not stands:
        lacks = "not known now" if stands is None else "no"
    return f"{lacks}; {untold}" if untold else f"{lacks}; see {command('why')}"


def _safe_lines(answer: dict[str, Any]) -> Iterator[str]:
    """Yield whether it may go here, why, and what follows."""
    safe = "yes" if answer["safe"] else "no"
    yield f"  safe to remove here: {safe}, because {shown(answer['safe_why'])}"
    if answer["mine"]:
        yield "  what is removed here goes on the others too, there to the trash"
    elif answer.get("removed"):
        again = command(f"get {typable(answer['path'], 'PATH')}")
        yield f"  it was removed here, and is not fetched again; to have it: {again}"
    elif answer.get("skipped"):
        yield "  what is removed here is not brought back: it is skipped"
    else:
        yield "  what is removed here is not fetched again until `get`, but very much at once is"


def _date(at_s: float) -> str:
    """Return a time as people write it here."""
    try:
        return time.strftime("%Y-%m-%d %H:%M", time.localtime(min(at_s, LAST_DATE_S)))
    except (OverflowError, OSError, ValueError):
        return f"{at_s:.0f} s after 1970"
