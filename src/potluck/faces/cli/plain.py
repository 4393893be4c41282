"""The plainest command lines, understood without the parser: what is typed to have a look, or wait.

Strategy: click and what it imports cost half the time that `status` takes to start. So a line is
first held against a table: one of the commands that only look or wait, flags and figures of that
table, `--home`, `--json`, and for `ls` one path. Such a line has one meaning, and cli/looks.py or
cli/waiting.py does it. Anything else (another command, an option that is not in the table, one that
is given twice, a mistake) is not answered here but by the parser, which alone says what is wrong
with a line.

Guarantee: what is understood here means what the parser would say it means: a test gives both the
same lines. Limits: no help, no suggestions, not the prompt of `up`, where the parser is at hand.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from potluck.faces.cli.client import Client, client_of
from potluck.faces.cli.endings import ended
from potluck.faces.cli.looks import show_listing, show_peers, show_ring, show_status

FLAGS: Mapping[str, Mapping[str, str]] = {
    "status": {"--json": "json", "--check": "check"},
    "peers": {"--json": "json"},
    "ring": {"--json": "json"},
    "ls": {"--json": "json", "-r": "recursive", "--recursive": "recursive"},
    "wait": {"--json": "json", "--synced": "synced", "--delivered": "delivered"},
}
"""What each command may be followed by here, and what that means."""
FIGURES = {"--timeout": "timeout", "--peers": "peers"}
"""What `wait` may be followed by besides, with a whole number after it."""
DIGITS = 9  # of a figure; nobody waits for 30 years


class PlainLine(NamedTuple):
    """A command line that is understood."""

    name: str
    home: str | None
    flags: frozenset[str]  # meanings
    path: str  # only after `ls`
    figures: Mapping[str, int]  # only after `wait`


def plain_line(arguments: Sequence[str], environment: Mapping[str, str]) -> PlainLine | None:
    """Return what a command line means if it is one of the plainest, else None."""
    words = list(arguments)
    home = environment.get("POTLUCK_HOME") or None
    if words[:1] == ["--home"] and len(words) > 1:
        home, words = words[1], words[2:]
    if not words or words[0] not in FLAGS or (home or "").startswith("-"):
        return None
    name, flags, paths, figures = words[0], set[str](), list[str](), dict[str, int]()
    following = iter(words[1:])
    for word in following:
        if word in FLAGS[name]:
            flags.add(FLAGS[name][word])
        elif name == "wait" and FIGURES.get(word, "") not in {"", *figures}:
            figure = next(following, "")
            if not (figure.isascii() and figure.isdigit() and len(figure) <= DIGITS):
                return None
            figures[FIGURES[word]] = int(figure)
        elif word.startswith("-"):
            return None
        else:
            paths.append(word)
    if len(paths) > (name == "ls"):
        return None
    return PlainLine(name, home, frozenset(flags), "".join(paths), figures)


def run_plain(arguments: Sequence[str]) -> int | None:
    """Run a command line if it is one of the plainest and return its exit code, else None."""
    line = plain_line(arguments, os.environ)
    if line is None:
        return None
    return ended(lambda: _look(line), as_json="json" in line.flags, verbose=False)


def _look(line: PlainLine) -> int:
    client: Client = client_of(line.home)
    as_json = "json" in line.flags
    if line.name == "status":
        return show_status(client, watch=False, check="check" in line.flags, as_json=as_json)
    if line.name == "ls":
        recursive = "recursive" in line.flags
        show_listing(client, line.path, recursive=recursive, as_json=as_json)
    elif line.name == "peers":
        show_peers(client, as_json=as_json)
    elif line.name == "wait":
        _wait(client, line, as_json=as_json)
    else:
        show_ring(client, as_json=as_json)
    return 0


def _wait(client: Client, line: PlainLine, *, as_json: bool) -> None:
    from potluck.faces.cli.waiting import Wish, wait_until

    delivered, peers = "delivered" in line.flags, line.figures.get("peers")
    wish = Wish.of(synced="synced" in line.flags, delivered=delivered, to=(), peers=peers)
    wait_until(client, wish, timeout_s=line.figures.get("timeout"), as_json=as_json)
