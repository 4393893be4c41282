"""The daemon: whole devices that start, work, meet trouble and end; inside this process and as
processes.

Strategy: what can be seen from inside (threads, descriptors, faults put in) is tested with
`Inside`, signals with real processes. Every wait has a deadline and none a fixed time; each test
draws its own discovery port.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from potluck import daemon
from potluck.core import limits
from potluck.core.errors import IndexDamaged, Refused
from potluck.engine.effects import Import
from potluck.engine.events import Imported
from potluck.engine.index import Index
from potluck.shells.api.source import RunningSource
from potluck.shells.disk import pool
from potluck.shells.loop.chores import EVERY_S, Chore, Chores
from potluck.shells.state import home
from potluck.shells.state.last_folder import last_folder
from tests.devices import WAIT_S, Device, Inside, Seen, devices_inside, free_port, one_ring, until
from tests.fair_time import FairTime, at_least

LEAVE_S = limits.LEAVE_S
MIB = limits.MIB


@pytest.fixture
def inside(tmp_path: Path) -> Iterator[Callable[..., list[Inside]]]:
    with devices_inside(tmp_path) as start:
        yield start


def sockets_and_files() -> list[str]:
    """What this process has open, without numbers that change."""
    found = []
    for name in os.listdir("/proc/self/fd"):
        try:
            found.append(os.readlink(f"/proc/self/fd/{name}").partition("[")[0])
        except FileNotFoundError:
            continue
    return sorted(found)


class Listener(threading.Thread):
    """Somebody who watches a device to its end."""

    def __init__(self, device: Seen) -> None:
        super().__init__(name="events", daemon=True)
        self.device, self.heard = device, threading.Event()
        self.start()
        assert self.heard.wait(WAIT_S)

    def run(self) -> None:
        for _ in self.device.client.events():
            self.heard.set()


# -- working and leaving ---------------------------------------------------------------------------
def test_a_supervisor_hears_that_it_is_ready_lives_and_ends(
    inside: Callable[..., list[Inside]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(str(tmp_path / "notify"))
        supervisor.settimeout(60)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "1500000")
        (one,) = inside("one")
        assert [supervisor.recv(99) for _ in range(3)] == [b"READY=1", b"WATCHDOG=1", b"WATCHDOG=1"]
        one.leave()
        said = b"WATCHDOG=1"
        while said == b"WATCHDOG=1":
            said = supervisor.recv(99)
        assert said == b"STOPPING=1"


def test_there_is_a_state_before_anybody_can_ask(
    inside: Callable[..., list[Inside]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that was looked for in vain made a fault of the first command after a slow start."""
    asked, really = list[tuple[bool, bool]](), RunningSource.state

    def noted(source: RunningSource, *, fresh: bool = False) -> dict[str, Any]:
        state = really(source, fresh=fresh)
        asked.append((fresh, bool(state)))
        return state

    monkeypatch.setattr(RunningSource, "state", noted)
    inside("one")
    assert asked[0] == (True, True)


def test_two_devices_meet_share_and_leave_without_a_trace(
    inside: Callable[..., list[Inside]],
) -> None:
    opened = sockets_and_files()
    one, other = inside("one", "other")
    assert one.face.info == {
        "socket": f"{one.home}/control.sock",
        "folder": str(one.folder),
        "port": one.state()["port"],
    }
    until(lambda: one_ring(one, other))
    song = one.write("folder/song.mp3", os.urandom(3 * MIB)).read_bytes()
    copy = other.copy_of(one) / "folder" / "song.mp3"
    # a busy machine may share what was written by half first, and the rest a moment later
    until(lambda: copy.exists() and copy.read_bytes() == song and other.settled())
    listeners = [Listener(device) for device in (one, other)]
    for device in (one, other):
        assert device.leave() < at_least(LEAVE_S)
        assert (device.code, device.error) == (0, None)
        assert not list(device.home.glob("*.sock"))
        home.claim_home(str(device.home)).release()
    for listener in listeners:
        listener.join(WAIT_S)
    assert sockets_and_files() == opened
    assert [
        notice
        for notice in (*one.face.codes, *other.face.codes)
        if notice in ("dropped", "left_hard")
    ] == []


