"""Merging a lost state: nothing of either is decided away."""

from __future__ import annotations

import pytest

from potluck.core import limits
from potluck.core.content.facts import PlaceRow
from potluck.core.content.merging import Merge, beside, merge
from potluck.core.content.paths import parse_wire_path
from potluck.core.wire.catalogue import FileRecord, Kind

WORDS = "other version 3-17"


def record(kind: Kind = Kind.FILE, root: bytes = b"r" * 32) -> FileRecord:
    return FileRecord(b"d/a", kind, 5, 1, False, limits.PIECE_MIN_BYTES, root, 7)


def row(kind: Kind = Kind.FILE, root: bytes = b"r" * 32) -> PlaceRow:
    return PlaceRow(b"d/a", kind, root, 5, 1, 1, 1, executable=False)


@pytest.mark.parametrize(
    ("lost", "stands", "blocked", "what"),
    [
        (record(), None, False, Merge.BACK),
        (record(), row(), False, Merge.NOTHING),
        (record(), row(root=b"s" * 32), False, Merge.BESIDE),
        (record(), row(Kind.FOLDER, b""), False, Merge.BESIDE),
        (record(), None, True, Merge.BESIDE),
        (record(Kind.FOLDER), None, False, Merge.BACK),
        (record(Kind.FOLDER), row(Kind.FOLDER, b""), False, Merge.NOTHING),
        (record(Kind.FOLDER), row(), False, Merge.BESIDE),
    ],
)
def test_what_becomes_of_a_path(
    lost: FileRecord, stands: PlaceRow | None, blocked: bool, what: Merge
) -> None:
    assert merge(lost, stands, blocked=blocked) is what


@pytest.mark.parametrize(
    ("path", "depth", "other"),
    [
        (b"a.txt", 0, b"a (other version 3-17).txt"),
        (b"d/a", 1, b"d/a (other version 3-17)"),
        (b"d.x/a.tar.gz", 0, b"d (other version 3-17).x/a.tar.gz"),
        (b".profile", 0, b".profile (other version 3-17)"),
        (b"a.a very long ending", 0, b"a.a very long ending (other version 3-17)"),
    ],
)
def test_the_other_version_is_named_after_its_state(path: bytes, depth: int, other: bytes) -> None:
    assert beside(path, depth, WORDS) == other


def test_names_beside_are_safe_and_no_longer_than_names_may_be() -> None:
    name = "ä".encode() * 127
    other = beside(name + b"/x", 0, WORDS)
    assert parse_wire_path(other).parts[0].endswith(f"ä ({WORDS})")
    assert len(other.split(b"/")[0]) <= limits.COMPONENT_BYTES
    deep = b"/".join([b"d" * 199] * 20)
    assert len(deep) == limits.PATH_BYTES - 1
    assert beside(deep, 0, WORDS) == b"d" * 199 + b" (other version 3-17)"
