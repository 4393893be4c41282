"""The entry: which command is meant, where its code is, and how its end becomes an exit code.

Strategy: the group knows every command by one line (name, module, help) and imports a module only
when its command runs, so that `potluck status` answers in 0.15 s and `potluck --help` imports none.
Errors end here: click's usage errors and our own become the same three parts. Guarantees: exit
codes are those of docs/faces.md §2; an unknown command or option gets a suggestion; a closed pipe
is no error. Limits: click decides how options are written.
"""

from __future__ import annotations

import importlib
import os
import sys
from difflib import get_close_matches

import click

from potluck.core.errors import PotluckError, UsageError
from potluck.faces.cli.output import program, say_error

INTERRUPTED = 130
EVERYDAY = ("up", "down", "status", "add")
COMMANDS: dict[str, tuple[str, str]] = {
    "up": ("up", "start: join or found a group, show what happens"),
    "down": ("leaving", "leave the group gracefully and end"),
    "status": ("views", "this device, its group, and who has what"),
    "add": ("acts", "put files into my folder, so that everybody gets them"),
    "ls": ("views", "what is shared, and what of it is here"),
    "peers": ("views", "the devices, where they are, how they were found"),
    "ring": ("views", "the circle of nodes, each with its last and its next"),
    "wait": ("acts", "block until something is true (for scripts)"),
    "demo": ("demo", "watch several real devices work on this machine"),
    "exit": ("leaving", "the same as down"),
    "watch": ("watch", "the live view of a potluck that runs already"),
    "service": ("service", "let potluck start and run by itself (systemd)"),
    "version": ("acts", "print the version"),
}


class PipeClosedError(Exception):
    """Whoever read our output has gone away."""


class LazyGroup(click.Group):
    """A group whose commands are imported when they run."""

    def invoke(self, ctx: click.Context) -> object:
        """Run a command; a closed pipe is told apart here, since click would exit 1 for it."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise PipeClosedError from error

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return every command, everyday ones first."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of one command and return the command."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"potluck.faces.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, "down" if cmd_name == "exit" else cmd_name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is meant, or say which is close."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            close = get_close_matches(args[0], COMMANDS, 1, 0.5)
            raise UsageError(
                f"There is no command “{args[0]}”.",
                "a name was mistyped",
                f"did you mean {program()} {close[0]}?" if close else f"{program()} --help",
            )
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing any."""
        del ctx
        everyday = [(name, COMMANDS[name][1]) for name in EVERYDAY]
        others = [(name, text) for name, (_, text) in COMMANDS.items() if name not in EVERYDAY]
        with formatter.section("Every day"):
            formatter.write_dl(everyday)
        with formatter.section("More"):
            formatter.write_dl(others)


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
@click.pass_context
def potluck(ctx: click.Context, home: str | None, as_json: bool, verbose: bool) -> None:
    """Keep a folder the same on every computer here, with no server.

    Type `up` on each computer; what you put into your folder appears on all of them.
    """
    ctx.obj = {"home": home, "json": as_json, "verbose": verbose}
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def run_command(arguments: list[str]) -> int:
    """Run one command line and return its exit code."""
    as_json = "--json" in arguments
    try:
        result = potluck.main(arguments, prog_name=program(), standalone_mode=False)
    except PotluckError as error:
        say_error(error, as_json=as_json)
        return error.exit_code
    except click.ClickException as error:
        say_error(_from_click(error), as_json=as_json)
        return UsageError.exit_code
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except PipeClosedError:
        # so that the last flush has a place to go
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return result if isinstance(result, int) else 0


def _from_click(error: click.ClickException) -> UsageError:
    context = getattr(error, "ctx", None)
    command = context.command_path if context is not None else program()
    fix = f"{command} --help"
    if isinstance(error, click.NoSuchOption):
        known = [
            name
            for parameter in (context.command.params if context else ())
            for name in parameter.opts
        ]
        close = get_close_matches(error.option_name, known, 1, 0.5)
        what = f"There is no option {error.option_name}."
        return UsageError(
            what, "a name was mistyped", f"did you mean {close[0]}?" if close else fix
        )
    return UsageError(error.format_message(), "the command line cannot be read that way", fix)
