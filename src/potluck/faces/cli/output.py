"""How a command speaks: lines for people, one JSON envelope for scripts, three-part errors, the
program's name.

Strategy: everything a command prints goes through here, so that `--json` means exactly one thing:
`{"schema":1,"ok":true,"data":…}` or `{"schema":1,"ok":false,"error":{code, message, cause, fix}}`
on standard output and nothing else there. A long list is one envelope too, written row by row, so
neither side has to hold it. The prompt of `up` runs the same commands: while it does, lines are
collected for it, and what a person is told to type is what that prompt understands. A command in a
sentence of the engine stands behind words that say so (core/wording.py), and is made whole here.

Guarantees: errors go to standard error as what failed, the probable cause and the next command. A
pipe that is closed (`| head`) ends a command quietly, a full disk with a sentence. Limits: no
colour but bold, dim and red, and none under NO_COLOR or off a terminal.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any, TypeAlias

from potluck.core.errors import DiskTrouble, PotluckError
from potluck.core.wording import TO_TYPE, TO_TYPE_THERE
from potluck.faces.advice import Advice, for_terminal
from potluck.faces.cli.streams import AnyStream, knows_every_letter, let_go
from potluck.faces.text import shown

Json: TypeAlias = Any
"""Whatever JSON can hold."""

OUTPUT_SCHEMA = 1  # of what --json prints; raised when a script could misread it
_ELSEWHERE = "type it in another terminal: "
_OURS = re.compile(r"(?<![\w/.-])potluck (--home|[a-z]+(?:-[a-z]+)*)\b")
_TYPED = re.compile(rf"\b({TO_TYPE}|{TO_TYPE_THERE})([a-z]+(?:-[a-z]+)*)")
_LAID_OUT = frozenset("\n\x1b")
_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33"}
_CODES["light on dark"] = "97;40"  # whatever the terminal's own colours are
_collecting: ContextVar[list[str] | None] = ContextVar("collecting", default=None)


class OutputFailed(DiskTrouble):
    """The output could not be written."""


class PipeClosedError(Exception):
    """Whoever read our output has gone away."""


@contextmanager
def collected() -> Iterator[list[str]]:
    """Collect what is said inside instead of printing it: the prompt shows it."""
    lines: list[str] = []
    token = _collecting.set(lines)
    try:
        yield lines
    finally:
        _collecting.reset(token)


def at_prompt() -> bool:
    """Say whether a command is run by the prompt of `up`."""
    return _collecting.get() is not None


def program() -> str:
    """Return what the person types to run potluck: `potluck`, or `python3 pot.py` in a checkout."""
    started_as_module = sys.argv[0].endswith("potluck/__main__.py")
    return "python3 pot.py" if started_as_module and _in_checkout() else "potluck"


def _in_checkout() -> bool:
    """Say whether this is run from a checkout: five folders above this file stands pot.py."""
    above = os.path.realpath(__file__).rsplit("/", 5)[0]
    return os.path.isfile(f"{above}/pot.py")


def command(words: str) -> str:
    """Return the whole line that runs `words` for the same home; at the prompt just the words,
    unless they are of a command that is typed in a shell.
    """
    if at_prompt() and not is_for_a_shell(words):
        return words
    return shell_line(words)


def sentence(text: str, here: Callable[[str], str] | None = None) -> str:
    """Return what the engine says with the commands in it as they are typed, each where it is.

    `here`: how a command is typed where this is read; unless given, by whoever runs this. What is
    typed so already stays: an error may be made of what was said.
    """
    is_bare = at_prompt() if here is None else here("status") == "status"

    def typed(found: re.Match[str]) -> str:
        if text.startswith(f"{program()} ", found.start(2)):
            return found[0]
        if found[1] == TO_TYPE:
            return f"{found[1]}{(here or command)(found[2])}"
        return found[0] if is_bare else f"{found[1]}{program()} {found[2]}"

    return _TYPED.sub(typed, text)


def is_for_a_shell(words: str) -> bool:
    """Say whether these words are of a command that no prompt of ours runs."""
    from potluck.faces.cli.commands import ELSEWHERE

    return words.split(" ", maxsplit=1)[0] in ELSEWHERE


def is_ours(advice: str) -> bool:
    """Say whether what the engine advises is a command of ours: it says neither how potluck is
    typed nor for which home. The `ls` with options is that of the shell.
    """
    from potluck.faces.cli.commands import COMMANDS

    return advice.split(" ", maxsplit=1)[0] in COMMANDS and not advice.startswith("ls -")


def shell_line(words: str) -> str:
    """Return the whole line that runs `words` for the same home in a shell on this machine."""
    arguments = sys.argv[1:]
    home = next((one[7:] for one in arguments if one.startswith("--home=")), "")
    if "--home" in arguments[:-1]:
        home = arguments[arguments.index("--home") + 1]
    return f"{program()} --home {shlex.quote(home)} {words}" if home else f"{program()} {words}"


def in_another_terminal(words: str) -> str:
    """Return the step to what this prompt does not run, though others of ours may."""
    return f"{_ELSEWHERE}{shell_line(words)}"


def styled(text: str, style: str) -> str:
    """Return `text` in a style where the terminal shows one."""
    if os.environ.get("NO_COLOR") or at_prompt() or not is_terminal():
        return text
    return f"\x1b[{_CODES[style]}m{text}\x1b[0m"


def say(*lines: str) -> None:
    """Print lines for a person, at once; on a terminal none is broken within a word or command."""
    say_each(lines if at_prompt() else laid(lines))


def laid(lines: Iterable[str]) -> list[str]:
    """Return lines as they fit on the standard output, if that is a terminal."""
    return _laid(lines, width_of(sys.stdout))


def _laid(lines: Iterable[str], width: int | None) -> list[str]:
    """Return lines that fit; what is styled, or several lines in one, is laid out already."""
    if width is None:
        return list(lines)
    return [
        row
        for line in lines
        for row in ([line] if _LAID_OUT & set(line) else for_terminal([line], width))
    ]


def width_of(stream: AnyStream) -> int | None:
    """Return how many columns a stream has, None if it is no terminal."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or None  # type: ignore[union-attr]
    except (AttributeError, OSError, ValueError):
        return None


