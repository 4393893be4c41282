"""Uploads: which contents are handed to whom just now, for people who want to see them go.

Strategy: every promise of content to a device is noted under both; what was not promised to for a
moment is over, or rests. Guarantees: bounded, whoever asks for how much. Limits: says what this
device hands over; how much of a file another one has, it says itself (KEPT), and it may get parts
of it elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass

from potluck.core.content.paths import SafePath
from potluck.core.content.pieces import Root
from potluck.core.keys.identity import DeviceId
from potluck.engine.node import Node

UPLOAD_RECENT_S = (
    5.0  # a run of pieces is what comes in 4 s: who was promised nothing for longer rests
)
UPLOADS_MAX = 200  # as many as a list on a screen may have


@dataclass(slots=True)
class Upload:
    """One content on its way to one device."""

    path: SafePath
    size_bytes: int
    sent_bytes: int  # promised so far, since it began
    last_s: float  # when the last of it was


class Uploads:
    """What is being handed over."""

    def __init__(self, node: Node) -> None:
        """Hand over nothing yet."""
        self._node = node
        self._uploads: dict[tuple[DeviceId, Root], Upload] = {}

    def __repr__(self) -> str:
        """Return how many there are."""
        return f"<Uploads: {len(self._uploads)}>"

    def note(
        self, device: DeviceId, root: Root, path: SafePath, size_bytes: int, sent_bytes: int
    ) -> None:
        """So many bytes of a content that stands at `path` are promised to a device."""
        key, now = (device, root), self._node.now
        if key not in self._uploads:
            self._forget_old()
            if len(self._uploads) >= UPLOADS_MAX:
                return
        upload = self._uploads.setdefault(key, Upload(path, size_bytes, 0, now))
        upload.sent_bytes = min(upload.sent_bytes + sent_bytes, size_bytes)
        upload.last_s = now

    def recent(self) -> list[tuple[DeviceId, Upload]]:
        """Return what is being handed over now, the oldest first."""
        self._forget_old()
        return [(device, upload) for (device, _), upload in self._uploads.items()]

    def _forget_old(self) -> None:
        since_s = self._node.now - UPLOAD_RECENT_S
        self._uploads = {key: one for key, one in self._uploads.items() if one.last_s >= since_s}
