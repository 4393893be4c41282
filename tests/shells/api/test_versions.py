"""Versions over the local API: what lies in the trash, and three parts where that is nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from potluck.core.errors import DiskTrouble, NotFound, Refused, TimedOut
from potluck.engine.effects import Reply
from potluck.engine.events import AddAsked
from potluck.shells.api import versions as module
from potluck.shells.api.commands import Commands
from potluck.shells.api.versions import TrashVersions
from potluck.shells.disk.fsops import Share
from potluck.shells.loop.loop import Loop


class PlayedLoop:
    """A loop that answers at once, or not at all."""

    def __init__(self, commands: Commands, reply: Reply | None) -> None:
        self.asked: list[AddAsked] = []
        self._commands, self._reply = commands, reply

    def post(self, item: AddAsked) -> None:
        self.asked.append(item)
        if self._reply is not None:
            self._commands.replied(self._reply)


@pytest.fixture
def share(tmp_path: Path) -> Iterator[Share]:
    with Share(str(tmp_path / "Potluck")) as share:
        yield share


def versions_of(share: Share, reply: Reply | None = None) -> tuple[TrashVersions, PlayedLoop]:
    commands = Commands()
    versions, loop = TrashVersions(commands, former), PlayedLoop(commands, reply)
    versions.attach(cast("Loop", loop), share)
    return versions, loop


def former(path: str) -> dict[str, Any]:
    """What the device shared before."""
    each = [("me/a", 1, 5), ("me/a", 2, 6), ("me/b", 3, 7), ("me/a", 4, 8)]
    versions = [
        {"path": of, "size": size, "mtime_ns": mtime_s * 10**9}
        for of, size, mtime_s in each
        if path in of
    ]
    return {"versions": versions, "complete": True}


def put(share: Share, text: str, data: bytes) -> None:
    path = Path(share.folder, ".potluck", "trash", text)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    os.utime(path, (0, 0))  # it was changed before it came


def test_what_is_there_is_said_with_its_number_and_what_is_known(share: Share) -> None:
    put(share, "day-000003-replaced/ann/a.txt", b"older")
    put(share, "day-000005-deleted/ann/a.txt", b"old")
    put(share, "day-000001 was 20250131/ann/b", b"")
    put(share, "stray", b"")
    Path(share.folder, ".potluck", "trash.days").write_text(f"{8 * 86_400}\n")
    versions, _ = versions_of(share)
    found = versions.trash("", 100)
    came_s = [one.pop("came_s") for one in found["versions"]]
    assert all(isinstance(each, float) for each in came_s)
    assert found == {
        "versions": [
            {"path": "ann/a.txt", "number": 1, "size": 3, "days": 3, "why": "deleted"},
            {"path": "ann/a.txt", "number": 2, "size": 5, "days": 5, "why": "replaced"},
            {"path": "ann/b", "number": 1, "size": 0, "days": 7, "why": ""},
        ],
        "more": 0,
        "size": 8,
        "others": 1,
        "complete": True,
        "where": f"{share.folder}/.potluck/trash",
    }
    cut = versions.trash("ann/a.txt@2", 1)
    assert ([one["number"] for one in cut["versions"]], cut["more"], cut["size"]) == ([1], 1, 8)
    assert versions.trash("ann", -5)["versions"] == []


def test_what_was_shared_before_is_numbered_after_what_is_in_the_trash_here(share: Share) -> None:
    put(share, "day-000005-deleted/me/a", b"12")
    at = Path(share.folder, ".potluck", "trash", "day-000005-deleted", "me", "a")
    os.utime(at, ns=(6 * 10**9, 6 * 10**9))  # the same as one that was shared before
    versions, _ = versions_of(share)
    found = versions.history("", 2)
    assert [one["number"] for one in found["versions"]] == [1]
    assert found["elsewhere"] == [
        {"path": "me/a", "number": 2, "size": 1, "modified_s": 5.0},
        {"path": "me/b", "number": 1, "size": 3, "modified_s": 7.0},
    ]
    assert (found["elsewhere_more"], found["remembered"]) == (1, True)
    (only,) = versions.history("me/b@1", 9)["elsewhere"]
    assert only["path"] == "me/b"


def test_what_was_restored_is_said(share: Share) -> None:
    versions, loop = versions_of(share, Reply(1, ok=True, text="restored me/a"))
    assert versions.restore("me/a@2") == {"text": "restored me/a"}
    assert loop.asked == [AddAsked(1, ("me/a@2",), "restore")]
    assert repr(versions) == f"<TrashVersions of {share!r}>"


def test_why_not_is_the_error_that_it_is(share: Share) -> None:
    for code, kind in (("not_found", NotFound), ("", Refused)):
        reply = Reply(1, ok=False, text="not restored", code=code, cause="why", fix="trash")
        versions, _ = versions_of(share, reply)
        with pytest.raises(kind) as raised:
            versions.restore("me/a")
        assert (raised.value.what, raised.value.cause, raised.value.fix) == (
            "not restored",
            "why",
            "trash",
        )


def test_what_takes_long_goes_on(share: Share, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RESTORE_S", 0.01)
    versions, _ = versions_of(share)
    assert "goes on" in versions.restore("me/")["text"]


@pytest.mark.parametrize("text", ["../me", "me/\x1b"])
def test_what_is_no_path_is_not_found(share: Share, text: str) -> None:
    versions, loop = versions_of(share)
    for ask in (versions.restore, lambda path: versions.trash(path, 1)):
        with pytest.raises(NotFound) as raised:
            ask(text)
        assert raised.value.fix == "trash"
    assert loop.asked == []


def test_a_trash_that_cannot_be_read_says_why(
    share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(module, "day_now", fail)
    with pytest.raises(DiskTrouble) as raised:
        versions_of(share)[0].trash("", 1)
    assert raised.value.cause == "permission denied"
    assert os.path.join(share.folder, ".potluck/trash") in raised.value.fix


def test_before_there_is_anything_to_look_into_that_is_said() -> None:
    versions = TrashVersions(Commands(), former)
    for ask in (versions.restore, lambda path: versions.trash(path, 1)):
        with pytest.raises(TimedOut, match="just starting"):
            ask("me/a")
