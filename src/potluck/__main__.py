"""The program's entry: `python -m potluck`, `potluck` and `python3 pot.py` all come here.

Strategy: make the standard streams such that nothing done with them raises, hand the arguments to
whoever understands the plainest of them at once (cli/plain.py) and else to the parser, and the
answer to the shell; everything else is imported by the command that needs it. Guarantee: whatever
happens ends with an exit code of docs/faces.md §2, Ctrl-C before the command has begun, too.
Limits: before Python comes here, it says of Ctrl-C what it likes.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and exit with its code."""
    try:
        code = _code()
    except KeyboardInterrupt:  # while the first modules were imported
        code = 130
    sys.exit(code)


def _code() -> int:
    from potluck.faces.cli.streams import prepare_streams

    prepare_streams()
    from potluck.faces.cli.plain import run_plain

    code = run_plain(sys.argv[1:])
    if code is None:
        from potluck.faces.cli.main import run_command

        code = run_command(sys.argv[1:])
    return code


if __name__ == "__main__":
    main()
