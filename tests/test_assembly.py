"""The assembly: the settings reach those who act on them, and a start half done is undone.

Strategy: whole devices where parts must be seen together, the single steps by hand where one
setting decides. How a device lives and ends is in test_daemon.py.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from potluck import assembly
from potluck.config.settings import Settings
from potluck.core.content.paths import parse_wire_path
from potluck.core.errors import DiskTrouble, Refused, UsageError
from potluck.core.keys.identity import DeviceId, DeviceKey
from potluck.engine.effects import Tell
from potluck.engine.events import SpaceSeen
from potluck.engine.group.membership import OTHERS_BEFORE, OUT
from potluck.engine.index import Index
from potluck.shells.api.source import RunningSource
from potluck.shells.bulk.fetching import Fetching
from potluck.shells.disk import pool
from potluck.shells.disk.fsops import Share
from potluck.shells.disk.marker import ShareMarker, Whose
from potluck.shells.disk.trash import prune_trash
from potluck.shells.loop import chores
from potluck.shells.loop.workers import Workers
from potluck.shells.state.anew import FormerDevice
from tests.devices import Face, Inside, devices_inside, until
from tests.shells.peers import Kept


@pytest.fixture
def inside(tmp_path: Path) -> Iterator[Callable[..., list[Inside]]]:
    with devices_inside(tmp_path) as start:
        yield start


# -- what the settings promise ---------------------------------------------------------------------
def a_setting(**others: Any) -> Settings:
    """Settings of which only these matter."""
    return cast("Settings", SimpleNamespace(**others))


def test_the_trash_is_looked_at_from_the_start_and_no_clock_empties_it(
    inside: Callable[..., list[Inside]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, rounds = time.time, list[SpaceSeen]()

    def prune(share: Share, wanted: Collection[bytes]) -> SpaceSeen:
        rounds.append(prune_trash(share, wanted))
        return rounds[-1]

    monkeypatch.setattr(pool, "prune_trash", prune)
    monkeypatch.setattr(time, "time", lambda: real() + 5 * 366 * 86_400)
    monkeypatch.setitem(chores.EVERY_S, chores.Chore.TRASH, 0.1)
    private = tmp_path / "one0" / "Folder" / ".potluck"
    former, old, young = (
        private / "trash" / top / "one" / "a.txt"
        for top in ("20200101", "day-000001-deleted", "day-000010-replaced")
    )
    for path in (former, old, young):
        path.parent.mkdir(parents=True)
        path.write_bytes(b"version")
    (private / "trash.days").write_text(f"{40 * 86_400}\n")
    inside("one")
    until(lambda: not old.exists())
    until(lambda: len(rounds) > 2)  # and again
    assert young.exists()
    until(lambda: not former.exists())
    assert (private / "trash" / "day-000040 was 20200101" / "one" / "a.txt").exists()


def test_a_trash_that_cannot_be_pruned_is_told(
    inside: Callable[..., list[Inside]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def prune(*_words: Any) -> SpaceSeen:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(pool, "prune_trash", prune)
    (one,) = inside("one")
    until(lambda: "disk_trouble" in one.face.codes)
    until(one.settled)


def test_settings_reach_those_who_act_on_them(
    inside: Callable[..., list[Inside]], monkeypatch: pytest.MonkeyPatch
) -> None:
    workers: list[int] = []

    def watched(trust: Any, parts: Any, inbox: Any, segments: Any, count: int) -> Any:
        workers.append(count)
        return Fetching(trust, parts, inbox, segments, count)

    monkeypatch.setattr(assembly, "Fetching", watched)
    monkeypatch.setattr(assembly, "resolve_names", lambda _peers: ([], ["nsa"]))
    (one,) = inside("one", toml='[limits]\nworkers = 3\n[network]\ndiscovery = ["neighbours"]\n')
    assert workers == [3]
    assert "peer_unknown" in one.codes()


def test_what_is_in_the_way_of_the_own_folder_is_told_and_its_going_noticed(
    inside: Callable[..., list[Inside]], tmp_path: Path
) -> None:
    place = tmp_path / "one0" / "Folder" / "Shared" / "one"
    place.parent.mkdir(parents=True)
    place.write_bytes(b"a file")
    (one,) = inside("one")
    until(lambda: "share_offline" in one.face.codes)
    assert "disk_trouble" not in one.face.codes
    place.rename(place.with_name("else"))
    until(one.settled)
    assert place.is_dir()


@pytest.mark.parametrize(
    ("headless", "terminal", "attended"),
    [(False, True, True), (True, True, False), (False, False, False)],
)
def test_somebody_at_the_prompt_makes_the_door_attended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, headless: bool, terminal: bool, attended: bool
) -> None:
    monkeypatch.setattr("potluck.assembly.sys.stdin", SimpleNamespace(isatty=lambda: terminal))
    index = Index.open(":memory:")
    settings = a_setting(
        headless=headless,
        peers=(),
        label="one",
        folder=str(tmp_path),
        open_s="always",
        sweep=False,
        state_dir="/s",
    )
    opened = assembly.Opened(
        settings, DeviceKey(b"k" * 64), index, *cast("Any", [None, None, None, 7685, None, None])
    )
    engine = assembly.build_engine(opened, RunningSource(0, Face()))
    assert engine.node.settings.attended is attended
    assert engine.node.settings.open_s == math.inf
    assert opened.index_path == "/s/potluck.sqlite"
    index.close()


def named(
    tmp_path: Path, *folders: str, records: int = 0, refused: tuple[str, ...] = ()
) -> tuple[str, list[Tell]]:
    """What a device calls itself whose folder holds these, and what it says of it."""
    told: list[Tell] = []
    for folder in folders:
        (tmp_path / "Shared" / folder).mkdir(parents=True)
    index: Any = SimpleNamespace(roster=SimpleNamespace(all=lambda: [None] * records))
    settings = a_setting(folder=str(tmp_path), label=None)
    opened: Any = SimpleNamespace(settings=settings, index=index)
    source: Any = SimpleNamespace(told=told.append)
    choice = assembly._label(opened, source)
    assert choice.refused == refused
    return choice.label, told


@pytest.fixture
def travel_mate(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host with a name, an address and an alias that no label may be."""
    monkeypatch.setattr("potluck.assembly.socket.gethostname", lambda: "mate.home.arpa")
    names = ["192.168.1.10", "everyone"]
    monkeypatch.setattr(assembly, "names_of_host", lambda *_given: names)


