"""`backup-identity` and `restore-identity`: what is typed, and what is never shown."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click
import pytest

from potluck.core.keys import locked
from potluck.faces.cli import identity
from potluck.faces.cli.identity import ONE_MACHINE, PASSPHRASE_BYTES
from potluck.faces.cli.main import run_command
from potluck.shells.state.home import device_secret
from potluck.shells.state.identity_backup import Known

Call = Callable[..., tuple[int, str, str]]
PHRASE = "amber tiger violin"


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locked, "N_LOG", 4)


@pytest.fixture
def potluck(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Call:
    def call(home: str, *words: object) -> tuple[int, str, str]:
        code = run_command(["--home", str(tmp_path / home), *map(str, words)])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


@pytest.fixture
def phrase(tmp_path: Path) -> Path:
    path = tmp_path / "phrase"
    path.write_text(f"{PHRASE}\nmore\n")
    return path


@pytest.fixture
def made(tmp_path: Path) -> bytes:
    (tmp_path / "home").mkdir(mode=0o700)
    return device_secret(str(tmp_path / "home"))


def test_a_device_is_backed_up_and_restored(
    potluck: Call, tmp_path: Path, phrase: Path, made: bytes
) -> None:
    path = tmp_path / "backup"
    code, said, _ = potluck("home", "backup-identity", path, "--passphrase-file", phrase)
    assert code == 0
    assert "which is in no group" in said
    assert PHRASE not in said
    code, said, _ = potluck("new", "restore-identity", path, "--passphrase-file", phrase)
    assert code == 0
    assert ONE_MACHINE in said
    assert device_secret(str(tmp_path / "new")) == made
    code, _, said = potluck("new", "restore-identity", path, "--passphrase-file", phrase)
    assert code == 5
    assert "--force" in said
    (tmp_path / "new").chmod(0o755)
    words = ("restore-identity", path, "--passphrase-file", phrase, "--force")
    code, said, _ = potluck("new", *words)
    assert code == 0
    kept = sorted(each.name for each in (tmp_path / "new").glob("*.before-*"))
    assert len(kept) == 2
    assert f"What was there is kept in {tmp_path}/new: {', '.join(kept)}." in said
    assert "! others on this machine could look into" in said


def test_a_passphrase_is_typed_twice_unseen(
    potluck: Call, tmp_path: Path, made: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, object]] = []

    def prompt(_text: str, **how: object) -> str:
        asked.append(how)
        return PHRASE

    monkeypatch.setattr(identity, "is_terminal", lambda: True)
    monkeypatch.setattr(click, "prompt", prompt)
    assert potluck("home", "backup-identity", tmp_path / "backup")[0] == 0
    assert potluck("new", "restore-identity", tmp_path / "backup")[0] == 0
    assert [(how["hide_input"], how["confirmation_prompt"]) for how in asked] == [
        (True, True),
        (True, False),
    ]


def test_without_a_terminal_a_file_is_needed(potluck: Call, tmp_path: Path, made: bytes) -> None:
    code, _, said = potluck("home", "backup-identity", tmp_path / "backup")
    assert code == 2
    assert "--passphrase-file" in said


@pytest.mark.parametrize(
    ("held", "code"), [(None, 7), (b"short\n", 2), (b"\xff\xfe\n", 2), ("folder", 8)]
)
def test_a_passphrase_that_is_none_is_refused(
    potluck: Call, tmp_path: Path, made: bytes, held: bytes | str | None, code: int
) -> None:
    phrase = tmp_path / "p"
    if isinstance(held, bytes):
        phrase.write_bytes(held)
    elif held:
        phrase.mkdir()
    ended, _, said = potluck(
        "home", "backup-identity", tmp_path / "backup", "--passphrase-file", phrase
    )
    assert (ended, bool(said)) == (code, True)
    assert not (tmp_path / "backup").exists()


def test_a_passphrase_is_taken_whole_or_not_at_all(
    potluck: Call, tmp_path: Path, made: bytes
) -> None:
    phrase, backup = tmp_path / "p", tmp_path / "backup"
    said = []
    for extra, ended in ((b"", 0), (b"x", 2)):
        phrase.write_bytes(b"p" * PASSPHRASE_BYTES + extra + b"\r\nmore")
        code, _, error = potluck("home", "backup-identity", backup, "--passphrase-file", phrase)
        assert (code, backup.exists()) == (ended, not ended)
        backup.unlink(missing_ok=True)
        said.append(error)
    assert "longer than 4096 bytes" in said[1]


@pytest.mark.parametrize("name", ["backup-identity", "restore-identity"])
def test_what_names_no_file_is_a_usage_error(
    potluck: Call, phrase: Path, made: bytes, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(phrase.parent)
    for path, what in (("", "No file is named."), ("-", "“-” is no name for a backup.")):
        code, _, said = potluck("home", name, "--passphrase-file", phrase, "--", path)
        assert (code, what in said, "  why:  " in said) == (2, True, True)
        assert f"{name} FILE" in said
    assert not (phrase.parent / "-").exists()


def test_a_group_is_named(potluck: Call) -> None:
    known = Known("AB2C-D", "anna", "Home", 3)
    assert identity._who(known) == "anna (AB2C-D) of Home"


@pytest.mark.parametrize("name", ["backup-identity", "restore-identity"])
def test_each_error_has_three_parts_and_names_its_own_command(
    potluck: Call, tmp_path: Path, made: bytes, name: str
) -> None:
    no_text = tmp_path / "no-text"
    no_text.write_bytes(b"\xff\xfe")
    wrong = {
        tmp_path / "none": "There is no file",
        no_text: "is no text.",
        tmp_path: "cannot be read: Is a directory.",
    }
    said = {path: potluck("home", name, "F", "--passphrase-file", path)[2] for path in wrong}
    said[Path()] = potluck("home", name, "F")[2]
    for path, error in said.items():
        first, why, *steps = error.splitlines()
        assert wrong.get(path, "Nobody can type a passphrase here.") in first
        assert why.startswith("  why:  ")
        assert steps[0].startswith("  next:")
        assert steps[-1].endswith(f" {name} FILE --passphrase-file FILE")


def test_a_backup_that_cannot_be_read_is_told_in_three_parts(
    potluck: Call, tmp_path: Path, phrase: Path
) -> None:
    for path in (tmp_path / "none", tmp_path):
        error = potluck("new", "restore-identity", path, "--passphrase-file", phrase)[2]
        assert "  why:  " in error
        assert error.splitlines()[-1].endswith("restore-identity FILE")


@pytest.mark.parametrize("error_at", ["read", "encode"])
@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_letter_of_another_encoding_is_refused_and_nothing_typed_is_shown(
    potluck: Call,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error_at: str,
    options: tuple[str, ...],
) -> None:
    def prompt(_text: str, **_how: object) -> str:
        if error_at == "read":  # as getpass does where the terminal is said to be UTF-8
            raise UnicodeDecodeError("utf-8", b"gar\xe7on-sesame\n", 3, 4, "odd")
        return "gar\udce7on-sesame"  # and where it is said to be ASCII

    monkeypatch.setattr(identity, "is_terminal", lambda: True)
    monkeypatch.setattr(click, "prompt", prompt)
    for command in ("backup-identity", "restore-identity"):
        code, out, err = potluck("home", *options, command, tmp_path / "backup")
        assert code == 2
        assert "no passphrase" in out + err
        assert "sesame" not in out + err
        assert f"{command} FILE --passphrase-file FILE" in out + err
