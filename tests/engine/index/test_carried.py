"""Group facts: all of them come out of a whole index, what is left out of a damaged one, and
nothing in which this device is no member.

Strategy: real files; single pages are overwritten, as a bad disk does.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from blake3 import blake3
from msgspec.structs import replace

from potluck.core.errors import IndexDamaged
from potluck.core.wire.catalogue import Address
from potluck.engine import clones, former_labels, succession
from potluck.engine.group import key_exchange, membership, renaming, stewardship
from potluck.engine.index import Index, skip_list
from potluck.engine.index.carried import (
    VALUES_ABOUT,
    VALUES_CARRIED,
    Carried,
    best_of,
    carried_by,
    carried_left,
    carry_into,
    is_member,
    with_news,
)
from potluck.engine.index.database import move_log
from potluck.engine.others import frozen_heads
from potluck.engine.own import ignore_file, mount_memory, share_state
from potluck.engine.ring import discovery
from tests.engine.builders import group, key
from tests.engine.index.builders import PAGE_BYTES, damage_pages

ME = key(2).device
RECORDS = group(*range(1, 41)).kept()
VALUES = {"group_keys": b"k" * 32, "marked": b"1", "frost 00": b"g"}
FACTS = Carried(ME, RECORDS, VALUES, [(key(1).device, "10.0.0.1", 4711, 3)])
OTHERS = Carried(ME, group(7, 8).kept(), {"group_keys": b"other"})
NONE = Carried(ME)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A closed index with these facts, and others that are not carried over."""
    made = tmp_path / "potluck.sqlite"
    index = Index.open(str(made))
    carry_into(index, FACTS)
    index.begin()
    index.meta.set("runs", b"of a list")
    index.commit()
    index.close()
    return made


def pages_of_roster(path: Path) -> list[int]:
    """Which pages hold records, the first of the file being 0."""
    data = path.read_bytes()
    pages = [data[at : at + PAGE_BYTES] for at in range(0, len(data), PAGE_BYTES)]
    signed = [each.signature for each in RECORDS]
    return [number for number, page in enumerate(pages) if any(each in page for each in signed)]


def test_they_come_out_of_one_index_and_into_another(path: Path, tmp_path: Path) -> None:
    index = Index.open(str(path))
    assert carried_by(index, ME) == FACTS
    assert index.addresses.of(key(1).device) == [Address("10.0.0.1", 4711)]
    index.close()
    assert carried_left(str(path), ME) == (FACTS, True)
    assert best_of(FACTS, NONE, whole=True) == FACTS


