"""Starting anew: the same process with the same words, and with rights that it had given up."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from potluck.shells.state.starting_anew import NewStart, words_again

AGAIN = """
import os, sys
from pathlib import Path
from potluck.shells.state.landlock import confine_writes
from potluck.shells.state.starting_anew import NewStart

inside, outside = Path(sys.argv[1]), Path(sys.argv[2])
if "NOTIFY_SOCKET" not in os.environ:
    sys.exit("who supervises it is forgotten")
if (inside / "once").exists():
    (outside / "written").write_text(f"{os.getpid()} {sys.argv[3:]}")
    sys.exit(0)
new_start = NewStart()
new_start.stand_by()
del os.environ["NOTIFY_SOCKET"]
print(confine_writes([str(inside)]).on)
(inside / "once").write_text(str(os.getpid()))
try:
    (outside / "written").write_text("not confined")
except PermissionError:
    print("confined")
sys.exit(str(new_start.go()))
"""


def test_the_process_goes_on_with_the_rights_it_had_before(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    words = [sys.executable, "-c", AGAIN, str(inside), str(outside), "--open=5", "--open=always"]
    environ = {"PYTHONPATH": ":".join(sys.path), "NOTIFY_SOCKET": "/run/notify"}
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=environ)
    assert done.returncode == 0, done.stderr
    if done.stdout.startswith("False"):
        pytest.skip("writes are not confined here")
    assert done.stdout == "True\nconfined\n"
    pid = (inside / "once").read_text()
    assert (outside / "written").read_text() == f"{pid} ['--open=always']"


def test_a_door_for_a_time_is_not_opened_again() -> None:
    words = [
        "python",
        "-m",
        "potluck",
        "up",
        "--open",
        "--open=5",
        "--name",
        "den",
        "--repair",
        "--open=always",
    ]
    again = ["/usr/bin/python3", "-m", "potluck", "up", "--name", "den", "--open=always"]
    assert words_again("/usr/bin/python3", words) == again


@pytest.mark.parametrize(
    ("program", "words"), [("", ["python", "x"]), ("/usr/bin/python3", ["python"])]
)
def test_what_is_not_known_is_not_started(program: str, words: list[str]) -> None:
    assert words_again(program, words) == []


def test_a_start_that_fails_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "gone"))
    monkeypatch.setattr(sys, "orig_argv", ["python", "-m", "potluck"])
    new_start = NewStart()
    assert repr(new_start) == "<NewStart: possible=True>"
    new_start.stand_by()
    assert isinstance(new_start.go(), FileNotFoundError)
