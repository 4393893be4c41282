"""The tools of systemd: what they print, and why they do not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from potluck.faces.cli import systemd
from potluck.faces.cli.systemd import SystemdSilentError


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with scripts that stand in the place of the tools."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path


def put(tools: Path, tool: str, says: str) -> None:
    (tools / tool).write_text(f"#!/bin/sh\n{says}\n")
    (tools / tool).chmod(0o755)


def test_what_systemctl_prints_is_returned_and_what_it_says_of_a_failure_raised(
    tools: Path,
) -> None:
    put(tools, "systemctl", 'echo "$@"')
    assert systemd.systemctl("show", "x") == "--user show x\n"
    assert systemd.failure_of("show") == ""
    put(tools, "systemctl", "printf 'No bus\\n\\n  no \\033medium\\n' >&2; exit 1")
    with pytest.raises(SystemdSilentError):
        systemd.systemctl("show")
    assert systemd.failure_of("show").splitlines() == ["No bus", "no \\x1bmedium"]
    put(tools, "systemctl", "exit 4")
    assert systemd.failure_of("show") == "systemctl ended with 4, and does not say why"


def test_a_tool_that_is_missing_or_cannot_run_says_so(
    tools: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tools, "systemctl", "")
    (tools / "systemctl").write_text("#!/does/not/exist\n")
    assert systemd.failure_of("show").startswith("systemctl does not answer: ")
    monkeypatch.setenv("PATH", "")
    assert systemd.failure_of("show") == "there is no systemctl here"


def test_a_tool_that_is_shown_live_writes_where_we_write(
    tools: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    put(tools, "journalctl", 'echo "$@"; exit 3')
    assert systemd.run_tool("journalctl", "a", shown_live=True).returncode == 3
    assert capfd.readouterr().out == "a\n"


def test_lingering_that_is_not_known_is_said_to_be_so(
    tools: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for said, linger in (("echo yes", True), ("echo no", False), ("echo odd", None)):
        put(tools, "loginctl", said)
        assert systemd.lingers() is linger
    put(tools, "loginctl", "echo no; exit 1")
    assert systemd.lingers() is None
    monkeypatch.setenv("PATH", "")
    assert systemd.lingers() is None
    unknown = systemd.linger_lines(None)
    assert "does not say" in unknown[0]
    assert unknown[1:] == [
        f"To ask: loginctl show-user {os.getuid()} --property=Linger",
        "To have it so: loginctl enable-linger",
    ]
    assert "ends with your last session" in systemd.linger_lines(linger=False)[0]
    assert len(systemd.linger_lines(linger=True)) == 1
