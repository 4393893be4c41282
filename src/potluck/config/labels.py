"""Labels: what a device is called, which is also the name of its folder on every other device.

Strategy: a label that a person gives is taken as it is or refused with a better one, never changed
behind their back; one that nobody gives comes from the folder or the host name. Limits: this module
looks into one folder and writes nothing.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from potluck.core.content.paths import printable
from potluck.core.errors import UsageError
from potluck.core.limits import LABEL_BYTES

TAKEN_NAMES = frozenset({"everyone", "shared", ".potluck", "put aside"})
"""Names that folders of potluck itself have, whatever the case of their letters."""


def clean_label(text: str) -> str:
    """`text` as a comfortable folder name of at most 64 bytes, "" if nothing is left of it."""
    kept = "".join(letter if letter.isalnum() or letter in " -_.()" else "-" for letter in text)
    kept = kept.encode()[:LABEL_BYTES].decode(errors="ignore").strip(" .-")
    return "" if kept.casefold() in TAKEN_NAMES else kept


def derive_label(folder: str, host_name: str, addresses: Sequence[str] = ()) -> str:
    """The one folder in FOLDER/Shared that bears this host's name or address, else the host name.

    A folder made by hand before the first start is thereby taken as this device's own.
    """
    short = host_name.partition(".")[0]
    own = {name.casefold() for name in (host_name, short, *addresses)}
    try:
        with os.scandir(Path(folder, "Shared")) as entries:
            found = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        found = []
    mine = [name for name in found if name.casefold() in own and clean_label(name) == name]
    return mine[0] if len(mine) == 1 else clean_label(short) or "device"


def given_label(name: str, origin: str) -> str:
    """A label as a person gave it, or UsageError with one that would do; `origin` is the layer."""
    label = clean_label(name)
    if label != name:
        raise UsageError(
            f"“{printable(name)}” cannot be a device's name ({origin}).",
            "it becomes a folder name on every device: letters, digits, space, - _ . ( ), "
            f"at most {LABEL_BYTES} bytes",
            f"use “{label}”" if label else "choose another with --name",
        )
    return label
