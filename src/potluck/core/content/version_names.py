"""How a person names an earlier version: `PATH@N`, the newest is 1; `PATH/`: all that is below it.

Guarantees: what is returned is a safe path below Shared/. Limits: a file whose own name ends like
`@2` needs its number, too: `a@2@1`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from potluck.core.content.paths import SafePath, parse_wire_path

_NUMBERED: Final = re.compile(r"(.*[^/])@([0-9]{1,6})", re.DOTALL)


@dataclass(frozen=True, slots=True)
class VersionName:
    """Which version of which path."""

    path: SafePath  # below Shared/
    number: int  # 1 is the newest
    is_folder: bool  # what is below it is meant, and not itself


def parse_version(text: str) -> VersionName:
    """Return what a person means; raises UnsafePath where that can be no path."""
    numbered = _NUMBERED.fullmatch(text)
    name, number = (numbered[1], int(numbered[2])) if numbered else (text, 1)
    inner = name.strip("/").removeprefix("Shared/").strip("/")
    path = parse_wire_path(inner.encode("utf-8", "surrogateescape"))
    return VersionName(path, number, is_folder=name.endswith("/"))
