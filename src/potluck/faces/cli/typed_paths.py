"""Typed paths: what a person types for a file in the share, as the local API names it.

Strategy: people are somewhere. An absolute path says which file it is; a relative one is first
looked for in the folder where the person is, if that is in the share and something of that name is
there, and is a path below Shared/ else, as `ls` shows it. Guarantees: an absolute path outside of
the share is an error with where the share is; nothing is opened, and no link is followed but those
that lead to the share itself. Limits: where one name is meant by both ways the nearer one counts.
"""

from __future__ import annotations

import os
from pathlib import Path

from potluck.core.errors import UsageError
from potluck.faces.cli.output import command
from potluck.faces.text import shown

TOP = "Shared"


def below_shared(typed: str, folder: str, at: Path) -> str:
    """Return a typed path as it is called below Shared/ in `folder`, for a person who is `at`.

    Raises UsageError.
    """
    top = Path(folder) / TOP
    path = Path(typed).expanduser()
    if path.is_absolute():
        below = _below(path, top)
        if below is None:
            raise UsageError(
                f"“{shown(typed)}” is not in the share.",
                f"everything shared is below {shown(top)}",
                command("ls"),
            )
        return below
    nearer = at / path
    below = _below(nearer, top)
    if below is not None and os.path.lexists(nearer):
        return below
    parts = [part for part in path.parts if part != ".."]
    return "/".join(parts[1:] if parts[:1] == [TOP] else parts)


def _below(path: Path, top: Path) -> str | None:
    """Return a path as it is called below a folder, None if it is not in there.

    Links on the way there count, so that a share is itself by every name; the last part does not,
    since a link in the share is none of it.
    """
    real = path.parent.resolve() / path.name if path.name not in {"", ".."} else path.resolve()
    ways = [(real, top.resolve())] + ([] if ".." in path.parts else [(path, top)])
    for one, above in ways:
        if one == above or above in one.parents:
            return "/".join(one.relative_to(above).parts)
    return None
