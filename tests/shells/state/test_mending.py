"""Mending: whatever the damage, the device stays the member it was, and nothing is thrown away.

Strategy: a home with a real index and the copy beside it; the index is damaged in every way that a
disk, a backup or a person does it. Real daemons are in tests/test_damaged_index.py.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from potluck.core.errors import DiskTrouble, IndexDamaged, Refused
from potluck.core.keys.identity import DeviceKey
from potluck.engine.index import Index, schema
from potluck.engine.index.carried import Carried, carried_by, carry_into
from potluck.shells.state import mending
from potluck.shells.state.group_copy import read_copy, write_copy
from potluck.shells.state.home import KEY_NAME
from potluck.shells.state.mending import (
    DAMAGED_AGAIN_S,
    DAMAGED_KEPT,
    mend,
    mended_notice,
    note_whose,
)
from potluck.shells.state.private_home import GROUP_COPY_NAME, INDEX_NAME, INDEX_PARTS, make_private
from tests.engine.builders import group, key
from tests.engine.index.builders import PAGE_BYTES, damage_pages

SECRET = (2).to_bytes(32, "big") + (1002).to_bytes(32, "big")
ME = DeviceKey(SECRET).device
FACTS = Carried(ME, group(1, 2).kept(), {"group_keys": b"k" * 32, "share": b"s" * 16})


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The home of device 2 of two."""
    assert key(2).device == ME
    made = tmp_path / "home"
    made.mkdir(mode=0o700)
    (made / KEY_NAME).write_bytes(SECRET)
    (made / KEY_NAME).chmod(0o600)
    index = Index.open(str(made / INDEX_NAME))
    carry_into(index, FACTS)
    index.begin()
    index.meta.set("runs", b"of lists")
    index.commit()
    index.close()
    write_copy(str(made), FACTS)
    return made


def known(home: Path) -> Carried:
    index = Index.open(str(home / INDEX_NAME))
    try:
        assert index.meta.get("runs") is None, "that speaks of lists that are not there"
        return carried_by(index, ME)
    finally:
        index.close()


def kept(home: Path) -> list[bytes]:
    found = sorted(home.glob(f"{INDEX_NAME}.damaged-*"))
    return [each.read_bytes() for each in found if not each.name.endswith(INDEX_PARTS)]


def told(home: Path) -> list[str]:
    index = Index.open(str(home / INDEX_NAME))
    try:
        notices = [mended_notice(index, str(home)) for _ in range(2)]
        return [each.text for each in notices if each is not None]
    finally:
        index.close()


