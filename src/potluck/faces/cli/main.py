"""The parser: which command is meant, and what is said to a command line that means none.

Strategy: the group knows every command by one line (cli/commands.py) and imports a module only when
its command runs, so that `potluck --help` imports none. The prompt of `up` runs the same commands,
read by the same parser, and is given their lines. click's usage errors become the three parts of
our own, and all end in cli/endings.py. Guarantees: an unknown command or option gets a suggestion,
but nothing that opens the door to strangers, or closes it, is ever suggested. Limits: click decides
how options are written; the plainest lines never come here (cli/plain.py).
"""

from __future__ import annotations

import importlib
import shlex
from typing import TYPE_CHECKING, Any

import click

from potluck.core.errors import PotluckError, UsageError
from potluck.faces.cli.client import Client
from potluck.faces.cli.commands import COMMANDS, ELSEWHERE, EVERYDAY
from potluck.faces.cli.endings import ended, unforeseen
from potluck.faces.cli.output import (
    at_prompt,
    collected,
    command,
    error_lines,
    in_another_terminal,
    program,
)
from potluck.faces.text import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

LIKE = 0.5  # how much of a word must be right to be taken for a mistyped one
LEAVING_WORDS = ("exit", "quit", "stop", "down")
UNSUGGESTED = frozenset({"--open", "open", "close", "approve", "deny"})
"""What lets strangers in, or keeps them out, must be what somebody means, not our guess."""


class LazyGroup(click.Group):
    """A group whose commands are imported when they run."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return every command, everyday ones first."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of one command and return the command."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module, name, _ = COMMANDS[cmd_name]
        found: click.Command = getattr(importlib.import_module(f"potluck.faces.cli.{module}"), name)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is meant, or say which is close."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            close = suggestion(args[0], [*COMMANDS])
            raise UsageError(
                f"There is no command “{args[0]}”.",
                "a name was mistyped",
                f"did you mean {command(close)}?" if close else command("help"),
            )
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing any."""
        del ctx
        everyday = [(name, COMMANDS[name][2]) for name in EVERYDAY]
        others = [(name, row[2]) for name, row in COMMANDS.items() if name not in EVERYDAY]
        with formatter.section("Every day"):
            formatter.write_dl(everyday)
        with formatter.section("More"):
            formatter.write_dl(others)


def _version(ctx: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from potluck.faces.cli.acts import say_version

        say_version(as_json=False)
        ctx.exit()


@click.group(
    cls=LazyGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.option(
    "--home",
    metavar="DIR",
    envvar="POTLUCK_HOME",
    help="Keep configuration, state and socket in DIR.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON for scripts.")
@click.option("--verbose", is_flag=True, help="Say more, for finding faults.")
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_version,
    help="Print the version.",
)  # fmt: skip
@click.pass_context
def potluck(ctx: click.Context, home: str | None, as_json: bool, verbose: bool) -> None:
    """Keep a folder the same on every computer here, with no server.

    Type `up` on each computer; what you put into your folder appears on all of them.
    """
    ctx.obj = ctx.obj or {"home": home, "json": as_json, "verbose": verbose}
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def run_command(arguments: list[str]) -> int:
    """Run one command line and return its exit code."""
    as_json, verbose = "--json" in arguments, "--verbose" in arguments
    return ended(lambda: _run_told(arguments), as_json=as_json, verbose=verbose)


def run_typed(
    words: list[str],
    client: Client,
    *,
    watching: bool = False,
    seen: Mapping[str, str] | None = None,
) -> list[str]:
    """Run what was typed at the prompt, for the potluck of `client`; returns what to show.

    `watching`: it is the prompt of a view, whose end is not that of potluck; `seen`: the requests
    that could be read there when the line was begun, their names by their ids.
    """
    shared: dict[str, Any] = {"home": client, "json": False, "verbose": False, "watching": watching}
    shared["seen"] = dict(seen or {})
    with collected() as lines:
        try:
            _run(_understood(words), shared)
        except PotluckError as error:
            return [*lines, *error_lines(error)]
        except click.ClickException as error:
            return [*lines, *error_lines(_from_click(error, words))]
        except Exception as error:  # noqa: BLE001 # house: the prompt goes on
            return [*lines, *error_lines(unforeseen(error))]
        return lines


def suggestion(word: str, known: list[str]) -> str:
    """Return which known word a mistyped one is probably meant to be, "" if none may be named."""
    from difflib import get_close_matches

    close = get_close_matches(word, known, 1, LIKE)
    return close[0] if close and close[0] not in UNSUGGESTED else ""


def _run(arguments: list[str], shared: dict[str, Any] | None) -> int:
    """Read a command line and run it; what is not as it should be is raised."""
    name = "" if at_prompt() else program()
    try:
        with potluck.make_context(name, list(arguments), obj=shared) as context:
            result = potluck.invoke(context)
    except click.exceptions.Exit as end:
        return end.exit_code
    return result if isinstance(result, int) else 0


def _run_told(arguments: list[str]) -> int:
    """Run a command line; what click raises becomes what we raise ourselves."""
    try:
        return _run(arguments, None)
    except click.ClickException as error:
        raise _from_click(error, arguments) from None
    except click.Abort:
        raise KeyboardInterrupt from None


def _understood(words: list[str]) -> list[str]:
    """Return what is typed at the prompt as a command line; raises UsageError.

    Leaving is the only command that means something else there: the program itself ends.
    """
    word = words[0].casefold()
    if {"-h", "--help"} & {*words}:
        return ["help", *([] if word.startswith("-") else [word])]
    if word in ELSEWHERE:
        raise UsageError(
            f"“{word}” is not for this prompt.",
            ELSEWHERE[word],
            in_another_terminal(shown(shlex.join(words))),
        )
    if word in LEAVING_WORDS:
        raise UsageError(f"“{word}” takes no more words here.", "", word)
    if word.startswith("-") and word != "--version":
        raise UsageError(f"There is no “{word}” here.", "a command comes first", "help")
    return [word, *words[1:]]


def _path_of(context: click.Context | None, arguments: list[str]) -> str:
    """Return which command could not be read; click does not say it of an option without value."""
    if context is not None:
        return context.command_path.strip()
    name = "" if at_prompt() else program()
    named = next((word for word in arguments if word in COMMANDS), "")
    return f"{name} {named}".strip()


def _from_click(error: click.ClickException, arguments: list[str]) -> UsageError:
    context = getattr(error, "ctx", None)
    fix = f"{_path_of(context, arguments)} --help".strip()
    if isinstance(error, click.NoSuchOption):
        known = [
            name
            for parameter in (context.command.params if context else ())
            if not getattr(parameter, "hidden", False)
            for name in parameter.opts
        ]
        close = suggestion(error.option_name, known)
        what = f"There is no option {error.option_name}."
        return UsageError(what, "a name was mistyped", f"did you mean {close}?" if close else fix)
    what = " ".join(error.format_message().split())  # click lists choices on lines of their own
    return UsageError(what, "the command line cannot be read that way", fix)