def test_an_edit_in_somebody_elses_folder_is_put_aside(inside: Callable[..., list[Inside]]) -> None:
    one, other = inside("one", "other")
    until(lambda: one_ring(one, other))
    one.write("notes/plan.txt", b"what one says")
    one.write("stays.txt", b"a second file")
    copy = other.copy_of(one) / "notes" / "plan.txt"
    until(lambda: copy.exists() and (other.copy_of(one) / "stays.txt").exists() and other.settled())
    copy.chmod(0o644)
    copy.write_bytes(b"what other thinks")
    (other.copy_of(one) / "stays.txt").unlink()
    (other.copy_of(one) / "mine.txt").write_bytes(b"not one's")
    until(lambda: copy.read_bytes() == b"what one says")
    (kept,) = (other.folder / "Put aside" / "one").iterdir()
    assert kept.read_bytes() == b"what other thinks"
    until(lambda: {"put_aside", "removed_here", "stray_files"} <= set(other.codes()))
    assert not (other.copy_of(one) / "stays.txt").exists()
    told = {notice["code"]: notice["text"] for notice in other.notices()}
    assert told["put_aside"].startswith(
        "one/notes/plan.txt was edited here: this version is in “Put aside/one/"
    )
    assert told["removed_here"].startswith("one/stays.txt was removed here, and is not fetched")
    assert told["stray_files"].startswith("one/mine.txt is not one's")
    assert "share_offline" not in other.codes()
    assert (other.copy_of(one) / "mine.txt").exists()
    assert sorted(path.name for path in one.own.rglob("*.txt")) == ["plan.txt", "stays.txt"]


def test_a_folder_of_somebody_elses_moved_away_and_back_is_put_right(
    inside: Callable[..., list[Inside]], tmp_path: Path
) -> None:
    one, other = inside("one", "other")
    until(lambda: one_ring(one, other))
    for name in ("changes", "goes", "stays"):
        one.write(f"d/{name}", name.encode())
    here = other.copy_of(one) / "d"
    until(lambda: (here / "stays").exists() and other.settled())
    here.rename(tmp_path / "away")
    until(here.exists)
    (one.own / "d/goes").unlink()
    one.write("d/changes", b"newer")
    until(lambda: (here / "changes").exists() and (here / "changes").read_bytes() == b"newer")
    until(lambda: not (here / "goes").exists())
    here.rename(tmp_path / "meanwhile")
    (tmp_path / "away").rename(here)
    until(lambda: (here / "changes").read_bytes() == b"newer" and not (here / "goes").exists())
    until(lambda: "trashed_here" in other.codes())
    assert sorted(path.name for path in here.iterdir()) == ["changes", "stays"]


def test_a_device_that_comes_back_is_the_same_one(inside: Callable[..., list[Inside]]) -> None:
    (one,) = inside("one")
    before = one.state()["device"]
    one.leave()
    one.start(free_port())
    assert one.state()["device"] == before


def test_the_folder_of_a_device_is_remembered_and_another_one_is_not(
    inside: Callable[..., list[Inside]], tmp_path: Path
) -> None:
    one, other = inside("one", "other")
    until(lambda: one_ring(one, other))  # a group that it is in for good
    until(lambda: last_folder(str(one.home)) == str(one.folder))
    one.leave()
    mine = one.folder
    one.folder = tmp_path / "moved"
    mine.rename(one.folder)
    one.start(free_port())
    until(lambda: last_folder(str(one.home)) == str(one.folder))
    one.leave()
    one.folder = tmp_path / "empty"
    one.folder.mkdir()
    one.start(free_port())
    assert last_folder(str(one.home)) == str(tmp_path / "moved"), "it has no marker"


