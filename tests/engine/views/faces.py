"""What a face reads of a device, and two devices that have something to show."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from tests.engine.wire import Box, Wire, ring


def shown(box: Box) -> dict[str, Any]:
    """The state as a face reads it."""
    read: dict[str, Any] = json.loads(msgspec.json.encode(box.engine.view(box.wire.now)))
    return read


def shared(files: int = 1) -> tuple[Wire, Box, Box]:
    """Two devices; the first has shared something, the second has it too."""
    wire, (ann, ben) = ring(2)
    for number in range(files):
        ann.write(f"{number}", b"%05d" % number)
    assert wire.run(10.0, lambda: len(ben.disk) == 2 * files)
    wire.run(3.0)
    return wire, ann, ben
