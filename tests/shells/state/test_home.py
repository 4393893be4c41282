"""Homes: one claim at a time, a key that is whole or not there, a socket path that fits, and checks
with a way out.
"""

from __future__ import annotations

import errno
import multiprocessing
import os
import socket
import stat
from pathlib import Path
from types import SimpleNamespace

import pytest

from potluck.core.errors import DiskTrouble, Refused, UsageError
from potluck.shells.state import home as module
from potluck.shells.state.home import AlreadyRunning


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_everything_lies_under_a_home(tmp_path: Path) -> None:
    place = module.home_paths(str(tmp_path))
    assert Path(place.config_file).parent == Path(place.state_dir) == tmp_path
    assert place.folder == str(tmp_path / "Potluck")
    assert module.home_paths(None).folder is None


def test_a_second_claim_names_the_first_process(tmp_path: Path) -> None:
    home = tmp_path / "home"
    held = module.claim_home(str(home))
    assert mode(home) == 0o700
    assert module.holder_of(str(home)) == os.getpid()
    with pytest.raises(AlreadyRunning) as caught:
        module.claim_home(str(home))
    assert f"process {os.getpid()}" in caught.value.what
    assert "--home" in caught.value.fix
    held.release()
    held.release()
    assert module.holder_of(str(home)) is None
    module.claim_home(str(home)).release()


def test_a_disk_that_fails_when_a_claim_is_given_back_ends_nothing(tmp_path, monkeypatch):
    held, closed = module.claim_home(str(tmp_path)), []

    def fail(descriptor):
        closed.append(descriptor)
        raise OSError(errno.ESTALE, "Stale file handle")

    with monkeypatch.context() as patch:
        patch.setattr(os, "close", fail)
        held.release()
    assert "held=False" in repr(held)
    os.close(*closed)


def test_where_nobody_knows_a_home_the_way_out_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    import platformdirs

    def lost(_name: str) -> str:
        raise RuntimeError("could not determine the home directory")

    monkeypatch.delenv("HOME", raising=False)
    for odd in (lost, lambda _name: "relative"):
        monkeypatch.setattr(platformdirs, "user_config_dir", odd)
        with pytest.raises(UsageError) as caught:
            module.home_paths(None)
        assert "--home DIR" in caught.value.fix
        assert str(os.geteuid()) in caught.value.cause


@pytest.mark.parametrize("home", ["/home/anna", "/home/anna/", "/", "", "relative", None])
@pytest.mark.parametrize("xdg", ["/elsewhere", "/elsewhere/", "relative", "", None])
def test_the_usual_places_are_those_of_the_platform(
    home: str | None, xdg: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    import platformdirs

    for name, value in (("HOME", home), ("XDG_CONFIG_HOME", xdg), ("XDG_STATE_HOME", xdg)):
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            monkeypatch.setenv(name, value)
    place = module.home_paths(None)
    assert place.state_dir == platformdirs.user_state_dir("potluck")
    assert Path(place.config_file).parent == Path(platformdirs.user_config_dir("potluck"))


def test_a_folder_is_shared_by_one_potluck_whatever_its_home(tmp_path: Path) -> None:
    folder = tmp_path / "Potluck"
    folder.mkdir()
    held = module.claim_folder(str(folder), "/first/home")
    assert mode(folder / ".potluck") == 0o700
    with pytest.raises(AlreadyRunning) as caught:
        module.claim_folder(str(folder), "/second/home")
    assert f"process {os.getpid()}" in caught.value.what
    assert str(folder) in caught.value.what
    assert "/first/home" in caught.value.cause
    assert "potluck --home /first/home down" in caught.value.fix
    held.release()
    module.claim_folder(str(folder), "/second/home").release()
    again = module.claim_folder(str(folder), "h")
    (folder / ".potluck" / "lock").write_text("")
    with pytest.raises(AlreadyRunning, match="another process"):
        module.claim_folder(str(folder), "i")
    again.release()


def test_a_folder_that_cannot_be_claimed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DiskTrouble, match="cannot be used"):
        module.claim_folder(str(tmp_path / "file"), "h")
    (tmp_path / "f").mkdir()
    (tmp_path / "f" / ".potluck").symlink_to(tmp_path)
    module.claim_folder(str(tmp_path / "f"), "h").release()
    assert not (tmp_path / "lock").exists(), "a link is not followed"
    (tmp_path / "g").mkdir()

    def no_locks(_descriptor: int, _how: int) -> None:
        raise OSError(95, "not supported")

    monkeypatch.setattr("fcntl.flock", no_locks)
    module.claim_folder(str(tmp_path / "g"), "h").release()
    module.claim_folder(str(tmp_path / "g"), "i").release()


def _claim_and_die(home: str) -> None:
    module.claim_home(home)
    os._exit(1)


def test_a_crash_leaves_no_claim(tmp_path: Path) -> None:
    process = multiprocessing.get_context("fork").Process(
        target=_claim_and_die, args=(str(tmp_path),)
    )
    process.start()
    process.join(10)
    assert module.holder_of(str(tmp_path)) is None
    module.claim_home(str(tmp_path)).release()


def test_a_home_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DiskTrouble, match="cannot be used"):
        module.claim_home(str(tmp_path / "file" / "home"))
    assert module.holder_of(str(tmp_path / "nowhere")) is None


def test_a_key_is_made_once_and_is_ours_alone(tmp_path: Path) -> None:
    secret = module.device_secret(str(tmp_path))
    assert len(secret) == module.SECRET_BYTES
    assert module.device_secret(str(tmp_path)) == secret
    assert mode(tmp_path / "device.key") == 0o600
    assert os.listdir(tmp_path) == ["device.key"]