def test_two_of_the_same_name_get_two_folders_and_both_are_watched(
    inside: Callable[..., list[Inside]],
) -> None:
    devices = inside("twin", "twin")
    until(lambda: one_ring(*devices))
    folders = until(
        lambda: (
            len(found := {device.state()["own_folder"].rpartition("/")[2] for device in devices})
            == 2
            and found
        )
    )
    assert "twin" in folders
    for device in devices:
        own = Path(device.state()["own_folder"])
        until(own.is_dir)
        (own / "mine.txt").write_text(own.name)
    for device in devices:
        copies = [device.folder / "Shared" / name / "mine.txt" for name in folders]
        until(lambda copies=copies: all(copy.exists() for copy in copies))  # type: ignore[misc]
        assert [copy.read_text() for copy in copies] == list(folders)


def test_what_was_added_is_known_as_soon_as_it_is_in_sync(
    inside: Callable[..., list[Inside]], tmp_path: Path
) -> None:
    (one,) = inside("one")
    until(one.settled)
    for number in range(4):
        source = tmp_path / f"film{number}.mkv"
        source.write_bytes(os.urandom((number % 2) * 8 * MIB + 1))
        one.client.post("/api/v1/add", {"paths": [str(source)], "mode": "copy"})
        until(one.settled)
        assert f"one/film{number}.mkv" in [file["path"] for file in one.client.files()]


# -- ends, as processes ----------------------------------------------------------------------------
def test_every_way_to_leave_is_quick_and_says_so(tmp_path: Path) -> None:
    port = free_port()
    devices = [Device(tmp_path / label, label).start(port) for label in ("one", "two", "six")]
    try:
        until(lambda: one_ring(*devices), lambda: "\n".join(device.said() for device in devices))
        listeners = [Listener(device) for device in devices]
        for device, number in zip(
            devices, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP), strict=True
        ):
            device.process.send_signal(number)
            assert device.ended() < at_least(LEAVE_S)
            assert device.process.returncode == 0, device.said()
            assert device.said().splitlines()[-1].startswith("potluck has left")
            assert "Traceback" not in device.said()
            assert not list(device.home.glob("*.sock"))
        for listener in listeners:
            listener.join(WAIT_S)
    finally:
        for device in devices:
            device.close()


def test_a_signal_during_the_start_leads_to_the_same_end(tmp_path: Path) -> None:
    device = Device(tmp_path / "one", "one").start(free_port())
    try:
        until((device.home / "lock").exists, device.said)
        device.process.send_signal(signal.SIGTERM)
        assert device.ended() < at_least(LEAVE_S) + 5  # the start itself takes a moment
        assert device.process.returncode == 0, device.said()
        assert "Traceback" not in device.said()
        assert not list(device.home.glob("*.sock"))
        home.claim_home(str(device.home)).release()
    finally:
        device.close()


def test_the_flight_record_is_written_when_sigusr2_asks_for_it(tmp_path: Path) -> None:
    device = Device(tmp_path / "one", "one").start(free_port())

    def asked_for(count: int) -> bool:
        return device.said().count("asked for: the last events are in") == count

    try:
        device.up()
        device.write("secret-name.txt", b"content")
        for count in (1, 2):
            device.process.send_signal(signal.SIGUSR2)
            until(partial(asked_for, count), device.said)
        records = sorted(device.home.glob("flight-*"))
        assert len(records) == 2
        text = records[-1].read_text("utf-8")
        assert '"told":"start"' in text
        assert "RecordAsked" not in text  # it is no event: the engine hears nothing of it
        assert "secret-name" not in text
        device.process.send_signal(signal.SIGTERM)
        assert device.ended() < at_least(LEAVE_S)
        assert device.process.returncode == 0, device.said()
    finally:
        device.close()


# -- starts that are refused -----------------------------------------------------------------------
def test_two_on_one_home_and_a_port_that_is_taken_are_refused(
    inside: Callable[..., list[Inside]], tmp_path: Path
) -> None:
    (one,) = inside("one")
    with pytest.raises(home.AlreadyRunning):
        daemon.run(one.settings, one.face)
    other = Inside(tmp_path / "other", "other").start(free_port(), port=one.face.info["port"])
    other.thread.join(WAIT_S)
    assert isinstance(other.error, Refused)
    assert f"port {one.face.info['port']} is in use" in other.error.what
    until(lambda: one.state()["state"] == "in_sync", lambda: str(one.state()["reason"]))
    home.claim_home(str(other.home)).release()


