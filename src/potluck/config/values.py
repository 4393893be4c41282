"""Values that people write as text: sizes, addresses of devices, how long the door is open.

Strategy: one function a kind, from the text to what the program works with. What cannot be meant
raises UsageError with the text as it was written and an example that works.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Literal

from potluck.core.content.paths import printable
from potluck.core.errors import UsageError
from potluck.core.limits import OPEN_DEFAULT_S, PORT

OpenTime = float | Literal["always"] | None
"""How long strangers are admitted without asking: seconds, "always", or None for not at all."""

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([KMGT]?)(i?)B?", re.IGNORECASE)
_PEER = re.compile(r"(?:\[([^\]\s]+)\]|([^\s\[\]:]+))(?::(\d{1,5}))?")
_UNIT = {"": 0, "K": 1, "M": 2, "G": 3, "T": 4}


def parse_size(text: str) -> int:
    """The bytes of "512MiB", "20M", "1.5 GB" (KB: by 1000, KiB: by 1024); raises UsageError."""
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
            "it must be a host name or address, "
            "with a port from 1 to 65535 if it is not the usual one",
            "write it like 192.168.1.10 or 192.168.1.10:7685 or [fe80::1%eth0]:7685",
        )
    return match[1] or match[2], port


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


def parse_open(text: str, alone: str = "--open") -> OpenTime:
    """Return seconds for minutes ("30", "" for the default), or "always"; raises UsageError.

    `alone` is how that is written without a time: the option, or the command `open`.
    """
    if text == "always":
        return "always"
    try:
        minutes = float(text) if text else OPEN_DEFAULT_S / 60
    except ValueError:
        minutes = 0.0
    if not 0 < minutes <= 24 * 60:
        form = f"{alone}=" if alone.startswith("-") else f"{alone} "
        raise UsageError(
            f"{alone} cannot be “{printable(text)}”.",
            "it takes minutes, at most a day, or the word always",
            f"write {alone} (60 minutes), {form}30, or {form}always on a closed network",
        )
    return minutes * 60
