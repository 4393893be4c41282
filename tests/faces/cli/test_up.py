"""`up`: what is wrong is said before anything starts, options become settings, and the end is the
daemon's.
"""

from __future__ import annotations

import io
import json
import sys
import time
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import potluck
from potluck import renewing
from potluck.config.settings import DaemonFace, Settings
from potluck.core.errors import DiskTrouble, PotluckError, Refused, UsageError
from potluck.core.group.roster import Roster
from potluck.core.keys.identity import DeviceKey
from potluck.engine.index import Index
from potluck.engine.own.share_state import WRITTEN_ONCE
from potluck.faces.cli.main import run_command
from potluck.shells.state.home import KEY_NAME, claim_folder, claim_home
from potluck.shells.state.last_folder import remember_folder
from potluck.shells.state.private_home import INDEX_NAME
from potluck.shells.state.starting_anew import STARTS_ANEW, STARTS_MENDED, NewStart
from tests.devices import until
from tests.engine.builders import group, key
from tests.faces.fakes import FakeSource, running, state


class Daemon:
    """Stands in for the daemon: keeps its settings, plays what the test says."""

    def __init__(self) -> None:
        self.settings: Settings | None = None
        self.source = FakeSource()
        self.during: Callable[[], None] = lambda: None
        self.failure: PotluckError | None = None
        self.exit_code = 0
        self.renews = False

    def run(
        self,
        settings: Settings,
        face: DaemonFace,
        *,
        starts_anew: bool,
        renews: bool,
        interrupted: Callable[[], bool],
    ) -> int:
        self.interrupted = interrupted
        assert starts_anew
        self.renews = renews
        self.settings = settings
        if self.failure is not None:
            raise self.failure
        with running(Path(settings.state_dir), self.source):
            face.started({})
            face.told("code", "text", "info", "")
            face.state({})
            self.during()
        return self.exit_code


@pytest.fixture
def daemon(monkeypatch: pytest.MonkeyPatch) -> Daemon:
    fake = Daemon()
    module = types.ModuleType("potluck.daemon")
    module.run = fake.run  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "potluck.daemon", module)
    monkeypatch.setattr(potluck, "daemon", module, raising=False)
    return fake


@pytest.fixture
def up(tmp_path: Path) -> Callable[..., int]:
    return lambda *words: run_command(["--home", str(tmp_path / "home"), "up", *words])


def test_without_words_everything_is_default(
    daemon: Daemon, up: Callable[..., int], tmp_path: Path
) -> None:
    assert up("--headless") == 0
    settings = daemon.settings
    assert settings is not None
    assert settings.folder == str(tmp_path / "home" / "Potluck")
    assert settings.state_dir == str(tmp_path / "home")
    assert (settings.open_s, settings.sweep, settings.port_given) == (None, True, False)
    assert Path(settings.folder).is_dir()


def test_the_last_folder_is_meant_and_said(
    daemon: Daemon, up: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "music").mkdir()
    remember_folder(str(tmp_path / "home"), str(tmp_path / "music"))
    assert up("--headless") == 0
    assert daemon.settings is not None
    assert daemon.settings.folder == str(tmp_path / "music")
    said = capsys.readouterr().out.splitlines()[:2]
    assert said == [
        f"Sharing {tmp_path}/music, as last time.",
        "  for another one: potluck up FOLDER",
    ]
    assert up("--headless", str(tmp_path / "other")) == 0
    assert daemon.settings.folder == str(tmp_path / "other")
    assert "as last time" not in capsys.readouterr().out


@pytest.mark.parametrize("last", ["music", "home/Potluck"])
def test_a_last_folder_that_is_gone_is_not_made_anew(
    daemon: Daemon,
    up: Callable[..., int],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    last: str,
) -> None:
    (tmp_path / "home").mkdir()
    remember_folder(str(tmp_path / "home"), str(tmp_path / last))
    assert up() == 7
    assert daemon.settings is None
    said = capsys.readouterr().err.splitlines()
    assert said[0] == f"potluck: The folder {tmp_path}/{last}, which was shared last, is not there."
    assert said[2] == "  next: plug the disk in or move the folder back, then: potluck up"
    assert said[3].endswith("potluck up FOLDER")
    assert not (tmp_path / last).exists()
    assert up("--headless", str(tmp_path / last)) == 0, "who names it means it"


def shared_before(home: Path, folder: Path) -> None:
    """The home of a device that shared a folder."""
    home.mkdir()
    remember_folder(str(home), str(folder))
    index = Index.open(str(home / INDEX_NAME))
    index.begin()
    index.meta.set(WRITTEN_ONCE, b"1")
    index.commit()
    index.close()


