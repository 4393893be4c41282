"""What the local API is asked: bodies and parameters of requests, checked before anybody acts.

Strategy: one function a request, from what came to plain values. What cannot be meant is Malformed,
with an example that works; of parameters that only say how much, what is no number means the usual.
Guarantees: nothing longer than REQUEST_BYTES is kept in memory. Limits: paths are looked at by
whoever acts on them.
"""

from __future__ import annotations

import math
import os
from collections.abc import AsyncIterable, Mapping
from typing import Final, TypeVar

import msgspec

from potluck.core import limits
from potluck.core.errors import Malformed
from potluck.core.wire.framing import decoded
from potluck.engine.views.listing import PAGE_FILES

REQUEST_BYTES: Final = limits.MIB  # ADD_PATHS ordinary paths; a long list is sent in parts
ADD_PATHS: Final = 4096  # in one request: more takes longer than a client waits
OPEN_MINUTES: Final = 24 * 60  # as on the command line: a day, or always
ADD_MODES: Final = ("copy", "move", "reflink")
NUMBER_DIGITS: Final = 15  # of a number in a request: more is no number of ours


class AddRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of POST /api/v1/add."""

    paths: list[str]
    mode: str = "copy"


class DoorRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of POST /api/v1/door."""

    open: bool
    minutes: float | None = limits.OPEN_DEFAULT_S / 60  # None: until the program ends


class FlushRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of POST /api/v1/flush."""

    patience_s: float
    waited_s: float = 0.0  # since it was first asked, by whoever goes on asking


class RestoreRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of POST /api/v1/restore."""

    path: str


_RESTORE: Final = msgspec.json.Decoder(RestoreRequest)
_ADD: Final = msgspec.json.Decoder(AddRequest)
_DOOR: Final = msgspec.json.Decoder(DoorRequest)
_FLUSH: Final = msgspec.json.Decoder(FlushRequest)
Wanted = TypeVar("Wanted")


def _understood(decoder: msgspec.json.Decoder[Wanted], body: bytes, example: str) -> Wanted:
    """Return what a body says; raises Malformed with an example that works."""
    try:
        return decoded(decoder, body, REQUEST_BYTES)
    except Malformed as error:
        raise Malformed("The request is not understood.", error.cause, example) from error


async def body_of(stream: AsyncIterable[bytes]) -> bytes:
    """Return the body of a request; raises Malformed when it grows too long."""
    received = bytearray()
    async for chunk in stream:
        received += chunk
        if len(received) > REQUEST_BYTES:
            raise Malformed(
                "The request is too long.",
                f"more than {REQUEST_BYTES} bytes",
                "name fewer paths at once",
            )
    return bytes(received)


def decode_add(body: bytes) -> AddRequest:
    """Return what is to be added, and how; raises Malformed."""
    wanted = _understood(_ADD, body, 'send {"paths": […], "mode": "copy"}')
    if not 0 < len(wanted.paths) <= ADD_PATHS or not all(
        os.path.isabs(path) and "\0" not in path for path in wanted.paths
    ):
        raise Malformed(
            "The paths cannot be added.",
            f"1 to {ADD_PATHS} absolute paths are needed",
            "name existing files",
        )
    if wanted.mode not in ADD_MODES:
        raise Malformed(
            f"There is no way “{wanted.mode}” to add.", "", "use one of " + ", ".join(ADD_MODES)
        )
    return wanted


def decode_door(body: bytes) -> float | None:
    """Return for how many seconds the door is to be open; None: closed."""
    wanted = _understood(_DOOR, body, 'send {"open": true, "minutes": 60}')
    if not wanted.open:
        return None
    if wanted.minutes is None:
        return math.inf
    if not 0 < wanted.minutes <= OPEN_MINUTES:
        raise Malformed(
            "The door cannot be open for so long.",
            "it takes minutes, at most a day, or null for always",
            'send {"open": true, "minutes": 60}',
        )
    return wanted.minutes * 60


def decode_flush(body: bytes) -> tuple[float, float]:
    """Return how many seconds somebody waits for all answers, and has waited; raises Malformed."""
    wanted = _understood(_FLUSH, body, 'send {"patience_s": 5}')
    return max(0.0, wanted.patience_s), max(0.0, wanted.waited_s)


def decode_restore(body: bytes) -> str:
    """Return which version, or what of a folder, is to be brought back; raises Malformed."""
    return _understood(_RESTORE, body, 'send {"path": "bert/notes.txt@1"}').path


def limit_of(asked: Mapping[str, str]) -> int:
    """Return how many files are asked for; what is no number of ours asks for a page."""
    text = asked.get("limit", "")
    known = text.isascii() and text.isdigit() and len(text) <= NUMBER_DIGITS
    return int(text) if known else PAGE_FILES
