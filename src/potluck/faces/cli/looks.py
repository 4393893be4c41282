"""What the commands that only look do: `status`, `peers`, `ring`, `ls`.

Strategy: each asks for one snapshot and lays it out as lines; the layout is a pure function of the
snapshot, so a test needs no daemon and the prompt of `up` shows exactly the same. A potluck that is
in the middle of something long gives its last snapshot, and it is said how old that is; to a script
that checks it is busy, whatever that says. A listing is asked for page by page and printed as it
comes. Guarantees: nothing here imports click, rich, the
daemon or a cryptographic library (these commands are promised in 0.15 s, decisions/009); every
silence is explained with what was tried and what to do next; a listing takes no more memory the
longer it is. Limits: a listing of what changes meanwhile shows what each page saw.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from itertools import chain
from typing import Any

from potluck.core.errors import NotFound
from potluck.faces.cli.client import Client
from potluck.faces.cli.output import (
    command,
    is_terminal,
    say,
    say_each,
    say_json,
    say_json_rows,
    width_of,
)
from potluck.faces.text import duration, shown

WATCH_S = 1.0
WIPE = "\x1b[H\x1b[2J\x1b[A"  # the cursor goes to the top, and this line stands above it
CHECK_CODES = {"in_sync": 0, "trouble": 11}
CHECK_BUSY = 10


def show_status(client: Client, *, watch: bool, check: bool, as_json: bool) -> int:
    """Show this device, its group, and who has what; returns the exit code."""
    from potluck.faces.cli.layout import status_lines

    while True:
        state = client.newest() if check else client.state(fresh=False)
        if as_json:
            say_json(state)
        else:
            clear = [WIPE] if watch and is_terminal() else []
            say(*clear, *status_lines(state), *_age_lines(state))
        if not watch:
            return _checked(state) if check else 0
        time.sleep(WATCH_S)


def _checked(state: dict[str, Any]) -> int:
    """Return the exit code of a snapshot; an old one does not say that nothing is to do now."""
    if state.get("age_s"):
        return CHECK_BUSY
    if any(one.get("wrong") for one in state["troubles"]):
        return CHECK_CODES["trouble"]  # whatever the word is: it tells of one thing only
    return CHECK_CODES.get(state["state"], CHECK_BUSY)


def show_peers(client: Client, *, as_json: bool) -> None:
    """Show the devices, where they are, how they were found, and what was tried."""
    from potluck.faces.cli.company import former_lines, peer_lines
    from potluck.faces.cli.layout import Words

    state = client.state(fresh=False)
    if as_json:
        shown = ("devices", "former", "found", "tried", "requests")
        say_json({key: state[key] for key in shown})
    else:
        say(*peer_lines(state, Words.of_this_run()), *former_lines(state))


def show_ring(client: Client, *, as_json: bool) -> None:
    """Draw the circle of nodes, each with its number, its last and its next."""
    state = client.state(fresh=False)
    if as_json:
        say_json({key: state[key] for key in ("node", "ring")})
        return
    from potluck.faces.ring_drawing import ring_lines

    say(*ring_lines(state["ring"], state["device"]["id"], width_of(sys.stdout)))


def show_copies(client: Client, path: str, *, as_json: bool) -> None:
    """Show what is in a folder, and on how many devices each of it is."""
    from potluck.faces.cli.tree import copied_lines, whole_entries

    wanted = api_path(path)
    pages = client.folder_pages(wanted, copies=True)
    first = next(pages)
    if not first["known"]:
        raise _nothing_of(path)
    every = chain([first], pages)
    if as_json:
        say_json_rows(chain.from_iterable(whole_entries(every)))
    else:
        say_each(copied_lines(every, top=not wanted))


def show_listing(client: Client, path: str, *, recursive: bool, as_json: bool) -> None:
    """Show what is shared below `path`, and what of it is here."""
    from potluck.faces.cli.tree import file_lines, folder_lines

    wanted = api_path(path)
    if as_json:
        say_json_rows(_known(client, wanted, client.files(wanted)))
    elif recursive:
        say_each(file_lines(_known(client, wanted, client.files(wanted)), wanted))
    else:
        pages = client.folder_pages(wanted)
        first = next(pages)
        if first["known"]:
            say_each(folder_lines(chain([first], pages), top=not wanted))
        else:  # a file, or nothing
            say_each(file_lines(_known(client, wanted, client.files(wanted)), wanted))


def api_path(path: str) -> str:
    """Return a path as the local API names it: below Shared/, which people may write or not."""
    path = path.strip("/")
    return "" if path in {"Shared", "."} else path.removeprefix("Shared/").strip("/")


def _known(client: Client, path: str, files: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Return the same files; raises NotFound if nothing is shared as `path`."""
    first = next(files, None)
    if first is not None:
        return chain([first], files)
    if path and not next(client.folder_pages(path))["known"]:
        raise _nothing_of(path)
    return files


def _nothing_of(path: str) -> NotFound:
    return NotFound(
        f"Nothing is shared as “{shown(path)}”.",
        "the name was mistyped, or it was deleted",
        command("ls"),
    )


def _age_lines(state: dict[str, Any]) -> list[str]:
    """Return a line that says how old a snapshot is, if it is not of now."""
    age_s = state.get("age_s", 0)
    if not age_s:
        return []
    return [
        "",
        f"as it was {duration(age_s)} ago, since potluck is in the middle of something long",
    ]
