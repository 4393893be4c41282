"""The program's entry: `python -m potluck`, `potluck` and `python3 pot.py` all come here.

Strategy: make the standard streams such that nothing done with them raises, hand the arguments to
the command line and its answer to the shell; everything else is imported by the command that needs
it. Guarantee: whatever happens ends with an exit code of docs/faces.md §2.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and exit with its code."""
    from potluck.faces.cli.streams import prepare_streams

    prepare_streams()
    from potluck.faces.cli.main import run_command

    sys.exit(run_command(sys.argv[1:]))


if __name__ == "__main__":
    main()
