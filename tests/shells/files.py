"""What the tests of files share: contents from bytes, paths from text, whole trees read back.

Strategy: plain functions over a `Share`; what a person does goes by path, as a person does it.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

from potluck.core import limits
from potluck.core.content.facts import Source, Stat
from potluck.core.content.paths import SafePath, parse_wire_path
from potluck.core.content.pieces import PieceList, file_root, piece_count, piece_hash
from potluck.engine.effects import Place, PlaceItem, Reply, Tell
from potluck.engine.events import BatchId
from potluck.shells.disk.fsops import Share
from potluck.shells.disk.receiving.part_files import PartFiles

PIECE = limits.PIECE_MIN_BYTES
OLD_NS = 1_600_000_000_123_456_789


class Listeners:
    """People who hear what is told."""

    def __init__(self) -> None:
        self.tells: list[Tell] = []

    def told(self, tell: Tell) -> None:
        self.tells.append(tell)

    def replied(self, reply: Reply) -> None:
        raise AssertionError(f"nobody asked: {reply}")


def path(text: str) -> SafePath:
    return parse_wire_path(text.encode())


def content_of(data: bytes, piece_size: int = PIECE) -> PieceList:
    hashes = b"".join(
        piece_hash(data[n * piece_size : (n + 1) * piece_size])
        for n in range(piece_count(len(data), piece_size))
    )
    return PieceList(file_root(len(data), piece_size, hashes), len(data), piece_size, hashes)


def receive(parts: PartFiles, data: bytes, piece_size: int = PIECE) -> PieceList:
    """Do what a fetch does."""
    content = content_of(data, piece_size)
    if content.count == 1:
        parts.write_whole(content, memoryview(data))
    else:
        with parts.open(content) as part:
            for piece in range(content.count):
                part.write(piece, memoryview(data)[piece * piece_size : (piece + 1) * piece_size])
            part.mark(range(content.count))
    return content


def item(text: str, source: Source, data: bytes | None = None, **changes: Any) -> PlaceItem:
    content = content_of(data) if data is not None else None
    made = PlaceItem(
        path(text),
        source,
        content,
        None,
        OLD_NS,
        executable=False,
        expected=None,
        expected_root=None,
    )
    return replace(made, **changes)


def place(*items: PlaceItem, batch: int = 1, own: str = "me") -> Place:
    return Place(BatchId(batch), items, own)


def stat(share: Share, text: str) -> Stat:
    found = share.stat(path(text)).stat
    assert found is not None
    return found


def expecting(share: Share, text: str, data: bytes) -> dict[str, Any]:
    """What the index would know of a file that stands there."""
    return {"expected": stat(share, text), "expected_root": content_of(data).root}


def write(share: Share, text: str, data: bytes, mode: int = 0o644) -> None:
    """Write a local file, as a person would."""
    target = os.path.join(share.folder, "Shared", text)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with open(target, "wb") as file:
        file.write(data)
    os.chmod(target, mode)


def read(share: Share, text: str) -> bytes:
    with open(os.path.join(share.folder, "Shared", text), "rb") as file:
        return file.read()


def tree(top: str) -> dict[str, bytes | None]:
    """Every file below a folder with its bytes; links with None."""
    found: dict[str, bytes | None] = {}
    for folder, folders, names in os.walk(top):
        for name in folders + names:
            full = os.path.join(folder, name)
            if os.path.isdir(full) and not os.path.islink(full):
                continue
            found[os.path.relpath(full, top)] = None if os.path.islink(full) else _bytes(full)
    return found


def _bytes(full: str) -> bytes:
    with open(full, "rb") as file:
        return file.read()


def shared(share: Share) -> dict[str, bytes | None]:
    return tree(os.path.join(share.folder, "Shared"))


def aside(share: Share) -> dict[str, bytes | None]:
    return tree(os.path.join(share.folder, "Put aside"))


def trash(share: Share) -> dict[str, bytes | None]:
    return tree(os.path.join(share.folder, ".potluck", "trash"))


def temporary(share: Share) -> list[str]:
    return sorted(os.listdir(share.tmp_fd))


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def data_of(size: int, seed: int = 1) -> bytes:
    """Bytes that are not zeros and differ by seed."""
    return bytes((n * 31 + seed * 7) % 255 + 1 for n in range(256)) * (size // 256) + b"\x01" * (
        size % 256
    )
