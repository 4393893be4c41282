"""Anew: who is out of its group begins as a new device, and loses nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from potluck.core.errors import DiskTrouble
from potluck.engine.group.membership import OTHERS_BEFORE, OUT
from potluck.engine.index import Index
from potluck.shells.state.anew import FormerDevice, put_aside
from potluck.shells.state.home import KEY_NAME, device_secret
from potluck.shells.state.private_home import INDEX_NAME


def with_index(home: Path, why: bytes) -> bytes:
    """A home with a key and an index; returns the key."""
    index = Index.open(str(home / INDEX_NAME))
    index.begin()
    if why:
        index.meta.set(OUT, why)
        index.meta.set(OTHERS_BEFORE, b"anna\nben")
    index.commit()
    index.close()
    return device_secret(str(home))


def test_a_home_of_a_device_that_is_in_its_group_stays(tmp_path: Path) -> None:
    assert put_aside(str(tmp_path)) == FormerDevice()
    secret = with_index(tmp_path, b"")
    assert put_aside(str(tmp_path)) == FormerDevice()
    assert device_secret(str(tmp_path)) == secret


def test_a_home_of_one_that_is_out_is_put_aside_whole(tmp_path: Path) -> None:
    secret = with_index(tmp_path, "removed from “Home” by anna".encode())
    former = put_aside(str(tmp_path))
    assert former.why == "removed from “Home” by anna"
    assert former.others == b"anna\nben"
    key, index = former.kept
    assert (tmp_path / key).read_bytes() == secret
    assert key.startswith(f"{KEY_NAME}.before-")
    kept = Index.open(str(tmp_path / index))
    assert kept.meta.get(OUT) == former.why.encode()
    kept.close()
    assert device_secret(str(tmp_path)) != secret
    assert put_aside(str(tmp_path)) == FormerDevice()


def test_the_next_index_and_what_is_kept_are_for_this_user_only(tmp_path: Path) -> None:
    with_index(tmp_path, b"removed")
    before = os.umask(0o022)
    try:
        put_aside(str(tmp_path))
        index = Index.open(str(tmp_path / INDEX_NAME))
        index.begin()
        index.meta.set("key", b"value")
        index.commit()
        modes = {each.name: each.stat().st_mode & 0o777 for each in tmp_path.iterdir()}
        index.close()
    finally:
        os.umask(before)
    assert len(modes) > 3
    assert set(modes.values()) == {0o600}, modes


def test_who_is_out_again_keeps_both(tmp_path: Path) -> None:
    secrets = set[bytes]()
    for _ in range(2):
        secrets.add(with_index(tmp_path, b"removed"))
        put_aside(str(tmp_path))
    assert {each.read_bytes() for each in tmp_path.glob(f"{KEY_NAME}.before-*")} == secrets


def test_what_cannot_be_put_aside_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_index(tmp_path, b"removed")

    def refuse(_one: str, _other: str) -> None:
        raise PermissionError(13, "Permission denied", _one)

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(DiskTrouble) as caught:
        put_aside(str(tmp_path))
    assert "Permission denied" in caught.value.cause
    assert KEY_NAME in caught.value.cause