def test_a_record_that_nobody_can_read_is_damage(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("UPDATE roster SET record = ? WHERE id = 2", (b"\xc1",))
    connection.commit()
    connection.close()
    index = Index.open(str(path))
    with pytest.raises(IndexDamaged, match="damaged"):
        carried_by(index, ME)
    assert index.damaged
    index.close()
    left, whole = carried_left(str(path), ME)
    assert left.records == [RECORDS[0], *RECORDS[2:]]
    assert not whole


def test_what_is_left_of_a_damaged_roster_fills_up_an_older_copy(path: Path) -> None:
    damage_pages(path, pages_of_roster(path)[1:2])
    left, whole = carried_left(str(path), ME)
    assert 0 < len(left.records) < len(RECORDS)
    assert not whole
    older = Carried(ME, RECORDS[:2], {"group_keys": b"o" * 32, "marked": b"2"})
    best = best_of(left, older, whole=whole)
    assert best.records[:2] == RECORDS[:2]
    assert len(best.records) == len(left.records) + len(set(older.records) - set(left.records))
    both = b"o" * 32 + VALUES["group_keys"]
    assert best.values == {**VALUES, "group_keys": both, "marked": b"2"}, "a newer key is not lost"
    alone = best_of(replace(left, records=RECORDS[:9]), NONE, whole=False)
    assert alone == Carried(ME, RECORDS[:9], VALUES, [])


def test_nothing_counts_in_which_this_device_is_not_a_member() -> None:
    assert is_member(FACTS)
    assert not is_member(OTHERS)
    assert not is_member(NONE)
    assert not is_member(replace(FACTS, records=RECORDS[1:]))
    copied = replace(FACTS, addresses=[])
    assert best_of(OTHERS, copied, whole=True) == copied
    assert best_of(OTHERS, OTHERS, whole=True) == NONE
    assert best_of(NONE, NONE, whole=False) == NONE
    none = replace(FACTS, values={})
    assert best_of(none, none, whole=False).values == {}


def test_an_index_that_lost_its_log_learns_what_the_copy_knows_of_the_same_group() -> None:
    """Else whoever was removed since is a member again."""
    older = Carried(ME, RECORDS[:9], {"group_keys": b"o" * 32, "marked": b"2"}, FACTS.addresses)
    newer = with_news(older, FACTS)
    assert newer.records == RECORDS
    assert newer.values == {**older.values, "group_keys": b"k" * 32 + b"o" * 32}
    assert newer.addresses == older.addresses
    assert best_of(older, FACTS, whole=True) == newer
    unkeyed = with_news(replace(older, values={}), replace(FACTS, values={}))
    assert (unkeyed.records, unkeyed.values) == (RECORDS, {})


@pytest.mark.parametrize("copied", [NONE, OTHERS, replace(FACTS, records=RECORDS[:3])])
def test_of_an_older_copy_or_another_group_nothing_is_learned(copied: Carried) -> None:
    assert with_news(FACTS, copied) == FACTS


def test_what_would_make_this_device_no_member_is_left_to_the_others() -> None:
    stranger = replace(FACTS, records=[RECORDS[0]])
    assert with_news(stranger, replace(FACTS, records=[RECORDS[0], RECORDS[2]])) == stranger


def test_a_log_of_something_else_hides_nothing(path: Path, tmp_path: Path) -> None:
    strange = tmp_path / "strange"
    index = Index.open(str(strange))
    carry_into(index, OTHERS)
    log = Path(f"{strange}-wal").read_bytes()
    index.close()
    Path(f"{path}-wal").write_bytes(log)
    left, whole = carried_left(str(path), ME)
    assert (left, whole) == (FACTS, True)


@pytest.mark.parametrize("data", [b"", bytes(9_000), b"no index" * 1_000])
def test_of_what_is_no_index_nothing_is_left(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    left, whole = carried_left(str(path), ME)
    assert (left.records, left.values) == ([], {})
    assert not whole


def test_what_is_of_another_kind_than_it_must_be_does_not_count(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("INSERT INTO meta VALUES ('out', 7)")
    connection.execute("INSERT INTO address VALUES ('text', 'h', 1, 2)")
    connection.execute("INSERT INTO roster VALUES (99, ?, 7)", (blake3(b"7").digest(),))
    connection.commit()
    connection.close()
    left, whole = carried_left(str(path), ME)
    assert left == FACTS
    assert not whole


def test_the_keys_are_those_that_the_engine_uses() -> None:
    assert {
        key_exchange._KEPT, membership.OUT, membership.OTHERS_BEFORE, clones._CLONED, clones._KEPT,
        share_state.WRITTEN_ONCE, mount_memory.MOUNTED_ONCE, ignore_file.SAID, ignore_file.WHOLE,
        skip_list._KEY, renaming.GIVEN, stewardship.RECOMMENDED, discovery._REACHED, "share",
    } == VALUES_CARRIED  # fmt: skip
    about = {frozen_heads._FROST, succession._KEY, succession._TOLD, former_labels._KEY}
    assert about == set(VALUES_ABOUT)


def test_the_log_is_read_too(path: Path) -> None:
    index = Index.open(str(path))
    index.begin()
    index.meta.set("out", b"removed")
    index.commit()
    assert carried_left(str(path), ME)[0].values["out"] == b"removed"
    index.close()
    move_log(str(path), wholly=True)
