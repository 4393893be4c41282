"""The plainest command lines, understood without the parser: what people type to have a look.

Strategy: click and what it imports cost half the time that `status` takes to start. So a line is
first held against a table: one of the commands that only look, flags of that table, `--home`,
`--json`, and for `ls` one path. Such a line has one meaning, and cli/looks.py does it. Anything
else (another command, an option that is not in the table, one that is given twice, a mistake) is
not answered here but by the parser, which alone says what is wrong with a line.

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
}
"""What each command may be followed by here, and what that means."""


class PlainLine(NamedTuple):
    """A command line that is understood."""

    name: str
    home: str | None
    flags: frozenset[str]  # meanings
    path: str  # only after `ls`


def plain_line(arguments: Sequence[str], environment: Mapping[str, str]) -> PlainLine | None:
    """Return what a command line means if it is one of the plainest, else None."""
    words = list(arguments)
    home = environment.get("POTLUCK_HOME") or None
    if words[:1] == ["--home"] and len(words) > 1:
        home, words = words[1], words[2:]
    if not words or words[0] not in FLAGS or (home or "").startswith("-"):
        return None
    name, flags, paths = words[0], set[str](), list[str]()
    for word in words[1:]:
        meaning = FLAGS[name].get(word)
        if meaning is not None:
            flags.add(meaning)
        elif word.startswith("-"):
            return None
        else:
            paths.append(word)
    if len(paths) > (name == "ls"):
        return None
    return PlainLine(name, home, frozenset(flags), "".join(paths))


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
    else:
        show_ring(client, as_json=as_json)
    return 0
