"""How a command speaks: lines for people, one JSON envelope for scripts, three-part errors, the
program's name.

Strategy: everything a command prints goes through here, so that `--json` means exactly one thing:
`{"schema":1,"ok":true,"data":…}` or `{"schema":1,"ok":false,"error":{code, message, cause, fix}}`
on standard output and nothing else there. Guarantee: errors go to standard error as what failed,
the probable cause and the next command, and a closed pipe (`| head`) ends quietly. Limits: no
colour but bold, dim and red, and none under NO_COLOR or off a terminal.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
from pathlib import Path
from typing import Any, TypeAlias

from potluck.core.errors import PotluckError

Json: TypeAlias = Any
"""Whatever JSON can hold."""

OUTPUT_SCHEMA = 1  # of what --json prints; raised when a script could misread it
_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33"}


def program() -> str:
    """Return what the person types to run potluck: `potluck`, or `python3 pot.py` in a checkout."""
    checkout = Path(__file__).resolve().parents[4] / "pot.py"
    started_as_module = Path(sys.argv[0]).parts[-2:] == ("potluck", "__main__.py")
    return "python3 pot.py" if started_as_module and checkout.is_file() else "potluck"


def command(words: str) -> str:
    """Return the whole line that runs `words` for the same home on this machine."""
    arguments = sys.argv[1:]
    home = next((one[7:] for one in arguments if one.startswith("--home=")), "")
    if "--home" in arguments[:-1]:
        home = arguments[arguments.index("--home") + 1]
    return f"{program()} --home {shlex.quote(home)} {words}" if home else f"{program()} {words}"


def styled(text: str, style: str) -> str:
    """Return `text` in a style where the terminal shows one."""
    if os.environ.get("NO_COLOR") or not sys.stdout.isatty():
        return text
    return f"\x1b[{_CODES[style]}m{text}\x1b[0m"


def say(*lines: str) -> None:
    """Print lines for a person, at once."""
    for line in lines:
        print(line, flush=True)


def say_json(data: Json) -> None:
    """Print one envelope with `data`."""
    print(
        json.dumps({"schema": OUTPUT_SCHEMA, "ok": True, "data": data}, ensure_ascii=False),
        flush=True,
    )


def say_error(error: PotluckError, *, as_json: bool) -> None:
    """Print an error: its envelope on standard output for scripts, its three parts on standard
    error for people.
    """
    if as_json:
        described = {
            "code": error.code,
            "message": error.what,
            "cause": error.cause,
            "fix": error.fix,
        }
        print(
            json.dumps(
                {"schema": OUTPUT_SCHEMA, "ok": False, "error": described}, ensure_ascii=False
            ),
            flush=True,
        )
        return
    lines = [f"potluck: {error.what}"]
    lines += [f"  why:  {error.cause}"] if error.cause else []
    lines += [f"  next: {error.fix}"] if error.fix else []
    print("\n".join(lines), file=sys.stderr, flush=True)