@pytest.mark.usefixtures("travel_mate")
def test_before_it_belongs_to_a_group_a_folder_names_a_device(tmp_path: Path) -> None:
    assert named(tmp_path / "new") == ("mate", [])
    assert named(tmp_path / "own", "mate", "den") == ("mate", [])
    called, (said,) = named(tmp_path / "address", "192.168.1.10", "den")
    assert (called, said.code, said.level) == ("192.168.1.10", "folder_taken", "info")
    assert said.text == (
        "Shared/192.168.1.10 is this device's own folder: it is named after this host"
    )
    # the engine tells of it, once: it knows what to do about it
    assert named(tmp_path / "refused", "everyone", refused=("everyone",)) == ("mate", [])
    with pytest.raises(UsageError, match="could each be") as caught:
        named(tmp_path / "two", "192.168.1.10", "mate")
    assert caught.value.fix == f"say which: potluck up {tmp_path}/two --name 192.168.1.10"
    assert named(tmp_path / "later", "192.168.1.10", records=1) == ("mate", [])


@pytest.mark.usefixtures("travel_mate")
def test_the_engine_hears_of_the_folder_that_no_device_can_be_called_after(tmp_path: Path) -> None:
    (tmp_path / "Shared" / "everyone").mkdir(parents=True)
    index = Index.open(":memory:")
    settings = a_setting(
        headless=True, peers=(), label=None, folder=str(tmp_path), open_s=None, sweep=False
    )
    opened = assembly.Opened(
        settings, DeviceKey(b"k" * 64), index, *cast("Any", [None, None, None, 7685, None, None])
    )
    wanted = assembly.build_engine(opened, RunningSource(0, Face())).node.settings
    assert (wanted.label, wanted.unfit) == ("mate", frozenset({"everyone"}))
    index.close()


def test_a_program_without_standard_input_is_unattended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("potluck.assembly.sys.stdin", None)
    index = Index.open(":memory:")
    settings = a_setting(
        headless=False, peers=(), label="", folder=str(tmp_path), open_s=60.0, sweep=False
    )
    opened = assembly.Opened(
        settings, DeviceKey(b"k" * 64), index, *cast("Any", [None, None, None, 7685, None, None])
    )
    settings_of_engine = assembly.build_engine(opened, RunningSource(0, Face())).node.settings
    assert not settings_of_engine.attended
    assert settings_of_engine.open_s == 60.0
    assert settings_of_engine.label
    index.close()


