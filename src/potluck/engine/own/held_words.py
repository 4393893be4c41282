"""Held words: what a person reads of what is held of the own folder, and what leads on.

Strategy: what is held is told in up to four parts, each with its own count and names: what waits
for a person, what something else keeps out (engine/own/in_the_way.py), what the rules of
`.potluckignore` leave out, and what is wanted back. Who wants one
file back is still told of all the others. Of a file that was cut off to nothing it is said that it
was, since something stands there.

Guarantees: `repair` is named only for what it can bring back, which is none of what is left out;
`confirm` is named with a path where without one it would give up more than that part. Limits: the
first names alone are listed, and of several lines that leave something out the first one counts.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Sequence
from heapq import nsmallest
from typing import Final, NamedTuple

from potluck.core.content.ignore_rules import IGNORE_FILE
from potluck.core.wire.catalogue import FileRecord, Kind
from potluck.core.wording import LISTED, TO_TYPE, listed, of_amount, set_off, typable
from potluck.engine.node import Node
from potluck.engine.own.held_elsewhere import common_path, held_elsewhere
from potluck.engine.own.held_paths import HeldPaths, is_at_or_below
from potluck.engine.own.in_the_way import in_the_way_words, kept_out_by, rename_command
from potluck.engine.own.left_out import RuledOut
from potluck.engine.return_report import total_of
from potluck.engine.troubles import TroubleKind

CONFIRM: Final = "confirm"
"""A command of ours, by which a person lets go what is held …"""
REPAIR: Final = "repair"
"""… and the one by which it is brought back."""
_STAYS: Final = "deleted nowhere unasked"


def left_out_text(node: Node, records: Sequence[FileRecord]) -> str:
    """Return how much of that which is shared, or was, is left out, by which line, and what leads
    on.
    """
    them, _ = _pronouns(records)
    named = f"{of_amount(*total_of(records))} ({_names(records)})"
    words = RuledOut(node).words(records)
    return f"{named} – {words}; take that line out to have {them} shared again"


class _Part(NamedTuple):
    """Some of what is held."""

    records: Sequence[FileRecord]
    rest: Sequence[FileRecord]  # all else that is held


class Waits(NamedTuple):
    """What is known of some of what is held."""

    returning: Collection[bytes] = ()  # wanted back
    emptied: Collection[bytes] = ()  # an empty file stands there
    in_the_way: Collection[bytes] = ()  # where something stands that keeps out others


def held_reason(node: Node, held: HeldPaths, waits: Waits) -> tuple[str, str]:
    """Return what is held, what becomes of it, and what to type."""
    parts = _parted(node, held, waits)
    said, commands = list[str](), list[str]()
    for name in [each for each in ("held", "kept out", "back", "out") if each in parts]:
        others = [one for each, some in parts.items() if each != name for one in some]
        part = _Part(parts[name], others)
        if name == "held":
            words, then = _waiting_words(node, part, waits.emptied)
        elif name == "kept out":
            words, then = _kept_out_words(node, part, waits.in_the_way)
        elif name == "back":
            words, then = _returning_words(node, part)
        else:
            words, then = _left_out_words(node, part)
        said.append(words)
        commands.append(then)
    return "; besides, ".join(said), commands[0]


def _parted(node: Node, held: HeldPaths, waits: Waits) -> dict[str, list[FileRecord]]:
    """Return what is held, part by part."""
    left_out, parts = RuledOut(node), dict[str, list[FileRecord]]()
    kept_out = kept_out_by(held.records(), waits.in_the_way)
    for one in held.records():
        if one.path in waits.returning:
            name = "back"
        elif left_out.has(one):
            name = "out"
        else:
            name = "kept out" if one.path in kept_out else "held"
        parts.setdefault(name, []).append(one)
    return parts


def ignore_file_command(node: Node) -> str:
    """Return a line for a shell that shows the rules, with their numbers."""
    path = f"{node.settings.folder}/Shared/{node.own_label}/{IGNORE_FILE}"
    return f"cat -n {shlex.quote(path)}"


def _waiting_words(node: Node, part: _Part, emptied: Collection[bytes]) -> tuple[str, str]:
    """Return why these wait for a person, and what to type."""
    here = sum(one.path in emptied for one in part.records)
    where = "not here, or cut off to nothing" if here else "not here"
    where = "cut off to nothing here" if here == len(part.records) else where
    them, they_are = _pronouns(part.records)
    they = "it was" if len(part.records) == 1 else "they were"
    again = f"{TO_TYPE}{REPAIR}"
    return (
        f"{_what(part.records)}: {where} ({_names(part.records)});"
        f" {held_elsewhere(node, part.records).words}; too many went in a short time, a disk took"
        f" {them} along or hides what {they} moved onto, the folder is an older copy, or this"
        f" device does not remember {them}, so {they_are} {_STAYS}; to have here again what the"
        f" others have of {them}, {again} – if {they_are} to go, {TO_TYPE}{_confirm(node, part)}"
    ), REPAIR


def _kept_out_words(node: Node, part: _Part, in_the_way: Collection[bytes]) -> tuple[str, str]:
    """Return what keeps these out, and what gives it another name."""
    paths = set(kept_out_by(part.records, in_the_way).values())
    _, they_are = _pronouns(part.records)
    return (
        f"{_what(part.records)}: not here ({_names(part.records)});"
        f" {in_the_way_words(node.layout.name_of(node.me), paths)}; {they_are} {_STAYS}"
        f" – if {they_are} to go, {TO_TYPE}{_confirm(node, part)}"
    ), rename_command(node, paths)


def _returning_words(node: Node, part: _Part) -> tuple[str, str]:
    """Return what becomes of what is to be brought back, and what to type."""
    what = f"{_what(part.records)}: not here ({_names(part.records)})"
    known = held_elsewhere(node, part.records)
    if not known.by_nobody:
        text = "brought back as soon as a device that has them is linked; to give some of them up,"
        return f"{what}; {text} {TO_TYPE}{CONFIRM} PATH", "peers"
    path = _path_of(node, part)
    text = f"wanted back, but {known.words}; to give that up, {TO_TYPE}{CONFIRM} {path}"
    return f"{what}; {text}", f"{CONFIRM} {path}"


def _left_out_words(node: Node, part: _Part) -> tuple[str, str]:
    """Return which line leaves these out, and what shows it."""
    left_out = RuledOut(node)
    them, they_are = _pronouns(part.records)
    return (
        f"{_what(part.records)}: left out ({_names(part.records)}),"
        f" as {left_out.words(part.records)}; {they_are} {_STAYS}; to share {them} again, take"
        f" that line out – if the others are to delete {them}, {TO_TYPE}{_confirm(node, part)}"
    ), ignore_file_command(node)


def _what(records: Sequence[FileRecord]) -> str:
    return f"{of_amount(*total_of(records))} that I share"


def _names(records: Sequence[FileRecord]) -> str:
    """Return the first names of the files, or of the folders where there is no file."""
    files = [one.path for one in records if one.kind is Kind.FILE]
    paths = files or [one.path for one in records]
    names = [set_off(path.decode()) for path in nsmallest(LISTED, paths)]
    more = len(paths) - len(names)
    return f"{', '.join(names)} and {more:,} more" if more else listed(names)


def _pronouns(records: Sequence[FileRecord]) -> tuple[str, str]:
    return ("it", "it is") if len(records) == 1 else ("them", "they are")


def _confirm(node: Node, part: _Part) -> str:
    """Return what lets go these, and nothing else that is held."""
    return f"{CONFIRM} {_path_of(node, part)}" if part.rest else CONFIRM


def _path_of(node: Node, part: _Part) -> str:
    """Return how a person names all of these and nothing else that is held, PATH if that cannot
    be said with one path.
    """
    inner = common_path([one.path for one in part.records])
    if any(not inner or is_at_or_below(one.path, inner) for one in part.rest):
        return "PATH"
    top = node.layout.name_of(node.me)
    path = f"{top}/{inner.decode()}" if inner else top
    points = [one.subject.encode() for one in node.troubles.of(TroubleKind.COVERED)]
    pairs = [pair for one in points for pair in ((path.encode(), one), (one, path.encode()))]
    if any(is_at_or_below(*pair) for pair in pairs):
        return "PATH"  # what a disk hides there, or took along, would be given up with it
    return typable(path, "PATH")
