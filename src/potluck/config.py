"""The settings: few, all defaulted, each with its origin.

Strategy: four layers, flag over `POTLUCK_SECTION_KEY` over the TOML file over the default. One
table of Structs is the whole schema; names are checked before values, so that a typing error gets a
suggestion instead of silence, and every value is converted by its field's own type, so an error
names the key, the value and where it came from.

Guarantees: an unknown section or key is an error in the file and in the environment alike;
`origins` says for each key which layer won; a key that is understood but has no effect in this
version is said in `warnings`, never swallowed. Limits: this module reads one file and looks into
one folder (for the label); it writes nothing.
"""

from __future__ import annotations

import ipaddress
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol, TypeAlias

import msgspec

from potluck.core.content.paths import printable
from potluck.core.errors import PotluckError, UsageError
from potluck.core.limits import FREE_MIN_BYTES, LABEL_BYTES, OPEN_DEFAULT_S, PORT, RESCAN_S, WORKERS

Kind: TypeAlias = Any
"""A type as msgspec reads it from a field."""
Value: TypeAlias = Any
"""A setting of its field's type."""
PortNumber = Annotated[int, msgspec.Meta(ge=1, le=65535)]
OpenTime = float | Literal["always"] | None
"""How long strangers are admitted without asking: seconds, "always", or None for not at all."""

RESERVED_LABELS = frozenset({"everyone", "shared", ".potluck", "put aside"})
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(i?)B?", re.IGNORECASE)
_PEER = re.compile(r"(?:\[([^\]\s]+)\]|([^\s\[\]:]+))(?::(\d{1,5}))?")
_UNIT = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}


class DaemonFace(Protocol):
    """What the daemon tells whoever started it; every call may come from any thread and must return
    at once.
    """

    def started(self, info: dict[str, Any]) -> None:
        """The local API answers now; `info` holds at least `socket`, `folder` and `port`."""

    def told(self, code: str, text: str, level: str, subject: str) -> None:
        """A person should know this (the local API offers it as a notice, too)."""

    def state(self, view: dict[str, Any]) -> None:
        """The state changed; at most four times a second."""


# -- the schema ------------------------------------------------------------------------------------
class NodeSettings(msgspec.Struct, frozen=True):
    """[node]: this device."""

    name: str = ""
    folder: str = "~/Potluck"


class NetworkSettings(msgspec.Struct, frozen=True):
    """[network]: where and how others are looked for."""

    port: PortNumber = PORT
    discovery_port: PortNumber = PORT
    interfaces: tuple[str, ...] = ()
    discovery: tuple[Literal["beacon", "neighbours", "mdns"], ...] = (
        "beacon",
        "neighbours",
        "mdns",
    )
    peers: tuple[str, ...] = ()


class TrustSettings(msgspec.Struct, frozen=True):
    """[trust]: how newcomers are admitted."""

    admission: Literal["ask", "code"] = "ask"


class SyncSettings(msgspec.Struct, frozen=True):
    """[sync]: what is kept here and how changes are noticed."""

    keep: tuple[str, ...] = ("*",)
    ignore_file: str = ".potluckignore"
    rescan_s: Annotated[float, msgspec.Meta(ge=1)] = RESCAN_S
    watch: Literal["auto", "off"] = "auto"


class HistorySettings(msgspec.Struct, frozen=True):
    """[history]: how long replaced and deleted files are kept."""

    days: Annotated[int, msgspec.Meta(ge=0)] = 30
    share_of_disk: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.10


class LimitsSettings(msgspec.Struct, frozen=True):
    """[limits]: what potluck may use up."""

    down: str = "0"
    up: str = "0"
    min_free: str = f"{FREE_MIN_BYTES // 2**20}MiB"
    # more orders are never given at once
    workers: Annotated[int, msgspec.Meta(ge=1, le=WORKERS)] = WORKERS


class PageSettings(msgspec.Struct, frozen=True):
    """[page]: the web page."""

    enabled: bool = True
    listen: str = "127.0.0.1:7686"


