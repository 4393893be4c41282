"""The group copy: it follows the index, is whole or none, and is never that of another device.

Strategy: real files and a real index in a temporary folder.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from potluck.core.keys.identity import DeviceKey
from potluck.engine.index import Index
from potluck.engine.index.carried import Carried, carry_into
from potluck.shells.state.group_copy import GroupCopy, device_of_home, read_copy, write_copy
from potluck.shells.state.home import KEY_NAME
from potluck.shells.state.private_home import GROUP_COPY_NAME, INDEX_NAME
from tests.engine.builders import group, key

ME = key(2).device
FACTS = Carried(ME, group(1, 2).kept(), {"group_keys": b"k" * 32})
NONE = Carried(ME)


@pytest.fixture
def index(tmp_path: Path):
    made = Index.open(str(tmp_path / INDEX_NAME))
    yield made
    made.close()


def test_it_follows_what_the_index_says_and_is_the_owners_alone(
    tmp_path: Path, index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = GroupCopy(str(tmp_path), ME)
    copy.refresh()
    assert read_copy(str(tmp_path), ME) == NONE, "it was in no group"
    carry_into(index, FACTS)
    copy.refresh()
    assert repr(copy) == "<GroupCopy: written=True>"
    assert read_copy(str(tmp_path), ME) == FACTS
    assert (tmp_path / GROUP_COPY_NAME).stat().st_mode & 0o777 == 0o600
    (tmp_path / GROUP_COPY_NAME).unlink()
    copy.refresh()
    index.begin()
    index.meta.set("runs", b"of a list")
    index.commit()
    copy.refresh()
    assert not (tmp_path / GROUP_COPY_NAME).exists(), "nothing of it has changed"
    index.begin()
    index.meta.set("marked", b"1")
    index.commit()
    monkeypatch.setattr(os, "replace", _no_space)
    copy.refresh()
    monkeypatch.undo()
    copy.refresh()
    assert read_copy(str(tmp_path), ME).values == {**FACTS.values, "marked": b"1"}


def _no_space(_path: str, _other: str) -> None:
    raise OSError(28, "No space left on device")


def test_an_index_of_somebody_else_or_a_damaged_one_does_not_take_its_place(
    tmp_path: Path, index: Index
) -> None:
    write_copy(str(tmp_path), FACTS)
    carry_into(index, Carried(ME, group(7, 8).kept()))
    copy = GroupCopy(str(tmp_path), ME)
    copy.refresh()
    index.close()
    (tmp_path / INDEX_NAME).write_bytes(b"no index" * 999)
    copy.refresh()
    assert read_copy(str(tmp_path), ME) == FACTS
    (tmp_path / INDEX_NAME).write_bytes(b"")


def test_one_that_is_not_whole_or_of_another_device_is_none(tmp_path: Path) -> None:
    path = tmp_path / GROUP_COPY_NAME
    assert read_copy(str(tmp_path), ME) == NONE
    write_copy(str(tmp_path), FACTS)
    assert read_copy(str(tmp_path), key(1).device) == Carried(key(1).device)
    whole = path.read_bytes()
    for data in (b"", whole[:-1], whole[:40] + b"?" + whole[41:], b"?" + whole[1:]):
        path.write_bytes(data)
        assert read_copy(str(tmp_path), ME) == NONE


def test_whose_home_it_is_its_key_says(tmp_path: Path) -> None:
    assert device_of_home(str(tmp_path)) is None
    (tmp_path / KEY_NAME).write_bytes(bytes(63))
    assert device_of_home(str(tmp_path)) is None
    (tmp_path / KEY_NAME).write_bytes(bytes(range(64)))
    assert device_of_home(str(tmp_path)) == DeviceKey(bytes(range(64))).device
