"""How a command ends: an exit code, whatever happened.

Strategy: one place through which every command line goes, the parsed and the plain ones
(cli/plain.py). It knows no parser: what click raises has become ours before. Guarantees: exit codes
are those of docs/faces.md §2; no end is a traceback, unless --verbose asks for one; a closed pipe
ends in silence; of an error that may hold what was typed only its kind is said. Limits: what the
prompt of `up` runs does not end here, since it goes on.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from potluck.core.errors import NotFound, PotluckError
from potluck.faces.cli.output import (
    OutputFailed,
    PipeClosedError,
    at_prompt,
    output_trouble,
    say_error,
)
from potluck.faces.cli.streams import let_go

INTERRUPTED = 130


def ended(work: Callable[[], int], *, as_json: bool, verbose: bool) -> int:
    """Do what a command does and return its exit code; what it raises is said."""
    try:
        return work()
    except PotluckError as error:
        return _told(error, as_json=as_json)
    except KeyboardInterrupt:
        return INTERRUPTED
    except (PipeClosedError, BrokenPipeError):
        let_go(sys.stdout)
        return 0
    except Exception as error:  # house: a fault is said in a sentence, too
        if verbose:
            raise
        return _told(unforeseen(error), as_json=as_json)


def _told(error: PotluckError, *, as_json: bool) -> int:
    """Say an error and return its exit code."""
    try:
        say_error(error, as_json=as_json and not isinstance(error, OutputFailed))
    except PipeClosedError:
        pass  # nobody wants to be told
    except PotluckError:
        say_error(error, as_json=False)  # on the other stream
    return error.exit_code


def unforeseen(error: Exception) -> PotluckError:
    """Return what went wrong that nobody foresaw, for a person."""
    if isinstance(error, FileNotFoundError) and _is_nowhere():
        return NotFound(
            "The folder in which this runs is gone.",
            "it was removed or renamed, so a name without a / at its front leads nowhere",
            "write the whole path, or go to another folder first",
        )
    if isinstance(error, OSError) and error.filename is None and not at_prompt():
        let_go(sys.stdout)  # the help of click, nowhere to go
        return output_trouble(error)
    again = "type the same in a shell" if at_prompt() else "type the same again"
    return PotluckError(
        "That did not work, and it should have.",
        f"a fault in potluck itself: {_named(error)}",
        f"{again} with --verbose before the command, and report what it prints",
    )


def _is_nowhere() -> bool:
    """Say whether the working directory was removed."""
    try:
        os.getcwd()  # noqa: PTH109 - pathlib is half of the start of `status`
    except OSError:
        return True
    return False


def _named(error: Exception) -> str:
    """Return an error for a person; what could not be decoded may be a secret that was typed."""
    return type(error).__name__ if isinstance(error, UnicodeError) else repr(error)