# -- small things ----------------------------------------------------------------------------------
def test_the_own_label_is_followed_by_the_watcher() -> None:
    followed: list[tuple[object, ...]] = []
    watcher = SimpleNamespace(
        start=lambda: followed.append(("started",)),
        close=lambda: followed.append(("closed",)),
        follow=followed.append,
    )
    opened, inbox = cast("Any", SimpleNamespace(share=None)), Kept()
    with pytest.MonkeyPatch.context() as patch, ExitStack() as cleanup:
        patch.setattr(assembly, "watcher_for", lambda *_words, foreign: watcher)
        own_label = assembly.OwnLabel(opened, "one", inbox, cleanup)
        assert followed == [("started",)]
        own_label.follow("two")
        assert followed[1:] == [(parse_wire_path(b"two"),)]
        assert "two" not in repr(own_label)
    assert followed[-1] == ("closed",)


def test_what_was_opened_is_closed_if_the_rest_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_path: str) -> Index:
        raise DiskTrouble("the index is damaged")

    monkeypatch.setattr(Index, "open", refuse)
    (tmp_path / "Folder").mkdir()
    settings = a_setting(
        state_dir=str(tmp_path), folder=str(tmp_path / "Folder"), port=0, port_given=True
    )
    before = os.listdir("/proc/self/fd")
    with pytest.raises(DiskTrouble), ExitStack() as cleanup:
        assembly.open_all(settings, assembly.importers(cleanup), cleanup)
    assert os.listdir("/proc/self/fd") == before


def test_a_share_keeps_its_id_also_when_only_its_identity_was_restored(tmp_path: Path) -> None:
    """The folder that survived was “that of another potluck”, and nothing led on."""
    me, other = DeviceId(b"m" * 32), DeviceId(b"o" * 32)
    (tmp_path / "F").mkdir()
    share, index = Share(str(tmp_path / "F"), str(tmp_path)), Index.open(":memory:")
    known = assembly._share_id(index, share, me)
    assert len(known) == assembly.SHARE_ID_BYTES
    ShareMarker(share, Whose(me, known)).write(b"g" * 32)
    assert assembly._share_id(index, share, me) == known
    index.close()
    for device, same in (me, True), (other, False):
        index = Index.open(":memory:")
        assert (assembly._share_id(index, share, device) == known) is same
        index.close()
    (tmp_path / "F" / ".potluck" / "marker").write_text("{")
    index = Index.open(":memory:")
    assert len(assembly._share_id(index, share, me)) == assembly.SHARE_ID_BYTES
    index.close()
    share.close()


def test_chance_is_not_the_same_twice() -> None:
    chance = assembly.OsChance()
    assert chance.bytes(16) != chance.bytes(16)
    assert 1.0 <= chance.uniform(1.0, 2.0) <= 2.0


def test_no_device_starts_in_a_home_that_is_half_restored(tmp_path: Path) -> None:
    (tmp_path / "device.key.restoring").touch()
    settings = a_setting(state_dir=str(tmp_path))
    with pytest.raises(Refused, match="half restored"):
        assembly.open_all(settings, Workers("imports", 1), ExitStack())
    assert not (tmp_path / "device.key").exists(), "it became no new device"


def test_the_next_index_knows_whose_folders_stay_beside(tmp_path: Path) -> None:
    index = Index.open(str(tmp_path / "potluck.sqlite"))
    index.begin()
    index.meta.set(OUT, b"left")
    index.meta.set(OTHERS_BEFORE, b"anna")
    index.commit()
    index.close()
    (tmp_path / "F").mkdir()
    settings = a_setting(
        state_dir=str(tmp_path), folder=str(tmp_path / "F"), port=0, port_given=False
    )
    with ExitStack() as cleanup:
        opened = assembly.open_all(settings, Workers("imports", 1), cleanup)
        assert opened.index.meta.get(OTHERS_BEFORE) == b"anna"
        assert opened.index.meta.get(OUT) is None


def test_who_begins_anew_is_told_where_the_key_of_before_is() -> None:
    out = FormerDevice("removed from Home by anna", ("device.key.before-1", "potluck.sqlite.b"))
    held = cast("Any", SimpleNamespace(settings=a_setting(state_dir="/s"), out=out))
    said = assembly._anew(held)
    assert said.startswith("removed from Home by anna; ")
    assert "device.key.before-1, potluck.sqlite.b in /s" in said
    assert said.endswith(assembly.ANEW)
    assert said.endswith("somebody has to compare three words again"), "the door stays closed"
