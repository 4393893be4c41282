"""The schema: every section and key that can be set, its type, its bounds and its default.

Strategy: one frozen Struct a section; the table `SECTIONS` is all there is. Types and bounds are
read from the fields, by `layers`, so that a key is described in one place. Limits: nothing is read
from outside here.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from potluck.core.limits import FREE_MIN_BYTES, PORT, RESCAN_S, WORKERS

DiscoveryWay = Literal["beacon", "neighbours", "mdns"]
PortNumber = Annotated[int, msgspec.Meta(ge=1, le=65535)]


class NodeSettings(msgspec.Struct, frozen=True):
    """[node]: this device."""

    name: str = ""
    folder: str = "~/Potluck"
    confine: bool = True  # writes, to what is ours (shells/state/landlock.py)


class NetworkSettings(msgspec.Struct, frozen=True):
    """[network]: where and how others are looked for."""

    port: PortNumber = PORT
    discovery_port: PortNumber = PORT
    interfaces: tuple[str, ...] = ()
    discovery: tuple[DiscoveryWay, ...] = ("beacon", "neighbours", "mdns")
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
    "node.name", "node.folder", "node.confine", "network.port", "network.discovery_port",
    "network.interfaces", "network.discovery", "network.peers",
    "limits.workers",
})  # fmt: skip
"""The keys this version acts on; the others are understood, and setting one gives a warning."""
