"""The commands `invite`, `uninvite` and `join`: one code, shown in one place and typed in another.

Strategy: a code is shown once, where it was asked for, or goes into a file and is not shown at all.
It is typed at a question, comes from the standard input or from a file, or is typed behind `join`
at the prompt of potluck; never behind `join` in a shell, whose history and process list others may
read: then nothing is asked of anybody, and the person is told that the code is not secret any more.
The QR code holds the three words and nothing else, for a machine that has a camera and no friend to
read them out. At the prompt of `up`, whose process may write into its own folders only, no file is
made: the line for another terminal is told. Guarantees: no error has a word of what was typed.
Limits: the screen it is typed on shows it; it counts once.
"""

from __future__ import annotations

import os
import shlex
import sys
from functools import partial
from pathlib import Path
from typing import Any

import click

from potluck.core.errors import Refused, UsageError
from potluck.core.limits import CODE_TRIES, INVITE_LEAST_S, INVITE_MAX_MINUTES, INVITE_S
from potluck.faces.advice import LightOnDark
from potluck.faces.cli.acts import json_option
from potluck.faces.cli.client import Client, client_of
from potluck.faces.cli.output import (
    at_prompt,
    command,
    in_another_terminal,
    program,
    say,
    say_json,
    styled,
)
from potluck.faces.text import shown

_QUIET = 4  # modules of light around a QR code (ISO/IEC 18004): cameras find its edge
_BLOCKS = {(0, 0): "█", (0, 1): "▀", (1, 0): "▄", (1, 1): " "}  # light is drawn
_TYPED_BYTES = 1024  # of the standard input: more is no code


@click.command()
@click.option(
    "--minutes",
    type=float,
    default=INVITE_S / 60,
    metavar="N",
    help="How long the code counts (10).",
)
@click.option("--qr", is_flag=True, help="Show it as a QR code as well.")
@click.option("--to-file", metavar="PATH", help="Write it into a new file instead of showing it.")
@json_option
@click.pass_obj
def invite(
    shared: dict[str, Any], minutes: float, qr: bool, to_file: str | None, as_json: bool
) -> None:
    """Make a code of three words by which one device joins this group."""
    _check(minutes, to_file)
    client = client_of(shared["home"])
    made = partial(client.act, "invite", {"minutes": minutes})
    state = client.state()
    is_second = state.get("invite") is not None
    if to_file is not None:
        if at_prompt() and not shared.get("watching") and state.get("confined", {}).get("on"):
            raise _confined(to_file, minutes)
        from potluck.faces.cli.code_files import write_code

        write_code(to_file, made, partial(client.act, "uninvite", {}))
        told: dict[str, Any] = {"file": to_file, "minutes": minutes}
        lines = [f"The code is in {to_file}, and nowhere else.", *_what_now(minutes, "file")]
    else:
        code = made()
        told = {"code": code, "minutes": minutes}
        lines = [f"The code:  {styled(code, 'bold')}", *_what_now(minutes, "")]
        rows = map(LightOnDark, qr_lines(code)) if qr else ()
        drawn = [styled(row, "light on dark") for row in rows]
        lines = [*drawn, *lines]
    if as_json or shared["json"]:
        say_json(told | {"replaced": is_second})
    else:
        say(*lines, *(["The code of before counts no more."] if is_second else []))


def _check(minutes: float, to_file: str | None) -> None:
    """Find out that a code can count for that long, and that a file is named; raises UsageError."""
    if not INVITE_LEAST_S <= minutes * 60 <= INVITE_MAX_MINUTES * 60:  # nan is neither
        raise UsageError(
            f"A code cannot count for {minutes:g} minutes.",
            f"it counts for a second at least, and for {INVITE_MAX_MINUTES} minutes at most",
            command("invite --minutes 10"),
        )
    if to_file == "":
        raise UsageError(
            "No file is named.",
            "what stands behind --to-file is empty",
            command("invite --to-file FILE"),
        )


def _confined(to_file: str, minutes: float) -> Refused:
    """Return why the prompt of `up` writes no file: it is typed into the process that shares."""
    path = str(Path(os.path.expanduser(to_file)).absolute())  # noqa: PTH111 - Path raises
    counts = "" if minutes == INVITE_S / 60 else f" --minutes {minutes:g}"
    return Refused(
        "No code was made, and no file written.",
        "the process behind this prompt may write nowhere but in its own folders (Landlock)",
        in_another_terminal(f"invite --to-file {shlex.quote(shown(path))}{counts}"),
    )


