"""Uploads: which contents are handed to whom just now, for people who want to see them go.

Strategy: every promise of content to a device is noted; what is handed to the kernel may lie there
for a minute, so how much of it is there is taken from that device's own words (KEPT, once a
second): what came to it since it spoke last counts up to what it was promised, for the oldest
promises first. What was not promised, and of which nothing came, for a moment is over, or rests.

Guarantees: bounded for each device, whoever asks for how much, so nobody hides what goes to
another; never more came than the device said, nor than it was promised. Limits: what comes to it
from elsewhere at the same time cannot be told apart, nor which of several contents came; so what
goes to one device is told as one sum. What it had before is not known here; what it says that it
lacks may tell (engine/views/viewer.py).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from potluck.core.content.paths import SafePath
from potluck.core.content.pieces import Root
from potluck.core.keys.identity import DeviceId
from potluck.engine.node import Node

UPLOAD_RECENT_S = (
    5.0  # a run of pieces is what comes in 4 s: who was promised nothing for longer rests
)
UPLOADS_MAX = 200  # to one device; a screen has one line for all of them


@dataclass(slots=True)
class Upload:
    """One content on its way to one device."""

    path: SafePath
    size_bytes: int
    promised_bytes: int  # so far, since it began
    came_bytes: int  # of these, by what the device said
    last_s: float  # when it was promised more, or more of it came


@dataclass(frozen=True, slots=True)
class Handing:
    """Everything that is on its way to one device."""

    device: DeviceId
    uploads: tuple[Upload, ...]  # the oldest first, at least one
    came_bytes: int  # of all of them, by what the device said

    @property
    def size_bytes(self) -> int:
        """How large they are together."""
        return sum(one.size_bytes for one in self.uploads)


class Uploads:
    """What is being handed over."""

    def __init__(self, node: Node) -> None:
        """Hand over nothing yet."""
        self._node = node
        self._uploads: dict[DeviceId, dict[Root, Upload]] = {}
        self._promised = Counter[DeviceId]()  # bytes that are not known to have come

    def __repr__(self) -> str:
        """Return how many there are."""
        return f"<Uploads: {sum(map(len, self._uploads.values()))}>"

    def promise(self, device: DeviceId, size_bytes: int) -> None:
        """So much content is promised to a device."""
        self._promised[device] += size_bytes

    def note(
        self, device: DeviceId, root: Root, path: SafePath, size_bytes: int, promised_bytes: int
    ) -> None:
        """So many bytes of a content that stands at `path` are promised to a device."""
        self.promise(device, promised_bytes)
        now, uploads = self._node.now, self._recent(self._uploads.get(device, {}))
        self._uploads[device] = uploads
        if root not in uploads and len(uploads) >= UPLOADS_MAX:
            return
        upload = uploads.setdefault(root, Upload(path, size_bytes, 0, 0, now))
        upload.promised_bytes = min(upload.promised_bytes + promised_bytes, size_bytes)
        upload.last_s = now

    def on_came(self, device: DeviceId, came_bytes: int) -> int:
        """A device said how much came to it; return how much of that was promised to it here."""
        came_bytes = min(came_bytes, self._promised[device])
        self._promised[device] -= came_bytes
        if not self._node.peer(device).lacking_bytes:
            del self._promised[device]  # the rest came from elsewhere, or is not wanted any more
        left = came_bytes
        for upload in self._uploads.get(device, {}).values():
            part = min(left, upload.promised_bytes - upload.came_bytes)
            if part:
                upload.came_bytes, upload.last_s = upload.came_bytes + part, self._node.now
                left -= part
        return came_bytes

    def handings(self) -> list[Handing]:
        """Return what is being handed over now, by device, who was promised first at the top."""
        recent = {device: self._recent(uploads) for device, uploads in self._uploads.items()}
        self._uploads = {device: uploads for device, uploads in recent.items() if uploads}
        return [
            Handing(
                device, tuple(uploads.values()), sum(one.came_bytes for one in uploads.values())
            )
            for device, uploads in self._uploads.items()
        ]

    def _recent(self, uploads: dict[Root, Upload]) -> dict[Root, Upload]:
        """Return what is not over."""
        since_s = self._node.now - UPLOAD_RECENT_S
        return {root: one for root, one in uploads.items() if one.last_s >= since_s}
