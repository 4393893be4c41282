"""What a face reads of a device, and two devices that have something to show."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from potluck.core.content.facts import ManifestName, Spot
from potluck.core.wire.catalogue import FileAsk, FilesAsk, PiecesAsk
from potluck.engine.views.path_values import WhyView
from potluck.engine.views.reasons import WhyParts
from tests.engine.wire import Box, Wire, ring
from tests.fakes.disk import path_of


def shown(box: Box) -> dict[str, Any]:
    """The state as a face reads it."""
    read: dict[str, Any] = json.loads(msgspec.json.encode(box.engine.view(box.wire.now)))
    return read


def shared(files: int = 1) -> tuple[Wire, Box, Box]:
    """Two devices; the first has shared something, the second has it too."""
    wire, (ann, ben) = ring(2)
    for number in range(files):
        ann.write(f"{number}", b"%05d" % number)
    assert wire.run(10.0, lambda: len(ben.disk) == files)
    wire.run(3.0)
    return wire, ann, ben


def why(box: Box, path: str = "") -> WhyView:
    """What a device answers to why."""
    return box.engine.why(path, box.wire.now)


def parts_of(box: Box) -> WhyParts:
    """What it looks at for that."""
    return box.engine.wiring.explaining._parts


def hanging(name: str = "more", data: bytes = b"four") -> tuple[Wire, Box, Box, Spot]:
    """Two devices; the second lacks a file that is on its way and does not come, at this spot."""
    wire, ann, ben = shared()
    wire.unanswered = (FilesAsk, PiecesAsk, FileAsk)
    ann.write(name, data)
    assert wire.run(5.0, lambda: bool(ben.engine.wiring.downloads.orders))
    return wire, ann, ben, Spot(ManifestName.own(ann.me), name.encode())


def held(*, by_owner: bool) -> tuple[Wire, Box, Box]:
    """Two devices; of 60 files, and more folders, the first replaced 24 at once, and the second
    holds them; `by_owner`: the first lost 24 and holds that itself. d1/f/5 is one of them.
    """
    wire, (ann, ben) = ring(2)
    ann.tree.folders.add(path_of("d1/f"))
    for number in range(60):
        ann.write(f"f/{number}", b"%05d" % number)
    assert wire.run(10.0, lambda: len(ben.disk) == 60)
    wire.run(3.0)
    for number in range(25):
        if by_owner:
            ann.delete(f"f/{number}")
        else:
            ann.write(f"f/{number}", b"%06d" % (number + 500))
    wire.run(60.0)
    return wire, ann, ben