@click.command()
@json_option
@click.pass_obj
def uninvite(shared: dict[str, Any], as_json: bool) -> None:
    """Take back the code that is in force."""
    _tell(client_of(shared["home"]).act("uninvite", {}), as_json=as_json or shared["json"])


@click.command()
@click.argument("words", nargs=-1, metavar="")
@click.option("--code-file", metavar="PATH", help="Read the code from that file.")
@click.option("--stdin", "from_stdin", is_flag=True, help="Read the code from standard input.")
@click.option("--peer", metavar="HOST[:PORT]", help="Ask this device, too.")
@json_option
@click.pass_obj
def join(
    shared: dict[str, Any],
    words: tuple[str, ...],
    code_file: str | None,
    from_stdin: bool,
    peer: str | None,
    as_json: bool,
) -> None:
    """Join the group whose member showed you a code; it is asked for, and never an argument."""
    if words and not at_prompt():
        raise _shown_to_all(words)
    if sum([bool(words), code_file is not None, from_stdin]) > 1:
        raise UsageError(
            "A code comes from one place.", "two were named", f"{command('join')} asks for it"
        )
    client = client_of(shared["home"])
    client.state(fresh=False)  # nobody types a code for a potluck that does not run
    code = " ".join(words) if words else code_from(code_file, from_stdin=from_stdin)
    _tell(joined(client, code, peer), as_json=as_json or shared["json"])


def joined(client: Client, code: str, peer: str | None = None) -> str:
    """Have that device join by that code and return what happened; raises PotluckError."""
    from potluck.config.values import parse_peer

    asked = {"code": code} if peer is None else {"code": code, "peer": parse_peer(peer)}
    return client.act("join", asked)


def code_from(code_file: str | None, *, from_stdin: bool) -> str:
    """Return what was typed, or stands in that file; raises PotluckError."""
    try:
        code = _code_from(code_file, from_stdin=from_stdin)
        code.encode()  # a terminal of another encoding gives halves of letters
    except UnicodeError:
        raise UsageError(
            "What was read is no code.",
            "it is not text, or not in UTF-8: a code is three words",
            f"{command('join')} asks for it",
        ) from None
    return code


def _code_from(code_file: str | None, *, from_stdin: bool) -> str:
    if code_file is not None:
        from potluck.faces.cli.code_files import read_code

        code, open_to_others = read_code(code_file)
        if open_to_others:
            sys.stderr.write(f"! Others of this machine may read {code_file}.\n")
        return code
    if from_stdin and at_prompt():
        raise UsageError(
            "--stdin is not for this prompt.",
            "the standard input is what is typed here",
            "join WORD WORD WORD",
        )
    if from_stdin:
        return sys.stdin.read(_TYPED_BYTES)
    if at_prompt():
        raise UsageError(
            "At this prompt the code stands behind the command.",
            "the three words are missing",
            "join WORD WORD WORD",
        )
    if sys.stdin is None or not sys.stdin.isatty():
        raise UsageError(
            "Nobody can be asked for the code here.",
            "the standard input is no terminal",
            f"{command('join --stdin')} or {command('join --code-file PATH')}",
        )
    sys.stderr.write("The three words: ")
    sys.stderr.flush()
    return sys.stdin.readline(_TYPED_BYTES)


def qr_lines(text: str) -> list[str]:
    """Return a QR code of that text as lines of blocks."""
    import segno

    rows = [list(row) for row in segno.make(text, micro=False).matrix_iter(border=_QUIET)]
    below = [*rows[1:], [0] * len(rows[0])]
    pairs = [zip(upper, lower, strict=True) for upper, lower in zip(rows, below, strict=True)]
    return ["".join(_BLOCKS[pair] for pair in row) for row in pairs[::2]]


def _what_now(minutes: float, place: str) -> list[str]:
    how = "join --code-file PATH" if place else "join"
    return [
        f"It counts for {minutes:g} minutes, for one device, and for {CODE_TRIES} tries.",
        f"On the device that is to come in: {program()} up, then there: {program()} {how}",
        f"To take it back: {command('uninvite')}",
    ]


def _shown_to_all(words: tuple[str, ...]) -> UsageError:
    """Return why a code, or whatever it was, is not taken from the command line."""
    del words  # whatever they are, they are not repeated
    return UsageError(
        "A code is never typed behind the command.",
        "the shell keeps it in its history, and everybody on this machine can see it: "
        "if that was a code, it is not secret any more",
        f"take it back where it was made (uninvite) and make another; then: {command('join')}",
    )


def _tell(text: str, *, as_json: bool) -> None:
    if as_json:
        say_json({"text": text})
    else:
        say(text)
