"""One device of the demonstration: a real process that comes up, leaves with its pipe, and is ended
in any case.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from potluck.core.errors import PotluckError, TimedOut
from potluck.faces.demo import devices
from potluck.faces.demo.devices import Device, free_port, loopback
from potluck.shells.state.home import holder_of


@pytest.fixture
def device(tmp_path: Path) -> Device:
    return Device(0, tmp_path, free_port())


def standing_in(device: Device, code: str) -> subprocess.Popen[bytes]:
    """Let another program play the device's process; returns once it has said that it is ready."""
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.readline()
    device._process = process
    return process


def close(process: subprocess.Popen[bytes]) -> None:
    assert process.stdout is not None
    process.stdout.close()


def test_it_comes_up_and_leaves(device: Device) -> None:
    device.start()
    try:
        state = device.wait_until_up()
        assert state["device"]["label"] == device.label == "kitchen-pc"
        assert state["folder"] == str(device.folder)
        device.leave()
    finally:
        device.end()
        device.end()
    assert holder_of(str(device.home)) is None
    assert "potluck has left" in device.log.read_text(encoding="utf-8")


def test_when_its_pipe_ends_it_leaves_by_itself(device: Device) -> None:
    device.start()
    process = device._process
    try:
        device.wait_until_up()
        assert process is not None
        assert process.stdin is not None
        process.stdin.close()  # what the system does when the demonstration is killed
        assert process.wait(20) == 0
    finally:
        device.end()


def test_one_that_has_ended_is_noticed_with_its_last_words(device: Device) -> None:
    device.home.mkdir()
    device.log.write_text("something is wrong here\n", encoding="utf-8")
    process = standing_in(device, "print(); raise SystemExit(7)")
    process.wait(10)
    with pytest.raises(PotluckError, match="exit code 7") as caught:
        device.wait_until_up()
    assert "something is wrong here" in caught.value.fix
    device.end()
    close(process)


def test_one_that_never_answers_is_given_up(
    device: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(devices, "START_S", 0.0)
    process = standing_in(device, "print(flush=True); input()")
    with pytest.raises(TimedOut, match="does not answer"):
        device.wait_until_up()
    device.end()
    close(process)


def test_one_that_will_not_go_is_made_to(device: Device, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "END_S", 0.2)
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)"
    code = deaf + "; print(flush=True); signal.pause()"
    process = standing_in(device, code)
    device.end()
    assert process.returncode == -signal.SIGKILL
    close(process)


def test_every_device_has_its_own_name_and_home(tmp_path: Path) -> None:
    labels = [Device(number, tmp_path, 1).label for number in range(12)]
    assert len(set(labels)) == 12


def test_settings_of_the_person_do_not_reach_the_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POTLUCK_NODE_NAME", "mine")
    environment = devices._environment(1234)
    assert {name for name in environment if name.startswith("POTLUCK_")} == {
        "POTLUCK_NETWORK_DISCOVERY_PORT"
    }
    assert all(os.path.isabs(path) for path in environment["PYTHONPATH"].split(os.pathsep))


def test_the_loopback_has_a_name() -> None:
    assert loopback() in {"lo", "lo0"}