def test_a_key_that_appears_meanwhile_wins(tmp_path: Path) -> None:
    fresh = tmp_path / f"device.key.{os.getpid()}.new"
    fresh.write_bytes(b"torn")  # an earlier start with this process id was cut off
    first = module.device_secret(str(tmp_path))
    module._write_secret(str(tmp_path), str(tmp_path / "device.key"))
    assert module.device_secret(str(tmp_path)) == first
    assert not fresh.exists()


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    module.device_secret(str(tmp_path))
    (tmp_path / "device.key").chmod(0o640)
    with pytest.raises(Refused) as caught:
        module.device_secret(str(tmp_path))
    assert caught.value.fix.startswith("chmod 600")


def test_a_damaged_key_is_never_replaced(tmp_path: Path) -> None:
    key = tmp_path / "device.key"
    key.write_bytes(b"short")
    key.chmod(0o600)
    with pytest.raises(DiskTrouble, match="5 bytes instead of 64"):
        module.device_secret(str(tmp_path))
    assert key.read_bytes() == b"short"


def test_a_key_that_cannot_be_read_or_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "device.key").symlink_to("elsewhere")
    with pytest.raises(DiskTrouble, match="cannot be read"):
        module.device_secret(str(tmp_path))
    with pytest.raises(DiskTrouble, match="cannot be written"):
        module.device_secret(str(tmp_path / "missing"))


def test_a_short_home_holds_its_own_socket(tmp_path: Path) -> None:
    assert module.socket_candidates("/short") == ("/short/control.sock",)
    assert module.socket_to_serve("/short") == "/short/control.sock"


def test_a_deep_home_gets_a_short_hashed_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = str(tmp_path / ("d" * 120))
    candidates = module.socket_candidates(deep)
    assert all(len(path) <= module.SOCKET_PATH_BYTES for path in candidates)
    assert candidates != module.socket_candidates(deep + "x")
    folders = (tmp_path / "no" / "runtime" / "s", tmp_path / "own" / "s")
    monkeypatch.setattr(module, "socket_candidates", lambda _: tuple(str(path) for path in folders))
    chosen = Path(module.socket_to_serve(deep))
    assert chosen == folders[1]
    assert mode(chosen.parent) == 0o700
    assert module.socket_to_serve(deep) == str(chosen)
    chosen.parent.chmod(0o755)
    with pytest.raises(Refused, match="no safe place"):
        module.socket_to_serve(deep)


def test_a_folder_is_made_and_tried(tmp_path: Path) -> None:
    module.prepare_folder(str(tmp_path / "a" / "b"))
    assert os.listdir(tmp_path / "a" / "b") == []


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(DiskTrouble) as caught:
            module.prepare_folder(str(path))
        assert "up FOLDER" in caught.value.fix


def test_a_folder_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    with pytest.raises(DiskTrouble, match=r"cannot be written: Permission denied\."):
        module.prepare_folder(str(tmp_path))


@pytest.mark.parametrize(
    ("number", "free_inodes", "cause", "command"),
    [
        (errno.ENOSPC, 5, "that disk is full", "df -h"),
        (errno.ENOSPC, 0, "that disk has no inodes left: it holds too many files", "df -i"),
        (errno.EROFS, 5, "that disk is read-only", "findmnt -T"),
        (errno.EDQUOT, 5, "your quota on that disk is used up", "quota -s"),
    ],
)
def test_what_is_used_up_is_named_with_a_place_that_is_there(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    free_inodes: int,
    cause: str,
    command: str,
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    parent = tmp_path / "my disk"
    parent.mkdir()
    real = os.statvfs(parent)
    filled = SimpleNamespace(f_files=real.f_files or 10, f_favail=free_inodes)
    monkeypatch.setattr(os, "statvfs", lambda _path: filled)
    monkeypatch.setattr(os, "makedirs", refuse)
    for act in (module.claim_home, module.prepare_folder):
        with pytest.raises(DiskTrouble) as caught:
            act(str(parent / "new" / "deep"))
        where = "" if command == "quota -s" else f" '{parent}'"
        assert (caught.value.cause, caught.value.fix) == (cause, command + where)


def test_a_disk_that_says_no_more_than_that_is_called_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "makedirs", refuse)
    monkeypatch.setattr(os, "statvfs", refuse)
    with pytest.raises(DiskTrouble) as caught:
        module.prepare_folder(str(tmp_path / "x"))
    assert caught.value.cause == "that disk is full"


def test_a_home_on_a_full_disk_is_claimed_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", refuse)
    held = module.claim_home(str(tmp_path))
    assert module.holder_of(str(tmp_path)) == 0, "somebody, and nobody knows who"
    held.release()


def test_an_interface_that_is_not_there_gets_a_suggestion() -> None:
    loopback = socket.if_nameindex()[0][1]
    module.check_interfaces((loopback,))
    with pytest.raises(UsageError) as caught:
        module.check_interfaces((loopback + "x",))
    assert caught.value.fix == f"did you mean {loopback}?"
    with pytest.raises(UsageError) as caught:
        module.check_interfaces(("-----",))
    assert "all are used without it" in caught.value.fix


def test_what_lies_in_a_folder_that_never_was_a_share_is_counted(tmp_path: Path) -> None:
    assert module.files_outside(str(tmp_path / "none")) == 0
    for name in ("Shared", ".potluck", "Put aside", "lost+found", "photos"):
        (tmp_path / name).mkdir()
    (tmp_path / "letter.txt").touch()
    assert module.files_outside(str(tmp_path)) == 2
    (tmp_path / ".potluck" / "marker").touch()
    assert module.files_outside(str(tmp_path)) == 0