class LogSettings(msgspec.Struct, frozen=True):
    """[log]: what is written down."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "text", "json"] = "auto"


class MetricsSettings(msgspec.Struct, frozen=True):
    """[metrics]: numbers for monitoring."""

    enabled: bool = False


SECTIONS: dict[str, type[msgspec.Struct]] = {
    "node": NodeSettings,
    "network": NetworkSettings,
    "trust": TrustSettings,
    "sync": SyncSettings,
    "history": HistorySettings,
    "limits": LimitsSettings,
    "page": PageSettings,
    "log": LogSettings,
    "metrics": MetricsSettings,
}
IN_USE = frozenset({
    "node.name", "node.folder", "network.port", "network.discovery_port",
    "network.interfaces", "network.discovery", "network.peers",
    "limits.workers",
})  # fmt: skip
"""The keys this version acts on; the others are understood, and setting one gives a warning."""


# -- what comes out --------------------------------------------------------------------------------
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything the daemon must know before it starts."""

    state_dir: str  # absolute; key, index, lock, socket
    folder: str  # absolute; FOLDER of docs/disk.md
    label: str | None  # given and sanitised; None: `derive_label`
    port: int  # where to listen
    port_given: bool  # if so, another port is no substitute
    discovery_port: (
        int  # UDP, where beacons are sent and heard; devices meet only with the same one
    )
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
    # "network.port" -> flag, environment, file, default
    origins: Mapping[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()  # for people


def resolve(
    flags: Flags,
    environ: Mapping[str, str],
    *,
    config_file: str,
    state_dir: str,
    folder: str | None = None,
) -> Settings:
    """Merge the four layers; `folder` replaces the default one. Raises UsageError naming key, value
    and origin.
    """
    values, origins = _merge(flags, environ, config_file)
    if folder is not None and origins["node.folder"] == "default":
        values["node.folder"] = folder
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
        folder=str(Path(values["node.folder"]).expanduser().resolve()),
        label=_given_label(name, origins["node.name"]) if name else None,
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
        origins=origins,
        warnings=tuple(unused),
    )


# -- merging ---------------------------------------------------------------------------------------
def _merge(
    flags: Flags, environ: Mapping[str, str], config_file: str
) -> tuple[dict[str, Any], dict[str, str]]:
    layers = [
        ("flag", _from_flags(flags), "the command line"),
        ("environment", _from_environment(environ), "the environment"),
        ("file", _from_file(config_file), config_file),
    ]
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for section, struct in SECTIONS.items():
        for known in msgspec.structs.fields(struct):
            key = f"{section}.{known.name}"
            values[key], origins[key] = known.default, "default"
            for origin, layer, where in reversed(layers):
                if key in layer:
                    values[key] = _convert(key, layer[key], known.type, where)
                    origins[key] = origin
    return values, origins


def _convert(key: str, value: object, kind: Kind, where: str) -> Value:
    try:
        return msgspec.convert(value, kind, strict=not isinstance(value, str))
    except msgspec.ValidationError as error:
        reason = str(error).split(" - at")[0].replace("`", "")
        raise UsageError(
            f"{key} cannot be {value!r}.", f"{reason} ({where})", f"correct {key} in {where}"
        ) from error


def _from_flags(flags: Flags) -> dict[str, object]:
    given: dict[str, object] = {
        "node.name": flags.name,
        "node.folder": flags.folder,
        "network.port": flags.port,
        "network.peers": flags.peers or None,
        "network.interfaces": flags.interfaces or None,
    }
    return {key: value for key, value in given.items() if value is not None}


def _from_environment(environ: Mapping[str, str]) -> dict[str, object]:
    found: dict[str, object] = {}
    for variable in sorted(environ):
        section, _, key = variable.removeprefix("POTLUCK_").lower().partition("_")
        if not variable.startswith("POTLUCK_") or section not in SECTIONS or not key:
            continue
        _check_key(section, key, f"the environment ({variable})")
        value = environ[variable]
        default = msgspec.structs.fields(SECTIONS[section])
        is_list = any(known.name == key and isinstance(known.default, tuple) for known in default)
        found[f"{section}.{key}"] = (
            [part.strip() for part in value.split(",") if part.strip()] if is_list else value
        )
    return found