def test_a_folder_that_is_back_is_taken_hold_of_by_the_program_in_the_place_of_itself(
    daemon: Daemon,
    up: Callable[..., int],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    daemon.exit_code = STARTS_ANEW
    monkeypatch.setattr(NewStart, "go", lambda _self: OSError(12, "No memory"))
    assert up("--headless", str(tmp_path / "f")) != 0
    out = capsys.readouterr()
    assert out.out.endswith(f"{tmp_path}/f is back: it is taken hold of by a new start.\n")
    assert "has left" not in out.out
    assert "is back, and potluck could not start again by itself" in out.err
    assert "No memory" in out.err


def test_an_index_that_was_damaged_is_begun_anew_by_the_program_in_the_place_of_itself(
    daemon: Daemon,
    up: Callable[..., int],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    daemon.exit_code = STARTS_MENDED
    monkeypatch.setattr(NewStart, "go", lambda _self: OSError(12, "No memory"))
    assert up("--headless", str(tmp_path / "f")) != 0
    out = capsys.readouterr()
    said = "The index was damaged: potluck starts again with a new one.\n"
    assert out.out.endswith(said)
    assert "The index was damaged, and potluck could not start again by itself" in out.err


@pytest.mark.parametrize("there", [True, False])
def test_a_folder_that_is_away_is_awaited_and_nothing_is_made_there(
    daemon: Daemon,
    up: Callable[..., int],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    *,
    there: bool,
) -> None:
    music = tmp_path / "music"
    shared_before(tmp_path / "home", music)
    if there:
        music.mkdir()
    assert up("--headless") == 0
    assert daemon.settings is not None
    assert daemon.settings.folder == str(music)
    said = capsys.readouterr().out.splitlines()[:4]
    seen = "has nothing of potluck in it" if there else "is not there"
    assert said == [
        f"! {music}, which was shared last, {seen}: nothing is made there.",
        "  Plug its disk in, or put it back, and nothing else: that is waited for.",
        "  if it is somewhere else now: potluck up FOLDER",
        "  if it is gone for good, end this one, then: potluck up NEW --repair",
    ]
    assert up("--headless", str(music)) == 0, "named or not"
    assert not music.exists() or not list(music.iterdir())
    assert up() == (0 if there else 7), "with a prompt somebody is there to plug it in"


def test_a_new_folder_does_not_take_the_place_of_the_one_that_was_shared(
    daemon: Daemon, up: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shared_before(tmp_path / "home", tmp_path / "music")
    other = tmp_path / "other"
    assert up("--headless", str(other)) == Refused.exit_code
    assert daemon.settings is None
    assert not other.exists()
    said = capsys.readouterr().err.splitlines()
    assert said[0] == f"potluck: {other} is not the folder of this device, and has nothing of it."
    assert (
        said[1] == f"  why:  it shared {tmp_path}/music; what it shared would all be missing here"
    )
    assert said[2] == f"  next: to go on with that one: potluck up {tmp_path}/music"
    assert said[-1].endswith(f"potluck up {other} --repair")
    (other / ".potluck").mkdir(parents=True)
    assert up("--headless", str(other)) == 0, "its marker says which share it is"


def test_a_new_folder_that_is_to_be_filled_is_told_with_the_one_before(
    daemon: Daemon,
    up: Callable[..., int],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other, answers = tmp_path / "other", [str(tmp_path / "music"), str(tmp_path / "other"), None]
    monkeypatch.setattr(renewing, "folder_before", lambda *_: answers.pop(0))
    assert up("--headless", "--repair") == UsageError.exit_code
    assert "next: potluck up FOLDER --repair" in capsys.readouterr().err
    for words in (f"instead of {tmp_path}/music.", "as before, but empty."):
        assert up("--headless", str(other), "--repair") == 0
        assert daemon.renews
        said = capsys.readouterr().out.splitlines()[:2]
        assert said[0] == f"{other} becomes the folder of this device, {words}"
    assert up("--headless", str(other), "--repair") == 0
    said = capsys.readouterr().out.splitlines()[:2]
    assert said[0] == f"{other} is the folder of this device already."
    assert up("--headless", str(other)) == 0
    assert not daemon.renews
    answers.append(str(other))
    monkeypatch.setattr(renewing, "is_marked_over", lambda *_: True)
    assert up("--headless", str(other), "--repair") == 0
    again = f"{other} becomes the folder of this device again, with all that lies in it."
    assert again in capsys.readouterr().out


def test_words_become_settings(daemon: Daemon, up: Callable[..., int], tmp_path: Path) -> None:
    words = [
        "--name",
        "den",
        "--port",
        "7000",
        "--peer",
        "nas",
        "--peer",
        "x:1",
        "--interface",
        "lo",
        "--no-sweep",
        "--no-page",
    ]
    assert up(str(tmp_path / "f"), *words, "--headless") == 0
    settings = daemon.settings
    assert settings is not None
    assert (settings.folder, settings.label, settings.port, settings.port_given) == (
        str(tmp_path / "f"),
        "den",
        7000,
        True,
    )
    assert settings.peers == (("nas", 7685), ("x", 1))
    assert (settings.interfaces, settings.sweep, settings.no_page, settings.headless) == (
        ("lo",),
        False,
        True,
        True,
    )


@pytest.mark.parametrize(
    ("word", "open_s"), [("--open", 3600), ("--open=30", 1800), ("--open=always", "always")]
)
def test_open_never_swallows_the_folder(
    daemon: Daemon,
    up: Callable[..., int],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    word: str,
    open_s: object,
) -> None:
    assert up("--headless", word, str(tmp_path / "30")) == 0
    assert daemon.settings is not None
    assert (daemon.settings.open_s, daemon.settings.folder) == (open_s, str(tmp_path / "30"))
    assert "anyone on this network may join" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code", "part"),
    [
        (["--open=soon"], 2, "--open cannot be"),
        (["/"], 2, "whole disk"),
        (["--interface", "lo77"], 2, "did you mean lo?"),
        (["--name", "a/b"], 2, "use “a-b”"),
        (["--peer", "a b"], 2, "not a device's address"),
        (["/dev/null"], 8, "is a file, not a folder"),
        (["/dev/null/x"], 8, "cannot be written"),
    ],
)
def test_what_is_wrong_is_said_before_anything_starts(
    daemon: Daemon,
    up: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    code: int,
    part: str,
) -> None:
    assert up(*words) == code
    said = capsys.readouterr().err
    assert part in said
    assert [line[:7] for line in said.splitlines()] == ["potluck", "  why: ", "  next:"]
    assert daemon.settings is None


def test_in_a_part_of_another_share_nothing_is_made(
    daemon: Daemon, up: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    part = tmp_path / "pot" / "Shared" / "me"
    part.mkdir(parents=True)
    (tmp_path / "pot" / ".potluck").mkdir()
    (tmp_path / "pot" / ".potluck" / "marker").write_bytes(b"")
    for folder in (part, part / "new"):
        assert up(str(folder)) == 5
        assert "a part of a folder that is shared already" in capsys.readouterr().err
    assert list(part.iterdir()) == []
    assert daemon.settings is None


def test_a_second_potluck_on_the_same_home(
    daemon: Daemon, up: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    held = claim_home(str(tmp_path / "home"))
    assert up() == 5
    said = capsys.readouterr().err
    assert "already running with the home" in said
    assert said.splitlines()[2:] == [
        "  next: to see it: potluck watch",
        "        to end it: potluck down",
        "        to start a second device: potluck --home DIR up",
    ]
    held.release()
    assert daemon.settings is None


def test_a_second_home_on_the_same_folder(
    daemon: Daemon, up: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "f"
    folder.mkdir()
    held = claim_folder(str(folder), "/first/home")
    assert up(str(folder)) == 5
    assert "already sharing the folder" in capsys.readouterr().err
    held.release()
    assert daemon.settings is None


def test_a_second_home_on_the_folder_of_a_first_one_that_does_not_run(
    daemon: Daemon, up: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, first = tmp_path / "f", tmp_path / "first"
    first.mkdir()
    (first / KEY_NAME).write_bytes(bytes(64))
    claim_folder(str(folder), str(first)).release()
    ids = {"group": "67" * 32, "device": DeviceKey(bytes(64)).device.hex(), "share": "73" * 16}
    (folder / ".potluck" / "marker").write_text(json.dumps(ids))
    assert up(str(folder), "--headless") == 5
    assert "is the folder of another potluck" in capsys.readouterr().err
    assert daemon.settings is None
    assert str(first) in (folder / ".potluck" / "lock").read_text(), "it is asked again next time"
    (first / KEY_NAME).unlink()
    assert up(str(folder), "--headless") == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == f"! {folder} was the folder of another device."
    assert daemon.settings is not None


def test_a_key_without_effect_is_said(
    daemon: Daemon,
    up: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("POTLUCK_LOG_LEVEL", "debug")
    assert up("--headless") == 0
    assert "! log.level has no effect in this version." in capsys.readouterr().out


def test_a_daemon_that_cannot_start_is_an_error(
    daemon: Daemon, up: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    daemon.failure = DiskTrouble("no room", "full", "free some")
    assert up("--open") == 8
    said = capsys.readouterr()
    assert "no room" in said.err
    assert "OPEN" not in said.out, "nothing started, so no door is open"


def test_plain_lines_tell_the_story_and_a_pipe_is_a_prompt(
    daemon: Daemon,
    up: Callable[..., int],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    words, printed = tmp_path / "words", io.StringIO()
    words.write_text("rescan\n")
    daemon.source.current = state(unshared={"files": 3})
    is_told = lambda: "Looking" in printed.getvalue()  # noqa: E731 - one line
    daemon.during = lambda: until(lambda: "rescan" in daemon.source.asked and is_told())
    # what pytest captures may not be looked at while another thread prints: some of it is lost
    monkeypatch.setattr(sys, "stdout", printed)
    with words.open() as stdin:
        monkeypatch.setattr(sys, "stdin", stdin)
        assert up() == 0
    told = printed.getvalue()
    assert "3 files in /home/me/Potluck are not shared yet" in told
    assert told.endswith(f"potluck has left; your files stay in {tmp_path / 'home' / 'Potluck'}.\n")


def test_without_a_standard_input_there_is_no_prompt(
    daemon: Daemon, up: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert up() == 0


def test_live_view_on_a_terminal(
    daemon: Daemon, up: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    from potluck.faces.cli import up as module

    made: list[Any] = []
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    real = sys.modules["potluck.faces.cli.up"].screen_of

    def spy(*said: Any, **words: Any) -> Any:
        made.append(words | {"typed": said[0].of("status")})
        return real(*said, **words)

    asked: list[bool] = []
    leaving = sys.modules["potluck.faces.cli.up"].UpLeaving

    def leaving_spy(client: Any, *, asks: bool) -> Any:
        asked.append(asks)
        return leaving(client, asks=asks)

    threads = sys.modules["potluck.faces.cli.up"].ViewThreads

    def deaf(*said: Any, **others: Any) -> Any:
        return threads(*said, **others | {"reads": False})

    monkeypatch.setattr(sys.modules["potluck.faces.cli.up"], "ViewThreads", deaf)
    monkeypatch.setattr(sys.modules["potluck.faces.cli.up"], "readable", lambda: True)
    monkeypatch.setattr(sys.modules["potluck.faces.cli.up"], "screen_of", spy)
    monkeypatch.setattr(sys.modules["potluck.faces.cli.up"], "UpLeaving", leaving_spy)
    assert module is not None
    assert up() == 0
    assert up("--headless") == 0
    monkeypatch.setenv("TERM", "dumb")
    assert up() == 0
    assert [words["live"] for words in made] == [True, False, False]
    assert [words["typed"] == "status" for words in made] == [True, False, True], "at a prompt"
    assert asked == [True, False, True], "somebody sits there, whatever the terminal can show"


def test_a_code_comes_from_a_file_that_is_read_before_anything_starts(
    daemon: Daemon, up: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "code"
    assert up("--headless", "--code-file", str(path)) == 7
    assert daemon.settings is None
    path.write_text("amber-tiger-violin")
    assert up("--code-file", str(path)) == 2
    assert daemon.settings is None
    asked, until_s = daemon.source.asked, time.monotonic() + 10.0

    def during() -> None:
        while not asked and time.monotonic() < until_s:
            time.sleep(0.01)

    daemon.during = during
    assert up("--headless", "--code-file", str(path)) == 0
    assert [type(act).__name__ for act in asked] == ["JoinAsked"]
    assert "amber" not in capsys.readouterr().out


def test_a_device_that_has_company_starts_without_the_file_of_its_code(
    daemon: Daemon, up: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state_dir, path = tmp_path / "home", tmp_path / "code"
    state_dir.mkdir(mode=0o700)
    alone = member_home(state_dir, group(2))
    assert up("--headless", "--code-file", str(path)) == 7, "it founded a group and waits for one"
    alone.unlink()
    member_home(state_dir, group(1, 2))
    capsys.readouterr()
    for _ in ("gone", "there"):
        assert up("--headless", "--code-file", str(path)) == 0
        told = capsys.readouterr().out.splitlines()
        assert told.count("--code-file is not read: this device is in Home.") == 1
        path.write_text("amber-tiger-violin")
    assert daemon.source.asked == []


def member_home(state_dir: Path, roster: Roster) -> Path:
    """Make that the home of device 2 in that group; returns its index."""
    secret = (2).to_bytes(32, "big") + (1002).to_bytes(32, "big")
    assert DeviceKey(secret).device == key(2).device
    (state_dir / KEY_NAME).write_bytes(secret)
    (state_dir / KEY_NAME).chmod(0o600)
    index = Index.open(str(state_dir / INDEX_NAME))
    index.begin()
    index.roster.replace(roster.records())
    index.commit()
    index.close()
    return state_dir / INDEX_NAME
