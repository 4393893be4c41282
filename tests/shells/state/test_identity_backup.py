"""Identity backup: the same device again from one file, and nothing that is there is lost.

Strategy: real files and a real index in a temporary folder; scrypt is made cheap.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path

import pytest
from msgspec.msgpack import encode

from potluck.core.errors import DiskTrouble, NotFound, Refused
from potluck.core.group.roster import Roster
from potluck.core.keys import locked
from potluck.core.keys.identity import DeviceKey, short_id
from potluck.core.keys.locked import LOCK_NONCE_BYTES, LOCK_SALT_BYTES, lock
from potluck.engine.group.membership import OUT
from potluck.engine.index import Index
from potluck.engine.index.carried import Carried
from potluck.shells.state.group_copy import write_copy
from potluck.shells.state.home import KEY_NAME, claim_home, device_secret
from potluck.shells.state.identity_backup import Known, back_up, identity_in, restore
from potluck.shells.state.kept_beside import check_whole
from potluck.shells.state.private_home import INDEX_NAME
from tests.engine.builders import group, key

PHRASE = b"amber tiger violin"


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locked, "N_LOG", 4)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """The home of device 2 of a group of three."""
    state = tmp_path / "home"
    state.mkdir(mode=0o700)
    secret = secret_of(2)
    (state / KEY_NAME).write_bytes(secret)
    (state / KEY_NAME).chmod(0o600)
    index = Index.open(str(state / INDEX_NAME))
    index.begin()
    index.roster.replace(group(1, 2, 3).records())
    index.meta.set("group_keys", b"k" * 32)
    index.meta.set("marked", b"1")
    index.commit()
    index.close()
    return state


def secret_of(number: int) -> bytes:
    """The secret that tests/core/fakes.py makes that key of."""
    secret = number.to_bytes(32, "big") + (number + 1000).to_bytes(32, "big")
    assert DeviceKey(secret).device == key(number).device
    return secret


def group_in(state: Path) -> tuple[Roster, bytes | None, bytes | None]:
    index = Index.open(str(state / INDEX_NAME))
    try:
        roster = Roster.replay(index.roster.all())
        return roster, index.meta.get("group_keys"), index.meta.get("marked")
    finally:
        index.close()


def test_a_damaged_index_is_backed_up_from_the_copy_beside_it(home: Path, tmp_path: Path) -> None:
    device, records = key(2).device, group(1, 2, 3).records()
    (home / INDEX_NAME).write_bytes(b"no index" * 999)
    with pytest.raises(DiskTrouble, match="damaged"):
        identity_in(str(home))
    write_copy(str(home), Carried(device, records, {"group_keys": b"k" * 32}))
    path = tmp_path / "backup"
    assert back_up(str(home), str(path), PHRASE) == Known(short_id(device), "d2", "Home", 3)
    restore(str(tmp_path / "new"), str(path), PHRASE, force=False)
    assert group_in(tmp_path / "new")[1] == b"k" * 32


def test_the_same_device_in_the_same_group_comes_out_of_one_file(
    home: Path, tmp_path: Path
) -> None:
    path = tmp_path / "backup"
    known = back_up(str(home), str(path), PHRASE)
    assert known == Known(short_id(key(2).device), "d2", "Home", 3)
    assert path.stat().st_mode & 0o777 == 0o600
    assert secret_of(2) not in path.read_bytes()
    new = tmp_path / "new"
    assert restore(str(new), str(path), PHRASE, force=False).known == known
    assert identity_in(str(new)) == known
    assert device_secret(str(new)) == device_secret(str(home))
    roster, keys, marked = group_in(new)
    assert (roster.group, set(roster.members)) == (
        group(1, 2, 3).group,
        set(group(1, 2, 3).members),
    )
    assert keys == b"k" * 32
    assert marked is None, "what the folder was marked with was on the disk that died"
    assert {each.stat().st_mode & 0o077 for each in new.iterdir()} == {0}


def test_a_device_in_no_group_is_one_all_the_same(tmp_path: Path) -> None:
    secret = device_secret_in(tmp_path / "home")
    known = back_up(str(tmp_path / "home"), str(tmp_path / "backup"), PHRASE)
    assert known == Known(short_id(DeviceKey(secret).device), "", "", 0)
    restore(str(tmp_path / "new"), str(tmp_path / "backup"), PHRASE, force=False)
    assert device_secret(str(tmp_path / "new")) == secret


def device_secret_in(state: Path) -> bytes:
    state.mkdir(mode=0o700)
    return device_secret(str(state))


def test_a_file_that_is_there_is_never_replaced(home: Path, tmp_path: Path) -> None:
    (tmp_path / "backup").write_text("mine")
    with pytest.raises(Refused, match="already"):
        back_up(str(home), str(tmp_path / "backup"), PHRASE)
    assert (tmp_path / "backup").read_text() == "mine"


def test_a_backup_is_not_written_where_it_would_be_shared(home: Path, tmp_path: Path) -> None:
    deep = tmp_path / "pot" / "Shared" / "me" / "deep"
    deep.mkdir(parents=True)
    (tmp_path / "link").symlink_to(deep)
    back_up(str(home), str(deep / "no share yet"), PHRASE)
    (tmp_path / "pot" / ".potluck").mkdir()
    (tmp_path / "pot" / ".potluck" / "marker").write_bytes(b"")
    for place in (deep, tmp_path / "link", deep.parent.parent):
        with pytest.raises(Refused, match="is in a folder that is shared"):
            back_up(str(home), str(place / "backup"), PHRASE)
        assert not (place / "backup").exists()
    back_up(str(home), str(tmp_path / "pot" / "backup"), PHRASE)


def test_a_home_without_an_identity_has_none_to_keep(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        back_up(str(tmp_path / "nothing"), str(tmp_path / "backup"), PHRASE)
    assert not (tmp_path / "nothing").exists()


def test_where_the_file_cannot_be_written_that_is_said(home: Path, tmp_path: Path) -> None:
    with pytest.raises(DiskTrouble, match="cannot be written"):
        back_up(str(home), str(tmp_path / "no" / "backup"), PHRASE)


def test_half_a_file_is_none(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(DiskTrouble, match="No space"):
        back_up(str(home), str(tmp_path / "backup"), PHRASE)
    assert not (tmp_path / "backup").exists()


@pytest.mark.parametrize("what", ["phrase", "bytes", "text"])
def test_what_cannot_be_opened_changes_nothing(home: Path, tmp_path: Path, what: str) -> None:
    path, phrase = tmp_path / "backup", PHRASE
    back_up(str(home), str(path), PHRASE)
    if what == "phrase":
        phrase = b"another one"
    elif what == "bytes":
        held = bytearray(path.read_bytes())
        held[-1] ^= 1
        path.write_bytes(held)
    else:
        path.write_text("dear diary")
    with pytest.raises(Refused) as refused:
        restore(str(tmp_path / "new"), str(path), phrase, force=False)
    assert refused.value.cause
    assert not (tmp_path / "new").exists()


def test_what_was_locked_by_something_else_is_no_identity(tmp_path: Path) -> None:
    salt, nonce = bytes(LOCK_SALT_BYTES), bytes(LOCK_NONCE_BYTES)
    for number, held in enumerate(
        [b"x", encode({"secret": b"", "records": [], "group_keys": b""})]
    ):
        path = tmp_path / str(number)
        path.write_bytes(lock(PHRASE, held, salt, nonce))
        with pytest.raises(Refused):
            restore(str(tmp_path / "new"), str(path), PHRASE, force=False)


def test_a_file_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        restore(str(tmp_path / "new"), str(tmp_path / "backup"), PHRASE, force=False)
    with pytest.raises(DiskTrouble):
        restore(str(tmp_path / "new"), str(tmp_path), PHRASE, force=False)


def test_an_identity_that_is_there_stays_unless_it_is_forced_and_then_beside(
    home: Path, tmp_path: Path
) -> None:
    path, other = tmp_path / "backup", tmp_path / "other"
    back_up(str(home), str(path), PHRASE)
    former = device_secret_in(other)
    with pytest.raises(Refused, match="has an identity"):
        restore(str(other), str(path), PHRASE, force=False)
    assert device_secret(str(other)) == former
    restore(str(other), str(path), PHRASE, force=True)
    restore(str(other), str(path), PHRASE, force=True)
    assert device_secret(str(other)) == device_secret(str(home))
    kept = {each.read_bytes() for each in other.glob(f"{KEY_NAME}.before-*")}
    assert kept == {former, device_secret(str(home))}
    assert len(list(other.glob(f"{INDEX_NAME}.before-*"))) == 1


def test_a_home_on_which_a_potluck_runs_is_refused(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "backup"
    claim = claim_home(str(home))
    back_up(str(home), str(path), PHRASE)  # that is possible while it runs
    with pytest.raises(Refused, match="already running"):
        restore(str(home), str(path), PHRASE, force=True)
    claim.release()


def homes_files(state: Path) -> dict[str, bytes]:
    """What makes that home a device, by name; what SQLite made of nothing counts for nothing."""
    names = [each for each in state.iterdir() if each.name.startswith((KEY_NAME, INDEX_NAME))]
    return {each.name: each.read_bytes() for each in names if each.stat().st_size}


@pytest.mark.parametrize("step", range(6))
def test_a_restore_that_fails_leaves_the_device_that_was_there(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    path, other = tmp_path / "backup", tmp_path / "other"
    back_up(str(home), str(path), PHRASE)
    device_secret_in(other)
    Index.open(str(other / INDEX_NAME)).close()
    before, calls, real = homes_files(other), list[str](), os.replace

    def fail(former: str, name: str) -> None:
        if os.path.lexists(former):
            calls.append(name)
        if len(calls) == step + 1:
            raise OSError(28, "No space left on device", former)
        real(former, name)

    monkeypatch.setattr(os, "replace", fail)
    if step < 5:
        with pytest.raises(DiskTrouble, match="was not restored") as caught:
            restore(str(other), str(path), PHRASE, force=True)
        assert "No space left" in caught.value.cause
        assert "restore-identity" in caught.value.fix
        assert homes_files(other) == before
        check_whole(str(other))
    else:
        restore(str(other), str(path), PHRASE, force=True)
        assert len(calls) == 5, "every step was failed once"


def test_what_is_not_durable_is_not_restored(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, other = tmp_path / "backup", tmp_path / "other"
    back_up(str(home), str(path), PHRASE)
    device_secret_in(other)
    before, real = homes_files(other), os.fsync

    def fail(descriptor: int) -> None:
        if os.fstat(descriptor).st_ino == other.stat().st_ino and list(other.glob("*.before-*")):
            raise OSError(5, "Input/output error")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(DiskTrouble, match="was not restored"):
        restore(str(other), str(path), PHRASE, force=True)
    assert homes_files(other) == before


def test_a_second_try_that_fails_leaves_a_home_that_was_cut_off_as_one(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, other = tmp_path / "backup", tmp_path / "other"
    back_up(str(home), str(path), PHRASE)
    other.mkdir(mode=0o700)
    (other / f"{KEY_NAME}.restoring").write_bytes(b"k")

    def fail(_descriptor: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(DiskTrouble):
            restore(str(other), str(path), PHRASE, force=True)
    with pytest.raises(Refused, match="half restored"):
        check_whole(str(other))
    restore(str(other), str(path), PHRASE, force=True)
    check_whole(str(other))


def test_a_key_that_cannot_be_written_leaves_the_device_that_was_there(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, other = tmp_path / "backup", tmp_path / "other"
    back_up(str(home), str(path), PHRASE)
    device_secret_in(other)
    before, real = homes_files(other), os.fsync

    def fail(descriptor: int) -> None:
        if KEY_NAME in os.readlink(f"/proc/self/fd/{descriptor}"):
            raise OSError(28, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(DiskTrouble, match="was not restored"):
        restore(str(other), str(path), PHRASE, force=True)
    assert homes_files(other) == before


@pytest.mark.parametrize("step", range(5))
def test_where_a_restore_was_cut_off_no_device_starts_before_it_is_done_again(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    class CutOff(BaseException):
        """The power went."""

    path, other = tmp_path / "backup", tmp_path / "other"
    back_up(str(home), str(path), PHRASE)
    former = device_secret_in(other)
    Index.open(str(other / INDEX_NAME)).close()
    calls, real = list[str](), os.replace

    def cut(former: str, name: str) -> None:
        if len(calls) == step:
            raise CutOff
        if os.path.lexists(former):
            calls.append(name)
        real(former, name)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", cut)
        patch.setattr(ExitStack, "__exit__", lambda *_exc: False)  # nothing is undone
        with pytest.raises(CutOff):
            restore(str(other), str(path), PHRASE, force=True)
    if step > 1:  # the one before takes the key away
        with pytest.raises(Refused, match="half restored") as refused:
            check_whole(str(other))
        assert "restore-identity FILE --force" in refused.value.fix
    restore(str(other), str(path), PHRASE, force=True)
    check_whole(str(other))
    assert device_secret(str(other)) == secret_of(2)
    assert group_in(other)[0].group == group(1, 2, 3).group
    assert former in homes_files(other).values()


def test_a_restored_home_is_private_and_so_is_what_is_kept_there(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, other = tmp_path / "backup", tmp_path / "other"
    back_up(str(home), str(path), PHRASE)
    device_secret_in(other)
    Index.open(str(other / INDEX_NAME)).close()
    (other / INDEX_NAME).chmod(0o644)
    other.chmod(0o755)
    modes, real = set[int](), os.replace

    def watch(former: str, name: str) -> None:
        modes.update(each.stat().st_mode & 0o777 for each in other.iterdir())
        real(former, name)

    monkeypatch.setattr(os, "replace", watch)
    before = os.umask(0o022)
    try:
        done = restore(str(other), str(path), PHRASE, force=True)
    finally:
        os.umask(before)
    assert other.stat().st_mode & 0o777 == 0o700
    assert done.was_open == (True, (INDEX_NAME,))
    assert modes == {0o600}, "not even for a moment is anything open to others"
    assert {each.stat().st_mode & 0o777 for each in other.iterdir()} == {0o600}
    assert sorted(done.kept) == sorted(each.name for each in other.glob("*.before-*"))


def test_an_empty_index_that_a_start_made_is_no_identity(home: Path, tmp_path: Path) -> None:
    path, new = tmp_path / "backup", tmp_path / "new"
    back_up(str(home), str(path), PHRASE)
    new.mkdir(mode=0o700)
    (new / INDEX_NAME).touch()
    assert identity_in(str(new)) is None
    assert restore(str(new), str(path), PHRASE, force=False).kept == ()


def test_what_a_name_would_do_to_a_screen_is_shown_and_not_done(home: Path, tmp_path: Path) -> None:
    strange = str(tmp_path / "\x1b[31mno" / "b")
    for act in (
        lambda: restore(str(home), strange, PHRASE, force=True),
        lambda: back_up(str(home), strange, PHRASE),
    ):
        with pytest.raises((NotFound, DiskTrouble)) as caught:
            act()
        assert "\x1b" not in str(caught.value)


def test_an_identity_that_was_given_up_is_none_and_is_not_kept(home: Path, tmp_path: Path) -> None:
    """Its backup made the second machine again that a person had just ended."""
    index = Index.open(str(home / INDEX_NAME))
    index.begin()
    index.meta.set(OUT, b"which got a new identity here")
    index.commit()
    index.close()
    assert identity_in(str(home)) is None
    with pytest.raises(Refused) as refused:
        back_up(str(home), str(tmp_path / "backup"), PHRASE)
    assert "was given up" in str(refused.value)
    assert not (tmp_path / "backup").exists()
