"""Labels: what a device is called, which is also the name of its folder on every other device.

Strategy: a label that a person gives is taken as it is or refused with a better one, never changed
behind their back, by the rule that `rename device` goes by, too (core/group/labels.py). One that
nobody gives comes from the one folder below Shared/ that bears a name of this host, else from its
host name; both are pure functions of names somebody else gathered (shells/net/host_names.py). A
host's names are its host name, whole and without its domain, its addresses, and what the table of
hosts (hosts(5)) calls it. Names are compared as those of hosts: whatever the case of letters, with
a final dot or without, an IPv6 address however it is written.

Guarantees: of two folders that would do none is taken; a folder whose name no label may have is
named, never taken. Limits: names that every machine has (`localhost`) say nothing; this module
looks into one folder and writes nothing.
"""

from __future__ import annotations

import ipaddress
import os
import shlex
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from potluck.core.content.paths import printable
from potluck.core.errors import UsageError
from potluck.core.group.labels import LABEL_RULE, clean_label, is_fit
from potluck.core.wording import listed

COMMON_NAMES = frozenset({"localhost", "localhost.localdomain", "localhost4", "localhost6"})
"""Names that every machine has."""
CANDIDATES_MAX = 1000  # looked at for a name of this host; a group has some hundred devices


def default_label(host_name: str) -> str:
    """The host name without its domain, as a label."""
    return clean_label(host_name.partition(".")[0]) or "device"


@dataclass(frozen=True, slots=True)
class LabelChoice:
    """What a device calls itself that nobody gave a name."""

    label: str
    taken: bool  # a folder of that name stood there already, and it is not just the host name
    refused: tuple[str, ...]  # folders named after this host that no device can be called after


def choose_label(
    folders: Iterable[str], host_name: str, names: Iterable[str] = (), folder: str = "FOLDER"
) -> LabelChoice:
    """Choose among the folders that stand below Shared/; `names` are other names of this host.

    A folder made by hand before the first start is thereby taken as this device's own. Raises
    UsageError if several would do; `folder` is what is shared: nobody remembers it by then.
    """
    default = default_label(host_name)
    own = {_compared(name) for name in (host_name, host_name.partition(".")[0], *names)}
    own -= {"", *COMMON_NAMES}
    found = sorted(name for name in folders if _compared(name) in own)
    mine = [name for name in found if clean_label(name) == name]
    refused = tuple(name for name in found if clean_label(name) != name)
    if len(mine) > 1:
        raise UsageError(
            f"{listed(mine)} below Shared/ could each be the folder of this device.",
            "each is named after this host, and a device has one folder",
            f"say which: potluck up {shlex.quote(folder)} --name {shlex.quote(mine[0])}",
        )
    if not mine:
        return LabelChoice(default, taken=False, refused=refused)
    return LabelChoice(mine[0], taken=mine[0] != default, refused=refused)


def folders_in(folder: str) -> list[str]:
    """Return the names of the first thousand folders in FOLDER/Shared, none if it is not there."""
    try:
        with os.scandir(Path(folder, "Shared")) as entries:
            found = (entry.name for entry in entries if entry.is_dir(follow_symlinks=False))
            return list(islice(found, CANDIDATES_MAX))
    except OSError:
        return []


def aliases_in(hosts: str, host_name: str, addresses: Sequence[str]) -> list[str]:
    """Return what a table of hosts calls this host: all names in the lines that are about it.

    A line is about it if it holds its host name, whole or without its domain, or one of its own
    `addresses` on a network.
    """
    mine = {_compared(host_name), _compared(host_name.partition(".")[0])} - COMMON_NAMES
    here = {_compared(address) for address in addresses}
    found: dict[str, None] = {}
    for line in hosts.splitlines():
        address, *names = line.partition("#")[0].split() or [""]
        if _compared(address) in here or not mine.isdisjoint(map(_compared, names)):
            found.update((name, None) for name in names if _compared(name) not in COMMON_NAMES)
    return list(found)


def _compared(name: str) -> str:
    """Return a name of a host, or an address of it without its scope, as two are compared."""
    try:
        return str(ipaddress.IPv6Address(name.partition("%")[0]))
    except ValueError:
        return name.casefold().removesuffix(".")


def given_label(name: str, origin: str) -> str:
    """A label as a person gave it, or UsageError with one that would do; `origin` is the layer."""
    name = unicodedata.normalize("NFC", name)  # as keyboards write it, and file managers do not
    label = clean_label(name)
    if not is_fit(name):
        raise UsageError(
            f"“{printable(name)}” cannot be a device's name ({origin}).",
            LABEL_RULE,
            f"use “{label}”" if label else "choose another with --name",
        )
    return name