def say_each(lines: Iterable[str]) -> None:
    """Print lines as they come; the first is seen at once, and the last when there is no more."""
    kept = _collecting.get()
    if kept is not None:
        kept.extend(lines)
        return
    first = True
    for line in lines:
        _write(line + "\n", flush=first)
        first = False
    _write("", flush=True)


def say_json(data: Json) -> None:
    """Print one envelope with `data`."""
    _write(_encoded({"schema": OUTPUT_SCHEMA, "ok": True, "data": data}) + "\n", flush=True)


def say_json_rows(rows: Iterable[Json]) -> None:
    """Print one envelope whose data is a list, a row a line, as they come."""
    _write(f'{{"schema": {OUTPUT_SCHEMA}, "ok": true, "data": [', flush=False)
    between = "\n"
    for row in rows:
        _write(between + _encoded(row), flush=between == "\n")
        between = ",\n"
    _write("\n]}\n", flush=True)


def say_error(error: PotluckError, *, as_json: bool) -> None:
    """Print an error: its envelope on standard output for scripts, its three parts on standard
    error for people.
    """
    if as_json:
        described = {
            "code": error.code,
            "message": error.what,
            "cause": error.cause,
            "fix": "\n".join(_steps(error)),
        }
        _write(
            _encoded({"schema": OUTPUT_SCHEMA, "ok": False, "error": described}) + "\n", flush=True
        )
        return
    lines = error_lines(error)
    lines[0] = f"potluck: {lines[0]}"
    lines = _laid(lines, width_of(sys.stderr))
    with suppress(OSError, ValueError):  # nobody is there to be told
        print("\n".join(lines), file=sys.stderr, flush=True)


def error_lines(error: PotluckError) -> list[str]:
    """Return the three parts of an error, a line each, and one for each of several causes or next
    steps; what was typed may stand in them, with bytes that no terminal is to get.
    """
    lines = [shown(line) for line in sentence(error.what).splitlines()]
    causes = [shown(line) for line in sentence(error.cause).splitlines()]
    lines += [f"  why:  {cause}" for cause in causes[:1]]
    lines += [f"        {cause}" for cause in causes[1:]]
    first, *others = map(shown, _steps(error) or [""])
    lines += [_step(f"  next: {first}")] if first else []
    return lines + [_step(f"        {other}") for other in others]


def _steps(error: PotluckError) -> list[str]:
    """Return the next steps; who wrote `potluck up` does not know how it is typed here."""
    steps = error.fix.splitlines()
    return [step if step.startswith(_ELSEWHERE) else _OURS.sub(_as_typed, step) for step in steps]


def _as_typed(found: re.Match[str]) -> str:
    from potluck.faces.cli.commands import COMMANDS

    if found[1] == "--home":
        return f"{program()} --home"
    return command(found[1]) if found[1] in COMMANDS else found[0]


def _step(line: str) -> str:
    """Return a next step so that a command in it stays whole."""
    before, ours, words = line.partition(f"{program()} ")
    return Advice(before, ours + words) if ours else line


def _encoded(data: Json) -> str:
    return json.dumps(data, ensure_ascii=not knows_every_letter(sys.stdout))


def _write(text: str, *, flush: bool) -> None:
    """Write to the standard output; raises PipeClosedError, or DiskTrouble if it is full."""
    kept = _collecting.get()
    if kept is not None:
        kept.extend(text.splitlines())
        return
    try:
        print(text, end="", flush=flush)
    except BrokenPipeError as error:
        let_go(sys.stdout)
        raise PipeClosedError from error
    except OSError as error:
        let_go(sys.stdout)
        raise output_trouble(error) from error


def output_trouble(error: OSError) -> OutputFailed:
    """Return why the output could not be written, for a person."""
    return OutputFailed(
        f"The output could not be written: {error.strerror or error}.",
        "the disk or device that it goes to is full, or takes nothing",
        "make room there, or let it go somewhere else",
    )


def is_terminal() -> bool:
    """Say whether the standard output is a terminal."""
    try:
        return sys.stdout.isatty()
    except (AttributeError, ValueError):
        return False
