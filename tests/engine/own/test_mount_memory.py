"""The mount memory: what is kept is read again, by the next start too, and nothing else."""

from __future__ import annotations

import pytest

from potluck.engine.own.mount_memory import MOUNTED_ONCE, MountMemory
from tests.engine.builders import node


@pytest.mark.parametrize(
    "folders",
    [
        {},
        {b"": True},
        {b"d": False},
        {b"": True, b"d": False, b"d/e": True},
        {"weiß\n".encode(): True},
    ],
)
def test_what_is_kept_is_read_again_by_another_one(folders: dict[bytes, bool]) -> None:
    meta = node(1).index.meta
    memory = MountMemory(meta)
    assert memory.folders() == {}
    memory.keep({b"other": True, b"d": True})
    memory.keep(folders)
    assert MountMemory(meta).folders() == folders
    assert repr(memory) == f"<MountMemory: {len(folders)}>"
    assert (meta.get(MOUNTED_ONCE) is None) is (not folders)


def test_what_is_kept_already_is_not_written_again(monkeypatch: pytest.MonkeyPatch) -> None:
    meta = node(1).index.meta
    memory = MountMemory(meta)
    memory.keep({b"d": True})
    monkeypatch.delattr(type(meta), "set")
    monkeypatch.delattr(type(meta), "remove")
    memory.keep({b"d": True})
    assert memory.folders() == {b"d": True}
