"""What the daemon must know before it starts, and whom it tells how it goes.

Strategy: `resolve_settings` is the one way from what was typed and written down to `Settings`,
which holds plain values of the types the daemon works with. `origins` says for each key which layer
won. A key that is understood but has no effect in this version is said in `warnings`, never
swallowed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from potluck.config.labels import given_label
from potluck.config.layers import merge_layers
from potluck.config.sections import IN_USE
from potluck.config.values import OpenTime, parse_peer, parse_size
from potluck.core.content.paths import printable
from potluck.core.errors import UsageError


class DaemonFace(Protocol):
    """What the daemon tells whoever started it, from any thread; every call returns at once."""

    def started(self, info: dict[str, Any]) -> None:
        """The local API answers now; `info` holds at least `socket`, `folder` and `port`."""

    def told(self, code: str, text: str, level: str, subject: str) -> None:
        """A person should know this (the local API offers it as a notice, too)."""

    def state(self, view: dict[str, Any]) -> None:
        """The state changed; at most four times a second."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Flags:
    """What was typed on the command line; None where nothing was."""

    folder: str | None = None
    name: str | None = None
    port: int | None = None
    peers: tuple[str, ...] = ()
    interfaces: tuple[str, ...] = ()
    open_s: OpenTime = None
    sweep: bool = True
    headless: bool = False
    no_page: bool = False

    def by_key(self) -> dict[str, object]:
        """What was typed of the things that can be set elsewhere too, by key."""
        typed: dict[str, object] = {
            "node.name": self.name,
            "node.folder": self.folder,
            "network.port": self.port,
            "network.peers": self.peers or None,
            "network.interfaces": self.interfaces or None,
        }
        return {key: value for key, value in typed.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything the daemon must know before it starts."""

    state_dir: str  # absolute; key, index, lock, socket
    folder: str  # absolute; FOLDER of docs/disk.md
    label: str | None  # given and sanitised; None: see `choose_label`
    port: int  # where to listen
    port_given: bool  # if so, another port is no substitute
    # UDP, where beacons are sent and heard; devices meet only with the same one
    discovery_port: int
    interfaces: tuple[str, ...]  # names; empty: all that suit
    discovery: tuple[str, ...]  # which of "beacon", "neighbours", "mdns" may be used
    peers: tuple[tuple[str, int], ...]  # (host, port) to be asked in any case
    open_s: OpenTime  # admit and join without asking
    sweep: bool  # the own subnet may be swept when nobody answers
    headless: bool  # no prompt, so the door has nobody to answer it
    no_page: bool  # no web page
    rescan_s: float  # between two full scans
    min_free_bytes: int  # downloads pause below
    workers: int  # fetches at once
    confine: bool  # what may be written
    # "network.port" -> flag, environment, file, last (of FOLDER only), default
    origins: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()  # for people


def resolve_settings(
    flags: Flags,
    environ: Mapping[str, str],
    *,
    config_file: str,
    state_dir: str,
    folder: str | None = None,
    last_folder: str | None = None,
) -> Settings:
    """Merge the four layers; `folder` replaces the default one, and `last_folder`, the one that was
    shared last, replaces both, with the origin "last" if it is another one.

    Raises UsageError naming key, value and origin.
    """
    values, origins = merge_layers(flags.by_key(), environ, config_file)
    if origins["node.folder"] == "default":
        values["node.folder"] = folder or values["node.folder"]
        if last_folder is not None and last_folder != _usual(values["node.folder"]):
            values["node.folder"], origins["node.folder"] = last_folder, "last"
    name = values["node.name"]
    unused = [
        f"{key} has no effect in this version."
        for key in origins
        if origins[key] != "default" and key not in IN_USE
    ]
    if origins["network.discovery"] != "default" and "mdns" in values["network.discovery"]:
        unused.append("network.discovery: mdns has no effect in this version.")
    return Settings(
        state_dir=state_dir,
        folder=_absolute(values["node.folder"], origins["node.folder"]),
        label=given_label(name, origins["node.name"]) if name else None,
        port=values["network.port"],
        port_given=origins["network.port"] != "default",
        discovery_port=values["network.discovery_port"],
        interfaces=values["network.interfaces"],
        discovery=values["network.discovery"],
        peers=tuple(parse_peer(peer) for peer in values["network.peers"]),
        open_s=flags.open_s,
        sweep=flags.sweep,
        headless=flags.headless,
        no_page=flags.no_page,
        rescan_s=values["sync.rescan_s"],
        min_free_bytes=parse_size(values["limits.min_free"]),
        workers=values["limits.workers"],
        confine=values["node.confine"],
        origins=origins,
        warnings=tuple(unused),
    )


def _usual(folder: str) -> str:
    """Return the default folder as an absolute path, "" where nobody knows what ~ is."""
    try:
        return _absolute(folder, "default")
    except UsageError:
        return ""


def _absolute(folder: str, origin: str) -> str:
    """Return a folder as an absolute path; raises UsageError where nobody knows what ~ is."""
    try:
        return str(Path(folder).expanduser().resolve())
    except RuntimeError as error:
        raise UsageError(
            f"It is not known where {printable(folder)} is ({origin}).",
            "HOME is not set, or there is no such user",
            "write the whole path: potluck up /path/of/FOLDER",
        ) from error
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{printable(folder)} cannot be a folder ({origin}).",
            getattr(error, "strerror", None) or str(error),
            "name another: potluck up FOLDER",
        ) from error
