"""The flight recorder: what the engine was told and wanted last, for when something goes wrong.

Strategy: the loop notes every call to its engine as a `Call`: references to values that never
change, so nothing is copied or encoded while all is well. Only when the record is asked for (a
dropped event, SIGUSR2, a bug report) it is written as JSON lines, with names, keys and contents
hidden, by whoever has the time: `Record.write` runs on a disk thread.

Guarantees: at most `limits.RECORD_ITEMS` events and effects and about `limits.RECORD_BYTES` of what
they refer to; the oldest go first. Files are readable by this user only, and at most
`limits.RECORDS_KEPT` of them stay. `calls()` is the raw trace, which `engine.recording.replay`
repeats as long as `lost` is 0. Limits: the weight of a call is estimated, since the members of one
list are alike. Noting a tick was measured at 1.3 µs, a datagram or message with its answer at 7 to
10 µs, a page of 1,000 records at 15 µs (on a busy server, docs/architecture.md, "Sight"); taking
1,000 calls for a record at 0.1 ms, writing them at 35 ms.
"""

from __future__ import annotations

import logging
import os
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from potluck.core import limits
from potluck.core.content.paths import SafePath
from potluck.engine.recording import Call
from potluck.shells.loop.redaction import Redaction, fields_of

PREFIX: Final = "flight-"
SUFFIX: Final = ".jsonl"
VALUE_BYTES: Final = 48  # of any object: about what CPython takes for a small one

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Record:
    """What the recorder held at one moment; any thread may write it down."""

    folder: str
    redaction: Redaction
    why: str  # one of our own words: it is shown as it is
    parts: tuple[str, ...]  # one line about each part of the program, without names
    calls: tuple[Call, ...]
    lost: int  # how many calls came before

    def write(self) -> str:
        """Write it into a new file and return where; removes the oldest ones; raises OSError."""
        seconds, rest_ns = divmod(time.time_ns(), 10**9)
        stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime(seconds))
        path = os.path.join(self.folder, f"{PREFIX}{stamp}.{rest_ns:09}{SUFFIX}")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        with open(os.open(path, flags, 0o600), "wb") as file:
            file.writelines(self.lines())
        _remove_oldest(self.folder)
        _log.warning("%s: the last events are in %s", self.why, path)
        return path

    def lines(self) -> list[bytes]:
        """Return it as JSON lines: about the record first, then a line for each call."""
        begun_s = self.calls[0].now if self.calls else 0.0
        head = {"record": 1, "why": self.why, "lost": self.lost, "parts": self.parts}
        return [_line(head), *(_line(self._shown(call, begun_s)) for call in self.calls)]

    def _shown(self, call: Call, begun_s: float) -> dict[str, object]:
        wanted = None
        if call.wanted is not None:
            wanted = [self.redaction.shown(effect) for effect in call.wanted]
        return {
            "s": round(call.now - begun_s, 6),
            "told": self.redaction.shown(call.told),
            "wanted": wanted,
        }


class Recorder:
    """Keeps the last calls; owned by the loop thread."""

    def __init__(
        self,
        folder: str,
        salt: bytes,
        items: int = limits.RECORD_ITEMS,
        size_bytes: int = limits.RECORD_BYTES,
    ) -> None:
        """Write records into `folder`; `salt` is SALT_BYTES random bytes that hide names."""
        self.lost = 0
        self._folder: Final = folder
        self._redaction: Final = Redaction(salt)
        self._items_max: Final = items
        self._bytes_max: Final = size_bytes
        self._kept: Final[deque[tuple[Call, int, int]]] = deque()  # with items and bytes of each
        self._items = 0
        self._bytes = 0
        self._written_s: float | None = None

    def __repr__(self) -> str:
        """Show how much is kept."""
        return f"<Recorder: {self._items} items, {self._bytes} bytes, lost={self.lost}>"

    def note(self, call: Call) -> None:
        """Keep a call; drop the oldest while there are too many."""
        items = 1
        size_bytes = VALUE_BYTES + weight_bytes(call.told)
        if call.wanted:
            items += len(call.wanted)
            for effect in call.wanted:
                size_bytes += weight_bytes(effect)
        self._kept.append((call, items, size_bytes))
        self._items += items
        self._bytes += size_bytes
        while self._items > self._items_max or self._bytes > self._bytes_max:
            _, items, size_bytes = self._kept.popleft()
            self._items -= items
            self._bytes -= size_bytes
            self.lost += 1

    def calls(self) -> tuple[Call, ...]:
        """Return the calls that are kept, oldest first."""
        return tuple(call for call, _, _ in self._kept)

    def record(self, why: str, parts: Sequence[object]) -> Record:
        """Return what is kept now, to be written; `parts` say in their repr how they are."""
        described = tuple(repr(part) for part in parts)
        return Record(self._folder, self._redaction, why, described, self.calls(), self.lost)

    def may_repeat(self, now: float) -> bool:
        """Say whether the last record that a fault asked for is old enough for another; note it."""
        if self._written_s is not None and now < self._written_s + limits.RECORD_AGAIN_S:
            return False
        self._written_s = now
        return True


def weight_bytes(value: object) -> int:
    """Return about how many bytes a value keeps in memory."""
    if isinstance(value, bytes | str):
        return VALUE_BYTES + len(value)
    if isinstance(value, tuple | list):
        each = weight_bytes(value[0]) if value else 0  # the members of one list are alike
        return VALUE_BYTES + len(value) * each
    if isinstance(value, SafePath):
        return 2 * VALUE_BYTES + 2 * len(value.wire)
    total = VALUE_BYTES
    for name in fields_of(type(value)):
        total += weight_bytes(getattr(value, name))
    return total


def _line(value: object) -> bytes:
    return msgspec.json.encode(value) + b"\n"


def _remove_oldest(folder: str) -> None:
    """Keep the newest records; their names sort by time."""
    names = sorted(name for name in os.listdir(folder) if name.startswith(PREFIX))
    for name in names[: -limits.RECORDS_KEPT]:
        os.unlink(os.path.join(folder, name))
