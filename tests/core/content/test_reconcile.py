"""Decisions about one path: every combination of wanted, known and seen has the answer a person
would give.
"""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from potluck.core import limits
from potluck.core.content.facts import Finding, PlaceRow, Source, Stat
from potluck.core.content.reconcile import (
    Act,
    Decision,
    OwnChange,
    Verdict,
    decide,
    judge_hash,
    own_change,
    source_of,
    tells_writes,
)
from potluck.core.wire.catalogue import FileRecord, Kind

WANTED = FileRecord(b"a", Kind.FILE, 5, 1_000_000_001, False, limits.PIECE_MIN_BYTES, b"r" * 32, 1)
WANTED_FOLDER = msgspec.structs.replace(WANTED, kind=Kind.FOLDER, size=0)
PLACE = PlaceRow(b"a", Kind.FILE, b"r" * 32, 5, 1_000_000_001, 30, 40, False)
FOLDER_PLACE = PlaceRow(b"a", Kind.FOLDER, b"", 0, 0, 0, 0, False)


STAT = Stat(5, 1_000_000_001, 30, 40, executable=False)
FILE, FOLDER, MISSING = (Finding.FILE, STAT), (Finding.FOLDER, None), (Finding.MISSING, None)


def file(**changes) -> tuple[Finding, Stat]:
    return Finding.FILE, replace(STAT, **changes)


def other(**changes) -> PlaceRow:
    return msgspec.structs.replace(PLACE, **changes)


@pytest.mark.parametrize(
    ("wanted", "stands", "act"),
    [
        (None, None, Act.NOTHING),
        (None, PLACE, Act.REMOVE),
        (None, FOLDER_PLACE, Act.REMOVE),
        (WANTED, None, Act.FETCH),
        (WANTED, PLACE, Act.NOTHING),
        (WANTED, other(inode=1, ctime_ns=1), Act.NOTHING),
        (WANTED, other(root=b"s" * 32), Act.FETCH),
        (WANTED, other(mtime_ns=2), Act.TOUCH),
        (WANTED, other(executable=True), Act.TOUCH),
        (WANTED, FOLDER_PLACE, Act.FETCH),
        (WANTED, other(kind=Kind.FOLDER), Act.FETCH),
        (WANTED_FOLDER, None, Act.FOLDER),
        (WANTED_FOLDER, PLACE, Act.FOLDER),
        (WANTED_FOLDER, FOLDER_PLACE, Act.NOTHING),
    ],
)
def test_the_disk_follows_the_manifest(wanted, stands, act) -> None:
    assert decide(wanted, stands, None) == Decision(act)
    from_here = decide(wanted, stands, Source.LOCAL)
    assert from_here == (Decision(Act.PLACE, Source.LOCAL) if act is Act.FETCH else Decision(act))


@pytest.mark.parametrize(
    ("size", "part", "local", "leaving", "source"),
    [
        (0, False, False, False, Source.EMPTY),
        (5, True, True, True, Source.PART),
        (5, False, True, True, Source.MOVED),
        (5, False, True, False, Source.LOCAL),
        (5, False, False, True, None),
    ],
)
def test_the_cheapest_source_comes_first(size, part, local, leaving, source) -> None:
    wanted = msgspec.structs.replace(WANTED, size=size)
    assert source_of(wanted, part=part, local=local, leaving=leaving) is source


@pytest.mark.parametrize(
    ("stands", "seen", "change"),
    [
        (None, MISSING, OwnChange.NOTHING),
        (PLACE, MISSING, OwnChange.GONE),
        (FOLDER_PLACE, MISSING, OwnChange.GONE),
        (None, FOLDER, OwnChange.FOLDER),
        (PLACE, FOLDER, OwnChange.FOLDER),
        (FOLDER_PLACE, FOLDER, OwnChange.NOTHING),
        (None, FILE, OwnChange.HASH),
        (FOLDER_PLACE, FILE, OwnChange.HASH),
        (other(kind=Kind.FOLDER), FILE, OwnChange.HASH),
        (PLACE, FILE, OwnChange.NOTHING),
        (PLACE, file(size=6), OwnChange.HASH),
        (PLACE, file(mtime_ns=2), OwnChange.HASH),
        (PLACE, file(inode=2), OwnChange.HASH),
        (PLACE, file(ctime_ns=31), OwnChange.HASH),
        (PLACE, file(ctime_ns=31, executable=True), OwnChange.HASH),
        (PLACE, file(executable=True), OwnChange.HASH),
        (PLACE, file(mtime_ns=2, executable=True), OwnChange.HASH),
    ],
)
def test_the_manifest_follows_the_disk(stands, seen, change) -> None:
    assert own_change(stands, *seen) is change


def test_a_renamed_file_is_not_read_again() -> None:
    seen = file(ctime_ns=99)
    twin = other(path=b"before")
    assert own_change(None, *seen, twin) is OwnChange.RENAMED
    assert own_change(FOLDER_PLACE, *seen, twin) is OwnChange.RENAMED
    for different in (other(inode=1), other(size=6), other(mtime_ns=3), other(kind=Kind.FOLDER)):
        assert own_change(None, *seen, different) is OwnChange.HASH


def test_whole_seconds_come_from_archives_and_prove_nothing() -> None:
    seen = file(mtime_ns=2_000_000_000)
    assert own_change(None, *seen, other(mtime_ns=2_000_000_000)) is OwnChange.HASH


def test_damage_that_is_known_is_no_edit_for_other_dates() -> None:
    bytes_now = b"s" * 32
    later = replace(STAT, ctime_ns=STAT.ctime_ns + 1)
    assert judge_hash(PLACE, later, bytes_now) is Verdict.EDIT
    assert judge_hash(PLACE, later, bytes_now, bytes_now) is Verdict.DAMAGE
    assert judge_hash(PLACE, later, b"t" * 32, bytes_now) is Verdict.EDIT
    written = replace(later, mtime_ns=STAT.mtime_ns + 1)
    assert judge_hash(PLACE, written, bytes_now, bytes_now) is Verdict.DAMAGE
    assert judge_hash(PLACE, written, b"t" * 32, bytes_now) is Verdict.EDIT


@pytest.mark.parametrize(("ctime_ns", "tells"), [(10_000_001, True), (2_000_000_000, False)])
def test_coarse_times_do_not_tell_every_write(ctime_ns: int, tells: bool) -> None:
    assert tells_writes(replace(STAT, ctime_ns=ctime_ns)) is tells


@pytest.mark.parametrize(
    ("stands", "stat", "root", "verdict"),
    [
        (None, STAT, b"r" * 32, Verdict.EDIT),
        (FOLDER_PLACE, STAT, b"r" * 32, Verdict.EDIT),
        (other(kind=Kind.FOLDER), STAT, b"r" * 32, Verdict.EDIT),
        (PLACE, STAT, b"r" * 32, Verdict.SAME),
        (PLACE, replace(STAT, mtime_ns=2), b"r" * 32, Verdict.SAME),
        (PLACE, STAT, b"s" * 32, Verdict.DAMAGE),
        (PLACE, replace(STAT, size=6), b"s" * 32, Verdict.EDIT),
        (PLACE, replace(STAT, mtime_ns=2), b"s" * 32, Verdict.EDIT),
        (PLACE, replace(STAT, ctime_ns=2), b"s" * 32, Verdict.EDIT),
        (PLACE, replace(STAT, inode=2), b"s" * 32, Verdict.EDIT),
    ],
)
def test_another_content_under_the_same_stat_is_damage(stands, stat, root, verdict) -> None:
    assert judge_hash(stands, stat, root) is verdict
