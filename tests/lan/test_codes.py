"""Codes between real daemons: typed on the standard input, brought in a file, and wrong."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

from potluck.core.errors import TimedOut
from potluck.core.group.word_list import WORDS
from tests.lan.potluck import Potluck, wait_ring

pytestmark = [pytest.mark.full, pytest.mark.lan, pytest.mark.slow, pytest.mark.timeout(300)]

READY_S = 30.0
CLOSED: dict[str, Any] = {"open_door": False}


def invite(device: Potluck, *words: str) -> str:
    code = device.api("invite", *words)["code"]
    assert isinstance(code, str)
    return code


def join(device: Potluck, code: str) -> subprocess.CompletedProcess[str]:
    """Type a code on the standard input of `join`."""
    process = device.hosts.popen(
        device.i,
        device._command("join", "--stdin"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=device._environment(),
    )
    out, err = process.communicate(code.encode(), 4 * READY_S)
    done = process.returncode
    return subprocess.CompletedProcess((), done, out.decode(), err.decode())


def joined(device: Potluck, host: Potluck) -> tuple[str, subprocess.CompletedProcess[str]]:
    """Type a code of that host, and the next one where it did not answer in the seconds it has."""
    for _ in range(3):
        code = invite(host)
        done = join(device, code)
        if done.returncode != TimedOut.exit_code:
            break
    return code, done


def members(device: Potluck) -> set[str]:
    return {one["label"] for one in device.status().get("devices", [])} | {device.label}


def shows(device: Potluck, code: str) -> list[str]:
    """Which words of a code stand in what that daemon said and keeps."""
    said = [path.read_bytes() for path in device.home.rglob("*") if path.is_file()]
    return [word for word in code.split("-") if any(code.encode() in data for data in said)]


def test_a_code_is_typed_on_one_machine_and_brought_to_another_in_a_file(devices, tmp_path) -> None:
    anna, bert, cora = devices(3)
    for device in (anna, bert):
        device.start(**CLOSED)
    code, done = joined(bert, anna)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr + anna.said() + bert.said()
    assert "in “Home” now" in done.stdout
    wait_ring([anna, bert], READY_S)
    anna.wait(lambda: anna.status().get("invite", code) is None, READY_S)

    path = tmp_path / "for-cora"
    assert anna.run("invite", "--to-file", path).returncode == 0
    cora.start("--code-file", str(path), **CLOSED)
    wait_ring([anna, bert, cora], READY_S)
    (anna.own / "hello").write_text("hello")
    cora.wait((cora.shared / "anna" / "hello").exists, READY_S)
    for device in (anna, bert, cora):
        assert shows(device, code) == []
        assert shows(device, path.read_text().strip()) == []


def test_three_wrong_codes_and_the_right_one_is_dead(devices) -> None:
    anna, bert = devices(2)
    for device in (anna, bert):
        device.start(**CLOSED)
    code = invite(anna)
    words = code.split("-")
    for turn, told in enumerate(["2 tries are left", "one try is left", "last try"], 1):
        third = WORDS[(WORDS.index(words[2]) + turn) % len(WORDS)]
        done = join(bert, " ".join([*words[:2], third]))
        assert done.returncode == 5, done.stdout + done.stderr
        assert told in done.stderr
    done = join(bert, code)
    assert done.returncode == 6, done.stdout + done.stderr
    assert members(anna) == {"anna"}
    assert members(bert) == {"bert"}
    assert "counts no more" in anna.said()
    done = join(bert, invite(anna))
    assert done.returncode == 0, done.stderr
    wait_ring([anna, bert], READY_S)
