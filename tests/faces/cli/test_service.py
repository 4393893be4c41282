"""`service`: the unit file as systemd reads it, and the commands over a systemctl that a test made.

Strategy: unit files are checked by the real `systemd-analyze verify` where there is one. What the
commands ask of systemctl, journalctl and loginctl is read from small scripts that stand in their
place on PATH: they note their words and say what the test wants.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from potluck.core.errors import UsageError
from potluck.faces.cli import service
from potluck.faces.cli.main import run_command
from potluck.shells.state.last_folder import remember_folder
from tests.faces.fakes import FakeSource, running

Call = Callable[..., tuple[int, str, str]]
ODD = '/tmp/a b/100 %/$HOME/"quoted"\\back/ünï — é'


@pytest.fixture
def potluck(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Call:
    def call(*words: str) -> tuple[int, str, str]:
        code = run_command(["--home", str(tmp_path / "home"), "service", *words])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return call


class Systemd:
    """The tools of systemd, as far as these commands use them."""

    def __init__(self, bin_folder: Path) -> None:
        self.bin, self.log = bin_folder, bin_folder / "asked"
        bin_folder.mkdir()
        self.put("systemctl")
        self.put("loginctl", 'echo "no"')
        self.put("journalctl", "echo journal")

    def put(self, tool: str, says: str = "true") -> None:
        path = self.bin / tool
        log = shlex.quote(str(self.log))
        path.write_text(f'#!/bin/sh\necho "{tool} $*" >> {log}\n{says}\n')
        path.chmod(path.stat().st_mode | stat.S_IXUSR)

    def asked(self) -> list[str]:
        return self.log.read_text().splitlines() if self.log.exists() else []


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Systemd:
    made = Systemd(tmp_path / "bin")
    monkeypatch.setenv("PATH", f"{made.bin}:/usr/bin:/bin")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    return made


def test_alone_it_says_what_it_can_do(potluck: Call) -> None:
    code, out, err = potluck()
    assert (code, err) == (0, "")
    assert potluck("--help")[:2] == (0, out)
    assert all(f"\n  {name} " in out for name in ("install", "status", "logs", "uninstall"))


# -- the unit --------------------------------------------------------------------------------------
def test_words_are_escaped_as_systemd_reads_them() -> None:
    assert service.quoted("/a b") == '"/a b"'
    assert service.quoted('100 % $x "y" \\z') == '"100 %% $$x \\"y\\" \\\\z"'
    for bad in ("a\nb", "a\x7f", "\0"):
        with pytest.raises(UsageError):
            service.quoted(bad)


def test_a_program_whose_path_systemd_refuses_is_refused_with_the_reason() -> None:
    assert service.quoted_program("/a b/$x 100 %/py") == '"/a b/$x 100 %%/py"'
    for bad in ("/o'x/py", '/a"b', "/a\\b", "/a\nb"):
        with pytest.raises(UsageError):
            service.quoted_program(bad)


@pytest.mark.parametrize("folder", ["/srv/potluck", ODD])
def test_systemd_accepts_the_unit(folder: str, tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("there is no systemd-analyze here: the unit file was not checked")
    unit, python = tmp_path / "potluck.service", tmp_path / "$HOME 5 % é/python"
    python.parent.mkdir()
    python.symlink_to(sys.executable)
    unit.write_text(service.unit_text([str(python), "--home", ODD, "up", folder]))
    said = subprocess.run(
        [analyze, "--user", "verify", str(unit)],
        env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (said.returncode, said.stderr) == (0, "")


def test_the_unit_starts_this_program_with_this_home_and_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    unit = service.unit_of("~/somewhere", "/folder")
    assert unit.words == (
        *service.program_words(),
        "--home",
        os.path.expanduser("~/somewhere"),
        "up",
        "--headless",
        "/folder",
    )
    assert unit.path == tmp_path / "systemd" / "user" / unit.name
    assert unit.name == service.unit_of(os.path.expanduser("~/somewhere"), "x").name
    assert unit.name != service.unit_of("~/elsewhere", "x").name
    usual = service.unit_of(None, "/folder")
    assert usual.name == "potluck.service"
    assert "--home" not in usual.words
    monkeypatch.delenv("XDG_CONFIG_HOME")
    assert service.unit_of(None, "x").path.is_relative_to(Path.home() / ".config")


def test_a_checkout_is_started_by_its_pot_py_and_an_installation_by_its_python(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "argv", ["/x/potluck/__main__.py"])
    python, script = service.program_words()
    assert Path(script).is_file()
    assert Path(script).name == "pot.py"
    assert Path(python).is_file()
    monkeypatch.setattr(sys, "argv", ["/usr/bin/potluck"])
    assert service.program_words() == (sys.executable, "-P", "-m", "potluck")


def test_the_unit_that_is_printed_touches_nothing(potluck: Call, systemd: Systemd) -> None:
    code, out, _ = potluck("install", "--print", "my folder")
    assert code == 0
    assert f'"up" "--headless" "{Path.cwd()}/my folder"\n' in out
    assert "Type=notify" in out
    assert systemd.asked() == []


def test_who_names_no_folder_has_the_last_one_started(
    potluck: Call, systemd: Systemd, tmp_path: Path
) -> None:
    (tmp_path / "home").mkdir()
    remember_folder(str(tmp_path / "home"), "/srv/my music")
    assert '"up" "--headless" "/srv/my music"\n' in potluck("install", "--print")[1]
    systemd.put("systemctl", "exit 1")
    assert potluck("install")[2].endswith("up --headless '/srv/my music'\n")
    assert potluck("install", "/other")[2].endswith("up --headless /other\n")
    with running(tmp_path / "home", FakeSource()):
        systemd.put("systemctl")
        assert potluck("install", "/x y")[2].endswith("service install '/x y'\n")


# -- commands --------------------------------------------------------------------------------------
def test_installing_writes_starts_and_explains(
    potluck: Call, systemd: Systemd, tmp_path: Path
) -> None:
    code, out, _ = potluck("install")
    unit = service.unit_of(str(tmp_path / "home"), "")
    assert code == 0
    assert f'"--home" "{tmp_path}/home" "up" "--headless" "{tmp_path}/home/Potluck"' in (
        unit.path.read_text()
    )
    assert systemd.asked()[2:5] == [
        "systemctl --user daemon-reload",
        f"systemctl --user enable {unit.name}",
        f"systemctl --user restart {unit.name}",
    ]
    assert "  loginctl enable-linger" in out.splitlines()
    assert "It starts when you log in, and ends with your last session." in out
    assert os.listdir(unit.path.parent) == [unit.name]
    systemd.put("loginctl", "echo yes")
    assert "also while nobody is logged in" in potluck("install")[1]
    assert json.loads(potluck("install", "--json")[1])["data"] == {
        "unit": unit.name,
        "path": str(unit.path),
        "lingers": True,
    }


def test_a_potluck_that_runs_already_is_not_doubled(
    potluck: Call, systemd: Systemd, tmp_path: Path
) -> None:
    with running(tmp_path / "home", FakeSource()):
        code, _, err = potluck("install")
        assert code == 5
        assert "potluck runs already." in err
        assert not (tmp_path / "config").exists()
        # the one that systemd started itself is only started anew
        systemd.put("systemctl", f"echo {os.getpid()}")
        assert potluck("install")[0] == 0


@pytest.mark.parametrize("tool", ["missing", "failing", "broken"])
def test_without_systemd_it_says_what_to_do_instead(
    potluck: Call, systemd: Systemd, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tool: str
) -> None:
    if tool == "missing":
        monkeypatch.setenv("PATH", "")
    elif tool == "failing":
        systemd.put("systemctl", "echo 'no bus' >&2; exit 1")
    else:
        (systemd.bin / "systemctl").write_text("#!/does/not/exist\n")
    code, _, err = potluck("install")
    assert code == 1
    lines = err.splitlines()
    assert lines[0] == "potluck: The service needs systemd with a session for this user."
    assert lines[1].startswith("  why:  ")
    whole = shlex.join([*service.program_words(), "--home", f"{tmp_path}/home", "up"])
    assert Path(service.program_words()[0]).is_absolute(), "it starts it wherever it is typed"
    assert lines[2].endswith(f" run: {whole} --headless {tmp_path}/home/Potluck")


def test_a_step_that_fails_is_named(potluck: Call, systemd: Systemd) -> None:
    systemd.put("systemctl", 'case "$*" in *restart*) echo nope >&2; exit 1;; esac')
    code, _, err = potluck("install")
    assert code == 1
    assert "restart" in err
    assert "nope" in err
    assert "service logs" in err
    assert "it stays installed; to remove it: " in err
    assert err.splitlines()[-1].endswith(" service uninstall")


def test_a_unit_that_cannot_be_written(potluck: Call, systemd: Systemd, tmp_path: Path) -> None:
    (tmp_path / "config").write_text("a file")
    assert potluck("install")[0] == 8


def test_status_says_whether_it_runs(potluck: Call, systemd: Systemd, tmp_path: Path) -> None:
    potluck("install")
    unit = service.unit_of(str(tmp_path / "home"), "")
    systemd.put(
        "systemctl",
        "printf 'ActiveState=active\\nUnitFileState=enabled\\nMainPID=7\\nResult=success\\n'",
    )
    code, out, _ = potluck("status")
    assert (code, out.splitlines()[0]) == (0, f"{unit.name}: active, process 7 (enabled)")
    assert json.loads(potluck("status", "--json")[1])["data"]["ActiveState"] == "active"
    systemd.put(
        "systemctl",
        "printf 'ActiveState=failed\\nUnitFileState=\\nMainPID=0\\nResult=exit-code\\n'",
    )
    code, out, _ = potluck("status")
    assert (code, out.splitlines()[0]) == (3, f"{unit.name}: failed (not enabled)")
    assert out.splitlines()[-3:-1] == [
        "It does not run (exit-code).",
        f"To start it: systemctl --user start {unit.name}",
    ]
    systemd.put("systemctl", "printf 'ActiveState=inactive\\nResult=success\\nMainPID=0\\n'")
    assert "It does not run.\n" in potluck("status")[1]


NO_BUS = "printf 'Failed to connect to bus:\\n  No medium found\\n' >&2; exit 1"


@pytest.mark.parametrize("broken", [NO_BUS, "echo odd", "exit 1"])
def test_status_does_not_say_what_is_not_known(
    potluck: Call, systemd: Systemd, tmp_path: Path, broken: str
) -> None:
    potluck("install")
    unit = service.unit_of(str(tmp_path / "home"), "")
    systemd.put("systemctl", broken)
    code, out, err = potluck("status")
    assert (code, out) == (1, "")
    lines = err.splitlines()
    assert lines[0] == f"potluck: {unit.name} is installed; whether it runs is not known."
    assert lines[-1].endswith(" service status")
    if broken == NO_BUS:
        assert lines[1:3] == ["  why:  Failed to connect to bus:", "        No medium found"]
    assert not json.loads(potluck("status", "--json")[1])["ok"]


def test_logs_are_those_of_the_journal(potluck: Call, systemd: Systemd, tmp_path: Path) -> None:
    potluck("install")
    unit = service.unit_of(str(tmp_path / "home"), "")
    assert potluck("logs")[0] == 0
    assert potluck("logs", "-f", "-n", "5")[0] == 0
    assert systemd.asked()[-2:] == [
        f"journalctl --user --unit {unit.name} --no-pager --lines 100",
        f"journalctl --user --unit {unit.name} --no-pager --lines 5 --follow",
    ]
    (systemd.bin / "journalctl").unlink()
    if shutil.which("journalctl") is None:
        assert "there is no journalctl here" in potluck("logs")[2]


def test_uninstalling_removes_the_unit_and_nothing_else(
    potluck: Call, systemd: Systemd, tmp_path: Path
) -> None:
    potluck("install")
    unit = service.unit_of(str(tmp_path / "home"), "")
    code, out, _ = potluck("uninstall")
    assert code == 0
    assert "your files stay" in out
    assert not unit.path.exists()
    assert f"systemctl --user disable --now {unit.name}" in systemd.asked()
    potluck("install")
    systemd.put("systemctl", "echo odd >&2; exit 1")
    unit.path.parent.mkdir(parents=True, exist_ok=True)
    unit.path.write_text("x")
    assert "! systemctl said: odd" in potluck("uninstall")[1]
    unit.path.write_text("x")
    assert json.loads(potluck("uninstall", "--json")[1])["data"]["said"] == ["odd"]


def test_a_service_that_could_not_be_ended_is_told_with_its_process(
    potluck: Call, systemd: Systemd, tmp_path: Path
) -> None:
    potluck("install")
    unit = service.unit_of(str(tmp_path / "home"), "")
    link = unit.path.parent / "default.target.wants" / unit.name
    link.parent.mkdir()
    link.symlink_to(unit.path)
    systemd.put("systemctl", NO_BUS)
    with running(tmp_path / "home", FakeSource()):
        code, out, err = potluck("uninstall")
    assert (code, out) == (1, "")
    removed = f"potluck: {unit.name} is removed, but could not be ended: "
    assert err.splitlines()[:3] == [
        f"{removed}process {os.getpid()} still runs.",
        "  why:  Failed to connect to bus:",
        "        No medium found",
    ]
    assert err.splitlines()[-1].endswith(" down")
    assert not link.is_symlink(), "it would not start at the next login, either"
    assert not unit.path.exists()
    potluck("uninstall")
    unit.path.write_text("x")
    assert potluck("uninstall")[1].splitlines()[:2] == [
        "! systemctl said: Failed to connect to bus:",
        "! systemctl said: No medium found",
    ]


def test_a_unit_that_cannot_be_removed(
    potluck: Call, systemd: Systemd, monkeypatch: pytest.MonkeyPatch
) -> None:
    potluck("install")

    def refused(path: Path, *, missing_ok: bool = False) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "unlink", refused)
    code, _, err = potluck("uninstall")
    assert code == 8
    assert "cannot be removed" in err
    assert "  next: rm " in err


@pytest.mark.parametrize("word", ["status", "logs", "uninstall"])
def test_what_is_not_installed(potluck: Call, systemd: Systemd, word: str) -> None:
    code, _, err = potluck(word)
    assert code == 7
    assert "There is no service potluck-" in err
    assert "service install" in err


@pytest.mark.parametrize("word", ["status", "logs", "uninstall", "install"])
@pytest.mark.parametrize("config", ["", "not/absolute"])
def test_without_a_home_it_is_said_that_nobody_knows_where_units_are(
    potluck: Call, systemd: Systemd, monkeypatch: pytest.MonkeyPatch, word: str, config: str
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", config)
    monkeypatch.setattr(os.path, "expanduser", str)  # as where nobody knows what ~ is
    code, _, err = potluck(word)
    assert (code, err.splitlines()[0]) == (
        2,
        "potluck: It is not known where the services of this user are.",
    )
    assert systemd.asked() == []
