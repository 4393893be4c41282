"""The private home: whatever a person or an older version left, only its owner can read it."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest

from potluck.core.errors import Refused
from potluck.engine.index import Index
from potluck.shells.state.private_home import INDEX_NAME, OpenedHome, make_private, notice_of

NOBODY = 65534
ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def modes(home: Path) -> dict[str, int]:
    """The rights of everything in a home."""
    return {path.name: mode(path) for path in home.iterdir()}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    made = tmp_path / "home"
    made.mkdir()
    made.chmod(0o755)
    return made


def test_a_home_that_is_missing_is_made_private_and_nothing_was_open(tmp_path: Path) -> None:
    made = tmp_path / "deep" / "home"
    assert make_private(str(made)) == OpenedHome(home=False, names=())
    assert mode(made) == 0o700
    assert modes(made) == {INDEX_NAME: 0o600}


def test_where_nothing_of_ours_lay_yet_nothing_was_open(home: Path) -> None:
    (home / "Potluck").mkdir(0o755)
    (home / "diary").touch(0o644)
    assert make_private(str(home)) == OpenedHome(home=False, names=())
    assert (mode(home), mode(home / INDEX_NAME)) == (0o700, 0o600)


def test_where_files_of_ours_were_private_others_could_look_at_their_names(home: Path) -> None:
    (home / "device.key").touch(0o600)
    assert make_private(str(home)) == OpenedHome(home=True, names=())


def test_every_file_of_ours_is_private_afterwards_whatever_it_was(home: Path) -> None:
    ours = ["lock", "device.key", "ballast", "folder", "config.toml", "flight-1.jsonl"]
    ours += [INDEX_NAME, f"{INDEX_NAME}-wal", f"{INDEX_NAME}-shm"]
    ours += ["device.key.before-1", f"{INDEX_NAME}.before-1-wal", "device.key.before"]
    ours += ["device.key.restoring", f"{INDEX_NAME}.restoring", "device.key.77.new"]
    for name in ours:
        (home / name).touch()
        (home / name).chmod(0o666)
    (home / "lock").chmod(0o600)
    (home / "diary").touch(0o644)
    (home / "Potluck").mkdir(0o755)
    diary = mode(home / "diary")
    assert make_private(str(home)) == OpenedHome(True, tuple(sorted({*ours} - {"lock"})))
    assert mode(home) == 0o700
    assert {name: mode(home / name) for name in ours} == dict.fromkeys(ours, 0o600)
    assert mode(home / "diary") == diary, "what is not ours is not touched"
    assert make_private(str(home)) == OpenedHome(home=False, names=())


def test_in_a_home_that_was_private_nobody_could_open_anything(home: Path) -> None:
    home.chmod(0o700)
    (home / INDEX_NAME).touch()
    (home / INDEX_NAME).chmod(0o644)
    assert make_private(str(home)) == OpenedHome(home=False, names=())
    assert mode(home / INDEX_NAME) == 0o600


def test_what_the_index_makes_beside_itself_is_private_too(home: Path) -> None:
    make_private(str(home))
    index = Index.open(str(home / INDEX_NAME))
    index.begin()
    index.meta.set("key", b"value")
    index.commit()
    assert {name: mode for name, mode in modes(home).items() if mode != 0o600} == {}
    assert len(modes(home)) > 1
    index.close()


@pytest.mark.parametrize("mask", [0o000, 0o077])
def test_no_mask_makes_it_wider_or_useless(home: Path, mask: int) -> None:
    before = os.umask(mask)
    try:
        make_private(str(home))
    finally:
        os.umask(before)
    assert (mode(home), mode(home / INDEX_NAME)) == (0o700, 0o600)


def test_a_socket_that_a_crash_left_and_a_link_of_ours_stay_as_they_are(
    home: Path, tmp_path: Path
) -> None:
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(home / "control.sock"))
    left.close()
    target = tmp_path / "elsewhere"
    target.touch()
    target.chmod(0o644)
    (home / "config.toml").symlink_to(target)
    assert make_private(str(home)).names == ()
    assert mode(target) == 0o644, "no link is followed"


def test_a_folder_for_everybody_is_refused_and_not_changed(home: Path) -> None:
    home.chmod(0o1777)
    with pytest.raises(Refused, match="cannot be made yours alone") as refused:
        make_private(str(home))
    assert (refused.value.cause, refused.value.fix) == (
        "it is a folder for everybody",
        "choose another home: --home DIR",
    )
    assert mode(home) == 0o1777
    assert modes(home) == {}


@ROOT_ONLY
def test_the_home_of_another_user_is_refused(home: Path) -> None:
    os.chown(home, NOBODY, NOBODY)
    with pytest.raises(Refused, match="belongs to another user") as refused:
        make_private(str(home))
    assert refused.value.cause == "its owner is user 65534, and this is user 0"
    assert modes(home) == {}


@ROOT_ONLY
@pytest.mark.parametrize("name", [INDEX_NAME, "device.key", "lock"])
def test_a_file_of_another_user_under_one_of_our_names_is_refused(home: Path, name: str) -> None:
    (home / name).touch()
    os.chown(home / name, NOBODY, NOBODY)
    with pytest.raises(Refused, match=rf"The file {home}/{name} belongs to another user"):
        make_private(str(home))


def test_a_disk_that_refuses_or_keeps_no_rights_is_refused(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_descriptor: int, _mode: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "fchmod", refuse)
    with pytest.raises(Refused) as refused:
        make_private(str(home))
    assert refused.value.cause == f"{home}: Operation not permitted"
    monkeypatch.setattr(os, "fchmod", lambda _descriptor, _mode: None)
    with pytest.raises(Refused) as refused:
        make_private(str(home))
    assert refused.value.cause == f"its disk keeps no rights: others can open {home}"


def test_a_disk_that_fails_is_said(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_descriptor: int) -> list[str]:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "listdir", fail)
    with pytest.raises(Refused) as refused:
        make_private(str(home))
    assert refused.value.cause == "it cannot be looked at: Input/output error"


def test_what_cannot_be_made_is_left_to_who_claims_it(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert make_private(str(tmp_path / "file" / "home")) == OpenedHome(home=False, names=())


@pytest.mark.parametrize(
    ("names", "level", "words"),
    [
        (("device.key", "lock"), "warning", "could open device.key and lock in /h until now"),
        ((), "info", "could look into /h until now"),
    ],
)
def test_a_person_is_told_what_others_could_open(
    names: tuple[str, ...], level: str, words: str
) -> None:
    tell = notice_of(OpenedHome(True, names), "/h")
    assert (tell.code, tell.level, tell.subject) == ("home_opened", level, "/h")
    assert words in tell.text
