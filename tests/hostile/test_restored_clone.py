"""An identity that was restored beside the living device: nobody deletes what that device shared.

Strategy: alder, cedar and birch meet, birch shares, and its identity is restored into a new home
that runs beside it; then a person decides for one of the two. Guarantees: what stands of birch on
the others is read from their disks.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from potluck.engine.index import Index
from potluck.shells.state.private_home import INDEX_NAME
from tests.devices import ROOT, free_port, one_ring, until
from tests.hostile.daemons import Daemon, within

pytestmark = [pytest.mark.full, pytest.mark.hostile]
FILES = 9  # fewer than what an owner's deletes are held for
NOTICED_S = 60.0


class Restored(NamedTuple):
    """Two devices, a third one, and what was restored from a backup of that."""

    alder: Daemon
    cedar: Daemon
    birch: Daemon
    copy: Daemon

    def said(self) -> str:
        return "\n".join(f"--- {one.home} {one.state()}\n{one.said()[-3000:]}" for one in self)

    def of_birch(self, at: Daemon) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in at.copy_of(self.birch).iterdir()}


def identity(device: Daemon, command: str, base: Path) -> None:
    words = (command, str(base / "id"), "--passphrase-file", str(base / "phrase"))
    done = subprocess.run(
        [sys.executable, "-m", "potluck", "--home", str(device.home), *words],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "HOME": str(device.home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def tells(device: Daemon) -> bool:
    return any(trouble["kind"] == "clone" for trouble in device.state().get("troubles", ()))


@contextmanager
def restored(base: Path, some: int = 0) -> Iterator[Restored]:
    """All four run, and know that birch runs twice; `some` of its files stand beside the copy."""
    port = free_port()
    (base / "phrase").write_text("amber tiger violin\n")
    alder, cedar, birch = (Daemon(base / label, label) for label in ("alder", "cedar", "birch"))
    copy = Daemon(base / "copy", birch.label)
    four = Restored(alder, cedar, birch, copy)
    with ExitStack() as ends:
        for one in (alder, cedar, birch):
            ends.callback(one.close)
            one.begin(port)
        until(lambda: one_ring(alder, cedar, birch), alder.said)
        for number in range(FILES):
            birch.write(f"b{number}", os.urandom(2000))
        for one in (alder, cedar):
            until(one.copy_of(birch).exists, one.said)
            until(partial(has_all, four, one), one.said)
        identity(birch, "backup-identity", base)
        identity(copy, "restore-identity", base)
        for path in sorted(birch.own.iterdir())[:some]:
            copy.write(path.name, path.read_bytes())
        copy.door = ()
        ends.callback(copy.close)
        copy.begin(port)
        within(NOTICED_S, lambda: all(map(tells, four)), four.said)
        yield four


def has_all(four: Restored, at: Daemon) -> bool:
    return len(four.of_birch(at)) == FILES


def has_new(four: Restored, at: Daemon) -> bool:
    return "new" in four.of_birch(at)


def says_nothing(device: Daemon) -> bool:
    return not tells(device)


def own_files(device: Daemon) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in device.own.iterdir()}


def staged(device: Daemon) -> int:
    """How many records of a state that was lost have come."""
    with closing(sqlite3.connect(f"file:{device.home}/{INDEX_NAME}?mode=ro", uri=True)) as index:
        return int(index.execute("SELECT count(*) FROM staged").fetchone()[0])


@pytest.mark.parametrize("some", [0, 3])
def test_what_it_shared_stays_with_the_others_and_comes_back(tmp_path: Path, some: int) -> None:
    with restored(tmp_path, some) as four:
        alder, cedar, birch, copy = four
        before = four.of_birch(alder)
        within(NOTICED_S, lambda: staged(copy) == FILES, four.said)
        Index.open(str(copy.home / INDEX_NAME)).close()  # as its own chores do
        assert "stays with them" in copy.client.act("keep-here", {"preview": True})
        assert "is this machine" in copy.client.act("keep-here", {})
        birch.ended()
        copy.write("new", b"1")
        for one in (alder, cedar):
            within(NOTICED_S, partial(has_new, four, one), four.said)
            within(NOTICED_S, partial(says_nothing, one), four.said)
            assert four.of_birch(one) == before | {"new": b"1"}, four.said()
        copy.client.act("repair", {})
        within(NOTICED_S, lambda: own_files(copy) == before | {"new": b"1"}, four.said)
        for one in (alder, cedar):
            assert four.of_birch(one) == own_files(copy)


def test_what_it_shared_stays_where_the_original_is_kept(tmp_path: Path) -> None:
    with restored(tmp_path) as four:
        alder, cedar, birch, copy = four
        before = four.of_birch(alder)
        assert "is this machine" in birch.client.act("keep-here", {})
        copy.ended()
        birch.write("new", b"1")
        for one in (alder, cedar):
            within(NOTICED_S, partial(has_new, four, one), four.said)
            assert four.of_birch(one) == before | {"new": b"1"}, four.said()
