"""The commands `backup-identity` and `restore-identity`: this device once more after its disk died.

Strategy: they read and write the home themselves, so they work with no potluck running
(shells/state/identity_backup.py says what is in the file). The passphrase is typed twice, unseen,
or stands in the first line of a file; it is never a word of the command line, which others can see.

Guarantees: what was done is said, and what it means: one identity, one machine at a time. No error
has a letter of the passphrase. Limits: one that is forgotten opens nothing, and nobody can help.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from potluck.core.errors import DiskTrouble, NotFound, UsageError
from potluck.faces.cli.output import command, is_terminal, say
from potluck.faces.text import shown
from potluck.shells.state import identity_backup
from potluck.shells.state.home import home_paths
from potluck.shells.state.identity_backup import Known
from potluck.shells.state.private_home import notice_of

PASSPHRASE_CHARACTERS = 8  # fewer are tried out in a day
PASSPHRASE_BYTES = 4096  # of the file of one; more is no passphrase but another file
ONE_MACHINE = "Two machines must not run with one identity at the same time."

passphrase_option = click.option(
    "--passphrase-file", metavar="FILE", help="Read the passphrase from its first line."
)


@click.command("backup-identity")
@click.argument("path", metavar="FILE")
@passphrase_option
@click.pass_obj
def backup_identity(shared: dict[str, Any], path: str, passphrase_file: str | None) -> None:
    """Write what makes this device itself to FILE, locked by a passphrase."""
    _check_name("backup-identity", path)
    phrase = _phrase("backup-identity", passphrase_file)
    if len(phrase) < PASSPHRASE_CHARACTERS:
        raise UsageError(
            "That passphrase is too short.",
            f"whoever finds the file can try: take {PASSPHRASE_CHARACTERS} characters or more",
            command("backup-identity FILE"),
        )
    known = identity_backup.back_up(home_paths(shared["home"]).state_dir, path, phrase.encode())
    say(
        f"The identity of {_who(known)} is in {shown(path)}, locked by your passphrase.",
        "Keep both, apart from this machine. The files are not in it: the others have them.",
        f"If this machine is lost: {command('restore-identity FILE')}",
    )


@click.command("restore-identity")
@click.argument("path", metavar="FILE")
@passphrase_option
@click.option("--force", is_flag=True, help="Also where an identity is; it is kept beside.")
@click.pass_obj
def restore_identity(
    shared: dict[str, Any], path: str, passphrase_file: str | None, force: bool
) -> None:
    """Make this machine the device that FILE is a backup of."""
    _check_name("restore-identity", path)
    phrase = _phrase("restore-identity", passphrase_file)
    state_dir = home_paths(shared["home"]).state_dir
    done = identity_backup.restore(state_dir, path, phrase.encode(), force=force)
    if done.was_open.home:
        say(f"! {shown(notice_of(done.was_open, state_dir).text)}")
    if done.kept:
        say(f"What was there is kept in {shown(state_dir)}: {', '.join(done.kept)}.")
    say(
        f"This machine is {_who(done.known)} now. {ONE_MACHINE}",
        "What it shared is still with the others, who delete nothing of it; here its folder begins "
        "with what you put there.",
        f"Start it: {command('up')}",
    )


def _who(known: Known) -> str:
    if not known.label:
        return f"the device {known.device}, which is in no group"
    return f"{shown(known.label)} ({known.device}) of {shown(known.group)}"


def _check_name(name: str, path: str) -> None:
    """Refuse what names no file here; raises UsageError."""
    fix = command(f"{name} FILE")
    if not path:
        raise UsageError("No file is named.", "the name is empty", fix)
    if path == "-":
        why = "a backup is a file that is kept, and is not sent down a pipe"
        raise UsageError("“-” is no name for a backup.", why, f"{fix} (./- if it is called so)")


def _phrase(name: str, path: str | None) -> str:
    """Return what is typed, or stands in that file, for that command; raises PotluckError."""
    fix = command(f"{name} FILE --passphrase-file FILE")
    return _read(path, fix) if path else _typed(fix, twice=name == "backup-identity")


def _typed(fix: str, *, twice: bool) -> str:
    if not is_terminal():
        raise UsageError("Nobody can type a passphrase here.", "this is no terminal", fix)
    try:
        phrase: str = click.prompt(
            "Passphrase", hide_input=True, confirmation_prompt=twice, err=True, type=str
        )
        phrase.encode()  # a terminal of another encoding gives halves of letters
    except UnicodeError:
        why = "it is not text in UTF-8, which the passphrase is to be"
        raise UsageError("What was typed is no passphrase.", why, fix) from None
    return phrase


def _read(path: str, fix: str) -> str:
    try:
        with Path(path).open("rb") as file:
            line = file.read(PASSPHRASE_BYTES + 2).partition(b"\n")[0].rstrip(b"\r")
        if len(line) > PASSPHRASE_BYTES:
            what = f"The first line of {shown(path)} is too long for a passphrase."
            why = f"it is longer than {PASSPHRASE_BYTES} bytes: it may be another file"
            raise UsageError(what, why, fix)
        return line.decode()
    except FileNotFoundError as error:
        raise NotFound(f"There is no file {shown(path)}.", "its name was mistyped", fix) from error
    except UnicodeDecodeError as error:
        why = "its first line, the passphrase, is to be UTF-8"
        raise UsageError(f"{shown(path)} is no text.", why, fix) from error
    except OSError as error:
        what = f"{shown(path)} cannot be read: {error.strerror}."
        raise DiskTrouble(what, "it is no file, or it is not yours", fix) from error