def test_a_part_of_a_share_is_no_folder_for_another_device(
    inside: Callable[..., list[Inside]], tmp_path: Path
) -> None:
    (one,) = inside("one")
    other = Inside(tmp_path / "other", "other")
    other.folder = one.own / "photos"
    other.start(free_port()).thread.join(WAIT_S)
    assert isinstance(other.error, Refused)
    assert "a part of a folder that is shared already" in other.error.what
    assert list(one.own.iterdir()) == [], "nothing was made there"


def test_a_start_that_fails_late_stops_what_was_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, opened = threading.enumerate(), sockets_and_files()

    def no_place(_state_dir: str) -> str:
        raise Refused("There is no safe place for the control socket.")

    monkeypatch.setattr(home, "socket_to_serve", no_place)
    one = Inside(tmp_path / "one", "one").start(free_port())
    one.thread.join(WAIT_S)
    assert isinstance(one.error, Refused)
    assert threading.enumerate() == before
    assert sockets_and_files() == opened


# -- faults ----------------------------------------------------------------------------------------
def test_a_loop_that_fails_is_an_error_and_never_has_left(
    inside: Callable[..., list[Inside]], monkeypatch: pytest.MonkeyPatch
) -> None:
    (one,) = inside("one")
    importing, failing = threading.Event(), threading.Event()
    answers = list[dict[str, Any]]()

    def import_slowly(_share: Any, order: Import) -> Imported:
        importing.set()
        failing.wait(WAIT_S)
        one.thread.join(1)
        return Imported(order.order, (), ())

    monkeypatch.setattr(pool, "import_paths", import_slowly)
    body = {"paths": ["/etc/hostname"], "mode": "copy"}
    adding = threading.Thread(target=lambda: answers.append(one.client.post("/api/v1/add", body)))
    adding.start()
    assert importing.wait(WAIT_S)

    def broken(*_given: object, **_said: object) -> None:
        failing.set()
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(Chores, "on_tick", broken)
    with FairTime() as took:
        one.thread.join(3 * WAIT_S)
    assert took.spent() < at_least(LEAVE_S)
    adding.join(WAIT_S)
    assert [answer["ok"] for answer in answers] == [False]  # whoever waited for the loop is told
    assert one.code is None
    assert one.error is not None
    assert one.error.exit_code == 1
    assert "oops" in one.error.cause
    assert not list(one.home.glob("*.sock"))
    home.claim_home(str(one.home)).release()


def test_a_folder_that_goes_away_is_told_and_the_device_stays(
    inside: Callable[..., list[Inside]],
) -> None:
    one, other = inside("one", "other")
    until(lambda: one_ring(one, other))
    one.write("note.txt", b"here")
    until((other.copy_of(one) / "note.txt").exists)
    other.folder.rename(other.home / "gone")  # at once, as a disk goes
    one.write("second.txt", b"more")
    until(lambda: "share_offline" in other.codes(), lambda: str(other.notices()))
    until(lambda: other.state()["state"] == "trouble", lambda: str(other.state()))
    until(lambda: one_ring(one, other))
    assert (one.own / "note.txt").exists()
    assert other.leave() < at_least(LEAVE_S)
    assert (other.code, other.error) == (0, None)