def _from_file(path: str) -> dict[str, object]:
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - shells and config speak os paths
            tables = tomllib.load(file)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise PotluckError(
            f"The configuration {path} cannot be read.", str(error.strerror), "check its rights"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(
            f"The configuration {path} is not TOML.", str(error), "correct that line"
        ) from error
    found: dict[str, object] = {}
    for section, table in tables.items():
        if section not in SECTIONS or not isinstance(table, dict):
            raise _unknown("section", f"[{section}]", path, [f"[{name}]" for name in SECTIONS])
        for key, value in table.items():
            _check_key(section, key, path)
            found[f"{section}.{key}"] = value
    return found


def _check_key(section: str, key: str, where: str) -> None:
    known = [entry.name for entry in msgspec.structs.fields(SECTIONS[section])]
    if key not in known:
        raise _unknown("key", key, where, known, f"{section}.")


def _unknown(kind: str, name: str, where: str, known: list[str], prefix: str = "") -> UsageError:
    close = get_close_matches(name, known, 1)
    fix = f"did you mean {prefix}{close[0]}?" if close else "known here: " + ", ".join(known)
    return UsageError(
        f"Unknown {kind} {prefix}{printable(name)} in {where}.", "a name was mistyped", fix
    )


# -- values ----------------------------------------------------------------------------------------
def parse_size(text: str) -> int:
    """Return the bytes of "512MiB", "20M", "1.5 GB" (B and KB count by 1000, KiB by 1024); raises
    UsageError.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise UsageError(
            f"“{printable(text)}” is not a size.",
            "a number and a unit are needed",
            "write it like 512MiB or 20M",
        )
    number, unit, binary = match.groups()
    return int(float(number) * (1024 if binary else 1000) ** _UNIT[unit.upper()])


def parse_peer(text: str) -> tuple[str, int]:
    """Split "HOST", "HOST:PORT", "[IPv6]:PORT" or a bare IPv6 address; raises UsageError."""
    if _is_ipv6(text):
        return text, PORT
    match = _PEER.fullmatch(text)
    port = int((match and match[3]) or PORT)
    if match is None or not 1 <= port <= 65535 or (match[1] and not _is_ipv6(match[1])):
        raise UsageError(
            f"“{printable(text)}” is not a device's address.",
            "it must be a host name or address, with a port from 1 to 65535 if it is not the usual one",
            "write it like 192.168.1.10 or 192.168.1.10:7685 or [fe80::1%eth0]:7685",
        )
    return match[1] or match[2], port


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


def parse_open(text: str) -> OpenTime:
    """Return seconds for minutes ("30", "" for the default), or "always"; raises UsageError."""
    if text == "always":
        return "always"
    try:
        minutes = float(text) if text else OPEN_DEFAULT_S / 60
    except ValueError:
        minutes = 0.0
    if not 0 < minutes <= 24 * 60:
        raise UsageError(
            f"--open cannot be “{printable(text)}”.",
            "it takes minutes, at most a day, or the word always",
            "write --open (60 minutes), --open=30, or --open=always on a closed network",
        )
    return minutes * 60


def clean_label(text: str) -> str:
    """Return `text` as a comfortable folder name of at most 64 bytes, "" if nothing is left of it."""
    kept = "".join(letter if letter.isalnum() or letter in " -_.()" else "-" for letter in text)
    kept = kept.encode()[:LABEL_BYTES].decode(errors="ignore").strip(" .-")
    return "" if kept.casefold() in RESERVED_LABELS else kept


def derive_label(folder: str, host_name: str, addresses: Sequence[str] = ()) -> str:
    """Choose a label: the one folder in FOLDER/Shared that bears this host's name or address, else
    the host name.

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


def _given_label(name: str, origin: str) -> str:
    label = clean_label(name)
    if label != name:
        raise UsageError(
            f"“{printable(name)}” cannot be a device's name ({origin}).",
            f"it becomes a folder name on every device: letters, digits, space, - _ . ( ), at most {LABEL_BYTES} bytes",
            f"use “{label}”" if label else "choose another with --name",
        )
    return label