def whole_pages(path: Path) -> None:
    damage_pages(path, range(path.stat().st_size // PAGE_BYTES))


def of_another(path: Path) -> None:
    path.unlink()
    index = Index.open(str(path))
    carry_into(index, Carried(ME, group(7, 8).kept(), {"group_keys": b"theirs"}))
    index.close()


def said_to_be(home: Path, whose: bytes, **values: bytes) -> None:
    """The index says that it is that of a device, and these."""
    index = Index.open(str(home / INDEX_NAME))
    index.begin()
    for name, value in {"whose index": whose, **values}.items():
        index.meta.set(name, value)
    index.commit()
    index.close()


def failing(trouble: DiskTrouble) -> Callable[..., None]:
    def fail(*_given: object) -> None:
        raise trouble

    return fail


def test_a_whole_index_that_lost_its_log_learns_from_the_copy(home: Path) -> None:
    """SQLite takes the file as it was before, and says nothing."""
    newer = Carried(ME, group(1, 2, 3).kept(), {"group_keys": b"n" * 32})
    assert newer.records[:2] == FACTS.records
    write_copy(str(home), newer)
    assert not mend(str(home))
    index = Index.open(str(home / INDEX_NAME))
    facts = carried_by(index, ME)
    assert facts.records == newer.records
    assert facts.values == {**FACTS.values, "group_keys": b"n" * 32 + b"k" * 32}
    assert index.meta.get("runs") == b"of lists", "nothing else is touched"
    index.close()


def test_an_index_that_is_out_of_its_group_learns_nothing(home: Path) -> None:
    index = Index.open(str(home / INDEX_NAME))
    index.begin()
    index.meta.set("out", b"removed")
    index.commit()
    index.close()
    write_copy(str(home), Carried(ME, group(1, 2, 3).kept()))
    assert not mend(str(home))
    index = Index.open(str(home / INDEX_NAME))
    assert carried_by(index, ME).records == FACTS.records
    index.close()


@pytest.mark.parametrize(
    "damage",
    [
        whole_pages,
        of_another,
        lambda path: damage_pages(path, [0]),
        lambda path: damage_pages(path, range(1, path.stat().st_size // PAGE_BYTES)),
        lambda path: path.write_bytes(bytes(path.stat().st_size)),
        lambda path: path.write_bytes(path.read_bytes()[:PAGE_BYTES]),
        lambda path: path.write_bytes(b"not an index at all"),
    ],
    ids=["all pages", "another's", "the first", "all but that", "zeros", "cut", "text"],
)
def test_it_stays_the_member_that_it_was_and_the_damaged_index_is_kept(
    home: Path, damage: Callable[[Path], object]
) -> None:
    damage(home / INDEX_NAME)
    damaged = (home / INDEX_NAME).read_bytes()
    assert mend(str(home))
    assert known(home) == FACTS
    assert len(kept(home)) == 1
    assert damaged in kept(home)
    assert not mend(str(home))
    assert (home / INDEX_NAME).stat().st_mode & 0o777 == 0o600
    (text,) = told(home)
    assert text.startswith("the index was damaged and is built anew")
    assert "join it again" not in text


def test_an_index_says_whose_it_is_and_that_of_another_member_is_put_aside(home: Path) -> None:
    """As where a backup of one device is put into the home of another one of the same group."""
    index = Index.open(str(home / INDEX_NAME))
    note_whose(index, ME)
    index.close()
    assert not mend(str(home))
    said_to_be(home, key(1).device, group_keys=b"theirs", out=b"removed")
    index = Index.open(str(home / INDEX_NAME))
    note_whose(index, ME)
    assert index.meta.get("whose index") == key(1).device, "who believes it takes nothing back"
    index.close()
    assert mend(str(home))
    assert known(home) == FACTS, "what it says of its own device is not taken"
    assert len(kept(home)) == 1
    (text,) = told(home)
    assert text.startswith("the index was that of another device and is built anew")
    assert "; the one that was there is kept as potluck.sqlite.damaged-" in text


def test_an_index_that_is_a_link_to_nowhere_is_said_to_be_that(home: Path) -> None:
    (home / INDEX_NAME).rename(home / "elsewhere")
    (home / INDEX_NAME).symlink_to(home / "away" / "x")
    with pytest.raises(DiskTrouble) as told_so:
        mend(str(home))
    assert (
        told_so.value.cause == f"{home / INDEX_NAME} is a link to {home}/away/x, where nothing is"
    )
    assert (home / INDEX_NAME).is_symlink()
    (home / "away").mkdir()
    (home / "elsewhere").rename(home / "away" / "x")
    assert not mend(str(home)), "its disk is back"


def test_what_another_members_index_says_of_the_group_is_better_than_nothing(home: Path) -> None:
    said_to_be(home, key(1).device)
    (home / GROUP_COPY_NAME).unlink()
    assert mend(str(home))
    assert known(home) == Carried(ME, FACTS.records, {"group_keys": b"k" * 32}), "no more than that"


def test_a_record_of_whose_it_is_that_is_damaged_says_nothing(home: Path) -> None:
    said_to_be(home, b"half of one")
    assert not mend(str(home))


def test_a_disk_that_takes_no_such_record_hinders_no_start_and_a_damaged_index_does(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = Index.open(str(home / INDEX_NAME))
    for trouble in (DiskTrouble("no room", "a test", ""), IndexDamaged(cause="a test")):
        monkeypatch.setattr(Index, "commit", failing(trouble))
        if isinstance(trouble, IndexDamaged):
            with pytest.raises(IndexDamaged):
                note_whose(index, ME)
        else:
            note_whose(index, ME)
            monkeypatch.undo()
            assert index.meta.get("whose index") is None
    index.close()


@pytest.mark.parametrize("left", ["nothing", "no length", "its private file"])
def test_one_that_is_missing_is_said_to_be_that_and_nothing_is_kept_of_it(
    home: Path, left: str
) -> None:
    """Whoever moves the index of a newer potluck away is not told that it was damaged."""
    (home / INDEX_NAME).unlink()
    if left == "no length":
        (home / INDEX_NAME).write_bytes(b"")
    elif left == "its private file":
        make_private(str(home))  # as every start does before
    assert mend(str(home))
    assert known(home) == FACTS
    assert list(home.glob(f"{INDEX_NAME}.damaged-*")) == []
    assert (home / INDEX_NAME).stat().st_mode & 0o777 == 0o600
    assert not mend(str(home))
    anew = "is built anew from the folder and from the others; no file was touched"
    assert told(home) == [f"the index was missing in {home} and {anew}"]


def test_a_missing_one_whose_mending_was_cut_off_does_not_hide_the_damaged_one(home: Path) -> None:
    assert mend(str(home), IndexDamaged(cause="found while it ran"))
    one = min(home.glob(f"{INDEX_NAME}.damaged-*"))
    (home / INDEX_NAME).unlink()
    assert mend(str(home))
    assert len(kept(home)) == 1
    assert told(home)[0].endswith(f"; one that was damaged before is kept as {one.name} there")


def test_an_index_without_the_tables_of_its_version_is_damaged(home: Path) -> None:
    for version in (schema.VERSION, 0):
        (home / INDEX_NAME).unlink()
        connection = sqlite3.connect(home / INDEX_NAME)
        if not version:
            connection.execute("CREATE TABLE meta (x)")
        connection.execute(f"PRAGMA user_version = {version}")
        connection.close()
        assert mend(str(home))
        assert known(home) == FACTS
        assert not mend(str(home))
    assert len(kept(home)) == 2


def test_a_folder_in_the_place_of_the_index_is_put_aside_and_never_removed(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    for number in range(DAMAGED_KEPT + 2):
        later = now + number * (DAMAGED_AGAIN_S + 1)
        monkeypatch.setattr(time, "time", lambda later=later: later)
        (home / INDEX_NAME).unlink()
        (home / INDEX_NAME).mkdir()
        (home / INDEX_NAME / "mine").write_text(f"{number}")
        assert mend(str(home))
        assert known(home) == FACTS
        assert not mend(str(home))
    said = sorted(each.read_text() for each in home.glob(f"{INDEX_NAME}.damaged-*/mine"))
    assert said == [f"{number}" for number in range(DAMAGED_KEPT + 2)]


def test_an_index_that_is_whole_stays(home: Path) -> None:
    before = (home / INDEX_NAME).read_bytes()
    assert not mend(str(home))
    assert (home / INDEX_NAME).read_bytes() == before
    assert (told(home), kept(home)) == ([], [])


def test_one_that_says_more_than_the_copy_or_that_is_given_up_stays(home: Path) -> None:
    index = Index.open(str(home / INDEX_NAME))
    carry_into(index, Carried(ME, group(1, 2, 3).kept()))
    index.close()
    assert not mend(str(home))
    index = Index.open(str(home / INDEX_NAME))
    carry_into(index, Carried(ME, group(7, 8).kept(), {"out": b"removed"}))
    index.close()
    assert not mend(str(home))


def test_what_a_run_found_damaged_is_mended_although_it_opens(home: Path) -> None:
    (home / GROUP_COPY_NAME).unlink()
    assert mend(str(home), IndexDamaged(cause="found while it ran"))
    assert known(home) == FACTS, "what is left of it is whole"
    assert read_copy(str(home), ME) == FACTS
    assert len(kept(home)) == 1


def test_where_nothing_is_left_it_is_alone_and_says_so(home: Path) -> None:
    (home / GROUP_COPY_NAME).unlink()
    (home / INDEX_NAME).write_bytes(bytes(9_000))
    assert mend(str(home))
    assert known(home) == Carried(ME)
    assert "join it again" in told(home)[0]


def test_a_home_without_a_key_was_nobodys(home: Path) -> None:
    (home / KEY_NAME).unlink()
    (home / INDEX_NAME).write_bytes(b"")
    assert not mend(str(home))
    (home / INDEX_NAME).write_bytes(bytes(9_000))
    assert mend(str(home))


@pytest.mark.parametrize("step", ["make_private", "_begin_anew"])
def test_one_that_is_cut_off_is_done_again(
    home: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    (home / GROUP_COPY_NAME).unlink()

    def killed(*_words: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(mending, step, killed)
    with pytest.raises(KeyboardInterrupt):
        mend(str(home), IndexDamaged(cause="found while it ran"))
    monkeypatch.undo()
    make_private(str(home))
    assert mend(str(home))
    assert known(home) == FACTS


@pytest.mark.parametrize("renames", [1, 2])
def test_one_that_is_cut_off_while_the_files_go_never_leaves_an_older_index(
    home: Path, monkeypatch: pytest.MonkeyPatch, renames: int
) -> None:
    index = Index.open(str(home / INDEX_NAME))
    carry_into(index, Carried(ME, group(1, 2, 3).kept(), FACTS.values))
    files = [home / f"{INDEX_NAME}{part}" for part in ("", "-wal")]
    contents = [file.read_bytes() for file in files]
    index.close()
    for file, content in zip(files, contents, strict=True):
        file.write_bytes(content)  # as a kill leaves it: what is new is in the log alone
    rename, done = os.rename, list[str]()

    def killed(old: str, new: str) -> None:
        rename(old, new)
        done.append(new)
        if len(done) == renames:
            raise KeyboardInterrupt

    monkeypatch.setattr(os, "rename", killed)
    with pytest.raises(KeyboardInterrupt):
        mend(str(home), IndexDamaged(cause="found while it ran"))
    monkeypatch.undo()
    assert mend(str(home)), "it is not believed without its log"
    assert known(home).records == group(1, 2, 3).kept()
    oldest = min(each for each in home.glob(f"{INDEX_NAME}.damaged-*") if "-wal" not in each.name)
    assert oldest.read_bytes() == contents[0]
    assert Path(f"{oldest}-wal").read_bytes() == contents[1]


def test_a_disk_that_damages_it_again_and_again_is_said_to_be_the_trouble(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(DAMAGED_KEPT):
        (home / INDEX_NAME).write_bytes(b"%d" % number * 999)
        assert mend(str(home))
    (home / INDEX_NAME).write_bytes(b"last" * 999)
    with pytest.raises(DiskTrouble, match="4 times within an hour") as caught:
        mend(str(home))
    assert "dmesg" in caught.value.fix
    assert (home / INDEX_NAME).read_bytes() == b"last" * 999
    later = time.time() + DAMAGED_AGAIN_S + 1
    monkeypatch.setattr(time, "time", lambda: later)
    names = sorted(each.name for each in home.glob(f"{INDEX_NAME}.damaged-*"))
    (home / f"{names[0]}-wal").write_bytes(b"its log")
    assert mend(str(home))
    left = [each for each in kept(home) if each]
    assert len(left) == DAMAGED_KEPT
    assert b"last" * 999 in left
    assert not (home / f"{names[0]}-wal").exists()


def test_a_disk_that_takes_nothing_is_told(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: str, _other: str) -> None:
        raise OSError(28, "No space left on device", path)

    monkeypatch.setattr(os, "rename", full)
    with pytest.raises(DiskTrouble, match="no new one could be begun") as caught:
        mend(str(home), IndexDamaged(cause="found while it ran"))
    assert "No space left" in caught.value.cause


def test_a_home_that_is_half_restored_is_not_mended(home: Path) -> None:
    (home / f"{KEY_NAME}.restoring").write_bytes(SECRET)
    with pytest.raises(Refused, match="half restored"):
        mend(str(home))