def test_a_folder_that_is_renamed_and_back_is_noticed_both_times(
    inside: Callable[..., list[Inside]],
) -> None:
    one, other = inside("one", "other")
    until(lambda: one_ring(one, other))
    one.write("note.txt", b"here")
    until((other.copy_of(one) / "note.txt").exists)
    away = other.folder.with_name("away")
    other.folder.rename(away)
    until(lambda: other.state()["state"] == "trouble", lambda: str(other.notices()))
    one.write("second.txt", b"more")
    until(lambda: one.state()["deliveries"], lambda: str(one.state()))
    away.rename(other.folder)
    until((other.copy_of(one) / "second.txt").exists, lambda: str(other.state()))
    until(lambda: other.state()["state"] == "in_sync", lambda: str(other.state()))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 MiB, if this user may mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", "size=64m", "potluck-test", str(place)]
    if (
        shutil.which("mount") is None
        or subprocess.run(words, check=False, capture_output=True).returncode
    ):
        pytest.skip("only root may mount a small disk")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(path: Path) -> None:
    """Take all the room there is."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)
    try:
        for size in (MIB, 4096, 1):
            try:
                while True:
                    os.write(descriptor, b"x" * size)
            except OSError:
                continue
    finally:
        os.close(descriptor)


def test_an_index_on_a_full_disk_costs_the_ballast_then_rests_then_recovers(
    inside: Callable[..., list[Inside]],
    small_disk: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(EVERY_S, Chore.BALLAST, 0.2)
    (other,) = inside("other")
    port = other.settings.discovery_port
    one = Inside(small_disk / "one", "one")
    one.folder = tmp_path / "elsewhere"
    one.own = one.folder / "Shared" / "one"
    one.start(port)
    try:
        until(lambda: one_ring(one, other))
        ballast = one.home / "ballast"
        assert ballast.stat().st_size == limits.BALLAST_BYTES
        fill(small_disk / "filler")
        for number in range(300):
            one.write(f"many/{number}", b"%d" % number)
        until(lambda: "ballast_freed" in one.face.codes, lambda: str(one.face.codes))
        until(lambda: not ballast.exists())
        fill(small_disk / "filler2")
        for number in range(300, 600):
            one.write(f"many/{number}", b"%d" % number)
        until(lambda: "index_trouble" in one.face.codes, lambda: str(one.face.codes))
        until(lambda: one_ring(one, other))  # the ring goes on
        (small_disk / "filler").unlink()
        (small_disk / "filler2").unlink()
        until(
            lambda: len(list((other.copy_of(one) / "many").glob("*"))) == 600,
            lambda: str(one.notices()),
        )
        until(ballast.exists)  # there is plenty again
    finally:
        one.close()
    assert (one.code, one.error) == (0, None)


def test_an_index_that_is_damaged_ends_one_that_cannot_start_again_and_a_new_one_is_there(
    inside: Callable[..., list[Inside]], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = inside("one", "other")
    until(lambda: one_ring(one, other))
    group, port = one.state()["group"]["id"], one.settings.discovery_port
    really = Index.commit

    def commit(index: Index) -> None:
        if threading.current_thread().name == "loop" and str(one.home) in repr(index):
            raise index.damage("a test says so")
        really(index)

    monkeypatch.setattr(Index, "commit", commit)
    one.write("note", b"kept")
    one.thread.join(3 * WAIT_S)
    monkeypatch.undo()
    assert isinstance(one.error, IndexDamaged)
    assert "a new one was begun" in str(one.error)
    one.start(port)
    assert one.state()["group"]["id"] == group
    assert "index_mended" in one.face.codes
    until((other.copy_of(one) / "note").exists)


def test_a_folder_that_cannot_be_written_is_told_and_the_device_stays(
    inside: Callable[..., list[Inside]], small_disk: Path
) -> None:
    (one,) = inside("one")
    other = Inside(small_disk / "x" / "other", "other")
    other.folder, other.home = small_disk / "Folder", one.home.parent / "other-home"
    other.home.mkdir()
    other.client = type(other.client)(str(other.home))
    other.start(one.settings.discovery_port)
    try:
        until(lambda: one_ring(one, other))
        subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
        one.write("note.txt", b"for you")
        until(
            lambda: {"disk", "disk_trouble"} & set(other.face.codes), lambda: str(other.face.codes)
        )
        until(lambda: one_ring(one, other))
        subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
        until((other.copy_of(one) / "note.txt").exists, lambda: str(other.notices()))
    finally:
        other.close()
    assert (other.code, other.error) == (0, None)
