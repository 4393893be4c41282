"""What is mounted below Shared/: the list as the kernel writes it, and real mounts.

Strategy: lists are files of our own; that a change is told is proved by mounting, in a process with
mounts of its own, which needs root.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from potluck.core.content.paths import parse_wire_path
from potluck.engine.events import Mount, MountsSeen
from potluck.shells.disk import mounts as module
from potluck.shells.disk.fsops import Share
from potluck.shells.disk.mounts import MountTable, MountTeller

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="mountinfo is Linux's own")

LINE = "{number} 25 0:41 / {point} rw,relatime shared:7 - tmpfs none rw\n"
MOUNTING = """
import subprocess, sys
from pathlib import Path
from potluck.shells.disk.fsops import Share
from potluck.shells.disk.mounts import MountTeller

class Inbox:
    def post(self, event):
        numbers.update(mount.number for mount in event.mounts)
        print([str(mount.path) for mount in event.mounts], flush=True)

numbers = set()

share = Share(sys.argv[1])
folder = Path(sys.argv[1], "Shared", "anna", "my photos")
folder.mkdir(parents=True)
elsewhere = Path(sys.argv[1], "elsewhere")
elsewhere.mkdir()
teller = MountTeller(share, Inbox())
for words in (
    ["true"],
    ["mount", "-t", "tmpfs", "none", elsewhere],
    ["mount", "-t", "tmpfs", "none", folder],
    ["mount", "-t", "tmpfs", "none", folder],
    ["umount", folder],
    ["umount", folder],
    ["umount", elsewhere],
    ["echo", "again:"],
    ["mount", "-t", "tmpfs", "one", folder],
    ["sh", "-c", 'umount "$0" && mount -t tmpfs other "$0"', folder],
    ["mount", "-t", "tmpfs", "none", elsewhere],
    ["echo", "renamed:"],
    ["mv", folder.parent, folder.parent.with_name("bert")],
):
    subprocess.run(words, check=True)
    teller.tell()
    teller.tell()
print("numbers:", len(numbers))
teller.close()
"""


class Posted(list[MountsSeen]):
    def post(self, event: MountsSeen) -> None:
        self.append(event)


@pytest.fixture
def share(tmp_path: Path) -> Iterator[Share]:
    with Share(str(tmp_path / "it")) as opened:
        yield opened


def listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *points: str) -> Path:
    """A list with these points, numbered from 1, as the kernel would write it."""
    table = tmp_path / "mountinfo"
    lines = [LINE.format(number=at, point=point) for at, point in enumerate(points, 1)]
    table.write_text("".join(lines))
    monkeypatch.setattr(module, "TABLE", str(table))
    return table


def test_only_what_is_below_shared_counts_and_blanks_are_read(
    share: Share, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = f"{share.folder}/Shared"
    points = ["/", share.folder, shared, f"{shared}2/x", f"{shared}/b", f"{shared}/a/my\\040photos"]
    listed(tmp_path, monkeypatch, *points, f"{shared}/a\\011tab", f"{shared}/b")
    table = MountTable(share)
    assert table.look()
    photos, b = parse_wire_path(b"a/my photos"), parse_wire_path(b"b")
    assert table.mounts == (Mount(photos, 6), Mount(b, 5), Mount(b, 8)), "a tab is in no SafePath"
    assert not table.look(), "that is no news"
    table.close()
    table.close()
    assert repr(table) == "<MountTable open=False>"


def test_a_list_of_many_mounts_is_read_whole(
    share: Share, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    points = [f"/snap/{number:06}/{'x' * 200}" for number in range(6_000)]
    listed(tmp_path, monkeypatch, *points, f"{share.folder}/Shared/a")
    table = MountTable(share)
    assert table.look()
    table.close()


def test_a_share_that_is_reached_by_a_link_is_found_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    with Share(str(tmp_path / "link")) as share:
        listed(tmp_path, monkeypatch, f"{os.path.realpath(tmp_path)}/real/Shared/a")
        table = MountTable(share)
        assert table.look()
        table.close()


def test_a_list_that_cannot_be_read_says_nothing(
    share: Share, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed(tmp_path, monkeypatch, f"{share.folder}/Shared/a")

    def fails(*_: object) -> bytes:
        raise OSError(12, "no memory")

    table = MountTable(share)
    monkeypatch.setattr("os.pread", fails)
    assert not table.look()
    table.close()


def test_where_there_is_no_list_nothing_is_ever_told(
    share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "TABLE", "/there/is/none")
    table, posted = MountTable(share), Posted()
    assert (table.descriptor, table.is_stirred(), table.look()) == (None, False, False)
    teller = MountTeller(share, cast("Any", posted))
    teller.tell()
    teller.close()
    assert (posted, repr(teller)) == ([], "<MountTeller: 0 mounts>")


def test_after_a_stir_another_mount_may_have_the_number_of_one_that_went(
    share: Share, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed(tmp_path, monkeypatch, f"{share.folder}/Shared/a")
    stirs, posted = [True, False, True, False], Posted()
    teller = MountTeller(share, cast("Any", posted))

    class Poll:
        def register(self, *_: int) -> None:
            """Watch nothing."""

        def poll(self, _timeout_ms: int) -> list[tuple[int, int]]:
            return [(0, 0)] if stirs.pop(0) else []

    monkeypatch.setattr("select.poll", Poll)
    for _ in range(4):
        teller.tell()
    teller.close()
    a = parse_wire_path(b"a")
    assert posted == [MountsSeen((Mount(a, 1, 1),)), MountsSeen((Mount(a, 1, 2),))]


def test_a_mount_in_a_folder_that_is_renamed_is_told_without_a_stir(
    share: Share, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed(tmp_path, monkeypatch, f"{share.folder}/Shared/a", f"{share.folder}/Shared/b")
    posted = Posted()
    teller = MountTeller(share, cast("Any", posted))
    teller.tell()
    listed(tmp_path, monkeypatch, f"{share.folder}/Shared/b", f"{share.folder}/Shared/a")
    teller.tell()
    teller.close()
    a, b = parse_wire_path(b"a"), parse_wire_path(b"b")
    assert posted[1:] == [MountsSeen((Mount(a, 2), Mount(b, 1)))], "they were exchanged"


def test_what_is_mounted_at_the_start_is_told_once(
    share: Share, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed(tmp_path, monkeypatch, f"{share.folder}/Shared/a")
    posted = Posted()
    teller = MountTeller(share, cast("Any", posted))
    teller.tell()
    teller.tell()
    teller.close()
    assert posted == [MountsSeen((Mount(parse_wire_path(b"a"), 1),))]


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_every_mount_unmount_and_rename_below_shared_is_told_once(tmp_path: Path) -> None:
    words = ["unshare", "--mount", sys.executable, "-c", MOUNTING, str(tmp_path / "it")]
    source = str(Path(module.__file__).parents[3])
    environment = {**os.environ, "PYTHONPATH": source}
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    one = "['anna/my photos']"
    both = "['anna/my photos', 'anna/my photos']"
    first, _, rest = done.stdout.partition("again:\n")
    assert first.splitlines() == [one, both, one, "[]"]
    again, _, renamed = rest.partition("renamed:\n")
    assert again.splitlines() == [one, one, one], "another one in its place, and one elsewhere"
    *renamed_to, numbers = renamed.splitlines()
    assert renamed_to == ["['bert/my photos']"], "no mount and no unmount"
    assert int(numbers.removeprefix("numbers: ")) <= 3, "the system uses a number again"
